"""The interface that the control socket needs of the rest of the service."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from attrs import frozen

from wagman.model import shapes
from wagman.model.errors import CallerError
from wagman.model.facts import Verb
from wagman.store import Journal


class UnknownDeviceError(CallerError):
    """No guest has this name or is on this port, or several are."""

    def __init__(self, device: str) -> None:
        super().__init__(f"unknown guest {device!r}")


class UnknownBoardError(CallerError):
    """No board has this name."""

    def __init__(self, board: str, boards: Iterable[str]) -> None:
        super().__init__(f"unknown board {board!r}: there is {', '.join(boards)}")


@frozen
class Asker:
    """Who asks for something: the user and the process that the kernel vouches for, and on whose behalf."""

    uid: int
    who: str
    on_behalf: str | None = None  # as the process says: somebody whom the service does not know
    order: str | None = None  # as the process says: the order's name where it came from

    @property
    def fields(self) -> dict[str, int | str]:
        """The fields of the event that records the request."""
        said = {"for": self.on_behalf, "order": self.order}
        return {"uid": self.uid, "who": self.who, **{key: each for key, each in said.items() if each is not None}}


class Service(Protocol):
    """The service, as the control socket sees it.

    The methods return what the caller is sent. They take a guest by its name; `device_name` returns that for what a caller says.
    """

    @property
    def journal(self) -> Journal:
        """The rolling log."""
        ...

    def hello(self) -> Mapping[str, str]:
        """Return the version and the boot id of the service."""
        ...

    def status(self, devices: Sequence[str] | None = None, *, words: bool = False) -> shapes.Status:
        """Return the present status, with a row for each of `devices` (None: all); `words` adds the words of the commands."""
        ...

    def device_name(self, device: str) -> str:
        """Return the name of the guest that has this name, this board and port, or this port.

        Raises:
            UnknownDeviceError: there is none, or more than one.
        """
        ...

    async def command(self, verb: Verb, device: str, *, force: bool, asker: Asker, for_s: float | None = None) -> shapes.Decision:
        """Pass a command to a guest, and return what the guest decided about it. The outcome is not waited for.

        `for_s` is how long a `stop` or `maintenance` lasts in seconds; `maintenance` without it ends.
        """
        ...

    async def hibernate(self, reason: str, keep: Sequence[str], *, asker: Asker) -> shapes.Decision:
        """Take all guests down but for those in `keep`, until somebody wakes them."""
        ...

    async def wake(self, *, asker: Asker) -> shapes.Decision:
        """End a hibernation that an operator has ordered."""
        ...

    async def heartbeat(self, device: str, *, uid: int) -> shapes.Decision:
        """Take in a beat that a guest, or somebody on its behalf, gives over the socket."""
        ...

    async def board(self, command: str, *, force: bool, uid: int, board: str | None = None) -> Sequence[str]:
        """Send a board a raw command, and return the lines of its answer. `board` is its name; None: the first that takes any.

        Raises:
            UnknownBoardError: there is none of this name.
            CallerError: refused, because it would fight the service, or makes no sense.
            BoardError: the board said no, did not answer in time, or cannot be reached.
        """
        ...
