import shutil
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, Never

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.kit import NOON, batch, everything, opened, raw, record, store_at
from wagman.model.errors import StoreError
from wagman.store.aside import SetAside, set_aside, with_suffix
from wagman.store.batch import Batch, Query
from wagman.store.limits import Extent
from wagman.store.schema import MIGRATIONS, migrate

LATER = f"damaged-{NOON:%Y%m%dT%H%M%SZ}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wagman.db"


def test_a_new_store_has_a_log_of_its_own_and_nothing_in_it(path: Path) -> None:
    with opened(path) as (store, found):
        assert (found.log_id, found.held, found.fresh, found.set_aside) == ("log-1", Extent(), True, ())
        assert (found.memory, everything(store)) == ({}, [])


def test_what_was_committed_is_there_at_the_next_opening(path: Path) -> None:
    with opened(path) as (store, _):
        assert store.commit(batch(1, 3, gn='{"wanted":"up"}')) == Extent(1, 3)
    with opened(path, new_log_id=lambda: "other") as (store, found):
        assert (found.log_id, found.held, found.fresh) == ("log-1", Extent(1, 3), False)
        assert found.memory == {"gn": '{"wanted":"up"}'}
        assert everything(store) == [record(1), record(2), record(3)]


def test_state_is_replaced_and_forgotten_by_key(path: Path) -> None:
    with opened(path) as (store, _):
        store.commit(batch(1, 1, gn="1", cs="1", x1="1"))
        store.commit(batch(2, 2, gn="2", cs=None))
        store.commit(Batch([], {"x1": "3"}))
    with opened(path) as (_, found):
        assert found.memory == {"gn": "2", "x1": "3"}


def test_an_open_store_says_the_same_again(path: Path) -> None:
    with opened(path) as (store, found):
        store.commit(batch(1, 1))
        assert store.open() is found


def test_nothing_touches_the_disk_before_open(tmp_path: Path) -> None:
    store = store_at(tmp_path / "nowhere" / "wagman.db")
    assert not store.is_open
    with pytest.raises(StoreError, match="not open"):
        store.commit(batch(1, 1))
    assert list(tmp_path.iterdir()) == []


def test_the_files_are_their_owners_only_whatever_they_were(path: Path) -> None:
    path.touch(0o666)
    with opened(path) as (store, _):
        store.commit(batch(1, 1))
        assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_no_shared_memory_file_is_needed(path: Path) -> None:
    with opened(path) as (store, _):
        store.commit(batch(1, 1))
        assert {file.name for file in path.parent.iterdir()} == {"wagman.db", "wagman.db-wal"}


def test_a_commit_is_synced(path: Path) -> None:
    with opened(path) as (store, _):
        assert store._conn is not None
        assert [store._conn.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")] == [2, "wal"]


def test_a_batch_that_fails_half_way_leaves_nothing(path: Path) -> None:
    with opened(path) as (store, _):
        store.commit(batch(1, 1, gn="1"))
        with pytest.raises(StoreError, match="UNIQUE"):
            store.commit(Batch([record(2), record(3), record(3)], {"gn": "2"}))
    with opened(path) as (store, found):
        assert (everything(store), found.memory) == ([record(1)], {"gn": "1"})


# --- Repeating a commit -----------------------------------------------------------------------------------------------


def test_a_batch_that_is_there_already_is_not_written_again(path: Path) -> None:
    with opened(path) as (store, _):
        store.commit(batch(1, 2))
        assert store.commit(batch(1, 2)) == Extent(1, 2)
        store.close()
        store.open()
        assert store.commit(batch(1, 2)) == Extent(1, 2)
        assert len(everything(store)) == 2


@pytest.mark.parametrize("wrong", [batch(2, 2, '{"other":1}'), batch(4, 4), batch(1, 3)])
def test_a_batch_that_does_not_go_on_from_the_last_one_is_refused(path: Path, wrong: Batch) -> None:
    with opened(path) as (store, _):
        store.commit(batch(1, 2))
        with pytest.raises(StoreError, match="does not go on from 2"):
            store.commit(wrong)
        store.open()
        assert len(everything(store)) == 2


# --- Reading ----------------------------------------------------------------------------------------------------------

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["device.started", "device.stopped", "devices", "link.up"]),
        st.sampled_from([None, "gn", "cs"]),
        st.integers(0, 59),
    ),
    min_size=1,
    max_size=20,
)


