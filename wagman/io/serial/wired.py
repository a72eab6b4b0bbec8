"""A board on a serial port: the link, and the driver of its dialect."""

from collections.abc import Callable
from typing import Any, Protocol

import trio
from attrs import define, field, frozen

from wagman.io.board.connection import Listener
from wagman.io.board.driver import Driver, Hears, Senses
from wagman.io.serial.link import Answer, Decoder, Link
from wagman.io.serial.transport import Opener

PAUSE_S = 1.0
"""The pause after an answer that did not come (chosen: short, because the time-out was long)."""


class SerialDriver(Driver[int], Hears, Protocol):
    """A driver of a board on a serial port, which is also told of what the board says by itself."""


class Dialect(Protocol):
    """Makes the decoder and the driver for a board of one dialect."""

    name: str
    resync: bytes

    def decoder(self) -> Decoder[Any]:
        """A decoder for a new connection."""
        ...

    def driver(self, link: Link[Any], senses: Senses[int]) -> SerialDriver:
        """A driver on that link."""
        ...


class WatchedLink(Link[Any]):
    """A link that reports the end of each request, whatever its outcome: many slow answers in a row are progress, too."""

    def __init__(self, *args: Any, progressed: Callable[[], None], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._progressed = progressed

    async def request(self, data: bytes, match: Callable[[Any], Any], timeout_s: float) -> Answer[Any]:
        """See `Link.request`; reports progress at the end."""
        try:
            return await super().request(data, match, timeout_s)
        finally:
            self._progressed()


@define(eq=False)
class Wire:
    """One incarnation of the link, and the driver on it."""

    wired: "Wired"
    senses: Senses[int]
    listener: Listener
    is_first: bool
    pause_s: float = PAUSE_S
    link: Link[Any] = field(init=False)
    driver: SerialDriver = field(init=False)

    def __attrs_post_init__(self) -> None:
        dialect = self.wired.dialect
        self.link = WatchedLink(
            self.wired.opener,
            dialect.decoder,
            self,
            resync=dialect.resync,
            is_first=self.is_first,
            progressed=self.listener.progressed,
        )
        self.driver = dialect.driver(self.link, self.senses)

    @property
    def is_up(self) -> bool:
        """Whether the port is open."""
        return self.link.is_up

    @property
    def down_reason(self) -> str | None:
        """Why the port is not open; None: it is, or was not tried yet."""
        return self.link.down_reason

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the link up.

        Raises:
            LinkBusyError: another process holds the port when it is opened for the first time.
        """
        await self.link.run(task_status=task_status)

    def hang_up(self, reason: str) -> None:
        """Have the port opened anew."""
        self.link.hang_up(reason)

    # What the link tells -----------------------------------------------------

    def on_up(self) -> None:
        """The port is open."""
        self.senses.note("link.up", device=self.wired.device)
        self.listener.on_up()

    def on_down(self, reason: str) -> None:
        """The port is gone, or cannot be opened."""
        self.senses.note("link.down", device=self.wired.device, reason=reason)
        self.listener.on_down(reason)

    def on_event(self, event: Any, at_s: float) -> None:
        """The board said something by itself."""
        self.driver.heard(event, at_s)


@frozen
class Wired:
    """The connector of a board on the serial port `device`."""

    dialect: Dialect
    opener: Opener
    device: str

    @property
    def name(self) -> str:
        """The name of the dialect."""
        return self.dialect.name

    def connect(self, senses: Senses[int], listener: Listener, *, is_first: bool) -> Wire:
        """A new incarnation of the link."""
        return Wire(self, senses, listener, is_first)
