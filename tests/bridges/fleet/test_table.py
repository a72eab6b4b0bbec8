"""A row for each node, the worst first."""

import errno
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wagman.bridges.fleet.table import LATE_S, MOST_NAMED, Rank, existing, row, rows, stranger, totals
from wagman.cli.outcome import CommandError

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat()


def online(*, is_so: bool = True) -> dict[str, Any]:
    return {"online": is_so, "session": "s", "since": ago(60)}


def status(**more: Any) -> dict[str, Any]:
    devices = {
        "gn": {"state": "started", "wanted": "up"},
        "ep": {"state": "stopped", "wanted": "up"},
        "x": {"state": "stopped", "wanted": "down"},
    }
    return {"at": ago(30), "service": "up", "devices": devices, "problems": [], **more}


@pytest.mark.parametrize(
    ("messages", "rank", "note"),
    [
        ((online(), status()), Rank.WELL, ""),
        ((online(is_so=False), status()), Rank.OFFLINE, "last status 30s ago"),
        ((None, status()), Rank.OFFLINE, "last status"),
        ((None, None), Rank.OFFLINE, "no status yet"),
        ((online(), None), Rank.WARNING, "no status yet"),
        ((online(), status(service="away")), Rank.CRITICAL, "the service is away"),
        ((online(), status(problems=[{"severity": "critical", "text": "gn is down"}])), Rank.CRITICAL, "gn is down"),
        ((online(), status(problems=[{"severity": "warning", "text": "hot"}])), Rank.WARNING, "hot"),
        (
            (online(), status(problems=[{"severity": "notice", "text": "gn is in maintenance"}])),
            Rank.WELL,
            "gn is in maintenance",
        ),
        ((online(), status(problems=[{"severity": "notice"}, {"severity": "grave", "text": "x"}])), Rank.WARNING, "?; x"),
        ((online(), status(at=ago(LATE_S + 1))), Rank.WARNING, "no status for 3h00m"),
        ((online(), status(at="yesterday")), Rank.WELL, ""),
    ],
)
def test_a_node_is_as_bad_as_the_worst_that_is_known_of_it(messages: tuple[Any, Any], rank: Rank, note: str) -> None:
    found = row("v1", *messages, NOW)
    assert found.rank is rank
    assert "; ".join(found.notes).startswith(note)


def test_guests_are_counted_that_are_wanted_up() -> None:
    assert row("v1", online(), status(), NOW).up == "1/2"


@pytest.mark.parametrize(
    ("known", "patterns", "said"),
    [
        (["v042"], [], None),
        (["v042"], ["v0*", "v042"], None),
        (["v042", "v043"], ["v042", "v99", "w*"], "there is no node v99 or w* in fleet.db: there is v042, v043"),
        ([], ["v99"], "there is no node v99 in fleet.db: there is none yet"),
        ([f"v{number:02}" for number in range(MOST_NAMED + 2)], ["x"], "v08, v09 and 2 more"),
    ],
)
def test_a_node_that_there_is_not_is_named_with_those_that_there_are(
    known: list[str], patterns: list[str], said: str | None
) -> None:
    found = stranger(known, patterns, "in fleet.db")
    assert (found is None) if said is None else said in str(found)


def test_the_worst_come_first_and_patterns_choose() -> None:
    known = {"v1": (online(), status()), "v3": (None, None), "v2": (online(), status(service="away")), "w1": (None, None)}
    assert [each.node for each in rows(known, [], NOW)] == ["v3", "w1", "v2", "v1"]
    assert [each.node for each in rows(known, ["v[12]", "w*"], NOW)] == ["w1", "v2", "v1"]
    assert totals(rows(known, [], NOW)) == "4 nodes: 2 offline, 1 critical, 1 well"
    assert totals(rows(known, [next(iter(known))], NOW)).startswith("1 node: 1 ")


def test_what_a_node_says_of_itself_obeys_no_terminal() -> None:
    evil = status(problems=[{"severity": "critical", "text": "\x1b[2J"}])
    assert row("v1", online(), evil, NOW).cells[-1] == "\\x1b[2J"


def test_a_database_in_a_directory_that_one_may_not_enter_is_an_error_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, "denied", str(path))

    monkeypatch.setattr(Path, "stat", denied)
    with pytest.raises(CommandError, match=r"/fleet.db: Permission denied"):
        existing(tmp_path / "fleet.db")
