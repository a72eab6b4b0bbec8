"""`wagman report`: how available each guest was, what took it down, and how it was cut.

- `reading`     the events: from the service, or from a file
- `pace`        a service whose clock ran faster
- `axis`        one axis of time for a log over many runs of the service
- `track`       the history of one guest as the events tell it
- `sight`       the times in which nobody could know
- `history`     both together
- `figures`     the figures of a period
- `words`, `page`   the report for people and programs, and as one page of HTML
- `intervals`   stretches of time

Only `reading` and this module do I/O.
"""

import gc
import json
import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from contextlib import suppress
from datetime import datetime

from wagman.cli.connection import add_socket_argument
from wagman.cli.events import ago_s
from wagman.cli.names import did_you_mean
from wagman.cli.outcome import DONE, FAILED, USAGE, CommandError
from wagman.cli.report.figures import Figures, figures
from wagman.cli.report.history import History, history
from wagman.cli.report.intervals import Stretch
from wagman.cli.report.reading import from_file, from_service
from wagman.cli.report.words import document, lines

SINCE = "30d"
"""The period of the report without --since (chosen)."""


def add_arguments(parser: ArgumentParser, _command: str) -> None:
    """Add the arguments of the command."""
    parser.add_argument("guest", nargs="?", metavar="GUEST", help="report only on this guest")
    parser.add_argument(
        "--since",
        type=beginning,
        default=SINCE,
        metavar="TIME",
        help="when the period begins: 30d, 90min, 2026-01-31T12:00 (default: %(default)s)",
    )
    parser.add_argument(
        "--log",
        metavar="FILE",
        help="read this file instead of asking the service: the output of wagman events --json, or a copy of wagman.db",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--html", metavar="FILE", help="write one page with a timeline, which needs no other file")
    form.add_argument("--json", action="store_true", help="print one JSON document")
    add_socket_argument(parser)


def beginning(text: str) -> tuple[float, bool]:
    """Return a time in seconds since 1970 and False, or a time in seconds before the end of the log and True.

    Raises:
        ArgumentTypeError: the text is no such time.
    """
    ago = ago_s(text)
    if ago is not None:
        return ago, True
    try:
        return datetime.fromisoformat(text).astimezone().timestamp(), False
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"{text!r} is no time such as 30d, 90min or 2026-01-31T12:00") from None


def run(args: Namespace) -> int:
    """Print or write the report."""
    gc.disable()  # the command ends soon, and what it has read stays to the end
    told = from_service(args.socket) if args.log is None else from_file(args.log)
    known = history(told.events, told.rows, told.running_s)
    period = _period(known, args.since)
    found = [each for each in figures(known, period) if args.guest in (None, "all", each.name)]
    if args.guest is not None and not found:
        names = list(known.guests)
        raise CommandError(
            f"unknown guest {args.guest!r}{did_you_mean(args.guest, names)}: there is {', '.join(names) or 'none'}", USAGE
        )
    if args.html is not None:
        _write(args.html, known, period, found)
    else:
        print(json.dumps(document(known, period, found)) if args.json else "\n".join(lines(known, period, found)))
    return DONE


def _period(known: History, since: tuple[float, bool]) -> Stretch:
    """Return the period of the report, which is within the log.

    Raises:
        CommandError: the log ends before the period begins.
    """
    begin_s, end_s = known.whole
    asked_s = end_s - since[0] if since[1] else since[0]
    if asked_s > end_s:
        raise CommandError("the log ends before that", USAGE)
    return max(begin_s, asked_s), end_s


def _write(path: str, known: History, period: Stretch, found: list[Figures]) -> None:
    from wagman.cli.report.page import page  # noqa: PLC0415 - few need it

    text = page(known, period, found)
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - pathlib is a heavy import
            _put(path, text)  # a pipe or a device: nothing can stand in its place
        else:
            _replace(os.path.realpath(path), text)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", FAILED) from error


def _replace(path: str, text: str) -> None:
    """Write the file as a whole or not at all: somebody may be reading the previous one."""
    beside = f"{path}.new"
    try:
        _put(beside, text)
        os.replace(beside, path)  # noqa: PTH105 - pathlib is a heavy import
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)  # noqa: PTH108 - likewise
        raise


def _put(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is a heavy import
        file.write(text)
