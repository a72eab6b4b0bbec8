import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.store.kit import (
    ELSEWHERE,
    NOON,
    batch,
    draft,
    elsewhere,
    everything,
    faulty_at,
    in_virtual_time,
    journal_at,
    opened,
    raw,
    store_at,
    types,
)
from wagman.model.errors import StoreError
from wagman.model.facts import Draft
from wagman.store import PREVIOUS, SETTLED_KEY, Event, Journal, Limits, Loaded, PositionError, Ref, Subscription, placed, threaded
from wagman.store.disk import LOOK_S
from wagman.store.limits import MAX_BATCH_BYTES, MIN_BYTES
from wagman.store.pending import Ring


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wagman.db"


def own(events: list[Event]) -> list[Event]:
    """Without what the journal tells of itself."""
    return [event for event in events if not event.type.startswith("store.")]


# --- Recording --------------------------------------------------------------------------------------------------------


def recorded(memory: Mapping[str, Any]) -> dict[str, Any]:
    """What lasts without what the journal keeps for itself."""
    return {key: value for key, value in memory.items() if key != SETTLED_KEY}


def test_what_is_recorded_is_shown_when_it_is_durable_and_not_before(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path) as (journal, told):
            receipt = journal.record([draft(attempt=1)])
            assert own(told) == []
            assert own(await journal.page()) == []
            assert await receipt.settled(5.0)
            [event] = own(told)
            assert event.as_json() == {
                "id": 2,
                "time": "2026-06-01T12:00:00.000Z",
                "boot_id": "boot",
                "mono_s": 0.0,
                "type": "device.started",
                "device": "gn",
                "cause": None,
                "fields": {"attempt": 1},
            }
            assert own(await journal.page()) == [event]

    in_virtual_time(body)


def test_what_is_queued_is_committed_together(path: Path) -> None:
    async def body() -> None:
        store = faulty_at(path)
        async with journal_at(store) as (journal, told):
            before = store.commits
            for _ in range(20):
                receipt = journal.record([draft(), draft()])
            assert await receipt.settled(5.0)
            assert (store.commits - before, len(own(told))) == (1, 40)

    in_virtual_time(body)


def test_a_cause_is_known_by_its_ref_before_it_has_an_id(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path) as (journal, told):
            first = journal.record([draft("command.start")])
            second = journal.record([(Draft("device.starting", "gn"), first.refs[0])])
            assert await second.settled(5.0)
            third = journal.record(
                [(Draft("device.started", "gn"), second.refs[0]), (Draft("device.stable", "gn"), first.refs[0].id)]
            )
            assert await third.settled(5.0)
            assert [(event.id, event.cause) for event in own(told)] == [(2, None), (3, 2), (4, 3), (5, 2)]
            assert [event.id for event in await journal.chain(4)] == [4, 3, 2]
            assert [event.id for event in await journal.chain(4, limit=1)] == [4]

    in_virtual_time(body)


def test_events_that_led_to_one_another_are_committed_together_with_what_they_led_to(path: Path) -> None:
    async def body() -> None:
        store = faulty_at(path)
        async with journal_at(store, collapse=("link.down",)) as (journal, told):
            first = journal.record([(Draft("link.down"), None)])
            await first.settled(1)
            commits = store.commits
            unit = [(Draft("link.down"), None), (Draft("device.stopping"), PREVIOUS), (Draft("device.stopped"), PREVIOUS)]
            receipt = journal.record(unit, {"gn": "stopped"})
            assert len(list(journal.ring)) == 1
            assert await receipt.settled(1)
            assert store.commits == commits + 1
        ids = [ref.id for ref in receipt.refs]
        assert ids[0] == first.refs[0].id
        assert [(event.id, event.cause) for event in told if event.type.startswith("device")] == [
            (ids[1], ids[0]),
            (ids[2], ids[1]),
        ]

    in_virtual_time(body)


def test_state_lasts_and_is_written_only_when_it_changes(path: Path) -> None:
    async def body() -> None:
        store = faulty_at(path)
        async with journal_at(store) as (journal, _):
            assert await journal.record([], {"device.gn": {"wanted": "up"}, "board": [1]}).settled(5.0)
            commits = store.commits
            assert await journal.record([], {"device.gn": {"wanted": "up"}}).settled(5.0)
            assert store.commits == commits
            assert await journal.record([draft()], {"board": None}).settled(5.0)
        async with journal_at(path, running=False) as (again, _):
            assert await again.load() == Loaded({"device.gn": {"wanted": "up"}}, trusted=True)

    in_virtual_time(body)


def test_the_place_of_an_event_lasts_with_what_it_led_to(path: Path) -> None:
    async def body() -> None:
        store = faulty_at(path)
        async with journal_at(store) as (journal, told):
            commits = store.commits
            receipt = journal.record([draft(n=1), draft(n=2)], {"gn": "stopped"}, {"since.gn": 1})
            assert await receipt.settled(5.0)
            assert store.commits == commits + 1
            place = own(told)[1]
        async with journal_at(path, running=False) as (again, _):
            kept = placed((await again.load()).memory["since.gn"])
            assert kept is not None
            assert kept.within(again.log_id) == place.id == receipt.refs[1].id

    in_virtual_time(body)


