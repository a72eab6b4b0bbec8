"""What the lines of a v3 board mean: payload and log lines to numbers with units. Pure.

Every parser raises `BoardProtocolError`, and nothing else, for lines that the board cannot have meant. None stands for a
sensor that does not answer, or reports what no working sensor would; a parser itself never returns None.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from attrs import frozen

from wagman.io import htu21d
from wagman.io.v3.codec import Log
from wagman.model.errors import BoardProtocolError

PORT_NAMES = ("nc", "gn", "cs", "x1", "x2")
"""The board's own names of its ports (firmware)."""

_PORTS = len(PORT_NAMES)
_UINT16 = 0xFFFF
_UINT32 = 0xFFFF_FFFF
_MAX_CURRENT_MA = 8176  # the last step of the sensor, which has 16 mA
_DEAD_CURRENT = 0xFFFF
_DEAD_THERMISTOR = 2047

# --- Replies ----------------------------------------------------------------------------------------------------------


@frozen
class Currents:
    """Currents in steps of 16 mA; 0 does not prove that a relay is off."""

    system_ma: int | None
    ports_ma: tuple[int | None, ...]


@frozen
class Enclosure:
    """The air around the board."""

    temperature_c: float | None
    humidity_pct: float | None


@frozen
class Version:
    """The versions of the board's hardware and firmware."""

    hardware: str
    firmware: str
    built_s: int  # seconds since 1970
    commit: str


def parse_hb(lines: Sequence[str]) -> tuple[float, ...]:
    """Seconds since each port's last heartbeat or change of state, whichever was later."""
    return tuple(age_ms / 1000 for age_ms in _numbers(lines, _PORTS, _UINT32))


def parse_cu(lines: Sequence[str]) -> Currents:
    """The current of the whole board, and of each port."""
    return _currents(_only(lines))


def parse_env(lines: Sequence[str]) -> Enclosure:
    """Temperature and humidity of the enclosure."""
    match = re.fullmatch(r"temperature=(\S+)\nhumidity=(\S+)", "\n".join(lines))
    if not match:
        raise _wrong(lines)
    return _enclosure(match[1], match[2])


def parse_th(lines: Sequence[str]) -> tuple[int | None, ...]:
    """Raw readings of the thermistors: 10 bits on port 0, 11 bits on the others."""
    return _thermistors(lines)


def parse_fc(lines: Sequence[str]) -> tuple[int, ...]:
    """Heartbeat time-outs of each port since the board's memory was cleared."""
    return _numbers(lines, _PORTS, _UINT32)


def parse_boots(lines: Sequence[str]) -> int:
    """How often the board has booted since its memory was cleared."""
    return _number(_only(lines), _UINT32)


def parse_up(lines: Sequence[str]) -> int:
    """Seconds since the board was set up, by its real-time clock: setting the date changes it."""
    return _number(_only(lines), _UINT32)


def parse_rtc(lines: Sequence[str]) -> int:
    """Seconds since 1970 by the board's real-time clock; 0 if the clock does not answer."""
    return _number(_only(lines), _UINT32)


def parse_id(lines: Sequence[str]) -> str:
    """The board's id, 12 hexadecimal digits; `FFFFFFFFFFFF` if the chip that holds it does not answer."""
    return _one_of(_only(lines), r"[0-9A-F]{12}")


def parse_ver(lines: Sequence[str]) -> Version:
    """Version of the hardware and of the firmware."""
    match = re.fullmatch(r"hw (\S+)\nker (\S+)\ntime ([0-9]{1,10})\ngit (\S*)", "\n".join(lines))
    if not match:
        raise _wrong(lines)
    return Version(match[1], match[2], int(match[3]), match[4])


def parse_bs(medium: str) -> Callable[[Sequence[str]], str]:
    """Return the reader of the reply to a command that sets a selector to `medium`, which repeats it: `set emmc`.

    A command that loses a character on its way can become a question (`bs 0emmc`), whose reply is the medium alone.
    """

    def read(lines: Sequence[str]) -> str:
        return _one_of(_only(lines), f"set {medium}").removeprefix("set ")

    return read


