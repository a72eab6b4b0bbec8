"""The real command against a real socket."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from attrs import define, field

from wagman.client.blocking import Client

WAGMAN = [sys.executable, "-m", "wagman"]
PLAIN = {key: value for key, value in os.environ.items() if not key.startswith(("WAGMAN", "NO_COLOR", "SSH_"))}
PATIENCE_S = 30.0


@define(eq=False)
class Daemon:
    """A small service in a process of its own."""

    directory: Path
    process: subprocess.Popen[bytes] | None = None
    boots: int = 0
    begun: list["Running"] = field(factory=list)

    @property
    def socket(self) -> Path:
        return self.directory / "s"

    def start(self, *arrangements: str) -> None:
        self.boots += 1
        log = str(self.directory / "wagman.db")
        command = [sys.executable, "-m", "tests.cli.small_daemon", str(self.socket), log, f"boot-{self.boots}", *arrangements]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """As a power cut would end it; a stopped one, too."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def board(self, command: str) -> None:
        """Arrange what happens."""
        self.ask("board", command=command)

    def ask(self, method: str, **params: Any) -> Any:
        """As another program would."""
        with Client(str(self.socket)) as client:
            return client.call(method, **params)

    def state(self, device: str) -> str:
        """The state that a device is in."""
        return str(self.ask("status", devices=[device])["devices"][0]["state"])

    def environment(self, **more: str) -> dict[str, str]:
        return {**PLAIN, "WAGMAN_SOCKET": str(self.socket), "TZ": "UTC", **more}

    def wagman(self, *args: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*WAGMAN, *args],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            env=self.environment(**env),
        )

    def json(self, *args: str) -> Any:
        """What a command prints with --json."""
        return json.loads(self.wagman(*args, "--json").stdout)

    def begin(self, *args: str, **env: str) -> "Running":
        """Begin a command and leave it running."""
        command = [*WAGMAN, *args]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=self.environment(**env))
        self.begun.append(Running(process))
        return self.begun[-1]

    def end(self) -> None:
        """Leave no process behind."""
        self.kill()
        for running in self.begun:
            if running.process.returncode is None:
                running.process.kill()
                running.end()


@define(eq=False)
class Running:
    """A command that runs."""

    process: subprocess.Popen[str]

    def line(self) -> str:
        """The next line; nothing if there is none in time, and then the command is over."""
        assert self.process.stdout is not None
        late = threading.Timer(PATIENCE_S, self.process.kill)
        late.start()
        try:
            return self.process.stdout.readline()
        finally:
            late.cancel()

    def end(self) -> tuple[int, str, str]:
        """Wait for its end: exit code, what is left of stdout, stderr."""
        try:
            out, err = self.process.communicate(timeout=PATIENCE_S)
        finally:
            self.process.kill()
        return self.process.returncode, out, err

    def interrupt(self) -> tuple[int, str, str]:
        self.process.send_signal(signal.SIGINT)
        return self.end()


def until(condition: Callable[[], object]) -> None:
    """Wait for another process to have done something."""
    due_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < due_s, "waited in vain"
        time.sleep(0.01)


# --- A service that says what it is told to -----------------------------------------------------------------------------


@define(eq=False)
class Scripted:
    """Answers each request, connection by connection, with what a function of (method, params) gives: lines to send."""

    path: Path
    connections: list[Callable[[str, dict[str, Any]], list[Any]]]
    asked: list[tuple[str, dict[str, Any]]] = field(factory=list)

    def serve(self, listener: socket.socket) -> None:
        for answers in self.connections:
            client, _ = listener.accept()
            with suppress(BrokenPipeError), client, client.makefile("rw") as stream:  # the client may have had enough
                for line in stream:
                    request = json.loads(line)
                    self.asked.append((request["method"], request["params"]))
                    for message in answers(request["method"], request["params"]):
                        if message is HANG_UP:
                            break
                        text = message if isinstance(message, str) else json.dumps(numbered(message, request["id"]))
                        stream.write(text + "\n")
                        stream.flush()
                    else:
                        continue
                    break


HANG_UP = object()


def numbered(message: dict[str, Any], number: int) -> dict[str, Any]:
    return message if "method" in message else {"jsonrpc": "2.0", "id": number, **message}


@contextmanager
def scripted(path: Path, *connections: Callable[[str, dict[str, Any]], list[Any]]) -> Iterator[Scripted]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        script = Scripted(path, list(connections))
        thread = threading.Thread(target=script.serve, args=(listener,), daemon=True)
        thread.start()
        yield script
    thread.join(PATIENCE_S)
