"""The interface of a simulated board, for any kind."""

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
    """The end of the way to a board in one life of the service; once cut it stays cut."""

    cut: bool = False
    broken: str = ""  # the next attempt to open it fails with a defect of this text

    def fail(self) -> None:
        """Have a planted defect show.

        Raises:
            RuntimeError: a defect was planted; this happens once.
        """
        if self.broken:
            text, self.broken = self.broken, ""
            raise RuntimeError(text)

    def check(self) -> None:
        """Raise the error of opening the way.

        Raises:
            OSError: the process is dead.
        """
        if self.cut:
            raise OSError("the process is dead")


@frozen
class Onlookers:
    """Those who are told what can be seen of a board from outside."""

    moved: Callable[[RelayChange | DirtyCut], None]
    sent: Callable[[str, Port | None], None]  # the service has sent this command, about this outlet
    strange: Callable[[RelayChange], None]  # an outlet of another unit at the same address was switched
    now_s: Callable[[], float]  # on the clock of the simulation


class Board(Protocol):
    """A board of the simulated node: the truth of its outlets, the way to it, and the faults of both."""

    @property
    def outlets(self) -> Mapping[Port, Outlet]:
        """All outlets of the board."""
        ...

    @property
    def hears(self) -> Collection[Port]:
        """The outlets whose guests it hears beat."""
        ...

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run until cancelled."""
        ...

    def connector(self, end: End, config: BoardConfig) -> Connector:
        """Return the way to it, for one life of the service."""
        ...

    def can_be_seen(self, port: Port) -> bool:
        """Return whether the power that it shows for an outlet is true."""
        ...

    def medium(self, port: Port) -> str | None:
        """Return the medium that the guest of an outlet would boot from; None without a selector."""
        ...

    def apart_s(self, port: Port) -> float:
        """Return the longest time between two beats of an outlet's guest that it shows, in seconds."""
        ...

    def happens(self, words: str) -> None:
        """Have something happen to it, or to a guest on it.

        Raises:
            CallerError: the words are not known.
        """
        ...

    def way(self, words: str) -> None:
        """Have something happen to the way to it.

        Raises:
            CallerError: the words are not known.
        """
        ...

    def halt(self, port: Port) -> bool:
        """Ask a guest to halt; return False if it does not listen."""
        ...

    def catch_up(self) -> None:
        """Let it run on while the service could not: its output waits to be read."""
        ...

    def mend(self, doomed: Collection[Port]) -> None:
        """End all faults except those of the doomed guests. Hung guests stay hung, and relays stay as they are."""
        ...
