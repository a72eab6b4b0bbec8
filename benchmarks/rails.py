"""Rails that speak HTTP, and a page for each guest: `python -m benchmarks.rails FOLDER N` serves N rails.

The file FOLDER/ports has the TCP ports: that of the page first, then those of the rails.
"""

import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import trio

from wagman.fake.guests import Guest, GuestSpec
from wagman.fake.plugs.rail import FakeRail
from wagman.fake.plugs.server import PlugServer
from wagman.fake.plugs.shelly import FakeShelly

OUTLETS = 5
"""Outlets on each rail."""

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
READ_BYTES = 4096


async def answer(stream: trio.SocketStream) -> None:
    """Answer a request as every guest does."""
    async with stream:
        if await stream.receive_some(READ_BYTES):
            await stream.send_all(PAGE)


def rail(number: int) -> PlugServer:
    """Return a rail whose guests run."""
    guests = tuple(Guest(f"g{number}-{port}", spec=GuestSpec(boot_s=0.0)) for port in range(OUTLETS))
    new = FakeRail(guests, f"AABBCC{number:06X}")
    for port in range(OUTLETS):
        new.switch_by_hand(port, on=True)
    return PlugServer(new, FakeShelly(new).answer)


async def serve(folder: Path, count: int) -> None:
    """Serve the page and `count` rails, and write their ports into the folder."""
    async with AsyncExitStack() as stack:
        nursery = await stack.enter_async_context(trio.open_nursery())
        pages = await nursery.start(partial(trio.serve_tcp, answer, 0, host="127.0.0.1"))
        place = pages[0].socket.getsockname()[1]
        ports = [await stack.enter_async_context(rail(number).listening()) for number in range(count)]
        told = folder / "told"
        told.write_text(" ".join(map(str, [place, *ports])), encoding="utf-8")
        told.rename(folder / "ports")
        await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(serve, Path(sys.argv[1]), int(sys.argv[2]))
