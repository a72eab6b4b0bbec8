"""The means of a recipe: how it switches a guest, and how it hears one."""

from itertools import count
from typing import Protocol

import trio
from attrs import define, field

from wagman.config.schema import DeviceConfig
from wagman.model.facts import Port
from wagman.simulation.boards.board import End
from wagman.simulation.boards.plain import Rail
from wagman.simulation.boards.wagman import Wagman
from wagman.simulation.network import LATENCY_S
from wagman.simulation.world import World

ANSWER_S = 2.0
"""The longest wait for a guest's answer, in seconds (chosen: as in wagman)."""

REPLY_S = 15.0
"""The longest wait for a Wagman's reply, in seconds (chosen: more than its longest command takes)."""

RETRY_S = 30.0
"""Seconds before a command without a reply is repeated (chosen)."""


class Hand(Protocol):
    """The program that carries a recipe out."""

    @property
    def lives(self) -> int:
        """The number of times that the program has started; each start forgets its counts."""
        ...

    @property
    def is_apart(self) -> bool:
        """Whether the program's own way to the network is down."""
        ...

    async def switch(self, port: Port, *, on: bool) -> None:
        """Switch the power of a guest."""
        ...


@define(eq=False)
class Unit:
    """A script in the rail itself: it hears guests over the rail's own network, and switches directly."""

    rail: Rail

    @property
    def lives(self) -> int:
        """The number of starts of the rail: the script loses its counts with each."""
        return self.rail.plugs.boots

    @property
    def is_apart(self) -> bool:
        """Whether the rail cannot be reached, and so reaches nobody."""
        return is_cut_off(self.rail)

    async def switch(self, port: Port, *, on: bool) -> None:
        """Switch an outlet."""
        await trio.lowlevel.checkpoint()
        self.rail.plugs.set(str(port), "command", on=on)


@define(eq=False)
class Controller:
    """A program on the node controller, which repeats each command until the Wagman has answered it."""

    wagman: Wagman
    lives: int = 1
    is_apart: bool = False
    _turn: trio.Lock = field(factory=trio.Lock)

    async def switch(self, port: Port, *, on: bool) -> None:
        """Switch a port, with commands that last: the board would start a port that is only stopped a minute later."""
        for words in (f"enable {port}", f"start {port}") if on else (f"disable {port}",):
            await self._have_done(words)

    async def _have_done(self, words: str) -> None:
        for _ in count():
            if await self._answered(words):
                return
            await trio.sleep(RETRY_S)

    async def _answered(self, words: str) -> bool:
        async with self._turn:
            with trio.move_on_after(REPLY_S):
                try:
                    async with await self.wagman.cable.open(End()) as port:
                        await port.send_all(f"@recipe {words}\n".encode())
                        return await _reads(port, b"->>>")
                except OSError:
                    return False
        return False


async def _reads(port: trio.abc.Stream, end: bytes) -> bool:
    """Return whether the end of the reply to this program's request arrives before the port is gone."""
    read = b""
    while end not in read.partition(b"sid=recipe")[2]:
        data = await port.receive_some()
        if not data:
            return False
        read += data
    return True


def is_cut_off(board: object) -> bool:
    """Return whether a board cannot be reached."""
    if isinstance(board, Rail):
        return board.faults["hangs"].share > 0
    return isinstance(board, Wagman) and not board.board.plugged


def hand_at(world: World) -> Hand:
    """Return the program that can carry a recipe out at this site.

    Raises:
        TypeError: no recipe knows how to switch this kind of board.
    """
    (board,) = world.boards.values()
    match board:
        case Rail():
            return Unit(board)
        case Wagman():
            return Controller(board)
        case _:
            raise TypeError(f"{type(board).__name__}: no recipe for such a board")


@define(eq=False)
class Ears:
    """The recipe's questions over the network."""

    world: World
    hand: Hand

    async def hear(self, host: str, shows: str) -> bool:
        """Return whether a host answers. A host that is no guest answers as long as the network works."""
        await trio.sleep(LATENCY_S)
        network = self.world.network
        if not network.is_out and not self.hand.is_apart and network.answers(host, shows):
            return True
        await trio.sleep(ANSWER_S)
        return False


def best_of(guest: DeviceConfig) -> str:
    """Return what the guest's first ear shows, the best evidence; "program" for a guest without ears."""
    ears = guest.ears
    return ears[0].shows if ears else "program"
