"""What the simulated node needs of a board, whatever kind of board that is."""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

import trio
from attrs import define, frozen

from wagman.config.boards import BoardConfig
from wagman.fake.hardware import DirtyCut, RelayChange
from wagman.io.board.connection import Connector
from wagman.model.facts import Port
from wagman.simulation.boards.outlet import Outlet


@define(eq=False, repr=False)
class End:
    """One life's end of the way to a board: once cut it stays cut."""

    cut: bool = False
    broken: str = ""  # the next attempt to open it fails with a defect of this text

    def check(self) -> None:
        """Fail as opening it does.

        Raises:
            RuntimeError: a defect was planted; this happens once.
            OSError: the process is dead.
        """
        if self.broken:
            text, self.broken = self.broken, ""
            raise RuntimeError(text)
        if self.cut:
            raise OSError("the process is dead")


@frozen
class Onlookers:
    """Who is told of what can be seen of a board from outside."""

    moved: Callable[[RelayChange | DirtyCut], None]
    sent: Callable[[str, Port | None], None]  # the service has asked for this, of this outlet
    strange: Callable[[RelayChange], None]  # an outlet of another unit, at the same address, was switched
    now_s: Callable[[], float]  # on the clock of the simulation


class Board(Protocol):
    """A board of the simulated node: how its outlets really are, the way to it, and what can go wrong with both."""

    @property
    def outlets(self) -> Mapping[Port, Outlet]:
        """All that it has."""
        ...

    @property
    def hears(self) -> Collection[Port]:
        """Those whose guests it hears beat."""
        ...

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run for as long as there is a world."""
        ...

    def connector(self, end: End, config: BoardConfig) -> Connector:
        """The way to it for one life of the service."""
        ...

    def can_be_seen(self, port: Port) -> bool:
        """Whether what it shows of an outlet's power is so."""
        ...

    def medium(self, port: Port) -> str | None:
        """What the guest of an outlet would boot from; None where nothing selects."""
        ...

    def apart_s(self, port: Port) -> float:
        """How far apart it shows the beats of an outlet's guest, in seconds."""
        ...

    def happens(self, words: str) -> None:
        """Something happens to it, or to a guest of its.

        Raises:
            CallerError: nobody knows what that is.
        """
        ...

    def way(self, words: str) -> None:
        """Something happens to the way to it.

        Raises:
            CallerError: nobody knows what that is.
        """
        ...

    def halt(self, port: Port) -> bool:
        """Ask a guest to halt; False where it does not listen."""
        ...

    def catch_up(self) -> None:
        """It has run while the service could not: what it said waits to be read."""
        ...

    def mend(self, doomed: Collection[Port]) -> None:
        """All faults end, but those of these guests. What hangs goes on hanging, and what was switched stays as it is."""
        ...
