"""Ears that do not ask: guests that speak by themselves, and how their silence is looked at.

What arrives is read at once, and at least each second it is seen to that nothing waits. Where the service was stopped meanwhile,
nobody knows when it arrived: a beat bears the time when nothing was waiting for the last time, and the silence begins when it was
read.
"""

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
"""How often it is seen to that nothing waits to be read (chosen: so exactly is a beat's time known)."""


class Line(Protocol):
    """What a guest speaks through."""

    @property
    def read_until_s(self) -> float:
        """Everything that had arrived by then has been read, and told."""
        ...


@define(eq=False)
class PassiveEar(Listening):
    """An ear that waits. Whoever reads the line tells it what was heard, and when nobody could listen."""

    line: Line = field(init=False)
    refused: str | None = field(default=None, init=False)  # why what was heard last is not believed
    _is_open: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.silence.apart_s += TURN_S  # it is the last turn that is looked at, and not now

    def opened(self) -> None:
        """From now on the line is read."""
        self.trouble, self._is_open = None, True

    def deaf(self, trouble: str) -> None:
        """Nobody reads the line, and what arrives is lost."""
        self.trouble, self._is_open = trouble, False
        self.silence.gap()
        self.source.deaf()

    async def run(self) -> None:
        """Look until cancelled whether the guest has been silent."""
        while True:
            next_s = trio.current_time() + self.config.every_s
            if self._is_open:
                looked_at_s = self.line.read_until_s
                await self.unheard(looked_at_s, looked_at_s)
            await self.rest(next_s)


class Task(Protocol):
    """What runs for several ears."""

    progress_s: float  # it is well until then, at least

    async def run(self) -> None:
        """Run until cancelled."""
        ...


SomeTask = TypeVar("SomeTask", bound=Task)


@define(eq=False)
class Shared:
    """What the ears of a service share: the tasks of several, as the reader of a port, and what makes those that ask."""

    probe: Callable[[EarConfig], Probe] = methodcaller("probe")
    tasks: dict[tuple[str, str | int], Task] = field(factory=dict, init=False)

    def get(self, kind: type[SomeTask], at: str | int, make: Callable[[], SomeTask]) -> SomeTask:
        """The task of this class that is there for `at`, made when it is asked for first."""
        task = self.tasks.setdefault((kind.__name__, at), make())
        assert isinstance(task, kind)  # noqa: S101 - its class is part of its key
        return task


@frozen(kw_only=True)
class PassiveEarConfig(EarConfig):
    """An ear of a guest that speaks by itself."""

    passive = True

    def ear(self, guest: str, source: Source, network: Network, shared: Shared) -> PassiveEar:
        """The ear, and what it shares with others."""
        raise NotImplementedError
