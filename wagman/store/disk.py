"""Waiting for the disk: one call at a time, each with a bound; a disk that fails is tried again, less and less often."""

import math
from collections.abc import Callable
from typing import Protocol, TypeVar

import trio
from attrs import define, field

from wagman.model.errors import StallError, StoreError

T = TypeVar("T")

LOOK_S = 60.0
"""How often it is checked that the files are still there while nothing is written (chosen: somebody has to delete them)."""

RETRY_MIN_S = 1.0
"""The pause before a disk that failed is tried again (chosen)."""

RETRY_MAX_S = 60.0
"""The longest such pause, which doubles with each failure (chosen)."""

HEALTHY_S = 60.0
"""How long the disk must have worked for the next pause to be the shortest again (chosen)."""

STALL_S = 10.0
"""A disk that has not answered for this long counts as broken (chosen)."""

FROZEN_S = 1.0
"""A time that is noticed so late has passed while this process, or its whole machine, stood still (chosen)."""

DRAIN_S = 5.0
"""How long writing the rest may take at the end (chosen)."""


class Blocking(Protocol):
    """The seam for calls that wait for the disk: one at a time, in their order."""

    async def __call__(self, call: Callable[[], T], /) -> T:
        """Make the call. If this is cancelled, the call may go on by itself, and the next one waits for its end."""
        ...


def threaded() -> Blocking:
    """Calls run in a worker thread, one at a time. A disk that hangs blocks that thread, and nothing else."""
    limiter = trio.CapacityLimiter(1)

    async def blocking(call: Callable[[], T]) -> T:
        return await trio.to_thread.run_sync(call, limiter=limiter, abandon_on_cancel=True)

    return blocking


async def inline(call: Callable[[], T]) -> T:
    """Calls run in the calling task: for virtual time, which does not wait for threads."""
    await trio.lowlevel.checkpoint()
    return call()


async def answered(blocking: Blocking, call: Callable[[], T], patience_s: float = STALL_S, failing: str = "") -> T:
    """Make the call within `patience_s` seconds. It is made twice where this process stood still meanwhile.

    Raises:
        StallError: the disk has not answered in time; its text begins with `failing`.
    """
    for _ in range(2):
        with trio.move_on_after(patience_s) as waiting:
            return await blocking(call)
        # A process that was frozen has given up before it could look whether there is an answer.
        if trio.current_time() - waiting.deadline < FROZEN_S:
            break
    raise StallError(f"{failing}the disk has not answered for {patience_s:g} s")


@define(eq=False, repr=False)
class Outage:
    """The state of a disk that fails now and then, and when it is tried again. Times are seconds of trio's clock."""

    healthy_s: float = 0.0  # how long the disk must have worked for the next pause to be the shortest again
    error: StoreError | None = field(default=None, init=False)
    retry_at_s: float = field(default=-math.inf, init=False)
    _began_s: float = field(default=-math.inf, init=False)
    _ended_s: float = field(default=-math.inf, init=False)
    _wait_s: float = field(default=RETRY_MIN_S, init=False)  # the pause after the next failure

    @property
    def reason(self) -> str | None:
        """Why nothing can be written at present."""
        return None if self.error is None else str(self.error)

    def go_on(self, error: StoreError) -> bool:
        """Note that the disk has failed; returns True if that begins an outage."""
        now_s, begins = trio.current_time(), self.error is None
        if begins:
            self._began_s = now_s
            self._wait_s = RETRY_MIN_S if now_s - self._ended_s >= self.healthy_s else self._wait_s
        self.error, self.retry_at_s = error, now_s + self._wait_s
        self._wait_s = min(2 * self._wait_s, RETRY_MAX_S)
        return begins

    def end(self) -> float:
        """Note that the disk works again; returns how many seconds it did not."""
        self.error, self._ended_s = None, trio.current_time()
        return self._ended_s - self._began_s
