"""What the control socket needs of the rest of the service."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import frozen

from wagman.model import shapes
from wagman.model.errors import CallerError
from wagman.model.facts import Verb
from wagman.store import Journal


class UnknownDeviceError(CallerError):
    """No guest has this name or is on this port."""

    def __init__(self, device: str) -> None:
        super().__init__(f"unknown guest {device!r}")


@frozen
class Asker:
    """Who asks for something: the user and the process that the kernel vouches for, and whom that process asks for."""

    uid: int
    who: str
    on_behalf: str | None = None  # what the process says: somebody whom the service does not know
    order: str | None = None  # likewise: what the order is called where it came from

    @property
    def fields(self) -> dict[str, int | str]:
        """Of the event that tells of it."""
        said = {"for": self.on_behalf, "order": self.order}
        return {"uid": self.uid, "who": self.who, **{key: each for key, each in said.items() if each is not None}}


class Service(Protocol):
    """The daemon, as seen from the control socket.

    What the methods give is the result that the caller is sent. A device is always named; `device_name` turns what a caller
    says into a name.
    """

    @property
    def journal(self) -> Journal:
        """The rolling log."""
        ...

    def hello(self) -> Mapping[str, str]:
        """The versions of what answers."""
        ...

    def status(self, devices: Sequence[str] | None = None, *, words: bool = False) -> shapes.Status:
        """How everything is now, with a row for each of `devices` (None: for all), also in words where they are asked for."""
        ...

    def device_name(self, device: str) -> str:
        """The name of the device that `device` names, or whose port number it is.

        Raises:
            UnknownDeviceError: there is none.
        """
        ...

    async def command(self, verb: Verb, device: str, *, force: bool, asker: Asker, for_s: float | None = None) -> shapes.Decision:
        """Ask the device's machine; the answer is its decision, not yet the outcome.

        `for_s` is for how long, with `stop` and `maintenance`; without it, the latter ends.
        """
        ...

    async def hibernate(self, reason: str, keep: Sequence[str], *, asker: Asker) -> shapes.Decision:
        """Take all guests down but for those in `keep`, until somebody wakes them."""
        ...

    async def wake(self, *, asker: Asker) -> shapes.Decision:
        """End what `hibernate` has ordered."""
        ...

    async def heartbeat(self, device: str, *, uid: int) -> shapes.Decision:
        """A sign of life that the guest, or somebody on its behalf, gives from outside."""
        ...

    async def board(self, command: str, *, force: bool, uid: int) -> Sequence[str]:
        """Send the board a raw command and give the lines that it answers.

        Raises:
            CallerError: refused, because it would fight the service, or makes no sense.
            BoardError: the board said no, did not answer in time, or cannot be reached.
        """
        ...
