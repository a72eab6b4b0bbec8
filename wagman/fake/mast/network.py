"""The network of the fake mast: each computer has a port here, whose connections are passed on unless the network is down."""

from collections.abc import Callable
from functools import partial

import trio
from attrs import define

from wagman.fake.mast.computer import HOST

READ_BYTES = 4_096
"""How much is read at once (chosen)."""


@define(eq=False)
class Network:
    """A switch, in the sense of Ethernet."""

    is_down: bool = False  # clients get no answer

    async def plug(self, nursery: trio.Nursery, where: Callable[[], int | None]) -> int:
        """Give a computer a port here, for as long as the nursery lasts; `where` returns its own port, None while it is off."""
        listeners = await nursery.start(partial(trio.serve_tcp, partial(self._connected, where), 0, host=HOST))
        port: int = listeners[0].socket.getsockname()[1]
        return port

    async def _connected(self, where: Callable[[], int | None], client: trio.SocketStream) -> None:
        async with client:
            try:
                await self._served(where, client)
            except (OSError, trio.BrokenResourceError):
                return  # one side has gone

    async def _served(self, where: Callable[[], int | None], client: trio.SocketStream) -> None:
        if self.is_down:
            await _gone(client)
            return
        if (port := where()) is None:
            return
        async with await trio.open_tcp_stream(HOST, port) as computer, trio.open_nursery() as nursery:
            nursery.start_soon(_pass, computer, client, nursery.cancel_scope)
            await _pass(client, computer, nursery.cancel_scope)


async def _pass(source: trio.SocketStream, sink: trio.SocketStream, both: trio.CancelScope) -> None:
    """Pass on bytes in one direction; the end of either side ends both."""
    try:
        while data := await source.receive_some(READ_BYTES):
            await sink.send_all(data)
    except trio.BrokenResourceError:
        pass
    both.cancel()


async def _gone(client: trio.SocketStream) -> None:
    while await client.receive_some(READ_BYTES):
        pass
