"""Boards that people can buy, at rest: HTTP rails with guests heard over a network, and a board that is a program."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

from benchmarks.figures import Figure, Section
from benchmarks.node import Node
from benchmarks.outlets import HEAD
from benchmarks.processes import busy_percent, processor_s, pss_mb, running, wait_until
from benchmarks.rails import OUTLETS
from benchmarks.scale import Scale

NETWORK = """
[network.lan]
witness = { exec = ["true"] }
"""

RAIL = """
[board.b{board}]
kind = "shelly"
host = "127.0.0.1:{port}"
"""

GUEST = """
[device.g{board}-{port}]
board = "b{board}"
port = {port}
heartbeat = {{ http = "http://127.0.0.1:{page}/g{board}-{port}", network = "lan" }}
"""

PROGRAM = """
[board.b0]
kind = "exec"
on = ["true", "%p"]
off = ["true", "%p"]
{asked}
poll = {poll_s}
"""

BLIND = """
[device.g{port}]
board = "b0"
port = "{port}"
heartbeat = false
adopt_window = "1s"
"""

PLUGS = 8
"""Outlets of the board that is a program (specified)."""


def measure(scale: Scale) -> list[Section]:
    """Measure rails, and a program."""
    note = (
        f"Rails of {OUTLETS} outlets, and a page for each guest, asked as often as is the default. The program is the "
        f"shortest shell script that tells how {PLUGS} outlets are, asked "
        f"every {scale.program_s:g} s. Watched for {scale.plugs_s:g} s."
    )
    figures = [figure for boards in scale.rails for figure in on_rails(scale, boards)]
    return [Section("Plugs at rest", [*figures, *on_a_program(scale)], note)]


def on_rails(scale: Scale, boards: int) -> list[Figure]:
    """Measure the service on so many rails."""
    with TemporaryDirectory(prefix="wb") as name, running(name, str(boards), module="benchmarks.rails"):
        node = Node(Path(name))
        wait_until((node.folder / "ports").exists)
        page, *ports = (node.folder / "ports").read_text(encoding="utf-8").split()
        tables = [RAIL.format(board=board, port=port) for board, port in enumerate(ports)]
        guests = [GUEST.format(board=board, port=port, page=page) for board in range(boards) for port in range(OUTLETS)]
        node.config.write_text(HEAD.format(folder=name) + NETWORK + "".join(tables + guests), encoding="utf-8")
        with at_rest(node, scale) as pid:
            busy, share_mb = busy_percent([pid], scale.plugs_s), pss_mb(pid)
    what = f"{boards * OUTLETS} guests on {boards} rail{'' if boards == 1 else 's'}"
    bounds = (1.5, 50.0) if boards * OUTLETS == LIMITED else (None, None)
    return [
        Figure(f"{what}: processor at rest", busy, "% of a core", bounds[0]),
        Figure(f"{what}: memory (PSS)", share_mb, "MB", bounds[1]),
    ]


LIMITED = 100
"""The number of guests for which there are bounds."""


def on_a_program(scale: Scale) -> Iterator[Figure]:
    """Measure the service on a board that is a program, with the cost of the program."""
    asked = {
        "one call for all": 'list_status = ["sh", "-c", "for port in 1 2 3 4 5 6 7 8; do echo $port,x,ON; done"]',
        "a call for each": 'status = ["sh", "-c", "exit 0", "%p"]',
    }
    for how, key in asked.items():
        with TemporaryDirectory(prefix="wb") as name:
            node = Node(Path(name))
            guests = "".join(BLIND.format(port=port) for port in range(1, PLUGS + 1))
            node.config.write_text(
                HEAD.format(folder=name) + PROGRAM.format(asked=key, poll_s=scale.program_s) + guests, encoding="utf-8"
            )
            with at_rest(node, scale) as pid:
                busy = busy_percent([pid], scale.plugs_s, cost=processor_with_children_s)
        yield Figure(f"{PLUGS} outlets of a program, {how}: processor, with its processes", busy, "% of a core", None)


def processor_with_children_s(pid: int) -> float:
    """Return the processor time of a process and of its ended children, in seconds."""
    return processor_s(pid, children=True)


@contextmanager
def at_rest(node: Node, scale: Scale) -> Iterator[int]:
    """Yield the process id of a service whose guests all run."""
    with node.service() as service:
        wait_until(node.all_started, 0.5)
        sleep(scale.settle_s)
        yield service.pid
