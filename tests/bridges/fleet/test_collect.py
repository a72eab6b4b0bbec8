"""What the collector makes of what comes: also of what no node of ours would send."""

import json
import sqlite3
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridges.fleet.kit import event
from wagman.bridges.fleet.archive import Database, Lines
from wagman.bridges.fleet.collect import Collector, Intake
from wagman.bridges.fleet.config import BrokerTable, FleetConfig, Operator
from wagman.bridges.fleet.figures import text_of
from wagman.bridges.fleet.link import Message
from wagman.bridges.fleet.payloads import absent, packed
from wagman.bridges.fleet.shelf import Span, Wanted
from wagman.bridges.fleet.table import kept, rows
from wagman.bridges.fleet.tallying import tallies

NOW = "2026-01-31T12:00:00Z"


def events(*ids: int, log: str | None = "a", **more: Any) -> bytes:
    return packed(
        {"v": 1, "log": log, "first": ids[0], "last": ids[-1], "events": [event(each if log else None) for each in ids], **more},
        deflate=True,
    )


def large(number: int) -> bytes:
    return packed(
        {"v": 1, "log": "a", "first": number, "last": number, "events": [event(number, why="x" * 20_000)]}, deflate=True
    )


def online(session: str, since: str, *, is_so: bool = True) -> bytes:
    return packed({"online": is_so, "session": session, "since": since}, deflate=False)


def test_a_collector_that_is_started_anew_knows_what_it_has_and_asks_for_the_rest(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "db")) as database:
        intake = Intake(database, print)
        intake.take("v1", "events", events(1, 2), NOW)
        intake.take("v1", "events", events(5, 6, gap=[3, 4]), NOW)
        intake.take("v1", "events", events(9), NOW)
        intake.commit()
    with closing(Database(tmp_path / "db")) as database:
        intake = Intake(database, print)
        intake.take("v1", "online", online("s", NOW), None)
        assert list(intake.wanted(0.0)) == []
        assert [each.span for each in intake.wanted(2.0)] == [Span(7, 8)]
        intake.take("v1", "events", events(7, 8, again=True), NOW)
        intake.take("v1", "events", events(1, 2), NOW)
        intake.commit()
        assert list(intake.wanted(1_000.0)) == []
    with closing(sqlite3.connect(tmp_path / "db")) as database:
        found = database.execute("SELECT id FROM events ORDER BY id").fetchall()
        assert [number for (number,) in found] == [1, 2, 5, 6, 7, 8, 9]


def test_a_collector_that_is_started_anew_asks_for_what_is_missing_of_a_log_that_was_replaced(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "db")) as database:
        intake = Intake(database, print)
        intake.take("v1", "events", events(1, log="b"), NOW)
        intake.take("v1", "events", events(1, 2, 3, log="c", replaces="b", after=4), NOW)
        intake.take("v2", "events", events(1, log="b", replaces="a", after=2), NOW)
        intake.commit()
    with closing(Database(tmp_path / "db")) as database:
        intake = Intake(database, print)
        for node in ("v1", "v2"):
            intake.take(node, "online", online("s", NOW), None)
        assert list(intake.wanted(0.0)) == []
        assert [*intake.wanted(2.0)] == [Wanted("v1", "b", Span(2, 4)), Wanted("v2", "a", Span(1, 2))]


def test_nobody_is_asked_who_is_not_there(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "db")) as database:
        intake = Intake(database, print)
        intake.take("v1", "events", events(9), NOW)
        intake.take("v1", "online", online("s", NOW, is_so=False), None)
        list(intake.wanted(0.0))
        assert list(intake.wanted(10.0)) == []


def test_the_will_of_a_connection_that_was_replaced_is_not_believed(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "db")) as database:
        intake = Intake(database, print)
        intake.take("v1", "online", online("new", "2026-01-31T12:00:05Z"), NOW)
        intake.take("v1", "online", online("old", "2026-01-31T12:00:00Z", is_so=False), NOW)
        assert intake.online["v1"]["online"]
        intake.take("v1", "online", online("new", "2026-01-31T12:00:05Z", is_so=False), NOW)
        assert not intake.online["v1"]["online"]


