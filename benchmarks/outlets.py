"""The cost of more outlets: more boards of five outlets each, all in one service."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

from benchmarks.figures import Figure, Section
from benchmarks.node import Node
from benchmarks.processes import busy_percent, pss_mb, running, wait_until
from benchmarks.scale import Scale
from benchmarks.timing import Spread, take_times

OUTLETS = 5
"""Outlets on each board. The guest on port 0 is not heard, since the board tells of four."""

HEAD = """
[service]
socket = "{folder}/socket"
state_dir = "{folder}/state"

[wagman]
normal_interval = "1s"
stagger = "1s"

[defaults]
adopt_window = "30s"
shutdown = []
"""

BOARD = """
[board.b{board}]
device = "{folder}/tty{board}"
"""

GUEST = """
[device.g{board}-{port}]
board = "b{board}"
port = {port}
heartbeat = {heard}
"""


def measure(scale: Scale) -> list[Section]:
    """Measure each number of outlets."""
    figures = [figure for count in scale.outlets for figure in in_one_service(scale, count // OUTLETS)]
    note = (
        f"One service, and boards of {OUTLETS} outlets, polled every 5 s; guests that run, four of which on each board beat. "
        f"The processor was watched for {scale.outlets_s:g} s."
    )
    return [Section("What grows with the number of outlets", figures, note)]


def in_one_service(scale: Scale, boards: int) -> list[Figure]:
    """Measure a service with so many boards."""
    with many_boards(boards, scale.beats_per_s) as (node, pid):
        sleep(scale.settle_s)
        busy = busy_percent([pid], scale.outlets_s)
        with node.client() as client:
            status = Spread.of(take_times(lambda: client.call("status"), scale.queries))
        share_mb = pss_mb(pid)
    what = f"{boards * OUTLETS} outlets on {boards} board{'' if boards == 1 else 's'}"
    bounds = (1.0, 45.0) if boards * OUTLETS == LIMITED else (None, None)
    return [
        Figure(f"{what}: processor at rest", busy, "% of a core", bounds[0]),
        Figure(f"{what}: memory (PSS)", share_mb, "MB", bounds[1]),
        Figure(f"{what}: status, p50", status.p50_ms, "ms"),
    ]


LIMITED = 100
"""The number of outlets for which there are bounds."""


@contextmanager
def many_boards(count: int, beats_per_s: float) -> Iterator[tuple[Node, int]]:
    """Yield a service on `count` instant boards, whose guests have been found running, and its process id."""
    with TemporaryDirectory(prefix="wb") as name:
        node = Node(Path(name))
        node.config.write_text(configuration(name, count), encoding="utf-8")
        with running("boards", name, str(count), f"{beats_per_s:g}", module="benchmarks.bare"):
            wait_until(lambda: all((node.folder / f"tty{board}").exists() for board in range(count)))
            with node.service() as service:
                wait_until(node.all_started, 0.5)
                yield node, service.pid


def configuration(folder: str, boards: int) -> str:
    """Return the configuration of a service with so many boards."""
    tables = [BOARD.format(folder=folder, board=board) for board in range(boards)]
    guests = [
        GUEST.format(board=board, port=port, heard="true" if port else "false")
        for board in range(boards)
        for port in range(OUTLETS)
    ]
    return HEAD.format(folder=folder) + "".join(tables) + "".join(guests)
