"""`wagman check`, as a monitoring system calls it: the real command against the real socket."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.kit import WAGMAN, Daemon, scripted

OK, WARNING, CRITICAL, UNKNOWN = range(4)


def checked(daemon: Daemon, *args: str) -> tuple[int, str]:
    """The exit code and the only line."""
    done = daemon.wagman("check", *args)
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    return done.returncode, line


def test_where_nothing_is_wrong_it_is_ok(daemon: Daemon) -> None:
    assert checked(daemon) == (OK, "WAGMAN OK: normal, 0 of 3 guests started")


def test_a_warning_says_what_is_wrong_for_how_long_and_what_to_do(daemon: Daemon) -> None:
    daemon.board("problem warning log the log cannot be written: database or disk is full")
    expected = "WAGMAN WARNING: the log cannot be written: database or disk is full, for 3 min 20 s: mend log"
    assert checked(daemon) == (WARNING, expected)


def test_the_worst_of_them_is_said_and_the_others_are_named(daemon: Daemon) -> None:
    for told in ("critical relay_stuck:gn its relay sticks", "warning log full", "warning config refused"):
        daemon.board(f"problem {told}")
    code, line = checked(daemon)
    assert code == CRITICAL
    assert line == "WAGMAN CRITICAL: its relay sticks, for 3 min 20 s: mend relay_stuck:gn; also: log, config"


def test_a_guest_answers_for_itself_only(daemon: Daemon) -> None:
    daemon.board("problem critical relay_stuck:gn its relay sticks")
    assert checked(daemon, "gn")[0] == CRITICAL
    assert checked(daemon, "1")[0] == CRITICAL
    assert checked(daemon, "cs") == (OK, "WAGMAN OK: normal, 0 of 1 guest started")


def test_nothing_is_known_of_a_guest_whose_board_is_not_seen(daemon: Daemon) -> None:
    daemon.board("link down")
    daemon.board("problem critical link the board cannot be reached: Permission denied")
    assert checked(daemon)[0] == CRITICAL
    assert checked(daemon, "gn") == (UNKNOWN, "WAGMAN UNKNOWN: the board is not seen, and nothing is known of gn")


def test_a_board_that_has_yet_to_be_seen_is_unknown_and_not_ok(daemon: Daemon) -> None:
    daemon.board("link down")
    assert checked(daemon) == (UNKNOWN, "WAGMAN UNKNOWN: the board is not seen yet")


def test_performance_data_stands_behind_the_only_bar(daemon: Daemon) -> None:
    daemon.board("problem warning log the | log")
    _, line = checked(daemon, "--perfdata")
    text, data = line.split(" | ")
    assert "the / log" in text
    assert data.split() == [
        *("guests_started=0;;;0;3", "problems=1;;;0", "answer_age=2s", "temperature_c=23.5", "humidity_pct=U", "current_ma=640"),
        *("gn_heartbeat_age=U", "gn_current_ma=0", "gn_failures=0;;;0", "cs_heartbeat_age=U", "cs_current_ma=0"),
        *("cs_failures=0;;;0", "x1_heartbeat_age=U", "x1_current_ma=0", "x1_failures=0;;;0"),
    ]


def test_a_guests_performance_data_are_its_own(daemon: Daemon) -> None:
    _, line = checked(daemon, "cs", "--perfdata")
    assert line.split(" | ")[1].split() == ["cs_heartbeat_age=U", "cs_current_ma=0", "cs_failures=0;;;0"]


def test_without_being_asked_for_there_are_none(daemon: Daemon) -> None:
    assert "|" not in checked(daemon)[1]


def test_as_json_it_is_one_document(daemon: Daemon) -> None:
    daemon.board("problem warning log full")
    done = daemon.wagman("check", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["state"], [each["id"] for each in told["problems"]]) == (WARNING, "WARNING", ["log"])


# --- What is not known is UNKNOWN, and never an emergency ---------------------------------------------------------------


def test_a_service_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    code, line = checked(Daemon(tmp_path))
    assert code == UNKNOWN
    assert line.startswith("WAGMAN UNKNOWN: no service on ")


def test_a_device_that_there_is_not_is_unknown(daemon: Daemon) -> None:
    assert checked(daemon, "zz") == (UNKNOWN, "WAGMAN UNKNOWN: unknown guest 'zz': there is nc, gn, cs, x1")


def test_a_command_line_that_makes_no_sense_is_unknown(daemon: Daemon) -> None:
    assert daemon.wagman("check", "--no-such").returncode == UNKNOWN


@pytest.mark.parametrize("command", ["check", "check --json", "doctor"])
def test_a_verdict_that_cannot_be_written_is_unknown(command: str, daemon: Daemon, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    with full.open("wb") as output:
        done = subprocess.run(
            [*WAGMAN, *command.split()], stdout=output, stderr=subprocess.PIPE, env=daemon.environment(), check=False
        )
    assert (done.returncode, done.stderr.count(b"\n")) == (UNKNOWN, 1)
    assert b"the output could not be written" in done.stderr


@pytest.mark.parametrize(
    "status",
    [
        None,
        {},
        [],
        {"service": {"version": "0.1.0"}, "devices": []},
        {"problems": []},
        {"problems": [{"severity": "dire"}], "devices": []},
        {"problems": 7, "devices": [], "board": {"blind": False}},
    ],
)
def test_an_answer_that_makes_no_sense_is_unknown(status: Any, tmp_path: Path) -> None:
    with scripted(tmp_path / "s", lambda *_: [{"result": status}]):
        code, line = checked(Daemon(tmp_path))
    assert code == UNKNOWN
    assert line.startswith("WAGMAN UNKNOWN: ")


def test_a_service_from_before_there_were_problems_is_said_to_be_too_old(tmp_path: Path) -> None:
    with scripted(tmp_path / "s", lambda *_: [{"result": {"service": {"version": "0.1.0"}, "devices": []}}]):
        assert "0.1.0, is too old to tell of problems" in checked(Daemon(tmp_path))[1]


def test_a_service_that_says_no_is_unknown(tmp_path: Path) -> None:
    with scripted(tmp_path / "s", lambda *_: [{"error": {"code": -32001, "message": "not permitted"}}]):
        assert checked(Daemon(tmp_path)) == (UNKNOWN, "WAGMAN UNKNOWN: not permitted")
