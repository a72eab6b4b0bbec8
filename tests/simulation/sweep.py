"""Many seeds on all cores: `python -m tests.simulation.sweep 500` are 200 node-days under the harshest profile.

Says how far it is, what broke with the command that does the same again, and at the end how much was simulated in what time.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from multiprocessing import Pool

from attrs import define, frozen

from wagman.simulation.command import DAY_S
from wagman.simulation.play import Scenario, play
from wagman.simulation.profiles import PROFILES, make_script
from wagman.simulation.sites import DEFAULT_SITE, SITES, site

YEAR_DAYS = 365.25

DAYS_EACH = 0.4
"""How long a seed is run (chosen: a few rounds of faults and settling)."""

SAY_S = 10.0
"""How often it says how far it is."""


@frozen
class Done:
    """What became of a seed."""

    length_s: float
    broken: str = ""  # which promise, and the command that does the same again


def profile_of(seed: int, named: str) -> str:
    """The named profile; with `each` they take turns."""
    return list(PROFILES)[seed % len(PROFILES)] if named == "each" else named


def run_seed(seed: int, days: float, faults: str, named: str = DEFAULT_SITE) -> Done:
    """Simulate the node of a site for so many days, not counting the times that settling takes."""
    name = profile_of(seed, faults)
    config = site(named)
    outcome = play(Scenario(seed, config, make_script(config, PROFILES[name], seed, days * DAY_S)))
    again = f"wagman simulate --days {days:g} --seed {seed} --faults {name} --site {named}"
    return Done(outcome.length_s, "" if outcome.violation is None else f"{outcome.violation}; again: {again}")


@define
class Tally:
    """What has been simulated so far."""

    seeds: int
    began_s: float
    done: int = 0
    broken: int = 0
    days: float = 0.0

    def add(self, done: Done) -> None:
        """One more seed is through."""
        self.done += 1
        self.days += done.length_s / DAY_S
        self.broken += bool(done.broken)

    def line(self, now_s: float) -> str:
        """How far it is."""
        took_s = now_s - self.began_s
        return (
            f"{self.done} of {self.seeds} seeds, {self.days:.1f} node-days ({self.days / YEAR_DAYS:.3f} years) "
            f"in {took_s:.0f} s, {self.days * DAY_S / max(took_s, 1e-9):,.0f} times real time; {self.broken} broken"
        )


def say(line: str) -> None:
    """Also where the output goes to a file that somebody watches."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run_all(seeds: range, days: float, faults: str, named: str, processes: int) -> bool:
    """Run them all; whether every promise held."""
    tally = Tally(len(seeds), time.monotonic())
    said_s = tally.began_s
    with Pool(processes) as pool:
        for done in pool.imap_unordered(partial(run_seed, days=days, faults=faults, named=named), seeds):
            tally.add(done)
            if done.broken:
                say(done.broken)
            if (now_s := time.monotonic()) >= said_s + SAY_S:
                said_s = now_s
                say(tally.line(now_s))
    say(tally.line(time.monotonic()))
    return tally.broken == 0


def main(words: Sequence[str] | None = None) -> int:
    """The command: 0 where every promise held."""
    parser = argparse.ArgumentParser(prog="sweep", description="Simulate many seeds on all cores.")
    parser.add_argument("seeds", type=int, nargs="?", default=100, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first one (default: %(default)s)")
    parser.add_argument("--days", type=float, help=f"node-days, all seeds together (default: {DAYS_EACH} for each)")
    parser.add_argument("--faults", default="everything", choices=[*PROFILES, "each"], help="profile (default: %(default)s)")
    parser.add_argument("--site", default=DEFAULT_SITE, choices=SITES, help="the node (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="default: one for each core")
    args = parser.parse_args(words)
    seeds = range(args.first, args.first + args.seeds)
    days = DAYS_EACH if args.days is None else round(args.days / args.seeds, 6)
    return 0 if run_all(seeds, days, args.faults, args.site, args.processes) else 1


if __name__ == "__main__":
    sys.exit(main())
