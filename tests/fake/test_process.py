"""The fake board as a process: its real pty, its control socket, its file."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

WAIT_S = 20.0
FAKE_BOARD = (sys.executable, "-m", "wagman.fake")


def until(condition: Callable[[], Any]) -> Any:
    """What the condition gives once it is true."""
    deadline = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
    return found


def send(place: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FAKE_BOARD, "--send", str(place / "control"), *command], capture_output=True, text=True, check=False, timeout=WAIT_S
    )


def status(place: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(send(place, "status").stdout)
    return result


def start(place: Path, *arguments: str, speed: int = 100) -> subprocess.Popen[str]:
    """A fake board whose tty is there."""
    names = ("--link", str(place / "tty"), "--control", str(place / "control"))
    process = subprocess.Popen([*FAKE_BOARD, *names, "--speed", str(speed), *arguments], stderr=subprocess.PIPE, text=True)
    until((place / "tty").exists)
    return process


@contextmanager
def running(place: Path, *arguments: str, speed: int = 100) -> Iterator[subprocess.Popen[str]]:
    with start(place, *arguments, speed=speed) as process:
        try:
            yield process
        finally:
            process.terminate()
            assert process.wait(WAIT_S) == 0, process.stderr and process.stderr.read()


@contextmanager
def opened(place: Path) -> Iterator[int]:
    tty = os.open(place / "tty", os.O_RDWR | os.O_NOCTTY)
    try:
        yield tty
    finally:
        os.close(tty)


def read_until(tty: int, mark: bytes) -> bytes:
    data = b""
    deadline = time.monotonic() + WAIT_S
    while mark not in data and time.monotonic() < deadline:
        if select.select([tty], [], [], 0.1)[0]:
            data += os.read(tty, 4096)
    assert mark in data
    return data


def ask(tty: int, request: bytes) -> bytes:
    os.write(tty, b"@ask " + request + b"\n")
    return read_until(tty, b"->>>\r\n")


def hung_up(tty: int) -> bool:
    return bool(select.select([tty], [], [], 0)[0]) and os.read(tty, 4096) == b""


def open_files(process: subprocess.Popen[str]) -> int:
    return len(list(Path(f"/proc/{process.pid}/fd").iterdir()))


def test_a_host_opens_the_link_and_is_answered(tmp_path: Path) -> None:
    with running(tmp_path), opened(tmp_path) as tty:
        assert b"<<<- sid=ask boots\r\n1\r\n->>>\r\n" in ask(tty, b"boots")


def test_the_tty_is_raw(tmp_path: Path) -> None:
    with running(tmp_path), opened(tmp_path) as tty:
        os.write(tty, b"@ask ver\x03\x04\n")
        assert read_until(tty, b"->>>\r\n").count(b"@ask") == 0


def test_what_is_said_while_the_port_is_closed_is_lost_and_what_was_not_read_too(tmp_path: Path) -> None:
    with running(tmp_path):
        with opened(tmp_path) as tty:
            ask(tty, b"boots")
            os.write(tty, b"@unread boots\n")
            assert select.select([tty], [], [], WAIT_S)[0]
        send(tmp_path, "fault", "flood", "100")
        time.sleep(0.2)  # the board is seen to look at a closed port 20 times a second
        with opened(tmp_path) as tty:
            said = ask(tty, b"boots")
    assert b"unread" not in said
    assert b"flood" not in said


def test_a_command_that_is_left_in_the_port_is_carried_out(tmp_path: Path) -> None:
    with running(tmp_path):
        with opened(tmp_path) as tty:
            ask(tty, b"boots")
        time.sleep(0.2)
        with opened(tmp_path) as tty:
            os.write(tty, b"@quick enable 3\n")
        until(lambda: status(tmp_path)["eeprom"]["enabled"][3])


def test_an_unplugged_board_hangs_up_and_its_link_goes_until_it_is_replugged(tmp_path: Path) -> None:
    with running(tmp_path):
        with opened(tmp_path) as tty:
            ask(tty, b"boots")
            assert send(tmp_path, "unplug").returncode == 0
            assert not (tmp_path / "tty").is_symlink()
            assert hung_up(tty)
        assert send(tmp_path, "replug").returncode == 0
        with opened(tmp_path) as tty:
            ask(tty, b"boots")


def test_a_reset_hangs_up_and_the_tty_comes_back(tmp_path: Path) -> None:
    with running(tmp_path):
        with opened(tmp_path) as tty:
            ask(tty, b"boots")
            os.write(tty, b"@r reset\n")
            until(lambda: hung_up(tty))
        until((tmp_path / "tty").is_symlink)
        with opened(tmp_path) as tty:
            assert b"\r\n2\r\n" in ask(tty, b"boots")


def test_twenty_reconnects_leak_no_descriptor(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        before = until(lambda: open_files(process))
        for _ in range(20):
            send_raw(tmp_path / "control", b"unplug\nreplug\n", answers=2)
            with opened(tmp_path) as tty:
                os.write(tty, b"\n")
        until(lambda: open_files(process) == before)


def test_a_host_that_does_not_read_does_not_stop_the_board(tmp_path: Path) -> None:
    with running(tmp_path), opened(tmp_path) as tty:
        ask(tty, b"boots")
        assert send(tmp_path, "fault", "flood", "20000").returncode == 0
        assert send(tmp_path, "status").returncode == 0


def test_a_halted_guest_through_send(tmp_path: Path) -> None:
    with running(tmp_path, "--guest", "gn:boot=5,beat=4,halt=1", "--guest", "nc:boot=5"):
        until(lambda: status(tmp_path)["guests"][1]["state"] == "running")
        assert json.loads(send(tmp_path, "halt", "gn").stdout) == {"ok": True}
        until(lambda: status(tmp_path)["guests"][1]["state"] == "halted")
        refused = send(tmp_path, "halt", "gn")
        assert refused.returncode == 1
        assert "halted" in json.loads(refused.stdout)["error"]


def test_send_without_a_fake_board_exits_with_3_and_one_line(tmp_path: Path) -> None:
    result = send(tmp_path, "status")
    assert result.returncode == 3
    assert len(result.stderr.splitlines()) == 1


def test_send_imports_nothing_heavy() -> None:
    code = "import sys, wagman.fake.process; print({'trio', 'attr', 'attrs', 'structlog'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"


def send_raw(path: Path, data: bytes, answers: int) -> list[bytes]:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(WAIT_S)
        client.connect(str(path))
        client.sendall(data)
        with client.makefile("rb") as replies:
            return [replies.readline() for _ in range(answers)]


def send_unfinished(path: Path, text: bytes) -> str:
    """What is answered to a line whose end does not come."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(WAIT_S)
        client.connect(str(path))
        client.sendall(text)
        client.shutdown(socket.SHUT_WR)
        return client.recv(1000).decode()


