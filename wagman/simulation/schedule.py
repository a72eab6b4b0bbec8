"""One seed, one history: virtual time, and one order of tasks for each seed.

Trio shuffles the tasks that are ready. Its own switch for tests makes that depend on one generator, which is seeded here. Since
virtual time jumps as soon as all tasks wait, nothing else is random.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import trio

from wagman.simulation.clock import VirtualClock

T = TypeVar("T")


@contextmanager
def one_schedule(seed: int) -> Iterator[None]:
    """Have the order in which trio runs its tasks follow from `seed` meanwhile."""
    core: Any = trio._core._run  # noqa: SLF001 - the switch has no public name
    allowed, state = core._ALLOW_DETERMINISTIC_SCHEDULING, core._r.getstate()  # noqa: SLF001
    core._ALLOW_DETERMINISTIC_SCHEDULING = True  # noqa: SLF001
    core._r.seed(seed)  # noqa: SLF001
    try:
        yield
    finally:
        core._ALLOW_DETERMINISTIC_SCHEDULING = allowed  # noqa: SLF001
        core._r.setstate(state)  # noqa: SLF001


def run_virtually(main: Callable[[VirtualClock], Awaitable[T]], seed: int) -> T:
    """Run `main` in virtual time; it gets the clock."""
    clock = VirtualClock()
    with one_schedule(seed):
        return trio.run(main, clock, clock=clock)
