"""Playing a script: one run of a whole world, watched by all checkers, up to the first promise that breaks."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import trio
from attrs import define, field, frozen

from wagman.config.schema import Config
from wagman.model.facts import DEFAULT_BOARD
from wagman.simulation import settle
from wagman.simulation.actions import act
from wagman.simulation.clock import VirtualClock
from wagman.simulation.promises import Checker, Violation, all_checkers
from wagman.simulation.records import EventShown, Record, RelayMoved
from wagman.simulation.scene import Scene
from wagman.simulation.schedule import run_virtually
from wagman.simulation.script import Item, Wait, length_s, render
from wagman.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK_S = 61.0
"""How often the status is compared with the truth: no multiple of any time of the service's (chosen)."""

MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of our own is made there
"""A directory whose files are in memory (Linux)."""


@frozen
class Scenario:
    """Everything that a run depends on."""

    seed: int
    config: Config
    script: Sequence[Item]

    def __str__(self) -> str:
        return render(self.script)


@frozen
class Outcome:
    """The result of a run."""

    violation: Violation | None
    length_s: float  # how long it lasted
    log_sha256: str  # of all shown events and moved relays, in order


Watch = Callable[[Record], None]


@define(eq=False, repr=False)
class Onlooker:
    """Takes in every record, keeps the digest of the history, and calls the checkers."""

    config: Config
    directory: str
    others: Sequence[Watch]
    broken: trio.Event = field(factory=trio.Event)
    violation: Violation | None = None
    scene: Scene = field(init=False)
    checkers: list[Checker] = field(factory=all_checkers)
    _digest: "hashlib._Hash" = field(factory=hashlib.sha256)

    def __attrs_post_init__(self) -> None:
        self.scene = Scene(self.config)

    @property
    def sha256(self) -> str:
        """The digest of the history up to now."""
        return self._digest.hexdigest()

    def __call__(self, record: Record) -> None:
        """Take in a record; `broken` is set if a promise breaks."""
        self.scene.now_s = max(self.scene.now_s, record.at_s)
        if isinstance(record, EventShown):
            self._remember(json.dumps(record.event.as_json()).replace(self.directory, ""))
        elif isinstance(record, RelayMoved):
            board, port = record.plug
            where = port if board == DEFAULT_BOARD else f"{board} {port}"
            self._remember(f"{record.at_s:.6f} {where} {record.on} {record.by}")
        for checker in self.checkers:
            for text in checker.see(record, self.scene):
                self.breaks(Violation(checker.promise, record.at_s, text))
        self.scene.update(record)
        for other in self.others:
            other(record)

    def breaks(self, violation: Violation) -> None:
        """Take in that a promise is broken; the first one counts."""
        self.violation = self.violation or violation
        self.broken.set()

    def _remember(self, line: str) -> None:
        self._digest.update(line.encode() + b"\n")


def play(scenario: Scenario, *others: Watch) -> Outcome:
    """Run a scenario in virtual time; `others` get every record, too."""
    with passing_directory() as directory:

        async def main(clock: VirtualClock) -> Outcome:
            return await _main(scenario, clock, directory, others)

        return run_virtually(main, scenario.seed)


@contextmanager
def passing_directory() -> "Iterator[Path]":
    """Yield a temporary directory, in memory if possible."""
    with tempfile.TemporaryDirectory(prefix="wagman-", dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)


async def _main(scenario: Scenario, clock: VirtualClock, directory: Path, others: Sequence[Watch]) -> Outcome:
    onlooker = Onlooker(scenario.config, str(directory), others)
    async with trio.open_nursery() as nursery:
        rng = Random(scenario.seed)  # noqa: S311 - a simulation
        world = World(scenario.config, rng, clock, directory, onlooker, nursery)
        for board in world.boards.values():
            await nursery.start(board.run)
        nursery.start_soon(_look_around, world)
        nursery.start_soon(world.beat_over_control)
        world.start()
        await _until_broken(onlooker, world, scenario.script)
        await world.kill()
        nursery.cancel_scope.cancel()
    return Outcome(onlooker.violation, world.now_s, onlooker.sha256)


async def _until_broken(onlooker: Onlooker, world: World, script: Sequence[Item]) -> None:
    async with trio.open_nursery() as nursery:

        async def perform() -> None:
            for item in script:
                await _perform(item, onlooker, world)
            onlooker.broken.set()

        nursery.start_soon(perform)
        await onlooker.broken.wait()
        nursery.cancel_scope.cancel()


async def _perform(item: Item, onlooker: Onlooker, world: World) -> None:
    if isinstance(item, Wait):
        await trio.sleep(item.for_s)
    elif item.words == "settled":
        await _settle(onlooker, world)
    elif item.words.startswith("settled but "):
        await _settle(onlooker, world, item.words.removeprefix("settled but "))
    else:
        await act(world, item.words)


async def _settle(onlooker: Onlooker, world: World, but: str | None = None) -> None:
    """Wait until everything is as it should be, on all boards `but` one; a promise is broken if that takes too long."""
    until_s = world.now_s + settle.bound_s(onlooker.scene.slowest)
    while True:
        look = world.look()
        wrong = ["the service is down"] if look is None else list(settle.unsettled(look, onlooker.scene, world.doomed, but=but))
        if not wrong or world.now_s >= until_s:
            break
        await trio.sleep(settle.LOOK_S)
    world.did("settled")
    if wrong:
        onlooker.breaks(Violation(4, world.now_s, "; ".join(wrong)))


async def _look_around(world: World) -> None:
    while True:
        await trio.sleep(LOOK_S)
        world.look()


def truncated(script: Sequence[Item], at_s: float) -> list[Item]:
    """Return the part of a script before a time, by its waits."""
    kept: list[Item] = []
    for item in script:
        if length_s(kept) > at_s:
            break
        kept.append(item)
    return kept
