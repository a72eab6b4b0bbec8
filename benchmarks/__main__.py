"""`python -m benchmarks`: measure, print tables, write JSON."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve

from benchmarks import (
    attached,
    beats,
    commands,
    footprint,
    hang,
    log_size,
    log_writes,
    outcome,
    outlets,
    peers,
    plugs,
    report,
    requests,
    simulated,
    subscribers,
)
from benchmarks.figures import COSTS, OUTCOME, Section, document, machine, pasted, preface
from benchmarks.scale import FULL, QUICK, Scale

APART = "outcome"
"""The measurement that has a place of its own on the page, with its own preface."""

MEASUREMENTS: Mapping[str, Callable[[Scale], list[Section]]] = {
    APART: outcome.measure,
    "requests": requests.measure,
    "commands": commands.measure,
    "footprint": footprint.measure,
    "beats": beats.measure,
    "log_writes": log_writes.measure,
    "log_size": log_size.measure,
    "report": report.measure,
    "subscribers": subscribers.measure,
    "attached": attached.measure,
    "outlets": outlets.measure,
    "plugs": plugs.measure,
    "hang": hang.measure,
    "simulated": simulated.measure,
    "peers": peers.measure,
}


def main(argv: Sequence[str]) -> None:
    """Run the requested measurements, and print or write the results."""
    args = parsed(argv)
    about = machine()
    print(preface(about), end="\n\n")
    sections: dict[str, list[Section]] = {name: [] for name in args.only}
    for name, section in measured(args.only, args.scale):
        print(section.markdown(), flush=True)
        sections[name].append(section)
    if args.page is not None:
        args.page.write_text(on_page(args.page.read_text(encoding="utf-8"), about, sections), encoding="utf-8")
    every = [section for each in sections.values() for section in each]
    if args.json is not None:
        args.json.write_text(json.dumps(document(about, every), indent=2) + "\n", encoding="utf-8")


def on_page(page: str, about: Mapping[str, Any], sections: Mapping[str, Sequence[Section]]) -> str:
    """Return the page with the new tables.

    The outcome and the costs have separate places; a place without a measurement is kept.
    """
    bought = sections.get(APART, [])
    costs = [section for name, each in sections.items() if name != APART for section in each]
    page = pasted(page, about, bought, OUTCOME) if bought else page
    return pasted(page, about, costs, COSTS) if costs else page


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    """Return the arguments; `scale` is added to them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=list(MEASUREMENTS), default=list(MEASUREMENTS), metavar="WHAT", help="only these"
    )
    parser.add_argument("--quick", action="store_true", help="just see that everything still works; the figures mean nothing")
    parser.add_argument(
        "--days",
        type=int,
        default=0,
        metavar="N",
        help=f"simulate so many days, too, and see what they leave in memory; for the outcome: in place of {FULL.outcome_days:g}",
    )
    parser.add_argument("--seeds", type=int, metavar="N", help=f"of the outcome (default: {FULL.seeds})")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there, too")
    parser.add_argument("--page", type=Path, metavar="PATH", help="put the tables into that page, between its marks")
    args = parser.parse_args(argv)
    scale = QUICK if args.quick else FULL
    args.scale = evolve(scale, days=args.days, seeds=args.seeds or scale.seeds)
    return args


def measured(names: Sequence[str], scale: Scale) -> Iterator[tuple[str, Section]]:
    """Yield each section as soon as it is measured, with the name of its measurement."""
    for name in names:
        yield from ((name, section) for section in MEASUREMENTS[name](scale))


if __name__ == "__main__":
    main(sys.argv[1:])
