"""When Home Assistant is told what, in virtual time."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define, field

from tests.bridges.metrics.kit import example
from wagman.bridges.fleet import showing
from wagman.bridges.fleet.discovery import Home
from wagman.bridges.fleet.ledger import Ledger
from wagman.bridges.fleet.link import Message
from wagman.bridges.fleet.showing import MOST_TRIES, Showing
from wagman.client.errors import LostError

HOME = Home("v042", "wagman/1/v042", "homeassistant", 630, "0.2")
NODE, GUEST, STATE, GUEST_STATE = (
    "homeassistant/device/v042/config",
    "homeassistant/device/v042/gn/config",
    "wagman/1/v042/home",
    "wagman/1/v042/home/gn",
)
ALL = [NODE, GUEST, STATE, GUEST_STATE]
BIRTH = Message("homeassistant/status", b"online", False, 1)


@define(eq=False)
class Site:
    """A service that may be away, and what was published by when."""

    ledger: Ledger
    guests: list[str] = field(factory=lambda: ["gn"])
    is_away: bool = False
    published: list[tuple[float, str, bytes, float | None]] = field(factory=list)
    complaints: list[str] = field(factory=list)
    happened: trio.Event = field(factory=trio.Event)
    tries: Counter[str] = field(factory=Counter)

    async def ask(self, _socket: str, _method: str) -> Any:
        if self.is_away:
            raise LostError("away")
        status = example()
        status["devices"] = [{**status["devices"][0], "name": name} for name in self.guests]
        return status

    def publish(self, topic: str, payload: bytes, *, retained: bool, expires_s: float | None = None) -> int:
        assert retained
        self.published.append((trio.current_time(), topic, payload, expires_s))
        return len(self.published)

    def happen(self) -> None:
        self.happened.set()
        self.happened = trio.Event()

    def since(self, at_s: float) -> list[str]:
        """Which topics were told something since then."""
        return [topic for when_s, topic, _, _ in self.published if when_s >= at_s]

    def showing(self, home: Home | None = HOME) -> Showing:
        link: Any = self
        sending: Any = self
        return Showing(link, home, 300.0, "socket", sending, self.ledger, lambda: 1.8e9, self.complaints.append, self.tries)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with closing(Ledger(tmp_path / "ledger", 0.0)) as ledger:
        site = Site(ledger)
        monkeypatch.setattr(showing, "ask", site.ask)
        yield site


def play(site: Site, story: Callable[[Showing], Any]) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            showing = site.showing()
            nursery.start_soon(showing.run)
            await story(showing)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_all_is_told_at_once_and_how_things_are_again_in_time(site: Site) -> None:
    async def story(_: Showing) -> None:
        began_s = trio.current_time()
        await trio.sleep(1)
        assert site.since(began_s) == ALL
        await trio.sleep(290)
        assert site.since(began_s) == ALL, "nothing has changed"
        at_s = trio.current_time()
        await trio.sleep(70)
        assert site.since(at_s) == [STATE, GUEST_STATE]
        assert {expires_s for _, topic, _, expires_s in site.published if topic == STATE} == {630}, "the broker forgets it, too"
        assert {expires_s for _, topic, _, expires_s in site.published if topic == NODE} == {None}

    play(site, story)


def test_a_service_that_is_away_is_told_and_its_return_as_soon(site: Site) -> None:
    async def story(_: Showing) -> None:
        await trio.sleep(5)
        began_s = trio.current_time()
        site.is_away = True
        site.happen()
        await trio.sleep(4)
        assert site.since(began_s) == []
        await trio.sleep(10)
        assert site.since(began_s) == [STATE], "what guests do nobody knows"
        assert b'"service":"away"' in site.published[-1][2]
        await trio.sleep(60)
        at_s = trio.current_time()
        site.is_away = False  # and nobody says so: events are not followed yet
        await trio.sleep(14)
        assert site.since(at_s) == [STATE, GUEST_STATE]

    play(site, story)


def test_a_restart_is_no_news_however_long_it_was_calm_before(site: Site) -> None:
    async def story(_: Showing) -> None:
        await trio.sleep(60)
        began_s = trio.current_time()
        site.is_away = True
        site.happen()
        await trio.sleep(5)
        site.is_away = False
        site.happen()
        await trio.sleep(60)
        assert site.since(began_s) == []

    play(site, story)


def test_a_guest_that_is_renamed_is_another_one(site: Site) -> None:
    async def story(_: Showing) -> None:
        await trio.sleep(5)
        began_s = trio.current_time()
        site.guests = ["gx"]
        site.happen()
        await trio.sleep(5)
        gone = {topic for when_s, topic, payload, _ in site.published if when_s >= began_s and not payload}
        assert gone == {GUEST, GUEST_STATE}
        assert {GUEST.replace("gn", "gx"), GUEST_STATE.replace("gn", "gx")} <= set(site.since(began_s))

    play(site, story)


def test_when_it_comes_up_it_is_told_all_and_a_flood_of_that_changes_little(site: Site) -> None:
    async def story(showing: Showing) -> None:
        await trio.sleep(5)
        began_s = trio.current_time()
        assert showing.heard(BIRTH)
        await trio.sleep(1)
        assert site.since(began_s) == ALL
        at_s = trio.current_time()
        for _ in range(1000):
            assert showing.heard(BIRTH)
            await trio.sleep(0.01)
        assert len(site.since(at_s)) <= 6 * len(ALL)
        assert showing.heard(BIRTH._replace(payload=b"offline")), "it is nobody else's"
        assert not showing.heard(BIRTH._replace(topic="wagman/1/v042/resend/x"))

    play(site, story)


def test_a_disk_that_takes_nothing_is_told_and_hinders_nothing(site: Site) -> None:
    def full(_topic: str) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    async def story(_: Showing) -> None:
        await trio.sleep(5)
        assert site.since(0) == ALL
        assert "may stay there: disk I/O error" in site.complaints[0]

    site.ledger = SimpleNamespace(shown=set(), show=full, forget=full)  # type: ignore[assignment]
    play(site, story)


def test_where_it_is_shown_nothing_any_more_what_is_there_goes_once_and_no_sooner_than_the_broker_has_it(site: Site) -> None:
    site.ledger.show(NODE)

    async def main() -> None:
        await site.showing(None).run()
        await site.showing(None).run()  # the link was lost, and perhaps the message with it
        assert [(topic, payload) for _, topic, payload, _ in site.published] == [(NODE, b"")] * 2
        again = site.showing(None)
        await again.run()
        again.taken(len(site.published))
        await site.showing(None).run()

    trio.run(main)
    assert len(site.published) == 3
    assert site.complaints == []


def test_what_a_broker_does_not_let_us_remove_is_left_there_and_that_is_told(site: Site) -> None:
    site.ledger.show(NODE)

    async def main() -> None:
        for _ in range(MOST_TRIES + 5):
            await site.showing(None).run()

    trio.run(main)
    assert len(site.published) == MOST_TRIES
    assert len(site.complaints) == 1


def test_a_guest_that_is_back_before_its_removal_is_acknowledged_is_not_forgotten(site: Site) -> None:
    async def story(showing: Showing) -> None:
        await trio.sleep(5)
        for guests in ([], ["gn"]):
            began_s, site.guests = trio.current_time(), guests
            site.happen()
            await trio.sleep(5)
            assert {GUEST, GUEST_STATE} <= set(site.since(began_s))
        for number, _ in enumerate(site.published, 1):
            showing.taken(number)
        assert site.ledger.shown == set(ALL)

    play(site, story)
