"""The policies: who looks after the guests of a site.

The recipe is the one in common use, with the figures in common use:

- a question every 60 s, and none for ten minutes after a power cycle: Digital Loggers, "AutoPing";
- three failures in a row, two minutes off, at most three cycles in one outage; the count begins anew once the guest answers, and
  after 24 hours: Pyronear, pyro-engine, "Shelly Pi watchdog";
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
    """A way to look after the guests of a site."""

    @property
    def name(self) -> str:
        """The policy's name, in the table."""
        ...

    @property
    def has_service(self) -> bool:
        """Whether the site has the service."""
        ...

    async def run(self, world: World) -> None:
        """Look after the guests until cancelled."""
        ...


@frozen
class Alone:
    """Nobody: only the board acts, by itself."""

    name: str
    has_service: bool = False

    async def run(self, world: World) -> None:
        """Do nothing."""


@frozen
class Service:
    """wagman with its defaults."""

    name: str = "wagman"
    has_service: bool = True

    async def run(self, world: World) -> None:
        """Do nothing: the world runs the service."""


@frozen
class Recipe:
    """Ask each guest; after some failures in a row cut its power for a while; a few times at most."""

    name: str
    asks: Literal["ping", "page"] = "ping"  # with "page", a guest without a page is asked for less
    has_witness: bool = False
    every_s: float = 60.0
    failures: int = 3
    off_s: float = 120.0
    most: int = 3  # cycles, until the guest answers or a new window begins
    window_s: float = DAY_S
    delay_s: float = 600.0
    has_service: bool = False

    async def run(self, world: World) -> None:
        """Look after each guest, independently of the others."""
        hand = hand_at(world)
        if isinstance(hand, Unit):
            # As the recipe wants it: an interrupted cycle leaves no guest without power.
            hand.rail.plugs.restore = "on"
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
        """What the recipe asks the guest for: see `answers` of the simulated network."""
        return "kernel" if self.recipe.asks == "ping" else best_of(self.guest)

    async def run(self) -> None:
        """Ask every `every_s`, and cycle the power if need be, until cancelled."""
        while True:
            await trio.sleep(self.recipe.every_s)
            self._counts_anew()
            if await self._fails() and self.failed >= self.recipe.failures:
                self.failed = 0
                await self._cycle()

    def _counts_anew(self) -> None:
        """Reset the counts if a new window has begun, or the program has restarted."""
        window, lives = int(self.world.now_s // self.recipe.window_s), self.hand.lives
        if (window, lives) != self._era:
            self.cycles = 0
            self.failed = 0 if lives != self._era[1] else self.failed
            self._era = window, lives

    async def _fails(self) -> bool:
        """Ask, and return whether the guest failed to answer; False if the witness does not answer either."""
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
        if self.hand.lives == lives:  # a script that has restarted does not know of this cycle
            await self.hand.switch(self.guest.port, on=True)
        await trio.sleep(self.recipe.delay_s)


def policies(config: Config) -> tuple[Policy, ...]:
    """Return the policies that are compared at a site: plugs do nothing by themselves, a Wagman does."""
    is_plain = any(isinstance(each, PlainBoard) for each in config.boards)
    return (
        Alone("nothing" if is_plain else "the board alone"),
        Recipe("ping"),
        Recipe("ping, witness", has_witness=True),
        Recipe("page, witness", asks="page", has_witness=True),
        Service(),
    )
