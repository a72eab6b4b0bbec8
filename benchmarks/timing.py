"""Samples of times, and their summaries."""

import gc
import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NoReturn

from attrs import frozen

from benchmarks.figures import Figure
from benchmarks.processes import MeasurementError

MS = 1000.0

SAMPLE_S = 600.0
"""The longest time of a sample, in seconds (chosen: far more than any takes on a busy machine)."""


@frozen
class Spread:
    """The summary of a sample of times, in milliseconds."""

    p50_ms: float
    p99_ms: float
    worst_ms: float

    @classmethod
    def of(cls, times_s: Sequence[float]) -> "Spread":
        """Return the spread of a sample, which must not be empty."""
        ordered = sorted(times_s)
        return cls(quantile(ordered, 0.5) * MS, quantile(ordered, 0.99) * MS, ordered[-1] * MS)

    def figures(self, what: str, *, p50_at_most: float | None = None, p99_at_most: float | None = None) -> list[Figure]:
        """Return the median and the 99th percentile as figures."""
        return [
            Figure(f"{what}, p50", self.p50_ms, "ms", p50_at_most),
            Figure(f"{what}, p99", self.p99_ms, "ms", p99_at_most),
        ]


def quantile(ordered: Sequence[float], part: float) -> float:
    """Return the least value that is not exceeded by `part` of a sorted sample."""
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def best(rounds: Sequence[Spread]) -> Spread:
    """Return the least of each quantile: disturbances only make times longer."""
    return Spread(*(min(getattr(each, name) for each in rounds) for name in ("p50_ms", "p99_ms", "worst_ms")))


def take_times(call: Callable[[], object], times: int) -> list[float]:
    """Return the time of each of so many calls, in seconds."""
    taken: list[float] = []
    with no_collections(), bounded():
        for _ in range(times):
            began = time.perf_counter()
            call()
            taken.append(time.perf_counter() - began)
    return taken


def in_turns(calls: Mapping[str, Callable[[], object]], times: int, rounds: int) -> dict[str, Spread]:
    """Return the spread of each call. The calls take turns, so that disturbances affect all of them."""
    spreads: dict[str, list[Spread]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            spreads[name].append(Spread.of(take_times(call, times)))
    return {name: best(each) for name, each in spreads.items()}


@contextmanager
def no_collections() -> Iterator[None]:
    """Keep this process's garbage collector out of the measurements."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def bounded() -> Iterator[None]:
    """Raise `MeasurementError` in a sample that takes more than `SAMPLE_S`: measured calls do not bound their own waits."""

    def give_up(_signal: int, _frame: object) -> NoReturn:
        raise MeasurementError(f"a sample took more than {SAMPLE_S:g} s")

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, SAMPLE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