@settings(deadline=None)
@given(
    EVENTS,
    st.none() | st.integers(0, 25),
    st.none() | st.integers(0, 59),
    st.integers(1, 25),
    st.none() | st.sampled_from(["gn", "cs", "x1"]),
    st.none() | st.sampled_from(["device", "device.started", "dev", "link.up"]),
)
def test_a_page_is_what_going_through_the_whole_log_would_find(  # noqa: PLR0917 - one for each part of a query
    tmp_path_factory: pytest.TempPathFactory, events: Any, after: Any, second: Any, limit: int, device: Any, type_: Any
) -> None:
    def at(second: int) -> str:
        return f"2026-06-01T12:00:{second:02}.000Z"

    log = [record(n, type=t, device=d, time=at(s)) for n, (t, d, s) in enumerate(events, 1)]
    wanted = [
        each
        for each in log
        if (after is None or each.id > after)
        and (second is None or each.time >= at(second))
        and (device is None or each.device == device)
        and (type_ is None or each.type == type_ or each.type.startswith(type_ + "."))
    ]
    forward = after is not None or second is not None
    with opened(tmp_path_factory.mktemp("log") / "wagman.db") as (store, _):
        store.commit(Batch(log))
        query = Query(after, None if second is None else at(second), limit, device, type_)
        assert store.page(query) == (wanted[:limit] if forward else wanted[-limit:])


def test_a_chain_follows_causes_until_they_end(path: Path) -> None:
    with opened(path) as (store, _):
        store.commit(Batch([record(1), record(2, cause=1), record(3), record(4, cause=2)]))
        assert [each.id for each in store.chain(4, 10)] == [4, 2, 1]
        assert [each.id for each in store.chain(4, 2)] == [4, 2]
        assert store.chain(9, 10) == []


def test_a_chain_of_damaged_rows_does_not_go_in_circles(path: Path) -> None:
    with opened(path) as (store, _):
        store.commit(Batch([record(1, cause=2), record(2, cause=1), record(3, cause=3)]))
        assert [each.id for each in store.chain(2, 10)] == [2, 1]
        assert [each.id for each in store.chain(3, 10)] == [3]


def test_text_that_is_no_text_costs_its_character_only(path: Path) -> None:
    with opened(path) as (store, _):
        store.commit(batch(1, 2))
    raw(path, "UPDATE event SET type = CAST(x'64ff' AS TEXT) WHERE id = 1")
    with opened(path) as (store, _):
        assert [each.type for each in everything(store)] == ["d\ufffd", "device.started"]


# --- Versions ---------------------------------------------------------------------------------------------------------

FIRST = MIGRATIONS[:1]
PLANTED = (*FIRST, ("ALTER TABLE memory ADD COLUMN at TEXT", "UPDATE memory SET value = value || '0'"))


def test_a_file_of_an_older_version_is_taken_to_this_one_with_all_it_holds(path: Path) -> None:
    with opened(path, migrations=FIRST) as (store, _):
        store.commit(batch(1, 2, gn="1"))
    raw(path, "PRAGMA user_version = 1")
    with opened(path, migrations=PLANTED) as (store, found):
        assert (found.log_id, found.fresh, found.memory, found.held) == ("log-1", False, {"gn": "10"}, Extent(1, 2))
    with opened(path, migrations=PLANTED) as (store, found):
        assert found.memory == {"gn": "10"}


def test_a_migration_and_its_number_are_one_transaction() -> None:
    conn, said = sqlite3.connect(":memory:", isolation_level=None), list[str]()
    conn.set_trace_callback(said.append)
    migrate(conn, [["CREATE TABLE t (a)"], ["DROP TABLE t"]])
    conn.close()
    assert said == [
        *["PRAGMA user_version", "BEGIN IMMEDIATE", "CREATE TABLE t (a)", "PRAGMA user_version = 1", "COMMIT"],
        *["BEGIN IMMEDIATE", "DROP TABLE t", "PRAGMA user_version = 2", "COMMIT"],
    ]


def test_a_migration_that_fails_changes_nothing_and_can_be_tried_again(path: Path) -> None:
    with opened(path, migrations=FIRST) as (store, _):
        store.commit(batch(1, 2, gn="1"))
    broken = (*FIRST, (PLANTED[1][1], "nonsense"))
    store = store_at(path, migrations=broken)
    with pytest.raises(StoreError, match="syntax error"):
        store.open()
    with opened(path, migrations=FIRST) as (_, found):
        assert (found.memory, found.held, found.fresh) == ({"gn": "1"}, Extent(1, 2), False)


