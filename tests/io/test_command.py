"""A board that is a program: real processes, one of the fence agents among them.

That one needs Debian's `fence-agents`, `python3-pexpect` and `python3-pycurl`, and its tests are skipped without them.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st

from tests.service.kit import eventually
from tests.service.test_messages import is_running
from wagman.config.load import loads
from wagman.config.setting import settings
from wagman.io import command
from wagman.io.command import MOST_TIMEOUT_S, Commands, ExecBoard, listed
from wagman.model.backend import BLANK_BOOTS, Abilities, Identity
from wagman.model.errors import BoardError, BoardProtocolError, BoardRefusedError, BoardTimeoutError, ConfigError

FENCE_DUMMY = shutil.which("fence_dummy", path="/usr/sbin:/usr/bin") or ""


def _works(agent: str) -> bool:
    return agent != "" and subprocess.run([agent, "-o", "metadata"], capture_output=True, check=False).returncode == 0


needs_agents = pytest.mark.skipif(
    not _works(FENCE_DUMMY), reason="no fence agents: apt-get install fence-agents python3-pexpect python3-pycurl"
)


def exec_board(**settings: Any) -> Commands:
    return ExecBoard(**{"on": ("true",), "off": ("true",), **settings}).backend()


def shell(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script, "outlet", "%p")


def seen(board: Commands, *ports: str) -> Mapping[str, str]:
    return {port: look.relay for port, look in trio.run(board.look, ports).items()}


def switched(board: Commands, port: str, *, on: bool) -> None:
    async def switch() -> None:
        await board.switch(port, on=on)

    trio.run(switch)


def failure(board: Commands, *ports: str) -> BoardError:
    with pytest.raises(BoardError) as raised:
        seen(board, *ports)
    return raised.value


# An agent of the cluster people ---------------------------------------------------------------------------------------


@needs_agents
def test_a_fence_agent_switches_and_tells(tmp_path: Path) -> None:
    def asked(action: str) -> tuple[str, ...]:
        return (FENCE_DUMMY, f"--status-file={tmp_path}/%p", "-o", action)

    board = exec_board(on=asked("on"), off=asked("off"), status=asked("status"))
    assert seen(board, "1", "2") == {"1": "off", "2": "off"}
    switched(board, "1", on=True)
    assert seen(board, "1", "2") == {"1": "on", "2": "off"}
    switched(board, "1", on=False)
    assert seen(board, "1", "2") == {"1": "off", "2": "off"}


@needs_agents
def test_a_fence_agent_that_does_not_know_is_not_taken_for_off(tmp_path: Path) -> None:
    (tmp_path / "1").write_text("dim")
    (tmp_path / "2").write_text("on")
    board = exec_board(status=(FENCE_DUMMY, f"--status-file={tmp_path}/%p", "-o", "status"))
    assert seen(board, "1", "2") == {"1": "unknown", "2": "on"}
    error = failure(board, "1")
    assert isinstance(error, BoardRefusedError)
    assert "status of 1: exit status 1: " in str(error)
    assert "Unable to obtain correct plug status" in str(error)


@needs_agents
def test_a_fence_agent_that_does_not_like_its_arguments_is_not_taken_for_off() -> None:
    error = failure(exec_board(status=(FENCE_DUMMY, "--no-such-option", "-o", "status")), "1")
    assert "exit status 1: " in str(error)


@needs_agents
def test_a_fence_agent_that_cannot_list_is_an_error() -> None:
    error = failure(exec_board(list_status=(FENCE_DUMMY, "-o", "list-status")), "1", "2")
    assert isinstance(error, BoardRefusedError)
    assert "Unrecognised action 'list-status'" in str(error)


AGENT = """
import sys

sys.path.append("/usr/share/fence")
from fencing import check_input, fence_action, process_input

