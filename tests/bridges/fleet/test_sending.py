"""What the bridge asks of the service's log, and goes on with whatever that answers, in virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from tests.bridges.fleet.kit import event
from tests.bridges.metrics.kit import example
from wagman.bridges.fleet import sending, telling
from wagman.bridges.fleet.collect import ASK_S
from wagman.bridges.fleet.config import EventsTable, StatusTable
from wagman.bridges.fleet.payloads import events_of, status_of
from wagman.bridges.fleet.sending import READ_S, RETRY_MAX_S, Sending
from wagman.bridges.fleet.shelf import Shelf, Span, Spans
from wagman.bridges.fleet.telling import Telling
from wagman.client.errors import INVALID_PARAMS, LOG_UNREADABLE, NO_SUCH_PLACE, NOT_PERMITTED, AnswerError, ClientError, LostError
from wagman.client.following import FULL, Happened, Place

LAST = 9


@define(eq=False)
class Site:
    """A service with nine events, a broker that takes everything, and what came of a request for events."""

    wrong: ClientError | None = None
    sent: list[Any] = field(factory=list)
    said: list[str] = field(factory=list)
    sending: Any = None
    most_under_way: int = 20
    statuses: int = 0
    last: int = LAST
    news: Any = field(factory=lambda: trio.open_memory_channel[Happened](9))
    shelf: Shelf = field(factory=lambda: Shelf("v1", {"a": Spans(Span(1, LAST))}, {"a": LAST}))

    async def ask(self, _socket: str, method: str, since: int = 0, log_id: str = "a", limit: int = 1) -> Any:
        await trio.lowlevel.checkpoint()
        if method == "status":
            status = example()
            return {**status, "devices": [{**each, "attempts": self.last} for each in status["devices"]]}
        if self.wrong is not None:
            raise self.wrong
        if since > 2**53:
            raise AnswerError({"code": INVALID_PARAMS, "message": "since must be a number of an event"})
        if log_id != "a":
            raise AnswerError({"code": NO_SUCH_PLACE, "message": "of another log"})
        events = [event(each) for each in range(since + 1, self.last + 1)]
        return {"log_id": "a", "first_id": 1, "last_id": self.last, "events": events[:limit]}

    def publish(self, _topic: str, payload: bytes, *, retained: bool = False) -> int:
        if retained:
            self.shelf.heard(status_of(payload))
            self.statuses += 1
            return 0
        batch = events_of(payload)
        self.shelf.take(batch)
        self.sent.append((batch["first"], batch["last"], "gap" in batch))
        trio.lowlevel.current_trio_token().run_sync_soon(self.sending.taken, len(self.sent))
        return len(self.sent)

    def happen(self) -> None:
        self.last += 1
        self.news[0].send_nowait(Happened(event(self.last), "a"))

    def again(self, log: str, first: int, last: int) -> None:
        self.sending.again({"v": 1, "id": "0", "log": log, "first": first, "last": last})


@asynccontextmanager
async def running(monkeypatch: pytest.MonkeyPatch, linger_s: float = 2.0) -> AsyncIterator[Site]:
    site: Any = Site()
    monkeypatch.setattr(sending, "ask", site.ask)
    monkeypatch.setattr(telling, "ask", site.ask)
    monkeypatch.setattr(sending, "Follower", lambda *_: site.news[1])
    site.sending = Sending(site, "t", EventsTable(linger_s=linger_s), "socket", Place("a", LAST), site.said.append)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(site.sending.run)
        yield site
        nursery.cancel_scope.cancel()


@pytest.mark.trio
@pytest.mark.parametrize("linger_s", [0.5, 2.0, 10.0, 60.0])
async def test_no_status_tells_of_an_event_that_waits_for_others(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, linger_s: float
) -> None:
    """Whoever receives it would take the event for lost, and ask for it."""
    async with running(monkeypatch, linger_s) as site, trio.open_nursery() as nursery:
        told: Any = site
        nursery.start_soon(Telling(told, "s", StatusTable(), "socket", site.sending, lambda: "now", False).run)
        for _ in range(3):
            await trio.sleep(20)
            site.happen()
            for _ in range(100):
                await trio.sleep(ASK_S)
                assert site.shelf.wanted(trio.current_time()) is None
        assert site.sent == [(number, number, False) for number in range(LAST + 1, LAST + 4)]
        nursery.cancel_scope.cancel()


@pytest.mark.trio
@pytest.mark.parametrize("linger_s", [0.5, 2.0, 10.0, 60.0])
async def test_no_status_tells_of_an_event_that_happened_before_the_connection_and_is_not_read_yet(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, linger_s: float
) -> None:
    async with running(monkeypatch, linger_s) as site, trio.open_nursery() as nursery:
        told: Any = site
        site.last += 3
        nursery.start_soon(Telling(told, "s", StatusTable(), "socket", site.sending, lambda: "now", False).run)
        await trio.sleep(0.9 * READ_S)
        for number in range(LAST + 1, LAST + 4):
            site.news[0].send_nowait(Happened(event(number), "a"))
        for _ in range(100):
            await trio.sleep(ASK_S)
            assert site.shelf.wanted(trio.current_time()) is None
        assert site.sent == [(LAST + 1, LAST + 3, False)]
        assert site.statuses == 1
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_request_that_the_service_does_not_take_is_dropped_and_the_next_one_served(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(monkeypatch) as site:
        site.again("another", 2**60, 2**60)
        site.again("another", 1, 3)
        site.again("a", 2, 3)
        await trio.sleep(1)
        assert site.sent == [(1, 3, True), (2, 3, False)], "what is of a log that is gone never comes"
        (line,) = site.said
        assert line.endswith("since must be a number of an event")


@pytest.mark.trio
@pytest.mark.parametrize(
    "wrong",
    [
        LostError("away"),
        AnswerError({"code": LOG_UNREADABLE, "message": "disk I/O error"}),
        AnswerError({"code": NOT_PERMITTED, "message": FULL}),
    ],
    ids=str,
)
async def test_a_request_waits_for_a_service_a_disk_and_room_for_another_client(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, wrong: ClientError
) -> None:
    async with running(monkeypatch) as site:
        await trio.sleep(1)
        site.wrong = wrong
        site.again("a", 2, 3)
        await trio.sleep(3 * RETRY_MAX_S)
        site.wrong = None
        await trio.sleep(RETRY_MAX_S)
        assert (site.sent, site.said) == ([(2, 3, False)], [])
