"""A client in the same process, over memory streams or a real socket."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import trio
import trio.testing
from attrs import define, field

from tests.api.fake_service import FakeService, fake_service
from wagman.api.access import Peer, Role
from wagman.api.server import serve

ROOT = Peer(uid=0, pid=1, role=Role.CONTROLLER)
READER = Peer(uid=1000, pid=2, role=Role.READER)
OPERATOR = Peer(uid=1002, pid=4, role=Role.OPERATOR)
NOBODY = Peer(uid=1001, pid=3, role=Role.NOBODY)


@define
class Memory(trio.abc.Listener[trio.abc.Stream]):
    """A listener to which tests connect with a stream and no file."""

    sender: trio.MemorySendChannel[trio.abc.Stream]
    receiver: trio.MemoryReceiveChannel[trio.abc.Stream]

    async def accept(self) -> trio.abc.Stream:
        return await self.receiver.receive()

    async def aclose(self) -> None:
        self.receiver.close()


@define(eq=False)
class Client:
    """Speaks to the server as another program would."""

    stream: trio.abc.HalfCloseableStream
    kept: bytes = b""
    told: list[dict[str, Any]] = field(factory=list)  # notifications that came before an answer
    asked: int = 0

    async def line(self) -> bytes:
        """The next line; nothing when the server hung up."""
        while b"\n" not in self.kept:
            data = await self.stream.receive_some(65536)
            if not data:
                return b""
            self.kept += data
        line, self.kept = self.kept.split(b"\n", 1)
        return line

    async def message(self) -> Any:
        return json.loads(await self.line())

    async def raw(self, text: str | bytes) -> Any:
        """Send a line, and give the next message."""
        await self.stream.send_all((text.encode() if isinstance(text, str) else text) + b"\n")
        return await self.message()

    async def call(self, method: str, **params: Any) -> Any:
        """The whole answer to a request; what is told meanwhile is kept."""
        self.asked += 1
        request = {"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params}
        await self.stream.send_all(json.dumps(request).encode() + b"\n")
        while "method" in (message := await self.message()):
            self.told.append(message)
        assert message["id"] == self.asked
        return message

    async def result(self, method: str, **params: Any) -> Any:
        return (await self.call(method, **params))["result"]

    async def error(self, method: str, **params: Any) -> Any:
        return (await self.call(method, **params))["error"]

    async def notification(self) -> Any:
        """The next one: (method, params)."""
        message = self.told.pop(0) if self.told else await self.message()
        return message["method"], message["params"]

    async def event(self) -> Any:
        method, params = await self.notification()
        assert method == "event"
        return params["event"]


@define(eq=False)
class World:
    """A service that is served."""

    service: FakeService
    connect: Callable[..., Awaitable[Client]]


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    """The server on memory streams; `connect(peer)` gives a client, a narrow one with streams that hold nothing back."""
    sender, receiver = trio.open_memory_channel[trio.abc.Stream](0)
    peers: dict[trio.abc.Stream, Peer] = {}

    async def connect(peer: Peer | None = ROOT, *, narrow: bool = False) -> Client:
        ours, theirs = trio.testing.lockstep_stream_pair() if narrow else trio.testing.memory_stream_pair()
        if peer is not None:
            peers[theirs] = peer
        await sender.send(theirs)
        return Client(ours)

    async with fake_service() as service, trio.open_nursery() as nursery:
        await nursery.start(serve, service, Memory(sender, receiver), peers.__getitem__)
        yield World(service, connect)
        nursery.cancel_scope.cancel()


def in_virtual_time(test: Callable[[World], Awaitable[None]]) -> None:
    """Run a test against a served service; a test that waits for ever fails after a virtual day."""

    async def main() -> None:
        with trio.fail_after(86400):
            async with world() as served:
                await test(served)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