def parse_nothing(lines: Sequence[str]) -> bool:
    """True for the empty reply of a command, which does not prove that the command did anything."""
    if lines:
        raise _wrong(lines)
    return True


# --- Words and numbers ------------------------------------------------------------------------------------------------


def _wrong(lines: Sequence[str]) -> BoardProtocolError:
    return BoardProtocolError(f"the board cannot mean {' / '.join(lines)[:200]!r}")


def _only(lines: Sequence[str]) -> str:
    if len(lines) != 1:
        raise _wrong(lines)
    return lines[0]


def _words(text: str, count: int) -> list[str]:
    words = text.split(" ")
    if len(words) != count:
        raise _wrong([text])
    return words


def _one_of(text: str, pattern: str) -> str:
    if not re.fullmatch(pattern, text):
        raise _wrong([text])
    return text


def _number(text: str, high: int) -> int:
    number = int(_one_of(text, r"[0-9]{1,10}"))
    if number > high:
        raise _wrong([text])
    return number


def _numbers(words: Sequence[str], count: int, high: int) -> tuple[int, ...]:
    if len(words) != count:
        raise _wrong(words)
    return tuple(_number(word, high) for word in words)


def _currents(text: str) -> Currents:
    system_ma, *ports_ma = map(_current, _words(text, 1 + _PORTS))
    return Currents(system_ma, tuple(ports_ma))


def _current(word: str) -> int | None:
    current_ma = _number(word, _UINT16)
    if _MAX_CURRENT_MA < current_ma < _DEAD_CURRENT:
        raise _wrong([word])
    return current_ma if current_ma != _DEAD_CURRENT else None


def _thermistors(words: Sequence[str]) -> tuple[int | None, ...]:
    internal, *external = _numbers(words, _PORTS, _DEAD_THERMISTOR)
    return (internal, *(raw if raw != _DEAD_THERMISTOR else None for raw in external))


def _enclosure(temperature: str, humidity: str) -> Enclosure:
    return Enclosure(
        _sensed(temperature, htu21d.temperature_c),
        _sensed(humidity, htu21d.humidity_pct),
    )


def _sensed(word: str, convert: Callable[[int], float | None]) -> float | None:
    return convert(int(_one_of(word, r"[0-9]{1,5}\.00")[:-3]))


# --- Log lines --------------------------------------------------------------------------------------------------------

PORT_LOGS = frozenset(
    (
        *("starting primary", "starting secondary", "stopping", "stop timeout", "killing"),
        *("heartbeat", "heartbeat timeout", "unmanaged switch"),
        *("current low", "current normal", "current stressed", "current high"),
    )
)
"""What the board logs about a port (firmware)."""


@frozen
class PortLog:
    """The board logged something about a port; `what` is one of `PORT_LOGS`."""

    port: int
    what: str


@frozen
class FailureReport:
    """Heartbeat time-outs of each port, in the minute report."""

    counts: tuple[int, ...]


@frozen
class EnabledReport:
    """Which ports are enabled, in the minute report."""

    ports: tuple[bool, ...]


LogReport: TypeAlias = PortLog | Enclosure | FailureReport | EnabledReport


def parse_log(log: Log) -> LogReport | None:
    """The meaning of a log line; None for topics that tell nothing which is not asked for as well.

    Raises:
        BoardProtocolError: a known topic with a text that the board does not use.
    """
    if log.topic in PORT_NAMES:
        return _port_log(log)
    parse = _REPORTS.get(log.topic)
    return parse(log.text) if parse else None


def _port_log(log: Log) -> PortLog:
    if log.text not in PORT_LOGS:
        raise _wrong((log.topic, log.text))
    return PortLog(PORT_NAMES.index(log.topic), log.text)


def _enclosure_report(text: str) -> Enclosure:
    temperature, humidity = _words(text, 2)
    return _enclosure(temperature, humidity)


_REPORTS: Mapping[str, Callable[[str], LogReport]] = {
    "env": _enclosure_report,
    "fails": lambda text: FailureReport(_numbers(text.split(" "), _PORTS, _UINT32)),
    "enabled": lambda text: EnabledReport(tuple(map(bool, _numbers(text.split(" "), _PORTS, 1)))),
}
