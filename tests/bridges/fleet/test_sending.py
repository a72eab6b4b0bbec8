"""What the bridge asks of the service's log, and goes on with whatever that answers, in virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from tests.bridges.fleet.kit import event
from wagman.bridges.fleet import sending
from wagman.bridges.fleet.config import EventsTable
from wagman.bridges.fleet.payloads import events_of
from wagman.bridges.fleet.sending import RETRY_MAX_S, Sending
from wagman.client.errors import INVALID_PARAMS, LOG_UNREADABLE, NO_SUCH_PLACE, AnswerError, ClientError, LostError
from wagman.client.following import Place

LAST = 9


@define(eq=False)
class Site:
    """A service with nine events, a broker that takes everything, and what came of a request for events."""

    wrong: ClientError | None = None
    sent: list[Any] = field(factory=list)
    said: list[str] = field(factory=list)
    sending: Any = None
    most_under_way: int = 20

    async def ask(self, _socket: str, _method: str, since: int = 0, log_id: str = "a", limit: int = 1) -> Any:
        await trio.lowlevel.checkpoint()
        if self.wrong is not None:
            raise self.wrong
        if since > 2**53:
            raise AnswerError({"code": INVALID_PARAMS, "message": "since must be a number of an event"})
        if log_id != "a":
            raise AnswerError({"code": NO_SUCH_PLACE, "message": "of another log"})
        return {"log_id": "a", "last_id": LAST, "events": [event(each) for each in range(since + 1, LAST + 1)][:limit]}

    def publish(self, _topic: str, payload: bytes) -> int:
        batch = events_of(payload)
        self.sent.append((batch["first"], batch["last"], "gap" in batch))
        trio.lowlevel.current_trio_token().run_sync_soon(self.sending.taken, len(self.sent))
        return len(self.sent)

    def again(self, log: str, first: int, last: int) -> None:
        self.sending.again({"v": 1, "id": "0", "log": log, "first": first, "last": last})


class NoNews:
    """A follower of a log in which nothing happens."""

    def __init__(self, *_: object) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def receive(self) -> None:
        await trio.sleep_forever()


@asynccontextmanager
async def running(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    site: Any = Site()
    monkeypatch.setattr(sending, "ask", site.ask)
    monkeypatch.setattr(sending, "Follower", NoNews)
    site.sending = Sending(site, "t", EventsTable(), "socket", Place("a", LAST), site.said.append)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(site.sending.run)
        yield site
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
@pytest.mark.parametrize("wrong", [LostError("away"), AnswerError({"code": LOG_UNREADABLE, "message": "disk I/O error"})])
async def test_a_request_waits_for_a_service_and_a_disk_to_come_back(
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
