"""The control commands of the fake board as text: one command per line, one JSON object as the answer.

unplug | replug                    the cable; board and guests run on
reset | powercycle                 the watchdog; the board's own power
hang D | panic D | revive D | halt D   the guest on port D (a name or a number): its programs hang, its kernel, too; halt asks
                                   it to shut down by itself
guest D KEY=VALUE,...              boot, beat, halt, hush, flap (seconds), ignore, line (0 or 1), good (media: emmc,sd)
temp C | humidity PCT              the enclosure
eeprom KEY [D] VALUE               what the board remembers: boots, magic, bootloader; of D: enabled, attempts, failures, journal
status                             everything, as it really is
quit                               `wagman fake-board` ends
fault ...                          what goes wrong:
  relay D stuck|ok                 the relay does not move any more
  power D on|off                   the relay moves by itself
  drop N                           the next N commands are lost
  silent on|off                    the board runs, but says nothing
  slow S                           every command waits S seconds; 0: no longer
  flood N                          N lines of log at once
  garbage N                        N bytes of noise
  sensor cu|system|th|env|rtc|id dead|ok [D]   the sensor does not answer (cu: of port D, or of all ports)
  sensor env garbled               its checksum is wrong; `sensor env ok` ends that, too
  sid N                            the next N replies carry a wrong sid
  corrupt|lose|duplicate P [out|in|both]    each byte with probability P; default out: what the board says; 0: no longer
  eeprom                           its content is lost; the board notices at its next boot
  brownout | watchdog              the microcontroller resets for that reason
  clear                            all that lasts is over
"""

from collections.abc import Mapping, Sequence
from math import inf, isinf
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import asdict, filters

from wagman.config.wagman import PORTS
from wagman.fake.board import Board
from wagman.fake.eeprom import EepromError
from wagman.fake.guests import Guest, GuestSpecError
from wagman.fake.hardware import PORT_NAMES
from wagman.model.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from wagman.fake.serve import FakeBoard


class ControlError(ValueError):
    """A control command that cannot be understood, or that the guest does not follow."""


def port_of(device: str | int) -> int:
    """Return the port of a guest given by name or number; raises ControlError."""
    text = str(device)
    if text in PORT_NAMES:
        return PORT_NAMES.index(text)
    if text.isdecimal() and int(text) in PORTS:
        return int(text)
    raise ControlError(f"no device {text!r} (known: {', '.join(PORT_NAMES)}, or 0 to {PORTS[-1]})")


def execute(fake: "FakeBoard", line: str) -> dict[str, Any]:
    """Carry out one control command; raises ControlError."""
    name, *words = line.split() or [""]
    arity, command = _lookup(_COMMANDS, name, "command")
    check_count(name, words, arity)
    return command(fake, *words) or {"ok": True}


def fault(board: Board, text: str) -> None:
    """Cause a fault of a board; raises ControlError. The caller pokes the board afterwards."""
    name, *words = text.split() or [""]
    arity, command = _lookup(_FAULTS, name, "fault")
    check_count(f"fault {name}", words, arity)
    command(board, *words)


# --- Reading words ----------------------------------------------------------------------------------------------------

_T = TypeVar("_T")


def _lookup(table: Mapping[str, _T], word: str, what: str) -> _T:
    try:
        return table[word]
    except KeyError:
        raise ControlError(f"unknown {what} {word!r} (known: {', '.join(table)})") from None


def check_count(name: str, words: Sequence[str], arity: tuple[int, int]) -> None:
    """Raise ControlError where a command has other than the least to the most words that it takes."""
    least, most = arity
    if not least <= len(words) <= most:
        raise ControlError(
            f"{name}: {counted(len(words), 'word')} given, {least if least == most else f'{least} to {most}'} wanted"
        )


