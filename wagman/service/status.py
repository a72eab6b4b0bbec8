"""The rows of the service, its machines and its ports: parts of the result of the control interface's `status`."""

from collections.abc import Sequence
from typing import Literal

from attrs import frozen

from wagman import __version__
from wagman.fsm.environment import Environment
from wagman.fsm.guest import TERM
from wagman.fsm.guest.inputs import Message
from wagman.fsm.outlet import Outlet
from wagman.io.board.driver import Reading
from wagman.io.board.task import Board
from wagman.model.facts import HibernationOrder, Port, PowerGoal
from wagman.model.shapes import Alarm, Device, Hibernation, Lasting, PortReadings, Power, Service, Wagman
from wagman.model.shapes import Port as LeftPort
from wagman.model.shapes import Term as ShownTerm
from wagman.tasks.guest import Guest
from wagman.tasks.loop import Alarms
from wagman.tasks.moments import Beginning, Stamp
from wagman.tasks.supervisor import Supervisor


def age_s(at_s: float | None, now_s: float) -> float | None:
    """Return how long ago `at_s` was, in seconds to the millisecond; None where there is no such time."""
    return None if at_s is None else round(max(0.0, now_s - at_s), 3)


@frozen
class Now:
    """The moment of which a status is."""

    s: float  # trio's clock
    stamp: Stamp
    log_id: str | None


def lasting(since: Beginning, now: Now) -> Lasting:
    """The beginning of a state: when by the wall clock, how long ago by the controller's, and the event that began it."""
    since_id = None if since.event is None else since.event.within(now.log_id)
    return {"since": since.wall, "for_s": since.for_s(now.stamp), "since_id": since_id}


def service_status(uptime_s: float, boot_id: str) -> Service:
    """The row of the service itself."""
    return {"version": __version__, "uptime_s": round(uptime_s, 3), "boot_id": boot_id}


def wagman_status(supervisor: Supervisor, now: Now) -> Wagman:
    """The row of the scheduler."""
    return {
        "state": supervisor.state.name,
        **lasting(supervisor.since, now),
        "device": supervisor.state.target,
        "hibernation": hibernation_status(supervisor.situation.hibernation),
        "alarms": alarms_status(supervisor.alarms, now),
    }


def hibernation_status(hibernation: HibernationOrder | None) -> Hibernation | None:
    """The hibernation that an operator has ordered; None where there is none."""
    if hibernation is None:
        return None
    return {
        "reason": hibernation.reason,
        "who": hibernation.who,
        "uid": hibernation.uid,
        "at": hibernation.at,
        "keep": sorted(hibernation.keep),
    }


def port_readings(port: Port, board: Board, now_s: float) -> PortReadings:
    """The readings of a port by the board's converters. Each poll reads them, so they count as known while the board is seen."""
    reading = board.shown.ports.get(port, Reading())
    known = Reading() if board.blind else reading
    return {
        "current_ma": known.current_ma,
        "watts": known.watts,
        "current_raw": known.current_raw,
        "temperature_raw": known.temperature_raw,
        "stale": board.blind,
        "last": {
            "current_ma": reading.current_ma,
            "watts": reading.watts,
            "current_raw": reading.current_raw,
            "temperature_raw": reading.temperature_raw,
            "age_s": age_s(board.answered_s, now_s),
        },
    }


def next_start_s(guest: Guest, board: Board, environment: Environment, now_s: float) -> float | None:
    """Return in how many seconds a guest's next start is due; None where it waits for something else than time."""
    memory, waits_s = guest.memory, [guest.alarms.remaining_s(name, now_s) for name in ("backoff", TERM)]
    is_wanted = memory.wanted == "up" or memory.term is not None
    comes = is_wanted and guest.now.allowed and not memory.held and not memory.forbidden and not memory.maintained
    return _longest(waits_s) if comes and not board.blind and environment.starts_allowed else None


def _longest(waits_s: Sequence[float | None]) -> float | None:
    """The longest of them; None where there is none."""
    return max((each for each in waits_s if each is not None), default=None)


def term_status(guest: Guest) -> ShownTerm | None:
    """Return the guest's order for a limited time, with the time that is left; None if there is none."""
    term = guest.term
    return None if term is None else {"kind": term.kind, "in_s": round(term.left_s, 3)}


