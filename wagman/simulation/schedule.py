"""One seed, one history: virtual time, and one order of tasks for each seed.

Trio shuffles the tasks that are ready. Its own switch for tests makes the shuffle depend on one generator, which is seeded
here; with virtual time that jumps as soon as everybody waits, nothing else is left to chance.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import trio
from trio.testing import MockClock

T = TypeVar("T")


@contextmanager
def one_schedule(seed: int) -> Iterator[None]:
    """Meanwhile the order in which trio runs its tasks follows from `seed`."""
    core: Any = trio._core._run  # noqa: SLF001 - the switch has no public name
    allowed, state = core._ALLOW_DETERMINISTIC_SCHEDULING, core._r.getstate()  # noqa: SLF001
    core._ALLOW_DETERMINISTIC_SCHEDULING = True  # noqa: SLF001
    core._r.seed(seed)  # noqa: SLF001
    try:
        yield
    finally:
        core._ALLOW_DETERMINISTIC_SCHEDULING = allowed  # noqa: SLF001
        core._r.setstate(state)  # noqa: SLF001


def run_virtually(main: Callable[[MockClock], Awaitable[T]], seed: int) -> T:
    """Run `main`, which is given the clock, in virtual time."""
    clock = MockClock(autojump_threshold=0)
    with one_schedule(seed):
        return trio.run(main, clock, clock=clock)
