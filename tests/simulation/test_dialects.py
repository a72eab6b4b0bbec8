"""The whole service on a v4 board, and on a board whose kind it has to find out."""

import pytest

from tests.simulation.node import CONFIG
from wagman.config.load import loads
from wagman.config.schema import Config, DeviceConfig
from wagman.io.v4.codec import encode_all
from wagman.io.v4.requests import ENABLE, PING, SET_MEDIA, START, STOP
from wagman.model.facts import Port
from wagman.simulation.boards.wagman import Wagman
from wagman.simulation.faults.node import HOUR_S
from wagman.simulation.play import Scenario, play
from wagman.simulation.profiles import PROFILES, make_script
from wagman.simulation.promises import MediaFollow
from wagman.simulation.records import Began, EventShown, Record, RelayMoved, Sent
from wagman.simulation.requests import requests_in
from wagman.simulation.scene import Scene
from wagman.simulation.script import parse
from wagman.simulation.sites import ONE
from wagman.store import Event

STOP_TIMEOUT_S = DeviceConfig("gn", 1).stop_timeout_s


def node(dialect: str) -> Config:
    return loads(f'[board]\ndialect = "{dialect}"\n{CONFIG}', "node.toml")


@pytest.mark.parametrize("profile", ["none", "cable", "board", "bytes", "guests", "service", "memory", "operators", "enclosure"])
def test_every_promise_holds_with_a_v4_board(profile: str) -> None:
    config = node("v4")
    assert play(Scenario(1, config, make_script(config, PROFILES[profile], 1, 2 * HOUR_S))).violation is None


@pytest.mark.parametrize("board", ["v3", "v4"])
@pytest.mark.parametrize("profile", ["none", "cable", "board"])
def test_every_promise_holds_where_the_dialect_is_to_be_found_out(
    profile: str, board: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = node("auto")
    monkeypatch.setattr(Wagman, "dialect", board)
    assert play(Scenario(1, config, make_script(config, PROFILES[profile], 1, HOUR_S))).violation is None


@pytest.mark.parametrize(("dialect", "revived_s"), [("v3", 298), ("v4", 294)])
def test_a_guest_that_comes_to_itself_before_it_can_be_heard_has_rightly_lost_its_heartbeat(dialect: str, revived_s: int) -> None:
    lost = list[float]()

    def watch(record: Record) -> None:
        if isinstance(record, EventShown) and record.event.type == "device.heartbeat_lost":
            lost.append(record.at_s)

    script = f"20 min; guest gn hang; {revived_s} s; guest gn revive; 2 min"
    assert play(Scenario(1, node(dialect), parse(script)), watch).violation is None
    assert [at_s > 20 * 60 + revived_s for at_s in lost] == [True]


@pytest.mark.parametrize("dialect", ["v3", "v4"])
@pytest.mark.parametrize("while_away", [False, True])
def test_a_guest_without_a_heartbeat_whose_relay_falls_off_comes_back_where_the_service_had_seen_it_run(
    dialect: str, while_away: bool
) -> None:
    config = loads(f'[board]\ndialect = "{dialect}"\n{ONE}', "node.toml")
    away = ("service kill", "service start") if while_away else ("1 s", "1 s")
    moved = list[bool]()

    def watch(record: Record) -> None:
        if isinstance(record, RelayMoved) and record.plug.port == 4:
            moved.append(record.on)

    script = f"20 min; {away[0]}; board fault power 4 off; 1 min; {away[1]}; 30 min; all well; settled"
    assert play(Scenario(1, config, parse(script)), watch).violation is None
    assert moved == ([True, False] if while_away else [True, False, True])


@pytest.mark.parametrize(("guest", "within_s"), [("ignore=0", 120), ("ignore=1", STOP_TIMEOUT_S + 60)])
def test_a_port_that_a_restarted_board_started_while_the_service_was_away_is_off_again_soon_after_its_return(
    guest: str, within_s: float
) -> None:
    seen = list[Record]()

    def watch(record: Record) -> None:
        if isinstance(record, Began) or (isinstance(record, RelayMoved) and record.plug.port == 1):
            seen.append(record)

    script = f"20 min; gn: stop; 5 min; service kill; board reset; guest gn {guest}; 5 h; service start; 30 min; 1 h"
    assert play(Scenario(1, node("v4"), parse(script)), watch).violation is None
    on, back, off = seen[-3:]
    assert isinstance(on, RelayMoved)
    assert isinstance(off, RelayMoved)
    assert (on.on, on.by, off.on, off.by) == (True, "board", False, "command")
    assert on.at_s - 25 * 60 < 5 * 60
    assert off.at_s - back.at_s < within_s


def test_a_start_that_the_service_took_for_carried_out_counts_as_an_attempt() -> None:
    """Where a cut is lost and the guest beats a minute later, a v4 board may have cut and started it: nobody can tell."""

    def told(type_: str, **fields: object) -> EventShown:
        return EventShown(0.0, Event(1, "", "", 0.0, type_, "gn", None, fields))

    checker, scene = MediaFollow(), Scene(node("v4"))
    starting = [told("device.starting", reason="restart", attempt=attempt, media="emmc") for attempt in (1, 2)]
    story = [told("device.stable"), starting[0], told("device.started", attempt=1), starting[1]]
    assert [text for record in story for text in checker.see(record, scene)] == []
    assert [text for record in (*story[:2], starting[1]) for text in checker.see(record, scene)] != []


def test_a_guest_that_comes_to_itself_while_its_cut_is_under_way_is_no_broken_promise() -> None:
    script = "20 min; guest x1 hang; 1 s; x1: stop; 57 s; guest x1 revive; 2 min"
    assert play(Scenario(1, node("v4"), parse(script))).violation is None


def test_no_guest_of_a_v4_board_is_switched_when_it_restarts() -> None:
    moved = list[RelayMoved]()

    def watch(record: Record) -> None:
        if isinstance(record, RelayMoved):
            moved.append(record)

    outcome = play(Scenario(1, node("v4"), parse("20 min; board reset; 4.5 h; all well; settled")), watch)
    assert outcome.violation is None
    assert all(record.at_s < 20 * 60 for record in moved)


@pytest.mark.parametrize("dialect", ["v3", "v4", "auto"])
def test_the_requests_are_the_same_words_whatever_the_board_speaks(dialect: str) -> None:
    sent = set[tuple[str, Port]]()

    def watch(record: Record) -> None:
        if isinstance(record, Sent) and record.plug is not None:
            sent.add((record.verb, record.plug.port))

    play(Scenario(1, node(dialect), parse("20 min; gn: kill; 5 min")), watch)
    assert {("start", 2), ("start", 3), ("start", 4), ("disable", 1)} <= sent


def test_a_stop_with_grace_is_no_cut() -> None:
    asked = [STOP.ask(1, 0), STOP.ask(1, 60), PING.ask(2), START.ask(3), ENABLE.ask(4), SET_MEDIA.ask(0, 1)]
    words = [("disable", "1"), ("stop", "1"), ("ping", "2"), ("start", "3"), ("enable", "4"), ("set_media", "0")]
    assert list(requests_in(encode_all(asked))) == words


def test_guests_that_a_v4_board_cannot_hear_are_heard_over_the_control_interface() -> None:
    started = set[str | None]()

    def watch(record: Record) -> None:
        if isinstance(record, EventShown) and record.event.type == "device.started":
            started.add(record.event.device)

    play(Scenario(1, node("v4"), parse("20 min")), watch)
    assert started == {"gn", "cs", "x1", "x2"}
