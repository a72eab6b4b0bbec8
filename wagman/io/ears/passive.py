"""Ears that do not ask: guests that speak by themselves, and how their silence is judged.

What arrives is read at once, and at least once a second it is checked that nothing waits. If the service was stopped meanwhile,
nobody knows when something arrived. Therefore a beat bears the last time at which nothing was waiting, and the silence begins
when the beat was read.
"""

import math
from collections.abc import Callable
from operator import methodcaller
from typing import Protocol, TypeVar

import trio
from attrs import define, field, frozen

from wagman.config.ears import EarConfig
from wagman.io.ears.ear import Listening
from wagman.io.ears.hearing import Source
from wagman.io.ears.network import Network
from wagman.model.backend import Probe

TURN_S = 1.0
"""How often it is checked that nothing waits to be read (chosen: so exactly is a beat's time known)."""

AGAIN_S = 2 * TURN_S
"""When a guest that may be silent is looked at once more (by then, it was checked anew that nothing waits)."""


class Line(Protocol):
    """What a guest speaks through: a port, a topic."""

    @property
    def read_until_s(self) -> float:
        """The time up to which everything that had arrived was read, and told."""
        ...


@define(eq=False)
class PassiveEar(Listening):
    """An ear that waits. Whoever reads the line reports what was heard, and when nobody could listen."""

    line: Line = field(init=False)
    refused: str | None = field(default=None, init=False)  # why the latest message is not believed
    _is_open: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.silence.apart_s += TURN_S  # the silence is judged as of the last turn, and not of now

    def opened(self) -> None:
        """The line is read from now on. What arrived before may be lost, also if whoever read it crashed and could not say so."""
        self.trouble, self._is_open = None, True
        self.silence.listens_from(trio.current_time())

    def deaf(self, trouble: str) -> None:
        """Nobody reads the line, and what arrives is lost."""
        self.trouble, self._is_open = trouble, False
        self.silence.listens_from(math.inf)
        self.source.deaf()

    async def run(self) -> None:
        """Check again and again, until cancelled, whether the guest has been silent."""
        while True:
            next_s = trio.current_time() + self.config.every_s
            if self._is_open:
                looked_at_s = self.line.read_until_s
                if await self.unheard(looked_at_s, looked_at_s):
                    next_s = min(next_s, trio.current_time() + AGAIN_S)
            await self.rest(next_s)


class Task(Protocol):
    """A task that serves several ears."""

    progress_s: float  # for the watchdog: when its present wait ends at the latest

    async def run(self) -> None:
        """Run until cancelled."""
        ...


SomeTask = TypeVar("SomeTask", bound=Task)


@define(eq=False)
class Shared:
    """What the ears of a service share: tasks that serve several, such as the reader of a port, and the maker of probes."""

    probe: Callable[[EarConfig], Probe] = methodcaller("probe")
    tasks: dict[tuple[str, str | int], Task] = field(factory=dict, init=False)

    def get(self, kind: type[SomeTask], at: str | int, make: Callable[[], SomeTask]) -> SomeTask:
        """The task of this class for `at`, made when it is first asked for."""
        task = self.tasks.setdefault((kind.__name__, at), make())
        assert isinstance(task, kind)  # noqa: S101 - its class is part of its key
        return task


@frozen(kw_only=True)
class PassiveEarConfig(EarConfig):
    """The table of an ear for a guest that speaks by itself."""

    passive = True

    def ear(self, guest: str, source: Source, network: Network, shared: Shared) -> PassiveEar:
        """Make the ear; tasks that it shares with others are put into `shared`."""
        raise NotImplementedError
