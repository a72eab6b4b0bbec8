"""Each command, through the real process and a real socket."""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.kit import PLAIN, WAGMAN, Daemon, scripted, until
from wagman.cli import parser
from wagman.cli.actions import ORDER_S
from wagman.cli.exits import code_of
from wagman.cli.local import SCENARIOS
from wagman.cli.parser import COMMANDS
from wagman.client.blocking import Client
from wagman.client.errors import DeniedError
from wagman.demo import scenarios
from wagman.service.controller import NOTICE_S
from wagman.service.requests import BOARD_TIMEOUT_S, COMMIT_S

CLIENT_COMMANDS = [
    "status",
    "check",
    "start gn",
    "stop gn",
    "restart gn",
    "kill gn --yes",
    "enable gn",
    "disable gn",
    "ping gn",
    "events",
    "why gn",
    "report",
    "board hb",
]
OUTCOME_KEYS = {"device", "outcome", "state", "after_s", "media", "attempt", "reason"}


def one_line(stderr: str) -> bool:
    return stderr.startswith("wagman: ") and stderr.count("\n") == 1 and stderr.endswith("\n")


# --- What all have in common --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [command for command in CLIENT_COMMANDS if command != "check"])
def test_a_service_that_is_not_there_is_exit_3_and_one_line(command: str, tmp_path: Path) -> None:
    done = Daemon(tmp_path).wagman(*command.split())
    assert done.returncode == 3
    assert done.stdout == ""
    assert one_line(done.stderr)
    assert "--socket" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        *("", "no-such-command", "start", "status --no-such", "start gn --timeout x", "start gn --timeout -1", "events -n x"),
        *("events --since noon", "completion tcsh", "run --speed 0", "enable gn --force", "sta", "why all", "start zz", "why 9"),
        *("ping zz", "events --device zz", "events -n 9223372036854775808", "events --since 99999999999d"),
        *("events --since 9999-12-31T23:59-12:00", "events --since 0001-01-01T00:00+12:00", f"events --since {'9' * 5000}"),
    ],
)
def test_nonsense_is_exit_2_and_one_line(command: str, daemon: Daemon) -> None:
    done = daemon.wagman(*command.split())
    assert done.returncode == 2
    assert done.stdout == ""
    assert one_line(done.stderr)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("start gn --timeout x", "'x' is not a number of seconds"),
        ("start gn --timeout inf", "'inf' is not a number of seconds"),
        ("events -n x", "'x' is not a number of events"),
        ("events -n -1", "'-1' is not a number of events"),
        ("events --since 99999999999d", "'99999999999d' is no event id, and no time such as 2026-01-31T12:00 or 90min"),
        ("run --speed fast", "'fast' is not a number above 0"),
        ("demo --speed 0", "'0' is not a number above 0"),
    ],
)
def test_a_number_that_is_none_is_told_in_words(command: str, words: str) -> None:
    done = subprocess.run([*WAGMAN, *command.split()], capture_output=True, text=True, check=False, env=PLAIN)
    assert done.returncode == 2
    assert f"{words}; see wagman {command.split(maxsplit=1)[0]} --help" in done.stderr


def test_one_device_that_does_not_exist_and_nothing_at_all_is_asked_for(daemon: Daemon) -> None:
    assert daemon.wagman("start", "gn", "zz").returncode == 2
    assert daemon.state("gn") == "stopped"


@pytest.mark.parametrize(
    "command", [*CLIENT_COMMANDS, "run", "demo", "fake-board", "simulate", "check-config f", "completion bash", "top"]
)
def test_every_command_explains_itself(command: str, daemon: Daemon) -> None:
    done = daemon.wagman(command.split(maxsplit=1)[0], "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: wagman {command.split(maxsplit=1)[0]}")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_has_examples_of_it_and_fits_80_columns(command: str) -> None:
    lines = subprocess.run(
        [*WAGMAN, command, "--help"], capture_output=True, text=True, check=True, env=PLAIN
    ).stdout.splitlines()
    examples = lines[lines.index("examples:") + 1 :]
    assert examples[0].startswith(f"  wagman {command}")
    assert max(map(len, lines)) <= 80


def test_the_socket_is_named_by_option_or_variable(daemon: Daemon, tmp_path: Path) -> None:
    elsewhere = str(tmp_path / "s")
    assert daemon.wagman("status", WAGMAN_SOCKET=elsewhere).returncode == 3
    assert daemon.wagman("status", "--socket", str(daemon.socket), WAGMAN_SOCKET=elsewhere).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_socket_that_may_not_be_used_is_exit_4(daemon: Daemon) -> None:
    os.seteuid(1234)
    try:
        with pytest.raises(DeniedError, match="not permitted") as caught:
            Client(str(daemon.socket))
    finally:
        os.seteuid(0)
    assert code_of(caught.value) == 4