def test_a_file_of_a_newer_version_is_set_aside_whole(path: Path) -> None:
    with opened(path, migrations=PLANTED) as (store, _):
        store.commit(batch(1, 2, gn="1"))
    with opened(path) as (_, found):
        kept = path.with_name("wagman.db.newer-20260601T120000Z")
        assert found.fresh
        assert [each.path for each in found.set_aside] == [kept]
        assert "schema version 2" in found.set_aside[0].reason
    with opened(kept, migrations=PLANTED) as (store, found):
        assert (found.held, found.memory) == (Extent(1, 2), {"gn": "1"})


def test_a_database_of_another_program_is_set_aside(path: Path) -> None:
    raw(path, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")
    with opened(path) as (_, found):
        assert found.fresh
        assert [each.reason for each in found.set_aside] == ["it is a database of another program"]


# --- Damage -----------------------------------------------------------------------------------------------------------


def filled(path: Path, events: Any = 100) -> None:
    with opened(path) as (store, _):
        store.commit(batch(1, events, '{"x":"' + "y" * 400 + '"}'))


def damage_body(path: Path) -> None:
    """Damage the pages past the first ones, which are all that opening alone would read."""
    data = bytearray(path.read_bytes())
    data[4 * 4096 : 6 * 4096] = b"\xa5" * 2 * 4096
    path.write_bytes(data)


def damage_leaf(path: Path) -> None:
    """Damage what neither opening nor reading the newest events comes across."""
    data = bytearray(path.read_bytes())
    data[10 * 4096 : 11 * 4096] = b"\xa5" * 4096
    path.write_bytes(data)


def damage_freelist(path: Path) -> None:
    """A wrong count of free pages: nothing trips over it until those pages are needed."""
    data = bytearray(path.read_bytes())
    data[36:40] = (5).to_bytes(4, "big")
    path.write_bytes(data)


def damage_header(path: Path) -> None:
    path.write_bytes(b"not a database" + path.read_bytes()[14:])


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 3 * 4096])


def damage_name(path: Path) -> None:
    """The name of a table is no text any more, and so SQLite's own message about that table is none either."""
    data = path.read_bytes().replace(b"tablemeta", b"tablem\xe5ta").replace(b"CREATE TABLE meta", b"CREATE\xe5TABLE meta")
    path.write_bytes(data)


def damage_column(path: Path) -> None:
    """A column by another name passes SQLite's own check, and then nothing can be written."""
    path.write_bytes(path.read_bytes().replace(b"time TEXT NOT NULL", b"timd TEXT NOT NULL"))