def test_a_place_in_a_log_that_was_replaced_is_forgotten(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path) as (journal, _):
            assert await journal.record([draft()], {"gn": 1}, {"since.gn": 0}).settled(5.0)
            lose(path)
            journal.record([draft()])
            await trio.sleep(5.0)
            assert journal.log_id == "log-2"
        with opened(path) as (_, found):
            assert recorded(found.memory) == {"gn": "1"}

    in_virtual_time(body)


def test_what_adds_nothing_is_durable_when_what_it_repeats_is(path: Path) -> None:
    async def body() -> None:
        store = faulty_at(path)
        async with journal_at(store) as (journal, _):
            journal.record([], {"gn": 1})
            repeated = journal.record([], {"gn": 1})
            assert not repeated.durable
            assert await repeated.settled(5.0)
            store.fault = "broken"
            journal.record([], {"gn": 2})
            await trio.sleep(0.5)
            assert not await journal.record([], {"gn": 2}).settled(600.0)
            assert trio.current_time() == 0.5
            store.fault = None

    in_virtual_time(body)


def test_state_that_was_loaded_is_not_written_again(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path) as (journal, _):
            journal.record([], {"gn": 1})
        store = faulty_at(path)
        async with journal_at(store) as (journal, _):
            commits = store.commits
            assert await journal.record([], {"gn": 1}).settled(0.0)
            assert store.commits == commits

    in_virtual_time(body)


def test_more_than_a_transaction_may_hold_is_the_callers_fault(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path) as (journal, told):
            with pytest.raises(ValueError, match="more than one transaction may hold"):
                journal.record([draft()], {"gn": "x" * MAX_BATCH_BYTES})
            assert await journal.record([draft()]).settled(5.0)
            assert len(own(told)) == 1

    in_virtual_time(body)


def test_an_event_says_when_the_clock_was_not_set_and_how_long_the_service_runs(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path, wall=lambda: datetime(1970, 1, 1, tzinfo=UTC), began_s=-2.5) as (journal, told):
            assert await journal.record([draft()]).settled(5.0)
            shown = own(told)[0].as_json()
            assert (shown["time"], shown["clock"], shown["mono_s"]) == ("1970-01-01T00:00:00.000Z", "unset", 2.5)

    in_virtual_time(body)


def test_repeats_of_the_types_that_were_named_collapse(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path, collapse={"link.down"}) as (journal, told):
            first = journal.record([draft("link.down", None, why="hang-up")])
            assert await first.settled(5.0)
            for _ in range(3):
                repeat = journal.record([draft("link.down", None, why="hang-up"), draft("device.adopted")])
                assert repeat.refs[0] is first.refs[0]
                await trio.sleep(2.0)
            await trio.sleep(60.0)
            assert types(own(told)) == ["link.down", *["device.adopted"] * 3, "link.down"]
            summary = own(told)[-1]
            assert (summary.fields, summary.cause) == ({"why": "hang-up", "count": 3, "over_s": 4.0}, 2)

    in_virtual_time(body)


def test_a_repeat_is_heard_of_when_it_happens_though_it_is_shown_later(path: Path) -> None:
    async def body() -> None:
        heard_s = list[float]()
        async with journal_at(path, collapse={"link.down"}, heard=lambda: heard_s.append(trio.current_time())) as (journal, _):
            for _ in range(3):
                journal.record([draft("link.down", None), draft("device.adopted")])
                await trio.sleep(2.0)
            assert heard_s == [2.0, 4.0]

    in_virtual_time(body)


def test_another_reason_why_nothing_can_be_written_is_heard_of_and_the_same_is_not(path: Path) -> None:
    async def body() -> None:
        heard_s, store = list[float](), faulty_at(path)
        async with journal_at(store, heard=lambda: heard_s.append(trio.current_time())) as (journal, _):
            store.fault = "broken"
            journal.record([draft()])
            await trio.sleep(10.0)
            assert heard_s == []
            store.fault = "its directory is gone"
            await trio.sleep(100.0)
            assert heard_s == [store.failed_s[4]]
            assert journal.broken is not None
            assert "its directory is gone" in journal.broken

    in_virtual_time(body)


def test_a_node_where_nothing_happens_writes_nothing(path: Path) -> None:
    async def body() -> None:
        store = faulty_at(path)
        async with journal_at(store, collapse={"link.down"}):
            await trio.sleep(1.0)
            commits = store.commits
            await trio.sleep(30 * 86_400)
            assert store.commits == commits

    in_virtual_time(body)


# --- The end ----------------------------------------------------------------------------------------------------------


