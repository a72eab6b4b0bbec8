"""Where the outside world enters: one seam for each thing that is not determined by the program alone.

The service is given the real ones; a simulation gives its own, and runs the same program.
"""

import os
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from operator import methodcaller
from pathlib import Path
from typing import TypeAlias

import trio
from attrs import field, frozen

from wagman.config.boards import BoardConfig
from wagman.config.ears import EarConfig
from wagman.config.runnable import trouble
from wagman.io.board.connection import Connector
from wagman.model.backend import Probe
from wagman.store import Blocking, threaded
from wagman.tasks.messages import Messenger, run_command
from wagman.tasks.moments import Stamp

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Names the run of the controller's kernel (Linux)."""


def wall_clock() -> datetime:
    """The time of day, which may jump and may not be set at all."""
    return datetime.now(UTC)


@cache
def boot_id() -> str:
    """Which run of the kernel this is, empty where it does not say; it outlasts every process, and is asked for once."""
    return BOOT_ID.read_text(encoding="ascii").strip() if BOOT_ID.exists() else ""


def kernel_stamp(speed: float = 1) -> Stamp:
    """The present moment on the clock of the controller's kernel, which goes on while the service is away.

    A service whose clock runs `speed` times as fast counts that clock's seconds.
    """
    return Stamp(boot_id(), speed * time.clock_gettime(time.CLOCK_BOOTTIME))


def new_id() -> str:
    """A name that nothing else has."""
    return uuid.uuid4().hex


Inspector: TypeAlias = Callable[[Sequence[str]], Awaitable[str | None]]
"""Tells why a command cannot work, or None."""


async def look_at_nothing(command: Sequence[str]) -> None:  # noqa: ARG001 - an inspector
    """An inspector that finds nothing: for virtual time, which does not wait for threads."""
    await trio.lowlevel.checkpoint()


INSPECT_S = 10.0
"""How long it may take to look for a program (chosen: a folder of PATH may be on a disk that hangs)."""


def inspector() -> Inspector:
    """Looks with the rights and the PATH of this process, in a thread of its own: a disk that hangs keeps that one only."""
    limiter = trio.CapacityLimiter(1)

    async def inspect(command: Sequence[str]) -> str | None:
        look = partial(trouble, command, os.environ.get("PATH", os.defpath))
        with trio.move_on_after(INSPECT_S):
            return await trio.to_thread.run_sync(look, limiter=limiter, abandon_on_cancel=True)
        return f"it could not be looked for within {INSPECT_S:g} s: a disk does not answer"

    return inspect


@frozen
class Seams:
    """The outside world: the ways to the boards, commands, questions to guests, clocks, threads, names."""

    connector: Callable[[BoardConfig], Connector]
    messenger: Messenger = run_command
    probe: Callable[[EarConfig], Probe] = methodcaller("probe")
    wall: Callable[[], datetime] = wall_clock
    stamp: Callable[[], Stamp] = kernel_stamp
    blocking: Blocking = field(factory=threaded)
    new_id: Callable[[], str] = new_id
    inspect: Inspector = look_at_nothing
