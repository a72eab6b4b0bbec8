from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define, evolve, field
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.kit import draft, in_virtual_time, journal_at, record, store_at
from wagman.model.errors import CallerError
from wagman.store import Event, Lagged, PositionError
from wagman.store.batch import Query
from wagman.store.feed import BUFFER, Feed, Subscription
from wagman.store.limits import MIN_BYTES, Extent, Limits


@define
class Log:
    """A log in memory, whose reading takes as long as it is told to."""

    events: list[Event] = field(factory=list)
    waiting: list[Event] = field(factory=list)
    pause: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint

    async def fetch(self, query: Query) -> list[Event]:
        found = [event for event in self.events if (event.id or 0) > (query.after_id or 0)][: query.limit]
        await self.pause()
        return found

    def provisional(self) -> Iterator[Event]:
        return iter(self.waiting)


def feed_of(log: Log) -> Feed:
    feed = Feed(log.fetch, log.provisional)
    feed.begin("log", Extent(1, len(log.events)))
    return feed


def add(log: Log, feed: Feed, count: int = 1) -> None:
    for _ in range(count):
        event = record(feed.last_id + 1)
        log.events.append(event)
        feed.advance(Extent(1, feed.last_id + 1))
        feed.show(event)


async def ready_items(subscription: Subscription) -> list[Any]:
    """What it gives before it would wait for something new."""
    items = []
    with trio.move_on_after(1.0):
        while True:
            items.append(await subscription.receive())
    return items


def ids(items: list[Any]) -> list[int]:
    return [item.id for item in items]


STEPS = st.lists(st.tuples(st.sampled_from(["add", "read", "pause"]), st.integers(1, 150)), max_size=25)


@settings(deadline=None)
@given(st.integers(0, 450), st.integers(0, 450), STEPS)
def test_from_any_place_the_past_comes_first_then_live_without_a_gap_or_a_repeat(
    length: int, since: Any, steps: list[tuple[str, int]]
) -> None:
    """The reader is slow, but not too slow: what it misses is told of, and all the rest comes once and in order."""

    async def body() -> None:
        log = Log()
        log.pause = partial(trio.sleep, 1.0)
        feed = feed_of(log)
        add(log, feed, length)
        place = min(since, length)
        given: list[int] = []
        with feed.subscribe(place, "log") as subscription:
            for step, count in steps:
                if step == "add":
                    add(log, feed, count)
                elif step == "pause":
                    await trio.sleep(count / 100)
                else:
                    with trio.move_on_after(count / 50):
                        for _ in range(count):
                            given += covered(await subscription.receive())
            with trio.move_on_after(30.0):
                while True:
                    given += covered(await subscription.receive())
        assert given == list(range(place + 1, feed.last_id + 1))

    in_virtual_time(body)


def covered(item: Any) -> list[int]:
    if isinstance(item, Lagged):
        assert item.from_id is not None
        assert item.to_id is not None
        return list(range(item.from_id, item.to_id + 1))
    return [item.id]


def test_without_a_place_it_begins_now() -> None:
    async def body() -> None:
        log = Log()
        feed = feed_of(log)
        add(log, feed, 3)
        with feed.subscribe(None, None) as subscription:
            add(log, feed, 2)
            assert (subscription.log_id, subscription.first_id, subscription.last_id) == ("log", 1, 3)
            assert ids(await ready_items(subscription)) == [4, 5]

    in_virtual_time(body)


@pytest.mark.parametrize(("since", "log_id"), [(4, None), (-1, None), (1, "other"), (None, "other")])
def test_a_place_that_does_not_exist_is_the_callers_error(since: Any, log_id: str | None) -> None:
    log = Log()
    feed = feed_of(log)
    add(log, feed, 3)
    with pytest.raises(PositionError) as caught:
        feed.subscribe(since, log_id)
    assert isinstance(caught.value, CallerError)


def test_who_does_not_keep_up_is_told_what_it_missed_and_goes_on_from_there() -> None:
    async def body() -> None:
        log = Log()
        feed = feed_of(log)
        with feed.subscribe(None, None) as slow:
            add(log, feed, BUFFER + 10)
            items = await ready_items(slow)
            assert items[0] == Lagged(1, BUFFER)
            assert items[0].as_json() == {"from_id": 1, "to_id": BUFFER}
            assert ids(items[1:]) == list(range(BUFFER + 1, BUFFER + 11))

    in_virtual_time(body)


def test_one_that_never_reads_costs_a_bounded_buffer_and_delays_nobody() -> None:
    async def body() -> None:
        log = Log()
        feed = feed_of(log)
        with feed.subscribe(None, None) as stuck, feed.subscribe(None, None) as quick:
            for number in range(1, 10 * BUFFER):
                add(log, feed)
                assert ids([await quick.receive()]) == [number]
            assert len(stuck._ready) <= BUFFER
            items = await ready_items(stuck)
            assert [number for item in items for number in covered(item)] == list(range(1, 10 * BUFFER))

    in_virtual_time(body)


