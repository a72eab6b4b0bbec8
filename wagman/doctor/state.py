"""The saved state: whether the service's user may write it, whether there is room, and whether the log is sound."""

import errno
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from wagman.config.schema import Config
from wagman.doctor.database import sound
from wagman.doctor.found import Found, Verdict
from wagman.store.owner import barred_file, barred_words, user_name

LEAST_BYTES = 1_048_576
"""With less room, the log cannot be written (chosen: SQLite needs it for its write-ahead log and the database)."""

SPARE_BYTES = 16 * 2**20
"""How much room should be left once the log has its full size (chosen: other programs write there, too)."""

LEAST_INODES, FEW_INODES = 8, 256
"""The number of free inodes that the service needs, and the number below which there is a warning (chosen)."""

LOG = "wagman.db"
FILES = (LOG, f"{LOG}-wal", "decisions.json")

FREE = "free some space there, or name another directory in service.state_dir"


def state(config: Config) -> Iterator[Found]:
    """Make all of these checks."""
    directory = Path(config.service.state_dir)
    try:
        os.scandir(directory).close()
    except OSError as error:
        text, is_barred = f"the state directory {directory}: {error.strerror}", isinstance(error, PermissionError)
        do = f"sudo chown {user_name(os.geteuid())} {directory}" if is_barred else "systemctl start wagman, which makes it"
        yield Found("state", "wrong", text, do, is_barred)
        return
    yield writable(directory)
    yield room(directory, config.service.max_bytes)
    yield inodes(directory)
    yield sound(directory / LOG)


def writable(directory: Path) -> Found:
    """Check that the directory and the files in it may be written."""
    barred = barred_file(*(directory / name for name in FILES))
    if barred is not None:
        text, _, do = barred_words(barred).rpartition(": ")
        return Found("state", "wrong", text, f"{do}; or put the right user into the unit", for_want_of_right=True)
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK) or is_read_only(directory):
        return Found("state", "wrong", f"{directory} is on a file system that cannot be written to", "make it writable")
    return Found("state", "ok", f"{directory} may be written by {user_name(os.geteuid())}")


def is_read_only(directory: Path) -> bool:
    """Whether its file system refuses to be written to: asked for a file without a name, of which nothing is left."""
    # A file system that an error has made read-only (ext4 on kernels of late) goes on saying that files may be written.
    try:
        os.close(os.open(directory, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        return error.errno == errno.EROFS  # whatever else is wrong is found elsewhere; not every file system has such files
    return False


def room(directory: Path, most_bytes: int) -> Found:
    """Check the free space against what the log may still need."""
    try:
        held = os.statvfs(directory)
        size = sum((directory / name).stat().st_size for name in FILES if (directory / name).exists())
    except OSError as error:
        return Found("space", "unknown", f"the room for the log in {directory}: {error.strerror}")
    free = held.f_bavail * held.f_frsize
    wanted = max(most_bytes - size, 0) + SPARE_BYTES
    text = f"{mib(free)} free for {directory}"
    if free < LEAST_BYTES:
        return Found("space", "wrong", f"{text}: the log cannot be written", FREE)
    if free < wanted:
        return Found("space", "warning", f"{text}, and the log may need {mib(wanted)} more (max_bytes)", FREE)
    return Found("space", "ok", text)


def inodes(directory: Path) -> Found:
    """Check the number of free inodes; some file systems have no limit."""
    held = os.statvfs(directory)
    if not held.f_files:
        return Found("inodes", "ok", f"the file system of {directory} does not run out of inodes")
    verdict: Verdict = "wrong" if held.f_favail < LEAST_INODES else "warning" if held.f_favail < FEW_INODES else "ok"
    do = "" if verdict == "ok" else "remove files that nobody needs: df -i shows where they are"
    return Found("inodes", verdict, f"{held.f_favail} inodes free for {directory}", do)


def written_at(directory: str) -> str | None:
    """Return when the log was last written, in RFC 3339 by the clock at that time; None if that cannot be seen."""
    try:
        last_s = max(path.stat().st_mtime for path in Path(directory).glob(f"{LOG}*"))
    except (OSError, ValueError):  # no such file
        return None
    return datetime.fromtimestamp(last_s, UTC).isoformat(timespec="seconds")


def mib(count: int) -> str:
    """Return a number of bytes for people."""
    return f"{count / 2**20:,.0f} MiB" if count >= 2**20 else f"{count / 2**10:,.0f} KiB"
