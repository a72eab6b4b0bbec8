"""The control commands of a fake rail as text: one command per line, one JSON object as the answer. Outlets count from 0.

weld N | mend N                    the contact of outlet N does not move any more; it does again
press N on|off                     somebody presses its button
hang N | revive N | halt N         its guest; halt asks it to shut down by itself
restart warm|cold [S]              its processor; its own power, for S seconds
lie S                              after an off its meters show 0 W for S seconds
ignore N                           the next N commands are said to be done, and are not
late S                             each command is done S seconds after its reply; 0: at once
replace MAC                        another one gets its address
clock set|unset                    it knows the time
net hang|mute|refuse|garbage|error|half|slow|ok   how it answers
status                             everything, as it really is
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

from wagman.fake.control import ControlError, check_count
from wagman.fake.guests import Guest
from wagman.fake.plugs.rail import FakeRail, Outlet
from wagman.fake.plugs.server import Fault, PlugServer

T = TypeVar("T")

ON_OFF = {"on": True, "off": False}
CLOCKS = {"set": True, "unset": False}
RESTARTS = {"warm": "warm", "cold": "cold"}
FAULTS: Mapping[str, Fault | None] = {**{fault: fault for fault in get_args(Fault)}, "ok": None}

MOST = 1e6
"""The largest number that a command takes (chosen)."""


def execute(server: PlugServer, line: str) -> dict[str, Any]:
    """Carry out one control command; raises ControlError."""
    name, *words = line.split() or [""]
    least, most, command = _one_of(COMMANDS, name)
    check_count(name, words, (least, most))
    server.catch_up()
    return command(server, *words) or {"ok": True}


def _one_of(table: Mapping[str, T], word: str) -> T:
    if word not in table:
        raise ControlError(f"{word!r} is not known (known: {', '.join(table)})")
    return table[word]


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= MOST:
        raise ControlError(f"{text!r} is not a number from 0 to {MOST:g}")
    return value


def _port(rail: FakeRail, text: str) -> int:
    if not text.isdecimal() or int(text) >= len(rail.outlets):
        raise ControlError(f"there is no outlet {text!r} (there are 0 to {len(rail.outlets) - 1})")
    return int(text)


def _guest(server: PlugServer, text: str, act: Callable[[Guest, float], bool]) -> None:
    guest, now_s = server.rail.outlets[_port(server.rail, text)].guest, server.rail.clock.now_s
    if not act(guest, now_s):
        raise ControlError(f"it is {guest.state(now_s)}")


def _net(server: PlugServer, how: str) -> None:
    server.fault = _one_of(FAULTS, how)


def _clock(server: PlugServer, how: str) -> None:
    server.rail.clock_set = _one_of(CLOCKS, how)


def _restart(server: PlugServer, kind: str, outage: str = "0") -> None:
    server.rail.restart("cold" if _one_of(RESTARTS, kind) == "cold" else "warm", _number(outage))


def _press(server: PlugServer, port: str, how: str) -> None:
    server.rail.switch_by_hand(_port(server.rail, port), on=_one_of(ON_OFF, how))


def _status(server: PlugServer) -> dict[str, Any]:
    rail = server.rail
    changes = [{"board_s": each.board_s, "port": each.port, "on": each.on, "by": each.by} for each in rail.relay_log]
    return {
        "board_s": rail.clock.now_s,
        "mac": rail.mac,
        "boots": rail.boots,
        "answers": rail.answers and server.fault is None,
        "outlets": [_outlet(rail, outlet) for outlet in rail.outlets],
        "relay_log": changes,
    }


def _outlet(rail: FakeRail, outlet: Outlet) -> dict[str, Any]:
    state = outlet.guest.state(rail.clock.now_s)
    return {"guest": outlet.guest.name, "state": state, "on": outlet.contact.on, "told_on": outlet.told_on}


COMMANDS: Mapping[str, tuple[int, int, Callable[..., dict[str, Any] | None]]] = {
    "weld": (1, 1, lambda server, port: server.rail.weld(_port(server.rail, port))),
    "mend": (1, 1, lambda server, port: server.rail.mend(_port(server.rail, port))),
    "press": (2, 2, _press),
    "hang": (1, 1, lambda server, port: _guest(server, port, lambda guest, now_s: guest.hang(now_s))),
    "revive": (1, 1, lambda server, port: _guest(server, port, lambda guest, now_s: guest.revive(now_s))),
    "halt": (1, 1, lambda server, port: _guest(server, port, lambda guest, now_s: guest.halt(now_s))),
    "restart": (1, 2, _restart),
    "lie": (1, 1, lambda server, seconds: server.rail.let_meters_lie(_number(seconds))),
    "ignore": (1, 1, lambda server, count: server.rail.ignore(int(_number(count)))),
    "late": (1, 1, lambda server, seconds: server.rail.delay(_number(seconds))),
    "replace": (1, 1, lambda server, mac: server.rail.replace(mac)),
    "clock": (1, 1, _clock),
    "net": (1, 1, _net),
    "status": (0, 0, _status),
}
"""For each command: the least and the most words, and its function."""
