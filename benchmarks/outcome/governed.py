"""A simulated node under any policy: the world of the simulation without its checkers, and with wagman if the policy has it."""

from collections.abc import Sequence
from random import Random

import trio
from attrs import define, field, frozen

from benchmarks.outcome.measuring import Measuring, Result
from benchmarks.outcome.policies import Policy
from wagman.config.schema import Config
from wagman.simulation.actions import act
from wagman.simulation.boards.plain import Rail
from wagman.simulation.clock import VirtualClock
from wagman.simulation.play import passing_directory
from wagman.simulation.schedule import run_virtually
from wagman.simulation.script import Item, Wait
from wagman.simulation.world import World


@define(eq=False, repr=False)
class Governed(World):
    """A simulated node with or without the service."""

    has_service: bool = field(default=True, kw_only=True)

    def start(self) -> None:
        """Start the service, if there is one."""
        if self.has_service:
            super().start()


@frozen
class Trial:
    """One run: a site, its policy, and the events there."""

    config: Config
    policy: Policy
    seed: int
    script: Sequence[Item]


def run(trial: Trial, measuring: Measuring) -> Result:
    """Run a trial in virtual time, and return what was measured."""
    with passing_directory() as directory:

        async def main(clock: VirtualClock) -> Result:
            async with trio.open_nursery() as nursery:
                rng = Random(trial.seed)  # noqa: S311 - a simulation
                service = trial.policy.has_service
                world = Governed(trial.config, rng, clock, directory, measuring, nursery, has_service=service)
                result = await _governed(world, trial, measuring)
                nursery.cancel_scope.cancel()
            return result

        return run_virtually(main, trial.seed)


async def _governed(world: Governed, trial: Trial, measuring: Measuring) -> Result:
    for board in world.boards.values():
        await world.nursery.start(board.run)
    _switch_on(world)
    world.nursery.start_soon(measuring.look_around, world)
    world.nursery.start_soon(trial.policy.run, world)
    world.start()
    for item in trial.script:
        if isinstance(item, Wait):
            await trio.sleep(item.for_s)
        else:
            await act(world, item.words)
    result = measuring.result(world.now_s)
    await world.kill()
    return result


def _switch_on(world: World) -> None:
    """Switch on every outlet of a rail with a guest, as if by hand; a Wagman starts its guests by itself."""
    for board in world.boards.values():
        if isinstance(board, Rail):
            for device in board.devices:
                board.plugs.set(str(device.port), "fault", on=True)
