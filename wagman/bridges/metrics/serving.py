"""HTTP for Prometheus, on this computer only: one request on each connection, bounded in time and in size."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import h11
import trio
from attrs import define, field

from wagman.bridges.metrics.exposition import CONTENT_TYPE

HOST = "127.0.0.1"
PATH = "/metrics"

REQUEST_S = 10.0
"""How long a request and its answer may take (chosen: Prometheus waits as long)."""

MOST_BYTES = 16_384
"""How large a request may be (chosen: that of Prometheus has a few hundred bytes)."""

MOST_CONNECTIONS = 8
"""How many connections there may be at a time; further ones are closed (chosen)."""

READ_BYTES = 4_096
"""How many bytes are read at once (chosen)."""


class Answer(NamedTuple):
    """An answer."""

    status: int
    body: str
    headers: Mapping[str, str]


@define(eq=False)
class Server:
    """Answers requests with the metrics, which `text` returns."""

    text: Callable[[], Awaitable[str]]
    _connections: int = field(default=0, init=False)

    async def talk(self, stream: trio.abc.Stream) -> None:
        """Answer the request of one connection, and close it."""
        async with stream:
            if self._connections >= MOST_CONNECTIONS:
                return
            self._connections += 1
            try:
                with trio.move_on_after(REQUEST_S):
                    await self._talk(stream)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass  # the client hung up before the end
            finally:
                self._connections -= 1

    async def _talk(self, stream: trio.abc.Stream) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_BYTES)
        try:
            request = await _request(connection, stream)
        except h11.RemoteProtocolError as error:
            await stream.send_all(_bytes(connection, _plain(error.error_status_hint, "that is no request")))
            return
        if request is not None:
            answer = await self._answer(request)
            await stream.send_all(_bytes(connection, answer, with_body=request.method != b"HEAD"))

    async def _answer(self, request: h11.Request) -> Answer:
        if request.target.partition(b"?")[0] != PATH.encode():
            return _plain(404, f"the metrics are at {PATH}")
        if request.method not in (b"GET", b"HEAD"):
            return _plain(405, "there is nothing to do but to look", Allow="GET, HEAD")
        return Answer(200, await self.text(), {"Content-Type": CONTENT_TYPE})


async def _request(connection: h11.Connection, stream: trio.abc.Stream) -> h11.Request | None:
    """Return the request; None if the client hung up without one."""
    while True:
        match connection.next_event():
            case h11.Request() as request:
                return request
            case h11.NEED_DATA:
                connection.receive_data(bytes(await stream.receive_some(READ_BYTES)))
            case _:
                return None


def _plain(status: int, words: str, **headers: str) -> Answer:
    return Answer(status, f"{words}\n", {"Content-Type": "text/plain; charset=utf-8", **headers})


def _bytes(connection: h11.Connection, answer: Answer, *, with_body: bool = True) -> bytes:
    body = answer.body.encode("utf-8", "replace")
    headers = {**answer.headers, "Content-Length": str(len(body)), "Connection": "close"}
    parts = (
        connection.send(h11.Response(status_code=answer.status, headers=[*headers.items()])),
        connection.send(h11.Data(data=body if with_body else b"")),
        connection.send(h11.EndOfMessage()),
    )
    return b"".join(part for part in parts if part)
