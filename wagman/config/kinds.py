"""What a value may be: each kind says what it wants, and turns a value from TOML into one for the program."""

import json
import re
from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen

from wagman.config import durations
from wagman.model.sockets import MOST_BYTES

SHOWN_CHARS = 60
"""How many characters of a value a message repeats (chosen)."""

MOST_PORT_CHARS = 64
"""The longest name of a port, in characters (chosen: rows of a table show it)."""

PORT_WANTED = f"a number, 0 or more, or a name of 1 to {MOST_PORT_CHARS} printable characters"

_BEYOND = 2**63
"""The least number that is refused: TOML promises 64 bits, and Python would read more, and then fail to write them."""


def show(value: object) -> str:
    """A value as TOML would write it, on one line and at most SHOWN_CHARS long."""
    text = _written(value)
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 3] + "..."


def _written(value: object) -> str:
    match value:
        case bool() | str():
            return json.dumps(value)
        case int() if abs(value) >= _BEYOND:
            return "a number beyond 64 bits"
        case list() | tuple() if not any(isinstance(each, list) for each in value):
            return f"[{', '.join(map(show, value))}]"
        case list():
            return "a list of lists"
        case dict():
            return "a table"
        case _:
            return str(value)


@frozen
class Kind:
    """What a value may be. `wants` completes "must be ..."; `read` converts, or raises ValueError; `show` is the way back."""

    wants: str
    read: Callable[[object], Any]
    show: Callable[[Any], str] = show
    is_command: bool = False  # a program and its arguments, to be run on this computer


def _only(wants: str, is_wanted: Callable[[Any], bool], convert: Callable[[Any], Any] = lambda value: value) -> Kind:
    """The kind of the values for which `is_wanted` is true."""

    def read(value: object) -> Any:
        if not is_wanted(value):
            raise ValueError(wants)
        return convert(value)

    return Kind(wants, read)


def whole(least: int, most: int = _BEYOND - 1) -> Kind:
    """The kind of whole numbers from `least` to `most`."""
    wants = f"a whole number from {least} to {most}" if most < _BEYOND - 1 else f"a whole number, {least} or more"
    return _only(wants, lambda value: type(value) is int and least <= value <= most)


def one_of(*words: str) -> Kind:
    """The kind of a few words."""
    return _only(" or ".join(show(word) for word in words), lambda value: value in words)


def _is_number(value: Any) -> bool:
    return type(value) in {int, float} and abs(value) < _BEYOND  # also False for nan


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and value.strip() != ""


def _is_path(value: object, most_bytes: int) -> bool:
    return _is_text(value) and len(str(value).encode()) <= most_bytes


def _is_command(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) and word and "\0" not in word for word in value)


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def matching(wants: str, pattern: str) -> Kind:
    """The kind of the texts that match a pattern as a whole."""
    return _only(wants, lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None)


def _port_name(value: object) -> str:
    """The text by which a port is named, whether the file has a number or a name."""
    if type(value) is int and 0 <= value < _BEYOND:
        return str(value)
    if _is_text(value) and len(str(value)) <= MOST_PORT_CHARS and str(value) == str(value).strip():
        return str(value)
    raise ValueError(PORT_WANTED)


BOOLEAN = _only("true or false", lambda value: isinstance(value, bool))
TEXT = _only("a non-empty string of printable characters", _is_text)
SERIAL_PORT = Kind(TEXT.wants, TEXT.read)  # a kind of its own: only one key of a file may name a port
FILE = Kind("the path of a file", TEXT.read)  # one that is read, and is no secret
SOCKET_PATH = _only(f"a path of 1 to {MOST_BYTES} bytes", lambda value: _is_path(value, MOST_BYTES))
NUMBER = _only("a finite number", _is_number, float)
NUMBER_FROM_0 = _only("a finite number, 0 or more", lambda value: _is_number(value) and value >= 0, float)
NUMBER_ABOVE_0 = _only("a finite number above 0", lambda value: _is_number(value) and value > 0, float)
COMMAND = evolve(_only("a list of non-empty strings, the command and its arguments", _is_command, tuple), is_command=True)
PROGRAM = evolve(
    _only("a list of non-empty strings, the program and its arguments", lambda value: bool(value) and _is_command(value), tuple),
    is_command=True,
)
PORT_NAME = Kind(PORT_WANTED, _port_name)
HEARING = Kind("true or false, or an ear, or a list of ears", lambda value: value)  # `ear_tables` reads these three
STILL_ON = Kind("{ watts = NUMBER }, or an ear", lambda value: value)
WITNESS = Kind("an ear, or a list of ears", lambda value: value)
BOARD_NAMES = _only("a list of names of boards", _is_names, tuple)
NAMES = _only("a list of names of guests", _is_names, tuple)
DURATION_OR_NEVER = Kind(
    f"{durations.WANTED}; or 0 for never",
    lambda value: 0.0 if durations.is_none(value) else durations.parse(value),
    lambda seconds: show(durations.show(seconds)),
)
DURATION = Kind(durations.WANTED, durations.parse, lambda seconds: show(durations.show(seconds)))
