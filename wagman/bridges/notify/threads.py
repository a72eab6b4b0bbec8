"""Work that may hang, in threads: it is waited for so long, and then abandoned."""

from collections.abc import Callable
from typing import TypeVarTuple

import trio

Ts = TypeVarTuple("Ts")


async def within(
    timeout_s: float, late: str, limiter: trio.CapacityLimiter, work: Callable[[*Ts], str | None], *args: *Ts
) -> str | None:
    """Return what the work returns, which is None or why it failed; `late` if that takes too long.

    A thread that hangs counts against the limiter until it ends.
    """
    try:
        with trio.move_on_after(timeout_s):
            return await trio.to_thread.run_sync(work, *args, abandon_on_cancel=True, limiter=limiter)
    except RuntimeError as error:
        return f"no thread can be started: {error}"  # as many hang as this program may have
    return late