def test_a_node_whose_clock_is_behind_is_there_once_it_is_back(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "db")) as database:
        intake = Intake(database, print)
        intake.take("v1", "online", online("before", "2026-01-31T12:00:00Z"), NOW)
        intake.take("v1", "online", online("before", "2026-01-31T12:00:00Z", is_so=False), NOW)
        intake.take("v1", "online", online("after", "2026-01-31T11:30:00Z"), NOW)
        assert intake.online["v1"]["online"]
        intake.take("v1", "online", online("before", "2026-01-31T12:00:00Z", is_so=False), NOW)
        assert intake.online["v1"]["online"], "a will is late whatever its clock says"


def test_a_session_that_came_and_ended_while_nobody_listened_has_ended(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "db")) as database:
        intake = Intake(database, print)
        intake.take("v1", "online", online("one", "2026-01-31T12:00:00Z"), NOW)
        intake.take("v1", "online", online("two", "2026-01-31T12:30:00Z", is_so=False), None)
        assert not intake.online["v1"]["online"]


def test_events_without_ids_are_waited_for(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "db")) as database:
        intake = Intake(database, print)
        intake.take("v1", "events", events(1, log=None), NOW)
        intake.commit()
        assert database.last([], 9) == []


def test_lines_begin_with_what_happens_from_now_on_and_each_is_there_once(capsys: pytest.CaptureFixture[str]) -> None:
    intake = Intake(Lines(), print)
    for _ in range(2):
        intake.take("v1", "events", events(8, 9), NOW)
    intake.take("v1", "online", online("s", NOW), None)
    intake.take("v1", "events", events(12, gap=[10, 11], replaces="before", after=7), NOW)
    intake.commit()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"]["id"] for line in lines if "event" in line] == [8, 9, 12]
    assert [line["gap"] for line in lines if "gap" in line] == [[10, 11]]
    assert [line["after"] for line in lines if "after" in line] == [7]
    assert not list(intake.wanted(0.0))
    assert not list(intake.wanted(9.0))


class Node:
    """A node and its broker, which sends again what was not acknowledged, on each new connection."""

    address = "broker:1883"

    def __init__(self, *payloads: bytes) -> None:
        self.left = {number: Message("wagman/1/v1/events", payload, False, number) for number, payload in enumerate(payloads, 1)}
        self.news = deque[Message]()
        self.connections = 0

    @asynccontextmanager
    async def connected(self, *_: object, **__: object) -> AsyncIterator["Node"]:
        self.connections += 1
        self.news = deque(self.left.values())
        async with trio.open_nursery():  # as the connection has, which makes each error a group
            yield self

    @property
    def has_news(self) -> bool:
        return bool(self.news)

    async def receive(self) -> Message:
        if not self.news:
            await trio.sleep_forever()
        return self.news.popleft()

    def acknowledge(self, message: Message) -> None:
        self.left.pop(message.number, None)

    def subscribe(self, _: object) -> None: ...


