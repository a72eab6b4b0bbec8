"""A board request on an open connection: through the service, and through the least that could be in its place.

Every way asks `hb`. An instant board answers at once, so that the time of the programs is left. The fake board answers as the
firmware does, a thousand times faster than a board; its guests are silent. The same client asks the bare server and the service.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from benchmarks import bare
from benchmarks.figures import Figure, Section
from benchmarks.node import FAST, QUIET, Node, new_node
from benchmarks.processes import running, wait_until
from benchmarks.scale import Scale
from benchmarks.timing import in_turns
from wagman.client.blocking import Client

PTY = "raw pty, echo"
SERVER = "bare trio server, instant board"
SERVICE = "service, instant board"
BARE_FAKE = "bare client, fake board"
SERVICE_FAKE = "service, fake board"


def measure(scale: Scale) -> list[Section]:
    """Measure the round trips, and the time that the service adds."""
    with all_ways() as ways:
        spreads = in_turns(ways, scale.requests, scale.rounds)
    figures: list[Figure] = []
    for name, spread in spreads.items():
        figures += spread.figures(name, p99_at_most=5 if name in (SERVICE, SERVICE_FAKE) else None)
    ratio = spreads[SERVICE].p50_ms / spreads[SERVER].p50_ms
    added_ms = spreads[SERVICE_FAKE].p50_ms - spreads[BARE_FAKE].p50_ms
    figures.append(Figure("the service's p50 to the bare server's, instant board", ratio, "x", 3))
    figures.append(Figure("the service's p50 less the bare client's, fake board", added_ms, "ms", 1))
    note = (
        f"`hb` on an open connection, one after the other, {scale.requests} in each of {scale.rounds} rounds; the ways take "
        "turns, and the best round counts."
    )
    return [Section("A request to the board", figures, note)]


@contextmanager
def all_ways() -> Iterator[Mapping[str, Callable[[], object]]]:
    """Yield each way to ask, by name, ready for use."""
    with ExitStack() as stack:
        enter = stack.enter_context
        echo, fake = enter(bare.open_tty(enter(echo_port()))), enter(bare.open_tty(enter(fake_port())))
        yield {
            PTY: partial(bare.ask, echo),
            SERVER: partial(enter(bare_server()).call, "board"),
            SERVICE: partial(enter(service(enter(new_node()), instant=True)).call, "board", command="hb"),
            BARE_FAKE: partial(bare.ask, fake),
            SERVICE_FAKE: partial(enter(service(enter(new_node()), instant=False)).call, "board", command="hb"),
        }


@contextmanager
def echo_port() -> Iterator[Path]:
    """Yield a port that echoes."""
    with new_node() as node, running("echo", str(node.tty), module="benchmarks.bare"):
        wait_until(node.tty.exists)
        yield node.tty


@contextmanager
def fake_port() -> Iterator[Path]:
    """Yield a port with a fake board behind it."""
    with new_node() as node, node.board(QUIET, FAST):
        yield node.tty


@contextmanager
def bare_server() -> Iterator[Client]:
    """Yield a connection to a bare trio server."""
    with new_node() as node, node.instant_board(), running("server", node.socket, str(node.tty), module="benchmarks.bare"):
        wait_until(node.answers)
        with node.client() as client:
            yield client


@contextmanager
def service(node: Node, *, instant: bool) -> Iterator[Client]:
    """Yield a connection to a service that sees its board."""
    board = node.instant_board() if instant else node.board(QUIET, FAST)
    with board, node.service():
        wait_until(node.sees_board)
        with node.client() as client:
            yield client
