"""`wagman why`: what keeps a guest from starting, what comes next, and the chain of causes behind its state, newest first."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap
from typing import Any

from wagman.cli.connection import add_socket_argument
from wagman.cli.names import expanded
from wagman.cli.outcome import DONE, USAGE, CommandError
from wagman.cli.prospects import coming, obstacle, troubles, unseen
from wagman.cli.sentences import sentence
from wagman.cli.status import for_words
from wagman.cli.story import Event, Story, story
from wagman.cli.text import WIDTH, clock, local, table
from wagman.client.blocking import Client
from wagman.model.shapes import Device, Status
from wagman.model.words import plain


def add_arguments(parser: ArgumentParser, _command: str) -> None:
    """Add the arguments of the command."""
    parser.add_argument("device", metavar="GUEST", help="name or port number")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_socket_argument(parser)


def run(args: Namespace) -> int:
    """Print the answer."""
    with Client(args.socket) as client:
        status = client.call("status")
        name = _only(expanded([args.device], status))
        row = next(row for row in status["devices"] if row["name"] == name)
        told = story(client.call, row, status["service"])
    print(json.dumps(document(row, status, told)) if args.json else "\n".join(lines(row, status, told)))
    return DONE


def _only(names: list[str]) -> str:
    if len(names) != 1:
        raise CommandError("why is about one guest: name it", USAGE)
    return names[0]


def document(row: Device, status: Status, told: Story) -> dict[str, Any]:
    """Return the answer for programs."""
    return {
        "device": row["name"],
        "state": row["state"],
        "since": row["since"],
        "for_s": row.get("for_s"),
        "reason": row["reason"],
        "unseen": unseen(row, status),
        "problems": list(troubles(row, status)),
        "not_started": obstacle(row, status),
        "coming": list(coming(row, status)),
        "chain": list(told.events),
        "cut_short": told.cut_short,
    }


def lines(row: Device, status: Status, told: Story) -> list[str]:
    """Return the answer for people, as lines."""
    pieces = [piece for line in _statements(row, status, told) for piece in wrap(plain(line), WIDTH, subsequent_indent="  ")]
    return [*pieces, *_story(told)]


def _statements(row: Device, status: Status, told: Story) -> Iterator[str]:
    state = "in maintenance" if row["state"] == "maintenance" else row["state"]
    yield f"{row['name']} is {state}{_lasting(row)}"
    if (blindness := unseen(row, status)) is not None:
        yield blindness
    yield from troubles(row, status)
    if (reason := obstacle(row, status)) is not None:
        yield f"not started: {reason}"
    if not row["power"]["confirmed"] and row["state"] != "maintenance":
        yield "its power is not confirmed yet"
    yield from (f"next: {each}" for each in coming(row, status))
    if row["reason"] and not told.events:
        yield f"the service says: {row['reason']}"


def _lasting(row: Device) -> str:
    """Return for how long the state has lasted; if nobody has measured that, what the clock showed at its beginning."""
    if row.get("for_s") is None and row["since"]:
        return f" since {local(row['since'])}, by the clock of then"
    return for_words(row)


def _story(told: Story) -> list[str]:
    rows = list(_happenings(told.events))
    shown = table(rows, indent=2) if rows else []
    return [*shown, *([f"  ({told.cut_short})"] if told.cut_short else [])]


def _happenings(events: Sequence[Event]) -> Iterator[tuple[str, str]]:
    """Yield when and what for each event; a run of equal events is told once, with the time of the first and a count."""
    types = {event["id"]: event["type"] for event in events if event["id"] is not None}
    repeats = [event for event in events if _count(event) and types.get(event["cause"]) == event["type"]]
    for words, same in groupby((event for event in events if event not in repeats), _once):
        found = list(same)
        times = len(found) + sum(_count(each) for each in repeats for event in found if each["cause"] == event["id"])
        yield clock(found[-1]["time"]), plain(words) + (f" ({times} times)" if times > 1 else "")


def _once(event: Event) -> str:
    """Return the sentence of an event without its count."""
    return sentence({**event, "fields": {key: value for key, value in event["fields"].items() if key not in ("count", "over_s")}})


def _count(event: Event) -> int:
    """Return how often the event happened again, if it says so."""
    count = event["fields"].get("count")
    return count if isinstance(count, int) and count > 0 else 0
