"""The content of the bundle: each piece is made by itself, and a missing one says why. No secret leaves with it."""

import json
import os
import platform
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from wagman import __version__
from wagman.cli.outcome import CommandError
from wagman.cli.report.reading import from_file
from wagman.config.document import parse, read
from wagman.config.schema import Config
from wagman.config.secrets import read_secret
from wagman.config.whole import BESIDE, files
from wagman.doctor import strike
from wagman.doctor.asking import UnseenError, output
from wagman.doctor.bundle import Piece
from wagman.doctor.database import copied, held_by
from wagman.doctor.redacted import copy
from wagman.doctor.service import EVENTS, Service
from wagman.doctor.state import LOG, mib
from wagman.doctor.strike import Struck
from wagman.model.errors import ConfigError

JOURNAL_LINES = 2000
"""How many of the journal's last lines are in the bundle (chosen: a bad day)."""

JOURNAL_S = 30.0
"""How long reading the journal may take (chosen: a large one on a slow disk)."""

UNITS = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
"""The directories with units (systemd.unit(5))."""

FAILURES = (UnseenError, ConfigError, CommandError, OSError, ValueError, sqlite3.Error)


def gathered(path: str, config: Config | None, document: Mapping[str, Any], service: Service) -> Iterator[Piece]:
    """Yield all pieces. The configuration comes first, since it says what has to be struck."""
    struck = Struck()
    units, configs = _units(struck), _configs(path, struck)
    # Made twice: a secret of the last file may be in a comment, or a value, of the first one.
    for make in configs.values():
        with suppress(*FAILURES):
            make()
    yield from (_piece(name, make, struck) for name, make in configs.items())
    makers: dict[str, Callable[[], str]] = {
        "doctor.json": lambda: _json([struck.document(document)], 1),
        "version.txt": lambda: f"wagman {__version__}\n",
        "system.txt": lambda: struck.text(_system()),
        "disk.txt": lambda: struck.text(_disk((config or Config()).service.state_dir)),
        "status.json": lambda: _status(service, struck),
        "events.jsonl": lambda: _json(map(struck.document, _events(service, config))),
        "units.txt": lambda: struck.text(units),
        "journal.txt": lambda: struck.text(_journal()),
    }
    yield from (_piece(name, make, struck) for name, make in makers.items())


def _piece(name: str, make: Callable[[], str], struck: Struck) -> Piece:
    try:
        return Piece(name, make())
    except FAILURES as error:
        return Piece(name, None, struck.text(" ".join(str(getattr(error, "strerror", None) or error).split())))


def _strike_files(value: Any, struck: Struck) -> None:
    """Have the content of each password or key file struck that a document names, even if the document is wrong."""
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        _strike_files(each, struck)
        if str(key).endswith("_file") and isinstance(each, str):
            with suppress(OSError, ValueError):  # a file that cannot be read here cannot leak here
                struck.add(read_secret(each).decode(errors="replace").strip())


def _configs(path: str, struck: Struck) -> dict[str, Callable[[], str]]:
    """Return the makers of copies of the configuration's files, by their names in the bundle."""
    try:
        found = files(path)
    except ConfigError:
        found = (path,)
    names = ("wagman.toml", *(f"{BESIDE}/{Path(each).name}" for each in found[1:]))
    return {name: partial(_config, each, struck) for name, each in zip(names, found, strict=True)}


def _config(path: str, struck: Struck) -> str:
    text = read(path)
    try:
        tables = parse(text, path).tables
    except ConfigError as error:
        strike.add_all(text, struck)
        raise UnseenError("it is no TOML, and so nobody can tell what in it is a secret") from error
    _strike_files(tables, struck)
    return struck.text(copy(text, tables, struck))


def _status(service: Service, struck: Struck) -> str:
    if service.status is None:
        raise UnseenError(service.why_not)
    return _json([struck.document(service.status)], 1)


def _events(service: Service, config: Config | None) -> Iterable[Any]:
    """Return the last events, from the service or else from its log."""
    if service.status is not None:
        return service.events
    path = Path((config or Config()).service.state_dir, LOG)
    if holder := held_by(path):
        raise UnseenError(f"the service does not answer, and its log is in use ({holder})")
    with copied(path) as there:
        return from_file(str(there)).events[-EVENTS:]


def _json(documents: Iterable[Any], indent: int | None = None) -> str:
    return "".join(f"{json.dumps(each, indent=indent)}\n" for each in documents)


def _system() -> str:
    uname = os.uname()
    packages = sorted({f"{each.name} {each.version}" for each in distributions()}, key=str.casefold)
    known = (f"{uname.sysname} {uname.release} {uname.version} {uname.machine}", f"Python {sys.version}", platform.platform())
    return "\n".join((*known, f"SQLite {sqlite3.sqlite_version}", *packages, ""))


def _disk(directory: str) -> str:
    """Return how full the file systems are, and which files the state directory has."""
    lines = list[str]()
    for place in ("/", "/tmp", "/run", directory):  # noqa: S108 - it is only looked at
        try:
            held = os.statvfs(place)
        except OSError as error:
            lines.append(f"{place}: {error.strerror}")
            continue
        free, size = mib(held.f_bavail * held.f_frsize), mib(held.f_blocks * held.f_frsize)
        lines.append(f"{place}: {free} of {size} free, {held.f_favail} of {held.f_files} inodes")
    try:
        lines += [f"{each.name}: {mib(each.lstat().st_size)}" for each in sorted(Path(directory).iterdir())]
    except OSError as error:
        lines.append(f"{directory}: {error.strerror}")
    return "\n".join((*lines, ""))


def _units(struck: Struck) -> str:
    """Return the files of our units and their drop-ins, from all directories."""
    found = list[str]()
    kinds = ("wagman*.service", "wagman*.path", "wagman*.d/*.conf")
    for path in (each for directory in UNITS for kind in kinds for each in sorted(Path(directory).glob(kind))):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
            found.append(f"# {path}\n{strike.unit(text, struck)}")
        except OSError as error:
            found.append(f"# {path}: {error.strerror}\n")
    return "\n".join(found) or "no unit of wagman is in place\n"


def _journal() -> str:
    asked = ("journalctl", "--unit=wagman.service", f"--lines={JOURNAL_LINES}", "--no-pager", "--output=short-iso")
    text = output(*asked, within_s=JOURNAL_S)
    if not text.strip() or text.startswith("-- No entries --"):
        raise UnseenError("the journal has no line of the unit, or none that may be read by who asked")
    return text
