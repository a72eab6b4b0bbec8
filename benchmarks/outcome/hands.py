"""How a recipe switches a guest, and how it hears one."""

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
"""How long an answer of a guest is waited for (chosen: as wagman does)."""

REPLY_S = 15.0
"""How long a reply of a Wagman is waited for (chosen: more than its longest command takes)."""

RETRY_S = 30.0
"""After so long a command that the Wagman has not answered is given again (chosen)."""


class Hand(Protocol):
    """Whoever carries a recipe out."""

    @property
    def lives(self) -> int:
        """How often it has begun anew, and has forgotten what it had counted."""
        ...

    @property
    def is_apart(self) -> bool:
        """Whether its own way to the network is down."""
        ...

    async def switch(self, port: Port, *, on: bool) -> None:
        """Switch the power of a guest."""
        ...


@define(eq=False)
class Unit:
    """The rail itself: its script hears over the rail's own network, and switches with nothing in between."""

    rail: Rail

    @property
    def lives(self) -> int:
        """Its counts are lost whenever it restarts."""
        return self.rail.plugs.boots

    @property
    def is_apart(self) -> bool:
        """Whoever cannot reach the rail is not reached by it either."""
        return is_cut_off(self.rail)

    async def switch(self, port: Port, *, on: bool) -> None:
        """Switch an outlet."""
        await trio.lowlevel.checkpoint()
        self.rail.plugs.set(str(port), "command", on=on)


@define(eq=False)
class Controller:
    """A program on the node controller, which gives the Wagman commands until they are answered."""

    wagman: Wagman
    lives: int = 1
    is_apart: bool = False
    _turn: trio.Lock = field(factory=trio.Lock)

    async def switch(self, port: Port, *, on: bool) -> None:
        """A port that is only stopped would be started by the board a minute later: it is disabled, and enabled again."""
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
    """Whether the end of a reply to us comes, before the port is gone."""
    read = b""
    while end not in read.partition(b"sid=recipe")[2]:
        data = await port.receive_some()
        if not data:
            return False
        read += data
    return True


def is_cut_off(board: object) -> bool:
    """Whether nobody can reach a board."""
    if isinstance(board, Rail):
        return board.faults["hangs"].share > 0
    return isinstance(board, Wagman) and not board.board.plugged


def hand_at(world: World) -> Hand:
    """Who can carry a recipe out at a site.

    Raises:
        TypeError: nobody knows how to switch what is there.
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
    """Whom a recipe asks over the network."""

    world: World
    hand: Hand

    async def hear(self, host: str, shows: str) -> bool:
        """Whether somebody answers; whoever is no guest answers as long as the network works."""
        await trio.sleep(LATENCY_S)
        network = self.world.network
        if not network.is_out and not self.hand.is_apart and network.answers(host, shows):
            return True
        await trio.sleep(ANSWER_S)
        return False


def best_of(guest: DeviceConfig) -> str:
    """The most that the guest is known to show: its page, or where it has none, a ping."""
    ears = guest.ears
    return ears[0].shows if ears else "program"
