"""The log as a file, while no service runs: a copy is checked, because opening the log itself would change it.

A running service holds the log, and has checked it.
"""

import fcntl
import os
import shutil
import sqlite3
import struct
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from wagman.doctor.asking import UnseenError
from wagman.doctor.found import Found
from wagman.store.schema import MIGRATIONS, has_sound_header, version_of

MOST_BYTES = 256 * 2**20
"""A larger log is not copied (chosen: four times the default bound of the log)."""

CHECK_S = 10.0
"""How long the check may take (chosen; 64 MiB take a second)."""

_LOCKED = (0x4000_0000, 512)
"""Where SQLite locks the file, and how many bytes (https://sqlite.org/fileformat2.html#the_lock_byte_page)."""

_FLOCK = struct.Struct("@hhqqi4x")
"""`struct flock` of Linux with 64 bit offsets: type, whence, start, length, pid."""

SET_ASIDE = "the service sets it aside by itself when it starts, and begins a new one: docs/store.md; decisions.json still counts"


def sound(path: Path) -> Found:
    """Check whether the log at `path` is sound."""
    if not os.path.lexists(path):
        return Found("log", "ok", f"there is no log yet: {path} is begun by the first start")
    try:
        if holder := held_by(path):
            return Found("log", "ok", f"{path} is in use ({holder}): who opened it has checked it")
        with copied(path) as copy:
            return _judged(path, copy)
    except UnseenError as error:
        return Found("log", "unknown", f"whether {path} is sound: {error}")
    except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            return Found("log", "wrong", f"{path} is damaged: {error}", SET_ASIDE)
        return Found("log", "unknown", f"whether {path} is sound: {getattr(error, 'strerror', None) or error}")


def held_by(path: Path) -> str:
    """Return who has the log open, for people; an empty text if nobody has. Raises OSError."""
    with path.open("rb") as file:
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, *_LOCKED, 0)
        kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(file, fcntl.F_GETLK, asked))
    if kind == fcntl.F_UNLCK:
        return ""
    return f"process {pid}" if pid > 0 else "another process"


@contextmanager
def copied(path: Path) -> Iterator[Path]:
    """Yield a temporary copy of the log with all files that belong to it.

    Raises:
        UnseenError: it is too large, or was opened meanwhile.
        OSError: it cannot be read, or there is no room for a copy.
    """
    pieces = [each for each in (path, path.with_name(f"{path.name}-wal")) if each.exists()]
    if (size := sum(each.stat().st_size for each in pieces)) > MOST_BYTES:
        raise UnseenError(f"it is too large to be copied ({size} bytes)")
    with tempfile.TemporaryDirectory(prefix="wagman-doctor-") as directory:
        for each in pieces:
            shutil.copyfile(each, Path(directory, each.name))
        if holder := held_by(path):
            raise UnseenError(f"it was opened while it was copied ({holder}): try again")
        yield Path(directory, path.name)


def _judged(path: Path, copy: Path) -> Found:
    if not has_sound_header(copy):
        return Found("log", "wrong", f"{path} is damaged: its header is not one that SQLite writes", SET_ASIDE)
    with closing(sqlite3.connect(copy, isolation_level=None)) as conn:
        due_s = time.monotonic() + CHECK_S
        conn.set_progress_handler(lambda: int(time.monotonic() > due_s), 10_000)
        version = version_of(conn)
        if version > len(MIGRATIONS):
            text = f"{path} is of a newer version of wagman (schema {version}, this one knows {len(MIGRATIONS)})"
            return Found("log", "wrong", text, "run that version; this one would set it aside and begin a new log")
        said = conn.execute("PRAGMA quick_check(1)").fetchone()[0]
    if said != "ok":
        return Found("log", "wrong", f"{path} is damaged: {said}", SET_ASIDE)
    return Found("log", "ok", f"{path} is sound")
