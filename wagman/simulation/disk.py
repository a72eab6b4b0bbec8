"""The disk: the store is real, on files in memory; what is simulated is that it takes long, takes nothing, or loses bits."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import trio
from attrs import define

from wagman.errors import StoreError

T = TypeVar("T")

WRITES = ("commit", "open")
"""The calls that a full disk refuses; what is there can still be read."""


@define
class Disk:
    """How the disk is."""

    rng: Random
    full: bool = False
    slow_s: float = 0.0  # a call takes so long at most


@define
class Access:
    """One life's access to the disk (the seam `Seams.blocking`); once cut, nothing is reached any more."""

    disk: Disk
    cut: bool = False

    async def __call__(self, call: Callable[[], T], /) -> T:
        """Do it; when cancelled meanwhile, it may have been done all the same."""
        await trio.lowlevel.checkpoint()
        if self.disk.slow_s and not self.cut:
            await self._take_time(call)
        return self._done(call)

    async def _take_time(self, call: Callable[[], Any]) -> None:
        try:
            await trio.sleep(self.disk.rng.uniform(0, self.disk.slow_s))
        except trio.Cancelled:
            if not self.cut and self.disk.rng.random() < 1 / 2:
                with suppress(StoreError):  # nobody waits for the result any more
                    self._done(call)
            raise

    def _done(self, call: Callable[[], T]) -> T:
        if self.disk.full and _name(call) in WRITES:
            raise StoreError("the disk is full: free some space there")
        return call()


def flip(file: Path, rng: Random, bits: int) -> None:
    """Turn over so many bits of a file, anywhere."""
    data = bytearray(file.read_bytes())
    for _ in range(bits if data else 0):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    file.write_bytes(data)


def truncate(file: Path, percent: float) -> None:
    """Leave so much of a file only."""
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * percent / 100)])


def _name(call: Callable[[], object]) -> str:
    return str(getattr(call.func if isinstance(call, partial) else call, "__name__", ""))
