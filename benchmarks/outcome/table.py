"""Tables of the outcome: every site under every policy, with each seed, on all cores."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from attrs import frozen

from benchmarks.figures import Comparison, Figure, Section
from benchmarks.outcome.faults import DAY_S, QUIET_S, WARM_UP_S, script
from benchmarks.outcome.governed import Trial, run
from benchmarks.outcome.measuring import Measuring, Result
from benchmarks.outcome.policies import policies
from benchmarks.outcome.sites import SITES
from benchmarks.scale import Scale
from wagman.simulation.cores import cores, spread
from wagman.simulation.faults.node import HOUR_S

MINUTE_S = 60.0


@frozen
class Run:
    """One run: site and policy, as indexes, and the seed."""

    site: int
    policy: int
    seed: int
    days: float


@frozen
class Ran:
    """A run with its result."""

    run: Run
    result: Result


def measure(scale: Scale) -> list[Section]:
    """Measure, and return a table for each site."""
    days = scale.days or scale.outcome_days
    results = {ran.run: ran.result for ran in _said(all_runs(scale.seeds, days))}
    return [_section(number, scale.seeds, days, results) for number in range(len(SITES))]


def all_runs(seeds: int, days: float) -> list[Run]:
    """Return all runs, the long ones first: wagman's take several times as long as the others."""
    runs = [
        Run(site, policy, seed, days)
        for site, each in enumerate(SITES)
        for policy in range(len(policies(each.config)))
        for seed in range(1, seeds + 1)
    ]
    return sorted(runs, key=lambda run: run.policy, reverse=True)


def ran(run_: Run) -> Ran:
    """Do one run."""
    config = SITES[run_.site].config
    policy = policies(config)[run_.policy]
    measuring = Measuring(config.guests, WARM_UP_S, WARM_UP_S + run_.days * DAY_S)
    trial = Trial(config, policy, run_.seed, script(config, run_.seed, run_.days))
    return Ran(run_, run(trial, measuring))


def _said(runs: Sequence[Run]) -> Iterator[Ran]:
    """Yield the results as they come; on a terminal, show the progress."""
    for number, each in enumerate(spread(ran, runs, cores()), 1):
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{number} of {len(runs)} runs" if number < len(runs) else "\r\x1b[K")
            sys.stderr.flush()
        yield each


def _section(site: int, seeds: int, days: float, results: Mapping[Run, Result]) -> Section:
    config = SITES[site].config
    figures = [
        figure
        for number, policy in enumerate(policies(config))
        for figure in _row(policy.name, [results[Run(site, number, seed, days)] for seed in range(1, seeds + 1)])
    ]
    hours = len(config.guests) * seeds * (days * DAY_S + QUIET_S) / HOUR_S
    note = (
        f"Seeds 1 to {seeds}, {days:g} d of faults each and {QUIET_S / HOUR_S:g} h without, {len(config.guests)} guests: "
        f"{hours:,.0f} guest-hours in each row. `python -m benchmarks --only outcome --days {days:g} --seeds {seeds}`"
    )
    return Comparison(f"What it buys: {SITES[site].name}", figures, note)


def _row(name: str, results: Sequence[Result]) -> Iterator[Figure]:
    hangs_s = [lasted_s for each in results for lasted_s in each.hangs_s]
    yield Figure(f"{name}: up, median", round(100 * median(each.up for each in results), 2), "%")
    yield Figure(f"{name}: up, worst seed", round(100 * min(each.up for each in results), 2), "%")
    yield Figure(f"{name}: hard cuts", sum(each.hard_cuts for each in results), "")
    yield Figure(f"{name}: cuts in an outage", sum(each.outage_cuts for each in results), "")
    yield Figure(f"{name}: power cycles", sum(each.cycles for each in results), "")
    yield Figure(f"{name}: hang to running, median", median(hangs_s) / MINUTE_S if hangs_s else 0.0, "min")
    yield Figure(f"{name}: dead after the last fault", sum(each.dead_h for each in results), "h")