def _number(text: str, least: float = -inf, most: float = inf) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ControlError(f"{text!r} is not a number") from None
    if not least <= value <= most or isinf(value):
        raise ControlError(f"{text} is out of range")
    return value


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > _MOST:
        raise ControlError(f"{text!r} is not a number from 0 to {_MOST}")
    return int(text)


_MOST = 100_000
_ON_OFF = {"on": True, "off": False}
_DEAD_OK = {"dead": True, "ok": False}
_STUCK_OK = {"stuck": True, "ok": False}
_DIRECTIONS = {"out": ("outward",), "in": ("inward",), "both": ("outward", "inward")}

# --- The faults -------------------------------------------------------------------------------------------------------


def _relay(board: Board, device: str, how: str) -> None:
    board.hardware.relays[port_of(device)].stuck = _lookup(_STUCK_OK, how, "state")


def _power(board: Board, device: str, how: str) -> None:
    board.hardware.set_relay(port_of(device), "fault", on=_lookup(_ON_OFF, how, "state"))


def _drop(board: Board, count: str) -> None:
    board.faults.drops = _count(count)


def _silent(board: Board, how: str) -> None:
    board.faults.silent = _lookup(_ON_OFF, how, "state")


def _slow(board: Board, seconds: str) -> None:
    board.faults.slow_s = _number(seconds, least=0)


def _flood(board: Board, count: str) -> None:
    for index in range(_count(count)):
        board.usb.println(f"log: flood {index}")


def _garbage(board: Board, count: str) -> None:
    board.usb.print(board.faults.garbage(_count(count)).decode("latin-1"))


def _sensor(board: Board, sensor: str, how: str, device: str | None = None) -> None:
    if (sensor, how) == ("env", "garbled"):
        board.hardware.dead_sensors.add("checksum")
        return
    dead = _lookup(_DEAD_OK, how, "state")
    if sensor == "rtc":
        board.hardware.rtc.dead = dead
        return
    ports = PORTS if device is None else [port_of(device)]
    own = {name: [name] for name in ("system", "th", "id")}
    known = {"cu": [f"cu{port}" for port in ports], "env": ["env"] if dead else ["env", "checksum"], **own}
    sensors = _lookup(known, sensor, "sensor")
    change = board.hardware.dead_sensors.update if dead else board.hardware.dead_sensors.difference_update
    change(sensors)


def _sid(board: Board, count: str) -> None:
    board.faults.wrong_sids = _count(count)


def _bytes(kind: str) -> "Callable[..., None]":
    def apply(board: Board, probability: str, direction: str = "out") -> None:
        for side in _lookup(_DIRECTIONS, direction, "direction"):
            setattr(getattr(board.faults, side), kind, _number(probability, 0, 1))

    return apply


def _eeprom(board: Board) -> None:
    board.hardware.eeprom.forget()


def _eeprom_byte(fake: "FakeBoard", key: str, *words: str) -> None:
    *device, text = words
    try:
        fake.hardware.eeprom.set(key, port_of(device[0]) if device else None, text)
    except EepromError as error:
        raise ControlError(str(error)) from error


def _clear(board: Board) -> None:
    board.faults.clear()
    board.hardware.dead_sensors.clear()
    board.hardware.rtc.dead = False
    for relay in board.hardware.relays:
        relay.stuck = False


_FAULTS: "dict[str, tuple[tuple[int, int], Callable[..., None]]]" = {
    "relay": ((2, 2), _relay),
    "power": ((2, 2), _power),
    "drop": ((1, 1), _drop),
    "silent": ((1, 1), _silent),
    "slow": ((1, 1), _slow),
    "flood": ((1, 1), _flood),
    "garbage": ((1, 1), _garbage),
    "sensor": ((2, 3), _sensor),
    "sid": ((1, 1), _sid),
    "corrupt": ((1, 2), _bytes("corrupt")),
    "lose": ((1, 2), _bytes("lose")),
    "duplicate": ((1, 2), _bytes("duplicate")),
    "eeprom": ((0, 0), _eeprom),
    "brownout": ((0, 0), lambda board: board.reset("BORF")),
    "watchdog": ((0, 0), lambda board: board.reset("WDRF")),
    "clear": ((0, 0), _clear),
}

