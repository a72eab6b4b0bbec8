"""`wagman fleet events`: events of nodes, live from the broker, or from a collector's database."""

import json
import time
from argparse import Namespace
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from wagman.bridges.fleet.config import FleetConfig
from wagman.bridges.fleet.link import Message, connected
from wagman.bridges.fleet.payloads import PayloadError, events_of
from wagman.bridges.fleet.table import existing, fits, stranger
from wagman.cli.events import story, words
from wagman.cli.outcome import DONE, USAGE, CommandError, complain
from wagman.model.shapes import Event
from wagman.model.words import plain

LAST: Final = 50
"""How many events of a database are shown without -n (chosen)."""

LOOK_S: Final = 0.5
"""How often the database is read with `-f` (chosen)."""


def line(node: str, event: Event, args: Namespace) -> str:
    """Return the line for an event."""
    if args.json:
        return json.dumps({"node": node, "event": event})
    return f"{plain(node):<12} {story(event) if args.plain else words(event)}"


def kept(args: Namespace) -> int:
    """Show events of the database; with `-f` also new ones, until interrupted.

    Raises:
        CommandError: a node is meant that there is not. With `-f` that is only said: it may come yet.
    """
    with closing(existing(Path(args.sqlite))) as database:
        if (why := stranger(database.heard_last(), args.nodes, f"in {args.sqlite}")) is not None:
            if not args.follow:
                raise CommandError(why, USAGE)
            complain(why)
        found = database.last(args.nodes, LAST if args.number is None else args.number)
        at = 0
        while True:
            for each in found:
                print(line(each.node, each.event, args), flush=args.follow)
                at = each.number
            if not args.follow:
                return DONE
            time.sleep(LOOK_S)
            found = [*database.after(at, args.nodes)]


async def live(config: FleetConfig, name: str, args: Namespace) -> int:
    """Show events as they come, until interrupted, or until `-n` were shown; raises LinkError."""
    left = args.number
    async with connected(config.endpoint, name) as link:
        link.subscribe([f"{config.topics}/+/events"])
        while left is None or left > 0:
            news = await link.receive()
            if isinstance(news, Message):
                link.acknowledge(news)
                node = news.topic.removeprefix(f"{config.topics}/").partition("/")[0]
                for event in _events(news.payload) if fits(node, args.nodes) else ():
                    print(line(node, event, args), flush=True)
                    left = None if left is None else left - 1
    return DONE


def _events(payload: bytes) -> Iterable[Event]:
    try:
        return events_of(payload)["events"]
    except PayloadError:
        return ()
