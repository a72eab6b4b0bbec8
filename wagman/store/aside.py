"""Moving a database that cannot be used out of the way, without losing a byte of it."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from attrs import frozen

from wagman.model.errors import PLACE_GONE

COMPANIONS = ("-wal", "-journal", "-shm")
"""What SQLite keeps beside a database; without its -wal a file may lack what was committed last."""


@frozen
class SetAside:
    """A file that was moved out of the way."""

    path: Path  # where it is now
    reason: str


def with_suffix(path: Path, suffix: str) -> Path:
    """The path of a database's companion."""
    return path.with_name(path.name + suffix)


def set_aside(path: Path, label: str, now: datetime) -> Path:
    """Rename the database and its companions to a free name that says why and when; raises OSError.

    The database goes first: a power cut in between leaves a -wal without a database, which is recognised, and never
    a database without its -wal, which would look whole and lack its newest part.
    """
    target = _free_name(path, f"{label}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    for suffix in ("", *COMPANIONS):
        source = with_suffix(path, suffix)
        if os.path.lexists(source):
            source.rename(with_suffix(target, suffix))
    sync_directory(path.parent)
    return target


def make_directory(directory: Path) -> None:
    """Make a directory that is not there; the OSError says so where somebody has taken it away for good."""
    if os.path.lexists(directory):
        return
    try:
        directory.mkdir(mode=0o750, exist_ok=True)
    except OSError as error:
        raise OSError(error.errno, f"{PLACE_GONE}, and cannot be made anew ({error.strerror})") from error


def sync_directory(directory: Path) -> None:
    """Have the names in a directory outlast a power cut; raises OSError."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _free_name(path: Path, label: str) -> Path:
    return next(name for name in _names(path, label) if not any(os.path.lexists(with_suffix(name, s)) for s in ("", *COMPANIONS)))


def _names(path: Path, label: str) -> Iterator[Path]:
    yield with_suffix(path, f".{label}")
    for n in count(2):
        yield with_suffix(path, f".{label}.{n}")
