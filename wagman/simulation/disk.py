"""The disk: the store is real, on files in memory; what is simulated is that it takes long, takes nothing, or loses bits."""

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
"""The calls that a full disk refuses; what is there can still be read, and the small file beside the log has its room."""

BESIDE = ("keep", "set_aside")
"""The calls that change what lies beside the log; the log itself is severed when the process dies."""

READS = ("open", "read")
"""The calls that tell the service what was decided: by the log, and by what lies beside it."""

LOG, ALL = ("open",), ("open", "read", "keep")
"""What cannot be used when the log belongs to somebody else, and when all of the state does."""


@define
class Disk:
    """How the disk is."""

    rng: Random
    full: bool = False
    slow_s: float = 0.0  # a call takes so long at most
    barred: tuple[str, ...] = ()  # calls that fail, for what they are about belongs to somebody else

    def mend(self) -> None:
        """It is as it should be."""
        self.full, self.slow_s, self.barred = False, 0.0, ()


@define
class Access:
    """One life's access to the disk (the seam `Seams.blocking`); once cut, nothing is reached any more."""

    disk: Disk
    has_read: Callable[[str], None]  # is told which of READS has come through
    cut: bool = False

    async def __call__(self, call: Callable[[], T], /) -> T:
        """Do it; when cancelled meanwhile, it may have been done all the same."""
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
    """Turn over so many bits of a file, anywhere."""
    data = bytearray(file.read_bytes())
    for _ in range(bits if data else 0):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    file.write_bytes(data)


def outdate(file: Path) -> None:
    """Make it a file that a newer program has written."""
    with closing(sqlite3.connect(file)) as conn, suppress(sqlite3.DatabaseError):
        conn.execute("PRAGMA user_version = 999")
        conn.commit()


def disown(file: Path) -> None:
    """Make it a database of another program."""
    with closing(sqlite3.connect(file)) as conn, suppress(sqlite3.DatabaseError):
        conn.execute("PRAGMA user_version = 0")
        conn.commit()


def truncate(file: Path, percent: float) -> None:
    """Leave so much of a file only."""
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * percent / 100)])


def _name(call: Callable[[], object]) -> str:
    return str(getattr(call.func if isinstance(call, partial) else call, "__name__", ""))
