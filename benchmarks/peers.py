"""Other power controllers, at work as comparable as possible.

They do less than the service does: they hear no heartbeats, and restart nothing. PowerMan asks its own simulator (`vpcd`) on a
pty; that answers at once, as the instant board does. PDUDaemon cannot be asked for states: it is told to switch, over HTTP, and
runs `true`; its client is any client of HTTP, here `curl`.
"""

import http.client
import json
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen

from benchmarks.commands import process
from benchmarks.figures import Figure, Section
from benchmarks.node import running_node
from benchmarks.processes import PATIENCE_S, busy_percent, program, pss_mb, wait_until
from benchmarks.scale import Scale
from benchmarks.timing import in_turns
from tests.ports import free_port, listens

HOST = "127.0.0.1"
PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
"""Directories with Debian's daemons; not every user's PATH has them."""

POWERMAN = """
include "/etc/powerman/vpc.dev"
listen "{host}:{port}"
device "bench" "vpc" "{vpcd} |&"
node "n[0-3]" "bench" "[0-3]"
"""

SWITCH = "/power/control/on?hostname=bench&port=1"


@frozen
class Peer:
    """A running peer: its process, a command as somebody would type it, and a request on an open connection."""

    name: str
    pid: int
    command: Callable[[], object]
    request: Callable[[], object]


def measure(scale: Scale) -> list[Section]:
    """Measure the installed peers beside the service."""
    others = {"powerman": powerman, "pdudaemon": pdudaemon}
    missing = [name for name in others if shutil.which(name, path=PATH) is None]
    with ExitStack() as stack:
        peers = [wagman(stack, scale.beats_per_s), *(start(stack) for name, start in others.items() if name not in missing)]
        figures = compared(scale, peers)
    skipped = "".join(f" {name} is not installed (Debian has it) and was left out." for name in missing)
    note = (
        "A request is `board hb` here, `status` of one plug at PowerMan, and a switch-on at PDUDaemon, each on an open "
        f"connection; a command is the same as a whole process (PDUDaemon: `curl`).{skipped}"
    )
    return [Section("Peers", figures, note)]


def compared(scale: Scale, peers: Sequence[Peer]) -> list[Figure]:
    """Measure each peer in the same figures."""
    requests = in_turns({peer.name: peer.request for peer in peers}, scale.requests, scale.rounds)
    commands = in_turns({peer.name: peer.command for peer in peers}, scale.processes, scale.rounds)
    figures: list[Figure] = []
    for peer in peers:
        figures += requests[peer.name].figures(f"{peer.name}: request")
        figures.append(Figure(f"{peer.name}: command, whole process, p50", commands[peer.name].p50_ms, "ms"))
        figures.append(Figure(f"{peer.name}: memory (PSS)", pss_mb(peer.pid), "MB"))
        figures.append(Figure(f"{peer.name}: processor at rest", busy_percent([peer.pid], scale.loaded_s), "% of a core"))
    return figures


def wagman(stack: ExitStack, beats_per_s: float) -> Peer:
    """Start the service, with an instant board."""
    node, pid = stack.enter_context(running_node(beats_per_s))
    client = stack.enter_context(node.client())
    command = process(node.command, "board", "hb", "--socket", node.socket)
    return Peer("wagman", pid, command, partial(client.call, "board", command="hb"))


def powerman(stack: ExitStack) -> Peer:
    """Start PowerMan, with its own simulator."""
    port = free_port()
    path = stack.enter_context(configured(POWERMAN.format(host=HOST, port=port, vpcd=found("vpcd"))))
    daemon = stack.enter_context(program([found("powermand"), "-f", "-c", str(path)]))
    wait_until(partial(listens, port))
    connection = stack.enter_context(socket.create_connection((HOST, port), PATIENCE_S))
    until_prompt(connection)
    command = process(found("powerman"), "-h", f"{HOST}:{port}", "-q", "n1")
    return Peer("PowerMan", daemon.pid, command, partial(query, connection))


def query(connection: socket.socket) -> None:
    """Ask for the state of one plug."""
    connection.sendall(b"status n1\n")
    until_prompt(connection)


def until_prompt(connection: socket.socket) -> None:
    """Read until the answer is complete."""
    said = b""
    while not said.endswith(b"powerman> "):
        said += connection.recv(4096)


def pdudaemon(stack: ExitStack) -> Peer:
    """Start PDUDaemon, which runs a command instead of switching anything."""
    port = free_port()
    daemon_settings = {"hostname": HOST, "port": port, "logging_level": "ERROR", "listener": "http"}
    outlet = {"driver": "localcmdline", "cmd_on": "true %s", "cmd_off": "true %s"}
    path = stack.enter_context(configured(json.dumps({"daemon": daemon_settings, "pdus": {"bench": outlet}})))
    daemon = stack.enter_context(program([found("pdudaemon"), "--conf", str(path), "--loglevel", "ERROR"]))
    wait_until(partial(listens, port))
    connection = stack.enter_context(closing(http.client.HTTPConnection(HOST, port, timeout=PATIENCE_S)))
    command = process("curl", "-sf", f"http://{HOST}:{port}{SWITCH}")
    return Peer("PDUDaemon", daemon.pid, command, partial(switch, connection))


def switch(connection: http.client.HTTPConnection) -> None:
    """Switch an outlet on."""
    connection.request("GET", SWITCH)
    connection.getresponse().read()


# --- Places -----------------------------------------------------------------------------------------------------------


def found(name: str) -> str:
    """Return the path of a program, or its name if it is not found."""
    return shutil.which(name, path=PATH) or name


@contextmanager
def configured(text: str) -> Iterator[Path]:
    """Yield a temporary configuration file with this text."""
    with TemporaryDirectory(prefix="wb") as folder:
        path = Path(folder) / "peer.conf"
        path.write_text(text, encoding="utf-8")
        yield path
