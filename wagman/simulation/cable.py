"""The cable between the service and the fake board, which may deliver bytes late, in pieces, or several lines at once."""

from collections.abc import Callable, Mapping
from random import Random

import trio
from attrs import define

from wagman.fake.serve import FakeBoard, HostPort
from wagman.simulation.boards.board import End

MOST_PIECE = 7
"""The most bytes of a piece (chosen: fewer than any line)."""


@define(eq=False, repr=False)
class Cable:
    """The cable. Lost and changed bytes are faults of the board instead."""

    board: FakeBoard
    rng: Random
    sent: Callable[[bytes], None]
    heard: Callable[[Mapping[int, float]], None]  # by port, the time up to which the service has been told of beats
    late_s: float = 0.0  # the longest delay; bytes that come meanwhile are read together
    pieces: bool = False

    async def open(self, end: End) -> trio.abc.Stream:
        """Open the board's port, for one life of the service.

        Raises:
            OSError: there is no tty, or the process is dead.
        """
        end.fail()
        end.check()
        return Wire(self, end, await self.board.open())


@define(eq=False, repr=False)
class Wire(trio.abc.Stream):
    """An open port."""

    _cable: Cable
    _end: End
    _port: HostPort

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what has arrived, as the cable delivers it."""
        if self._cable.late_s:
            await trio.sleep(self._cable.rng.uniform(0, self._cable.late_s))
        most = self._cable.rng.randint(1, MOST_PIECE) if self._cable.pieces else max_bytes
        data = await self._port.receive_some(most)
        if not self._end.cut:
            self._cable.heard(self._port.told_s)
        return data

    async def send_all(self, data: "bytes | bytearray | memoryview") -> None:
        """Send bytes; raises OSError if the process is dead."""
        if self._end.cut:
            raise OSError("the process is dead")
        self._cable.sent(bytes(data))
        await self._port.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """See `trio.abc.SendStream`."""
        await self._port.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the port."""
        await self._port.aclose()
