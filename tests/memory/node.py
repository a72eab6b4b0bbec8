"""A node of real processes for the tests: a fake board on a pty, the service on it, and somebody who follows its log."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field

WAGMAN = (sys.executable, "-m", "wagman")
SPEED = 40
DEADLINE_S = 20.0

CONFIG = """
[board]
device = "{dir}/tty"
[service]
socket = "{dir}/sock"
state_dir = "{dir}/state"
[wagman]
normal_interval = "5s"
hibernate_interval = "3s"
hibernate_min = "20s"
[environment]
samples = 2
[environment.temperature_c]
high = 60
hysteresis = 5
[defaults]
adopt_window = "30s"
start_timeout = "40s"
heartbeat_timeout = "30s"
stop_silence = "30s"
backoff_min = "5s"
backoff_max = "20s"
stable_after = "60s"
command_timeout = "60s"
[device.gn]
port = 1
primary = "emmc"
shutdown = {halt_gn}
[device.cs]
port = 2
shutdown = {halt_cs}
"""


@define
class Node:
    """A folder with everything in it, and the processes."""

    dir: Path
    board: subprocess.Popen[bytes]
    service: subprocess.Popen[bytes] | None = None
    starts: int = 0

    def start(self) -> None:
        """Start the service and wait until it answers."""
        self.starts += 1
        with (self.dir / f"service-{self.starts}.log").open("wb") as log:
            command = [*WAGMAN, "run", "--config", str(self.dir / "w.toml"), "--speed", str(SPEED)]
            self.service = subprocess.Popen(command, stdout=log, stderr=log)
        until(lambda: self.try_ask("hello"), "the service answers")

    def kill(self) -> None:
        assert self.service is not None
        self.service.send_signal(signal.SIGKILL)
        self.service.wait()
        self.service = None

    def try_ask(self, method: str, **params: Any) -> Any:
        """The result of a request; None where the service is not there."""
        try:
            with self.connection() as sock:
                sock.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n")
                return json.loads(sock.makefile("rb").readline())["result"]
        except (OSError, ValueError, KeyError):
            return None

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(DEADLINE_S)
            sock.connect(str(self.dir / "sock"))
            yield sock

    def fake(self, *words: str) -> Any:
        """Say something to the fake board."""
        command = [*WAGMAN, "fake-board", "--send", str(self.dir / "control"), *words]
        return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout)


def until(condition: Any, what: str, deadline_s: float = DEADLINE_S) -> Any:
    """Wait for something that another process does."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.01)
    raise AssertionError(f"not within {deadline_s:g} s: {what}")


@contextmanager
def node(folder: Path) -> Iterator[Node]:
    """A node whose board runs; its service is still to be started."""
    halts = {name: json.dumps([*WAGMAN, "fake-board", "--send", f"{folder}/control", "halt", name]) for name in ("gn", "cs")}
    (folder / "w.toml").write_text(CONFIG.format(dir=folder, halt_gn=halts["gn"], halt_cs=halts["cs"]))
    (folder / "state").mkdir()
    guests = ("--guest", "gn:boot=15,beat=5,halt=5", "--guest", "cs:boot=10,beat=5,halt=5")
    command = [*WAGMAN, "fake-board", "--link", f"{folder}/tty", "--control", f"{folder}/control", "--speed", str(SPEED), *guests]
    with (folder / "board.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as board:
        it = Node(folder, board)
        try:
            until(lambda: os.path.lexists(folder / "tty") and (folder / "control").exists(), "the fake board is there")
            yield it
        finally:
            if it.service is not None:
                it.kill()
            board.terminate()


@define
class Follower:
    """Somebody who follows the log across restarts of the service, and remembers every event that was shown."""

    node: Node
    seen: dict[int, dict[str, Any]] = field(factory=dict)
    log_ids: set[str] = field(factory=set)

    def catch_up(self) -> None:
        """Fetch what has been shown since; whatever was shown before must still be there, and the same."""
        since = max(self.seen, default=0)
        while events := self.node.try_ask("events", since=since, limit=500):
            events = events["events"] if isinstance(events, dict) else events
            if not events:
                return
            for event in events:
                self.seen[event["id"]] = event
            since = max(self.seen)

    def everything(self) -> list[dict[str, Any]]:
        """The whole log, as it is now."""
        found: list[dict[str, Any]] = []
        while True:
            answer = self.node.try_ask("events", since=found[-1]["id"] if found else 0, limit=500)
            events = answer["events"] if isinstance(answer, dict) else answer
            if not events:
                return found
            found += events
