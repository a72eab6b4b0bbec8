"""When the status of a node is sent, in virtual time."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define, field

from tests.bridges.metrics.kit import LOG, example
from wagman.bridges.fleet import telling
from wagman.bridges.fleet.config import StatusTable
from wagman.bridges.fleet.payloads import opened
from wagman.bridges.fleet.telling import AWAY_S, LOOK_S, Telling
from wagman.client.errors import LostError

SOON_S = 5.0


async def sent(*_: object) -> None:
    await trio.lowlevel.checkpoint()


@define(eq=False)
class Site:
    """A service that may be away, and what was told of it."""

    is_away: bool = False
    told: list[str] = field(factory=list)
    sending: SimpleNamespace = field(factory=lambda: SimpleNamespace(happened=trio.Event(), past=None, all_sent=sent))

    async def ask(self, _socket: str, method: str, **_: object) -> Any:
        if self.is_away:
            raise LostError("away")
        return example() if method == "status" else LOG

    def publish(self, _topic: str, payload: bytes, *, retained: bool) -> int:
        assert retained
        self.told.append(opened(payload)["service"])
        return 1

    def happen(self) -> None:
        """As the follower does it that sees the service go, or come."""
        self.sending.happened.set()
        self.sending.happened = trio.Event()


def play(monkeypatch: pytest.MonkeyPatch, story: Callable[[Site], Any]) -> None:
    async def main() -> None:
        site: Any = Site()
        monkeypatch.setattr(telling, "ask", site.ask)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Telling(site, "t", StatusTable(), "socket", site.sending, lambda: "now", False).run)
            await story(site)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_restart_of_the_service_is_not_told_however_long_it_was_calm_before(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(site: Site) -> None:
        await trio.sleep(0.9 * LOOK_S)
        site.is_away = True
        site.happen()
        await trio.sleep(2)
        site.is_away = False
        site.happen()
        await trio.sleep(2 * LOOK_S)
        assert site.told == ["up"]

    play(monkeypatch, story)


def test_a_service_that_stays_away_is_told_and_its_return_as_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(site: Site) -> None:
        await trio.sleep(0.9 * LOOK_S)
        site.is_away = True
        site.happen()
        await trio.sleep(AWAY_S + SOON_S)
        assert site.told == ["up", "away"]
        await trio.sleep(10 * LOOK_S)
        site.is_away = False  # and nobody says so: events are not followed yet
        await trio.sleep(AWAY_S + SOON_S)
        assert site.told == ["up", "away", "up"]

    play(monkeypatch, story)
