"""The cable between the service and the fake board, with what a cable does to bytes: late, in pieces, several lines at once."""

from collections.abc import Callable, Mapping
from random import Random

import trio
from attrs import define

from wagman.fake.serve import FakeBoard, HostPort
from wagman.simulation.boards.board import End

MOST_PIECE = 7
"""How many bytes a piece has at most while the bytes come in pieces (chosen: less than any line)."""


@define(eq=False, repr=False)
class Cable:
    """What becomes of the bytes; bytes lost and changed are the board's own faults."""

    board: FakeBoard
    rng: Random
    sent: Callable[[bytes], None]
    heard: Callable[[Mapping[int, float]], None]  # by port: up to when the service has been told of its beats
    late_s: float = 0.0  # bytes wait so long at most, and what comes meanwhile is read with them
    pieces: bool = False

    async def open(self, end: End) -> trio.abc.Stream:
        """Open the board's port, for one life of the service.

        Raises:
            OSError: there is none.
        """
        end.check()
        return Wire(self, end, await self.board.open())


@define(eq=False, repr=False)
class Wire(trio.abc.Stream):
    """An open port."""

    _cable: Cable
    _end: End
    _port: HostPort

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """What has arrived, as the cable lets it through."""
        if self._cable.late_s:
            await trio.sleep(self._cable.rng.uniform(0, self._cable.late_s))
        most = self._cable.rng.randint(1, MOST_PIECE) if self._cable.pieces else max_bytes
        data = await self._port.receive_some(most)
        if not self._end.cut:
            self._cable.heard(self._port.told_s)
        return data

    async def send_all(self, data: "bytes | bytearray | memoryview") -> None:
        """Send, unless the process is dead."""
        if self._end.cut:
            raise OSError("the process is dead")
        self._cable.sent(bytes(data))
        await self._port.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As the stream interface wants it."""
        await self._port.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the port."""
        await self._port.aclose()
