"""A node of real processes: `wagman run` and `wagman fake-board`, with a real pty and real sockets between them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import define, field

from wagman.client.blocking import Client
from wagman.client.errors import ClientError

SPEED = 25.0
PATIENCE_S = 60.0  # real time: how long anything may take before a test gives up
GUESTS = ("gn", "cs", "x1")
WAGMAN = (sys.executable, "-m", "wagman")

CONFIG = """
[board]
device = "{folder}/tty"

[service]
socket = "{folder}/socket"
state_dir = "{folder}/state"

[environment.temperature_c]

[wagman]
normal_interval = "5s"

[defaults]
adopt_window = "5s"
heartbeat_timeout = "30s"
stop_silence = "30s"
command_timeout = "2min"

[device.nc]
port = 0
self = true

[device.gn]
port = 1
shutdown = {halt_gn}

[device.cs]
port = 2
shutdown = {halt_cs}

[device.x1]
port = 3
heartbeat = false
shutdown = []
"""


def eventually(condition: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Other processes tell by no event when they are done: look again and again."""
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, f"not within {within_s:g} s"
        time.sleep(0.05)


def asked(path: Path, line: str) -> Any:
    """The answer of whoever listens at `path` to one line."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE_S)
        client.connect(str(path))
        client.sendall(line.encode() + b"\n")
        with client.makefile() as answers:
            return json.loads(answers.readline())


def environment() -> dict[str, str]:
    """Without what would make a child's coverage, colours or questions depend on where the tests run."""
    return {**{key: value for key, value in os.environ.items() if key != "SSH_CONNECTION"}, "NO_COLOR": "1"}


@define
class Node:
    """A folder with a configuration, and the processes started for it."""

    folder: Path
    processes: list[subprocess.Popen[str]] = field(factory=list)
    switches: list[Any] = field(factory=list)  # those that were made until the guests were up

    # Processes ---------------------------------------------------------------

    def start(self, *arguments: str, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            (*WAGMAN, *arguments),
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self.processes.append(process)
        return process

    def start_board(self) -> subprocess.Popen[str]:
        guests = ("--guest", "gn:boot=5,beat=8", "--guest", "cs:boot=5,beat=8", "--guest", "x1:beat=0")
        places = ("--link", str(self.folder / "tty"), "--control", str(self.control))
        return self.start("fake-board", *places, "--speed", str(SPEED), *guests)

    def start_service(self, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        return self.start("run", "--config", str(self.config), "--speed", str(SPEED), stdout=stdout)

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()
            if process.stderr:
                process.stderr.close()

    # Places ------------------------------------------------------------------

    @property
    def config(self) -> Path:
        return self.folder / "wagman.toml"

    @property
    def control(self) -> Path:
        return self.folder / "control"

    @property
    def socket(self) -> Path:
        return self.folder / "socket"

    def configure(self, text: str = CONFIG) -> None:
        halt = {f"halt_{name}": json.dumps([*WAGMAN, "fake-board", "--send", str(self.control), "halt", name]) for name in GUESTS}
        self.config.write_text(text.format(folder=self.folder, **halt))

    # Questions ---------------------------------------------------------------

    def board(self, command: str) -> Any:
        answer = asked(self.control, command)
        assert answer.get("ok", True), answer
        return answer

    def call(self, method: str, **params: object) -> Any:
        with Client(str(self.socket)) as client:
            return client.call(method, within_s=PATIENCE_S, **params)

    def answers(self) -> bool:
        try:
            self.call("hello")
        except ClientError:
            return False
        return True

    def states(self) -> Mapping[str, str]:
        return {row["name"]: row["state"] for row in self.call("status")["devices"]}

    def all_started(self) -> bool:
        return self.answers() and set(self.states().values()) == {"started"}

    def blind(self) -> bool:
        return bool(self.call("status")["board"]["blind"])

    def events(self, type_: str | None = None) -> list[Any]:
        """What is in the log, or the events of one type; no test makes more than fit."""
        given = {} if type_ is None else {"type": type_}
        events: list[Any] = self.call("events", since=0, limit=1000, **given)["events"]
        return events

    def all_switches(self) -> list[Any]:
        """The guests' relays that were switched, as the board remembers it."""
        return [entry for entry in self.board("status")["relay_log"] if entry["port"] != 0]

    def switched(self, *, on: bool) -> list[tuple[int, str]]:
        """Which of them were switched so since the guests were up, and by whom."""
        new = self.all_switches()[len(self.switches) :]
        return [(entry["port"], entry["by"]) for entry in new if entry["on"] is on]

    def relays_on(self) -> list[int]:
        return [relay["port"] for relay in self.board("status")["relays"] if relay["on"]]

    def board_time(self, seconds: float) -> None:
        """Let so much board time pass: real processes have no clock that could be turned."""
        time.sleep(seconds / SPEED)

    # What all of it is about -------------------------------------------------

    def require_nobody_was_cut(self) -> None:
        """All guests run, and none of them has lost its power since they were up."""
        story = "\n".join(
            f"{event['mono_s']:9.3f} {event['type']} {event['device']} {event['fields']}" for event in self.events()
        )
        assert self.switched(on=False) == [], story
        assert self.relays_on() == [0, 1, 2, 3], story
        assert set(self.states().values()) == {"started"}, story


@contextmanager
def new_node() -> Iterator[Node]:
    """A node in a folder of its own, whose path is short enough for sockets wherever the tests run."""
    with TemporaryDirectory(prefix="w") as folder:
        node = Node(Path(folder))
        node.configure()
        try:
            yield node
        finally:
            node.end()


@contextmanager
def running_node() -> Iterator[tuple[Node, subprocess.Popen[str], subprocess.Popen[str]]]:
    """A node whose guests are up; with it the processes of the board and of the service."""
    with new_node() as node:
        board, service = node.start_board(), node.start_service()
        eventually(node.all_started)
        node.switches = node.all_switches()
        yield node, board, service