OUTLETS = {"1": ("rack, left", "on"), "2": ("", "off"), "3": ("", "paused")}
WANTED = ["port", "no_login", "no_password"]
options = check_input(WANTED, process_input(WANTED))
sys.exit(fence_action(None, options, None, lambda _, each: OUTLETS[each["--plug"]][1], lambda *_: OUTLETS))
"""


@needs_agents
def test_what_the_library_of_the_fence_agents_lists_is_what_it_says_of_each(tmp_path: Path) -> None:
    """An agent of ours, whose words and exit statuses are theirs."""
    (tmp_path / "agent").write_text(AGENT)
    agent = ("/usr/bin/python3", str(tmp_path / "agent"))
    for board in (exec_board(list_status=(*agent, "-o", "list-status")), exec_board(status=(*agent, "-o", "status", "-n", "%p"))):
        assert seen(board, "1", "2", "3", "4") == {"1": "on", "2": "off", "3": "unknown", "4": "unknown"}


# Exit status ----------------------------------------------------------------------------------------------------------


def test_0_is_on_2_is_off_and_any_other_end_says_nothing() -> None:
    scripts = {"on": "exit 0", "off": "exit 2", "1": "exit 1", "126": "exit 126", "127": "exit 127", "killed": "kill -9 $$"}
    script = f"case $1 in {' '.join(f'{port}) {end};;' for port, end in scripts.items())} esac"
    assert seen(exec_board(status=shell(script)), *scripts) == {
        "on": "on",
        "off": "off",
        **dict.fromkeys(("1", "126", "127", "killed"), "unknown"),
    }


@pytest.mark.parametrize("status", [1, 3, 126, 127, 255])
def test_where_nothing_is_known_of_any_port_the_last_reason_is_told(status: int) -> None:
    error = failure(exec_board(status=shell(f"echo trying; echo port $1 is sick >&2; exit {status}")), "1", "2")
    assert isinstance(error, BoardRefusedError)
    assert str(error) == f"status of 2: exit status {status}: trying / port 2 is sick"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "echo Status: OFF",
        "echo off",
        "echo Chassis Power is off",
        "echo a warning; echo OFF.",
        "echo 3: off, 0.0 W",
        "echo plug 3 is on strip A, OFF",
        "echo '  Port 2: 0000 off'",
        "echo 'INTEGER: off(2)'",
        "echo Power Off",
        """echo '{"state": "off"}'""",
    ],
)
def test_an_off_is_said_by_the_exit_status_alone_or_in_words_as_well(said: str) -> None:
    assert seen(exec_board(status=shell(f"{said}\nexit 2")), "1") == {"1": "off"}


@pytest.mark.parametrize(
    "program",
    [
        ("sh", "/nowhere/status.sh", "%p"),
        ("bash", "-c", "if then fi"),
        ("perl", "/nowhere/status.pl", "%p"),
        (sys.executable, "/nowhere/status.py", "%p"),
        (
            sys.executable,
            "-c",
            "import argparse; a = argparse.ArgumentParser(); a.add_argument('x', choices=['off']); a.parse_args()",
        ),
        (sys.executable, "/nowhere/turn-off.py"),
        ("sh", "/nowhere/off.d/status"),
        (
            sys.executable,
            "-c",
            "import argparse; a = argparse.ArgumentParser(); a.add_argument('x', choices=['on', 'off']); a.parse_args(['read'])",
        ),
        ("sh", "-c", "echo 'Usage: plug on|off PORT'; exit 2"),
        ("sh", "-c", "echo 'the action is one of on, off'; exit 2"),
        ("sh", "-c", "echo 'say on or off'; exit 2"),
        ("grep", "-q", "on", "/nowhere"),
        ("ls", "/nowhere"),
    ],
)
def test_a_program_that_ends_with_2_because_it_failed_is_not_taken_for_off(program: Sequence[str]) -> None:
    board = exec_board(status=program)
    assert "status of 1: exit status " in str(failure(board, "1"))


@pytest.mark.parametrize(
    "said",
    [
        "Failed: Unable to power off, permission denied",
        "Failed to power off: permission denied",
        "cannot tell whether the outlet is off",
        "the outlet is not off",
        "could not read: state off",
        "the plug doesn't say: off",
        "timed out, off",
        "unknown: off",
        "now I switch it off",
        "turn off",
        "3 attempts to power it off",
    ],
)
def test_an_off_in_the_words_of_a_failure_is_none(said: str) -> None:
    board = exec_board(status=("sh", "-c", 'echo "$1"; exit 2', "sh", said))
    assert "status of 1: exit status 2: " in str(failure(board, "1"))


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("status", [1, 2, 127])
def test_a_switching_that_fails_is_refused_in_its_words(on: bool, status: int) -> None:
    board = exec_board(on=shell(f"echo no; exit {status}"), off=shell(f"echo no; exit {status}"))
    with pytest.raises(BoardRefusedError, match=f"^{'on' if on else 'off'} of 7: exit status {status}: no$"):
        switched(board, "7", on=on)


@pytest.mark.parametrize("program", ["/nowhere/at/all", "/etc/passwd", "/"])
def test_a_program_that_cannot_be_run_is_an_error(program: str) -> None:
    for board in (exec_board(status=(program,)), exec_board(list_status=(program,))):
        assert "cannot be run: [Errno " in str(failure(board, "1"))
    with pytest.raises(BoardRefusedError, match=r"on of 1: cannot be run: \[Errno "):
        switched(exec_board(on=(program,)), "1", on=True)


# Bounds ---------------------------------------------------------------------------------------------------------------


def test_a_command_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    script = shell(f"sh -c 'echo $$ >{tmp_path}/child; sleep 60; true'; true")
    began_s = time.monotonic()
    error = failure(exec_board(status=script, timeout_s=0.5), "1")
    assert isinstance(error, BoardTimeoutError)
    assert str(error) == "status of 1: ended after 0.5 s without an answer"
    eventually(lambda: not is_running(tmp_path / "child"), within_s=10)
    with pytest.raises(BoardTimeoutError, match=r"off of 1: ended after 0\.5 s"):
        switched(exec_board(off=script, timeout_s=0.5), "1", on=False)
    eventually(lambda: not is_running(tmp_path / "child"), within_s=10)
    assert time.monotonic() - began_s < 20


def test_a_command_does_not_outlive_the_look_that_it_was_run_for(tmp_path: Path) -> None:
    board = exec_board(status=shell(f"echo $$ >{tmp_path}/pid; exec sleep 60"))

    async def cancelled() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(board.look, ["1"])
            await trio.to_thread.run_sync(eventually, (tmp_path / "pid").exists)
            nursery.cancel_scope.cancel()

    trio.run(cancelled)
    eventually(lambda: not is_running(tmp_path / "pid"), within_s=10)


def test_what_one_look_had_no_time_for_comes_first_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """One outlet that hangs must not hide those behind it for ever."""
    monkeypatch.setattr(command, "LOOK_S", 1.9)
    board = exec_board(status=shell("case $1 in slow*) exec sleep 60;; esac"), timeout_s=1.0)
    ports = ("slow 1", "slow 2", "a", "b")
    assert "status of slow 1: ended after 1 s" in str(failure(board, *ports))
    assert seen(board, *ports) == {"slow 1": "unknown", "slow 2": "unknown", "a": "on", "b": "on"}


def test_a_flood_is_cut_and_its_end_is_told() -> None:
    error = failure(exec_board(status=shell("yes | head -c 10000000; echo; echo the end; exit 1")), "1")
    assert str(error).startswith("status of 1: exit status 1: ")
    assert str(error).endswith(" / the end")
    assert len(str(error)) < 400


def test_what_an_error_repeats_is_short_and_can_be_printed() -> None:
    error = failure(exec_board(status=shell(r"yes boom | tr '\n' ' ' | head -c 5000; printf '\033[2J\007\377'; exit 3")), "1")
    assert str(error).endswith("boom \\x1b[2J\\x07\N{REPLACEMENT CHARACTER}")
    assert str(error).isprintable()
    assert len(str(error)) < 400


# One call for all -----------------------------------------------------------------------------------------------------


def listing(*lines: str) -> tuple[str, ...]:
    return ("printf", "%s\\n", *lines)


def test_a_listing_shows_all_outlets_at_once(tmp_path: Path) -> None:
    told = listing(
        "1,rack left,ON", "2,,OFF", "3,a,b,On", "a b,odd one, off ", "4,,PAUSED", "5,,ON", "5,,OFF", "WARNING: old TLS, on"
    )
    board = exec_board(list_status=told, status=shell(f"touch {tmp_path}/asked"))
    assert seen(board, "1", "2", "3", "a b", "4", "5", "6") == {
        "1": "on",
        "2": "off",
        "3": "on",
        "a b": "off",
        "4": "unknown",
        "5": "unknown",
        "6": "unknown",  # neither; both; not there
    }
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize("told", [(), ("NOTICE: List option is not working on this device yet",), ("1,off", "2,on"), ("x,,ON",)])
def test_a_listing_without_any_of_the_outlets_is_an_error(told: Sequence[str]) -> None:
    error = failure(exec_board(list_status=listing(*told)), "1", "2")
    assert isinstance(error, BoardProtocolError)
    assert str(error).startswith("list_status: it tells of none of 1, 2")


def test_a_listing_that_tells_no_state_of_any_of_the_outlets_is_an_error() -> None:
    error = failure(exec_board(list_status=listing("1,nas,UNKNOWN", "2,,ON", "2,,OFF", "3,,ON")), "1", "2")
    assert isinstance(error, BoardProtocolError)
    assert str(error).startswith("list_status: it tells neither on nor off of 1, 2")


def test_a_listing_that_tells_the_state_of_one_is_none() -> None:
    assert seen(exec_board(list_status=listing("1,nas,UNKNOWN", "2,,ON")), "1", "2") == {"1": "unknown", "2": "on"}


def test_a_listing_that_failed_is_not_believed() -> None:
    error = failure(exec_board(list_status=shell("echo 1,,OFF; echo no route >&2; exit 1")), "1")
    assert str(error) == "list_status: exit status 1: 1,,OFF / no route"


def test_a_listing_that_is_too_long_is_not_believed() -> None:
    """Of a line whose beginning is missing nobody knows which outlet it is about."""
    error = failure(exec_board(list_status=shell("yes 11,,ON | head -c 10000000")), "1")
    assert isinstance(error, BoardProtocolError)
    assert "64 KiB" in str(error)


@given(st.dictionaries(st.from_regex(r"[A-Za-z0-9 _.-]*[A-Za-z0-9]", fullmatch=True), st.sampled_from(("ON", "OFF", "UNKNOWN"))))
def test_what_is_listed_is_read_as_it_is_meant(meant: Mapping[str, str]) -> None:
    lines = "".join(
        f"{plug},{name},{state}\n" for (plug, state), name in zip(meant.items(), ["", "x,y", "ON", "OFF"] * 99, strict=False)
    )
    assert listed(lines) == {plug.strip(): state.lower() for plug, state in meant.items()}


@given(st.text(alphabet=st.sampled_from("12,ON FUo\n\r\t\x1b\u00e9"), max_size=60))
@example("1,,ON,OFF")
def test_a_listing_never_shows_what_no_line_says(text: str) -> None:
    for plug, state in listed(text).items():
        lines = [line for line in text.splitlines() if line.split(",")[0].strip() == plug and line.count(",") > 1]
        assert lines
        assert state == "unknown" or all(line.rsplit(",", 1)[1].strip().lower() == state for line in lines)


# Ports ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("port", ["7", "a b", "$(reboot)", "; reboot", "'", '"', "-o", "%p", "\u00f6", "*", "\\", "a" * 64])
def test_whatever_a_port_is_called_it_is_one_argument_and_no_shell_sees_it(port: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import sys, json; open(sys.argv[1], 'w').write(json.dumps(sys.argv[2:]))")
    board = exec_board(on=(sys.executable, str(program), str(tmp_path / "told"), "on", "%p", "--plug=%p"))
    switched(board, ExecBoard.port_kind.read(port), on=True)
    assert json.loads((tmp_path / "told").read_text()) == ["on", port, f"--plug={port}"]


# What can be believed of it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "readback"),
    [
        ({}, "none"),
        ({"readback": "told"}, "none"),  # nothing reads it
        ({"status": ("true",)}, "told"),
        ({"list_status": listing("1,,ON")}, "told"),
        ({"status": ("true",), "readback": "none"}, "none"),
    ],
)
def test_without_a_status_nothing_is_ever_known(settings: Mapping[str, Any], readback: str) -> None:
    board = exec_board(**settings)
    assert board.abilities == Abilities(readback=readback, pulse=False)  # type: ignore[arg-type]
    assert seen(board, "1") == {"1": "on" if readback == "told" else "unknown"}


def test_it_has_no_identity_and_shows_no_arguments() -> None:
    """Passwords may be among them."""
    board = exec_board(on=("fence_apc", "-p", "secret", "-o", "on"))
    assert trio.run(board.greet) == Identity(None, BLANK_BOOTS, None)
    assert board.address == "fence_apc"


def test_nothing_asked_is_nothing_seen() -> None:
    for board in (exec_board(), exec_board(status=("true",)), exec_board(list_status=("true",))):
        assert seen(board) == {}


def test_what_the_file_may_say() -> None:
    board = ExecBoard(on=("a",), off=("b",))
    assert (board.poll_s, board.timeout_s) == (60, 20)
    timeout = settings(ExecBoard)["timeout"].metadata["setting"].kind
    assert timeout.read("30s") == MOST_TIMEOUT_S
    for value in ("31s", "0s", -5, "soon"):
        with pytest.raises(ValueError, match="duration"):
            timeout.read(value)


def test_what_switches_is_some_program() -> None:
    for key in ("on", "off"):
        program = settings(ExecBoard)[key].metadata["setting"].kind
        assert program.read(["poweroff", "%p"]) == ("poweroff", "%p")
        for value in ([], [""], "poweroff", None, [1]):
            with pytest.raises(ValueError, match="a list of non-empty strings"):
                program.read(value)


def said_of(keys: str, ports: Sequence[str]) -> str:
    """What check-config says of a board with these keys, and a guest on each of these ports."""
    guests = "".join(
        f"[device.g{number}]\nport = {port!r}\nshutdown = []\nheartbeat = false\n" for number, port in enumerate(ports)
    )
    try:
        loads(f'[board]\nkind = "exec"\n{keys}\n{guests}', "wagman.toml")
    except ConfigError as error:
        return "\n".join(error.problems)
    return ""


SAME = 'on = ["plug", "on"]\noff = ["plug", "off"]\nstatus = ["plug"]'
OF_EACH = SAME.replace("]", ', "-n%p"]')


@pytest.mark.parametrize(
    ("keys", "ports", "wrong"),
    [
        (SAME, "12", ["on", "off", "status"]),
        (SAME, "1", []),  # it has one outlet, which has no name
        (OF_EACH, "12", []),
        (OF_EACH.replace('"off", "-n%p"', '"off", "-n1"'), "12", ["off"]),  # one guest's off would cut the other
        (OF_EACH.replace('status = ["plug", "-n%p"]', 'status = ["plug"]\nlist_status = ["plug"]'), "12", []),
    ],
)
def test_commands_that_are_the_same_for_each_port_are_refused(keys: str, ports: str, wrong: Sequence[str]) -> None:
    said = said_of(keys, ports)
    assert [key for key in ("on", "off", "status") if f"board.{key}: %p is needed in it" in said] == wrong
    assert bool(said) == bool(wrong)
