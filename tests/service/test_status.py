"""What the service shows of itself."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, cast

import pytest
import trio
from attrs import define, evolve
from trio.testing import MockClock

from wagman.config.load import loads
from wagman.fsm.alarms import Alarm
from wagman.fsm.environment import Environment, Sensor
from wagman.fsm.outlet import Off, On, Outlet, PendingCommand, Signs
from wagman.fsm.outlet.signs import STUCK_ROUNDS
from wagman.io.board.driver import Reading, Wiring
from wagman.io.board.pace import Pace
from wagman.io.board.task import Board
from wagman.io.serial.wired import Wired
from wagman.io.v3.driver import V3Dialect
from wagman.model.errors import LinkGoneError
from wagman.model.facts import UNTOUCHED, PowerGoal
from wagman.service.board_status import board_status
from wagman.service.status import Now, device_status, is_heard_off, power_status, resists
from wagman.store import Journal, Limits, Store
from wagman.tasks.guest import Guest
from wagman.tasks.messages import run_command
from wagman.tasks.moments import Beginning, Clocks, Stamp

if TYPE_CHECKING:
    from wagman.tasks.surroundings import Surroundings

ON, OFF = PowerGoal("on", 3), PowerGoal("off", 3)


def outlet(goal: PowerGoal, relay: str) -> Outlet:
    state = On(3, "told") if relay == "on" else Off(3, is_kept=relay == "off", proof="told")
    return Outlet(0.0, Signs(0.0), state=state, goal=goal)


@pytest.mark.parametrize(
    ("wanted", "told", "relay", "shown"),
    [
        (ON, ON, "on", {"wanted": "on", "confirmed": True, "evidence": "told"}),
        (OFF, OFF, "off", {"wanted": "off", "confirmed": True, "evidence": "told"}),
        (OFF, OFF, "on", {"wanted": "off", "confirmed": False, "evidence": None}),
        (OFF, ON, "on", {"wanted": "off", "confirmed": False, "evidence": None}),
        (ON, OFF, "off", {"wanted": "on", "confirmed": False, "evidence": None}),
        (PowerGoal("on", 4), ON, "on", {"wanted": "on", "confirmed": False, "evidence": None}),
        (UNTOUCHED, UNTOUCHED, "off", {"wanted": "off", "confirmed": False, "evidence": None}),
    ],
)
def test_power_is_confirmed_for_the_goal_that_the_state_has_now_and_for_none_before(
    wanted: PowerGoal, told: PowerGoal, relay: str, shown: dict[str, object]
) -> None:
    assert power_status(wanted, outlet(told, relay)) == shown


def test_a_relay_is_stuck_for_the_off_that_it_resists_and_for_nothing_else() -> None:
    stuck = evolve(outlet(OFF, "on"), pending=PendingCommand("off", STUCK_ROUNDS, resisted=STUCK_ROUNDS))
    assert resists(OFF, stuck)
    assert not resists(PowerGoal("off", 4), stuck)
    assert not resists(OFF, outlet(OFF, "on"))
    assert not resists(ON, evolve(stuck, goal=ON))


# --- Readings, and their age -------------------------------------------------------------------------------------------


@define
class Node:
    """A board and a guest of whose state only what the status shows is there."""

    board: Board
    guest: Guest
    environment: Environment


NODE = loads('[device.gn]\nport = 1\nshutdown = ["halt-gn"]\n', "node.toml")


def node(*, blind: bool = False) -> Node:
    """A node that has answered at 100 s, and once read 23.5 C and 480 mA then."""
    wiring = Wiring(NODE.boards[0], NODE.devices)
    board = Board(wiring, Wired(V3Dialect(), never, "a port"), Pace(5.0, 0.0), void, void, healthy=lambda: True, remember=void)
    board.blind, board.answered_s = blind, 100.0
    board.shown.sensors |= {"temperature_c": (23.456, 100.0), "humidity_pct": (None, 100.0)}
    board.shown.ports[1] = Reading(3.0, 480, temperature_raw=512)
    (config,) = NODE.guests
    journal = Journal(Store(Path("never-opened"), Limits(100, 2**20), new_log_id=str), boot_id="boot", tell=void)
    guest = Guest(config, journal, cast("Surroundings", None), run_command, Clocks(lambda: "now", lambda: Stamp("boot", 0.0)))
    sensor = Sensor(NODE.environment.sensors["temperature_c"], verdict="normal", known=True)
    return Node(board, guest, Environment(NODE.environment, {"temperature_c": sensor}, waited=True))


def moment(now_s: float) -> Now:
    return Now(now_s, Stamp("boot", now_s), None)


async def never() -> NoReturn:
    raise LinkGoneError("there is no port")


def void(*_: object) -> None:
    """Nobody listens."""


def seen(look: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    async def main() -> Mapping[str, Any]:
        await trio.lowlevel.checkpoint()
        return look()

    return trio.run(main, clock=MockClock(autojump_threshold=0))


def sensor(now_s: float, *, blind: bool = False) -> Mapping[str, Any]:
    def look() -> Mapping[str, Any]:
        made = node(blind=blind)
        sensors: Mapping[str, Any] = board_status(made.board, made.environment, Beginning(), moment(now_s))["sensors"]
        return sensors

    return seen(look)


def guest_row(now_s: float = 110.0, *, blind: bool = False, cold: bool = False, **memory: Any) -> Mapping[str, Any]:
    def look() -> Mapping[str, Any]:
        made = node(blind=blind)
        made.guest.memory = evolve(made.guest.memory, **memory)
        made.guest.alarms.plan({"backoff": Alarm(1800.0)}, 100.0)
        sensors = {name: evolve(each, verdict="low") if cold else each for name, each in made.environment.sensors.items()}
        return device_status(made.guest, made.board, evolve(made.environment, sensors=sensors), None, moment(now_s))

    return seen(look)


def test_a_reading_is_a_value_while_it_is_known_to_hold() -> None:
    assert sensor(110)["temperature_c"] == {"value": 23.46, "last": 23.46, "age_s": 10.0, "state": "normal"}


@pytest.mark.parametrize(("now_s", "blind"), [(100 + 1206, True), (130, True), (100 + 181, False)])
def test_a_reading_that_is_old_is_no_value_and_judges_nothing(now_s: float, blind: bool) -> None:
    told = sensor(now_s, blind=blind)["temperature_c"]
    assert told == {"value": None, "last": 23.46, "age_s": now_s - 100, "state": "unknown"}


def test_a_sensor_that_failed_has_neither_a_value_nor_a_last_one() -> None:
    assert sensor(110)["humidity_pct"] == {"value": None, "last": None, "age_s": 10.0, "state": "unknown"}


def test_what_a_port_draws_is_known_while_the_board_is_seen() -> None:
    told = guest_row()
    assert (told["current_ma"], told["temperature_raw"], told["stale"]) == (480, 512, False)


def test_what_a_port_drew_before_the_board_went_out_of_sight_is_its_last_reading_with_its_age() -> None:
    told = guest_row(1306.0, blind=True)
    assert (told["current_ma"], told["current_raw"], told["temperature_raw"], told["stale"]) == (None, None, None, True)
    assert told["last"] == {"current_ma": 480, "watts": None, "current_raw": None, "temperature_raw": 512, "age_s": 1206.0}


# --- A start that will come --------------------------------------------------------------------------------------------


def test_the_next_start_is_told_where_it_will_come() -> None:
    assert guest_row()["next_start_in_s"] == 1790.0


@pytest.mark.parametrize(
    "obstacle",
    [
        {"enabled": False, "wanted": "down"},
        {"wanted": "down"},
        {"held": True},
        {"hibernating": True},
        {"blind": True},
        {"cold": True},
    ],
)
def test_a_start_that_will_not_come_is_not_promised(obstacle: dict[str, Any]) -> None:
    assert guest_row(**obstacle)["next_start_in_s"] is None


@pytest.mark.parametrize(
    ("beat_at_s", "belied", "is_heard"), [(1000.0, True, True), (699.0, True, False), (None, True, False), (1000.0, False, False)]
)
def test_a_guest_is_heard_though_off_for_as_long_as_it_is_heard(beat_at_s: float | None, *, belied: bool, is_heard: bool) -> None:
    guest: Any = SimpleNamespace(beat_at_s=beat_at_s, config=SimpleNamespace(heartbeat_timeout_s=300.0))
    outlet: Any = SimpleNamespace(signs=SimpleNamespace(belied=belied))
    assert is_heard_off(guest, outlet, 1000.0) is is_heard
