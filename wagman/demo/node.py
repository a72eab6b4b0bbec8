"""A node for the occasion: a temporary folder, and the fake board and the service as processes of their own."""

import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
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
from wagman.demo.settings import FAKE_GUESTS, PYTHON, config_text
from wagman.demo.wire import Wire, wired
from wagman.model.errors import WagmanError
from wagman.model.sockets import obstacle

START_S = 20.0
"""How long the processes may take until they answer, in real time (chosen: a slow and busy machine)."""

KNOCK_S = 0.05
"""How often a socket that is not there yet is tried, in real time (chosen)."""

T = TypeVar("T")

PREFIX = "wagman-demo-"

LONGEST = "wagman.sock"
"""The longest name of a socket there."""

SHORT = "/tmp"  # noqa: S108 - a directory of our own is made there
"""Where there is room for one."""

TAIL_CHARS = 600
"""How much is shown of what a process said before it ended (chosen)."""


class NodeError(WagmanError):
    """A process did not start, or ended by itself."""


@frozen
class Node:
    """The connections to a running node."""

    board: Wire  # the fake board's control socket
    service: Connection  # for requests
    events: Follower
    speed: float
    dialect: str = "v3"

    def real_s(self, board_s: float) -> float:
        """How long so much board time takes."""
        return board_s / self.speed


@asynccontextmanager
async def running_node(speed: float, dialect: str) -> AsyncIterator[Node]:
    """A node that runs; at the end its processes have ended and its folder is gone.

    Raises:
        NodeError: a process did not start, or ended by itself.
    """
    with short_folder() as folder:
        config = folder / "wagman.toml"
        config.write_text(config_text(folder, dialect), encoding="utf-8")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_child, folder, _board_arguments(folder, speed, dialect))
            nursery.start_soon(_child, folder, ("run", "--config", str(config), "--speed", str(speed)))
            yield await _reached(folder, speed, dialect)
            nursery.cancel_scope.cancel()


@contextmanager
def short_folder() -> Iterator[Path]:
    """A temporary folder whose path leaves room for those of sockets, also where TMPDIR is a long one."""
    with TemporaryDirectory(prefix=PREFIX) as usual, ExitStack() as stack:
        name = stack.enter_context(TemporaryDirectory(prefix=PREFIX, dir=SHORT)) if obstacle(str(Path(usual, LONGEST))) else usual
        yield Path(name)


def _board_arguments(folder: Path, speed: float, dialect: str) -> Sequence[str]:
    guests = (word for guest in FAKE_GUESTS for word in ("--guest", guest))
    places = ("--link", str(folder / "tty"), "--control", str(folder / "control"))
    return "fake-board", *places, "--speed", str(speed), "--dialect", dialect, *guests


async def _reached(folder: Path, speed: float, dialect: str) -> Node:
    with trio.move_on_after(START_S):
        service = folder / LONGEST
        board = await reached(partial(wired, folder / "control"))
        return Node(board, await reached(partial(connect, service)), Follower(service, Place(None, 0)), speed, dialect)
    raise NodeError(f"the service and the fake board did not answer within {START_S:g} s")


async def reached(open_: Callable[[], Awaitable[T]]) -> T:
    """The connection, as soon as somebody listens: the caller bounds the wait."""
    while True:
        try:
            return await open_()
        except (OSError, LostError):
            await trio.sleep(KNOCK_S)  # it is still starting


async def _child(folder: Path, arguments: Sequence[str]) -> None:
    """Run `wagman ARGUMENTS` until cancelled: SIGTERM then, and SIGKILL if that does not help.

    Its session is its own: a Ctrl-C is for the demonstration to pass on. Modules are not looked for in the folder that somebody
    happens to be in (-P): what lies there is not ours to execute.

    Raises:
        NodeError: it ended by itself.
    """
    complaints = folder / f"{arguments[0]}.err"
    with complaints.open("wb") as stderr:
        command = [*PYTHON, "-m", "wagman", *arguments]
        ended = await trio.run_process(
            command, stdout=subprocess.DEVNULL, stderr=stderr, check=False, start_new_session=True, cwd=folder
        )
    said = complaints.read_text(encoding="utf-8", errors="replace").strip()[-TAIL_CHARS:]
    raise NodeError(f"`wagman {arguments[0]}` ended by itself with exit status {ended.returncode}: {said or 'it said nothing'}")
