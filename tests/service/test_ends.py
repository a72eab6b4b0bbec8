"""How the service begins and ends: exit codes, and what it says."""

import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import tty
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest
import trio

from tests.service.kit import PATIENCE_S, Node, eventually, new_node, running_node
from wagman.config.schema import Config
from wagman.io.shelly import ShellyBoard
from wagman.model.backend import FAKE_MAC
from wagman.model.errors import ConfigError, LinkGoneError
from wagman.service.claim import StateTakenError, claimed
from wagman.service.port import check_speed, open_port


def complaint(node: Node, *arguments: str) -> tuple[int, str]:
    """How `wagman ARGUMENTS` ends, and what it says about it."""
    process = node.start(*arguments)
    _, stderr = process.communicate(timeout=PATIENCE_S)
    return process.returncode, stderr


def run(node: Node, *more: str) -> tuple[int, str]:
    return complaint(node, "run", "--config", str(node.config), *more)


def test_it_ends_in_an_orderly_way_without_a_board() -> None:
    with new_node() as node:
        service = node.start_service()
        eventually(node.answers)
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=10) == 0
        assert not node.socket.exists()
        assert service.stderr
        assert service.stderr.read() == ""


def test_the_socket_has_the_mode_that_its_group_needs() -> None:
    with new_node() as node:
        node.start_service()
        eventually(node.answers)
        assert stat.S_IMODE(node.socket.stat().st_mode) == 0o660


def test_a_second_service_on_the_same_socket_is_turned_away_and_the_first_goes_on() -> None:
    with running_node() as (node, _board, _service):
        code, stderr = run(node, "--speed", "20")
        assert code == 4
        assert stderr.startswith("wagman: ")
        assert str(node.socket) in stderr
        node.require_nobody_was_cut()


def test_a_second_service_on_the_same_state_is_turned_away_whatever_its_socket_and_the_first_goes_on() -> None:
    with running_node() as (node, _board, _service):
        another = node.folder / "another.toml"
        another.write_text(node.config.read_text().replace(str(node.socket), f"{node.folder}/another"))
        code, stderr = complaint(node, "run", "--config", str(another), "--speed", "20")
        assert code == 4
        assert stderr.startswith(f"wagman: another service keeps its state in {node.folder / 'state'}: ")
        node.require_nobody_was_cut()


