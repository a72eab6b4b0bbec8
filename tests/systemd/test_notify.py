"""Speaking to systemd: real datagrams to a real socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagman.systemd.notify import Notifier


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(0)
        yield sock


def heard(listener: socket.socket) -> list[str]:
    return listener.recv(4096).decode().splitlines()


def test_each_field_is_a_line(listener: socket.socket) -> None:
    Notifier(listener.getsockname()).say(READY="1", STATUS="normal")
    assert heard(listener) == ["READY=1", "STATUS=normal"]


def test_a_status_is_one_line_whatever_it_holds(listener: socket.socket) -> None:
    Notifier(listener.getsockname()).say(STATUS="so\nFDSTORE=1\r\nor so")
    assert heard(listener) == ["STATUS=so FDSTORE=1 or so"]


def test_an_abstract_socket_is_one_too() -> None:
    name = f"wagman-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name}")
        Notifier(f"@{name}").say(READY="1")
        assert heard(sock) == ["READY=1"]


def test_what_could_not_be_said_is_said_with_the_next(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    notifier = Notifier(str(path))
    notifier.say(READY="1", STATUS="old", WATCHDOG="1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        notifier.say(STATUS="new")
        assert heard(sock) == ["READY=1", "STATUS=new"], "a sign of life is good for its moment only"
        notifier.say(STATUS="newer")
        assert heard(sock) == ["STATUS=newer"]


def test_a_systemd_that_does_not_read_holds_nobody_up(listener: socket.socket) -> None:
    notifier = Notifier(listener.getsockname())
    for number in range(100):  # far more than its queue takes
        notifier.say(STATUS=str(number))
        if notifier._unsaid:
            break
    assert notifier._unsaid
    heard(listener)
    notifier.say(READY="1")
    assert not notifier._unsaid


def test_without_systemd_nothing_is_kept() -> None:
    notifier = Notifier.of({})
    notifier.say(READY="1")
    assert (notifier.address, notifier.watchdog_s, notifier._unsaid) == (None, None, {})


def test_what_is_meant_for_the_service_is_not_left_to_its_children() -> None:
    environ = {"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid()), "HOME": "/"}
    notifier = Notifier.of(environ)
    assert (notifier.address, notifier.watchdog_s) == ("/run/n", 60.0)
    assert environ == {"HOME": "/"}


def test_the_watchdog_of_another_process_is_not_ours() -> None:
    assert Notifier.of({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}).watchdog_s is None


@given(st.text())
def test_a_limit_that_makes_no_sense_is_none(text: str) -> None:
    watchdog_s = Notifier.of({"WATCHDOG_USEC": text}).watchdog_s
    assert (watchdog_s is None) == (not text.isdecimal())
