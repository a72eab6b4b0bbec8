"""A configuration in several files: the main one, and `conf.d/*.toml` beside it. Together they are one document.

Each table stands in one place. A table whose subtables have names (`[device.NAME]`, `[board.NAME]`) takes those of all files.
What is stated twice is an error that names both places. So the order in which the files are read does not matter.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from pathlib import Path as FilePath
from typing import Any

from attrs import define, field

from wagman.config.document import MOST_BYTES, Document, parse, read
from wagman.config.findings import dotted
from wagman.config.positions import Path
from wagman.model.errors import ConfigError

BESIDE = "conf.d"

OF_NAMES = frozenset({"board", "device", "environment", "network"})
"""The tables whose subtables have names of the operator's own."""

MOST_FILES = 64
"""The most files beside the main one (chosen: a file for each port of a large rack)."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def files(path: str) -> Sequence[str]:
    """The file at `path`, and those beside it in the order of their names; hidden files, which editors leave, are not read.

    Raises:
        ConfigError: the directory beside it cannot be read, or has too many files.
    """
    beside = FilePath(path).parent / BESIDE
    try:
        names = sorted(each.name for each in beside.iterdir() if each.suffix == ".toml" and not each.name.startswith("."))
    except FileNotFoundError:
        return (path,)
    except OSError as error:
        raise ConfigError((f"{beside}: cannot be read: {error.strerror}",)) from error
    if len(names) > MOST_FILES:
        raise ConfigError((f"{beside}: {len(names)} files, and {MOST_FILES} at most are read: put several tables into one",))
    return (path, *(str(beside / name) for name in names))


def whole(path: str) -> Document:
    """The document of the file at `path` and those beside it.

    Raises:
        ConfigError: a file cannot be read or is not TOML, or something is stated twice; with every problem.
    """
    merged, problems, left = _Merged(path), list[str](), MOST_BYTES
    for name in files(path):
        try:
            text = read(name, advice="wagman init writes one" if name == path else "")
            left -= len(text.encode())
            merged.add(name, parse(text, name))
        except ConfigError as error:
            problems += error.problems
        if left < 0:
            problems.append(f"{name}: all files together are larger than {MOST_BYTES} bytes: are these the right ones?")
            break
    problems += merged.problems
    if problems:
        raise ConfigError(tuple(problems))
    return Document(merged.tables, merged.lines, merged.homes)


def as_one(tables: Mapping[str, Any]) -> str:
    """The document as the text of one file."""
    return "".join(f"{_key(key)} = {_value(each)}\n" for key, each in tables.items())


@define
class _Merged:
    """The files that were read so far, as one."""

    main: str
    tables: dict[str, Any] = field(factory=dict)
    lines: dict[Path, int] = field(factory=dict)
    homes: dict[Path, str] = field(factory=dict)
    problems: list[str] = field(factory=list)

    def add(self, name: str, document: Document) -> None:
        """Take in another file. A key that is there already is a problem, and left out."""
        twice = list(self._twice(document.tables))
        for path in twice:
            line, before = document.lines[path], f"{self.homes.get(path, self.main)}:{self.lines[path]}"
            self.problems.append(f"{name}:{line}: {dotted(path)}: it is in {before} as well: state it in one place")
        for path, line in document.lines.items():
            if path not in self.lines:
                self.lines[path] = line
                self.homes[path] = name
        for key, table in document.tables.items():
            if key in OF_NAMES and isinstance(table, dict) and isinstance(self.tables.get(key, {}), dict):
                self.tables[key] = {**self.tables.get(key, {}), **table}
            else:
                self.tables.setdefault(key, table)

    def _twice(self, tables: Mapping[str, Any]) -> Iterator[Path]:
        for key in tables.keys() & self.tables.keys():
            ours, theirs = self.tables[key], tables[key]
            if key not in OF_NAMES or not isinstance(ours, dict) or not isinstance(theirs, dict):
                yield (key,)
            elif own := sorted(_own(theirs)):
                # The keys of the table itself, beside its subtables: `[environment]` has some.
                yield from [(key, own[0])] if own[0] in ours else [(key,)] if _own(ours) else []
                yield from ((key, each) for each in theirs.keys() & ours.keys() if each != own[0])
            else:
                yield from ((key, each) for each in theirs.keys() & ours.keys())


def _own(table: Mapping[str, Any]) -> set[str]:
    return {key for key, value in table.items() if not isinstance(value, dict)}


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else quoted(key)


def quoted(text: str) -> str:
    """A text as TOML has it."""
    # JSON escapes as TOML does, except DEL, which TOML does not accept unescaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return quoted(value)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return f"{{{', '.join(f'{_key(key)} = {_value(each)}' for key, each in value.items())}}}"
        case date() | time():
            return value.isoformat()
    return str(value)
