"""`wagman simulate`: a run with faults, a report, and the shortest trace where a promise broke."""

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from wagman.model.errors import CallerError, WagmanError
from wagman.simulation.asked import DAY_S, Asked
from wagman.simulation.cores import cores
from wagman.simulation.play import Outcome, Scenario, play, truncated
from wagman.simulation.records import Look, Record
from wagman.simulation.report import Report
from wagman.simulation.script import Item, render
from wagman.simulation.seeds import read_seeds, run_all
from wagman.simulation.shrink import MOST_TRIES, shrunk
from wagman.simulation.timeline import Timeline

DEFAULT_SEED = 1

BAR = 40
"""Characters of the progress bar."""


@frozen
class Request:
    """The request on the command line."""

    scenario: Scenario
    replay: str  # the command that repeats the run
    timeline: str | None
    as_json: bool


def run(args: Namespace) -> int:
    """Run the command; return 0 if every promise held, 1 if one broke, 2 if the request makes no sense."""
    try:
        return run_one(read(args)) if args.seeds is None else run_many(args)
    except (WagmanError, OSError) as error:
        sys.stderr.write(f"wagman: {error}\n")
        return 2


def run_many(args: Namespace) -> int:
    """Simulate many seeds, each in a process of its own.

    Raises:
        CallerError: the request makes no sense.
        ConfigError: the configuration cannot be used.
        OSError: there is no such script.
    """
    if args.timeline is not None:
        raise CallerError("--timeline draws one run: name its --seed, and no --seeds")
    return run_all(Asked.of(args), read_seeds(args.seeds), args.jobs or cores(), as_json=args.json)


def run_one(request: Request) -> int:
    """Simulate one seed."""
    report, timeline = Report(request.scenario.config), Timeline(request.scenario.config)
    outcome = play(request.scenario, report, timeline, *progress(request.scenario))
    _note("")
    if request.timeline is not None:
        Path(request.timeline).write_text(timeline.svg(outcome), encoding="utf-8")
    trace = shortest(request.scenario, outcome)
    (_print_json if request.as_json else _print)(request, outcome, report, trace)
    return 0 if outcome.violation is None else 1


def read(args: Namespace) -> Request:
    """Return the request in the arguments.

    Raises:
        ConfigError: the configuration cannot be used.
        CallerError: there is no such profile or site, or the script cannot be read.
        OSError: there is no such script, or the timeline cannot be written.
    """
    if args.timeline is not None:
        Path(args.timeline).open("a").close()  # fails now, not after a run of hours
    asked, seed = Asked.of(args), DEFAULT_SEED if args.seed is None else args.seed
    return Request(asked.scenario(seed), asked.again(seed), args.timeline, args.json)


def shortest(scenario: Scenario, outcome: Outcome) -> Sequence[Item]:
    """Return the shortest script found that breaks the same promise; an empty one if none broke."""
    if outcome.violation is None:
        return []
    broken, tries = outcome.violation, count(1)

    def breaks(script: Sequence[Item]) -> bool:
        _note(f"promise {broken.promise} broken; looking for the shortest trace, try {next(tries)} of {MOST_TRIES} at most")
        found = play(evolve(scenario, script=script)).violation
        return found is not None and found.promise == broken.promise

    trace = shrunk(truncated(scenario.script, broken.at_s), breaks)
    _note("")
    return trace


# --- What is printed --------------------------------------------------------------------------------------------------


def _note(words: str) -> None:
    """Show the progress on a terminal, in place of the last message."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{words}")
        sys.stderr.flush()


def progress(scenario: Scenario) -> list[Callable[[Record], None]]:
    """Return the watch that draws the progress bar."""
    whole_s = sum(getattr(item, "for_s", 0.0) for item in scenario.script)

    def draw(record: Record) -> None:
        if isinstance(record, Look):
            done = min(1.0, record.at_s / max(whole_s, 1.0))
            bar = "#" * int(done * BAR)
            _note(f"[{bar:{BAR}}] {done:4.0%}  day {record.at_s / DAY_S:.1f}")

    return [draw]


def _print(request: Request, outcome: Outcome, report: Report, trace: Sequence[Item]) -> None:
    lines = [f"simulated {outcome.length_s / DAY_S:.2f} days with seed {request.scenario.seed}", *report.lines()]
    lines.append(f"log sha256: {outcome.log_sha256}")
    if outcome.violation is None:
        lines.append("every promise held")
    else:
        lines += [str(outcome.violation), f"shortest trace found: {render(trace)}", f"again: {request.replay}"]
    sys.stdout.write("\n".join(lines) + "\n")


def _print_json(request: Request, outcome: Outcome, report: Report, trace: Sequence[Item]) -> None:
    found: dict[str, Any] | None = None
    if outcome.violation is not None:
        broken = outcome.violation
        found = {"promise": broken.promise, "at_s": broken.at_s, "text": broken.text, "trace": render(trace)}
    document = {
        "seed": request.scenario.seed,
        "days": round(outcome.length_s / DAY_S, 6),
        "log_sha256": outcome.log_sha256,
        "violation": found,
        "replay": request.replay,
        **report.as_json(),
    }
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
