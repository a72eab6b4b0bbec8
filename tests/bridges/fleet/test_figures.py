"""The figures of all nodes: from a collector's database, under the names that dashboards know."""

import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.bridges.fleet.kit import event
from tests.bridges.metrics.kit import samples
from wagman.bridges.fleet.archive import Database
from wagman.bridges.fleet.collect import Intake
from wagman.bridges.fleet.figures import FAMILIES, STATES, Tally, text_of
from wagman.bridges.fleet.payloads import absent, packed
from wagman.bridges.fleet.shelf import Span
from wagman.bridges.fleet.tallying import Books, tallies
from wagman.bridges.metrics.catalogue import GUEST_STATES
from wagman.cli import main

NOW_S = 1_800_000_000.0
STATUS = {
    **absent(("log-1", 1, 20), "2027-01-15T08:00:00Z"),
    "service": "up",
    "devices": {"gn": {"state": "started"}, "cs": {"state": "started"}, "nx": {"state": "dancing"}, "odd": {"state": ["?"]}},
    "problems": [{"severity": "critical"}, {"severity": "critical"}, {"severity": {}}],
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "db")) as found:
        yield found


def tell(database: Database, node: str, kind: str, **message: Any) -> None:
    intake = Intake(database, print)
    intake.take(node, kind, packed(message, deflate=True), "2027-01-15T07:59:00Z")
    intake.commit()


def events(database: Database, node: str, first: int, last: int, log: str = "log-1", **more: Any) -> None:
    batch = [event(number) for number in range(first, last + 1)]
    tell(database, node, "events", v=1, log=log, first=first, last=last, events=batch, **more)


def figures(database: Database) -> dict[str, float]:
    found = samples(text_of(tallies(database), NOW_S))
    return {
        name.replace("wagman_fleet_", "").replace('node="v042"', "").replace("{}", ""): value for name, value in found.items()
    }


def test_what_is_missing_is_told_from_what_is_lost(database: Database) -> None:
    events(database, "v042", 1, 5)
    events(database, "v042", 11, 12)
    tell(database, "v042", "status", **STATUS)
    found = figures(database)
    assert (found["node_missing_events"], found["node_lost_events_total"]) == (5 + 8, 0)
    database.gap("v042", "log-1", Span(4, 8))  # two of these had come before
    database.gap("v042", "log-1", Span(7, 9))
    database.commit()
    found = figures(database)
    assert (found["node_missing_events"], found["node_lost_events_total"]) == (1 + 8, 4)
    assert found["node_log_events_total"] == 20


def test_a_log_that_was_replaced_counts_up_to_where_it_was_told_of(database: Database) -> None:
    events(database, "v042", 1, 3)
    events(database, "v042", 1, 2, "log-2", replaces="log-1", after=7)
    tell(database, "v042", "status", **{**STATUS, "log": "log-2", "last": 2})
    found = figures(database)
    assert (found["node_missing_events"], found["node_log_events_total"]) == (4, 2)


def test_problems_are_by_severity_and_guests_by_state_and_what_a_node_makes_up_is_other(database: Database) -> None:
    tell(database, "v042", "status", **STATUS)
    found = figures(database)
    assert [found[f'node_problems{{,severity="{each}"}}'] for each in ("critical", "warning", "notice", "other")] == [2, 0, 0, 1]
    assert {each: found[f'node_guests{{,state="{each}"}}'] for each in (*GUEST_STATES, "other")} == {
        **dict.fromkeys(GUEST_STATES, 0),
        "started": 2,
        "other": 2,
    }
    assert found["node_service_up"] == 1


@pytest.mark.parametrize(
    ("is_online", "heard_s", "expected"),
    [
        (True, NOW_S - 60, "online"),
        (True, NOW_S - 4 * 3600, "unknown"),
        (True, None, "unknown"),
        (False, NOW_S - 4 * 3600, "offline"),
        (None, NOW_S, "unknown"),
    ],
)
def test_a_node_is_there_or_not_or_nobody_knows(is_online: bool | None, heard_s: float | None, expected: str) -> None:
    found = samples(text_of([Tally("a", heard_s, is_online, None, 0, 0, None)], NOW_S))
    states = {each: found[f'wagman_fleet_node_state{{node="a",state="{each}"}}'] for each in STATES}
    assert states == {each: float(each == expected) for each in STATES}


def test_times_are_moments_and_what_is_not_known_has_no_sample(database: Database) -> None:
    tell(database, "v042", "online", online=True, session="a", since="b")
    found = figures(database)
    assert found["node_last_heard_timestamp_seconds"] == NOW_S - 60
    assert found["up"] == 1
    assert not [name for name in found if name.startswith(("node_problems", "node_guests", "node_service", "node_log"))]


def test_names_are_as_prometheus_would_have_them(database: Database) -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    for family in FAMILIES:
        assert re.fullmatch(r"wagman_fleet_node_[a-z_]+", family.name)
        assert family.name.endswith("_total") == (family.kind == "counter")
        assert family.text.endswith(".")
    tell(database, "v042", "status", **STATUS)
    assert len(samples(text_of(tallies(database), NOW_S))) <= 1 + 20, "series for a node"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="takes promtool, which is in Debian's package prometheus")
def test_promtool_has_nothing_to_say_about_them(database: Database) -> None:
    tell(database, 'a "node"\n\\', "status", **STATUS)
    tell(database, "v042", "online", online=True, session="a", since="b")
    for shown in (text_of(tallies(database), NOW_S), text_of(None, NOW_S)):
        done = subprocess.run(["promtool", "check", "metrics"], input=shown, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_it_prints_them_once_or_says_why_it_cannot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["fleet", "metrics", "--sqlite", str(tmp_path / "db")]
    assert main(command) == 2
    assert "there is no database" in capsys.readouterr().err
    Database(tmp_path / "db").close()
    assert main(command) == 0
    assert samples(capsys.readouterr().out) == {"wagman_fleet_up": 1}
    (tmp_path / "db").write_text("no database at all, and long enough to be none")
    assert main(command) == 1
    assert "db: file is not a database" in capsys.readouterr().err
    assert main([*command[:-1], str(tmp_path / ("a" * 300))]) == 1
    assert "File name too long" in capsys.readouterr().err
    assert main([*command, "--textfile", str(tmp_path / "none" / "x.prom")]) == 1
    assert f"wagman fleet metrics: {tmp_path}/none/x.prom: No such file" in capsys.readouterr().err


def test_a_database_that_is_gone_is_one_figure_and_said_once(tmp_path: Path) -> None:
    said = list[str]()
    books = Books(tmp_path / "db", said.append)
    assert [samples(trio.run(books.text)) for _ in range(2)] == [{"wagman_fleet_up": 0}] * 2
    Database(tmp_path / "db").close()
    assert samples(trio.run(books.text)) == {"wagman_fleet_up": 1}
    assert len(said) == 2
    assert said[1].endswith("can be read again")


def test_it_reads_while_a_collector_writes(database: Database, tmp_path: Path) -> None:
    events(database, "v042", 1, 3)
    with closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as writing:
        writing.execute("BEGIN IMMEDIATE")
        writing.execute("DELETE FROM events")
        text = trio.run(Books(tmp_path / "db", print).told)
    assert samples(text)['wagman_fleet_node_missing_events{node="v042"}'] == 0
