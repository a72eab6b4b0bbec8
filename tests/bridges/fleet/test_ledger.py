"""What outlives the bridge."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from wagman.bridges.fleet import ledger as ledgers
from wagman.bridges.fleet.bridge import Bridge
from wagman.bridges.fleet.config import BrokerTable, FleetConfig, Node, OrdersTable, Service
from wagman.bridges.fleet.ledger import KEPT, Ledger
from wagman.client.following import Place

ORDER = "0123456789abcdef"
NOW_S = 1_800_000_000.0


def test_a_new_one_knows_nothing(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "ledger", 100.0)) as ledger:
        assert (ledger.place, ledger.is_settled, ledger.seen("alice", ORDER)) == (Place(None, 0), False, False)


def test_it_knows_all_again(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "ledger", 100.0)) as ledger:
        ledger.place = Place("a", 17)
        ledger.settle()
        assert ledger.enter("alice", ORDER, 100.0, "stop gn")
    with closing(Ledger(tmp_path / "ledger", 200.0)) as ledger:
        assert (ledger.place, ledger.is_settled) == (Place("a", 17), True)
        assert not ledger.enter("alice", ORDER, 200.0, "stop gn")
        assert ledger.enter("bob", ORDER, 200.0, "stop gn"), "an id of alice's keeps nobody else's order away"
        assert ledger.answer("alice", ORDER) is None
        ledger.answered("alice", {"v": 1, "id": ORDER, "outcome": "accepted", "reason": "stopping"})
        answer = ledger.answer("alice", ORDER)
        assert answer is not None
        assert answer["reason"] == "stopping"


def test_it_remembers_the_last_orders_whatever_the_clock_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "SCHEMA", ledgers.SCHEMA.replace(str(KEPT), "3"))
    for number, now_s in enumerate((NOW_S, 0.0, NOW_S + 8 * 86_400.0, NOW_S, 0.0)):
        with closing(Ledger(tmp_path / "ledger", now_s)) as ledger:
            assert ledger.enter("alice", f"{number:032x}", now_s, "stop gn")
            assert not ledger.enter("alice", f"{number:032x}", now_s, "start gn")
            assert ledger.meant("alice", f"{number:032x}") == "stop gn"
    with closing(Ledger(tmp_path / "ledger", 2 * NOW_S)) as ledger:
        assert [ledger.seen("alice", f"{number:032x}") for number in range(5)] == [False, False, True, True, True]
        assert [ledger.meant("alice", f"{number:032x}") is None for number in range(5)] == [True, True, False, False, False]


def test_of_an_order_that_an_older_release_saw_nobody_knows_what_it_meant(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger")) as file:
        file.execute("CREATE TABLE orders (who TEXT, id TEXT, at_s REAL NOT NULL, answer TEXT, PRIMARY KEY (who, id)) STRICT")
        file.execute("INSERT INTO orders VALUES ('alice', ?, 100.0, NULL)", (ORDER,))
        file.commit()
    with closing(Ledger(tmp_path / "ledger", NOW_S)) as ledger:
        assert ledger.seen("alice", ORDER)
        assert ledger.meant("alice", ORDER) is None


@pytest.mark.parametrize(("began_s", "is_settled"), [(NOW_S - 301.0, True), (NOW_S - 299.0, False), (10 * NOW_S, False)])
def test_one_of_version_0_2_says_when_it_was_new_by_the_wall_clock(tmp_path: Path, began_s: float, is_settled: bool) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger")) as file:
        file.execute("CREATE TABLE begun (at_s REAL NOT NULL)")
        file.execute("INSERT INTO begun VALUES (?)", (began_s,))
        file.commit()
    with closing(Ledger(tmp_path / "ledger", NOW_S)) as ledger:
        assert ledger.is_settled is is_settled


def test_a_new_one_has_settled_once_a_bridge_ran_with_it_for_as_long_as_a_deadline_can_be_away(tmp_path: Path) -> None:
    orders = OrdersTable(("alice",), ("stop",))
    config = FleetConfig(BrokerTable("127.0.0.1", 9, tls=False), Node("v042"), service=Service("socket", "."), orders=orders)

    def ran_for(seconds: float) -> bool:
        with closing(Ledger(tmp_path / "ledger", NOW_S)) as ledger:
            bridge = Bridge(config, ledger, str, lambda: NOW_S, lambda pause_s: pause_s, lambda _: None)

            async def main() -> None:
                with trio.move_on_after(seconds):
                    await bridge.run()

            trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0.01))
            assert bridge._gate is not None
            assert bridge._gate.is_settled is ledger.is_settled
            return ledger.is_settled

    assert [ran_for(299.0), ran_for(299.0), ran_for(301.0), ran_for(1.0)] == [False, False, True, True]


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=5_000))
def test_a_damaged_one_is_set_aside(tmp_path_factory: pytest.TempPathFactory, garbage: bytes) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger"
    path.write_bytes(b"not a database, " + garbage)
    with closing(Ledger(path, 5.0)) as ledger:
        assert (ledger.place, ledger.is_settled) == (Place(None, 0), False)
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
