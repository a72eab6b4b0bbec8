"""Many seeds, on several cores: a line for each as it ends, the progress, and the broken promises."""

import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import define, frozen

from wagman.model.errors import CallerError
from wagman.model.words import counted
from wagman.simulation.asked import DAY_S, Asked
from wagman.simulation.cores import spread
from wagman.simulation.play import play
from wagman.simulation.promises import Violation

YEAR_DAYS = 365.25

MINUTE_S = 60.0


@frozen
class Task:
    """A seed to be simulated."""

    seed: int
    asked: Asked


@frozen
class Done:
    """The result of a seed."""

    seed: int
    again: str  # the command that repeats this seed alone, and looks for the shortest trace
    length_s: float
    took_s: float
    log_sha256: str
    violation: Violation | None = None

    @property
    def line(self) -> str:
        """The result as a line."""
        length = f"{self.length_s / DAY_S:.2f} days in {self.took_s:.0f} s"
        if self.violation is None:
            return f"seed {self.seed}: every promise held ({length})"
        return f"seed {self.seed}: {self.violation} ({length}); again: {self.again}"

    def as_json(self) -> dict[str, Any]:
        """Return the result for programs."""
        broken = self.violation
        found = None if broken is None else {"promise": broken.promise, "at_s": broken.at_s, "text": broken.text}
        days = round(self.length_s / DAY_S, 6)
        return {
            "seed": self.seed,
            "days": days,
            "log_sha256": self.log_sha256,
            "violation": found,
            "replay": self.again,
        }


def simulate(task: Task) -> Done:
    """Simulate one seed."""
    began_s = time.perf_counter()
    outcome = play(task.asked.scenario(task.seed))
    took_s = time.perf_counter() - began_s
    again = task.asked.again(task.seed)
    return Done(task.seed, again, outcome.length_s, took_s, outcome.log_sha256, outcome.violation)


@define
class Tally:
    """The sums of the seeds simulated so far."""

    seeds: int
    began_s: float
    done: int = 0
    broken: int = 0
    days: float = 0.0

    def add(self, done: Done) -> None:
        """Add a result."""
        self.done += 1
        self.days += done.length_s / DAY_S
        self.broken += done.violation is not None

    def line(self, now_s: float) -> str:
        """Return the sums as a line."""
        took_s = now_s - self.began_s
        return (
            f"{self.done} of {counted(self.seeds, 'seed')}, {self.days:.1f} node-days ({self.days / YEAR_DAYS:.3f} years) "
            f"in {took_s:.0f} s, {self.days * DAY_S / max(took_s, 1e-9):,.0f} times real time; {self.broken} broken"
        )

    def outlook(self, now_s: float) -> str:
        """Return the progress, and how long the rest will take at this pace."""
        if not self.done:
            return f"0 of {counted(self.seeds, 'seed')}"
        left_s = (now_s - self.began_s) / self.done * (self.seeds - self.done)
        left = f"{left_s / MINUTE_S:.0f} min" if left_s >= 2 * MINUTE_S else f"{left_s:.0f} s"
        return f"{self.done} of {counted(self.seeds, 'seed')}, {self.broken} broken; about {left} to go"


def simulated(tasks: Iterable[Task], tally: Tally, processes: int) -> Iterator[Done]:
    """Yield each result as it comes; on a terminal, show the progress."""
    _note(tally.outlook(time.monotonic()))
    for done in spread(simulate, tasks, processes):
        tally.add(done)
        _note("")
        yield done
        _note("" if tally.done == tally.seeds else tally.outlook(time.monotonic()))


def run_all(asked: Asked, seeds: range, processes: int, *, as_json: bool) -> int:
    """Simulate all seeds and print the results; return 0 if every promise held with every seed, 1 if one broke.

    Raises:
        ConfigError: the configuration cannot be used.
        CallerError: there is no such profile or site, or the script cannot be read.
        OSError: there is no such script.
    """
    asked.scenario(seeds[0])  # raises once, before anything begins, if the request makes no sense
    tally = Tally(len(seeds), time.monotonic())
    ended = []
    for done in simulated((Task(seed, asked) for seed in seeds), tally, processes):
        ended.append(done)
        if not as_json:
            say(done.line)
    if as_json:
        rows = [each.as_json() for each in sorted(ended, key=lambda each: each.seed)]
        say(json.dumps({"broken": tally.broken, "days": round(tally.days, 6), "seeds": rows}, indent=2))
    else:
        say(tally.line(time.monotonic()))
    return 1 if tally.broken else 0


def read_seeds(text: str) -> range:
    """Return the seeds in `A..B`, both included.

    Raises:
        CallerError: the text is no such range.
    """
    first, dots, last = text.partition("..")
    if not (dots and first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
        raise CallerError(f"--seeds {text}: write the first and the last one, such as 1..100")
    return range(int(first), int(last) + 1)


def say(line: str) -> None:
    """Print a line at once, for those who watch a file."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _note(words: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{words}")
        sys.stderr.flush()
