"""The configuration file, read and judged: a `Config`, or everything that is wrong with it at once."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, TypeAlias

from attrs import frozen

from wagman.config.boards import BoardConfig
from wagman.config.checks import advise, check_all
from wagman.config.checks.subject import Subject
from wagman.config.commands import commands_of
from wagman.config.findings import Findings
from wagman.config.positions import Path, key_lines
from wagman.config.schema import Config, DeviceConfig
from wagman.config.sections import read_config
from wagman.model.errors import ConfigError

MOST_BYTES = 65_536
"""Chosen: twenty times a file that states every key for every port."""

Place: TypeAlias = Path | tuple[BoardConfig | DeviceConfig, str]
"""A key of the file: by its path, or as that of a board or a device, wherever the file states it."""

_PLACE = re.compile(r" \(at (?:line (?P<line>[0-9]+), column [0-9]+|end of document)\)$")


def load(path: str) -> Config:
    """The configuration in the file at `path`; ConfigError where there is none, or anything is wrong with it."""
    return loads(_read(path), path)


def loads(text: str, name: str) -> Config:
    """The configuration in `text`; `name` is what the problems call it. Raises ConfigError with every problem."""
    parsed = _parse(text, name)
    findings = Findings()
    config = read_config(parsed.document, findings)
    check_all(Subject(config, parsed.document), findings)
    problems = findings.render(name, parsed.lines)
    if problems:
        raise ConfigError(problems)
    return config


def advice(path: str) -> Sequence[str]:
    """A line, with its place, for each thing in the file at `path` that is right and may not be what somebody wants."""
    parsed, findings = _parse(_read(path), path), Findings()
    findings.judge(advise(_subject(parsed)))
    return findings.render(path, parsed.lines)


def commands(path: str) -> Mapping[Path, Sequence[str]]:
    """Every command in the file at `path`, which is right, and where it stands."""
    subject = _subject(_parse(_read(path), path))
    found = {(*at, key): command for part, at in subject.parts for key, command in commands_of(part)}
    for guest in subject.config.guests:
        asks = {key: command for key, command in commands_of(guest) if key == "shutdown" or command != guest.shutdown}
        found |= {subject.source(guest, key): command for key, command in asks.items()}
    return found


def placed(path: str, told: Iterable[tuple[Place, str]]) -> Sequence[str]:
    """A line for each thing that there is to say of a key of the file at `path`, with its place, as for what is wrong.

    What a device takes from `[defaults]` is said of the key there.
    """
    parsed, findings = _parse(_read(path), path), Findings()
    subject = _subject(parsed)
    for place, message in told:
        findings.add(_path_of(place, subject), message)
    return findings.render(path, parsed.lines)


def _path_of(place: Place, subject: Subject) -> Path:
    match place:
        case BoardConfig() as board, str(key):
            return subject.of_board(board, key)
        case DeviceConfig() as device, str(key):
            return subject.source(device, key)
    return place


def _subject(parsed: "_Parsed") -> Subject:
    return Subject(read_config(parsed.document, Findings()), parsed.document)


@frozen
class _Parsed:
    document: Mapping[str, Any]
    lines: Mapping[Path, int]


def _read(path: str) -> str:
    try:
        with FilePath(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ConfigError((f"{path}: larger than {MOST_BYTES} bytes: is this the right file?",))
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError((f"{path}:{line}: not UTF-8: save the file in that encoding",)) from error
    except OSError as error:
        raise ConfigError((f"{path}: cannot be read: {error.strerror}",)) from error
    except ValueError as error:  # a NUL in the path
        raise ConfigError((f"{path!r}: cannot be read: {error}",)) from error


def _parse(text: str, name: str) -> _Parsed:
    try:
        return _Parsed(tomllib.loads(text), key_lines(text))
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