def test_the_control_socket_takes_several_lines_and_survives_nonsense(tmp_path: Path) -> None:
    with running(tmp_path):
        answers = send_raw(tmp_path / "control", b"temp 50\nnonsense\n\xff\xfe\nhumidity 10\n", answers=4)
        assert [json.loads(answer)["ok"] for answer in answers] == [True, False, False, True]
        assert json.loads(send_raw(tmp_path / "control", b"x" * 10_000, answers=1)[0]) == {"ok": False, "error": "line too long"}
        assert "had no end" in send_unfinished(tmp_path / "control", b"temp 50")
        send_raw(tmp_path / "control", b"status\n", answers=0)  # leaves before the answer
        assert send(tmp_path, "status").returncode == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, "quit"])
def test_it_ends_cleanly_and_takes_its_names_away(tmp_path: Path, how: signal.Signals | str) -> None:
    with running(tmp_path) as process:
        if isinstance(how, str):
            send(tmp_path, how)
        else:
            process.send_signal(how)
        assert process.wait(WAIT_S) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_eeprom_is_kept_in_the_file(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state"))
    for boots in (b"1", b"2"):
        with running(tmp_path, *state), opened(tmp_path) as tty:
            assert b"\r\n" + boots + b"\r\n" in ask(tty, b"boots")
    assert json.loads((tmp_path / "state").read_text())["boots"] == 2


def test_the_names_that_a_dead_fake_board_left_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "tty").symlink_to("/dev/pts/no-such-pty")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "control"))
    with running(tmp_path), opened(tmp_path) as tty:
        ask(tty, b"boots")
        assert send(tmp_path, "status").returncode == 0


def run_to_the_end(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*FAKE_BOARD, *arguments], capture_output=True, text=True, check=False, timeout=WAIT_S)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 2),
        (("--link", "{}/tty", "--guest", "zz:boot=1"), 2),
        (("--link", "{}/tty", "--guest", "gn:boot=x"), 2),
        (("--link", "{}/tty", "--state", "{}/file"), 2),
        (("--link", "{}/file"), 1),
        (("--link", "{}/no/such/folder/tty"), 1),
        (("--link", "{}/tty", "--control", "{}/file"), 1),
        (("--link", "{}/tty", "--control", "{}/no/such/folder/socket"), 1),
    ],
)
def test_what_cannot_be_is_said_in_one_line(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    (tmp_path / "file").write_text("not mine")
    result = run_to_the_end(*(argument.format(tmp_path) for argument in arguments))
    assert result.returncode == code
    assert len(result.stderr.splitlines()) == 1
    assert (tmp_path / "file").read_text() == "not mine"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_second_fake_board_leaves_the_first_ones_socket_alone(tmp_path: Path) -> None:
    with running(tmp_path):
        result = run_to_the_end("--link", str(tmp_path / "other"), "--control", str(tmp_path / "control"))
        assert result.returncode == 1
        assert "another process" in result.stderr
        assert send(tmp_path, "status").returncode == 0


@pytest.mark.parametrize("speed", ["0", "-1", "1001", "inf", "nan", "fast"])
def test_a_speed_that_is_none_is_refused(tmp_path: Path, speed: str) -> None:
    assert run_to_the_end("--link", str(tmp_path / "tty"), "--speed", speed).returncode == 2
