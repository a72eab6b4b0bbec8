"""`wagman fleet status`: one row for each node, the worst first; from the broker, or from a collector's database."""

import fnmatch
import json
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import trio
from attrs import frozen

from wagman.bridges.fleet.archive import Database
from wagman.bridges.fleet.broker import LinkError, words_of
from wagman.bridges.fleet.config import FleetConfig
from wagman.bridges.fleet.link import Link, Message, Subscribed, connected
from wagman.bridges.fleet.payloads import PayloadError, online_of, status_of
from wagman.cli.outcome import DONE, FAILED, USAGE, CommandError, complain
from wagman.cli.text import short, table
from wagman.model.words import counted, plain

QUIET_S: Final = 0.5
"""After so long without a message, everything that the broker keeps is here (chosen: ten round trips over a cellular link)."""

ORDERLY_S: Final = 0.1
"""The same for a broker that answered a second request in order, and so has sent everything that it keeps."""

WAIT_S: Final = 20.0
"""The longest wait in all (chosen: 9,000 nodes take one second)."""

LATE_S: Final = 3 * 3600.0
"""An older status counts as late (chosen: three of the hourly ones)."""

MOST_NAMED: Final = 10
"""How many nodes an error names (chosen: a few lines)."""

_HEAD = ("NODE", "IS", "FOR", "UP", "NOTES")


class Rank(IntEnum):
    """How badly a node needs a person, the worst first."""

    OFFLINE = 0
    CRITICAL = 1
    WARNING = 2
    WELL = 3


@frozen
class Row:
    """The row of a node."""

    rank: Rank
    node: str
    for_s: float | None  # how long it has been online, or how old its last status is; None if that is not known
    up: str  # the guests that are up, of those that are wanted up
    notes: tuple[str, ...]

    @property
    def cells(self) -> Sequence[str]:
        """The row as cells of the table."""
        return plain(self.node), self.rank.name.lower(), short(self.for_s), self.up, plain("; ".join(self.notes))


Known = Mapping[str, tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]]
"""The latest `online` and `status` of each node."""


def row(node: str, online: Mapping[str, Any] | None, status: Mapping[str, Any] | None, now: datetime) -> Row:
    """Return the row of a node."""
    for_s = _age_s(online["since"] if online else None, now)
    if status is None:
        return Row(Rank.WARNING if online and online["online"] else Rank.OFFLINE, node, for_s, "-", ("no status yet",))
    wanted = [each for each in status["devices"].values() if each.get("wanted") == "up"]
    up = f"{sum(each.get('state') == 'started' for each in wanted)}/{len(wanted)}"
    age_s = _age_s(status.get("at"), now)
    if not (online and online["online"]):
        return Row(Rank.OFFLINE, node, age_s, up, (f"last status {short(age_s)} ago", *_notes(status)))
    late = [f"no status for {short(age_s)}"] if age_s is not None and age_s > LATE_S else []
    is_away, severities = status.get("service") == "away", {str(each.get("severity")) for each in status["problems"]}
    calm = Rank.WARNING if late or severities - {"notice"} else Rank.WELL  # a notice calls for nobody
    rank = Rank.CRITICAL if is_away or "critical" in severities else calm
    return Row(rank, node, for_s, up, (*late, *_notes(status)))


def _notes(status: Mapping[str, Any]) -> Iterator[str]:
    if status.get("service") == "away":
        yield "the service is away"
    for problem in status["problems"]:
        yield str(problem.get("text", problem.get("id", "?")))


def _age_s(stamp: object, now: datetime) -> float | None:
    try:
        return (now - datetime.fromisoformat(str(stamp))).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None


def rows(known: Known, patterns: Sequence[str], now: datetime) -> list[Row]:
    """Return the rows of the nodes that the patterns mean, the worst first."""
    found = [row(node, *messages, now) for node, messages in known.items() if fits(node, patterns)]
    return sorted(found, key=lambda each: (each.rank, each.node))


def fits(node: str, patterns: Sequence[str]) -> bool:
    """Return whether a node is meant; no pattern means all nodes."""
    return not patterns or any(fnmatch.fnmatchcase(node, pattern) for pattern in patterns)


