"""The bounds of the log, in rows and in bytes on disk, and how it is kept within them.

A part of the bytes belongs to the write-ahead log, the rest to the database. Old events are dropped from the oldest
end, in chunks of a 64th of the log: dropping one for each that comes would nearly double what is written to the flash.
Pages that this frees are taken up by new events, so that a log at its bound neither grows nor shrinks.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import field, frozen, validators

from wagman.model.errors import StoreError

MIN_BYTES = 2**20
"""The smallest bound in bytes (chosen)."""

MIN_WAL_BYTES = 2**19
"""The least share of the write-ahead log: twice the largest transaction, and that with its page headers (chosen)."""

MAX_BATCH_BYTES = 64 * 1024
"""What one transaction may be asked to write, rows and all (chosen)."""

PAGE_BYTES = 4096
"""SQLite's default page size."""

CHUNKS = 64
"""Which part of the log is dropped at once (chosen)."""

VACUUM_PAGES = 256
"""How many pages a commit gives back when the bound has been lowered: 1 MiB (chosen)."""

WAL_PAGES = 1000
"""The write-ahead log is written back when it is this long (SQLite's default), or sooner where the bound is small."""


@frozen
class Extent:
    """The ids that the log holds: `first_id` to `last_id`, none where the last is 0."""

    first_id: int = 1
    last_id: int = 0


@frozen
class Limits:
    """The bounds of the log."""

    max_events: int = field(validator=validators.ge(1))
    max_bytes: int = field(validator=validators.ge(MIN_BYTES))

    @property
    def wal_bytes(self) -> int:
        """The share of the write-ahead log."""
        return max(self.max_bytes // 4, MIN_WAL_BYTES)

    @property
    def wal_pages(self) -> int:
        """The length at which SQLite writes the write-ahead log back, which is never longer than this and one transaction."""
        return min(WAL_PAGES, self.wal_bytes // 4 // PAGE_BYTES)

    @property
    def max_pages(self) -> int:
        """The share of the database itself."""
        return (self.max_bytes - self.wal_bytes) // PAGE_BYTES

    def make_room(self, conn: sqlite3.Connection, held: Extent, pages: int) -> Extent:
        """Drop the oldest events, but never the last one, until so many pages are free."""
        while held.first_id < held.last_id and _used_pages(conn) + pages > self.max_pages:
            chunk = (held.last_id - held.first_id) // CHUNKS + 1
            held = drop_before(conn, held, held.first_id + chunk)
        return held

    def drop_surplus(self, conn: sqlite3.Connection, held: Extent) -> Extent:
        """Drop the oldest events if there are more than `max_events`."""
        oldest = held.last_id - self.max_events + 1
        return drop_before(conn, held, oldest + self.max_events // CHUNKS) if held.first_id < oldest else held

    def bound_wal(self, conn: sqlite3.Connection, wal: Path) -> None:
        """Write back a write-ahead log that leaves too little room for the next transaction.

        SQLite writes it back by itself, but keeps quiet when it cannot, and then lets it grow.
        """
        if wal.stat().st_size > self.wal_bytes // 2:
            checkpoint(conn)

    def give_back(self, conn: sqlite3.Connection) -> None:
        """Make the file smaller, step by step, where an earlier configuration had allowed it more."""
        surplus = min(page_count(conn) - self.max_pages, VACUUM_PAGES)
        if surplus > 0:
            conn.executescript(f"PRAGMA incremental_vacuum({surplus})")  # `execute` would take one page only


def drop_before(conn: sqlite3.Connection, held: Extent, first_id: int) -> Extent:
    """Drop the events before that one."""
    # One stays always: the last one keeps ids from being used again.
    conn.execute("DELETE FROM event WHERE id < ?", (first_id,))
    return Extent(first_id, held.last_id)


def checkpoint(conn: sqlite3.Connection) -> None:
    """Write all of the write-ahead log back and empty it."""
    busy = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        raise StoreError("the write-ahead log is at its bound, and another process keeps it from being written back")


def page_count(conn: sqlite3.Connection) -> int:
    """The size of the database in pages."""
    return int(conn.execute("PRAGMA page_count").fetchone()[0])


def _used_pages(conn: sqlite3.Connection) -> int:
    return page_count(conn) - int(conn.execute("PRAGMA freelist_count").fetchone()[0])


@contextmanager
def transaction(conn: sqlite3.Connection) -> Iterator[None]:
    """A transaction around the body: all of it, or nothing."""
    conn.execute("BEGIN IMMEDIATE")
    try:
        yield
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:  # a full disk has ended it already
            conn.execute("ROLLBACK")
        raise
