"""The configuration, in one file or several, read and judged: a `Config`, or everything that is wrong with it at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from wagman.config.boards import BoardConfig
from wagman.config.checks import advise, check_all
from wagman.config.checks.node import named_files
from wagman.config.checks.subject import Subject
from wagman.config.commands import commands_of
from wagman.config.document import Document, parse, read
from wagman.config.findings import Findings
from wagman.config.kinds import FILE
from wagman.config.positions import Path
from wagman.config.schema import Config, DeviceConfig
from wagman.config.secrets import SECRET_FILE
from wagman.config.sections import read_config
from wagman.config.whole import whole
from wagman.model.errors import ConfigError

Place: TypeAlias = Path | tuple[BoardConfig | DeviceConfig, str]
"""A key of the file: its path, or the key of a board or a guest, wherever the file states it."""


def load(path: str) -> Config:
    """The configuration in the file at `path` and those beside it.

    Raises:
        ConfigError: the file cannot be read, or something in it is wrong; with every problem.
    """
    return _judged(whole(path), path)


def load_alone(path: str) -> Config:
    """The configuration in that file alone, without those beside it: it is a copy that somebody keeps.

    Raises:
        ConfigError: as `load`.
    """
    return loads(read(path), path)


def loads(text: str, name: str) -> Config:
    """The configuration in `text`; `name` is what the problems call it.

    Raises:
        ConfigError: something is wrong; with every problem.
    """
    return _judged(parse(text, name), name)


def _judged(parsed: Document, name: str) -> Config:
    findings = Findings()
    config = read_config(parsed.tables, findings)
    check_all(Subject(config, parsed.tables), findings)
    problems = findings.render(name, parsed.lines, parsed.homes)
    if problems:
        raise ConfigError(problems)
    return config


def advice(path: str) -> Sequence[str]:
    """A line, with its place, for each value in the file at `path` that is right but perhaps not what somebody wants."""
    parsed, findings = whole(path), Findings()
    findings.judge(advise(_subject(parsed)))
    return findings.render(path, parsed.lines, parsed.homes)


def commands(path: str) -> Mapping[Path, Sequence[str]]:
    """Every command in the file at `path`, which must be right, by its path."""
    subject = _subject(whole(path))
    found = {(*at, key): command for part, at in subject.parts for key, command in commands_of(part)}
    for guest in subject.config.guests:
        asks = {key: command for key, command in commands_of(guest) if key == "shutdown" or command != guest.shutdown}
        found |= {subject.source(guest, key): command for key, command in asks.items()}
    return found


def read_files(path: str) -> Mapping[Path, str]:
    """Every file that is read for what the file at `path`, which must be right, says: passwords, keys and certificates."""
    subject = _subject(whole(path))
    secret = {at: file for at, file in named_files(subject, SECRET_FILE) if file.startswith("/")}
    return secret | dict(named_files(subject, FILE))  # other secrets are credentials, which systemd hands over


def placed(path: str, told: Iterable[tuple[Place, str]]) -> Sequence[str]:
    """A line, with its place, for each message about a key of the file at `path`.

    A key that a guest inherits is placed in `[defaults]`.
    """
    parsed, findings = whole(path), Findings()
    subject = _subject(parsed)
    for place, message in told:
        findings.add(_path_of(place, subject), message)
    return findings.render(path, parsed.lines, parsed.homes)


def _path_of(place: Place, subject: Subject) -> Path:
    match place:
        case BoardConfig() as board, str(key):
            return subject.of_board(board, key)
        case DeviceConfig() as device, str(key):
            return subject.source(device, key)
    return place


def _subject(parsed: Document) -> Subject:
    return Subject(read_config(parsed.tables, Findings()), parsed.tables)
