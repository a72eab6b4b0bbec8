"""One connection to the service for programs that run in trio: requests with their answers, and what is told unasked."""

from collections import deque
from contextlib import suppress
from os import PathLike, fspath
from typing import Any, Self

import trio

from wagman.client.conversation import Answer, Conversation, Told, unreached


class Connection:
    """A connection; calls take turns, and whoever waits bounds the wait.

    Each method raises LostError once the connection breaks. A call that is cancelled while it sends leaves a connection that
    is of no more use.
    """

    def __init__(self, stream: trio.abc.Stream, path: str) -> None:
        self._stream = stream
        self._conversation = Conversation(path)
        self._told: deque[Told] = deque()
        self._turn = trio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Hang up."""
        await self._stream.aclose()

    async def call(self, method: str, **params: Any) -> Any:
        """The result of a request; raises AnswerError for what the service refuses."""
        async with self._turn:
            number, line = self._conversation.request(method, params)
            # Where it hung up, it may have said why before: that is read next.
            with suppress(trio.BrokenResourceError):
                await self._stream.send_all(line)
            while True:
                message = await self._message()
                if isinstance(message, Told):
                    self._told.append(message)
                elif message.number in (number, None):
                    return message.result

    async def told(self) -> Told:
        """What the service tells next."""
        if self._told:
            return self._told.popleft()
        while not isinstance(message := await self._message(), Told):
            pass  # an answer that came too late
        return message

    async def _message(self) -> Answer | Told:
        while (message := self._conversation.next()) is None:
            try:
                data = await self._stream.receive_some()
            except trio.BrokenResourceError:
                data = b""
            self._conversation.feed(bytes(data))
        return message


async def connect(path: str | PathLike[str]) -> Connection:
    """A connection to the service whose socket is at `path`; an asynchronous context manager that hangs up.

    Raises:
        DeniedError: who runs this may not use it.
        LostError: nobody listens there.
    """
    try:
        return Connection(await trio.open_unix_socket(path), fspath(path))
    except OSError as error:
        raise unreached(fspath(path), error) from error