def test_what_is_queued_at_the_end_is_written_with_the_repeats_that_were_counted(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path, collapse={"link.down"}) as (journal, _):
            for _ in range(3):
                journal.record([draft("link.down")], {"gn": 1})

    in_virtual_time(body)
    with opened(path) as (store, found):
        assert [(each.type, each.text) for each in everything(store)][1:] == [
            ("link.down", "{}"),
            ("link.down", '{"count":2,"over_s":0.0}'),
        ]
        assert recorded(found.memory) == {"gn": "1"}
    assert [file.name for file in path.parent.iterdir()] == ["wagman.db"]


def test_a_disk_that_hangs_at_the_end_holds_nobody_up_for_longer_than_the_bound(path: Path) -> None:
    async def hang(_call: Any) -> Any:
        await trio.sleep_forever()

    async def body() -> None:
        async with journal_at(path, blocking=hang, running=False, drain_s=3.0) as (journal, _):
            async with trio.open_nursery() as nursery:
                await nursery.start(journal.run)
                journal.record([draft()])
                nursery.cancel_scope.cancel()
            assert trio.current_time() == pytest.approx(3.0)

    in_virtual_time(body)


def test_the_task_can_be_run_again_and_goes_on(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path, running=False) as (journal, told):
            for _ in range(2):
                async with trio.open_nursery() as nursery:
                    await nursery.start(journal.run)
                    assert await journal.record([draft()]).settled(5.0)
                    nursery.cancel_scope.cancel()
            assert [event.id for event in told] == [1, 2, 3]
            assert len(own(told)) == 2

    in_virtual_time(body)


def test_a_severed_store_ends_like_a_killed_process(path: Path) -> None:
    async def body() -> None:
        store = store_at(path)
        async with journal_at(store) as (journal, _):
            assert await journal.record([draft(n=1)]).settled(5.0)
            journal.record([draft(n=2)])
            store.sever()
        async with journal_at(path) as (journal, _):
            assert [event.fields for event in own(await journal.page())] == [{"n": 1}]

    in_virtual_time(body)


# --- A disk that fails ------------------------------------------------------------------------------------------------


def test_while_the_disk_fails_events_are_shown_at_once_without_an_id_and_written_later_in_their_order(path: Path) -> None:
    async def body() -> None:
        store = faulty_at(path)
        async with journal_at(store) as (journal, told):
            with journal.subscribe() as heard:
                assert await journal.record([draft(n=1)]).settled(5.0)
                store.fault = "cannot write: full"
                receipt = journal.record([draft(n=2)])
                assert not await receipt.settled(600.0)
                assert (journal.broken, trio.current_time()) == ("cannot write: full", 0.0)
                at_once = journal.record([draft(n=3)], {"gn": 3})
                assert not await at_once.settled(600.0)
                assert trio.current_time() == 0.0
                assert [(e.id, e.fields.get("n")) for e in own(told)] == [(2, 1), (None, 2), (None, 3)]
                store.fault = None
                await trio.sleep(1.5)
                assert await at_once.settled(0.0)
                assert journal.broken is None
                assert types(told)[-4:] == ["device.started", "store.unavailable", "device.started", "store.recovered"]
                shown = await everything_of(heard)
            assert [(e.id, e.type) for e in shown] == [
                (2, "device.started"),
                (None, "device.started"),
                (None, "store.unavailable"),
                (None, "device.started"),
                (3, "device.started"),
                (4, "store.unavailable"),
                (5, "device.started"),
                (6, "store.recovered"),
            ]
            assert [e.fields["n"] for e in own(shown)] == [1, 2, 3, 2, 3]

    in_virtual_time(body)


async def everything_of(subscription: Subscription) -> list[Any]:
    """What a subscription gives within a second."""
    given = []
    with trio.move_on_after(1.0):
        while True:
            given.append(await subscription.receive())
    return given


def test_an_outage_is_told_of_once_and_tried_less_and_less_often(path: Path) -> None:
    async def body() -> None:
        store = faulty_at(path)
        async with journal_at(store) as (journal, told):
            await trio.sleep(100.0)
            store.fault = "broken"
            journal.record([draft()])
            await trio.sleep(300.0)
            assert [at_s - 100.0 for at_s in store.failed_s] == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]
            assert types(told).count("store.unavailable") == 1
            store.fault = None
            await trio.sleep(60.0)
            assert (types(told).count("store.recovered"), told[-1].fields) == (1, {"after_s": 303.0})

    in_virtual_time(body)


def test_a_disk_that_fails_again_soon_is_still_tried_seldom(path: Path) -> None:
    async def body() -> None:
        store = faulty_at(path)
        async with journal_at(store) as (journal, told):
            for _ in range(600):
                store.fault = "flapping"
                journal.record([draft()])
                await trio.sleep(1.0)
                store.fault = None
                await trio.sleep(1.0)
            assert types(told).count("store.unavailable") < 40

    in_virtual_time(body)


