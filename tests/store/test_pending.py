import trio
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.store.kit import in_virtual_time, record
from wagman.store.event import Lasting, Ref
from wagman.store.limits import MAX_BATCH_BYTES
from wagman.store.pending import Pending, Receipt, Ring, Unit, memory_of, resolve


def unit(number: int, events: int = 1, size: int = 2, **memory: str | None) -> Unit:
    waiting = Pending(record(number, "x" * size), None)
    return Unit((waiting,) * events, memory, Receipt(()))


def numbers(units: list[Unit]) -> list[int | None]:
    return [each.event.id for unit in units for each in unit.events]


SIZES = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 8000)), max_size=80)


@given(SIZES)
def test_units_come_out_whole_in_their_order_and_in_bounded_batches(sizes: list[tuple[int, int]]) -> None:
    ring = Ring()
    units = [unit(number, events, size) for number, (events, size) in enumerate(sizes)]
    for each in units:
        ring.push(each)
    taken: list[Unit] = []
    while ring:
        some = ring.take()
        assert len(some) == 1 or sum(each.size for each in some) <= MAX_BATCH_BYTES
        taken += some
    assert taken == units
    assert ring.take() == []


@given(SIZES, st.integers(1, 20), st.integers(20_000, 60_000))
def test_a_full_ring_drops_the_oldest_and_counts_them(sizes: list[tuple[int, int]], max_events: int, max_bytes: int) -> None:
    ring = Ring(max_events, max_bytes)
    for number, (events, size) in enumerate(sizes):
        ring.push(unit(number, events, size))
        assert sum(len(each.events) for each in ring) <= max_events
        assert sum(each.size for each in ring) <= max_bytes
    pushed = [number for number, (events, _) in enumerate(sizes) for _ in range(events)]
    assert numbers(list(ring)) == pushed[ring.dropped :]


def test_state_is_never_dropped_only_overtaken() -> None:
    ring = Ring(max_events=2)
    ring.push(unit(1, gn="1", cs="1"))
    ring.push(unit(2, gn="2"))
    ring.push(unit(3))
    ring.push(unit(4, gn=None))
    assert ring.dropped == 2
    assert memory_of(ring.take()) == {"gn": None, "cs": "1"}


def test_state_that_was_overtaken_is_written_in_bounded_batches_and_before_the_rest() -> None:
    ring = Ring()
    state = {f"device.guest{number}": "x" * 1000 for number in range(500)}
    ring.overtake(state)
    ring.push(unit(1, gn="new"))
    written: dict[str, Lasting] = {}
    while ring:
        some = ring.take()
        assert sum(each.size for each in some) <= MAX_BATCH_BYTES
        written |= memory_of(some)
        assert numbers(some) == [] or written.keys() >= state.keys()
    assert written == {**state, "gn": "new"}


def test_state_that_was_overtaken_is_written_before_the_rest() -> None:
    ring = Ring()
    ring.push(unit(1, gn="new"))
    ring.overtake({"gn": "old", "cs": "1"})
    assert memory_of(ring.take()) == {"gn": "new", "cs": "1"}
    assert not ring


def test_a_cause_is_an_id_or_what_a_ref_became_in_this_log() -> None:
    assert resolve(None, "a") is None
    assert resolve(3, "a") == 3
    assert resolve(Ref(4, "a"), "a") == 4
    assert resolve(Ref(4, "b"), "a") is None


def test_a_provisional_event_has_no_id_and_knows_a_cause_that_was_committed() -> None:
    waiting = Pending(evolve(record(1), id=None), Ref(4, "a"))
    assert (waiting.provisional("a").id, waiting.provisional("a").cause) == (None, 4)


def test_a_receipt_settles_when_it_is_decided_or_the_time_is_over() -> None:
    async def body() -> None:
        receipt = Receipt(())
        assert not await receipt.settled(5.0)
        assert trio.current_time() >= 5.0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: decide_later(receipt))
            assert await receipt.settled(60.0)
        assert trio.current_time() < 8.0

    async def decide_later(receipt: Receipt) -> None:
        await trio.sleep(1.0)
        receipt.decide(durable=True)

    in_virtual_time(body)
