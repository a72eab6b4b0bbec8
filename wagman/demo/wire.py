"""The control socket of the fake board, from outside: a line out, a line of JSON in."""

import json
from pathlib import Path
from typing import Any

import trio
from attrs import define, field

from wagman.model.errors import WagmanError


class WireError(WagmanError):
    """The other side hung up."""


@define(eq=False, repr=False)
class Wire:
    """One connection; those who ask take turns."""

    stream: trio.SocketStream
    _held: bytes = field(default=b"", init=False)
    _turn: trio.Lock = field(factory=trio.Lock)

    async def ask(self, line: str) -> Any:
        """The answer to one line.

        Raises:
            WireError: the other side has hung up.
        """
        async with self._turn:
            try:
                await self.stream.send_all(line.encode() + b"\n")
                while b"\n" not in self._held:
                    self._held += await self._receive()
            except trio.BrokenResourceError as error:
                raise WireError("it hung up") from error
        answer, _, self._held = self._held.partition(b"\n")
        return json.loads(answer)

    async def _receive(self) -> bytes:
        data = await self.stream.receive_some()
        if not data:
            raise WireError("it hung up")
        return bytes(data)


async def wired(path: Path) -> Wire:
    """A connection to the fake board whose control socket is at `path`; raises OSError where nobody listens."""
    return Wire(await trio.open_unix_socket(path))
