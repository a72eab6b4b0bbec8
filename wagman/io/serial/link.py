"""The link: keeps a connection to the board, reads it without waiting for anybody, and carries one request at a time.

Rules:

- One task (`Link.run`) opens, reads, and opens again. It waits for the port and for nothing else: its listener is
  called, not awaited, in the order of the bytes.
- One request is in flight, and requests take turns in the order in which they were made. More at a time would gain nothing:
  the board answers in order, and one slow command would make all those behind it look lost.
- A request ends in one way: an answer, `BoardTimeoutError`, `LinkGoneError` (at once when the link goes down), what its
  own `match` raised, or cancellation. An answer that comes later is dropped and counted.
- Nobody can tell how much of an unfinished write went out, so a write that is cut short costs the connection.
- After a time-out and on a new connection the board may hold half a request: `resync` goes out before the next one.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import trio
from attrs import define, field, frozen

from wagman.io.serial.transport import Opener, Transport
from wagman.model.errors import BoardError, BoardProtocolError, BoardTimeoutError, LinkBusyError, LinkGoneError

BACKOFF_MIN_S = 0.2
"""The pause before a lost connection is opened again (chosen); doubled with each failure."""

BACKOFF_MAX_S = 5.0
"""The longest pause (chosen). After a connection that lived this long the next pause is the shortest again."""

MAX_OVERDUE = 16
"""How many unanswered requests are remembered, so that their late answers are recognised (chosen)."""

E = TypeVar("E")
T = TypeVar("T")
E_co = TypeVar("E_co", covariant=True)
E_contra = TypeVar("E_contra", contravariant=True)


class Decoder(Protocol[E_co]):
    """A dialect's reading half; each connection gets a new one."""

    def feed(self, data: bytes) -> Sequence[E_co]:
        """Take bytes; return the events that they complete."""


class Listener(Protocol[E_contra]):
    """Whoever is told of the connection, at once and in the order of the bytes; none of these methods may wait."""

    def on_up(self) -> None:
        """A connection was opened; nothing has been read from it yet."""

    def on_down(self, reason: str) -> None:
        """The connection was lost, or could not be opened at all; told once until the next `on_up`."""

    def on_event(self, event: E_contra, at_s: float) -> None:
        """The board said something that no request claimed; it was read at `at_s`."""


@frozen
class Answer(Generic[T]):
    """The board's answer to a request."""

    value: T  # what `match` made of it
    asked_at_s: float  # before the first byte of the request left
    at_s: float  # when the answer was read


@define(eq=False, repr=False)
class _Request(Generic[E]):
    match: Callable[[E], Any]
    asked_at_s: float
    answered: trio.Event = field(factory=trio.Event)
    scope: trio.CancelScope = field(factory=trio.CancelScope)  # around the wait for the answer
    answer: Answer[Any] | None = None
    error: BoardError | None = None  # what `match` raised
    lost: str | None = None  # why the link went down meanwhile

    def claims(self, event: E, at_s: float) -> bool:
        """Whether `event` is the answer; if so the request has ended."""
        if self.answered.is_set():
            return False
        try:
            value = self.match(event)
        except BoardError as error:
            self.error = error
        else:
            if value is None:
                return False
            self.answer = Answer(value, self.asked_at_s, at_s)
        self.answered.set()
        return True

    def lose(self, reason: str) -> None:
        """The link went down: end the wait of the request, or its writing."""
        self.lost = reason
        self.scope.cancel()

    def result(self, timeout_s: float) -> Answer[Any]:
        if self.error:
            raise self.error
        if self.answer:
            return self.answer
        if self.lost:
            raise LinkGoneError(self.lost)
        raise BoardTimeoutError(f"the board did not answer within {timeout_s:g} s")


