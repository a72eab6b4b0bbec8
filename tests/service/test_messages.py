"""The commands that tell a guest to halt: real processes."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import asdict

from tests.service.kit import eventually
from wagman.model import process
from wagman.tasks.messages import FAILURES, MAX_OUTPUT, Delivery, MessageFailures, run_command


def is_running(pid_file: Path) -> bool:
    """Whether that process lives: an orphan stays a zombie where nobody reaps it."""
    status = Path("/proc") / pid_file.read_text().strip() / "status"
    with suppress(FileNotFoundError, ProcessLookupError):
        return "State:\tZ" not in status.read_text()
    return False


def delivered(*command: str, timeout_s: float = 10.0) -> Delivery:
    return trio.run(run_command, command, os.environ, timeout_s)


def test_what_the_command_said_and_how_it_ended_is_told() -> None:
    assert delivered("sh", "-c", "echo bye; echo really >&2") == Delivery(True, "exit status 0", "bye\nreally")
    assert delivered("sh", "-c", "echo no; exit 3") == Delivery(False, "exit status 3", "no")


def test_a_command_that_cannot_be_run_is_a_failure_and_no_error() -> None:
    assert delivered("/nowhere/at/all").detail.startswith("cannot be run: ")
    assert not delivered("nul\0").ok


def test_a_child_that_keeps_the_output_open_is_not_waited_for() -> None:
    began_s = time.monotonic()
    assert delivered("sh", "-c", "sleep 30 & echo bye") == Delivery(True, "exit status 0", "bye")
    assert time.monotonic() - began_s < 10


def test_output_that_comes_in_the_last_moment_is_not_lost() -> None:
    assert all(delivered("sh", "-c", "echo bye").output == "bye" for _ in range(20))


def test_only_the_end_of_a_flood_is_kept() -> None:
    told = delivered("sh", "-c", "yes | head -c 1000000; echo end")
    assert told.ok
    assert told.output.endswith("y\nend")
    assert len(told.output) <= MAX_OUTPUT


@pytest.mark.parametrize("prelude", ["", "trap '' TERM; "])
def test_a_command_that_takes_too_long_is_ended(tmp_path: Path, prelude: str) -> None:
    told = delivered("sh", "-c", f"{prelude}echo $$ > {tmp_path}/pid; while :; do sleep 0.1; done", timeout_s=0.5)
    assert told == Delivery(False, "ended after 0.5 s without an answer", "")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize("prelude", ["", 'trap "" TERM; '])
def test_what_a_command_started_is_ended_with_it(tmp_path: Path, prelude: str) -> None:
    """As an ssh that hangs in a script."""
    told = delivered("sh", "-c", f"sh -c '{prelude}echo $$ > {tmp_path}/pid; sleep 30; true'; true", timeout_s=0.5)
    assert told.detail == "ended after 0.5 s without an answer"
    eventually(lambda: not is_running(tmp_path / "pid"), within_s=10)


@pytest.mark.parametrize("why", [None, PermissionError])
def test_a_command_that_cannot_be_ended_holds_nobody_up(why: type[OSError] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system that has gone away, or as another user."""
    processes: list[trio.Process] = []
    asked: list[int] = []
    really_open = trio.lowlevel.open_process

    async def open_process(*args: Any, **kwargs: Any) -> trio.Process:
        processes.append(await really_open(*args, **kwargs))
        return processes[-1]

    def killpg(_pid: int, number: int) -> None:
        asked.append(number)
        if why is not None:
            raise why

    monkeypatch.setattr(trio.lowlevel, "open_process", open_process)
    monkeypatch.setattr(os, "killpg", killpg)
    monkeypatch.setattr(process, "KILL_GRACE_S", 0.1)
    assert delivered("sleep", "30", timeout_s=0.1) == Delivery(False, "could not be ended after 0.1 s without an answer")
    assert asked == [signal.SIGTERM, signal.SIGKILL]
    processes[0].kill()
    trio.run(processes[0].wait)


def test_a_command_does_not_outlive_the_one_who_asked_for_it(tmp_path: Path) -> None:
    async def cancelled() -> None:
        with trio.move_on_after(0.5):
            await run_command(("sh", "-c", f"echo $$ > {tmp_path}/pid; exec sleep 30"), os.environ, 60)

    trio.run(cancelled)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


# --- What is concluded from them --------------------------------------------------------------------------------------

HALT, OTHER = ("ssh", "gn", "poweroff"), ("ssh", "gn", "sudo", "poweroff")
REFUSED = Delivery(False, "exit status 255", "no route to host")


def failed(times: int, command: tuple[str, ...] = HALT, before: MessageFailures | None = None) -> MessageFailures:
    telling = before or MessageFailures()
    for _ in range(times):
        telling = telling.after(REFUSED, command)
    return telling


def test_a_command_that_fails_again_and_again_is_at_fault() -> None:
    assert failed(FAILURES - 1).trouble([HALT], is_mute=False) is None
    assert failed(FAILURES).trouble([HALT], is_mute=False) == "exit status 255: no route to host"
    assert failed(1).trouble([HALT], is_mute=True) == "exit status 255: no route to host"


def test_one_that_cannot_be_run_is_at_fault_at_once() -> None:
    telling = MessageFailures().after(Delivery(False, "cannot be run: no such file"), HALT)
    assert telling.trouble([HALT], is_mute=False) == "cannot be run: no such file"


def test_of_a_command_that_was_put_in_its_place_nothing_is_known() -> None:
    assert failed(FAILURES).trouble([OTHER], is_mute=False) is None
    assert failed(FAILURES).trouble([OTHER, HALT], is_mute=False) is not None  # it still asks for a restart
    assert failed(1, OTHER, failed(FAILURES)).trouble([OTHER], is_mute=False) is None
    assert failed(FAILURES, OTHER, failed(FAILURES)).trouble([OTHER], is_mute=False) is not None


def test_what_an_earlier_version_kept_counts_on() -> None:
    kept = MessageFailures(failures=FAILURES - 1, detail="exit status 255")
    assert failed(1, HALT, kept).trouble([HALT], is_mute=False) is not None
    assert MessageFailures(failures=FAILURES, detail="exit status 255").trouble([HALT], is_mute=False) == "exit status 255"


def test_what_is_kept_of_a_command_shows_no_word_of_it() -> None:
    telling = failed(1, ("halt", "--password", "hunter2"))
    assert not any("hunter2" in str(value) for value in asdict(telling).values())
