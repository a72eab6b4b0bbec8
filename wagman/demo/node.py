"""A temporary node: a folder, and the fake board and the service as processes of their own."""

import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import trio
from attrs import frozen

from wagman.client.asynchronous import Connection, Follower, connect
from wagman.client.errors import LostError
from wagman.client.following import Place
from wagman.demo.settings import PORTS, PYTHON, config_text, fake_guests
from wagman.demo.wire import Wire, wired
from wagman.model.errors import WagmanError
from wagman.model.sockets import obstacle

START_S = 20.0
"""How long the processes may take until they answer, in real time (chosen: a slow and busy machine)."""

KNOCK_S = 0.05
"""How often a socket that does not exist yet is tried, in real time (chosen)."""

T = TypeVar("T")

PREFIX = "wagman-demo-"

LONGEST = "wagman.sock"
"""The longest name of a socket in the folder."""

SHORT = "/tmp"  # noqa: S108 - a directory of our own is made there
"""A directory whose paths are short enough for sockets."""

TAIL_CHARS = 600
"""How much of a process's output is shown if it has ended (chosen)."""


class NodeError(WagmanError):
    """A process did not start, or ended by itself."""


@frozen
class Node:
    """The connections to a running node."""

    board: Wire  # the fake board's control socket
    service: Connection  # for requests
    events: Follower
    speed: float
    folder: Path
    ports: Mapping[str, int] = PORTS  # of the devices, on the fake board
    dialect: str = "v3"

    @property
    def service_socket(self) -> str:
        """The service's socket."""
        return str(self.folder / LONGEST)

    def real_s(self, board_s: float) -> float:
        """Return how long so much board time takes in real time."""
        return board_s / self.speed


@asynccontextmanager
async def running_node(speed: float, dialect: str) -> AsyncIterator[Node]:
    """Run a node meanwhile, and yield the connections to it; at the end its processes have ended and its folder is gone.

    Raises:
        NodeError: a process did not start, or ended by itself.
    """
    with short_folder() as folder:
        config = folder / "wagman.toml"
        config.write_text(config_text(folder, dialect), encoding="utf-8")
        async with trio.open_nursery() as nursery:
            await nursery.start(child, folder, "fake-board", wagman(*_board_arguments(folder, speed, dialect)))
            await nursery.start(child, folder, "run", wagman("run", "--config", str(config), "--speed", str(speed)))
            with bounded():
                board = await reached(partial(wired, folder / "control"))
                service = await reached(partial(connect, folder / LONGEST))
            yield Node(board, service, events_of(folder), speed, folder, dialect=dialect)
            nursery.cancel_scope.cancel()


@contextmanager
def short_folder() -> Iterator[Path]:
    """Yield a temporary folder whose path leaves room for those of sockets, even if TMPDIR is long."""
    with TemporaryDirectory(prefix=PREFIX) as usual, ExitStack() as stack:
        name = stack.enter_context(TemporaryDirectory(prefix=PREFIX, dir=SHORT)) if obstacle(str(Path(usual, LONGEST))) else usual
        yield Path(name)


def _board_arguments(folder: Path, speed: float, dialect: str) -> Sequence[str]:
    guests = (word for guest in fake_guests(dialect) for word in ("--guest", guest))
    places = ("--link", str(folder / "tty"), "--control", str(folder / "control"))
    return "fake-board", *places, "--speed", str(speed), "--dialect", dialect, *guests


def events_of(folder: Path) -> Follower:
    """Return a follower of all events of the service there."""
    return Follower(folder / LONGEST, Place(None, 0))


@contextmanager
def bounded() -> Iterator[None]:
    """Bound the time that the processes may take until they answer.

    Raises:
        NodeError: it was not enough.
    """
    with trio.move_on_after(START_S) as scope:
        yield
    if scope.cancelled_caught:
        raise NodeError(f"the service and the fake board did not answer within {START_S:g} s")


async def reached(open_: Callable[[], Awaitable[T]]) -> T:
    """Return the connection as soon as somebody listens; the caller bounds the wait."""
    while True:
        try:
            return await open_()
        except (OSError, LostError):
            await trio.sleep(KNOCK_S)  # it is still starting


def wagman(*words: str) -> Sequence[str]:
    """Return the command line of a `wagman` command that ends with us."""
    return *PYTHON, "-m", "wagman.demo.leash", *words


async def child(
    folder: Path,
    name: str,
    command: Sequence[str],
    *,
    stdout: int = subprocess.DEVNULL,
    task_status: trio.TaskStatus[trio.Process] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run a command until cancelled: then by SIGTERM, and by SIGKILL if that does not help. It holds an end of a pipe from us.

    It has a session of its own, so that the demonstration passes on a Ctrl-C. Modules are not looked for in the current folder
    (-P):
    files there are not ours to execute.

    Raises:
        NodeError: it ended by itself.
    """
    complaints = folder / f"{name}.err"
    with complaints.open("wb") as stderr:
        async with trio.open_nursery() as nursery:
            run = partial(trio.run_process, command, stdin=subprocess.PIPE, stdout=stdout, stderr=stderr, check=False)
            process = await nursery.start(partial(run, start_new_session=True, cwd=folder))
            task_status.started(process)
    said = complaints.read_text(encoding="utf-8", errors="replace").strip()[-TAIL_CHARS:]
    raise NodeError(f"`{name}` ended by itself with exit status {process.returncode}: {said or 'it said nothing'}")