def stranger(known: Iterable[str], patterns: Sequence[str], where: str) -> str | None:
    """Return what to say of the patterns that mean no node; None if each means one."""
    nodes = sorted(known)
    if not (missing := [pattern for pattern in patterns if not any(fits(node, [pattern]) for node in nodes)]):
        return None
    shown = ", ".join(nodes[:MOST_NAMED]) or "none yet"
    more = f" and {len(nodes) - MOST_NAMED} more" if len(nodes) > MOST_NAMED else ""
    return plain(f"there is no node {' or '.join(missing)} {where}: there is {shown}{more}")


def totals(found: Iterable[Row]) -> str:
    """Return the last line: how many nodes there are of each rank."""
    counts = dict.fromkeys(Rank, 0)
    for each in found:
        counts[each.rank] += 1
    words = ", ".join(f"{count} {rank.name.lower()}" for rank, count in counts.items() if count)
    count = sum(counts.values())
    return f"{counted(count, 'node')}: {words}" if words else "no node has told anything"


def show(args: Namespace, known: Known) -> int:
    """Print the table; return FAILED if any node calls for a person."""
    found = rows(known, args.nodes, datetime.now(UTC))
    # A broker does not tell whom it gives nothing.
    nowhere = ", or the acl of the broker lets us read of none" if args.sqlite is None else ""
    if args.json:
        nodes = {
            each.node: {"is": each.rank.name.lower(), "online": known[each.node][0], "status": known[each.node][1]}
            for each in found
        }
        print(json.dumps({"v": 1, "nodes": nodes}))
    else:
        print(
            *(table([_HEAD, *(each.cells for each in found)]) if found else ()),
            totals(found) + ("" if known else nowhere),
            sep="\n",
        )
    where = "at the broker" if args.sqlite is None else f"in {args.sqlite}"
    if (why := stranger(known, args.nodes, where)) is not None:
        complain(why)  # the others are shown all the same
        return FAILED
    return DONE if all(each.rank is Rank.WELL for each in found) else FAILED


def kept(path: Path) -> Known:
    """Return what a collector has kept; raises CommandError if there is no such file."""
    with closing(existing(path)) as database:
        return {node: (online, status) for node, online, status in database.nodes()}


def existing(path: Path) -> Database:
    """Open a database to read it.

    Raises:
        CommandError: there is none to be seen.
        sqlite3.Error: it is none of a collector's.
    """
    try:
        is_there = path.exists()
    except OSError as error:
        raise CommandError(f"{path}: {words_of(error)}") from error
    if not is_there:
        raise CommandError(f"there is no database {path}: wagman fleet collect --sqlite {path} makes one", USAGE)
    return Database(path, to_read=True)


async def gather(config: FleetConfig, name: str) -> Known:
    """Return what the broker keeps of all nodes; raises LinkError."""
    found: dict[str, tuple[Any, Any]] = {}
    async with connected(config.endpoint, name) as link:
        link.subscribe([f"{config.topics}/+/online", f"{config.topics}/+/status"], at_least_once=False)
        with trio.move_on_after(WAIT_S) as bound:
            await _subscribed(link, found, config.topics)
            before = len(found)
            link.subscribe([f"{config.topics}/none/online"], at_least_once=False)
            await _subscribed(link, found, config.topics)
            # If messages came before that answer, the broker answers in order. If none came, there may be none.
            quiet_s = ORDERLY_S if len(found) > before else QUIET_S
            while True:
                with trio.move_on_after(quiet_s) as quiet:
                    await _take(link, found, config.topics)
                    while link.has_news:
                        await _take(link, found, config.topics)
                if quiet.cancelled_caught:
                    break
        if bound.cancelled_caught and not found:
            raise LinkError(f"the broker {link.address} tells nothing: may {name} read {config.topics}/+/status?")
    return found


async def _subscribed(link: Link, found: dict[str, tuple[Any, Any]], topics: str) -> None:
    while not await _take(link, found, topics):
        pass


async def _take(link: Link, found: dict[str, tuple[Any, Any]], topics: str) -> bool:
    """Take in one message; return whether it was the answer to a subscription."""
    news = await link.receive()
    if isinstance(news, Message):
        node, _, kind = news.topic.removeprefix(f"{topics}/").partition("/")
        online, status = found.get(node, (None, None))
        try:
            found[node] = (online_of(news.payload), status) if kind == "online" else (online, status_of(news.payload))
        except PayloadError:
            found.setdefault(node, (online, status))  # the message is damaged, but the node exists
    return isinstance(news, Subscribed)
