"""Connections that speak in lines of JSON: to the service's socket, and to the fake board's control socket."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import trio
from attrs import define, field

from wagman.model.errors import WagmanError

KNOCK_S = 0.05
"""How often a socket that is not there yet is tried, in real time (chosen)."""


class WireError(WagmanError):
    """The other side hung up, or answered with an error."""


@define(eq=False)
class Wire:
    """One connection: a line out, a line in."""

    stream: trio.SocketStream
    _held: bytes = b""
    _turn: trio.Lock = field(factory=trio.Lock)

    async def ask(self, line: str) -> Any:
        """The answer to one line.

        Raises:
            WireError: the other side has hung up.
        """
        async with self._turn:
            await self._send(line)
            return await self.next()

    async def _send(self, line: str) -> None:
        try:
            await self.stream.send_all(line.encode() + b"\n")
        except trio.BrokenResourceError as error:
            raise WireError("it hung up") from error

    async def next(self) -> Any:
        """The next line that comes in.

        Raises:
            WireError: the other side has hung up.
        """
        while b"\n" not in self._held:
            self._held += await self._receive()
        line, _, self._held = self._held.partition(b"\n")
        return json.loads(line)

    async def _receive(self) -> bytes:
        try:
            data = await self.stream.receive_some()
        except trio.BrokenResourceError as error:
            raise WireError("it hung up") from error
        if not data:
            raise WireError("it hung up")
        return bytes(data)

    async def call(self, method: str, **params: Any) -> Any:
        """The result of a method of the service.

        Raises:
            WireError: it answered with an error, or has hung up.
        """
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = await self.ask(json.dumps(request))
        if "error" in answer:
            raise WireError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    async def follow(self, take: Callable[[Mapping[str, Any]], None]) -> None:
        """Hand every event of the service to `take`, from the first one on, until cancelled.

        Raises:
            WireError: the service has hung up.
        """
        await self.call("subscribe", since=0)
        while True:
            message = await self.next()
            if message["method"] == "event":
                take(message["params"]["event"])


async def connect(path: Path) -> Wire:
    """A connection to whoever listens at `path`, as soon as somebody does: the caller bounds the wait."""
    while True:
        try:
            return Wire(await trio.open_unix_socket(path))
        except OSError:
            await trio.sleep(KNOCK_S)  # it is still starting