def flip(offset: int, bit: int) -> Callable[[Path], None]:
    """One bit of the header, of which SQLite says other things than that the file is damaged."""

    def harm(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[offset] ^= 1 << bit
        path.write_bytes(data)

    harm.__name__ = f"flip_byte_{offset}"
    return harm


FLIPS = [flip(18, 6), flip(47, 3), flip(60, 7)]
HARM = [damage_body, damage_leaf, damage_freelist, damage_header, damage_name, damage_column, cut_short, *FLIPS]


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_file_is_set_aside_whole_and_another_log_begins(path: Path, harm: Callable[[Path], None]) -> None:
    filled(path)
    harm(path)
    was = path.read_bytes()
    with opened(path, new_log_id=lambda: "second") as (store, found):
        assert (found.log_id, found.fresh, found.held) == ("second", True, Extent())
        [aside] = found.set_aside
        assert aside.path == path.with_name(f"wagman.db.{LATER}")
        assert aside.path.read_bytes() == was
        assert store.commit(batch(1, 1)) == Extent(1, 1)


def test_what_was_set_aside_is_reported_once(path: Path) -> None:
    filled(path)
    damage_header(path)
    with opened(path) as (store, found):
        assert len(found.set_aside) == 1
        store.close()
        assert store.open().set_aside == ()


def test_what_is_set_aside_never_takes_the_place_of_what_was(path: Path) -> None:
    for _ in range(3):
        filled(path)
        damage_header(path)
    with opened(path):
        names = {file.name for file in path.parent.iterdir()}
    assert {f"wagman.db.{LATER}", f"wagman.db.{LATER}.2", f"wagman.db.{LATER}.3"} <= names


def test_the_write_ahead_log_goes_with_its_database(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        with_suffix(path, suffix).write_text(f"the file{suffix}")
    target = set_aside(path, "damaged", NOON)
    assert {file.name: file.read_text() for file in path.parent.iterdir()} == {
        target.name: "the file",
        f"{target.name}-wal": "the file-wal",
        f"{target.name}-shm": "the file-shm",
    }


@pytest.mark.parametrize("database", [None, b""])
def test_a_write_ahead_log_without_its_database_is_set_aside_and_not_deleted(path: Path, database: bytes | None) -> None:
    path.with_name("wagman.db-wal").write_bytes(b"frames")
    if database is not None:
        path.write_bytes(database)
    with opened(path) as (_, found):
        [aside] = found.set_aside
        assert found.fresh
    assert aside.path.with_name(aside.path.name + "-wal").read_bytes() == b"frames"


def test_damage_found_while_running_closes_the_file_and_the_next_opening_replaces_it(path: Path) -> None:
    filled(path, 10_000)  # more than is cached
    with opened(path, new_log_id=lambda: "second") as (store, _):
        damage_body(path)
        with pytest.raises(StoreError, match="malformed"):
            everything(store)
        assert not store.is_open
        found = store.open()
        assert (found.log_id, found.fresh, len(found.set_aside)) == ("second", True, 1)


def test_an_empty_file_is_begun_in(path: Path) -> None:
    path.touch()
    with opened(path) as (store, found):
        assert (found.fresh, found.set_aside) == (True, ())
        assert store.commit(batch(1, 1)) == Extent(1, 1)


def test_a_sector_that_cannot_be_read_is_damage_at_the_third_try(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path)
    store = store_at(path, new_log_id=lambda: "second")

    def unreadable(_conn: object) -> Never:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("wagman.store.sqlite.version_of", unreadable)
        for _ in range(2):
            with pytest.raises(StoreError, match="disk I/O error"):
                store.open()
        assert path.exists()
        with pytest.raises(StoreError, match="disk I/O error"):
            store.open()
    found = store.open()
    store.close()
    assert found.fresh
    assert SetAside(path.with_name(f"wagman.db.{LATER}"), "disk I/O error") in found.set_aside


# --- Changed under the running service --------------------------------------------------------------------------------


def test_a_file_removed_under_the_running_service_is_noticed_before_the_next_commit(path: Path) -> None:
    with opened(path, new_log_id=lambda: "second") as (store, _):
        path.unlink()
        with pytest.raises(StoreError, match="was deleted or replaced"):
            store.commit(batch(1, 1))
        assert store.open().fresh


def test_a_file_removed_under_the_running_service_is_noticed_by_a_look_where_nothing_is_written(path: Path) -> None:
    with opened(path, new_log_id=lambda: "second") as (store, _):
        store.look()
        path.unlink()
        with pytest.raises(StoreError, match="was deleted or replaced"):
            store.look()
        assert store.open().fresh


def test_a_directory_that_cannot_be_made_anew_is_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "lib" / "state" / "wagman.db"
    path.parent.mkdir(parents=True)
    with opened(path) as (store, _):
        shutil.rmtree(tmp_path / "lib")
        with pytest.raises(StoreError, match="was deleted or replaced"):
            store.look()
        with pytest.raises(StoreError, match="its directory is gone, and cannot be made anew"):
            store.open()
        path.parent.mkdir(parents=True)
        assert store.open().fresh


def test_a_file_replaced_under_the_running_service_is_noticed_before_the_next_commit(path: Path) -> None:
    with opened(path) as (store, _):
        copy = path.with_name("copy")
        copy.write_bytes(path.read_bytes())
        copy.rename(path)
        with pytest.raises(StoreError, match="was deleted or replaced"):
            store.commit(batch(1, 1))


def test_an_older_copy_of_the_log_that_was_open_is_set_aside_for_its_ids_would_be_used_again(path: Path) -> None:
    with opened(path) as (store, _):
        store.commit(batch(1, 3))
        store.close()
        older = path.read_bytes()
        store.open()
        store.commit(batch(4, 5))
        store.close()
        path.write_bytes(older)
        found = store.open()
        assert (found.log_id, found.fresh) == ("log-2", True)
        assert "ends at event 3, and had 5" in found.set_aside[0].reason


def test_a_severed_store_writes_nothing_ever_again(path: Path) -> None:
    with opened(path) as (store, _):
        store.commit(batch(1, 1))
        store.sever()
        with pytest.raises(StoreError):
            store.commit(batch(2, 2))
        with pytest.raises(StoreError, match="severed"):
            store.open()
        with opened(path) as (other, _):
            assert everything(other) == [record(1)]