# --- The commands -----------------------------------------------------------------------------------------------------


def _followed(done: bool, what: str) -> None:  # noqa: FBT001 - the verdict of a guest
    if not done:
        raise ControlError(what)


def _halt(fake: "FakeBoard", device: str) -> None:
    _followed(fake.halt(device), f"{device} does not listen: it is {_state(fake, device)}")


def _hang(fake: "FakeBoard", device: str) -> None:
    _followed(fake.hang(device), f"{device} shows no life: it is {_state(fake, device)}")


def _panic(fake: "FakeBoard", device: str) -> None:
    _followed(fake.panic(device), f"{device} shows no life: it is {_state(fake, device)}")


def _revive(fake: "FakeBoard", device: str) -> None:
    _followed(fake.revive(device), f"{device} cannot be revived: it is {_state(fake, device)}")


def _state(fake: "FakeBoard", device: str) -> str:
    return fake.hardware.guests[port_of(device)].state(fake.board.clock.now_s)


def _guest(fake: "FakeBoard", device: str, keys: str) -> None:
    try:
        fake.guest(device, keys)
    except GuestSpecError as error:
        raise ControlError(str(error)) from error


def _quit(_fake: "FakeBoard") -> None:
    raise ControlError("only wagman fake-board ends by that")


_COMMANDS: "dict[str, tuple[tuple[int, int], Callable[..., dict[str, Any] | None]]]" = {
    "unplug": ((0, 0), lambda fake: fake.unplug()),
    "replug": ((0, 0), lambda fake: fake.replug()),
    "reset": ((0, 0), lambda fake: fake.reset()),
    "powercycle": ((0, 0), lambda fake: fake.powercycle()),
    "hang": ((1, 1), _hang),
    "panic": ((1, 1), _panic),
    "revive": ((1, 1), _revive),
    "halt": ((1, 1), _halt),
    "guest": ((2, 2), _guest),
    "temp": ((1, 1), lambda fake, celsius: fake.temp(_number(celsius))),
    "humidity": ((1, 1), lambda fake, percent: fake.humidity(_number(percent))),
    "eeprom": ((2, 3), _eeprom_byte),
    "fault": ((1, 4), lambda fake, *words: fake.fault(" ".join(words))),
    "status": ((0, 0), lambda fake: fake.status()),
    "quit": ((0, 0), _quit),  # only listed here: `standalone` handles it before
}

# --- Status -----------------------------------------------------------------------------------------------------------


def status(board: Board) -> dict[str, Any]:
    """Return the true state of the board, its guests and its relay log; media are those of the two selectors."""
    hardware = board.hardware
    return {
        "board_s": board.clock.now_s,
        "relays": [
            {"port": port, "on": relay.on, "on_count": relay.on_count, "off_count": relay.off_count}
            for port, relay in enumerate(hardware.relays)
        ],
        "media": list(hardware.selectors),
        "guests": [_guest_status(guest, board.clock.now_s) for guest in hardware.guests],
        "eeprom": hardware.eeprom.as_dict(),
        "relay_log": [asdict(change, filter=filters.exclude("request")) for change in hardware.relay_log],
    }


def _guest_status(guest: Guest, now_s: float) -> dict[str, Any]:
    return {
        "device": guest.name,
        "state": guest.state(now_s),
        "medium": guest.medium,
        "boots": guest.boots,
        "dirty_cuts": guest.dirty_cuts,
        "boot": guest.spec.boot_s,
        "beat": guest.spec.beat_s,
        "halt": guest.spec.halt_s,
        "ignore": guest.spec.ignore,
        "good": list(guest.spec.good),
        "flap": guest.spec.flap_s,
        "hush": guest.spec.hush_s,
        "line": guest.spec.line,
    }
