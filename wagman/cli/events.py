"""`wagman events`: the rolling log, oldest first; with -f also every new event."""

import json
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from wagman.cli.connection import add_socket_argument
from wagman.cli.names import expanded
from wagman.cli.outcome import DONE, complain
from wagman.cli.sentences import sentence
from wagman.cli.text import local
from wagman.client.blocking import Client, Follower
from wagman.client.errors import LostError
from wagman.model.catalogue import EVENT_TYPES
from wagman.model.shapes import Event
from wagman.model.words import plain

LAST = 50
"""How many events are shown without -n and --since (chosen)."""

MOST_AT_ONCE = 1000
"""The largest page that the service gives."""

MOST_DIGITS = 9
"""The most digits of a number of events (chosen: a hundred times what a log ever holds)."""

LONGEST_TYPE = 40
"""How much of an unknown type is compared with the known types (chosen)."""

LISTEN_S = 60.0
RETRY_S = 0.5
"""The time between two tries to reach the service again (chosen)."""


def add_arguments(parser: ArgumentParser, _command: str) -> None:
    """Add the arguments of the command."""
    parser.add_argument("-f", "--follow", action="store_true", help="go on with new events, until interrupted")
    parser.add_argument(
        "-n", "--number", type=_count, metavar="N", help=f"show at most N events (default: {LAST}; with --since: all)"
    )
    parser.add_argument(
        "--since",
        type=place,
        metavar="ID|TIME",
        help="show the events after this id, or from this time on: 2026-01-31T12:00, 90min",
    )
    parser.add_argument("--device", metavar="D", help="show only the events of this guest (default: all)")
    parser.add_argument(
        "--type",
        type=kind,
        metavar="T",
        help="show only events of this type, such as device.started, or device for all of device.*",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--plain", action="store_true", help="print a sentence for each event, instead of its type and fields")
    form.add_argument("--json", action="store_true", help="print one JSON object per line")
    add_socket_argument(parser)


def place(text: str) -> int | str:
    """Return an event id, or a time as the service takes it; a time without a zone is local. Raises ArgumentTypeError."""
    try:
        return int(text) if text.isdecimal() and text.isascii() else _moment(text).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"{text!r} is no event id, and no time such as 2026-01-31T12:00 or 90min") from None


def ago_s(text: str) -> float | None:
    """Return how many seconds ago "90min" or "1d12h" is; None for other text."""
    from wagman.config import durations  # noqa: PLC0415 - few commands need it

    try:
        return durations.parse(text)
    except ValueError:
        return None


def _moment(text: str) -> datetime:
    ago = ago_s(text)
    return datetime.fromisoformat(text) if ago is None else datetime.now(UTC) - timedelta(seconds=ago)


def kind(text: str) -> str:
    """Return a known type of events, or a whole family; raises ArgumentTypeError."""
    known = {*EVENT_TYPES, *(name.partition(".")[0] for name in EVENT_TYPES)}
    if text not in known:
        from difflib import get_close_matches  # noqa: PLC0415 - few need it

        nearest = get_close_matches(text[:LONGEST_TYPE], sorted(known), n=1)
        hint = f": did you mean {nearest[0]}?" if nearest else "; docs/events.md lists them"
        raise ArgumentTypeError(f"there are no events of the type {text!r}{hint}")
    return text


def _count(text: str) -> int:
    if not (text.isdecimal() and text.isascii() and len(text) <= MOST_DIGITS):
        raise ArgumentTypeError(f"{text!r} is not a number of events")
    return int(text)


def run(args: Namespace) -> int:
    """Show the events."""
    if args.follow:
        return Tail(args).run()
    with Client(args.socket) as client:
        show(past(client, args, named(client, args.device)), args)
    return DONE


def named(client: Client, device: str | None) -> str | None:
    """Return the name of the guest whose events are asked for; None for all events."""
    return None if device in (None, "all") else expanded([device], client.call("status"))[0]


def show(events: Iterable[Event], args: Namespace) -> None:
    """Print the events."""
    for event in events:
        print(_shown(event, args), flush=args.follow)


def _shown(event: Event, args: Namespace) -> str:
    if args.json:
        return json.dumps(event)
    return story(event) if args.plain else words(event)


