"""Many seeds on all cores: `python -m tests.simulation.sweep 500` are 200 node-days under the harshest profile.

As `wagman simulate --seeds`, but that it tells only of what broke, and that the profiles may take turns.
"""

import argparse
import sys
import time
from collections.abc import Sequence

from wagman.simulation.asked import Asked
from wagman.simulation.cores import cores
from wagman.simulation.profiles import PROFILES
from wagman.simulation.seeds import Tally, Task, say, simulated
from wagman.simulation.sites import DEFAULT_SITE, SITES

DAYS_EACH = 0.4
"""How long a seed is run (chosen: a few rounds of faults and settling)."""

SAY_S = 10.0
"""How often it says how far it is."""


def task(seed: int, days: float, faults: str, named: str = DEFAULT_SITE) -> Task:
    """A seed under the named profile; with `each` they take turns."""
    profile = list(PROFILES)[seed % len(PROFILES)] if faults == "each" else faults
    return Task(seed, Asked(days, profile, named))


def run_all(tasks: Sequence[Task], processes: int) -> bool:
    """Run them all; whether every promise held."""
    tally = Tally(len(tasks), time.monotonic())
    said_s = tally.began_s
    for done in simulated(tasks, tally, processes):
        if done.violation is not None:
            say(done.line)
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
    parser.add_argument("--processes", type=int, default=cores(), help="default: one for each core")
    args = parser.parse_args(words)
    days = DAYS_EACH if args.days is None else round(args.days / args.seeds, 6)
    tasks = [task(seed, days, args.faults, args.site) for seed in range(args.first, args.first + args.seeds)]
    return 0 if run_all(tasks, args.processes) else 1


if __name__ == "__main__":
    sys.exit(main())
