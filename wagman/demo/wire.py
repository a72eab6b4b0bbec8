"""The control socket of a fake board, or the pipes to a fake mast: a line out, a line of JSON in."""

import json
from pathlib import Path
from typing import Any

import trio
from attrs import define, field

from wagman.model.errors import WagmanError


class WireError(WagmanError):
    """The other side has hung up."""


@define(eq=False, repr=False)
class Wire:
    """A connection; callers take turns."""

    stream: trio.abc.Stream
    _held: bytes = field(default=b"", init=False)
    _turn: trio.Lock = field(factory=trio.Lock)

    async def ask(self, line: str) -> Any:
        """Return the answer to one line.

        Raises:
            WireError: the other side has hung up.
        """
        async with self._turn:
            try:
                await self.stream.send_all(line.encode() + b"\n")
            except trio.BrokenResourceError as error:
                raise WireError("it hung up") from error
            return await self.told()

    async def told(self) -> Any:
        """Return the next line from the other side.

        Raises:
            WireError: the other side has hung up.
        """
        while b"\n" not in self._held:
            self._held += await self._receive()
        answer, _, self._held = self._held.partition(b"\n")
        return json.loads(answer)

    async def _receive(self) -> bytes:
        try:
            data = await self.stream.receive_some()
        except trio.BrokenResourceError as error:
            raise WireError("it hung up") from error
        if not data:
            raise WireError("it hung up")
        return bytes(data)


async def wired(path: Path) -> Wire:
    """Connect to the fake board whose control socket is at `path`; raises OSError if nobody listens."""
    return Wire(await trio.open_unix_socket(path))
