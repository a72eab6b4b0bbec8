"""The measured node: a fake board and the service, as processes, in a folder of their own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen

from benchmarks.processes import running, wait_until
from wagman.client.blocking import Client
from wagman.client.errors import ClientError

FAST = 1000
"""The speed of a fake board whose own time is not to be measured: the most that `--speed` allows."""

QUIET = ("nc:beat=0", "gn:beat=0", "cs:beat=0", "x1:beat=0", "x2:beat=0")
"""Guests without beats: the only traffic is requests, their answers, and the board's reports."""

CONFIG = """
[board]
device = "{folder}/tty"

[service]
socket = "{folder}/socket"
state_dir = "{folder}/state"
max_events = 2000000
max_bytes = 2000000000

[wagman]
normal_interval = "1s"
stagger = "1s"

[defaults]
adopt_window = "30s"
shutdown = []

[device.nc]
port = 0
self = true

[device.gn]
port = 1

[device.cs]
port = 2

[device.x1]
port = 3

[device.x2]
port = 4
"""


@frozen
class Node:
    """A folder with a configuration, and the programs that run there."""

    folder: Path

    @property
    def tty(self) -> Path:
        """The link to the board's terminal."""
        return self.folder / "tty"

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "wagman.toml"

    @property
    def socket(self) -> str:
        """The path of the service's socket."""
        return str(self.folder / "socket")

    @property
    def command(self) -> str:
        """The `wagman` command of this Python."""
        return str(Path(sys.executable).with_name("wagman"))

    @property
    def database(self) -> Path:
        """The service's log."""
        return self.folder / "state" / "wagman.db"

    def client(self) -> Client:
        """Return a new connection to the service."""
        return Client(self.socket)

    @contextmanager
    def board(self, guests: tuple[str, ...], speed: float = 1) -> Iterator[subprocess.Popen[bytes]]:
        """Run the fake board, whose time passes `speed` times as fast."""
        words = [word for guest in guests for word in ("--guest", guest)]
        with running("fake-board", "--link", str(self.tty), "--speed", f"{speed:g}", *words) as process:
            wait_until(self.tty.exists)
            yield process

    @contextmanager
    def instant_board(self, beats_per_s: float = 0) -> Iterator[subprocess.Popen[bytes]]:
        """Run a board that answers at once; its guests together beat `beats_per_s` times a second."""
        with running("board", str(self.tty), f"{beats_per_s:g}", module="benchmarks.bare") as process:
            wait_until(self.tty.exists)
            yield process

    @contextmanager
    def service(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run the service, from its first answer on."""
        with running("run", "--config", str(self.config)) as process:
            wait_until(self.answers)
            yield process

    def answers(self) -> bool:
        """Return whether the service answers."""
        try:
            with self.client() as client:
                client.call("status")
        except ClientError:
            return False
        return True

    def all_started(self) -> bool:
        """Return whether every guest is up and has been heard."""
        with self.client() as client:
            return {row["state"] for row in client.call("status")["devices"]} == {"started"}

    def sees_board(self) -> bool:
        """Return whether the board answers the service."""
        with self.client() as client:
            return client.call("status")["board"]["blind"] is False


@contextmanager
def new_node() -> Iterator[Node]:
    """Yield a node in a temporary folder."""
    with TemporaryDirectory(prefix="wb") as name:
        node = Node(Path(name))
        node.config.write_text(CONFIG.format(folder=name), encoding="utf-8")
        yield node


@contextmanager
def running_node(beats_per_s: float) -> Iterator[tuple[Node, int]]:
    """Yield a node whose guests have been found running, and the service's process id.

    The guests together beat `beats_per_s` times a second. Each is believed after two beats.
    """
    with starting_node(beats_per_s) as (node, pid):
        wait_until(node.all_started)
        yield node, pid


@contextmanager
def starting_node(beats_per_s: float) -> Iterator[tuple[Node, int]]:
    """Yield the same as `running_node`, but before the guests are found."""
    with new_node() as node, node.instant_board(beats_per_s), node.service() as service:
        yield node, service.pid


def request_line(method: str, **params: object) -> bytes:
    """Return a request, for a caller that does not read answers as a client does."""
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n"
