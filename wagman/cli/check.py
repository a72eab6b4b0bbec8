"""`wagman check`: the verdict in one line and an exit code, as plugins of monitoring systems give it."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wagman.cli.boards import UNNAMED, board_of, boards_of, sensors_of
from wagman.cli.connection import add_socket_argument
from wagman.cli.names import expanded
from wagman.cli.outcome import CommandError
from wagman.cli.problems import said
from wagman.client.blocking import Client
from wagman.client.errors import ClientError
from wagman.model.shapes import Device, Problem, Status
from wagman.model.words import counted, plain

OK, WARNING, CRITICAL, UNKNOWN = range(4)
"""Exit codes of monitoring plugins."""

_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_CODES = {"notice": OK, "warning": WARNING, "critical": CRITICAL}


class Verdict(NamedTuple):
    """The result of the check."""

    code: int
    text: str
    problems: Sequence[Problem] = ()
    performance: Sequence[str] = ()


def add_arguments(parser: ArgumentParser, _command: str) -> None:
    """Add the arguments of the command."""
    parser.add_argument("device", nargs="?", metavar="GUEST", help="name or port number: show only the problems of this guest")
    parser.add_argument("--perfdata", action="store_true", help="add performance data, after a bar (|)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_socket_argument(parser)


def run(args: Namespace) -> int:
    """Ask for the status, and judge it. Any failure to ask or to understand is UNKNOWN."""
    try:
        verdict = judged(_status(args.socket), args.device)
    except (CommandError, ClientError) as error:
        verdict = Verdict(UNKNOWN, str(error))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        verdict = Verdict(UNKNOWN, f"the answer of the service cannot be understood ({type(error).__name__}: {error})")
    print(_document(verdict) if args.json else _line(verdict, with_data=args.perfdata))
    return verdict.code


def _status(socket: str) -> Status:
    with Client(socket) as client:
        status: Status = client.call("status")
    if "problems" not in status:
        raise CommandError(f"the service, {status['service']['version']}, is too old to tell of problems: restart it", UNKNOWN)
    return status


def judged(status: Status, device: str | None) -> Verdict:
    """Return the verdict on the node, or on one guest.

    A problem of its board makes the state of a guest unknown, and nothing worse.

    Raises:
        CommandError: there is no such guest.
    """
    names = [row["name"] for row in status["devices"]] if device is None else expanded([device], status)
    rows = [row for row in status["devices"] if row["name"] in names]
    problems = [each for each in status["problems"] if device is None or each["device"] in names]
    code = max((_CODES[each["severity"]] for each in problems), default=OK)
    text = _told(problems) or _well(status, rows)
    boards = boards_of(status) if device is None else [board_of(row, status) for row in rows]
    if code == OK and any(board["blind"] for board in boards):
        code, text = UNKNOWN, f"the board is not seen{f', and nothing is known of {device}' if device else ' yet'}"
    return Verdict(code, text, problems, tuple(_performance(status, rows, device)))


def _told(problems: Sequence[Problem]) -> str:
    """Return the worst problem in words, with what to do, and the ids of the others."""
    if not problems:
        return ""
    worst, *others = problems
    more = f"; also: {', '.join(plain(each['id']) for each in others)}" if others else ""
    return f"{said(worst)}: {plain(worst['do'])}{more}"


def _well(status: Status, rows: Sequence[Device]) -> str:
    guests = [row for row in rows if not row["self"]]
    return f"{status['wagman']['state']}, {_up(guests)} of {counted(len(guests), 'guest')} started"


def _up(guests: Sequence[Device]) -> int:
    return sum(row["state"] == "started" for row in guests)


def _performance(status: Status, rows: Sequence[Device], device: str | None) -> Iterator[str]:
    """Yield label, value and unit of each figure; `U` for a value that is not known, as monitoring plugins have it."""
    guests = [row for row in rows if not row["self"]]
    if device is None:
        yield f"guests_started={_up(guests)};;;0;{len(guests)}"
        yield f"problems={len(status['problems'])};;;0"
        for board in boards_of(status):
            label = "answer_age" if board.get("name", UNNAMED) == UNNAMED else f"{board['name']}_answer_age"
            yield _figure(label, board["last_answer_age_s"], "s")
        for name, sensor in sensors_of(status).items():
            yield _figure(name, sensor["value"], "%" if name.endswith("_pct") else "")
    for row in guests:
        yield _figure(f"{row['name']}_heartbeat_age", row["heartbeat_age_s"], "s")
        yield _figure(f"{row['name']}_current_ma", row["current_ma"], "")
        yield f"{row['name']}_failures={row['failures']};;;0"


def _figure(label: str, value: float | None, unit: str) -> str:
    return f"{label}={'U' if value is None else f'{value:g}{unit}'}"


def _line(verdict: Verdict, *, with_data: bool) -> str:
    """Return the verdict in one line. A bar in the text would begin the performance data, so it is replaced."""
    text = " ".join(plain(verdict.text).replace("|", "/").split())
    data = f" | {' '.join(verdict.performance)}" if with_data and verdict.performance else ""
    return f"WAGMAN {_WORDS[verdict.code]}: {text}{data}"


def _document(verdict: Verdict) -> str:
    return json.dumps({"state": _WORDS[verdict.code], "text": verdict.text, "problems": list(verdict.problems)})
