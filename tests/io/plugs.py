"""A fake rail on a network of memory streams, in virtual time."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from typing import Any

import trio
import trio.testing
from attrs import define, field

from wagman.fake.guests import Guest, GuestSpec
from wagman.fake.plugs.rail import FakeRail
from wagman.fake.plugs.server import PlugServer, Request, Response
from wagman.io.http import Connect
from wagman.model.backend import Backend
from wagman.model.errors import StrangerError

MAC = "AABBCCDDEEFF"
OTHER = "001122334455"
HOST = "192.168.1.97"


def rail_of(outlets: int = 4, **options: Any) -> FakeRail:
    """A rail with a quick guest on each outlet; all of them are off."""
    return FakeRail(tuple(Guest(f"guest{port}", GuestSpec(boot_s=10, halt_s=5)) for port in range(outlets)), **options)


def virtually(test: Callable[[], Awaitable[None]]) -> None:
    """Run a test on a clock that waits for nobody."""

    async def run() -> None:
        await test()

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))


@define(eq=False)
class Network:
    """What a back end connects to; counts the requests."""

    nursery: trio.Nursery
    server: PlugServer
    requests: list[Request] = field(factory=list)

    @classmethod
    def of(cls, nursery: trio.Nursery, rail: FakeRail, answer: Callable[[Request], Response]) -> "Network":
        network = cls(nursery, PlugServer(rail, answer))

        def counted(request: Request) -> Response:
            network.requests.append(request)
            return answer(request)

        network.server.answer = counted
        return network

    async def connect(self, host: str, port: int) -> trio.abc.Stream:
        assert (host, port) == (HOST, 80)
        return await self.server.connect(self.nursery)


@asynccontextmanager
async def behind_one_name(one: PlugServer, other: PlugServer) -> AsyncIterator[Connect]:
    """The network on which the name `HOST` leads to each of two servers in turn, and the address of each to itself."""
    turns = cycle(("127.0.0.1", "127.0.0.2"))

    async with one.listening("127.0.0.1") as port, other.listening("127.0.0.2", port):

        async def connect(host: str, at: int) -> trio.abc.Stream:
            host, at = (next(turns), port) if host == HOST else (host, at)
            return await trio.open_tcp_stream(host, at)

        yield connect


def require_that_no_stranger_is_switched(
    answering: Callable[[FakeRail], Callable[[Request], Response]], plug: Callable[[Connect], Backend], port: str
) -> None:
    """Have two plugs behind one name, and the one that is meant switched several times."""

    async def main() -> None:
        ours, stranger = rail_of(), rail_of()
        stranger.replace(OTHER)
        async with behind_one_name(*(PlugServer(rail, answering(rail)) for rail in (ours, stranger))) as connect:
            backend = plug(connect)
            for _ in range(4):
                with suppress(StrangerError):
                    await backend.switch(port, on=True)
        assert ours.relay_log
        assert not stranger.relay_log

    trio.run(main)


def saying(body: bytes, status: int = 200) -> Callable[[str, int], Awaitable[trio.abc.Stream]]:
    """Connects to who says one thing, whatever is asked."""

    async def connect(_host: str, _port: int) -> trio.abc.Stream:
        ours, theirs = trio.testing.memory_stream_pair()
        await theirs.send_all(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)
        return ours

    return connect
