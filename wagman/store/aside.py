"""Moving a database that cannot be used out of the way, without losing a byte of it."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from attrs import frozen

from wagman.model.errors import PLACE_GONE

COMPANIONS = ("-wal", "-journal", "-shm")
"""The files that SQLite keeps beside a database; without its -wal a database may lack the latest commits."""


@frozen
class SetAside:
    """A file that was moved out of the way."""

    path: Path  # where the file is now
    reason: str


def with_suffix(path: Path, suffix: str) -> Path:
    """The path of a database's companion."""
    return path.with_name(path.name + suffix)


def set_aside(path: Path, label: str, now: datetime) -> Path:
    """Rename the database and its companions to a free name that says why (`label`) and when; returns the new path.

    The database goes first. A power cut in between then leaves a -wal without a database, which is recognised. The other way
    round it would leave a database without its -wal, which looks whole and lacks its newest part.

    Raises:
        OSError: a file cannot be renamed.
    """
    target = free_name(path, f"{label}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    for suffix in ("", *COMPANIONS):
        source = with_suffix(path, suffix)
        if os.path.lexists(source):
            source.rename(with_suffix(target, suffix))
    sync_directory(path.parent)
    return target


def leads_nowhere(path: Path) -> bool:
    """Whether the path, or a directory on the way to it, is a link to something that is not there: that may come back."""
    return any(each.is_symlink() and not each.exists() for each in (path, *path.parents))


def make_directory(directory: Path) -> None:
    """Make a directory if it is missing.

    Raises:
        OSError: it cannot be made; the text says that somebody has taken it away.
    """
    if os.path.lexists(directory):
        return
    try:
        directory.mkdir(mode=0o750, exist_ok=True)
    except OSError as error:
        raise OSError(error.errno, f"{PLACE_GONE}, and cannot be made anew ({error.strerror})") from error


def sync_directory(directory: Path) -> None:
    """Make the names in a directory outlast a power cut; raises OSError."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def free_name(path: Path, label: str) -> Path:
    """The path with the label behind it, and with a number where that name is taken."""
    return next(name for name in _names(path, label) if not any(os.path.lexists(with_suffix(name, s)) for s in ("", *COMPANIONS)))


def _names(path: Path, label: str) -> Iterator[Path]:
    yield with_suffix(path, f".{label}")
    for n in count(2):
        yield with_suffix(path, f".{label}.{n}")
