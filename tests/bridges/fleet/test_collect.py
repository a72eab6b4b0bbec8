"""What the collector makes of what comes: also of what no node of ours would send."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridges.fleet.kit import event
from wagman.bridges.fleet.archive import Database, Lines
from wagman.bridges.fleet.collect import Intake
from wagman.bridges.fleet.payloads import packed
from wagman.bridges.fleet.shelf import Span

NOW = "2026-01-31T12:00:00Z"


def events(*ids: int, log: str | None = "a", **more: Any) -> bytes:
    return packed(
        {"v": 1, "log": log, "first": ids[0], "last": ids[-1], "events": [event(each if log else None) for each in ids], **more},
        deflate=True,
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


VALUES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
EVENT = st.fixed_dictionaries(
    dict.fromkeys(("id", "time", "type", "device"), VALUES), optional={"fields": VALUES | st.dictionaries(st.text(), VALUES)}
)
KEYS = ("log", "first", "last", "gap", "past", "replaces", "after", "online", "session", "since", "devices", "problems")
MESSAGES = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=8)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(("events", "status", "online", "other")), MESSAGES, st.lists(EVENT, max_size=2)), max_size=4
    )
)
def test_no_message_ends_the_collector(tmp_path_factory: pytest.TempPathFactory, messages: list[tuple[str, Any, Any]]) -> None:
    with closing(Database(tmp_path_factory.mktemp("db") / "db")) as database:
        intake = Intake(database, lambda _: None)
        for kind, message, happened in messages:
            intake.take("v1", kind, json.dumps({**message, "events": happened}).encode(), NOW)
        intake.commit()
        list(intake.wanted(0.0))