def test_what_does_not_fit_into_memory_is_dropped_and_the_gap_told_of_where_it_is(path: Path) -> None:
    async def body() -> None:
        store = faulty_at(path)
        async with journal_at(store, ring=Ring(max_events=5)) as (journal, _):
            store.fault = "broken"
            journal.record([draft(n=0)])
            await trio.sleep(0.5)
            for number in range(1, 20):
                journal.record([draft(n=number)], {"n": number, f"key-{number}": number})
            store.fault = None
            await trio.sleep(2.0)
            log = await journal.page()
            assert [(e.type, *e.fields.values()) for e in log[1:]] == [
                ("device.started", 0),
                ("store.dropped", 16),
                *[("device.started", n) for n in range(16, 20)],
                ("store.recovered", 1.0),
            ]
        with opened(path) as (_, found):
            assert len(recorded(found.memory)) == 20
            assert found.memory["n"] == "19"

    in_virtual_time(body)


def test_what_earlier_runs_lost_is_told_before_what_waits_and_no_later_in_time(path: Path) -> None:
    """A slow disk: what this run has recorded waits while it is still found out what those before it had lost."""

    async def body() -> None:
        async with journal_at(path, running=False) as (journal, told):
            await journal.load()
            journal.record([draft(n=1)])
            await trio.sleep(3.0)
            journal.owe({"an earlier run": 7}, 7)
            async with trio.open_nursery() as nursery:
                await nursery.start(journal.run)
                await trio.sleep(1.0)
                nursery.cancel_scope.cancel()
        assert [event.type for event in told] == ["store.dropped", "store.opened", "device.started"]
        assert [event.mono_s for event in told] == sorted(event.mono_s for event in told)

    in_virtual_time(body)


def test_what_earlier_runs_lost_is_shown_before_what_happens_while_a_slow_disk_takes_it(path: Path) -> None:
    async def body() -> None:
        takes_s = 0.0

        async def slow(call: Any) -> Any:
            await trio.sleep(takes_s)
            return call()

        store = faulty_at(path)
        store.fault = "not yet"
        async with journal_at(store, blocking=slow) as (journal, told):
            journal.record([draft(n=1)])
            journal.owe({"an earlier run": 7}, 7)
            await trio.sleep(0.5)
            store.fault, takes_s = None, 3.0
            await trio.sleep(5.0)
            journal.record([draft(n=2)])
            await trio.sleep(20.0)
        assert {event.type for event in told} >= {"store.dropped", "store.recovered"}
        assert [event.mono_s for event in told] == sorted(event.mono_s for event in told)
        assert [event.fields["n"] for event in own(told)] == [1, 2]
        with opened(path) as (store_again, _):
            assert [each.type for each in everything(store_again)].count("store.dropped") == 1

    in_virtual_time(body)


def test_a_commit_whose_answer_was_lost_is_not_written_twice(path: Path) -> None:
    async def body() -> None:
        store = faulty_at(path)
        async with journal_at(store) as (journal, told):
            store.deaf = True
            journal.record([draft(n=1)], {"gn": 1})
            await trio.sleep(0.5)
            assert journal.broken == "the answer was lost"
            store.deaf = False
            journal.record([draft(n=2)])
            await trio.sleep(2.0)
            assert [e.fields["n"] for e in own(await journal.page())] == [1, 2]
            assert [e.fields["n"] for e in own(told)] == [1, 2]

    in_virtual_time(body)


def test_a_store_that_cannot_be_opened_at_the_start_is_opened_later(path: Path) -> None:
    async def body() -> None:
        obstruct(path)
        async with journal_at(path, running=False) as (journal, told), trio.open_nursery() as nursery:
            loaded = await journal.load()
            assert (loaded.memory, loaded.trusted, loaded.unread) == ({}, False, journal.broken)
            assert (journal.log_id, journal.last_id) == (None, 0)
            await nursery.start(journal.run)
            assert not await journal.record([draft()], {"gn": 1}).settled(600.0)
            assert [(e.type, e.id) for e in await journal.page()] == [("store.unavailable", None), ("device.started", None)]
            clear(path)
            await trio.sleep(1.5)
            assert types(told) == ["store.unavailable", "device.started", "store.opened", "store.recovered"]
            assert (journal.log_id, journal.last_id) == ("log-1", 4)
            nursery.cancel_scope.cancel()
        with opened(path) as (_, found):
            assert recorded(found.memory) == {"gn": "1"}

    in_virtual_time(body)


def test_before_the_log_was_opened_nobody_says_that_a_place_in_it_does_not_exist(path: Path) -> None:
    async def body() -> None:
        store = faulty_at(path)
        store.fault = "not yet"
        async with journal_at(store) as (journal, _):
            for since, log_id in ((3, None), (3, "log-1"), (0, "log-1"), (None, "log-1")):
                with pytest.raises(StoreError, match="has not been opened yet"):
                    journal.subscribe(since, log_id)
            for since, log_id in ((3, None), (3, "log-1"), (None, "log-1")):
                with pytest.raises(StoreError, match="has not been opened yet"):
                    await journal.page(since=since, log_id=log_id)
            store.fault = None
            await trio.sleep(2.0)
            journal.subscribe(1, "log-1").close()
            with pytest.raises(PositionError, match="log-0 is gone"):
                await journal.page(log_id="log-0")

    in_virtual_time(body)


