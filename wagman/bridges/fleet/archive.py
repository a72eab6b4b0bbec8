"""Where a collector keeps events: an SQLite file, or lines of JSON."""

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from wagman.bridges.fleet.payloads import Online, PayloadError, Summary, online_of, status_of, written
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


class ArchivedEvent(NamedTuple):
    """An event of a node, and its number in the order of arrival."""

    number: int
    node: str
    event: Event


class Archive(Protocol):
    """A place for events. What it was given lasts once `commit` has returned."""

    def shelves(self) -> dict[str, Shelf]:
        """Return which events are there already, by node."""

    def shelf(self, node: str) -> Shelf:
        """Return the shelf of a node that is new."""

    def events(self, node: str, log: str, events: Sequence[Event]) -> None:
        """Keep these events, which are new."""

    def gap(self, node: str, log: str, span: Span) -> None:
        """Note that these events are gone for good."""

    def replaced(self, node: str, log: str, by: str, after: int) -> None:
        """Note that a log is gone, and after which event its successor was told of."""

    def node(self, node: str, key: str, message: Online | Summary) -> None:
        """Keep the latest `online` or `status` of a node."""

    def heard(self, nodes: Mapping[str, str]) -> None:
        """Keep when each of these nodes was last heard."""

    def commit(self) -> None:
        """Make all changes last."""

    def rollback(self) -> None:
        """Undo all changes since the last commit."""


