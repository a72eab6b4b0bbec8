"""What the tests of the store share."""

import itertools
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trio
from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from wagman.model.errors import StoreError
from wagman.model.facts import Draft
from wagman.store import Event, Journal, Limits, Store, inline
from wagman.store.batch import Batch, Opened, Query

ROOMY = Limits(max_events=100_000, max_bytes=64 * 2**20)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def namer(prefix: str = "log") -> Callable[[], str]:
    """Ids that tests can foresee."""
    numbers = itertools.count(1)
    return lambda: f"{prefix}-{next(numbers)}"


def store_at(path: Path, limits: Limits = ROOMY, **more: Any) -> Store:
    return Store(path, limits, **{"new_log_id": namer(), "now": lambda: NOON, **more})


@contextmanager
def opened(path: Path, limits: Limits = ROOMY, **more: Any) -> Iterator[tuple[Store, Opened]]:
    """An open store that is closed again."""
    store = store_at(path, limits, **more)
    try:
        yield store, store.open()
    finally:
        store.close()


def record(number: int, fields: str = "{}", **more: Any) -> Event:
    given = {
        "id": number,
        "time": "2026-06-01T12:00:00.000Z",
        "clock_set": True,
        "boot_id": "boot",
        "mono_s": number / 8,
        "type": "device.started",
        "device": "gn",
        "cause": None,
        "fields": fields,
    }
    return Event(**{**given, **more})


def batch(first: int, last: int, fields: str = "{}", **memory: str | None) -> Batch:
    return Batch([record(number, fields) for number in range(first, last + 1)], memory)


def everything(store: Store) -> list[Event]:
    return store.page(Query(after_id=0, limit=10**9))


def bytes_on_disk(path: Path) -> int:
    """Of the database and what belongs to it."""
    return sum(file.stat().st_size for file in path.parent.glob(path.name + "*"))


def raw(path: Path, *statements: str) -> None:
    """Change a closed file behind the store's back."""
    conn = sqlite3.connect(path, isolation_level=None)
    try:
        for statement in statements:
            conn.execute(statement)
    finally:
        conn.close()


@define(eq=False)
class FaultyStore(Store):
    """A store whose disk fails when told to."""

    fault: str | None = field(default=None, kw_only=True)  # why nothing works
    deaf: bool = field(default=False, kw_only=True)  # a commit is done, and its answer is lost
    commits: int = field(default=0, kw_only=True)
    failed_s: list[float] = field(factory=list, kw_only=True)  # when it failed, by trio's clock

    def open(self) -> Opened:
        self._fail()
        return super().open()

    def commit(self, batch: Batch) -> Any:
        self._fail()
        held = super().commit(batch)
        self.commits += 1
        if self.deaf:
            self.close()
            raise StoreError("the answer was lost")
        return held

    def page(self, query: Query) -> list[Event]:
        self._fail()
        return super().page(query)

    def _fail(self) -> None:
        if self.fault is not None:
            self.failed_s.append(trio.current_time())
            raise StoreError(self.fault)


def faulty_at(path: Path, limits: Limits = ROOMY) -> FaultyStore:
    return FaultyStore(path, limits, new_log_id=namer(), now=lambda: NOON)


def wall() -> datetime:
    """A wall clock that keeps step with trio's."""
    return NOON + timedelta(seconds=trio.current_time())


@asynccontextmanager
async def journal_at(place: Path | Store, *, running: bool = True, **more: Any) -> Any:
    """A journal whose task runs, with `told`: what it has shown."""
    store = place if isinstance(place, Store) else store_at(place)
    told: list[Event] = []
    given = {"boot_id": "boot", "tell": told.append, "blocking": inline, "wall": wall, "clock_floor": NOON, "began_s": 0.0}
    journal = Journal(store, **{**given, **more})
    try:
        async with trio.open_nursery() as nursery:
            if running:
                await journal.load()
                await nursery.start(journal.run)
                await wait_all_tasks_blocked()  # until it has told that the store was opened
            yield journal, told
            nursery.cancel_scope.cancel()
    finally:
        store.close()


def in_virtual_time(body: Callable[[], Awaitable[None]]) -> None:
    trio.run(body, clock=MockClock(autojump_threshold=0))


def draft(type_: str = "device.started", device: str | None = "gn", **fields: Any) -> tuple[Draft, None]:
    return Draft(type_, device, fields), None


def types(events: list[Event]) -> list[str]:
    return [event.type for event in events]


ELSEWHERE = ("a link", "a folder behind a link", "a pipe")
"""What may stand in the place of a file: links lead nowhere, as where a disk is not mounted."""


def elsewhere(directory: Path, name: str, how: str) -> Path:
    """The path of a file that is not there, but for what stands in its place."""
    place, nowhere = directory / "state" / name, directory / "nowhere"
    match how:
        case "a folder behind a link":
            place.parent.symlink_to(nowhere)
        case "a link":
            place.parent.mkdir()
            place.symlink_to(nowhere / name)
        case _:
            place.parent.mkdir()
            os.mkfifo(place)
    return place
