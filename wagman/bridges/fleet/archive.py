"""Where a collector keeps what came: an SQLite file, or lines of JSON."""

import json
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from wagman.bridges.fleet.payloads import Online, Summary, opened, written
from wagman.bridges.fleet.shelf import Shelf, Span, Spans
from wagman.model.shapes import Event

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY, node TEXT NOT NULL, log TEXT NOT NULL, id INTEGER NOT NULL,
    time TEXT NOT NULL, type TEXT NOT NULL, device TEXT, event TEXT NOT NULL, UNIQUE (node, log, id)
) STRICT;
CREATE TABLE IF NOT EXISTS gaps (
    node TEXT NOT NULL, log TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (node, log, first, last)
) STRICT;
CREATE TABLE IF NOT EXISTS logs (
    node TEXT NOT NULL, log TEXT NOT NULL, replaced_by TEXT NOT NULL, after INTEGER NOT NULL, PRIMARY KEY (node, log)
) STRICT;
CREATE TABLE IF NOT EXISTS nodes (node TEXT PRIMARY KEY, heard TEXT, online TEXT, status TEXT) STRICT;
"""

_SPANS: Final = """
SELECT node, log, min(id), max(id) FROM (
    SELECT node, log, id, id - row_number() OVER (PARTITION BY node, log ORDER BY id) AS run FROM events
) GROUP BY node, log, run
"""

_LOGS: Final = """
SELECT node, log, sum(held), max(last) FROM (
    SELECT node, log, count(*) AS held, max(id) AS last FROM events GROUP BY node, log
    UNION ALL SELECT node, log, 0, last FROM gaps
    UNION ALL SELECT node, log, 0, after FROM logs
) GROUP BY node, log
"""

_HELD: Final = "SELECT count(*) FROM events WHERE node = ? AND log = ? AND id BETWEEN ? AND ?"


class Told(NamedTuple):
    """An event of a node, and its place in the order in which they came."""

    number: int
    node: str
    event: Event


class Archive(Protocol):
    """Where events are kept; what was given to it is there for good once `commit` has returned."""

    def shelves(self) -> dict[str, Shelf]:
        """What is there already, by node."""

    def shelf(self, node: str) -> Shelf:
        """That of a node that was never heard of."""

    def events(self, node: str, log: str, events: Sequence[Event]) -> None:
        """Keep these, which are new."""

    def gap(self, node: str, log: str, span: Span) -> None:
        """These are gone, and never come."""

    def replaced(self, node: str, log: str, by: str, after: int) -> None:
        """That log is gone, and was told of so far."""

    def node(self, node: str, key: str, message: Online | Summary) -> None:
        """Its latest `online` or `status`."""

    def heard(self, nodes: Mapping[str, str]) -> None:
        """When they were heard last."""

    def commit(self) -> None:
        """Make it last."""


class Database:
    """The SQLite file at `path`."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(path, isolation_level=None)
        try:
            self._file.execute("PRAGMA journal_mode=WAL")
            # A cut of the power may cost the last moments; their ids are missing then, and asked for.
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.executescript(_SCHEMA)
        except sqlite3.DatabaseError:
            self._file.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def shelves(self) -> dict[str, Shelf]:
        """By node; this reads all ids once."""
        logs: dict[str, dict[str, Spans]] = {}
        for query in (_SPANS, "SELECT node, log, first, last FROM gaps"):
            for node, log, first, last in self._file.execute(query):
                logs.setdefault(node, {}).setdefault(log, Spans()).add(Span(first, last))
        return {node: Shelf(node, spans) for node, spans in logs.items()}

    def shelf(self, node: str) -> Shelf:
        """All of its log is wanted."""
        return Shelf(node)

    def events(self, node: str, log: str, events: Sequence[Event]) -> None:
        """One row for each."""
        rows = [(node, log, each["id"], each["time"], each["type"], each["device"], written(each)) for each in events]
        self._begin()
        self._file.executemany(
            "INSERT OR IGNORE INTO events (node, log, id, time, type, device, event) VALUES (?, ?, ?, ?, ?, ?, ?)", rows
        )

    def gap(self, node: str, log: str, span: Span) -> None:
        """One row."""
        self._begin()
        self._file.execute("INSERT OR IGNORE INTO gaps VALUES (?, ?, ?, ?)", (node, log, *span))

    def replaced(self, node: str, log: str, by: str, after: int) -> None:
        """One row."""
        self._begin()
        self._file.execute("INSERT OR REPLACE INTO logs VALUES (?, ?, ?, ?)", (node, log, by, after))

    def node(self, node: str, key: str, message: Online | Summary) -> None:
        """In the row of the node."""
        column = {"online": "online", "status": "status"}[key]
        self._begin()
        self._file.execute(
            f"INSERT INTO nodes (node, {column}) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET {column} = ?2",  # noqa: S608 - a word of ours
            (node, written(message)),
        )

    def heard(self, nodes: Mapping[str, str]) -> None:
        """In the row of each."""
        self._begin()
        self._file.executemany(
            "INSERT INTO nodes (node, heard) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET heard = ?2", nodes.items()
        )

    def commit(self) -> None:
        """End the transaction."""
        if self._file.in_transaction:
            self._file.execute("COMMIT")

    def nodes(self) -> Iterator[tuple[str, dict[str, Any] | None, dict[str, Any] | None]]:
        """Each with its latest `online` and `status`."""
        for node, online, status in self._file.execute("SELECT node, online, status FROM nodes ORDER BY node"):
            yield node, _opened(online), _opened(status)

    def heard_last(self) -> dict[str, str | None]:
        """By node, when it was heard last; None: what is known of it the broker had kept."""
        return dict(self._file.execute("SELECT node, heard FROM nodes"))

    def logs(self) -> Iterator[tuple[str, str, int, int]]:
        """Each log of each node: how many of its events are here, and the id of the last one that was told of."""
        yield from self._file.execute(_LOGS)

    def lost(self) -> dict[tuple[str, str], int]:
        """By node and log, how many events are gone and are not here, either: a gap can be told of what had come before."""
        gaps: dict[tuple[str, str], Spans] = {}
        for node, log, first, last in self._file.execute("SELECT node, log, first, last FROM gaps"):
            gaps.setdefault((node, log), Spans()).add(Span(first, last))
        return {of: sum(span.last - span.first + 1 - self._held(*of, span) for span in spans) for of, spans in gaps.items()}

    def _held(self, node: str, log: str, span: Span) -> int:
        return int(self._file.execute(_HELD, (node, log, *span)).fetchone()[0])

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """Whatever is read meanwhile is of one moment, though a collector writes."""
        self._begin()
        try:
            yield
        finally:
            self.commit()

    def last(self, nodes: Sequence[str], count: int) -> list[Told]:
        """The last events of nodes that a pattern fits, in the order in which they came."""
        return [*self._told("1", nodes, f"ORDER BY number DESC LIMIT {count}")][::-1]

    def after(self, number: int, nodes: Sequence[str]) -> Iterator[Told]:
        """Those that came after the one of that number."""
        return self._told(f"number > {number}", nodes, "ORDER BY number")

    def _told(self, which: str, nodes: Sequence[str], order: str) -> Iterator[Told]:
        fits = " OR ".join(["node GLOB ?"] * len(nodes)) or "1"
        query = f"SELECT number, node, event FROM events WHERE {which} AND ({fits}) {order}"  # noqa: S608 - words and numbers of ours
        for number, node, event in self._file.execute(query, nodes):
            yield Told(number, node, json.loads(event))

    def _begin(self) -> None:
        if not self._file.in_transaction:
            self._file.execute("BEGIN")


