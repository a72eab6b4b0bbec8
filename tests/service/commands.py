"""The real commands, against the real service, with a fake board on a real pty."""

import json
import os
import pty
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from attrs import define, field

from tests.cli.kit import PLAIN, Running
from tests.service.kit import CONFIG, GUESTS, PATIENCE_S, WAGMAN, Node, eventually, new_node

WELL = {"gn": "boot=5,ignore=0", "cs": "boot=5,ignore=0"}
QUICK = (
    CONFIG.replace("[defaults]", '[defaults]\nstart_timeout = "1min"\nbackoff_min = "10min"')
    .replace("[environment.temperature_c]", "[environment.temperature_c]\nhigh = 70")
    .replace("[wagman]", '[wagman]\nhibernate_min = "5s"\nhibernate_interval = "5s"')
)
"""A start that is to fail fails soon and is not repeated soon; a hibernation begins and ends soon."""


@define
class Site:
    """A node with somebody at its controls."""

    node: Node
    service: subprocess.Popen[str]
    begun: list[Running] = field(factory=list)

    def environment(self) -> dict[str, str]:
        return {**PLAIN, "WAGMAN_SOCKET": str(self.node.socket), "TZ": "UTC"}

    def wagman(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        command, environment = [*WAGMAN, *arguments], self.environment()
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=environment)

    def begin(self, *arguments: str) -> Running:
        """Begin a command and leave it running."""
        pipe, command = subprocess.PIPE, [*WAGMAN, *arguments]
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=self.environment())
        self.begun.append(Running(process))
        return self.begun[-1]

    def waiting(self, verb: str, device: str, *options: str) -> "Waiting":
        """Begin an action that was accepted and is waited for when this returns, as its progress on a terminal shows."""
        leader, follower = pty.openpty()
        command, environment = [*WAGMAN, verb, device, *options, "--json"], {**self.environment(), "TERM": "xterm"}
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=follower, text=True, env=environment)
        os.close(follower)
        self.begun.append(Running(process))
        waiting = Waiting(process, leader)
        eventually(lambda: waiting.shows(f"{device}: "))
        return waiting

    # The service ----------------------------------------------------------------

    def stop_service(self, number: signal.Signals) -> None:
        self.service.send_signal(number)
        self.service.wait(PATIENCE_S)

    def start_service(self) -> None:
        self.service = self.node.start_service()
        eventually(self.node.answers)

    # Between two tests ----------------------------------------------------------

    def mend(self) -> None:
        """Everything works, and all guests are up."""
        if self.service.poll() is not None:
            self.start_service()
        self.service.send_signal(signal.SIGCONT)
        for command in ("replug", "fault clear", "temp 23.5", *(f"guest {name} {keys}" for name, keys in WELL.items())):
            self.node.board(command)
        self.node.call("wake")
        eventually(lambda: self.node.call("status")["wagman"]["state"] not in ("will_hibernate", "hibernating"))
        for name in GUESTS:
            if self.node.states()[name] == "maintenance":
                self.node.call("maintenance", device=name)  # no longer
            self.node.call("enable", device=name)
            if self.node.states()[name] != "started":
                self.node.call("kill", device=name)  # whatever it is in the middle of
                self.node.call("start", device=name)
        eventually(lambda: not self.node.blind() and self.node.all_started())

    def end(self) -> None:
        """Leave no process behind."""
        for running in self.begun:
            if running.process.returncode is None:
                running.process.kill()
                running.end()


@define(eq=False)
class Waiting:
    """An action on one device that is waited for, on a terminal."""

    process: subprocess.Popen[str]
    leader: int
    shown: str = ""

    def shows(self, words: str) -> bool:
        """Whether it has shown this; reads what there is."""
        with suppress(OSError):  # it has ended
            while select.select([self.leader], [], [], 0)[0] and (read := os.read(self.leader, 65_536)):
                self.shown += read.decode()
        return words in self.shown

    def outcome(self) -> tuple[int, str, str]:
        """How it ended: exit code, outcome, what it has shown."""
        out, _ = self.process.communicate(timeout=PATIENCE_S)
        self.shows("")
        os.close(self.leader)
        (told,) = json.loads(out)
        return self.process.returncode, told["outcome"], self.shown


@contextmanager
def new_site() -> Iterator[Site]:
    with new_node() as node:
        node.configure(QUICK)
        node.start_board()
        site = Site(node, node.start_service())
        eventually(node.all_started)
        try:
            yield site
        finally:
            site.end()


def one_line(stderr: str) -> bool:
    return stderr.startswith("wagman: ") and stderr.count("\n") == 1 and stderr.endswith("\n")


def documents(stdout: str) -> list[Any]:
    return [json.loads(line) for line in stdout.splitlines()]
