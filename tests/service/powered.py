"""A site with plugs: rails that speak HTTP, guests that are processes with power from them, a witness, and `wagman run`.

The rails run in a thread of the test, on loopback; each guest is a process that lives for as long as its contact is closed.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self, cast

import trio
from attrs import define, field

from tests.ports import free_port
from tests.service.kit import PATIENCE_S, WAGMAN, environment, eventually
from wagman.client.blocking import Client
from wagman.client.errors import ClientError
from wagman.fake.plugs.control import execute
from wagman.fake.plugs.rail import FakeRail
from wagman.fake.plugs.server import PlugServer
from wagman.fake.plugs.shelly import FakeShelly
from wagman.fake.plugs.tasmota import FakeTasmota

if TYPE_CHECKING:
    from wagman.fake.guests import Guest

TICK_S = 0.05  # how often a rail does what is due
RUNNING_MA, HALTED_MA = 480, 40
WITNESS = "127.0.0.2"
IMPATIENT = Path(__file__).with_name("impatient.py")

PROGRAM = """
import os, socketserver, sys, threading, time
class Guest(socketserver.BaseRequestHandler):
    def handle(self):
        asked = self.request.recv(4096)
        body = sys.argv[3].encode()
        self.request.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n%b" % (len(body), body))
        if b"/halt" in asked:
            time.sleep(0.1)
            os._exit(0)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
