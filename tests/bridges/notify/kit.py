"""Sinks that nobody here wrote, or the plainest there can be; and `wagman notify` as a process of its own."""

import argparse
import json
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import apprise
from aiosmtpd.controller import Controller
from attrs import define, field

from tests.cli.kit import PATIENCE_S, PLAIN
from tests.ports import free_port
from wagman.cli.parser import parse

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # what Apprise's plugins import is theirs
    apprise.Apprise().add("json://localhost")  # loads all of them

FOOT = re.compile(r"Message ([0-9a-f]+-[0-9]+|test)(?:, of ([0-9]+) things?)?\.( Sent again)?")


@define
class Got:
    """A message that somebody got."""

    title: str
    body: str
    severity: str = ""

    @property
    def id(self) -> str:
        return self._foot[1]

    @property
    def things(self) -> int:
        return int(self._foot[2])

    @property
    def is_again(self) -> bool:
        return bool(self._foot[3])

    @property
    def _foot(self) -> re.Match[str]:
        found = FOOT.search(self.body)
        assert found, self.body
        return found


@define(eq=False)
class Mailbox:
    """What aiosmtpd has got."""

    got: list[Got] = field(factory=list)
    refused: int = 0  # so many more are refused

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - its name
        if self.refused:
            self.refused -= 1
            return "451 try again later"
        mail = message_from_bytes(envelope.content, policy=policy.default)
        body = mail.get_body(("plain", "html"))
        assert body is not None
        self.got.append(Got(str(mail["subject"]), body.get_content().replace("\r\n", "\n")))
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[tuple[Mailbox, str]]:
    """An SMTP server, and the address by which Apprise sends it plain text."""
    mailbox = Mailbox()
    port = free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield mailbox, f"mailto://127.0.0.1:{port}?from=wagman@example.org&to=ops@example.org&format=text&mode=insecure"
    finally:
        controller.stop(no_assert=True)


@define(eq=False)
class Web:
    """What was posted to a plain http.server, and what it answers."""

    got: list[Got] = field(factory=list)
    gets: list[str] = field(factory=list)
    status: int = 200
    hang: threading.Event | None = None  # it answers once that is set
    posts: int = 0
    slow_s: float = 0.0  # so long it keeps to itself that it took a message


@contextmanager
def web_server(port: int = 0) -> Iterator[tuple[Web, int]]:
    """An HTTP server, for Apprise's json:// and for calls that all is well."""
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            web.posts += 1
            if web.hang is not None:
                web.hang.wait(PATIENCE_S)
            if web.status < 300:
                posted = json.loads(data)
                web.got.append(Got(posted["title"], posted["message"], posted["type"]))
            time.sleep(web.slow_s)
            self._answer()

        def do_GET(self) -> None:
            web.gets.append(self.path)
            self._answer()

        def _answer(self) -> None:
            with suppress(OSError):
                self.send_response(web.status)
                self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield web, server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def json_url(port: int) -> str:
    return f"json://127.0.0.1:{port}/told"


def written(directory: Path, text: str) -> Path:
    """A configuration that only its owner may read."""
    path = directory / "notify.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


@define(eq=False)
class Notify:
    """`wagman notify` as a process."""

    config: Path
    process: subprocess.Popen[str] | None = None
    listener: threading.Thread | None = None
    said: list[str] = field(factory=list)

    def start(self, **env: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wagman", "notify", "--config", str(self.config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**PLAIN, "TZ": "UTC", **env},
        )
        self.listener = threading.Thread(target=self._listen, args=(self.process,), daemon=True)
        self.listener.start()

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            self.said.extend(line.rstrip("\n") for line in lines)

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        assert self.listener is not None
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        self.listener.join()
        self.process = None
        return code

    def kill(self) -> None:
        if self.process is not None:
            self.end(signal.SIGKILL)


@contextmanager
def running(config: Path, **env: str) -> Iterator[Notify]:
    notify = Notify(config)
    notify.start(**env)
    try:
        yield notify
    finally:
        notify.kill()


def notify(*args: str) -> int:
    """Run the command to its end, in this process: Apprise takes most of a second to import."""
    arguments = parse(["notify", *args])
    assert isinstance(arguments, argparse.Namespace)
    return int(arguments.run(arguments))


def until(is_so: Callable[[], object], what: object = "") -> None:
    """Wait for what other processes do."""
    due_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < due_s, what() if callable(what) else what
        time.sleep(0.01)


def by_id(got: list[Got]) -> Mapping[str, Got]:
    """Each message once, as a receiver has it that goes by their ids; a second one says the same, and says that it is one."""
    first: dict[str, Got] = {}
    for each in got:
        before = first.setdefault(each.id, each)
        if before is not each:
            assert each.is_again
            assert each.body.split("\nMessage ")[0] == before.body.split("\nMessage ")[0]
    return first


def settled(path: Path) -> Mapping[str, Any]:
    """What a destination remembers."""
    found: Mapping[str, Any] = json.loads(path.read_text())
    return found
