"""Taking times, and saying what they were."""

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
"""How long a sample may take before it is given up (chosen: far more than any takes on a busy machine)."""


@frozen
class Spread:
    """What a sample of times looks like, in milliseconds."""

    p50_ms: float
    p99_ms: float
    worst_ms: float

    @classmethod
    def of(cls, times_s: Sequence[float]) -> "Spread":
        """The spread of a sample that is not empty."""
        ordered = sorted(times_s)
        return cls(quantile(ordered, 0.5) * MS, quantile(ordered, 0.99) * MS, ordered[-1] * MS)

    def figures(self, what: str, *, p50_at_most: float | None = None, p99_at_most: float | None = None) -> list[Figure]:
        """The middle and the tail."""
        return [
            Figure(f"{what}, p50", self.p50_ms, "ms", p50_at_most),
            Figure(f"{what}, p99", self.p99_ms, "ms", p99_at_most),
        ]


def quantile(ordered: Sequence[float], part: float) -> float:
    """The least value that is not exceeded by that part of a sorted sample."""
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def best(rounds: Sequence[Spread]) -> Spread:
    """The least of each quantile: what disturbs a machine makes times longer, and never shorter."""
    return Spread(*(min(getattr(each, name) for each in rounds) for name in ("p50_ms", "p99_ms", "worst_ms")))


def take_times(call: Callable[[], object], times: int) -> list[float]:
    """How long each of so many calls took, in seconds."""
    taken: list[float] = []
    with no_collections(), bounded():
        for _ in range(times):
            began = time.perf_counter()
            call()
            taken.append(time.perf_counter() - began)
    return taken


def in_turns(calls: Mapping[str, Callable[[], object]], times: int, rounds: int) -> dict[str, Spread]:
    """The spread of each call; they take turns, so that what disturbs the machine disturbs all of them."""
    spreads: dict[str, list[Spread]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            spreads[name].append(Spread.of(take_times(call, times)))
    return {name: best(each) for name, each in spreads.items()}


@contextmanager
def no_collections() -> Iterator[None]:
    """Keep our own garbage collector out of what is measured of others."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def bounded() -> Iterator[None]:
    """Let nobody wait for ever: what is measured here does not bound its own waits."""

    def give_up(_signal: int, _frame: object) -> NoReturn:
        raise MeasurementError(f"a sample took more than {SAMPLE_S:g} s")

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, SAMPLE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
