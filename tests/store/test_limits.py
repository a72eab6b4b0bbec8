import contextlib
import json
import random
import sqlite3
from pathlib import Path
from typing import Any, Never

import pytest
from attrs import astuple
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.kit import batch, bytes_on_disk, everything, opened, record
from wagman.model.errors import StoreError
from wagman.store.batch import ROW_BYTES, Batch
from wagman.store.event import Event
from wagman.store.limits import CHUNKS, MAX_BATCH_BYTES, MIN_BYTES, Extent, Limits, checkpoint
from wagman.store.sqlite import Store

SMALL = Limits(max_events=10**9, max_bytes=MIN_BYTES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wagman.db"


def connection(store: Store) -> sqlite3.Connection:
    assert store._conn is not None
    return store._conn


def write(store: Store, count: int) -> None:
    for number in range(1, count + 1):
        store.commit(batch(number, number))


def text(size: int) -> str:
    return json.dumps("x" * size)


@pytest.mark.parametrize("wrong", [{"max_events": 0}, {"max_bytes": MIN_BYTES - 1}])
def test_a_bound_that_cannot_be_kept_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="must be >="):
        Limits(**{"max_events": 1, "max_bytes": MIN_BYTES, **wrong})


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.lists(st.integers(1, 60), max_size=12))
def test_rows_never_exceed_their_bound_and_the_newest_are_kept(
    tmp_path_factory: pytest.TempPathFactory, max_events: int, sizes: list[Any]
) -> None:
    last = 0
    with opened(tmp_path_factory.mktemp("log") / "wagman.db", Limits(max_events, MIN_BYTES)) as (store, _):
        for size in sizes:
            held = store.commit(batch(last + 1, last + size))
            last += size
            assert [each.id for each in everything(store)] == list(range(held.first_id, last + 1))
            assert min(last, max_events - max_events // CHUNKS) <= last - held.first_id + 1 <= max_events


def test_old_events_are_dropped_in_chunks_and_not_one_by_one(path: Path) -> None:
    firsts = set()
    with opened(path, Limits(6400, MIN_BYTES * 8)) as (store, _):
        store.commit(batch(1, 6400))
        for number in range(6401, 6601):
            firsts.add(store.commit(batch(number, number)).first_id)
    assert len(firsts) == 2


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.booleans())
def test_bytes_on_disk_never_exceed_their_bound_whatever_is_written(
    tmp_path_factory: pytest.TempPathFactory, chance: random.Random, awkward: bool
) -> None:
    path = tmp_path_factory.mktemp("log") / "wagman.db"
    last = 0
    with opened(path, SMALL) as (store, _):
        for _ in range(60):
            room = MAX_BATCH_BYTES
            records: list[Event] = []
            while room > 9000 and len(records) < chance.choice([1, 5, 100]):
                size = 2100 if awkward else chance.choice([2, 200, 1900, 2100, 4000, 4200, 8190])
                records.append(record(last + len(records) + 1, text(size)))
                room -= size + ROW_BYTES
            held = store.commit(Batch(records, {"gn": text(chance.randrange(8000))}))
            last += len(records)
            assert bytes_on_disk(path) <= SMALL.max_bytes
            assert held.last_id == last
            assert held.first_id < last - 20 or held.first_id == 1


def test_a_log_at_its_bound_uses_most_of_it_and_does_not_grow(path: Path) -> None:
    with opened(path, SMALL) as (store, _):
        sizes = []
        for number in range(0, 20_000, 100):
            held = store.commit(batch(number + 1, number + 100, text(100)))
            sizes.append(path.stat().st_size)
        assert SMALL.max_pages * 4096 * 0.6 < sizes[-1] == sizes[len(sizes) // 2] <= SMALL.max_pages * 4096
        assert held.last_id - held.first_id > 1000


def test_a_year_of_events_stays_within_the_default_bounds(path: Path) -> None:
    """2,000 events a day of 150 bytes: one every 43 s, many times what a node that is well has to tell."""
    limits = Limits(max_events=100_000, max_bytes=64 * 2**20)
    chance = random.Random(1)
    with opened(path, limits) as (store, _):
        for first in range(1, 365 * 2000 + 1, 2000):
            shape = astuple(record(0, text(chance.randrange(100, 200))))[1:]
            held = store.commit(Batch([Event(number, *shape) for number in range(first, first + 2000)]))
            assert bytes_on_disk(path) <= limits.max_bytes
        assert 98_000 < held.last_id - held.first_id + 1 <= 100_000


def test_a_bound_that_was_lowered_is_reached_step_by_step(path: Path) -> None:
    with opened(path, Limits(10**9, 8 * MIN_BYTES)) as (store, _):
        for number in range(0, 5000, 50):
            store.commit(batch(number + 1, number + 50, text(1000)))
    assert path.stat().st_size > 4 * MIN_BYTES
    with opened(path, SMALL) as (store, _):
        for number in range(5001, 5012):
            store.commit(batch(number, number))
        checkpoint(connection(store))
        assert bytes_on_disk(path) <= SMALL.max_bytes
        assert everything(store)[-1].id == 5011


def test_ids_are_not_used_again_when_all_but_one_were_dropped(path: Path) -> None:
    with opened(path, Limits(1, MIN_BYTES)) as (store, _):
        store.commit(batch(1, 5))
    with opened(path, Limits(1, MIN_BYTES)) as (store, found):
        assert found.held == Extent(5, 5)
        assert store.commit(batch(6, 6)) == Extent(6, 6)


def test_a_log_at_rest_and_one_that_is_only_opened_are_not_written_to(path: Path) -> None:
    with opened(path) as (store, _):
        store.commit(batch(1, 5))
    before = path.read_bytes(), path.stat().st_mtime_ns
    with opened(path) as (store, _):
        everything(store)
        assert path.with_name("wagman.db-wal").stat().st_size == 0
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_a_write_ahead_log_that_cannot_be_written_back_stops_the_commits_and_not_the_bound(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite keeps quiet when its own attempt fails; ours must not."""
    with opened(path, SMALL) as (store, _):
        connection(store).execute("PRAGMA wal_autocheckpoint = 0")

        def stuck(_conn: object) -> Never:
            raise StoreError("the write-ahead log is at its bound")

        monkeypatch.setattr("wagman.store.limits.checkpoint", stuck)
        with pytest.raises(StoreError, match="at its bound"):
            write(store, 500)
        assert bytes_on_disk(path) <= SMALL.max_bytes


def test_a_write_ahead_log_that_a_reader_holds_back_is_an_error_and_no_silence(path: Path) -> None:
    """It cannot happen to a store, which locks its file; if it did, the bound would be at stake."""
    writer, reader = (sqlite3.connect(path, isolation_level=None, timeout=0.01) for _ in range(2))
    with contextlib.closing(writer), contextlib.closing(reader):
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE t (a)")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM t").fetchall()
        writer.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(StoreError, match="another process keeps it from being written back"):
            checkpoint(writer)
        reader.execute("COMMIT")
        checkpoint(writer)
