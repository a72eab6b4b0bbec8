"""The disk. The store is real, on files in memory; simulated are slowness, a full disk, and lost bits."""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import trio
from attrs import define

from wagman.model.errors import StoreError

T = TypeVar("T")

WRITES = ("commit", "open")
"""Calls that a full disk refuses. Files can still be read, and the small file beside the log has its room."""

BESIDE = ("keep", "set_aside")
"""Calls that change the file beside the log. The log itself is severed when the process dies."""

READS = ("open", "read")
"""Calls that tell the service earlier decisions: from the log, and from the file beside it."""

LOG, ALL = ("open",), ("open", "read", "keep")
"""Calls that fail when the log, or all of the state, belongs to another user."""


@define
class Disk:
    """The present state of the disk."""

    rng: Random
    full: bool = False
    slow_s: float = 0.0  # the longest time of a call
    barred: tuple[str, ...] = ()  # calls that fail, because their file belongs to another user

    def mend(self) -> None:
        """End all faults."""
        self.full, self.slow_s, self.barred = False, 0.0, ()


@define
class Access:
    """The access to the disk in one life of the service (the seam `Seams.blocking`); once cut, it changes nothing any more."""

    disk: Disk
    has_read: Callable[[str], None]  # called with each of READS that has succeeded
    cut: bool = False

    async def __call__(self, call: Callable[[], T], /) -> T:
        """Carry out a call. If it is cancelled meanwhile, it may have been carried out all the same."""
        await trio.lowlevel.checkpoint()
        if self.disk.slow_s and not self.cut:
            await self._take_time(call)
        result = self._done(call)
        if _name(call) in READS and not self.cut:
            self.has_read(_name(call))
        return result

    async def _take_time(self, call: Callable[[], Any]) -> None:
        try:
            await trio.sleep(self.disk.rng.uniform(0, self.disk.slow_s))
        except trio.Cancelled:
            if not self.cut and self.disk.rng.random() < 1 / 2:
                with suppress(StoreError):  # nobody waits for the result any more
                    self._done(call)
            raise

    def _done(self, call: Callable[[], T]) -> T:
        if self.cut and _name(call) in BESIDE:
            raise StoreError("the process is dead")
        if _name(call) in self.disk.barred:
            raise StoreError("it belongs to root, mode 0600: sudo chown wagman wagman.db")
        if self.disk.full and _name(call) in WRITES:
            raise StoreError("the disk is full: free some space there")
        return call()


def flip(file: Path, rng: Random, bits: int) -> None:
    """Flip so many bits of a file, anywhere."""
    data = bytearray(file.read_bytes())
    for _ in range(bits if data else 0):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    file.write_bytes(data)


def outdate(file: Path) -> None:
    """Make a file look like one of a newer program."""
    with closing(sqlite3.connect(file)) as conn, suppress(sqlite3.DatabaseError):
        conn.execute("PRAGMA user_version = 999")
        conn.commit()


def disown(file: Path) -> None:
    """Make a file look like a database of another program."""
    with closing(sqlite3.connect(file)) as conn, suppress(sqlite3.DatabaseError):
        conn.execute("PRAGMA user_version = 0")
        conn.commit()


def truncate(file: Path, percent: float) -> None:
    """Cut a file to so many percent."""
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * percent / 100)])


def _name(call: Callable[[], object]) -> str:
    return str(getattr(call.func if isinstance(call, partial) else call, "__name__", ""))