class Link(Generic[E]):
    """A connection to the board that comes back by itself."""

    def __init__(
        self,
        opener: Opener,
        make_decoder: Callable[[], Decoder[E]],
        listener: Listener[E],
        *,
        resync: bytes = b"",
        is_first: bool = True,
    ) -> None:
        self.last_heard_s: float | None = None  # when bytes last came in, whatever they were
        self.down_reason: str | None = None  # why the link is down; None while it is up or was not tried yet
        self.late_answers = 0
        self._opener = opener
        self._make_decoder = make_decoder
        self._listener = listener
        self._resync = resync
        self._is_first = is_first  # nobody in this process has tried to open the port before
        self._turn = trio.Lock()
        self._connection: _Connection | None = None
        self._asking: _Request[E] | None = None
        self._overdue: deque[_Request[E]] = deque(maxlen=MAX_OVERDUE)

    @property
    def is_up(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the link up for as long as this task runs. It reports *started* after the first attempt, however that ended.

        Raises:
            LinkBusyError: another process holds the port at the very first attempt; later that is an outage like any other.
        """
        connection = await self._open(is_first=self._is_first)
        task_status.started()
        pause_s = BACKOFF_MIN_S
        while True:
            if connection and await self._serve(connection) >= BACKOFF_MAX_S:
                pause_s = BACKOFF_MIN_S
            await trio.sleep(pause_s)
            pause_s = min(2 * pause_s, BACKOFF_MAX_S)
            connection = await self._open()

    async def request(self, data: bytes, match: Callable[[E], T | None], timeout_s: float) -> Answer[T]:
        """Send a request and wait for its answer, at most `timeout_s` seconds from the moment its turn has come.

        From then on `match` is called with each event, in the order of the bytes, until it returns something: the answer. A
        `BoardError` that it raises is the answer, too. If an answer takes several events, `match` may collect them.

        Raises:
            BoardTimeoutError: no answer in time, or the request could not even be written in time.
            LinkGoneError: the link is down, or went down meanwhile.
        """
        async with self._turn:
            request = _Request(match, trio.current_time())
            await self._ask(request, data, timeout_s)
        return request.result(timeout_s)

    def hang_up(self, reason: str) -> None:
        """Drop the connection, if there is one, so that it is opened anew."""
        if self._connection:
            self._connection.scope.cancel()
            self._lose(self._connection, reason)

    # --- The reader ---------------------------------------------------------------------------------------------------

    async def _open(self, *, is_first: bool = False) -> "_Connection | None":
        try:
            return _Connection(await self._opener())
        except (LinkGoneError, LinkBusyError) as error:
            if is_first and isinstance(error, LinkBusyError):
                raise
            self._tell_down(str(error))
            return None

    async def _serve(self, connection: "_Connection") -> float:
        """Read until the connection is lost; return how many seconds it lived."""
        self._connection = connection
        self.down_reason = None
        try:
            self._listener.on_up()
            with connection.scope:
                await self._read(connection)
        except LinkGoneError as error:
            self._lose(connection, str(error))
        except Exception:
            self._lose(connection, "the reader failed")
            raise
        finally:
            self._detach(connection, "closed")
            await connection.transport.aclose()
        return trio.current_time() - connection.opened_at_s

    async def _read(self, connection: "_Connection") -> None:
        decoder = self._make_decoder()
        while True:
            data = await connection.transport.receive_some()
            self.last_heard_s = trio.current_time()
            for event in decoder.feed(data):
                if self._connection is connection:  # until a listener drops the connection because of what it says
                    self._dispatch(event, self.last_heard_s)

    def _dispatch(self, event: E, at_s: float) -> None:
        if self._asking and self._asking.claims(event, at_s):
            return
        for request in self._overdue:
            if request.claims(event, at_s):
                self.late_answers += 1
                return
        self._listener.on_event(event, at_s)

    def _lose(self, connection: "_Connection", reason: str) -> None:
        if self._detach(connection, reason):
            self._tell_down(reason)

    def _detach(self, connection: "_Connection", reason: str) -> bool:
        if self._connection is not connection:
            return False
        self._connection = None
        if self._asking:
            self._asking.lose(reason)
        return True

    def _tell_down(self, reason: str) -> None:
        was_known = self.down_reason is not None
        self.down_reason = reason
        if not was_known:
            self._listener.on_down(reason)

    # --- The requests -------------------------------------------------------------------------------------------------

    async def _ask(self, request: _Request[E], data: bytes, timeout_s: float) -> None:
        connection = self._connection
        if connection is None:
            raise LinkGoneError(self.down_reason or "the link was not opened yet")
        self._asking = request
        try:
            with trio.move_on_after(timeout_s) as request.scope:
                await self._write(connection, data)
                await request.answered.wait()
        finally:
            self._asking = None
            self._settle(request, connection)

    async def _write(self, connection: "_Connection", data: bytes) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        connection.is_mid_write = True
        await connection.transport.send_all(self._resync + data if connection.is_doubtful else data)
        connection.is_mid_write = connection.is_doubtful = False

    def _settle(self, request: _Request[E], connection: "_Connection") -> None:
        if not request.answered.is_set():
            self._overdue.append(request)
            connection.is_doubtful = True
        if connection.is_mid_write and connection is self._connection:
            self.hang_up("a write was cut short")


@define(eq=False, repr=False)
class _Connection:
    transport: Transport
    scope: trio.CancelScope = field(factory=trio.CancelScope)  # around the reader
    opened_at_s: float = field(factory=trio.current_time)
    is_mid_write: bool = False
    is_doubtful: bool = True  # the board may hold half a request


REPEATS = 2
"""How often a read is asked before its silence counts as a miss (chosen)."""


async def retry(ask: Callable[[], Awaitable[T]], attempts: int) -> T:
    """Make a request up to `attempts` times, until it is answered; only for requests that may be repeated.

    Raises:
        BoardTimeoutError, BoardProtocolError: the outcome of the last attempt.
        BoardError: anything else, at once.
    """
    for _ in range(attempts - 1):
        try:
            return await ask()
        except (BoardTimeoutError, BoardProtocolError):
            continue
    return await ask()