@pytest.mark.parametrize(("dead", "is_refused"), [("DXZ", True), ("RS", False)])
def test_who_was_killed_and_waits_for_its_disk_keeps_nobody_from_supervising(
    dead: str, *, is_refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wagman.service.claim.DEAD", frozenset(dead))  # this process takes the part of the killed one

    async def main() -> None:
        async with claimed(tmp_path):
            with pytest.raises(StateTakenError) if is_refused else nullcontext():
                async with claimed(tmp_path, speed=0.02):
                    pass

    trio.run(main)


def test_a_state_directory_that_cannot_be_claimed_is_done_without(tmp_path: Path) -> None:
    async def main() -> None:
        async with claimed(tmp_path / "no" / "place"):
            pass

    trio.run(main)


def test_a_socket_that_a_dead_service_left_behind_is_replaced() -> None:
    with new_node() as node:
        service = node.start_service()
        eventually(node.answers)
        service.kill()
        service.wait()
        assert node.socket.exists()
        node.start_service()
        eventually(node.answers)


def test_a_task_that_keeps_crashing_ends_it_with_an_error() -> None:
    defect = "from wagman.tasks.supervisor import Supervisor; Supervisor.run = lambda self: 1 / 0"
    with new_node() as node:
        command = [sys.executable, "-c", f"{defect}; import sys; from wagman.cli import main; sys.exit(main())"]
        done = subprocess.run(
            [*command, "run", "--config", str(node.config), "--speed", "20"],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 1
        assert done.stderr.startswith("wagman: the task wagman crashed 5 times in a row: ZeroDivisionError")
        assert done.stdout.count("service.task_failed") == 5


def test_a_port_that_somebody_else_holds_is_a_refusal() -> None:
    with new_node() as node:
        master, slave = os.openpty()
        try:
            tty.setraw(slave)
            fcntl.flock(slave, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (node.folder / "tty").symlink_to(os.ttyname(slave))
            code, stderr = run(node)
        finally:
            os.close(slave)
            os.close(master)
        assert code == 4, stderr
        assert "another process holds the port" in stderr
        assert not node.socket.exists()


def test_a_bad_configuration_is_refused_with_every_error() -> None:
    with new_node() as node:
        node.config.write_text('[board]\npol = 5\n\n[device.gn]\nport = 9\nshutdown = "halt"\n')
        code, stderr = run(node)
        assert code == 2
        for place in (":2: board.pol", ":5: device.gn.port", ":6: device.gn.shutdown"):
            assert place in stderr


def test_a_configuration_that_is_not_there_is_refused() -> None:
    with new_node() as node:
        node.config.unlink()
        code, stderr = run(node)
        assert code == 2
        assert str(node.config) in stderr


@pytest.mark.parametrize("real", ["/dev/null", "/dev/zero"])
def test_a_faster_clock_is_refused_on_what_is_no_pty(real: str) -> None:
    with new_node() as node:
        (node.folder / "tty").symlink_to(real)
        code, stderr = run(node, "--speed", "20")
        assert code == 2
        assert "--speed is for ptys only" in stderr


@pytest.mark.parametrize(("mac", "is_taken"), [(FAKE_MAC, True), ("AABBCCDDEEFF", False), (None, False)])
def test_a_faster_clock_is_refused_on_a_plug_that_may_be_a_real_one(mac: str | None, *, is_taken: bool) -> None:
    config = Config(boards=(ShellyBoard(host="127.0.0.1", id=mac),))
    check_speed(config, 1)
    with nullcontext() if is_taken else pytest.raises(ConfigError, match="board may be a real one: leave it out"):
        check_speed(config, 20)


def test_a_faster_clock_never_opens_a_real_port_that_appears_later() -> None:
    with pytest.raises(LinkGoneError, match="is a real port"):
        trio.run(partial(open_port, "/dev/zero", ptys_only=True))


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf", "fast"])
def test_a_speed_that_is_none_is_a_usage_error(speed: str) -> None:
    with new_node() as node:
        assert run(node, f"--speed={speed}")[0] == 2


def test_a_state_directory_that_cannot_be_written_does_not_keep_it_from_supervising() -> None:
    with new_node() as node:
        (node.folder / "state").write_text("this is no directory")
        node.start_board()
        node.start_service()
        eventually(node.all_started)
        node.require_nobody_was_cut()


HANGS = """
import os, threading
real = os.fsync
def fsync(fd):
    if os.readlink(f"/proc/self/fd/{fd}").endswith("last-good.toml.new"):
        threading.Event().wait()
    real(fd)
os.fsync = fsync
"""
"""A module that Python runs first: the disk never answers about the copy of the configuration."""


def test_a_disk_that_hangs_over_the_copy_of_the_configuration_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with new_node() as node:
        monkeypatch.setenv("STATE_DIRECTORY", str(node.folder))
        monkeypatch.setenv("PYTHONPATH", str(node.folder))
        (node.folder / "sitecustomize.py").write_text(HANGS)
        node.start_board()
        service = node.start_service()
        eventually(node.all_started)
        eventually(lambda: node.events("service.config_not_kept"))
        service.terminate()
        assert service.wait(PATIENCE_S) == 0


def test_each_event_is_a_line_of_json_on_its_standard_output() -> None:
    with new_node() as node:
        service = node.start_service(stdout=subprocess.PIPE)
        assert service.stdout
        with service.stdout as lines:
            types = [json.loads(next(lines))["type"] for _ in range(3)]
        assert types == ["store.opened", "service.started", "link.down"]
