"""Virtual time: its speed, and the memory that a month of it takes."""

import gc
import os
import time

from attrs import define, field, frozen

from benchmarks.figures import Figure, Section
from benchmarks.processes import MeasurementError, rss_mb
from benchmarks.scale import Scale
from wagman.fake.hardware import DirtyCut, RelayChange
from wagman.simulation.asked import DAY_S
from wagman.simulation.faults.node import HOUR_S
from wagman.simulation.play import Scenario, Watch, play
from wagman.simulation.profiles import PROFILES, make_script
from wagman.simulation.records import Record
from wagman.simulation.sites import site

SEED = 1


def measure(scale: Scale) -> list[Section]:
    """Measure the speed; and the month, if it was asked for."""
    figures = [figure for faults in ("none", "everything") for figure in speed(scale, faults)]
    note = (
        f"The whole service, a fake board and the checkers of all promises, on one core: a controller and four guests, three of "
        f"which beat every 8 s, polled every 5 s. {scale.simulated_h:g} h, the best of {min(scale.rounds, 3)}."
    )
    sections = [Section("The simulation", figures, note)]
    return [*sections, month(scale.days)] if scale.days else sections


def speed(scale: Scale, faults: str) -> list[Figure]:
    """Measure how many times faster than real time it passes."""
    took_s = min(run(faults, scale.simulated_h * HOUR_S) for _ in range(min(scale.rounds, 3)))
    return [Figure(f"faults: {faults}", scale.simulated_h * HOUR_S / took_s, "x real time")]


def run(faults: str, length_s: float, *watchers: Watch) -> float:
    """Simulate that long; return how long it took, in seconds.

    Raises:
        MeasurementError: a promise was broken.
    """
    config = site("one")
    script = make_script(config, PROFILES[faults], SEED, length_s)
    began = time.perf_counter()
    outcome = play(Scenario(SEED, config, script), *watchers)
    if outcome.violation is not None:
        raise MeasurementError(str(outcome.violation))
    return time.perf_counter() - began


REMEMBERED = (RelayChange, DirtyCut)
"""Types of the records that the fake board keeps of its past."""

# --- A month ----------------------------------------------------------------------------------------------------------


@frozen
class Memory:
    """The memory of this process."""

    rss_mb: float
    objects: int  # objects known to Python's collector, except what the fake board remembers of its past

    @classmethod
    def now(cls) -> "Memory":
        """Return the present memory, after a collection of garbage."""
        gc.collect()
        return cls(rss_mb(os.getpid()), sum(type(each) not in REMEMBERED for each in gc.get_objects()))


@define
class Samples:
    """A watcher that takes a sample at the end of each day."""

    days: list[Memory] = field(factory=list)

    def __call__(self, record: Record) -> None:
        """Take a sample if the record's time is in a new day."""
        if record.at_s >= (len(self.days) + 1) * DAY_S:
            self.days.append(Memory.now())


def month(days: int) -> Section:
    """Measure one service that runs for so many days without a restart, with guests that fail in every way."""
    samples = Samples()
    took_s = run("guests", (days + 0.5) * DAY_S, samples)
    first, last = samples.days[0], samples.days[days - 1]
    figures = [
        Figure("memory (RSS) after a day", first.rss_mb, "MB"),
        Figure(f"memory (RSS) after {days} days", last.rss_mb, "MB"),
        Figure("objects after a day", first.objects, "objects"),
        Figure(f"objects after {days} days", last.objects, "objects"),
        Figure("more objects with each day", (last.objects - first.objects) / max(days - 1, 1), "objects", 10),
    ]
    note = (
        f"Service, fake board and checkers in one process, guests failing in every way; it took {took_s / 60:.0f} min. What "
        "grows is not the service: the fake board remembers its latest switchings (these objects are not counted), the checkers "
        "each event, together about 100 kB a day, and SQLite fills its cache, 2 MB at most."
    )
    return Section(f"{days} simulated days", figures, note)
