"""The way to a board: kept open like a serial port, or made anew for each question."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import trio
from attrs import define

from wagman.io.board.driver import Driver, Senses

CLOSE_S = 1.0
"""How long closing what is open may take (chosen: nothing is said any more)."""


class Listener(Protocol):
    """Whoever is told of a connection; none of these methods may wait."""

    def on_up(self) -> None:
        """The board can be spoken to."""
        ...

    def on_down(self, reason: str) -> None:
        """The connection was lost, or could not be opened at all; told once until the next `on_up`."""
        ...

    def progressed(self, within_s: float = 0.0) -> None:
        """A request has ended, whatever its outcome: many slow answers in a row are progress, too.

        With `within_s`: one begins that ends within so many seconds, and until then nothing is stuck.
        """
        ...


class Connection(Protocol):
    """The way to a board during one incarnation of its task, and the driver that speaks over it."""

    @property
    def driver(self) -> Driver[Any]:
        """The driver that speaks to the board."""
        ...

    @property
    def is_up(self) -> bool:
        """Whether the board can be spoken to."""
        ...

    @property
    def down_reason(self) -> str | None:
        """Why the board cannot be spoken to; None: it can, or it was not tried yet."""
        ...

    @property
    def pause_s(self) -> float:
        """How long a board that did not answer is left alone, in seconds."""
        ...

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the connection up for as long as this task runs. It reports *started* after the first attempt, however that ended.

        Raises:
            LinkBusyError: another process holds the way to the board, at the very first attempt.
        """
        ...

    def hang_up(self, reason: str) -> None:
        """Drop the connection, if one is kept open, so that it is opened anew."""
        ...


class Connector(Protocol):
    """A kind of board, and where it is."""

    @property
    def name(self) -> str:
        """How the board speaks, for people, as far as is known before it is greeted."""
        ...

    def connect(self, senses: Senses[Any], listener: Listener, *, is_first: bool) -> Connection:
        """A connection for a new incarnation of the board's task; `is_first`: no incarnation has tried before."""
        ...


@define(eq=False)
class Always:
    """A connection that cannot be lost, because none is kept open: a board that cannot be reached is one that does not answer.

    Args:
        close: closes what the back end keeps open all the same, when the task ends.
    """

    driver: Driver[Any]
    listener: Listener
    pause_s: float
    close: Callable[[], Awaitable[None]] | None = None
    is_up: bool = True
    down_reason: str | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Be up until cancelled."""
        self.listener.on_up()
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            if self.close is not None:
                with trio.move_on_after(CLOSE_S, shield=True):
                    await self.close()

    def hang_up(self, reason: str) -> None:
        """Do nothing: no connection is open."""
