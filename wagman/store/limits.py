"""The bounds of the log, in rows and in bytes on disk, and how it is kept within them.

A part of the bytes belongs to the write-ahead log, the rest to the database. Old events are dropped from the oldest
end, in chunks of a 64th of the log: dropping one event for each new one would nearly double what is written to the flash.
New events fill the pages that this frees, so that a log at its bound neither grows nor shrinks.
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
"""The least share of the write-ahead log (chosen): twice the largest transaction with its page headers."""

MAX_BATCH_BYTES = 64 * 1024
"""How many bytes one transaction may be asked to write, rows and all (chosen)."""

PAGE_BYTES = 4096
"""SQLite's default page size."""

CHUNKS = 64
"""The share of the log that is dropped at once: one in so many (chosen)."""

VACUUM_PAGES = 256
"""How many pages a commit gives back after the bound was lowered: 1 MiB (chosen)."""

WAL_PAGES = 1000
"""The length in pages at which the write-ahead log is written back (SQLite's default); less if the bound is small."""


@frozen
class Extent:
    """The ids that the log holds: from `first_id` to `last_id`; none if `last_id` is 0."""

    first_id: int = 1
    last_id: int = 0


@frozen
class Limits:
    """The bounds of the log."""

    max_events: int = field(validator=validators.ge(1))
    max_bytes: int = field(validator=validators.ge(MIN_BYTES))

    @property
    def wal_bytes(self) -> int:
        """The share of the write-ahead log, in bytes."""
        return max(self.max_bytes // 4, MIN_WAL_BYTES)

    @property
    def wal_pages(self) -> int:
        """The length in pages at which SQLite writes the write-ahead log back. It is at most this and one transaction long."""
        return min(WAL_PAGES, self.wal_bytes // 4 // PAGE_BYTES)

    @property
    def max_pages(self) -> int:
        """The share of the database itself, in pages."""
        return (self.max_bytes - self.wal_bytes) // PAGE_BYTES

    def make_room(self, conn: sqlite3.Connection, held: Extent, pages: int) -> Extent:
        """Drop the oldest events, but never the last one, until `pages` pages are free."""
        while held.first_id < held.last_id and _used_pages(conn) + pages > self.max_pages:
            chunk = (held.last_id - held.first_id) // CHUNKS + 1
            held = drop_before(conn, held, held.first_id + chunk)
        return held

    def drop_surplus(self, conn: sqlite3.Connection, held: Extent) -> Extent:
        """Drop the oldest events if there are more than `max_events`."""
        oldest = held.last_id - self.max_events + 1
        return drop_before(conn, held, oldest + self.max_events // CHUNKS) if held.first_id < oldest else held

    def bound_wal(self, conn: sqlite3.Connection, wal: Path) -> None:
        """Write the write-ahead log back if it leaves too little room for the next transaction.

        SQLite writes it back by itself, but does not report when it cannot, and then lets it grow.
        """
        if wal.stat().st_size > self.wal_bytes // 2:
            checkpoint(conn)

    def give_back(self, conn: sqlite3.Connection) -> None:
        """Make the file smaller, step by step, after the bound was lowered."""
        surplus = min(page_count(conn) - self.max_pages, VACUUM_PAGES)
        if surplus > 0:
            conn.executescript(f"PRAGMA incremental_vacuum({surplus})")  # `execute` would take one page only


def drop_before(conn: sqlite3.Connection, held: Extent, first_id: int) -> Extent:
    """Drop the events before `first_id`, which must not be above the last one."""
    # The last event always stays: it keeps ids from being used again.
    conn.execute("DELETE FROM event WHERE id < ?", (first_id,))
    return Extent(first_id, held.last_id)


def checkpoint(conn: sqlite3.Connection) -> None:
    """Write all of the write-ahead log back and empty it.

    Raises:
        StoreError: another process keeps it from being written back.
    """
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
