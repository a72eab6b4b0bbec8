"""HTTP/1.1 as a server, on any stream: the connections to a fake plug, with their faults."""

import errno
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import h11
import trio
from attrs import define, field, frozen

from wagman.fake.plugs.rail import FakeRail

Fault: TypeAlias = Literal["hang", "mute", "refuse", "garbage", "error", "half", "slow"]
"""How connections fail: *hang*, nothing is done nor said; *mute*, it is done and nothing said; *refuse*, no connection;
*garbage*, noise; *error*, status 500; *half*, half an answer; *slow*, a byte a second.
"""

READ_BYTES = 4_096
"""How many bytes are read at once (chosen)."""

SLOW_S = 1.0
"""How long a slow server takes for each byte (chosen)."""

NOISE = b"\x00\xff\x7fSSH-2.0-\r\n\r\n" * 20
"""The bytes of a peer that speaks another protocol (chosen)."""


@frozen
class Request:
    """A request; the names of headers are in lower case."""

    method: str
    path: str
    target: str  # path and query as they were sent
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@frozen
class Response:
    """An answer."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@define(eq=False)
class PlugServer:
    """Answers requests for a rail, whose time is that of trio since this was made."""

    rail: FakeRail
    answer: Callable[[Request], Response]
    fault: Fault | None = None
    zero_s: float = field(factory=trio.current_time)

    def catch_up(self) -> None:
        """Advance the rail to the present."""
        self.rail.advance(trio.current_time() - self.zero_s)

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Answer requests on one connection, until the client ends it."""
        self.catch_up()
        async with stream:
            if self.fault == "refuse":
                return
            client = h11.Connection(h11.SERVER)
            with suppress(trio.BrokenResourceError, h11.RemoteProtocolError):
                while (request := await _request(stream, client)) is not None:
                    await self._reply(stream, client, request)
                    if client.our_state is not h11.DONE or client.their_state is not h11.DONE:
                        return
                    client.start_next_cycle()

    async def _reply(self, stream: trio.abc.Stream, client: h11.Connection, request: Request) -> None:
        self.catch_up()
        if self.fault == "hang" or not self.rail.answers:
            await _until_gone(stream)
            return
        response = Response(500, b"Internal Server Error") if self.fault == "error" else self.answer(request)
        sent = _encoded(client, response)
        match self.fault:
            case "mute":
                await _until_gone(stream)
            case "garbage":
                await stream.send_all(NOISE)
                await stream.aclose()
            case "half":
                await stream.send_all(sent[: len(sent) // 2])
                await stream.aclose()
            case "slow":
                for byte in sent:
                    await stream.send_all(bytes([byte]))
                    await trio.sleep(SLOW_S)
            case _:
                await stream.send_all(sent)

    async def connect(self, nursery: trio.Nursery) -> trio.abc.Stream:
        """Open a connection to it in memory; raises OSError if it refuses."""
        from trio.testing import memory_stream_pair  # noqa: PLC0415 - only tests and simulations pay for it

        if self.fault == "refuse":
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        ours, theirs = memory_stream_pair()
        nursery.start_soon(self.serve, theirs)
        return ours

    @asynccontextmanager
    async def listening(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
        """Serve at a TCP port meanwhile; yields its number."""
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, self.serve, port, host=host))
            yield listeners[0].socket.getsockname()[1]
            nursery.cancel_scope.cancel()


async def _request(stream: trio.abc.Stream, client: h11.Connection) -> Request | None:
    """Return the next request; None if the client has gone."""
    head, body = None, bytearray()
    while not isinstance(event := client.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Request):
            head = event
            if client.they_are_waiting_for_100_continue:
                await stream.send_all(client.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.ConnectionClosed):
            return None
        else:
            client.receive_data(bytes(await stream.receive_some(READ_BYTES)))
    return None if head is None else _of(head, bytes(body))


def _of(head: h11.Request, body: bytes) -> Request:
    target = head.target.decode("latin-1")
    parts = urlsplit(target)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    return Request(head.method.decode("latin-1"), parts.path, target, dict(parse_qsl(parts.query)), headers, body)


def _encoded(client: h11.Connection, response: Response) -> bytes:
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(response.body))), *response.headers]
    head = h11.Response(status_code=response.status, headers=headers)
    return b"".join(client.send(event) or b"" for event in (head, h11.Data(data=response.body), h11.EndOfMessage()))


async def _until_gone(stream: trio.abc.Stream) -> None:
    while await stream.receive_some(READ_BYTES):
        pass
    await stream.aclose()