@pytest.mark.parametrize("command", [*CLIENT_COMMANDS, "start all", "events -n 3", "status gn"])
def test_output_to_a_pipe_has_no_control_codes(command: str, daemon: Daemon) -> None:
    done = daemon.wagman(*command.split())
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr


@pytest.mark.parametrize(("redirection", "code"), [("| true", 141), ("> /dev/full", 1), (">&-", 0)])
def test_output_that_nobody_takes_is_no_accident(redirection: str, code: int, daemon: Daemon) -> None:
    for _ in range(2):
        daemon.wagman("start", "all")
        daemon.wagman("stop", "all")
    # More than a pipe holds, so that it is written while the reader is gone.
    events = f"for _ in 1 2 3 4; do {' '.join(WAGMAN)} events --since 0 --json; done"
    script = f"( {events.replace('--json', '--json || exit')} ) {redirection}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env=daemon.environment())
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert code != 1 or ("full" in done.stderr and one_line(done.stderr))


@pytest.mark.parametrize(("command", "code"), [("kill gn --yes", 0), ("status", 0), ("top", 2)])
def test_a_command_without_standard_input_does_without(command: str, code: int, daemon: Daemon) -> None:
    script = f"exec {' '.join(WAGMAN)} {command} <&-"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env=daemon.environment())
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)