Server((sys.argv[1], int(sys.argv[2])), Guest).serve_forever()
"""
"""What runs on a guest: a page that tells that it is well, and one that halts it."""

ASK = "exec 3<>/dev/tcp/{host}/{port} && printf 'GET {page} HTTP/1.0\\r\\n\\r\\n' >&3 && timeout 1 head -c 12 <&3 | grep -q 200"
"""A script that asks for a page."""


@define(eq=False)
class Computer:
    """A guest, as far as a rail knows one: a process that runs while it has power."""

    name: str
    port: int = field(factory=free_port)
    host: str = "127.0.0.1"
    within: tuple[str, ...] = ()  # what the process is started through
    process: "subprocess.Popen[bytes] | None" = None
    is_hung: bool = False

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/health"

    def asking(self, page: str) -> list[str]:
        """A command that asks it for a page."""
        return ["bash", "-c", ASK.format(host=self.host, port=self.port, page=page)]

    # What a rail does to it --------------------------------------------------

    def power_on(self, _now_s: float = 0.0, _medium: str | None = None) -> None:
        self.process = subprocess.Popen([*self.within, sys.executable, "-ISc", PROGRAM, self.host, str(self.port), self.name])

    def power_off(self, now_s: float = 0.0) -> str:
        ended = self.state(now_s)
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process, self.is_hung = None, False
        return ended

    def state(self, _now_s: float = 0.0) -> str:
        if self.process is None:
            return "off"
        if self.process.poll() is not None:
            return "halted"
        return "hung" if self.is_hung else "running"

    def current_ma(self, now_s: float) -> int:
        return {"off": 0, "halted": HALTED_MA}.get(self.state(now_s), RUNNING_MA)

    # What else happens to it -------------------------------------------------

    def hang(self, _now_s: float = 0.0) -> bool:
        """Its programs stop, and its kernel goes on to take connections."""
        return self._signal(signal.SIGSTOP)

    def revive(self, _now_s: float = 0.0) -> bool:
        return self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> bool:
        if self.process is None:
            return False
        self.process.send_signal(number)
        self.is_hung = number == signal.SIGSTOP
        return True


@define(eq=False)
class Rail:
    """A rail, reached over loopback."""

    name: str
    server: PlugServer
    kind: str
    token: trio.lowlevel.TrioToken
    nursery: trio.Nursery
    port: int = 0
    _up: trio.CancelScope | None = None

    @property
    def computers(self) -> Sequence[Computer]:
        return cast("Sequence[Computer]", self.server.rail.guests)

    def do(self, command: str) -> Any:
        """A control command of the fake rail."""
        return trio.from_thread.run_sync(execute, self.server, command, trio_token=self.token)

    def switches(self) -> list[tuple[int, bool]]:
        """What its contacts did."""
        return [(change["port"], change["on"]) for change in self.do("status")["relay_log"]]

    def shut(self) -> None:
        """Nobody listens at its address any more; its contacts stay."""

        def end() -> None:
            assert self._up is not None
            self._up.cancel()

        trio.from_thread.run_sync(end, trio_token=self.token)

    def open(self) -> None:
        trio.from_thread.run(partial(self.nursery.start, self.serve), trio_token=self.token)

    async def serve(self, task_status: trio.TaskStatus[None]) -> None:
        with trio.CancelScope() as self._up:
            async with self.server.listening(port=self.port) as self.port:
                task_status.started()
                while True:  # a rail does by itself what is due, whether somebody asks it or not
                    self.server.catch_up()
                    await trio.sleep(TICK_S)


@define(eq=False)
class Rails:
    """All rails, in a thread of their own."""

    rails: dict[str, Rail] = field(factory=dict)
    _token: trio.lowlevel.TrioToken = field(init=False)
    _nursery: trio.Nursery = field(init=False)
    _is_ready: threading.Event = field(init=False, factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=trio.run, args=(self._run,))
        self._thread.start()
        assert self._is_ready.wait(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        trio.from_thread.run_sync(self._nursery.cancel_scope.cancel, trio_token=self._token)
        self._thread.join()
        for rail in self.rails.values():
            for computer in rail.computers:
                computer.power_off()

    async def _run(self) -> None:
        async with trio.open_nursery() as self._nursery:
            self._token = trio.lowlevel.current_trio_token()
            self._is_ready.set()
            await trio.sleep_forever()

    def add(self, name: str, *guests: str, kind: str = "shelly", **about: Any) -> Rail:
        """A rail with these guests on it."""
        mac = f"AABBCC{len(self.rails):06X}"
        computers = tuple(Computer(guest) for guest in guests)
        rail = FakeRail(cast("tuple[Guest, ...]", computers), mac, survives=kind == "shelly", **about)
        answer = FakeShelly(rail).answer if kind == "shelly" else FakeTasmota(rail).answer
        server = trio.from_thread.run_sync(PlugServer, rail, answer, trio_token=self._token)
        new = self.rails[name] = Rail(name, server, kind, self._token, self._nursery)
        new.open()
        return new

    def computer(self, name: str) -> Computer:
        return next(each for rail in self.rails.values() for each in rail.computers if each.name == name)


@define(eq=False)
class Log:
    """All events of a service, as it writes them to its standard output."""

    lines: list[dict[str, Any]] = field(factory=list)

    def follow(self, stream: Any) -> None:
        self.lines.extend(map(json.loads, stream))

    def of(self, device: str | None, *types: str, since: int = 0) -> list[dict[str, Any]]:
        """Events about a guest; of these types, if any are given."""
        found = [each for each in self.lines[since:] if device is None or each["device"] == device]
        return [each for each in found if not types or each["type"] in types]

    def awaited(
        self, device: str | None, type_: str, since: int = 0, within_s: float = PATIENCE_S, **fields: Any
    ) -> dict[str, Any]:
        """The first such event, once it is there."""

        def found() -> list[dict[str, Any]]:
            events = self.of(device, type_, since=since)
            return [each for each in events if fields.items() <= each["fields"].items()]

        until_s = time.monotonic() + within_s
        while not found():
            assert time.monotonic() < until_s, (
                f"no {type_} {fields} of {device} within {within_s:g} s:\n{self.story(device, since)}"
            )
            time.sleep(0.05)
        return found()[0]

    def story(self, device: str | None, since: int = 0) -> str:
        events = self.of(device, since=since)
        return "\n".join(f"{each['mono_s']:9.3f} {each['type']} {each['device']} {each['fields']}" for each in events)


@define(eq=False)
class Site:
    """The service, and all that it looks after."""

    folder: Path
    rails: Rails
    witnesses: dict[str, Computer] = field(factory=dict)  # by network
    log: Log = field(factory=Log)
    processes: list["subprocess.Popen[str]"] = field(factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "wagman.toml"

    @property
    def socket(self) -> str:
        return str(self.folder / "socket")

    def witness(self, network: str) -> Computer:
        """Somebody who answers on that network, and is no guest."""
        new = self.witnesses[network] = Computer(f"witness of {network}", free_port(WITNESS), WITNESS)
        new.power_on()
        return new

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """Start the service, and follow its events."""
        command = command or (sys.executable, str(IMPATIENT))
        process = subprocess.Popen(
            (*command, "run", "--config", str(self.config)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**environment(), "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.processes.append(process)
        threading.Thread(target=self.log.follow, args=(process.stdout,), daemon=True).start()
        eventually(lambda: process.poll() is not None or self.answers())
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        return process

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            _, said = process.communicate()
            sys.stderr.write(said)
        for witness in self.witnesses.values():
            witness.power_off()

    # Questions ---------------------------------------------------------------

    def answers(self) -> bool:
        try:
            self.call("hello")
        except ClientError:
            return False
        return True

    def call(self, method: str, **params: object) -> Any:
        with Client(self.socket) as client:
            return client.call(method, within_s=PATIENCE_S, **params)

    def row(self, guest: str) -> Mapping[str, Any]:
        return next(row for row in self.call("status")["devices"] if row["name"] == guest)

    def problems(self) -> Mapping[str, Mapping[str, Any]]:
        return {each["id"]: each for each in self.call("status")["problems"]}

    def wagman(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        surroundings = {**environment(), "WAGMAN_SOCKET": self.socket}
        command = [*WAGMAN, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=surroundings)

    def soon(self, condition: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        """Wait for what only a question shows."""
        until_s = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < until_s, f"not within {within_s:g} s:\n{self.log.story(None)[-5000:]}"
            time.sleep(0.25)

    def mark(self) -> int:
        """How much has been told by now."""
        return len(self.log.lines)


@contextmanager
def new_site() -> Iterator[Site]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="w")))
        site = Site(folder, stack.enter_context(Rails()))
        stack.callback(site.end)
        yield site
