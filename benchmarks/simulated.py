"""Virtual time: its speed, and the memory that a month of faults and a quiet year take."""

import gc
import os
import time
from collections import Counter

from attrs import define, field, frozen

from benchmarks.figures import Figure, Section
from benchmarks.processes import MeasurementError, rss_mb
from benchmarks.scale import Scale
from wagman.config.load import loads
from wagman.config.schema import Config
from wagman.simulation.asked import DAY_S
from wagman.simulation.faults.node import HOUR_S
from wagman.simulation.play import Scenario, Watch, play
from wagman.simulation.profiles import PROFILES, make_script
from wagman.simulation.records import Record
from wagman.simulation.sites import site

SEED = 1


def measure(scale: Scale) -> list[Section]:
    """Measure the speed; and the memory of many days, if they were asked for."""
    figures = [figure for faults in ("none", "everything") for figure in speed(scale, faults)]
    note = (
        f"The whole service, a fake board and the checkers of all promises, on one core: a controller and four guests, three of "
        f"which beat every 8 s, polled every 5 s. {scale.simulated_h:g} h, the best of {min(scale.rounds, 3)}."
    )
    sections = [Section("The simulation", figures, note)]
    return [*sections, faulty(scale.days), quiet(scale.days * MONTHS)] if scale.days else sections


def speed(scale: Scale, faults: str) -> list[Figure]:
    """Measure how many times faster than real time it passes."""
    took_s = min(run(site("one"), faults, scale.simulated_h * HOUR_S) for _ in range(min(scale.rounds, 3)))
    return [Figure(f"faults: {faults}", scale.simulated_h * HOUR_S / took_s, "x real time")]


def run(config: Config, faults: str, length_s: float, *watchers: Watch) -> float:
    """Simulate that long; return how long it took, in seconds.

    Raises:
        MeasurementError: a promise was broken.
    """
    script = make_script(config, PROFILES[faults], SEED, length_s)
    began = time.perf_counter()
    outcome = play(Scenario(SEED, config, script), *watchers)
    if outcome.violation is not None:
        raise MeasurementError(str(outcome.violation))
    return time.perf_counter() - began


# --- Many days --------------------------------------------------------------------------------------------------------

MONTHS = 12
"""How many quiet days are simulated for each day of faults: a year for a month."""

QUIET = """
[board.wagman]
poll = "60s"

[network.lan]
witness = { ping = "gateway" }

[device.nc]
port = 0
self = true

[device.gn]
port = 1
heartbeat = { http = "http://gn/health", every = "60s" }
shutdown = ["simulated"]

[device.x2]
port = 4
heartbeat = false
shutdown = []
"""
"""A node on which little happens, so that a year of it can be waited for."""

OTHERS = ("wagman.simulation.", "wagman.fake.")
"""The packages whose objects are not the service's."""


@frozen
class Memory:
    """The memory of this process."""

    rss_mb: float
    own: int  # objects of the service's own classes
    objects: int  # all objects that Python's collector knows

    @classmethod
    def now(cls) -> "Memory":
        """Return the present memory, after a collection of garbage."""
        gc.collect()
        count = Counter(type(each).__module__ for each in gc.get_objects())
        own = sum(number for name, number in count.items() if name.startswith("wagman.") and not name.startswith(OTHERS))
        return cls(rss_mb(os.getpid()), own, count.total())


@define
class Samples:
    """A watcher that takes a sample at the end of each day."""

    days: list[Memory] = field(factory=list)

    def __call__(self, record: Record) -> None:
        """Take a sample if the record's time is in a new day."""
        if record.at_s >= (len(self.days) + 1) * DAY_S:
            self.days.append(Memory.now())


def faulty(days: int) -> Section:
    """Measure so many days in which everything goes wrong that can."""
    samples = Samples()
    took_s = run(site("one"), "everything", (days + 0.5) * DAY_S, samples)
    note = (
        f"Service, fake board and checkers in one process, every profile of faults; it took {took_s / 60:.0f} min. What grows is "
        "not the service: the fake board remembers its latest switchings, the checkers each event, together about 100 kB a day, "
        "and SQLite fills its cache, 2 MB at most."
    )
    return Section(f"{days} simulated days of faults", kept(samples.days[:days]), note)


def quiet(days: int) -> Section:
    """Measure one service that runs for so many days without a restart, while nothing happens."""
    samples = Samples()
    took_s = run(loads(QUIET, "a quiet node"), "none", (days + 0.5) * DAY_S, samples)
    note = (
        "A controller and two guests, one of them asked for its page; board and page once a minute. The same process as above; "
        f"it took {took_s / 60:.0f} min."
    )
    return Section(f"{days} simulated days of quiet", kept(samples.days[:days]), note)


def kept(days: list[Memory]) -> list[Figure]:
    """Return what was in memory after the first and the last day, and the most of the service's own objects."""
    first, last, count = days[0], days[-1], len(days)
    return [
        Figure("memory (RSS) after a day", first.rss_mb, "MB"),
        Figure(f"memory (RSS) after {count} days", last.rss_mb, "MB"),
        Figure("objects of the service's own classes after a day", first.own, "objects"),
        Figure(f"objects of the service's own classes after {count} days", last.own, "objects"),
        Figure("the most of them at the end of a day", max(each.own for each in days), "objects"),
        Figure("more of them with each day", (last.own - first.own) / max(count - 1, 1), "objects", 10),
        Figure(f"all objects after {count} days, of all after one", last.objects / first.objects, "x"),
    ]