def story(event: Event) -> str:
    """Return the event as one line of prose: when, and what happened."""
    return plain(f"{local(event['time'])}  {sentence(event)}{_doubt(event)}")


def words(event: Event) -> str:
    """Return the event as one line: when, id, type, guest, fields."""
    number = "-" if event["id"] is None else event["id"]
    fields = " ".join(f"{key}={_value(value)}" for key, value in event["fields"].items())
    return plain(
        f"{local(event['time'])} {number:>6}  {event['type']:<24} {event['device'] or '-':<4} {fields}".rstrip() + _doubt(event)
    )


def _doubt(event: Event) -> str:
    return "  clock unset" if event.get("clock") == "unset" else ""


def _value(value: Any) -> str:
    return value if isinstance(value, str) and value.isprintable() and " " not in value and value else json.dumps(value)


# --- The past ---------------------------------------------------------------------------------------------------------


def past(client: Client, args: Namespace, device: str | None) -> Iterable[Event]:
    """Return the past events that are asked for."""
    wanted: dict[str, Any] = {key: value for key, value in (("device", device), ("type", args.type)) if value is not None}
    if args.since is not None:
        return forward(client, wanted, args.since, args.number)
    number = LAST if args.number is None else args.number
    if number > MOST_AT_ONCE:
        return deque(forward(client, wanted, 0, None), maxlen=number)
    return last(client, wanted, number) if number else []


def last(client: Client, wanted: dict[str, Any], number: int) -> list[Event]:
    """Return the newest events."""
    page: list[Event] = client.call("events", limit=number, **wanted)["events"]
    return page


def forward(client: Client, wanted: dict[str, Any], since: int | str, number: int | None) -> Iterator[Event]:
    """Yield events from a place in the log on, page by page, at most `number` of them."""
    left = sys.maxsize if number is None else number
    since = _settled(client, wanted, since)
    while left:
        page = client.call("events", since=since, limit=min(left, MOST_AT_ONCE), **wanted)["events"]
        yield from page
        left -= len(page)
        if len(page) < MOST_AT_ONCE:
            return
        if page[-1]["id"] is None:
            complain("there may be more that the log cannot take at present: they are not shown")
            return
        since = page[-1]["id"]


def _settled(client: Client, wanted: dict[str, Any], since: int | str) -> int | str:
    """Return the id before the first event of that time or later. After a clock was set back, times do not grow with ids."""
    if isinstance(since, int):
        return since
    first = client.call("events", since=since, limit=1, **wanted)["events"]
    return first[0]["id"] - 1 if first and first[0]["id"] else since


# --- And the future ---------------------------------------------------------------------------------------------------


class Tail:
    """The past up to the moment of the subscription, and then every new event."""

    def __init__(self, args: Namespace) -> None:
        self.args = args
        self.device: str | None = None
        self._follower = Follower(args.socket, complain)
        self._is_away = False

    def run(self) -> int:
        """Show events until interrupted, or until -n events after --since were shown."""
        left = self._catch_up()
        while left:
            event = self._next()
            if event is not None and self._fits(event):
                show([event], self.args)
                left -= 1
        return DONE

    def _catch_up(self) -> int:
        """Show the past; return how many events are still to be shown."""
        client = self._follower.client
        limit, shown = self._follower.last_id or 0, 0
        self.device = named(client, self.args.device)
        for event in past(client, self.args, self.device):
            if event["id"] is None:
                self._follower.remember(event)
            elif event["id"] > limit:
                continue  # the subscription has it
            show([event], self.args)
            shown += 1
        return sys.maxsize if self.args.since is None or self.args.number is None else self.args.number - shown

    def _next(self) -> Event | None:
        try:
            event = self._follower.item(LISTEN_S)
            self._is_away = False
        except LostError as error:
            self._lost(error)
            return None
        return event

    def _lost(self, error: LostError) -> None:
        self._follower.drop()
        if not self._is_away:
            complain(f"{error}; going on once it is back")
            self._is_away = True
        time.sleep(RETRY_S)

    def _fits(self, event: Event) -> bool:
        is_device = self.device is None or event["device"] == self.device
        kind = self.args.type
        return is_device and (kind is None or event["type"] == kind or event["type"].startswith(f"{kind}."))
