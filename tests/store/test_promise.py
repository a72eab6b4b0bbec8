"""No event that was shown is lost, torn, duplicated or reordered in the log, whatever the disk and the power do."""

from typing import Any

import pytest
import trio
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.kit import FaultyStore, everything, in_virtual_time, journal_at, namer, opened, record
from wagman.model.facts import Draft
from wagman.store import Event, Journal, Lagged, Receipt, Ref, Subscription
from wagman.store.batch import Batch
from wagman.store.limits import MIN_BYTES, Limits
from wagman.store.pending import Ring


@define(eq=False)
class Witness:
    """What was seen from outside, over all runs of the service."""

    numbers: int = 0  # the last one that was recorded
    durable: dict[int, Event] = field(factory=dict)  # what a subscriber was shown, by id
    settled: list[tuple[int, Receipt]] = field(factory=list)  # with the number that its state had
    gaps: int = 0

    async def watch(self, subscription: Subscription, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        async for item in subscription:
            if isinstance(item, Lagged):
                self.gaps += 1
            elif item.id is not None:
                assert item.id not in self.durable
                self.durable[item.id] = item

    def record(self, journal: Journal, count: int, cause: Ref | None) -> Ref | None:
        drafts = []
        for _ in range(count):
            self.numbers += 1
            drafts.append((Draft("device.started", "gn", {"n": self.numbers}), cause))
        receipt = journal.record(drafts, {"n": self.numbers})
        self.settled.append((self.numbers, receipt))
        return receipt.refs[-1] if receipt.refs else cause

    def acknowledged(self) -> int:
        return max((number for number, receipt in self.settled if receipt.durable), default=0)


async def live(store: FaultyStore, witness: Witness, steps: list[tuple[str, int]], *, killed: bool) -> None:
    """One run of the service."""
    async with journal_at(store, ring=Ring(max_events=40), collapse={"link.down"}) as (journal, told):
        with journal.subscribe() as subscription:
            async with trio.open_nursery() as nursery:
                await nursery.start(witness.watch, subscription)
                cause: Ref | None = None
                for step, amount in steps:
                    if step == "record":
                        cause = witness.record(journal, amount % 6, cause)
                    elif step == "wait":
                        await trio.sleep(amount)
                    elif step == "fail":
                        store.fault = "broken"
                    elif step == "deafen":
                        store.deaf = True
                    elif step == "drop the file":
                        store.close()
                    else:
                        store.fault, store.deaf = None, False
                if killed:
                    store.sever()
                else:
                    store.fault, store.deaf = None, False
                    await trio.sleep(200.0)
                    assert journal.broken is None
                    assert told[-1].durable or journal.last_id
                nursery.cancel_scope.cancel()


STEP = st.tuples(
    st.sampled_from(["record", "record", "record", "wait", "fail", "deafen", "drop the file", "mend"]), st.integers(0, 30)
)
RUNS = st.lists(st.tuples(st.lists(STEP, max_size=20), st.booleans()), min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(RUNS, st.random_module())
def test_what_was_shown_is_in_the_log_once_whole_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, runs: Any, random_module: Any
) -> None:
    path = tmp_path_factory.mktemp("log") / "wagman.db"
    limits, names, witness = Limits(100_000, MIN_BYTES), namer(), Witness()

    async def body() -> None:
        for steps, killed in runs:
            await live(FaultyStore(path, limits, new_log_id=names), witness, steps, killed=killed)

    in_virtual_time(body)
    with opened(path, limits) as (store, found):
        log = everything(store)
    assert found.log_id == "log-1"
    assert [event.id for event in log] == list(range(1, len(log) + 1))
    assert witness.gaps == 0
    for number, event in witness.durable.items():
        assert log[number - 1] == event
    numbers = [event.fields["n"] for event in log if event.type == "device.started"]
    assert numbers == sorted(set(numbers))
    assert int(found.memory.get("n", 0)) >= witness.acknowledged()
    assert all(event.cause is None or log[event.cause - 1].type == "device.started" for event in log)


@settings(max_examples=60, deadline=None)
@given(RUNS)
def test_a_run_that_ends_in_order_leaves_everything_in_the_log_but_what_it_said_was_dropped(
    tmp_path_factory: pytest.TempPathFactory, runs: Any
) -> None:
    path = tmp_path_factory.mktemp("log") / "wagman.db"
    witness = Witness()

    async def body() -> None:
        for steps, _ in runs:
            await live(FaultyStore(path, Limits(100_000, MIN_BYTES), new_log_id=namer()), witness, steps, killed=False)

    in_virtual_time(body)
    with opened(path) as (store, found):
        log = everything(store)
    present = sum(event.type == "device.started" for event in log)
    dropped = sum(event.fields["count"] for event in log if event.type == "store.dropped")
    assert present <= witness.numbers <= present + dropped
    assert int(found.memory.get("n", 0)) == witness.numbers


@settings(deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=10), st.data())
def test_repeating_any_commit_that_was_made_last_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], data: st.DataObject
) -> None:
    with opened(tmp_path_factory.mktemp("log") / "wagman.db", Limits(data.draw(st.integers(1, 20)), MIN_BYTES)) as (store, _):
        last = 0
        for size in sizes:
            batch = Batch([record(number) for number in range(last + 1, last + size + 1)], {"n": str(last)})
            last += size
            held = store.commit(batch)
            for _ in range(data.draw(st.integers(0, 2))):
                if data.draw(st.booleans()):
                    store.close()
                    store.open()
                assert store.commit(batch) == held
