"""A TOML file as text, parsed, with the line of each of its keys; what its tables mean is not known here."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from attrs import field, frozen

from wagman.config.files import opened
from wagman.config.keys import MOST_PARTS, overlong
from wagman.config.positions import Path, key_lines
from wagman.model.errors import ConfigError

MOST_BYTES = 65_536
"""The largest file, in bytes (chosen: twenty times a file that states every key for every port)."""

_PLACE = re.compile(r" \(at (?:line (?P<line>[0-9]+), column [0-9]+|end of document)\)$")


@frozen
class Document:
    """The tables of a file, and the line of each key; for several files, also the file of each key."""

    tables: Mapping[str, Any]
    lines: Mapping[Path, int]
    homes: Mapping[Path, str] = field(factory=dict)  # without the keys of the main file


def read(path: str, name: str | None = None, *, advice: str = "") -> str:
    """The text of the file at `path`; `name` is what the problems call it, `advice` what they say to do where it is not there.

    Raises:
        ConfigError: it cannot be read, is too large, or is not UTF-8.
    """
    name = path if name is None else name
    try:
        with opened(FilePath(path)) as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ConfigError((f"{name}: larger than {MOST_BYTES} bytes: is this the right file?",))
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError((f"{name}:{line}: not UTF-8: save the file in that encoding",)) from error
    except FileNotFoundError as error:
        raise ConfigError((f"{name}: cannot be read: {error.strerror}{advice and f': {advice}'}",)) from error
    except OSError as error:
        raise ConfigError((f"{name}: cannot be read: {error.strerror}",)) from error
    except ValueError as error:  # a NUL in the path
        raise ConfigError((f"{name!r}: cannot be read: {error}",)) from error


def parse(text: str, name: str) -> Document:
    """Parse a text; `name` is what the problems call it.

    Raises:
        ConfigError: it is not TOML, or has a key that is too long.
    """
    if (line := overlong(text)) is not None:
        raise ConfigError((f"{name}:{line}: a key of more than {MOST_PARTS} parts: no key that is known here has so many",))
    try:
        return Document(tomllib.loads(text), key_lines(text))
    except RecursionError as error:
        raise ConfigError((f"{name}: nested too deeply",)) from error
    except ValueError as error:
        raise ConfigError((_syntax_problem(text, name, str(error)),)) from error


def _syntax_problem(text: str, name: str, message: str) -> str:
    place = _PLACE.search(message)
    if place is None:
        return f"{name}: not valid TOML: {message}"
    line = place["line"] or text.count("\n") + 1
    return f"{name}:{line}: not valid TOML: {_PLACE.sub('', message)}"
