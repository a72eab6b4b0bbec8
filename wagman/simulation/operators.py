"""Operators, who speak to the service through its control socket, in memory instead of a file."""

import json
from collections.abc import Mapping
from typing import Any

import trio
from attrs import define, field
from trio.testing import memory_stream_pair

from wagman.api.access import Peer, Role

PATIENCE_S = 20.0
"""How long an operator waits for an answer (chosen: longer than the service may take)."""

MOST_WAITING = 64
"""How many connections may wait to be accepted (as for the real socket)."""


def everybody_may(_stream: trio.abc.Stream) -> Peer:
    """Return the peer of every operator: root."""
    return Peer(uid=0, pid=1, role=Role.CONTROLLER)


@define(eq=False, repr=False)
class Door(trio.abc.Listener[trio.abc.Stream]):
    """The socket of one life of the service."""

    _knock: trio.MemorySendChannel[trio.abc.Stream] = field(init=False)
    _answer: trio.MemoryReceiveChannel[trio.abc.Stream] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._knock, self._answer = trio.open_memory_channel[trio.abc.Stream](MOST_WAITING)

    async def accept(self) -> trio.abc.Stream:
        """Return the next connection."""
        return await self._answer.receive()

    async def aclose(self) -> None:
        """Stop accepting connections."""
        self._answer.close()
        await trio.lowlevel.checkpoint()

    async def ask(self, method: str, **params: Any) -> Mapping[str, Any] | None:
        """Send one request on its own connection; return the result, the error as `{"error": ...}`, or None without an answer."""
        here, there = memory_stream_pair()
        try:
            self._knock.send_nowait(there)
        except (trio.BrokenResourceError, trio.WouldBlock):
            return None
        with trio.move_on_after(PATIENCE_S):
            async with here:
                return await _converse(here, method, params)
        return None


async def _converse(stream: trio.abc.Stream, method: str, params: Mapping[str, Any]) -> Mapping[str, Any] | None:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    line = b""
    try:
        await stream.send_all(json.dumps(request).encode() + b"\n")
        while not line.endswith(b"\n"):
            piece = await stream.receive_some()
            if not piece:
                return None
            line += piece
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return None
    answer = json.loads(line)
    result: Mapping[str, Any] = answer.get("result", answer)
    return result
