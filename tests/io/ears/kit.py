"""A network of guests and witnesses in virtual time: who answers, and when, is up to the test."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, Literal

import trio
from attrs import define, field, frozen
from trio.testing import MockClock

from wagman.config.ears import EarConfig
from wagman.io.ears.ear import Ear
from wagman.io.ears.hearing import Hearing
from wagman.io.ears.network import Network
from wagman.model.backend import Probe
from wagman.model.errors import EarError
from wagman.model.facts import Beat, Draft, Listened, PortFact

EVERY_S = 10.0
TIMEOUT_S = 2.0
ANSWER_S = 0.01


@define(eq=False)
class World:
    """Who is alive, and whether the network is up."""

    is_up: bool = True
    dead: set[str] = field(factory=set)
    trouble: dict[str, str] = field(factory=dict)  # why somebody cannot be asked
    asked: list[tuple[str, float]] = field(factory=list)
    answered: list[tuple[str, float]] = field(factory=list)

    def answers(self, name: str) -> bool:
        return self.is_up and name not in self.dead


@frozen
class FakeProbe:
    world: World
    name: str

    async def ask(self) -> bool:
        self.world.asked.append((self.name, trio.current_time()))
        if self.name in self.world.trouble:
            raise EarError(self.world.trouble[self.name])
        answers = self.world.answers(self.name)
        await trio.sleep(ANSWER_S if answers else TIMEOUT_S)
        if answers:
            self.world.answered.append((self.name, trio.current_time()))
        return answers


@frozen(kw_only=True)
class FakeEar(EarConfig):
    kind: ClassVar[str] = "fake"
    about: ClassVar[str] = "A guest of a test."
    shows: ClassVar[Literal["program"]] = "program"

    fake: str
    world: World
    every_s: float = EVERY_S

    def probe(self) -> Probe:
        return FakeProbe(self.world, self.fake)


@define(eq=False)
class Site:
    """Guests that are heard through one network, and what each was told."""

    world: World
    network: Network
    notices: list[Draft]
    told: dict[str, list[PortFact]]
    ears: dict[str, Ear]

    def silences(self, name: str) -> list[tuple[float, float]]:
        facts = self.told[name]
        return [(round(fact.silent_since_s, 3), round(fact.asked_at_s, 3)) for fact in facts if isinstance(fact, Listened)]

    def beats(self, name: str) -> list[float]:
        return [round(fact.at_s, 3) for fact in self.told[name] if isinstance(fact, Beat)]

    def longest_s(self, name: str) -> float:
        return max((asked_at_s - since_s for since_s, asked_at_s in self.silences(name)), default=0.0)


def site(guests: Sequence[str], witnesses: Sequence[str] = (), *, heard: bool = True, needs_witness: bool = True) -> Site:
    world, notices = World(), list[Draft]()
    probes = [FakeProbe(world, name) for name in witnesses]
    network = Network("lan", probes, tell=notices.append, needs_witness=needs_witness)
    told: dict[str, list[PortFact]] = {name: [] for name in guests}
    sources = {name: Hearing(told[name].append).add(f"fake {name}", heard=heard) for name in guests}
    ears = {name: Ear(FakeEar(fake=name, world=world), sources[name], network) for name in guests}
    return Site(world, network, notices, told, ears)


def running(script: Callable[[], Awaitable[None]]) -> None:
    """Run in virtual time."""

    async def main() -> None:
        await script()

    trio.run(main, clock=MockClock(autojump_threshold=0))


async def listening(all_: Site, script: Callable[[], Awaitable[None]]) -> None:
    """Run a script while all ears listen."""
    async with trio.open_nursery() as nursery:
        for ear in all_.ears.values():
            nursery.start_soon(ear.run)
        await script()
        nursery.cancel_scope.cancel()
