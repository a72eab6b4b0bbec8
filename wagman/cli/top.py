"""`wagman top`: the status and the latest events, live, until q."""

import os
import select
import sys
import termios
import tty
from argparse import ArgumentParser, Namespace
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from wagman.cli.client import LostError, add_socket_argument
from wagman.cli.events import words
from wagman.cli.follow import Follower
from wagman.cli.outcome import DONE, USAGE, CommandError
from wagman.cli.status import lines

if TYPE_CHECKING:
    from rich.text import Text

REFRESH_S = 1.0
"""How often it is drawn anew (chosen)."""

_KEPT = 200


def add_arguments(parser: ArgumentParser, _command: str) -> None:
    """What it takes."""
    add_socket_argument(parser)


def run(args: Namespace) -> int:
    """Show it until q is pressed."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandError("top needs a terminal: use wagman status, or wagman events -f", USAGE)
    try:
        from rich.live import Live  # noqa: PLC0415 - heavy, and needed by nothing else
    except ImportError as error:
        raise CommandError("top needs the package rich: pip install 'wagman[live]'", USAGE) from error
    view = View(args.socket)
    view.look()
    with _keys(), Live(view.drawn(), screen=True, auto_refresh=False) as live:
        while not _quit_pressed(REFRESH_S):
            view.refresh()
            live.update(view.drawn(), refresh=True)
    return DONE


class View:
    """What is shown."""

    def __init__(self, path: str) -> None:
        self._trouble = ""
        self._events: deque[str] = deque(maxlen=_KEPT)
        self._follower = Follower(path, self._events.append)
        self._status: Mapping[str, Any] = {}

    def look(self) -> None:
        """Ask how everything is, and take in what has happened. Raises LostError."""
        self._status = self._follower.client.call("status")
        while event := self._follower.item(0.0):
            self._events.append(words(event))
        self._trouble = ""

    def refresh(self) -> None:
        """As `look`; where the service is away, the last picture stays, and says so."""
        try:
            self.look()
        except LostError as error:
            self._follower.drop()
            self._trouble = str(error)

    def drawn(self) -> "Text":
        """The picture, as high as the terminal."""
        from rich.text import Text  # noqa: PLC0415 - see above

        top = [*lines(self._status), ""]
        room = max(os.get_terminal_size().lines - len(top) - 2, 1)
        text = Text.from_ansi("\n".join([*top, *list(self._events)[-room:]]), no_wrap=True, overflow="ellipsis")
        text.append(f"\n{self._trouble or 'q quits'}", "red" if self._trouble else "dim")
        return text


@contextmanager
def _keys() -> Iterator[None]:
    """Keys are read one by one meanwhile, and are not echoed."""
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _quit_pressed(within_s: float) -> bool:
    ready, _, _ = select.select([sys.stdin], [], [], within_s)
    return bool(ready) and os.read(sys.stdin.fileno(), 64)[:1] in (b"q", b"Q", b"\x04", b"")