class Database:
    """The SQLite file at `path`.

    Args:
        path: of the file; it is made if there is none.
        to_read: nothing is made or changed.

    Raises:
        sqlite3.Error: it cannot be opened, or is none of a collector's.
    """

    def __init__(self, path: Path, *, to_read: bool = False) -> None:
        mode = "ro" if to_read else "rwc"
        self._file = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)
        try:
            if not to_read:
                self._file.execute("PRAGMA journal_mode=WAL")
                # A power cut may cost the last moments. The ids of their events are missing then, and asked for again.
                self._file.execute("PRAGMA synchronous=NORMAL")
                self._file.executescript(_SCHEMA)
            for name in ("events", "gaps", "logs", "nodes"):
                self._file.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()  # noqa: S608 - a name of ours
        except sqlite3.DatabaseError:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def shelves(self) -> dict[str, Shelf]:
        """Return which events are there, by node; this reads all ids once."""
        logs: dict[str, dict[str, Spans]] = {}
        for query in (_SPANS, "SELECT node, log, first, last FROM gaps"):
            for node, log, first, last in self._file.execute(query):
                logs.setdefault(node, {}).setdefault(log, Spans()).add(Span(first, last))
        known: dict[str, dict[str, int]] = {}
        for node, log, _, last in self.logs():
            known.setdefault(node, {})[log] = last
        return {node: Shelf(node, logs.get(node, {}), known[node]) for node in known}

    def shelf(self, node: str) -> Shelf:
        """Return an empty shelf: the whole log of a new node is wanted."""
        return Shelf(node)

    def events(self, node: str, log: str, events: Sequence[Event]) -> None:
        """Add a row for each event."""
        rows = [(node, log, each["id"], each["time"], each["type"], each["device"], written(each)) for each in events]
        self._begin()
        self._file.executemany(
            "INSERT OR IGNORE INTO events (node, log, id, time, type, device, event) VALUES (?, ?, ?, ?, ?, ?, ?)", rows
        )

    def gap(self, node: str, log: str, span: Span) -> None:
        """Add a row for the gap."""
        self._begin()
        self._file.execute("INSERT OR IGNORE INTO gaps VALUES (?, ?, ?, ?)", (node, log, *span))

    def replaced(self, node: str, log: str, by: str, after: int) -> None:
        """Add or change the row for the log."""
        self._begin()
        self._file.execute("INSERT OR REPLACE INTO logs VALUES (?, ?, ?, ?)", (node, log, by, after))

    def node(self, node: str, key: str, message: Online | Summary) -> None:
        """Write the message into the row of the node."""
        column = {"online": "online", "status": "status"}[key]
        self._begin()
        self._file.execute(
            f"INSERT INTO nodes (node, {column}) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET {column} = ?2",  # noqa: S608 - a word of ours
            (node, written(message)),
        )

    def heard(self, nodes: Mapping[str, str]) -> None:
        """Write the time into the row of each node."""
        self._begin()
        self._file.executemany(
            "INSERT INTO nodes (node, heard) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET heard = ?2", nodes.items()
        )

    def commit(self) -> None:
        """End the transaction, if there is one."""
        if self._file.in_transaction:
            self._file.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the transaction, if there is still one."""
        if self._file.in_transaction:
            self._file.execute("ROLLBACK")

    def nodes(self) -> Iterator[tuple[str, dict[str, Any] | None, dict[str, Any] | None]]:
        """Yield each node with its latest `online` and `status`; None: there is none, or it is damaged."""
        for node, online, status in self._file.execute("SELECT node, online, status FROM nodes ORDER BY node"):
            yield node, _read(online_of, online), _read(status_of, status)

    def heard_last(self) -> dict[str, str | None]:
        """Return when each node was last heard; None if only messages that the broker had kept are known."""
        return dict(self._file.execute("SELECT node, heard FROM nodes"))

    def logs(self) -> Iterator[tuple[str, str, int, int]]:
        """Yield node, log, the number of its events here, and the id of the last event known."""
        yield from self._file.execute(_LOGS)

    def lost(self) -> dict[tuple[str, str], int]:
        """Return the number of lost events by node and log.

        Events of a gap that are here are not counted: they came before it was told.
        """
        gaps: dict[tuple[str, str], Spans] = {}
        for node, log, first, last in self._file.execute("SELECT node, log, first, last FROM gaps"):
            gaps.setdefault((node, log), Spans()).add(Span(first, last))
        return {of: sum(span.last - span.first + 1 - self._held(*of, span) for span in spans) for of, spans in gaps.items()}

    def _held(self, node: str, log: str, span: Span) -> int:
        return int(self._file.execute(_HELD, (node, log, *span)).fetchone()[0])

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """Have everything that is read meanwhile be of one moment, although a collector writes."""
        self._begin()
        try:
            yield
        finally:
            self.commit()

    def last(self, nodes: Sequence[str], count: int) -> list[ArchivedEvent]:
        """Return the last events of the nodes that a pattern fits, in the order of arrival."""
        return [*self._told("1", nodes, f"ORDER BY number DESC LIMIT {count}")][::-1]

    def after(self, number: int, nodes: Sequence[str]) -> Iterator[ArchivedEvent]:
        """Yield the events that arrived after the one of that number."""
        return self._told(f"number > {number}", nodes, "ORDER BY number")

    def _told(self, which: str, nodes: Sequence[str], order: str) -> Iterator[ArchivedEvent]:
        fits = " OR ".join(["node GLOB ?"] * len(nodes)) or "1"
        query = f"SELECT number, node, event FROM events WHERE {which} AND ({fits}) {order}"  # noqa: S608 - words and numbers of ours
        for number, node, event in self._file.execute(query, nodes):
            try:
                yield ArchivedEvent(number, node, json.loads(event))
            except ValueError as error:
                raise sqlite3.DatabaseError(f"the event in row {number} is damaged: {error}") from error

    def _begin(self) -> None:
        if not self._file.in_transaction:
            self._file.execute("BEGIN")


class Lines:
    """A line of JSON on standard output for each event and each gap; nothing is remembered over a restart."""

    def shelves(self) -> dict[str, Shelf]:
        """Return nothing: lines are not read again."""
        return {}

    def shelf(self, node: str) -> Shelf:
        """Return a shelf that begins with the first event it hears of: earlier ones are not wanted here."""
        return Shelf(node, from_now=True)

    def events(self, node: str, log: str, events: Sequence[Event]) -> None:
        """Write a line for each event."""
        for each in events:
            self._line(node=node, log=log, event=each)

    def gap(self, node: str, log: str, span: Span) -> None:
        """Write a line for the gap."""
        self._line(node=node, log=log, gap=list(span))

    def replaced(self, node: str, log: str, by: str, after: int) -> None:
        """Write a line for the log."""
        self._line(node=node, log=log, replaced_by=by, after=after)

    def node(self, node: str, key: str, message: Online | Summary) -> None:
        """Write a line with the message."""
        self._line(node=node, **{key: message})

    def heard(self, nodes: Mapping[str, str]) -> None:
        """Do nothing: each line shows that its node was heard."""

    def commit(self) -> None:
        """Flush standard output."""
        sys.stdout.flush()

    def rollback(self) -> None:
        """Do nothing: what is printed stays so."""

    def _line(self, **line: object) -> None:
        sys.stdout.write(f"{json.dumps(line)}\n")


def _read(read: Callable[[bytes], Any], text: str | None) -> Any:
    try:
        return None if text is None else read(text.encode())
    except PayloadError:
        return None