class Lines:
    """A line of JSON for each event and each gap, on standard output; nothing is remembered over a restart."""

    def shelves(self) -> dict[str, Shelf]:
        """None."""
        return {}

    def shelf(self, node: str) -> Shelf:
        """What was before is somewhere else, or not wanted."""
        return Shelf(node, from_now=True)

    def events(self, node: str, log: str, events: Sequence[Event]) -> None:
        """A line for each."""
        for each in events:
            self._line(node=node, log=log, event=each)

    def gap(self, node: str, log: str, span: Span) -> None:
        """A line."""
        self._line(node=node, log=log, gap=list(span))

    def replaced(self, node: str, log: str, by: str, after: int) -> None:
        """A line."""
        self._line(node=node, log=log, replaced_by=by, after=after)

    def node(self, node: str, key: str, message: Online | Summary) -> None:
        """A line."""
        self._line(node=node, **{key: message})

    def heard(self, nodes: Mapping[str, str]) -> None:
        """Each line is by itself a sign that the node was heard."""

    def commit(self) -> None:
        """Hand it on."""
        sys.stdout.flush()

    def _line(self, **line: object) -> None:
        sys.stdout.write(f"{json.dumps(line)}\n")


def _opened(text: str | None) -> dict[str, Any] | None:
    return None if text is None else opened(text.encode())