def test_who_asks_for_the_past_before_the_log_was_opened_hears_at_once_and_gets_the_past_later(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path) as (journal, _):
            assert await journal.record([draft(n=1), draft(n=2)]).settled(1.0)
        store = faulty_at(path)
        store.fault = "not yet"
        async with journal_at(store) as (journal, _):
            with journal.subscribe(0) as subscription:
                journal.record([draft(n=3)])
                assert [(e.type, e.id) for e in await heard(subscription)] == [
                    ("store.unavailable", None),
                    ("device.started", None),
                ]
                store.fault = None
                events = await heard(subscription, 5.0)
                assert [event.id for event in events] == list(range(1, journal.last_id + 1))
                assert [event.fields["n"] for event in own(events)] == [1, 2, 3]

    in_virtual_time(body)


def test_who_has_read_all_hears_at_once_though_the_disk_gives_nothing(path: Path) -> None:
    async def body() -> None:
        store = faulty_at(path)
        async with journal_at(store) as (journal, _):
            assert await journal.record([draft(n=1)]).settled(1.0)
            store.fault = "gone"
            with journal.subscribe(journal.last_id, journal.log_id) as subscription:
                journal.record([draft(n=2)])
                assert [(e.type, e.id) for e in await heard(subscription)] == [
                    ("device.started", None),
                    ("store.unavailable", None),
                ]

    in_virtual_time(body)


async def heard(subscription: Subscription, within_s: float = 0.5) -> list[Any]:
    """What it gives in that time."""
    items = []
    with trio.move_on_after(within_s):
        while True:
            items.append(await subscription.receive())
    return items


def test_what_lasted_in_a_log_that_is_opened_late_is_told_of_once(path: Path) -> None:
    async def body() -> None:
        late: list[Any] = []
        store = faulty_at(path)
        store.fault = "not yet"
        async with journal_at(store, late=late.append) as (journal, _):
            store.fault = None
            await trio.sleep(2.0)
            assert await journal.record([], {"gn": 1}).settled(5.0)
            assert late == [{}]  # the log is new
            late.clear()
        store = faulty_at(path)
        store.fault = "not yet"
        async with journal_at(store, late=late.append) as (journal, _):
            assert not await journal.record([], {"gn": 2}).settled(5.0)
            store.fault = None
            await trio.sleep(10.0)
            store.close()
            await trio.sleep(10.0)
            assert [recorded(memory) for memory in late] == [{"gn": 1}]

    in_virtual_time(body)


def test_repeats_are_told_of_while_the_disk_takes_nothing(path: Path) -> None:
    async def body() -> None:
        store = faulty_at(path)
        store.fault = "not yet"
        async with journal_at(store, collapse={"link.down"}) as (journal, told):
            for _ in range(7200):
                journal.record([draft("link.down", None)])
                await trio.sleep(1.0)
            counts = [event.fields["count"] for event in told if "count" in event.fields]
            assert counts == pytest.approx([60, 120, 240, 480, 960, 1920], abs=2)
            for n in range(300):
                journal.record([draft("link.down", None, n=n)])
            await trio.sleep(7200.0)
            assert not journal._repeats._windows

    in_virtual_time(body)


def test_state_recorded_before_the_store_could_be_opened_counts_and_not_what_it_held(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path) as (journal, _):
            journal.record([], {"gn": 1, "cs": 1})
        store = faulty_at(path)
        store.fault = "not yet"
        async with journal_at(store) as (journal, _):
            journal.record([], {"gn": 2, "cs": 2})
            store.fault = None
            await trio.sleep(2.0)
            assert await journal.record([], {"gn": 1}).settled(5.0)
        with opened(path) as (_, found):
            assert recorded(found.memory) == {"gn": "1", "cs": "2"}

    in_virtual_time(body)