def test_a_collector_whose_disk_is_full_says_so_once_and_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, said = Node(*(large(number) for number in range(1, 9))), list[str]()
    monkeypatch.setattr("wagman.bridges.fleet.collect.connected", node.connected)

    async def main(database: Database) -> None:
        config = FleetConfig(BrokerTable("127.0.0.1", tls=False), operator=Operator("collector"))
        collector = Collector(config, Intake(database, said.append), "collector", lambda: NOW, lambda pause_s: pause_s, str)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(collector.run)
            await trio.sleep(100.0)
            assert (len(node.left), node.connections) == (8, 1)
            database._file.execute("PRAGMA max_page_count = 1000000")
            await trio.sleep(100.0)
            assert (len(node.left), node.connections) == (0, 2)
            collector.is_ending.set()

    with closing(Database(tmp_path / "db")) as database:
        (pages,) = database._file.execute("PRAGMA page_count").fetchone()
        database._file.execute(f"PRAGMA max_page_count = {pages}")
        trio.run(main, database, clock=trio.testing.MockClock(autojump_threshold=0))
        assert [found.event["id"] for found in database.last([], 99)] == [*range(1, 9)]
    connected = "connected to broker:1883"
    full = "nothing can be saved: database or disk is full; trying again"
    assert said == [connected, full, "what comes can be saved again", connected]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=3),
    lambda more: st.lists(more, max_size=2) | st.dictionaries(st.text(max_size=3), more, max_size=2),
    max_leaves=3,
)
EVENT = {**event(2), "durable": True, "clock": "unset"}
RIGHT: dict[str, dict[str, Any]] = {
    "events": {
        "v": 1,
        "log": "a",
        "first": 1,
        "last": 9,
        "events": [EVENT, ["t", None, 1, 5, {}, 3]],
        "gap": [4, 5],
        "again": True,
        "replaces": "b",
        "after": 7,
        "past": [6, 8],
    },
    "status": {**absent(("a", 1, 9), NOW), "past": [6, 8], "devices": {"gn": {"state": "started"}}, "problems": [{"id": "x"}]},
    "online": {"online": True, "session": "s", "since": NOW},
}


@st.composite
def wrong(draw: st.DrawFn) -> tuple[str, bytes]:
    """A message of a node of ours, in which a thing or two are anything."""
    kind = draw(st.sampled_from([*RIGHT]))
    message = {**RIGHT[kind], **draw(st.dictionaries(st.sampled_from([*RIGHT[kind]]), ANYTHING, max_size=2))}
    if kind == "events" and draw(st.booleans()):
        message["events"] = [{**EVENT, **draw(st.dictionaries(st.sampled_from([*EVENT]), ANYTHING, max_size=2))}]
    for key in draw(st.sets(st.sampled_from([*message]), max_size=1)):
        del message[key]
    return kind, json.dumps(message).encode()


@settings(max_examples=200, deadline=None)
@given(st.lists(wrong(), max_size=4))
def test_whatever_a_node_sends_the_collector_goes_on_and_so_does_the_next_one(
    tmp_path_factory: pytest.TempPathFactory, messages: list[tuple[str, bytes]]
) -> None:
    path = tmp_path_factory.mktemp("db") / "db"
    with closing(Database(path)) as database:
        intake = Intake(database, lambda _: None)
        for kind, payload in messages:
            intake.take("v1", kind, payload, NOW)
            list(intake.wanted(0.0))
        intake.take("v2", "events", events(1), NOW)
        intake.commit()
    with closing(Database(path)) as database:
        intake = Intake(database, lambda _: None)
        list(intake.wanted(0.0))
        assert [found.event["id"] for found in database.last(["v2"], 9)] == [1]
        text_of(tallies(database), 0.0)
        json.dumps(kept(path), allow_nan=False)
        rows(kept(path), [], datetime.now(UTC))


@settings(max_examples=100)
@given(st.lists(wrong(), max_size=3))
def test_the_lines_of_json_are_json_whatever_a_node_sends(messages: list[tuple[str, bytes]]) -> None:
    with redirect_stdout(StringIO()) as out:
        intake = Intake(Lines(), lambda _: None)
        for kind, payload in messages:
            intake.take("v1", kind, payload, NOW)
    for line in out.getvalue().splitlines():
        json.dumps(json.loads(line), allow_nan=False)


@pytest.mark.parametrize(
    "more",
    [{"after": "x"}, {"after": 1.5}, {"after": 2**70}, {"replaces": []}, {"replaces": 5}, {"replaces": None}, {"again": "no"}],
    ids=str,
)
def test_what_a_node_says_of_the_log_before_is_of_its_shape_or_nothing_is_believed(tmp_path: Path, more: dict[str, Any]) -> None:
    said = list[str]()
    with closing(Database(tmp_path / "db")) as database:
        intake = Intake(database, said.append)
        intake.take("v1", "events", events(1, **{"replaces": "b", "after": 1, **more}), NOW)
        intake.take("v2", "events", events(1), NOW)
        intake.commit()
        assert [found.node for found in database.last([], 9)] == ["v2"]
    assert said == ["v1/events: not the shape of events"]
