"""Many runs at once, in several processes; each result is yielded as soon as it is there."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0))


def spread(work: Callable[[T], R], items: Iterable[T], processes: int) -> Iterator[R]:
    """Yield the result of `work` for each item, in the order in which they end; with one process, in this one.

    Raises:
        concurrent.futures.process.BrokenProcessPool: one of the processes was killed.
    """
    if processes == 1:
        yield from map(work, items)
        return
    with ProcessPoolExecutor(processes, initializer=_leave_interrupts) as pool:
        running = [pool.submit(work, item) for item in items]
        try:
            for each in as_completed(running):
                yield each.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _leave_interrupts() -> None:
    """Ignore ^C in the workers: the main process handles it and ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