@contextlib.contextmanager
def held_by_another_process(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """The log, to which nobody else comes until the function that this gives is called."""
    monkeypatch.setattr("wagman.store.sqlite.BUSY_S", 0.0)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("PRAGMA locking_mode = EXCLUSIVE")
        conn.execute("BEGIN EXCLUSIVE")
        yield conn.close


def test_a_log_that_another_process_holds_at_the_start_is_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        async with journal_at(path) as (journal, _):
            journal.record([], {"gn": 1})
        with held_by_another_process(path, monkeypatch) as let_go:
            async with journal_at(path, running=False) as (journal, told), trio.open_nursery() as nursery:
                nursery.start_soon(call_at, 8.5, let_go)
                assert await journal.load() == Loaded({"gn": 1}, trusted=True)
                assert trio.current_time() == pytest.approx(9.0)
                await nursery.start(journal.run)
                await trio.sleep(0.1)
                assert types(told) == ["store.unavailable", "store.opened", "store.recovered"]
                assert "another process has it open" in told[0].fields["reason"]
                assert await journal.record([draft()]).settled(1.0)
                nursery.cancel_scope.cancel()

    in_virtual_time(body)


async def call_at(moment_s: float, call: Callable[[], None]) -> None:
    await trio.sleep_until(moment_s)
    call()


def test_a_log_that_is_held_for_too_long_is_not_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        async with journal_at(path) as (journal, _):
            journal.record([], {"gn": 1})
        with held_by_another_process(path, monkeypatch):
            async with journal_at(path, running=False, open_s=60.0) as (journal, told):
                loaded = await journal.load()
                assert (loaded.trusted, loaded.unread) == (False, journal.broken)
                assert trio.current_time() == pytest.approx(60.0)
                assert types(told) == ["store.unavailable"]

    in_virtual_time(body)


def test_a_disk_that_does_not_answer_is_one_that_fails(path: Path) -> None:
    async def body() -> None:
        go_on: trio.Event | None = None

        async def slow(call: Any) -> Any:
            result = call()
            if go_on is not None:
                await go_on.wait()
            await trio.lowlevel.checkpoint()
            return result

        async with journal_at(path, blocking=slow) as (journal, told):
            await trio.sleep(1.0)
            go_on = trio.Event()
            receipt = journal.record([draft()])
            assert not await receipt.settled(60.0)
            assert trio.current_time() == pytest.approx(11.0)
            assert [(e.type, e.id) for e in told[1:]] == [("device.started", None), ("store.unavailable", None)]
            with pytest.raises(StoreError, match="has not answered for 10 s"):
                await journal.chain(1)
            go_on.set()
            await trio.sleep(30.0)
            assert types(await journal.page()) == ["store.opened", "device.started", "store.unavailable", "store.recovered"]

    in_virtual_time(body)


def test_where_the_clock_runs_faster_than_real_time_a_disk_has_as_much_real_time_as_ever(path: Path) -> None:
    async def body() -> None:
        async def slow(call: Any) -> Any:
            await trio.sleep(9.0 * 20)
            return call()

        async with journal_at(path, blocking=slow, speed=20.0) as (journal, told):
            assert await journal.record([draft()]).settled(1000.0)
            assert (len(await journal.page()), journal.broken) == (2, None)
        assert types(told) == ["store.opened", "device.started"]

    in_virtual_time(body)


def test_a_disk_that_answers_while_the_process_stands_still_is_none_that_fails(path: Path) -> None:
    async def body() -> None:
        clock, frozen_s = trio.lowlevel.current_clock(), 0.0
        assert isinstance(clock, MockClock)

        async def freezing(call: Any) -> Any:
            nonlocal frozen_s
            await trio.lowlevel.checkpoint()
            result = call()
            if frozen_s:
                clock.jump(frozen_s)
                frozen_s = 0.0
                await trio.sleep(0.3)
            return result

        async with journal_at(path, blocking=freezing) as (journal, told):
            frozen_s = 3600.0
            assert await journal.record([draft()]).settled(7200.0)
            assert [(e.type, e.id) for e in told] == [("store.opened", 1), ("device.started", 2)]
            assert types(await journal.page()) == ["store.opened", "device.started"]

    in_virtual_time(body)


def obstruct(path: Path) -> None:
    path.mkdir()


def clear(path: Path) -> None:
    path.rmdir()


def lose(path: Path) -> None:
    path.unlink()


# --- A log that had to be replaced ------------------------------------------------------------------------------------


def spoil(path: Path, at: int = 0, what: bytes = b"not a database") -> None:
    data = bytearray(path.read_bytes())
    data[at : at + len(what)] = what
    path.write_bytes(data)


def test_a_log_found_damaged_at_the_start_is_set_aside_and_what_it_said_is_not_trusted(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path) as (journal, _):
            journal.record([draft()], {"gn": 1})
        spoil(path)
        async with (
            journal_at(store_at(path, new_log_id=lambda: "second"), running=False) as (journal, told),
            trio.open_nursery() as nursery,
        ):
            loaded = await journal.load()
            assert not loaded.trusted
            assert loaded.lost
            await nursery.start(journal.run)
            await trio.sleep(1.0)
            assert types(told) == ["store.damaged", "store.opened"]
            assert told[0].fields == {"reason": "file is not a database", "set_aside": f"{path}.damaged-{NOON:%Y%m%dT%H%M%SZ}"}
            assert told[1].fields == {"log_id": "second", "new": True}
            nursery.cancel_scope.cancel()

    in_virtual_time(body)


def test_a_log_replaced_while_running_gets_the_state_again_and_causes_of_the_old_log_are_not_mixed_up(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path) as (journal, _):
            with journal.subscribe() as heard:
                old = journal.record([draft(n=n) for n in range(5)], {"gn": 1, "cs": 1})
                assert await old.settled(5.0)
                lose(path)
                journal.record([(Draft("device.stopped", "gn"), old.refs[4])], {"gn": 2})
                await trio.sleep(5.0)
                assert journal.log_id == "log-2"
                log = await journal.page()
                assert types(log) == ["device.stopped", "store.unavailable", "store.damaged", "store.opened", "store.recovered"]
                assert (log[0].id, log[0].cause) == (1, None)
                live = await everything_of(heard)
                assert [e.id for e in live] == [2, 3, 4, 5, 6, *[None] * 4, 1, 2, 3, 4, 5]
                with pytest.raises(PositionError, match="log log-1 is gone"):
                    journal.subscribe(since=2, log_id="log-1")
        with opened(path) as (_, found):
            assert recorded(found.memory) == {"gn": "2", "cs": "1"}

    in_virtual_time(body)


def test_a_log_that_is_deleted_while_nothing_happens_is_begun_anew_with_what_lasts(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path) as (journal, _):
            assert await journal.record([draft()], {"gn": 1}).settled(5.0)
            lose(path)
            await trio.sleep(2 * LOOK_S)
            assert journal.broken is None
            log = await journal.page()
            assert types(log) == ["store.unavailable", "store.damaged", "store.opened", "store.recovered"]
            assert "was deleted" in log[0].fields["reason"]
        with opened(path) as (_, found):
            assert recorded(found.memory) == {"gn": "1"}

    in_virtual_time(body)


def test_another_log_that_is_put_in_its_place_while_running_gets_the_state_and_keeps_none_of_its_own(path: Path) -> None:
    another = path.with_name("another.db")

    async def body() -> None:
        with opened(another, new_log_id=lambda: "another") as (store, _):
            store.commit(batch(1, 3, gn='"of another"', x1='"of another"'))
        async with journal_at(path) as (journal, _):
            assert await journal.record([draft()], {"gn": 1, "cs": 1}).settled(5.0)
            for each in (path, path.with_name(f"{path.name}-wal")):
                lose(each)
            another.rename(path)
            await trio.sleep(2 * LOOK_S)
            assert (journal.log_id, journal.broken) == ("another", None)
        with opened(path) as (_, found):
            assert found.log_id == "another"
            assert recorded(found.memory) == {"gn": "1", "cs": "1"}

    in_virtual_time(body)


def test_damage_found_by_a_reader_has_the_log_replaced(path: Path) -> None:
    async def body() -> None:
        with opened(path) as (store, _):
            store.commit(batch(1, 10_000, f'"{"x" * 400}"', gn="1"))  # more than is cached
        async with journal_at(store_at(path, new_log_id=lambda: "second")) as (journal, told):
            spoil(path, 4 * 4096, bytes(2 * 4096))
            with pytest.raises(StoreError, match="malformed"):
                await journal.page(since=0, limit=1000)
            await trio.sleep(1.0)
            assert types(told)[1:] == ["store.damaged", "store.opened"]
            assert (journal.log_id, journal.last_id) == ("second", 2)
        with opened(path) as (_, found):
            assert recorded(found.memory) == {"gn": "1"}

    in_virtual_time(body)


@pytest.mark.parametrize(("key", "decides"), [("device.gn", True), ("table.gn", True), ("tables", True), ("since.gn", False)])
def test_state_on_the_disk_that_is_not_legible_costs_that_part_alone_and_only_once(
    path: Path, key: str, *, decides: bool
) -> None:
    async def body() -> None:
        async with journal_at(path) as (journal, _):
            journal.record([], {key: {"wanted": "up"}, "device.x1": {"wanted": "down"}})
        raw(path, f"UPDATE memory SET value = '{{' WHERE key = '{key}'")  # noqa: S608 - our own words
        rest, lost = {"device.x1": {"wanted": "down"}}, f"what lasted is not legible: {key}"
        async with journal_at(path) as (again, told):
            assert await again.load() == Loaded(rest, trusted=not decides, lost=lost if decides else None)
            again.record([], {"device.x1": {"wanted": "up"}})
        assert [event.fields for event in told if event.type == "store.illegible"] == [{"keys": [key]}]
        async with journal_at(path) as (third, told):
            assert await third.load() == Loaded({"device.x1": {"wanted": "up"}}, trusted=True)
        assert types(told) == ["store.opened"]

    in_virtual_time(body)


def test_what_this_run_has_written_since_is_not_lost_where_a_log_that_is_opened_late_is_not_legible(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path) as (journal, _):
            journal.record([], {"device.gn": {"wanted": "up"}})
        raw(path, "UPDATE memory SET value = '{'")
        async with journal_at(path, running=False) as (again, told), trio.open_nursery() as nursery:
            again.record([], {"device.gn": {"wanted": "down"}})
            await nursery.start(again.run)
            await trio.sleep(1.0)
            assert "store.illegible" in types(told)
            nursery.cancel_scope.cancel()
        with opened(path) as (_, found):
            assert recorded(found.memory) == {"device.gn": '{"wanted":"down"}'}

    in_virtual_time(body)


@pytest.mark.parametrize("how", ELSEWHERE)
def test_a_log_that_is_elsewhere_or_no_file_is_not_taken_for_none(tmp_path: Path, how: str) -> None:
    """As where a disk is not mounted: decisions may be there, so that this is no first day, and it answers at once."""

    async def body() -> None:
        place = elsewhere(tmp_path, "wagman.db", how)
        async with journal_at(place, running=False) as (journal, _):
            loaded = await journal.load()
            assert (loaded.trusted, loaded.memory) == (False, {})
            assert loaded.unread is not None
            assert str(place) in loaded.unread

    in_virtual_time(body)


# --- Reading ----------------------------------------------------------------------------------------------------------


def test_pages_count_from_an_id_from_a_time_or_from_the_end(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path) as (journal, _):
            for number in range(6):
                journal.record([draft(n=number, device="cs" if number % 2 else "gn")])
                await trio.sleep(10.0)

            async def found(**query: Any) -> list[int]:
                return [event.fields["n"] for event in own(await journal.page(**query))]

            assert await found() == [0, 1, 2, 3, 4, 5]
            assert await found(limit=2) == [4, 5]
            assert await found(since=2, limit=2) == [1, 2]
            assert await found(since=NOON + timedelta(seconds=15)) == [2, 3, 4, 5]
            assert await found(since=journal.last_id) == []
            assert await found(type="device") == [0, 1, 2, 3, 4, 5]
            with pytest.raises(PositionError, match="the last one is 7"):
                await journal.page(since=8)

    in_virtual_time(body)


def test_a_page_ends_with_what_waits_for_the_disk(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path) as (journal, _):
            assert await journal.record([draft(n=1), draft(n=2)]).settled(5.0)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("wagman.store.sqlite.Store.commit", refuse)
                journal.record([draft(n=3), draft("link.down", None)])
                await trio.sleep(0.5)
                assert [e.id for e in await journal.page(type="device")] == [2, 3, None]
                assert [e.id for e in await journal.page(since=2, limit=2)] == [3, None]
                assert [e.id for e in await journal.page(since=NOON, limit=3)] == [1, 2, 3]
                assert types(await journal.page(limit=2)) == ["link.down", "store.unavailable"]
                assert await journal.page(since=NOON + timedelta(hours=1)) == []
                assert [e.id for e in await journal.page(device="gn")] == [2, 3, None]

    in_virtual_time(body)


def refuse(*_: Any) -> None:
    raise StoreError("full")


# --- With a real thread -----------------------------------------------------------------------------------------------


def test_with_a_thread_for_the_disk_the_same_holds(path: Path) -> None:
    async def body() -> None:
        async with journal_at(path, blocking=threaded(), wall=lambda: NOON) as (journal, told):
            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(client, journal)
            log = await journal.page(limit=1000)
            assert [event.id for event in log] == list(range(1, 102))
            assert told == log

    async def client(journal: Journal) -> None:
        cause: Ref | None = None
        for number in range(20):
            receipt = journal.record([(Draft("device.started", "gn", {"n": number}), cause)], {"n": number})
            assert await receipt.settled(20.0)
            cause = receipt.refs[0]
            await journal.page(limit=3)

    trio.run(body)


def test_a_thread_that_was_left_behind_keeps_its_turn(path: Path) -> None:
    """The connection is never used by two threads at once, though the call of the first was given up."""

    async def body() -> None:
        blocking, gate, order = threaded(), threading.Event(), []

        def first() -> None:
            gate.wait(10.0)
            order.append("first")

        with trio.move_on_after(0.05):
            await blocking(first)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(blocking, lambda: order.append("second"))
            await trio.sleep(0.05)
            assert order == []
            gate.set()
        assert order == ["first", "second"]

    trio.run(body)


def test_the_bound_holds_through_the_journal_too(path: Path) -> None:
    async def body() -> None:
        async with journal_at(store_at(path, Limits(50, MIN_BYTES))) as (journal, _):
            for number in range(300):
                journal.record([draft(n=number)])
                await trio.sleep(1.0)
            assert (journal.first_id, journal.last_id) == ((await journal.page(since=0))[0].id, 301)
            assert journal.last_id - journal.first_id < 50

    in_virtual_time(body)


def test_a_log_line_that_raises_costs_the_task_its_run_and_the_log_nothing(path: Path) -> None:
    async def body() -> None:
        store = store_at(path)
        async with journal_at(store, running=False, tell=raise_once()) as (journal, _):
            for _ in range(2):
                journal.record([draft(), draft()])
                with pytest.RaisesGroup(ZeroDivisionError) if journal.last_id == 0 else contextlib.nullcontext():
                    async with trio.open_nursery() as nursery:
                        await nursery.start(journal.run)
                        await trio.sleep(1.0)
                        nursery.cancel_scope.cancel()
            assert journal.broken is None
        with opened(path) as (again, _):
            assert len(everything(again)) == 5

    in_virtual_time(body)


def raise_once() -> Callable[[Event], None]:
    failures = iter([True])

    def tell(_event: Event) -> None:
        if next(failures, False):
            raise ZeroDivisionError

    return tell
