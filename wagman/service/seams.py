"""The seams to the outside world: one for each thing that the program alone does not determine.

The service is given the real ones. A simulation gives its own, and runs the same program.
"""

import os
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
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
from wagman.store.event import utc_now
from wagman.tasks.messages import Messenger, run_command
from wagman.tasks.moments import Stamp

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""The file with the id of the kernel's present run (Linux)."""


@cache
def boot_id() -> str:
    """Return the id of the kernel's present run, which outlasts every process; empty where the kernel does not say. Read once."""
    return BOOT_ID.read_text(encoding="ascii").strip() if BOOT_ID.exists() else ""


def kernel_stamp(speed: float = 1) -> Stamp:
    """Return the present moment on the kernel's clock, which also runs while the service is away.

    Args:
        speed: how many times as fast as real time the service's clock runs; the stamp counts that clock's seconds.
    """
    return Stamp(boot_id(), speed * time.clock_gettime(time.CLOCK_BOOTTIME))


def new_id() -> str:
    """Return a unique name."""
    return uuid.uuid4().hex


Inspector: TypeAlias = Callable[[Sequence[str]], Awaitable[str | None]]
"""Returns why a command cannot work, or None."""


async def look_at_nothing(command: Sequence[str]) -> None:  # noqa: ARG001 - an inspector
    """An inspector that finds nothing wrong: for virtual time, which does not wait for threads."""
    await trio.lowlevel.checkpoint()


INSPECT_S = 10.0
"""How long looking for a program may take (chosen: a folder of PATH may be on a disk that hangs)."""


def inspector() -> Inspector:
    """Make an inspector with the rights and the PATH of this process, in one thread: a hung disk blocks only that one."""
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
    wall: Callable[[], datetime] = utc_now
    stamp: Callable[[], Stamp] = kernel_stamp
    speed: float = 1.0  # how many times as fast as real time the service's clock runs
    blocking: Blocking = field(factory=threaded)
    new_id: Callable[[], str] = new_id
    inspect: Inspector = look_at_nothing
