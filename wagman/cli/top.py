"""`wagman top`: the problems, the status, the timers and the latest events, live, and keys to act on a guest.

- `top_keys`   the keys; no I/O
- `top_view`   the picture as lines of text; no I/O
- here         the terminal, and the service
"""

import os
import select
import signal
import socket
import sys
import termios
import time
import tty
from argparse import ArgumentParser, Namespace
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from types import FrameType
from typing import TYPE_CHECKING, Any

from wagman.cli.connection import add_socket_argument
from wagman.cli.events import last
from wagman.cli.outcome import DONE, USAGE, CommandError
from wagman.cli.top_keys import Request, State, came, keys, pressed, settled
from wagman.cli.top_view import Picture, can_be_chosen, event_line, screen
from wagman.client.blocking import Follower
from wagman.client.errors import ClientError, LostError
from wagman.model.words import duration

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

REFRESH_S = 1.0
"""How often the service is asked (chosen)."""

KEPT = 200
"""How many events are remembered (chosen: more than any terminal has lines)."""

USUAL_SIZE = (80, 24)
"""The columns and lines of a terminal that does not know its size, such as a serial console."""

_TOO_PLAIN = ("", "dumb", "unknown")
"""Terminals that can only print line by line, and so not show this."""

_ENDING = (signal.SIGINT, signal.SIGTERM)
_CHUNK_BYTES = 1024


def add_arguments(parser: ArgumentParser, _command: str) -> None:
    """Add the arguments of the command."""
    add_socket_argument(parser)


def run(args: Namespace) -> int:
    """Show the live view until q is pressed."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandError("top needs a terminal: use wagman status, or wagman events -f", USAGE)
    if os.environ.get("TERM", "") in _TOO_PLAIN:
        raise CommandError(
            f"top cannot draw on this terminal (TERM={os.environ.get('TERM', '')}): use wagman status, or wagman events -f", USAGE
        )
    try:
        from rich.console import Console  # noqa: PLC0415 - heavy, and needed by nothing else
        from rich.live import Live  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise CommandError("top needs the package rich: pip install rich", USAGE) from error
    watch, console = Watch(args.socket), Console()
    watch.begin()
    with _signals() as woken, _keyboard(), Live(drawn(watch, console), console=console, screen=True, auto_refresh=False) as live:
        while not watch.state.is_over:
            watch.refresh()
            live.update(drawn(watch, console), refresh=True)
            ready, _, _ = select.select([sys.stdin, woken], [], [], watch.rest_s)
            came = woken.recv(_CHUNK_BYTES) if woken in ready else b""
            if number := next((number for number in _ENDING if number in came), None):
                return 128 + number  # as shells count
            if sys.stdin in ready:
                watch.type(os.read(sys.stdin.fileno(), _CHUNK_BYTES) or b"q")  # nothing: the terminal has gone
    return DONE


class Watch:
    """The latest answers of the service, and the state of the keys."""

    def __init__(self, path: str) -> None:
        self.state = State()
        self._events: deque[str] = deque(maxlen=KEPT)
        self._follower = Follower(path, lambda note: self._events.append(str(note)))
        self._status: Any = {}  # a `Status`, once it was seen
        self._due_s = 0.0
        self._trouble = ""
        self._seen_s = 0.0

    @property
    def rest_s(self) -> float:
        """The time until the service is to be asked again."""
        return max(self._due_s - time.monotonic(), 0.0)

    @property
    def picture(self) -> Picture:
        """The picture to be drawn."""
        silent_s = time.monotonic() - self._seen_s
        away = f"away for {duration(silent_s)}, this is how it was: {self._trouble}" if self._trouble else ""
        return Picture(self._status, list(self._events), self.state, away)

    def begin(self) -> None:
        """Read the status and the latest events. Raises ClientError."""
        client = self._follower.client
        for event in last(client, {}, KEPT):
            if event["id"] is None:
                self._follower.remember(event)
            elif event["id"] > (self._follower.last_id or 0):
                continue  # the subscription has it
            self._events.append(event_line(event))
        self._look()

    def refresh(self) -> None:
        """Ask the service if it is time to. If it is away, the last picture stays, with a line that says so."""
        if self.rest_s:
            return
        try:
            self._look()
        except ClientError as error:
            self._lost(error)
        self._due_s = time.monotonic() + REFRESH_S

    def type(self, data: bytes) -> None:
        """Act on the keys that were typed."""
        for key in keys(data):
            self._press(key)

    def _press(self, key: str) -> None:
        self.state, request = pressed(self.state, key, can_be_chosen(self._status))
        if request:
            self.state = self.state._replace(said=f"{request.verb} {request.device}: {self._answer(request)}")
            self._due_s = 0.0

    def _look(self) -> None:
        self._status = self._follower.client.call("status")
        # Bounded, so that a flood of events does not keep the keys waiting.
        events = list(islice(iter(partial(self._follower.item, 0.0), None), KEPT))
        self._events.extend(map(event_line, events))
        self.state = came(settled(self.state, can_be_chosen(self._status)), len(events), len(self._events))
        self._seen_s, self._trouble = time.monotonic(), ""

    def _answer(self, request: Request) -> str:
        sent = False
        try:
            client = self._follower.client
            sent = True
            reply = client.call(request.verb, device=request.device)
        except LostError as error:
            self._lost(error)
            return f"{'it is not known whether that was accepted' if sent else 'not sent'}: {error}"
        except ClientError as error:
            return str(error)
        return f"{'accepted' if reply['accepted'] else 'refused'}: {reply['reason']}"

    def _lost(self, error: ClientError) -> None:
        self._follower.drop()
        self._trouble = str(error)


# --- The terminal -----------------------------------------------------------------------------------------------------


def drawn(watch: Watch, console: "Console") -> "Text":
    """Return the picture in the present size of the terminal."""
    from rich.console import ConsoleDimensions  # noqa: PLC0415 - see above
    from rich.text import Text  # noqa: PLC0415 - see above

    width, height = (given or usual for given, usual in zip(os.get_terminal_size(sys.stdout.fileno()), USUAL_SIZE, strict=True))
    console.size = ConsoleDimensions(width, height)  # $COLUMNS and $LINES would not follow a change of size
    lines = screen(watch.picture, width, height)
    return Text("\n", no_wrap=True, overflow="crop").join(Text(line.text, line.style) for line in lines)


@contextmanager
def _keyboard() -> Iterator[None]:
    """Have keys read one by one meanwhile, without an echo."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Yield a socket that receives the numbers of signals, so that none interrupts a change of the terminal."""
    woken, waker = socket.socketpair()
    with woken, waker:
        waker.settimeout(0)  # as set_wakeup_fd wants it
        # A view stopped by ^Z would leave its screen to the shell.
        ours: dict[int, Any] = dict.fromkeys((*_ENDING, signal.SIGWINCH), _noted) | {signal.SIGTSTP: signal.SIG_IGN}
        before = {number: signal.signal(number, handler) for number, handler in ours.items()}
        fd_before = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        try:
            yield woken
        finally:
            signal.set_wakeup_fd(fd_before)
            for number, handler in before.items():
                signal.signal(number, handler)


def _noted(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the socket has received the signal."""
