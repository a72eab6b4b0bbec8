"""The service on a terminal that is closed, and with nohup."""

import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import termios
from collections.abc import Callable
from contextlib import closing
from typing import Any

from tests.service.kit import WAGMAN, Node, eventually, new_node


def on_terminal(node: Node, prepare: Callable[[], Any]) -> tuple["subprocess.Popen[str]", int]:
    """The service on a terminal of its own, and the other end of that."""
    ours, theirs = os.openpty()

    def begin() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        prepare()

    command = (*WAGMAN, "run", "--config", str(node.config))
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, text=True, preexec_fn=begin)  # noqa: PLW1509
    os.close(theirs)
    node.processes.append(process)
    eventually(node.answers)
    return process, ours


def test_it_ends_in_an_orderly_way_when_its_terminal_is_closed() -> None:
    with new_node() as node:
        process, terminal = on_terminal(node, lambda: None)
        os.close(terminal)
        assert process.wait(timeout=20) == 0
        assert not node.socket.exists()
        told = [event for event in events(node) if event[0] == "service.stopping"]
        assert told == [("service.stopping", {"because": "its terminal was closed"})]


def events(node: Node) -> list[tuple[str, dict[str, str]]]:
    with closing(sqlite3.connect(node.folder / "state" / "wagman.db")) as log:
        return [(type_, json.loads(fields)) for type_, fields in log.execute("SELECT type, fields FROM event ORDER BY id")]


def test_a_request_to_reload_is_none_to_end_while_the_terminal_is_there() -> None:
    with new_node() as node:
        process, terminal = on_terminal(node, lambda: None)
        process.send_signal(signal.SIGHUP)
        eventually(lambda: node.events("service.reloaded"))
        assert process.poll() is None
        os.close(terminal)
        process.wait(timeout=20)


def test_with_nohup_it_outlives_its_terminal() -> None:
    with new_node() as node:
        process, terminal = on_terminal(node, lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        os.close(terminal)
        eventually(lambda: node.events("service.reloaded"))
        assert node.answers()
        process.terminate()
        assert process.wait(timeout=20) == 0


def test_a_fake_board_whose_terminal_is_closed_leaves_nothing_behind() -> None:
    with new_node() as node:
        board = node.start_board()
        eventually(lambda: (node.folder / "tty").exists() and node.control.exists())
        board.send_signal(signal.SIGHUP)
        assert board.wait(timeout=20) == 0
        assert not (node.folder / "tty").is_symlink()
        assert not node.control.exists()
