"""Events into the log: through the journal, and into SQLite with nothing around it; the same rows, settings and transactions."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import trio
from attrs import astuple

from benchmarks.figures import Figure, Section
from benchmarks.scale import Scale
from wagman.model.facts import Draft
from wagman.service.seams import new_id
from wagman.store import Event, Journal, Limits, Store
from wagman.store.batch import COLUMNS, MARKS, ROW_BYTES
from wagman.store.event import encode_fields, utc_now
from wagman.store.limits import MAX_BATCH_BYTES
from wagman.store.schema import MIGRATIONS, migrate

FIELDS = {"attempt": 1, "media": "emmc", "reason": "its turn", "recover": False}
ENCODED = encode_fields(FIELDS)
BATCH = MAX_BATCH_BYTES // (ROW_BYTES + len(ENCODED))
"""The number of such events in one transaction of the journal."""

BURST = 1000
"""The number of events recorded before the next wait: less than the journal holds."""

ONE = "one event in each transaction"
MANY = "as many as a transaction takes"


def measure(scale: Scale) -> list[Section]:
    """Measure events a second, one by one and in groups."""
    ways: Mapping[str, Callable[[int], float]] = {
        f"SQLite, {ONE}": partial(bare, 1),
        f"journal, {ONE}": partial(through_journal, 1),
        f"SQLite, {MANY}": partial(bare, BATCH),
        f"journal, {MANY}": partial(through_journal, BURST),
    }
    times = [{what: way(scale.log_events) for what, way in ways.items()} for _ in range(scale.rounds)]
    fastest = {what: scale.log_events / min(each[what] for each in times) for what in ways}
    figures = [Figure(what, per_s, "events/s") for what, per_s in fastest.items()]
    figures += [
        Figure(f"SQLite to journal, {how}", fastest[f"SQLite, {how}"] / fastest[f"journal, {how}"], "x") for how in (ONE, MANY)
    ]
    note = (
        f"{scale.log_events} events, each on the disk before it counts (WAL, synchronous=FULL); the best of {scale.rounds} "
        f"rounds in turns. A transaction takes {BATCH} of these."
    )
    return [Section("Events into the log", figures, note)]


def through_journal(at_once: int, events: int) -> float:
    """Return the seconds that the journal takes for `events` events; after each `at_once` of them the log is waited for."""
    with folder() as path:
        return trio.run(_record, Store(path, Limits(10**6, 10**9), new_log_id=new_id, now=utc_now), at_once, events)


async def _record(store: Store, at_once: int, events: int) -> float:
    journal = Journal(store, boot_id=new_id(), tell=lambda _event: None)
    async with trio.open_nursery() as nursery:
        await journal.load()
        await nursery.start(journal.run)
        began = time.perf_counter()
        for done in range(0, events, at_once):
            receipts = [journal.record([(draft(), None)]) for _ in range(min(at_once, events - done))]
            await receipts[-1].settled(60)
        took_s = time.perf_counter() - began
        nursery.cancel_scope.cancel()
    return took_s


def draft() -> Draft:
    """Return an event of an ordinary size."""
    return Draft("device.starting", "gn", FIELDS)


def bare(at_once: int, events: int) -> float:
    """Return the seconds that SQLite takes for so many rows."""
    with folder() as path:
        conn = new_table(path)
        began = time.perf_counter()
        for first in range(1, events + 1, at_once):
            conn.execute("BEGIN IMMEDIATE")
            insert(conn, range(first, min(first + at_once, events + 1)))
            conn.execute("COMMIT")
        took_s = time.perf_counter() - began
        conn.close()
    return took_s


def new_table(path: Path) -> sqlite3.Connection:
    """Make the service's tables, with its settings."""
    conn = sqlite3.connect(path, isolation_level=None)
    for setting in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
        conn.execute(f"PRAGMA {setting}")
    migrate(conn, MIGRATIONS)
    return conn


def insert(conn: sqlite3.Connection, ids: range) -> None:
    """Insert events with these ids, in the open transaction."""
    rows = (astuple(row(number), recurse=False) for number in ids)
    conn.executemany(f"INSERT INTO event ({COLUMNS}) VALUES ({MARKS})", rows)  # noqa: S608 - both are constants


def row(number: int) -> Event:
    """Return an event as it is stored."""
    cause = number - 1 or None
    return Event(number, "2026-01-31T12:00:00.000Z", "0" * 32, float(number), "device.starting", "gn", cause, ENCODED)


@contextmanager
def folder() -> Iterator[Path]:
    """Yield the path of a log in a temporary folder."""
    with TemporaryDirectory(prefix="wb") as name:
        yield Path(name) / "log.db"
