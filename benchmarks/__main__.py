"""`python -m benchmarks`: measure, print tables, write JSON."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from attrs import evolve

from benchmarks import (
    beats,
    commands,
    footprint,
    log_size,
    log_writes,
    outlets,
    peers,
    plugs,
    report,
    requests,
    simulated,
    subscribers,
)
from benchmarks.figures import Section, document, machine, pasted, preface
from benchmarks.scale import FULL, QUICK, Scale

MEASUREMENTS: Mapping[str, Callable[[Scale], list[Section]]] = {
    "requests": requests.measure,
    "commands": commands.measure,
    "footprint": footprint.measure,
    "beats": beats.measure,
    "log_writes": log_writes.measure,
    "log_size": log_size.measure,
    "report": report.measure,
    "subscribers": subscribers.measure,
    "outlets": outlets.measure,
    "plugs": plugs.measure,
    "simulated": simulated.measure,
    "peers": peers.measure,
}


def main(argv: Sequence[str]) -> None:
    """Measure what is asked for."""
    args = parsed(argv)
    about = machine()
    print(preface(about), end="\n\n")
    sections = []
    for section in measured(args.only, args.scale):
        print(section.markdown(), flush=True)
        sections.append(section)
    if args.page is not None:
        args.page.write_text(pasted(args.page.read_text(encoding="utf-8"), about, sections), encoding="utf-8")
    if args.json is not None:
        args.json.write_text(json.dumps(document(about, sections), indent=2) + "\n", encoding="utf-8")


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments, with the `scale` that they amount to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=list(MEASUREMENTS), default=list(MEASUREMENTS), metavar="WHAT", help="only these"
    )
    parser.add_argument("--quick", action="store_true", help="just see that everything still works; the figures mean nothing")
    parser.add_argument(
        "--days", type=int, default=0, metavar="N", help="simulate so many days, too, and see what they leave in memory"
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there, too")
    parser.add_argument("--page", type=Path, metavar="PATH", help="put the tables into that page, between its marks")
    args = parser.parse_args(argv)
    args.scale = evolve(QUICK if args.quick else FULL, days=args.days)
    return args


def measured(names: Sequence[str], scale: Scale) -> Iterator[Section]:
    """The sections, each when it is measured."""
    for name in names:
        yield from MEASUREMENTS[name](scale)


if __name__ == "__main__":
    main(sys.argv[1:])
