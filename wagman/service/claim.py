"""The claim to the state directory: of two services on one memory, with boards that nobody locks, both would switch the guests.

The claim is a lock on the directory itself, which ends with the process however that ends. Where it cannot be had for another
reason than a service that lives (a file system without locks, a disk that hangs), the service does without it: supervision comes
first.
"""

import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import trio

from wagman.model.errors import WagmanError
from wagman.store.aside import make_directory

PATIENCE_S: Final = 5.0
"""How long a service that is ending is waited for, and a disk that does not answer (chosen: as long as the store may drain)."""

RETRY_S: Final = 0.2
"""How often it is tried meanwhile (chosen)."""

DEAD: Final = frozenset("DXZ")
"""The states in which a process does nothing any more, if it stays in one of them: one that was killed while its disk hangs."""


class StateTakenError(WagmanError):
    """Another service has its memory in the same directory."""

    def __init__(self, directory: Path) -> None:
        remedy = "stop it first, or give this one another service.state_dir"
        super().__init__(f"another service keeps its state in {directory}: {remedy}")


@asynccontextmanager
async def claimed(directory: Path, speed: float = 1.0) -> AsyncIterator[None]:
    """Hold the claim to the directory, if it can be had; `speed` is how many times as fast as real time trio's clock runs.

    Raises:
        StateTakenError: another service holds it.
    """
    fd: int | None = None
    with trio.move_on_after(2 * PATIENCE_S * speed):
        fd = await _claim(directory, speed)
    try:
        yield
    finally:
        if fd is not None:
            os.close(fd)


async def _claim(directory: Path, speed: float) -> int | None:
    until_s = trio.current_time() + PATIENCE_S * speed
    while True:
        try:
            return await trio.to_thread.run_sync(_lock, directory, abandon_on_cancel=True)
        except BlockingIOError:
            if trio.current_time() >= until_s:
                break
        except OSError:
            return None
        await trio.sleep(RETRY_S * speed)
    if await trio.to_thread.run_sync(_is_held_by_the_dead, directory, abandon_on_cancel=True):
        return None
    raise StateTakenError(directory)


def _lock(directory: Path) -> int:
    """The open directory, locked.

    Raises:
        BlockingIOError: somebody else has locked it.
        OSError: it cannot be locked.
    """
    make_directory(directory)
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _is_held_by_the_dead(directory: Path) -> bool:
    """Whether who holds the lock was killed, and only waits for a disk to let it go."""
    try:
        ending = f":{directory.stat().st_ino}"
        locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        pids = [fields[4] for fields in locks if fields[1] == "FLOCK" and fields[5].endswith(ending)]
        states = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for pid in pids]
    except (OSError, IndexError):
        return False
    return bool(states) and all(state in DEAD for state in states)