def alarms_status(alarms: Alarms, now: Now) -> list[Alarm]:
    """The timers of a machine, the next one first."""
    return [
        {"name": each.name, "in_s": round(each.in_s, 3), "held": each.held, "waits_for": each.waits_for}
        for each in alarms.view(now.s)
    ]


def disabled_by(guest: Guest) -> Literal["configuration", "operator"] | None:
    """Return what keeps the guest down: `configuration`, `operator`, or None."""
    if not guest.config.enabled:
        return "configuration"
    return None if guest.memory.enabled else "operator"


def command_trouble(guest: Guest) -> str | None:
    """Return why the guest cannot be asked to halt, as far as the latest messages tell; None where nothing is known."""
    commands = [message.command(guest.config) for message in (Message("shutdown"), Message("restart"))]
    return guest.message_failures.trouble(commands, is_mute=not guest.config.has_heartbeat)


def device_status(guest: Guest, board: Board, environment: Environment, hitch: str | None, now: Now) -> Device:
    """The row of a guest. `sources` and `waits_for` are empty here, and filled by the caller.

    `hitch` is what keeps the guest's commands from working, as `hitches` has found.
    """
    board_name, port = guest.config.plug
    start_s = next_start_s(guest, board, environment, now.s)
    return {
        "name": guest.config.name,
        "board": board_name,
        "port": port,
        "self": False,
        "state": guest.state.name,
        **lasting(guest.since, now),
        "reason": guest.reason,
        "wanted": guest.memory.wanted,
        "enabled": guest.now.allowed,
        "disabled_by": disabled_by(guest),
        "power": power_status(guest.goal, board.power.ports[port]),
        "media": guest.memory.media,
        "attempts": guest.memory.attempts,
        "failures": guest.memory.failures,
        "unrecoverable": guest.memory.unrecoverable,
        "heartbeat_age_s": age_s(guest.beat_at_s, now.s),
        "sources": [],
        **port_readings(port, board, now.s),
        "after": list(guest.config.after),
        "waits_for": [],
        "alarms": alarms_status(guest.alarms, now),
        "next_start_in_s": None if start_s is None else round(start_s, 3),
        "term": term_status(guest),
        "held": guest.memory.held,
        "relay_stuck": resists(guest.goal, board.power.ports[port]),
        "relay_dead": refuses(guest.goal, board.power.ports[port]),
        "heard_off": is_heard_off(guest, board.power.ports[port], now.s),
        "command_trouble": command_trouble(guest) or hitch,
        "has_shutdown": bool(guest.config.shutdown),
    }


def port_status(name: str, port: Port, board: Board, now_s: float) -> LeftPort:
    """The row of a port whose table is gone. Nobody looks after its power; it is shown until it is seen off."""
    power = board.power.ports[port]
    return {
        "board": board.name,
        "port": port,
        "board_name": board.port_name(port),
        "was": name,
        "power": "on" if power.signs.supply == "on" and not board.blind else "unknown",
        **port_readings(port, board, now_s),
    }


def power_status(goal: PowerGoal, outlet: Outlet) -> Power:
    """The power that is ordered, and whether the board has shown that it is so.

    What the board shows is for the outlet's goal, which lags behind while a state is being made durable. Until they are equal,
    nothing is confirmed. Power that is left alone for now is shown as wanted off, and never confirmed.
    """
    is_current = outlet.goal == goal
    return {
        "wanted": "on" if goal.level == "on" else "off",
        "confirmed": is_current and outlet.confirmed,
        "evidence": outlet.evidence if is_current else None,
    }


def resists(goal: PowerGoal, outlet: Outlet) -> bool:
    """Return whether the relay stays on although it was switched off often enough for this goal."""
    return goal.level == "off" and outlet.goal == goal and outlet.is_stuck


def refuses(goal: PowerGoal, outlet: Outlet) -> bool:
    """Return whether the relay does not come on although it was switched on often enough for this goal."""
    return goal.level == "on" and outlet.goal == goal and outlet.is_dead


def is_heard_off(guest: Guest, outlet: Outlet, now_s: float) -> bool:
    """Return whether the guest is heard now though its outlet was off, and is shown off ever since."""
    is_heard = guest.beat_at_s is not None and now_s <= guest.beat_at_s + guest.config.heartbeat_timeout_s
    return is_heard and outlet.signs.belied
