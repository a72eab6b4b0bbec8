"""Who looks after the guests of a site.

The recipe is the one that people use, in the figures that they use:

- from one question to the next 60 s, and ten minutes after a power cycle until the next question: Digital Loggers, "AutoPing";
- three failures in a row, two minutes off, at most three cycles in one outage, counted anew once the guest answers, and after
  24 hours: Pyronear, pyro-engine, "Shelly Pi watchdog";
- a witness that has to answer before the guest is asked: CyberPower, "Intelligent PDU User Guide", "AutoPing" (its "priority").
"""

from typing import Literal, Protocol

import trio
from attrs import define, field, frozen

from benchmarks.outcome.faults import DAY_S
from benchmarks.outcome.hands import Ears, Hand, Unit, best_of, hand_at
from benchmarks.outcome.sites import WITNESS
from wagman.config.boards import PlainBoard
from wagman.config.schema import Config, DeviceConfig
from wagman.simulation.world import World


class Policy(Protocol):
    """Somebody who looks after the guests."""

    @property
    def name(self) -> str:
        """For the table."""
        ...

    @property
    def has_service(self) -> bool:
        """Whether it is wagman."""
        ...

    async def run(self, world: World) -> None:
        """Look after them for as long as there is a world."""
        ...


@frozen
class Alone:
    """Nobody: there is what the board does by itself."""

    name: str
    has_service: bool = False

    async def run(self, world: World) -> None:
        """Nothing is done."""


@frozen
class Service:
    """wagman, as it comes."""

    name: str = "wagman"
    has_service: bool = True

    async def run(self, world: World) -> None:
        """The world has the service."""


@frozen
class Recipe:
    """Ask; after some failures in a row cut the power for a while; a few times at most."""

    name: str
    asks: Literal["ping", "page"] = "ping"  # a page where the guest has one
    has_witness: bool = False
    every_s: float = 60.0
    failures: int = 3
    off_s: float = 120.0
    most: int = 3  # cycles, until the guest answers or a window begins
    window_s: float = DAY_S
    delay_s: float = 600.0
    has_service: bool = False

    async def run(self, world: World) -> None:
        """Look after each of the guests, and not look at the others."""
        hand = hand_at(world)
        if isinstance(hand, Unit):
            hand.rail.plugs.restore = "on"  # as the recipe wants it: a cycle that is interrupted leaves nobody without power
        async with trio.open_nursery() as nursery:
            for guest in world.config.guests:
                nursery.start_soon(Guard(self, Ears(world, hand), hand, guest, world).run)


@define(eq=False)
class Guard:
    """The recipe at work on one guest."""

    recipe: Recipe
    ears: Ears
    hand: Hand
    guest: DeviceConfig
    world: World
    failed: int = 0
    cycles: int = 0
    _era: tuple[int, int] = field(init=False, default=(0, 0))

    @property
    def shows(self) -> str:
        """What an answer shows."""
        return "kernel" if self.recipe.asks == "ping" else best_of(self.guest)

    async def run(self) -> None:
        """Ask again and again."""
        while True:
            await trio.sleep(self.recipe.every_s)
            self._counts_anew()
            if await self._fails() and self.failed >= self.recipe.failures:
                self.failed = 0
                await self._cycle()

    def _counts_anew(self) -> None:
        """A window of time begins, or a unit that has forgotten."""
        window, lives = int(self.world.now_s // self.recipe.window_s), self.hand.lives
        if (window, lives) != self._era:
            self.cycles = 0
            self.failed = 0 if lives != self._era[1] else self.failed
            self._era = window, lives

    async def _fails(self) -> bool:
        """Whether the guest does not answer, as far as that tells anything."""
        if self.recipe.has_witness and not await self.ears.hear(WITNESS, "kernel"):
            return False
        if await self.ears.hear(self.guest.name, self.shows):
            self.failed = self.cycles = 0
            return False
        self.failed += 1
        return True

    async def _cycle(self) -> None:
        if self.cycles >= self.recipe.most:
            return
        self.cycles += 1
        lives = self.hand.lives
        await self.hand.switch(self.guest.port, on=False)
        await trio.sleep(self.recipe.off_s)
        if self.hand.lives == lives:  # a script that has begun anew knows nothing of this
            await self.hand.switch(self.guest.port, on=True)
        await trio.sleep(self.recipe.delay_s)


def policies(config: Config) -> tuple[Policy, ...]:
    """Those that are compared at a site: plugs do nothing by themselves, a Wagman does."""
    is_plain = any(isinstance(each, PlainBoard) for each in config.boards)
    return (
        Alone("nothing" if is_plain else "the board alone"),
        Recipe("ping"),
        Recipe("ping, witness", has_witness=True),
        Recipe("page, witness", asks="page", has_witness=True),
        Service(),
    )