def test_provisional_events_come_at_once_and_missing_only_those_has_no_ids() -> None:
    async def body() -> None:
        log = Log()
        feed = feed_of(log)
        provisional = evolve(record(1), id=None)
        with feed.subscribe(None, None) as subscription:
            feed.show(provisional)
            assert await ready_items(subscription) == [provisional]
            for _ in range(BUFFER + 1):
                feed.show(provisional)
            assert await ready_items(subscription) == [Lagged(None, None), provisional]

    in_virtual_time(body)


def test_what_waits_for_the_disk_comes_between_the_past_and_live() -> None:
    async def body() -> None:
        log = Log()
        feed = feed_of(log)
        add(log, feed, 2)
        log.waiting.append(evolve(record(1), id=None))
        with feed.subscribe(0, None) as subscription:
            assert ids(await ready_items(subscription)) == [1, 2, None]
            add(log, feed)
            assert ids(await ready_items(subscription)) == [3]

    in_virtual_time(body)


def test_events_that_were_dropped_before_they_were_read_are_told_of() -> None:
    async def body() -> None:
        log = Log()
        feed = feed_of(log)
        add(log, feed, 10)
        with feed.subscribe(2, None) as late, feed.subscribe(0, None) as all_there_is:
            del log.events[:5]
            assert (await ready_items(late))[:2] == [Lagged(3, 5), log.events[0]]
            assert ids(await ready_items(all_there_is)) == [6, 7, 8, 9, 10]

    in_virtual_time(body)


def test_when_the_log_is_replaced_the_rest_of_the_old_one_is_told_of_and_the_new_one_follows() -> None:
    async def body() -> None:
        log = Log()
        feed = feed_of(log)
        add(log, feed, 10)
        with feed.subscribe(4, None) as reading, feed.subscribe(None, None) as live:
            log.events.clear()
            feed.begin("another", Extent())
            add(log, feed, 2)
            assert await ready_items(reading) == [Lagged(5, 10), *log.events]
            assert ids(await ready_items(live)) == [1, 2]

    in_virtual_time(body)


def test_a_page_of_the_old_log_that_comes_late_is_not_mistaken_for_the_new_one() -> None:
    async def body() -> None:
        log = Log()
        feed = feed_of(log)
        add(log, feed, 3)
        gate = trio.Event()
        log.pause = gate.wait
        with feed.subscribe(0, None) as subscription:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(read_first, subscription, Lagged(1, 3))
                await trio.testing.wait_all_tasks_blocked()
                log.events.clear()
                feed.begin("another", Extent())
                add(log, feed)
                gate.set()
            assert ids(await ready_items(subscription)) == [1]

    in_virtual_time(body)


async def read_first(subscription: Subscription, expected: Any) -> None:
    assert await subscription.receive() == expected


def test_an_event_that_was_read_from_the_log_before_it_was_shown_is_not_repeated() -> None:
    async def body() -> None:
        log = Log()
        feed = feed_of(log)
        add(log, feed, 2)
        log.events.append(record(3))
        with feed.subscribe(0, None) as subscription:
            assert ids(await ready_items(subscription)) == [1, 2, 3]
            feed.advance(Extent(1, 3))
            feed.show(log.events[2])
            assert await ready_items(subscription) == []

    in_virtual_time(body)


def test_who_has_left_is_forgotten() -> None:
    log = Log()
    feed = feed_of(log)
    with feed.subscribe(None, None):
        assert len(feed._subscriptions) == 1
    assert not feed._subscriptions


def test_the_real_log_is_read_in_pages_while_it_is_written_and_dropped_from(tmp_path: Path) -> None:
    async def body() -> None:
        async with journal_at(store_at(tmp_path / "wagman.db", Limits(600, MIN_BYTES))) as (journal, _):
            assert await journal.record([draft(n=n) for n in range(99)]).settled(5.0)
            given: list[int] = []
            with journal.subscribe(0, journal.log_id) as subscription:
                for _ in range(30):
                    assert await journal.record([draft(n=n) for n in range(99)]).settled(5.0)
                    with trio.move_on_after(1.0):
                        for _ in range(70):
                            given += covered(await subscription.receive())
                with trio.move_on_after(1.0):
                    async for item in subscription:
                        given += covered(item)
            assert given == list(range(1, journal.last_id + 1))

    in_virtual_time(body)


def test_whatever_the_reason_a_live_event_that_is_missing_is_told_of() -> None:
    async def body() -> None:
        log = Log()
        feed = feed_of(log)
        add(log, feed, 2)
        with feed.subscribe(None, None) as subscription:
            feed.show(record(5))
            assert await ready_items(subscription) == [Lagged(3, 4), record(5)]

    in_virtual_time(body)
