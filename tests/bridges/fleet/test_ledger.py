"""What outlives the bridge."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wagman.bridges.fleet.ledger import KEPT_S, Ledger
from wagman.client.following import Place

ORDER = "0123456789abcdef"


def test_a_new_one_knows_nothing(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "ledger", 100.0)) as ledger:
        assert (ledger.place, ledger.begun_s, ledger.seen("alice", ORDER)) == (Place(None, 0), 100.0, False)


def test_it_knows_all_again(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "ledger", 100.0)) as ledger:
        ledger.place = Place("a", 17)
        assert ledger.enter("alice", ORDER, 100.0)
    with closing(Ledger(tmp_path / "ledger", 200.0)) as ledger:
        assert (ledger.place, ledger.begun_s) == (Place("a", 17), 100.0)
        assert not ledger.enter("alice", ORDER, 200.0)
        assert ledger.enter("bob", ORDER, 200.0), "an id of alice's keeps nobody else's order away"
        assert ledger.answer("alice", ORDER) is None
        ledger.answered("alice", {"v": 1, "id": ORDER, "outcome": "accepted", "reason": "stopping"})
        answer = ledger.answer("alice", ORDER)
        assert answer is not None
        assert answer["reason"] == "stopping"


def test_it_forgets_orders_after_a_week(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "ledger", 0.0)) as ledger:
        ledger.enter("alice", ORDER, 0.0)
    with closing(Ledger(tmp_path / "ledger", KEPT_S + 1)) as ledger:
        assert not ledger.seen("alice", ORDER)


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=5_000))
def test_a_damaged_one_is_set_aside(tmp_path_factory: pytest.TempPathFactory, garbage: bytes) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger"
    path.write_bytes(b"not a database, " + garbage)
    with closing(Ledger(path, 5.0)) as ledger:
        assert (ledger.place, ledger.begun_s) == (Place(None, 0), 5.0)
    assert path.with_name("ledger.damaged").exists()


@pytest.mark.parametrize("before", ["no database", "CREATE VIEW orders AS SELECT 1"])
def test_what_was_set_aside_is_kept_when_the_next_one_is_damaged_as_well(tmp_path: Path, before: str) -> None:
    path = tmp_path / "ledger"
    for which in ("first", "second", "third"):
        path.unlink(missing_ok=True)
        if before == "no database":
            path.write_text(f"{before}: {which}")
        else:
            with closing(sqlite3.connect(path)) as file:
                file.execute(f"{before}, '{which}'")
        Ledger(path, 5.0).close()
    for name, which in (("ledger.damaged", "first"), ("ledger.damaged.2", "second"), ("ledger.damaged.3", "third")):
        assert which.encode() in (tmp_path / name).read_bytes()


def test_a_sound_one_that_cannot_be_opened_now_stays_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with closing(Ledger(path, 5.0)) as ledger:
        ledger.place = Place("a", 17)
    (tmp_path / "ledger-wal").mkdir()  # as a disk without room, it has no place for what is written
    with pytest.raises(sqlite3.OperationalError):
        Ledger(path, 5.0)
    (tmp_path / "ledger-wal").rmdir()
    with closing(Ledger(path, 5.0)) as ledger:
        assert ledger.place == Place("a", 17)