@pytest.mark.parametrize("charset", ["ascii", "latin-1"])
def test_what_the_charset_does_not_have_is_shown_in_another_way(charset: str, tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    with scripted(daemon.socket, lambda method, params: [{"result": {"lines": ["\u2603"]}}]):
        done = daemon.wagman("board", "hb", PYTHONIOENCODING=charset)
    assert (done.returncode, done.stdout, done.stderr) == (0, "\\u2603\n", "")


@pytest.mark.parametrize("command", ["status", "events --since 0"])
@pytest.mark.parametrize("all_is_gone", [False, True], ids=["errors are taken elsewhere", "nobody takes anything"])
def test_a_terminal_that_has_gone_is_no_accident(command: str, all_is_gone: bool, daemon: Daemon) -> None:
    leader, follower = pty.openpty()
    os.close(leader)
    errors = follower if all_is_gone else subprocess.PIPE
    done = subprocess.run(
        [*WAGMAN, *command.split()], stdout=follower, stderr=errors, text=True, check=False, env=daemon.environment()
    )
    os.close(follower)
    assert done.returncode == 1
    assert all_is_gone or ("terminal is gone" in done.stderr and one_line(done.stderr))


def test_nothing_heavy_is_imported(daemon: Daemon) -> None:
    code = """
import sys
from argparse import ArgumentParser
ArgumentParser().add_argument("--option")
its_own = set(sys.modules)  # argparse of Python 3.14 needs dataclasses for its colours
from wagman.cli import main
for command in sys.argv[1:]:
    assert main(command.split()) == 0, command
heavy = {"trio", "attr", "attrs", "structlog", "cattrs", "rich", "asyncio", "dataclasses", "inspect", "logging"}
sys.exit(", ".join(sorted(heavy & sys.modules.keys() - its_own)) or 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *CLIENT_COMMANDS], capture_output=True, text=True, check=False, env=daemon.environment()
    )
    assert done.returncode == 0, done.stderr


# --- Asking -----------------------------------------------------------------------------------------------------------


def test_status_shows_board_wagman_and_a_row_per_device_in_80_columns(daemon: Daemon) -> None:
    lines = daemon.wagman("status").stdout.splitlines()
    assert lines[0].startswith("board    up, v3 1.0.4 on /dev/waggle_sysmon, answered 2 s ago")
    assert lines[1] == "sensors  temperature 23.5 C, humidity unknown, current 640 mA"
    assert lines[2].startswith("wagman   normal for ")
    assert [line.split()[0] for line in lines[4:]] == ["GUEST", "nc", "gn", "cs", "x1"]
    assert max(map(len, lines)) <= 80


def test_status_says_what_is_not_as_it_should_be(daemon: Daemon) -> None:
    daemon.board("link down")
    daemon.board("guest gn enabled=False confirmed=False failures=2")
    out = daemon.wagman("status", "gn", "1").stdout
    assert "link down" in out
    assert re.search(r"gn +1 +stopped .* unconfirmed,\s+disabled,\s+2\s+failed\n", out)
    assert "x1" not in out


def test_status_begins_with_what_calls_for_a_person(daemon: Daemon) -> None:
    daemon.board(f"problem critical relay_stuck:gn its relay stays on {'again and ' * 6}again")
    done = daemon.wagman("status")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("CRITICAL  its relay stays on again and")
    assert lines[1].startswith(" " * 10)
    assert lines[2:4] == ["          do: mend relay_stuck:gn", ""]
    assert max(map(len, lines)) <= 80
    assert done.returncode == 0


def test_status_gives_the_true_reason_why_the_link_is_down_and_asks_nobody_for_the_cable(daemon: Daemon) -> None:
    daemon.board("link down")
    out = daemon.wagman("status").stdout
    assert "Permission denied: /dev/waggle_sysmon" in out
    assert "cable" not in out


def test_status_as_json_is_what_the_service_says(daemon: Daemon) -> None:
    status = daemon.json("status", "gn")
    assert status.keys() == {"service", "board", "boards", "wagman", "devices", "networks", "sensors", "ports", "problems"}
    assert [row["name"] for row in status["devices"]] == ["gn"]


def test_ping_is_a_heartbeat(daemon: Daemon) -> None:
    assert daemon.wagman("ping", "1").stdout == "gn: counted\n"
    assert [outcome.keys() for outcome in daemon.json("ping", "gn")] == [OUTCOME_KEYS]


def test_the_board_answers_as_the_board_answers(daemon: Daemon) -> None:
    assert daemon.wagman("board", "hb").stdout == "7187\n100\n"
    assert daemon.json("board", "hb", "x") == {"command": "hb x", "lines": ["7187", "100"]}


def test_a_board_can_be_named(daemon: Daemon) -> None:
    assert daemon.wagman("board", "--board", "board", "hb").stdout == "7187\n100\n"
    done = daemon.wagman("board", "hb", "--board", "zz")
    assert (done.returncode, done.stderr) == (2, "wagman: unknown board 'zz': there is board\n")


@pytest.mark.parametrize(("command", "code"), [("start 1", 4), ("bad", 4), ("slow", 1), ("gone", 1), ("defect", 1)])
def test_what_the_board_does_not_do_is_an_exit_code_and_one_line(command: str, code: int, daemon: Daemon) -> None:
    done = daemon.wagman("board", *command.split())
    assert done.returncode == code
    assert one_line(done.stderr)


def test_the_board_does_with_force_what_would_fight_the_service(daemon: Daemon) -> None:
    assert daemon.wagman("board", "start", "1", "--force").returncode == 0


def test_why_tells_the_story_and_what_keeps_it_from_starting(daemon: Daemon) -> None:
    daemon.wagman("start", "gn")
    out = daemon.wagman("why", "gn").stdout.splitlines()
    assert out[0].startswith("gn is started for ")
    assert out[1].endswith("started, first attempt, from emmc")
    daemon.wagman("disable", "gn")
    out = daemon.wagman("why", "1").stdout.splitlines()
    assert out[0].startswith("gn is stopped")
    assert out[1] == "not started: it is disabled: wagman enable allows it again"
    assert out[2].endswith("stopped: asked by the operator")


def test_why_as_json_has_the_chain(daemon: Daemon) -> None:
    daemon.wagman("start", "gn")
    told = daemon.json("why", "gn")
    assert told.keys() == {
        *("device", "state", "since", "for_s", "reason", "unseen"),
        *("problems", "not_started", "coming", "chain", "cut_short"),
    }
    assert told["chain"][0]["type"] == "device.started"
    assert told["not_started"] is None


def test_top_needs_a_terminal(daemon: Daemon) -> None:
    done = daemon.wagman("top")
    assert done.returncode == 2
    assert one_line(done.stderr)


# --- Commands ---------------------------------------------------------------------------------------------------------


def test_start_waits_until_it_is_started_and_says_how_that_went(daemon: Daemon) -> None:
    done = daemon.wagman("start", "gn")
    assert done.returncode == 0
    assert re.fullmatch(r"gn: started after 0\.\d s, from emmc\n", done.stdout)
    assert daemon.wagman("start", "gn").stdout == "gn: already started\n"


@pytest.mark.parametrize(("command", "word"), [("stop", "stopped"), ("kill", "killed"), ("disable", "disabled and stopped")])
def test_down_waits_until_power_is_confirmed_off(command: str, word: str, daemon: Daemon) -> None:
    daemon.board("guest gn confirm=0.5")
    daemon.wagman("start", "gn")
    done = daemon.wagman(command, "gn", *(["--yes"] if command == "kill" else []))
    assert done.returncode == 0
    assert re.fullmatch(rf"gn: {word} after .*s, power is off\n", done.stdout)
    (row,) = daemon.ask("status", devices=["gn"])["devices"]
    assert (row["state"], row["power"]["wanted"], row["power"]["confirmed"]) == ("stopped", "off", True)


def test_restart_waits_for_the_new_start(daemon: Daemon) -> None:
    daemon.wagman("start", "gn")
    assert daemon.wagman("restart", "gn").stdout.startswith("gn: restarted after ")


def test_the_first_failed_start_is_exit_1(daemon: Daemon) -> None:
    daemon.board("guest gn fails=2")
    done = daemon.wagman("start", "gn")
    assert done.returncode == 1
    assert one_line(done.stderr)
    assert "wagman why gn" in done.stderr


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_what_is_refused_is_exit_4(verb: str, daemon: Daemon) -> None:
    daemon.wagman("disable", "gn")
    done = daemon.wagman(verb, "gn")
    assert done.returncode == 4
    assert one_line(done.stderr)
    assert "enable it first" in done.stderr
    assert daemon.wagman("enable", "gn").returncode == 0
    assert daemon.wagman(verb, "gn").returncode == 0


def test_hibernation_refuses_unless_forced(daemon: Daemon) -> None:
    daemon.board("wagman hibernating")
    assert daemon.wagman("start", "gn").returncode == 4
    assert daemon.wagman("start", "gn", "--force").returncode == 0


def test_the_controller_refuses_and_all_leaves_it_out(daemon: Daemon) -> None:
    assert daemon.wagman("stop", "nc").returncode == 4
    assert sorted(outcome["device"] for outcome in daemon.json("start", "all")) == ["cs", "gn", "x1"]


# --- Commands, to a service that says what it is told to ----------------------------------------------------------------


def rows(*names: str) -> list[Any]:
    """So many devices, of which nc is the controller."""
    return [
        {"name": name, "port": port, "self": name == "nc", "state": "started", "wanted": "down", "failures": 0}
        | {"power": {"wanted": "off", "confirmed": True}}
        for port, name in enumerate(names)
    ]


def node(*names: str, **replies: Any) -> Callable[[str, dict[str, Any]], list[Any]]:
    """A service with these devices, whose reply to an order is by name."""

    def answer(method: str, params: dict[str, Any]) -> list[Any]:
        match method:
            case "subscribe":
                return [{"result": {"subscription": 1, "log_id": "log", "first_id": 1, "last_id": 1}}]
            case "status":
                service = {"boot_id": "b", "uptime_s": 1.0}
                found = {"service": service, "board": {"blind": False}, "wagman": {"state": "normal"}, "devices": rows(*names)}
                return [{"result": found}]
            case _:
                reply = {"accepted": True, "state": "stopped", "reason": "so be it", "event_id": 2}
                return [replies.get(params.get("device", ""), {"result": reply})]

    return answer


@pytest.mark.parametrize("command", ["stop all", "ping all"])
def test_all_of_no_guests_is_told(command: str, tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    with scripted(daemon.socket, node("nc")):
        done = daemon.wagman(*command.split())
    assert (done.returncode, done.stdout, one_line(done.stderr)) == (2, "", True)
    assert "there is no guest: add one" in done.stderr


def test_a_defect_over_one_device_is_its_outcome_and_the_others_are_asked_and_waited_for(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    defect = {"error": {"code": -32603, "message": "internal error"}}
    with scripted(daemon.socket, node("nc", "gn", "cs", "x1", cs=defect)) as service:
        done = daemon.wagman("enable", "all", "--json")
    asked = [params["device"] for method, params in service.asked if method == "enable"]
    assert asked == ["gn", "cs", "x1"]
    assert done.returncode == 1
    assert {each["device"]: each["outcome"] for each in json.loads(done.stdout)} == {"gn": "done", "cs": "failed", "x1": "done"}
    assert done.stderr == "wagman: cs: enable failed: internal error; see wagman why cs\n"


def test_who_may_not_is_refused_once(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    refusal = {"error": {"code": -32001, "message": "user 5 may look, and not touch"}}
    with scripted(daemon.socket, node("gn", "cs", gn=refusal, cs=refusal)):
        done = daemon.wagman("stop", "all")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "wagman: user 5 may look, and not touch\n"


def test_interrupted_before_anything_was_asked_it_says_that_nothing_was_done(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    with scripted(daemon.socket, lambda method, params: []) as service:
        running = daemon.begin("stop", "gn")
        until(lambda: service.asked)
        assert running.interrupt() == (130, "", "wagman: interrupted: nothing was done\n")


def test_nobody_waits_for_the_computer_that_the_service_runs_on(tmp_path: Path) -> None:
    def answer(method: str, params: dict[str, Any]) -> list[Any]:
        match method:
            case "subscribe":
                return [{"result": {"subscription": 1, "log_id": "log", "first_id": 1, "last_id": 1}}]
            case "restart":
                return [{"result": {"accepted": True, "state": "started", "reason": "shutting down", "event_id": 2}}]
            case _:
                row = {"name": "nc", "port": 0, "self": True, "state": "started"}
                return [{"result": {"service": {"boot_id": "b", "uptime_s": 1.0}, "board": {"blind": False}, "devices": [row]}}]

    daemon = Daemon(tmp_path)
    with scripted(daemon.socket, answer):
        done = daemon.wagman("restart", "nc")
    assert (done.returncode, done.stdout, done.stderr) == (0, "nc: shutting down\n", "")


def test_a_wait_for_a_board_that_cannot_be_seen_is_told_as_one(tmp_path: Path) -> None:
    def answer(method: str, params: dict[str, Any]) -> list[Any]:
        match method:
            case "subscribe":
                return [{"result": {"subscription": 1, "log_id": "log", "first_id": 1, "last_id": 1}}]
            case "restart":
                return [{"result": {"accepted": True, "state": "starting", "reason": "so be it", "event_id": 2}}]
            case _:
                row = {"name": "gn", "port": 1, "state": "starting", "wanted": "up", "enabled": True, "failures": 0}
                found = {"service": {"boot_id": "b", "uptime_s": 1.0}, "board": {"blind": True}, "wagman": {"state": "normal"}}
                return [{"result": {**found, "devices": [row]}}]

    daemon = Daemon(tmp_path)
    with scripted(daemon.socket, answer):
        done = daemon.wagman("restart", "gn", "--timeout", "1")
    assert done.returncode == 5
    first, last = done.stderr.splitlines()
    assert first == "wagman: gn: waiting, for the board cannot be seen; wagman status tells why"
    assert "timed out" in last


def test_the_service_may_take_longer_to_decide_than_it_takes_the_board_to_begin() -> None:
    assert ORDER_S > BOARD_TIMEOUT_S + NOTICE_S + COMMIT_S


def test_no_wait_only_asks(daemon: Daemon) -> None:
    daemon.board("guest gn boot=inf")
    (outcome,) = daemon.json("start", "gn", "--no-wait")
    assert outcome.keys() == OUTCOME_KEYS
    assert outcome["outcome"] == "accepted"
    assert daemon.wagman("stop", "gn", "--no-wait").stdout == "gn: so be it\n"


def test_a_timeout_is_exit_5_and_says_how_it_stands(daemon: Daemon) -> None:
    daemon.board("guest gn boot=inf")
    done = daemon.wagman("start", "gn", "--timeout", "0.3")
    assert done.returncode == 5
    assert one_line(done.stderr)
    assert "it is starting" in done.stderr


def test_a_relay_that_is_never_confirmed_off_is_never_told_as_stopped(daemon: Daemon) -> None:
    daemon.wagman("start", "gn")
    daemon.board("guest gn confirm=inf")
    assert daemon.wagman("stop", "gn", "--timeout", "1").returncode == 5


def test_several_devices_are_waited_for_together_and_the_gravest_outcome_counts(daemon: Daemon) -> None:
    daemon.board("guest gn boot=inf")
    daemon.board("guest cs fails=1")
    assert daemon.wagman("start", "gn", "cs", "x1", "--timeout", "1").returncode == 1
    daemon.board("guest x1 enabled=False")
    daemon.wagman("stop", "all")
    outcomes = {each["device"]: each["outcome"] for each in daemon.json("start", "all", "--timeout", "1")}
    assert outcomes == {"gn": "timed_out", "cs": "failed", "x1": "refused"}


def test_waiting_together_takes_no_longer_than_the_slowest(daemon: Daemon) -> None:
    for name in ("gn", "cs", "x1"):
        daemon.board(f"guest {name} boot=0.5")
    assert max(each["after_s"] for each in daemon.json("start", "all")) < 1.4


def test_interrupting_the_wait_is_130_and_takes_nothing_back(daemon: Daemon) -> None:
    daemon.board("guest gn boot=1.5")
    running = daemon.begin("start", "gn")
    until(lambda: daemon.state("gn") == "starting")
    code, out, err = running.interrupt()
    assert (code, out) == (130, "")
    assert one_line(err)
    until(lambda: daemon.state("gn") == "started")


def test_the_service_is_told_apart_from_something_else_on_the_socket(tmp_path: Path, daemon: Daemon) -> None:
    done = daemon.wagman("start", "gn", "--socket", str(tmp_path))
    assert done.returncode == 3
    assert one_line(done.stderr)


# --- On a terminal ----------------------------------------------------------------------------------------------------


def on_terminal(daemon: Daemon, *args: str, typed: bytes = b"", awaited: bytes = b"", **env: str) -> tuple[int, str]:
    """Run a command of wagman on a terminal of its own."""
    return terminal([*WAGMAN, *args], daemon.environment(TERM="xterm", **env), typed, awaited)


def terminal(command: list[str], environment: dict[str, str], typed: bytes = b"", awaited: bytes = b"") -> tuple[int, str]:
    """Run something on a terminal of its own; type when it has shown what is awaited."""
    leader, follower = pty.openpty()
    streams: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), follower)
    with subprocess.Popen(command, **streams, env=environment, start_new_session=True) as process:
        os.close(follower)
        shown = bytearray()
        while select.select([leader], [], [], 20)[0]:
            try:
                data = os.read(leader, 65536)
            except OSError:  # it has ended
                break
            shown += data
            if typed and awaited in shown:
                os.write(leader, typed)
                typed = b""
        else:
            process.kill()
    os.close(leader)
    return process.returncode, shown.decode()


def test_a_kill_is_asked_about_on_a_terminal(daemon: Daemon) -> None:
    daemon.wagman("start", "gn")
    assert on_terminal(daemon, "kill", "gn", typed=b"n\n", awaited=b"[y/N]")[0] == 4
    assert daemon.state("gn") == "started"
    assert on_terminal(daemon, "kill", "gn", typed=b"y\n", awaited=b"[y/N]")[0] == 0
    assert daemon.state("gn") == "stopped"
    code, shown = on_terminal(daemon, "kill", "gn", "--yes")
    assert code == 0
    assert "[y/N]" not in shown


def test_a_kill_without_a_terminal_takes_a_word_more(daemon: Daemon) -> None:
    daemon.wagman("start", "gn")
    done = daemon.wagman("kill", "gn", stdin="y\n")
    assert done.returncode == 2
    assert one_line(done.stderr)
    assert "wagman kill gn --yes" in done.stderr
    assert daemon.state("gn") == "started"
    assert daemon.wagman("kill", "gn", "--yes").returncode == 0


@pytest.mark.parametrize("command", ["stop", "disable"])
def test_taking_down_all_is_asked_about_on_a_terminal(command: str, daemon: Daemon) -> None:
    daemon.wagman("start", "gn")
    code, shown = on_terminal(daemon, command, "all", typed=b"n\n", awaited=b"[y/N]")
    assert code == 4
    assert "locked out" in shown
    assert daemon.state("gn") == "started"
    assert on_terminal(daemon, command, "all", typed=b"y\n", awaited=b"[y/N]")[0] == 0
    assert "[y/N]" not in on_terminal(daemon, command, "gn")[1]


@pytest.mark.parametrize("command", ["stop", "disable"])
def test_over_ssh_without_a_terminal_taking_down_all_takes_a_word_more_and_elsewhere_not(command: str, daemon: Daemon) -> None:
    daemon.wagman("start", "gn")
    done = daemon.wagman(command, "all", SSH_CONNECTION="192.0.2.1 50022 192.0.2.2 22")
    assert done.returncode == 2
    assert f"wagman {command} all --yes" in done.stderr
    assert daemon.state("gn") == "started"
    assert daemon.wagman(command, "gn", SSH_CONNECTION="192.0.2.1 50022 192.0.2.2 22").returncode == 0
    assert daemon.wagman(command, "all").returncode == 0


def test_interrupted_when_asked_about_a_kill_it_says_that_nothing_was_done(daemon: Daemon) -> None:
    daemon.wagman("start", "gn")
    controlled = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", controlled, *WAGMAN, "kill", "gn"]
    code, shown = terminal(command, daemon.environment(TERM="xterm"), b"\x03", b"[y/N]")
    assert code == 130
    assert "interrupted: nothing was done" in shown
    assert daemon.state("gn") == "started"


def test_progress_and_colours_are_for_terminals_without_no_color(daemon: Daemon) -> None:
    daemon.board("guest gn boot=0.7")
    assert "\x1b[K" in on_terminal(daemon, "start", "gn")[1]
    assert "\x1b[32m" in on_terminal(daemon, "status")[1]
    daemon.wagman("stop", "gn")
    assert "\x1b" not in on_terminal(daemon, "start", "gn", NO_COLOR="1")[1]
    assert "\x1b" not in on_terminal(daemon, "status", NO_COLOR="1")[1]


def test_top_shows_the_devices_until_q(daemon: Daemon) -> None:
    code, shown = on_terminal(daemon, "top", typed=b"q", awaited=b"GUEST")
    assert code == 0
    assert "waggle_sysmon" in shown
    assert "q quit" in shown


# --- Completion -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["sta"], ["status", "start"]),
        (["start", "--no"], ["--no-wait"]),
        (["start", ""], ["nc", "gn", "cs", "x1", "all"]),
        (["start", "gn", "c"], ["cs"]),
        (["events", "--device", "g"], ["gn"]),
        (["board", "--board", ""], ["board"]),
        (["completion", "b"], ["bash"]),
        (["start", "zz"], []),
        (["start", "--timeout", ""], []),
        (["events", "--type", "device.stopp"], ["device.stopped", "device.stopping"]),
        (["events", "--type=device.stopp"], ["--type=device.stopped", "--type=device.stopping"]),
        (["events", "--type", "=", "device.stopp"], ["device.stopped", "device.stopping"]),
        (["demo", "--scenario", ""], list(SCENARIOS)),
        (["simulate", "--faults", "c"], ["cable"]),
        (["fake-board", "--dialect", ""], ["v3", "v4"]),
        (["fake-board", "--dialect", "="], ["v3", "v4"]),
    ],
)
def test_what_comes_next_is_known(words: list[str], found: list[str], daemon: Daemon) -> None:
    done = daemon.wagman("completion", "--words", *words)
    assert (sorted(done.stdout.split()), done.returncode) == (sorted(found), 0)


@pytest.mark.parametrize(
    "words", [["run", "--config", ""], ["check-config", "/et"], ["status", "--socket", ""], ["fake-board", "--send", "c"]]
)
def test_where_a_file_is_named_the_shell_is_to_complete_it(words: list[str], daemon: Daemon) -> None:
    done = daemon.wagman("completion", "--words", *words)
    assert (done.stdout, done.returncode) == ("", 1)


def test_the_names_of_scenarios_are_those_that_there_are() -> None:
    assert tuple(scenarios.SCENARIOS) == SCENARIOS


def test_completion_works_without_a_service(tmp_path: Path) -> None:
    done = Daemon(tmp_path).wagman("completion", "--words", "start", "")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(shell: str) -> None:
    done = subprocess.run([*WAGMAN, "completion", shell], capture_output=True, text=True, check=True, env=PLAIN)
    assert "wagman completion --words" in done.stdout


@pytest.fixture
def shell_environment(daemon: Daemon, tmp_path: Path) -> dict[str, str]:
    """With a `wagman` that completes, and tells what else it is asked to do instead of doing it."""
    shim = tmp_path / "wagman"
    shim.write_text(f'#!/bin/sh\n[ "$1" = completion ] || {{ echo "asked: $*"; exit; }}\nexec {" ".join(WAGMAN)} "$@"\n')
    shim.chmod(0o755)
    return daemon.environment(PATH=f"{tmp_path}:{os.environ['PATH']}", PYTHONPATH=str(Path.cwd()), HOME=str(tmp_path))


def output_of(environment: dict[str, str], *command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def needs(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"there is no {shell} here")


def test_bash_completes_with_its_script(shell_environment: dict[str, str]) -> None:
    script = 'eval "$(wagman completion bash)"; COMP_WORDS=(wagman stop g); COMP_CWORD=2; _wagman; echo "${COMPREPLY[@]}"'
    assert output_of(shell_environment, "bash", "-c", script) == "gn\n"


def test_bash_completes_file_names_where_one_is_asked_for_and_nothing_where_nothing_fits(
    shell_environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "node.toml").write_text("")
    (tmp_path / ".bashrc").write_text('PS1="READY "; eval "$(wagman completion bash)"\n')
    typed = f"cd {tmp_path}\nwagman check-config no\t\nwagman start no\t\nexit\n".encode()
    _, shown = terminal(
        ["bash", "--rcfile", str(tmp_path / ".bashrc"), "-i"], {**shell_environment, "TERM": "dumb"}, typed, b"READY "
    )
    assert "asked: check-config node.toml" in shown
    assert "asked: start no\r\n" in shown


@needs("fish")
def test_fish_completes_with_its_script(shell_environment: dict[str, str]) -> None:
    script = "wagman completion fish | source; complete -C 'wagman stop g'"
    assert output_of(shell_environment, "fish", "--no-config", "-c", script).split() == ["gn"]


@needs("fish")
def test_fish_offers_files_only_where_one_is_asked_for(shell_environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "node.toml").write_text("")
    script = (
        f"cd {tmp_path}; wagman completion fish | source; complete -C 'wagman start no'; complete -C 'wagman check-config no'"
    )
    assert output_of(shell_environment, "fish", "--no-config", "-c", script).split() == ["node.toml"]


@needs("zsh")
@pytest.mark.parametrize("way", ["sourced", "found by its name"])
def test_zsh_completes_with_its_script(way: str, shell_environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "_wagman").write_text(output_of(shell_environment, "wagman", "completion", "zsh"))
    begin = "autoload -Uz compinit; compinit -u -D"
    ways = {"sourced": f"{begin}; source {tmp_path}/_wagman", "found by its name": f"fpath=({tmp_path} $fpath); {begin}"}
    (tmp_path / ".zshrc").write_text(f"PS1='READY '; {ways[way]}\n")
    environment = {**shell_environment, "ZDOTDIR": str(tmp_path), "TERM": "xterm"}
    typed = b"wagman stop g\t\nexit\n"
    code, shown = terminal(["zsh", "-d", "-i"], environment, typed, b"READY ")
    assert "asked: stop gn" in shown
    assert code == 0


# --- Words that are not known -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("stats", "unknown command 'stats', did you mean status?"),
        ("zzzz", "unknown command 'zzzz'; see wagman --help"),
        ("status --jsn", "unrecognized arguments: --jsn, did you mean --json?"),
        ("start --for 3 gn", "unrecognized arguments: --for; see wagman start --help"),
        ("--socket x status", "unknown option '--socket': options of a command, such as --socket, stand behind the command"),
        ("--socket=x status", "unknown option '--socket': options of a command, such as --socket, stand behind the command"),
        ("start gnn", "unknown guest 'gnn', did you mean gn?: there is nc, gn, cs, x1"),
    ],
)
def test_the_nearest_word_is_named(words: str, told: str, daemon: Daemon) -> None:
    done = daemon.wagman(*words.split())
    assert done.returncode == 2
    assert one_line(done.stderr)
    assert told in done.stderr


def test_the_help_has_every_command_once_and_those_of_developers_last(daemon: Daemon) -> None:
    listed = [name for names in parser.GROUPS.values() for name in names]
    assert sorted(listed) == sorted(parser.COMMANDS)
    shown = daemon.wagman("--help").stdout
    assert shown.index("  status ") < shown.index("  run ") < shown.index("  fake-board ")


# --- Entries ----------------------------------------------------------------------------------------------------------


def test_check_config_is_0_or_2(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text("[device.x1]\nport = 3\nshutdown = []\n")
    bad.write_text("[device.x1]\nport = 9\nshutdown = 5\n")
    codes = [
        subprocess.run([*WAGMAN, "check-config", *words], capture_output=True, check=False).returncode
        for words in ([str(good)], [str(bad)], ["--config", str(good)], ["--config", str(bad)], [str(good), "--config", str(bad)])
    ]
    assert codes == [0, 2, 0, 2, 2]


def test_check_config_without_a_file_is_about_the_one_that_run_reads() -> None:
    done = subprocess.run([*WAGMAN, "check-config", "--help"], capture_output=True, text=True, check=False)
    assert "(default: /etc/wagman/wagman.toml)" in done.stdout
    judged = subprocess.run([*WAGMAN, "check-config"], capture_output=True, text=True, check=False)
    assert "/etc/wagman/wagman.toml" in judged.stdout + judged.stderr


def test_check_config_refuses_what_the_service_would_refuse_on_this_machine(tmp_path: Path) -> None:
    file = tmp_path / "wagman.toml"
    file.write_text('[service]\ncontrol_group = "nosuchgroup"\n[device.x1]\nport = 3\nshutdown = []\n')
    judged = subprocess.run([*WAGMAN, "check-config", str(file)], capture_output=True, text=True, check=False)
    refused = subprocess.run([*WAGMAN, "run", "--config", str(file)], capture_output=True, text=True, check=False)
    told = "service.control_group: there is no group nosuchgroup: create it, or name another one"
    assert (judged.returncode, judged.stdout, judged.stderr) == (2, "", f"{told}\n")
    assert (refused.returncode, told in refused.stderr) == (2, True)


def test_an_interrupt_is_130_in_a_query_too(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    with scripted(daemon.socket, lambda method, params: []) as service:
        running = daemon.begin("status")
        until(lambda: service.asked)
        assert running.interrupt() == (130, "", "")


@pytest.mark.parametrize("command", ["status", "start gn", "events -f"])
def test_a_service_that_hangs_is_exit_3_after_5_seconds(command: str, own_daemon: Daemon) -> None:
    own_daemon.signal(signal.SIGSTOP)
    done = own_daemon.wagman(*command.split())
    assert done.returncode == 3
    assert one_line(done.stderr)
    assert "hangs" in done.stderr


def test_json_is_one_document_each(daemon: Daemon) -> None:
    for command in ("status", "ping gn", "why gn", "board hb", "enable gn", "start gn", "stop gn"):
        json.loads(daemon.wagman(*command.split(), "--json").stdout)


def test_a_path_that_is_too_long_for_a_socket_is_told_with_its_limit(tmp_path: Path) -> None:
    long = tmp_path / ("s" * 108)
    asked = subprocess.run([*WAGMAN, "status", "--socket", str(long)], capture_output=True, text=True, check=False)
    board = [*WAGMAN, "fake-board", "--link", str(tmp_path / "tty"), "--control", str(long)]
    sent = [*WAGMAN, "fake-board", "--send", str(long), "status"]
    told = [subprocess.run(command, capture_output=True, text=True, check=False, timeout=60) for command in (board, sent)]
    for done in (asked, *told):
        assert done.returncode == 2
        assert "bytes too long for a socket, which takes 107: use a shorter path, or a relative one" in done.stderr
