"""The socket for programs that run in trio: one connection to the service, and a follower of its events."""

import math
from contextlib import suppress
from os import PathLike, fspath
from typing import Any, Final, NamedTuple, TypeAlias

import trio

from wagman.client.conversation import ANSWER_S, Answer, Conversation, Notification, unanswered, unreached
from wagman.client.errors import AddressError, AnswerError, LostError
from wagman.client.following import Following, Happened, Missing, Place, Replaced
from wagman.model.sockets import obstacle

RETRY_S: Final = 1.0
"""The least time between two tries to reach the service (chosen)."""

RETRY_MAX_S: Final = 10.0
"""The longest time between two tries; the time doubles up to this (chosen)."""


class Connection(trio.abc.AsyncResource):
    """A connection. Calls take turns; callers set the time limits.

    Each method raises LostError once the connection is broken. After a call was cancelled while it sent, the connection is of no
    more use: close it.
    """

    def __init__(self, stream: trio.abc.Stream, path: str) -> None:
        self._stream = stream
        self._conversation = Conversation(path)
        self._turn = trio.Lock()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def call(self, method: str, **params: Any) -> Any:
        """Return the result of a request; raises AnswerError if the service answers with an error."""
        async with self._turn:
            number, line = self._conversation.request(method, params)
            # If the service has hung up, it may have said why: that is read next.
            with suppress(trio.BrokenResourceError):
                await self._stream.send_all(line)
            while True:
                message = await self._message()
                if isinstance(message, Notification):
                    self._conversation.keep(message)
                elif message.number in (number, None):
                    return message.result

    async def told(self) -> Notification:
        """Return the next message that the service sends unasked."""
        if (kept := self._conversation.kept()) is not None:
            return kept
        while not isinstance(message := await self._message(), Notification):
            pass  # an answer that came too late
        return message

    async def _message(self) -> Answer | Notification:
        while (message := self._conversation.next()) is None:
            try:
                data = await self._stream.receive_some()
            except trio.BrokenResourceError:
                data = b""
            self._conversation.feed(bytes(data))
        return message


async def connect(path: str | PathLike[str]) -> Connection:
    """Return a connection to the service whose socket is at `path`, an asynchronous context manager that closes it.

    Raises:
        AddressError: no socket can be there.
        DeniedError: the user of this process may not use the socket.
        LostError: nobody listens there.
    """
    if reason := obstacle(fspath(path)):
        raise AddressError(f"{fspath(path)}: {reason}")
    try:
        return Connection(await trio.open_unix_socket(path), fspath(path))
    except OSError as error:
        raise unreached(fspath(path), error) from error


class Away(NamedTuple):
    """The service cannot be reached, for this reason; the follower goes on trying."""

    reason: str


News: TypeAlias = Happened | Missing | Replaced | Away


class Follower(trio.abc.ReceiveChannel[News]):
    """Every event after a place in the log, without a gap or a repeat, over as many connections as it takes.

    Use it with `async with`, which closes the connection, and read it with `async for` or `receive`, by one reader at a time. It
    runs no task and has no buffer: events that are not read yet wait in the service's log. Cancelling a wait loses nothing.

    - `Happened`: an event. An event without an id comes a second time with `again` set, once it has its id.
    - `Missing`, `Replaced`: events that cannot be had any more, told at their place.
    - `Away`: the service is out of reach. This is told once; any other news means that the service is back.

    Args:
        path: of the service's socket.
        place: events after this place are wanted; None: events from now on. A program that is to go on after its own restart
            saves the place of the last event that it handled: `log_id` and the id of the event.
    """

    def __init__(self, path: str | PathLike[str], place: Place | None = None) -> None:
        self.path = fspath(path)
        self._following = Following(place)
        self._connection: Connection | None = None
        self._is_away = False
        self._pause_s = RETRY_S
        self._due_s = -math.inf  # no earlier try than then, on trio's clock

    async def aclose(self) -> None:
        """Close the connection. A later `receive` connects anew, and goes on at the same place."""
        self._following.lost()
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()

    async def receive(self) -> News:
        """Return the next news; `async for` does the same.

        Raises:
            AddressError: no socket can be at that path.
            DeniedError, AnswerError: the user of this process may not use the socket. After a connection that was permitted, this
                is raised only at the second refusal.
        """
        await trio.lowlevel.checkpoint()
        while True:
            if self._following.notes:
                return self._following.notes.popleft()
            news: News | None
            try:
                news = await self._listen()
            except LostError as error:
                news = await self._lost(error)
            if news is not None:
                return news

    async def _listen(self) -> Happened | None:
        if self._connection is None or self._following.is_behind:
            await trio.sleep_until(self._due_s)
            with self._following.judging():
                await self._resume()
            return None
        return self._following.take(await self._connection.told())

    async def _resume(self) -> None:
        try:
            with trio.fail_after(ANSWER_S):
                self._connection = self._connection or await connect(self.path)
                await self._subscribe(self._connection)
        except trio.TooSlowError as error:
            raise unanswered(self.path) from error
        except BaseException:
            await trio.aclose_forcefully(self)  # half a request may have been sent
            raise
        self._is_away, self._pause_s = False, RETRY_S

    async def _subscribe(self, connection: Connection) -> None:
        steps = self._following.resume()
        with suppress(StopIteration):
            method, params = next(steps)
            while True:
                try:
                    result = await connection.call(method, **params)
                except AnswerError as error:
                    method, params = steps.throw(error)
                else:
                    method, params = steps.send(result)

    async def _lost(self, error: LostError) -> Away | None:
        """Close the connection; return `Away` if that was not told yet."""
        self._due_s = trio.current_time() + self._pause_s
        self._pause_s = min(2 * self._pause_s, RETRY_MAX_S)
        await trio.aclose_forcefully(self)
        was_away, self._is_away = self._is_away, True
        return None if was_away else Away(str(error))
