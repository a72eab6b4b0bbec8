"""What a checker is, and how long it waits before it judges."""

from collections.abc import Iterator
from typing import ClassVar, Protocol

from attrs import frozen

from wagman.simulation.records import Record
from wagman.simulation.scene import Scene

SEEN_S = 180.0
"""How long a quiet service may take to see what is: nobody knows of it before the board tells, some of it once a minute
(chosen: that report, a poll, a few commands)."""

SAID_S = 3.0
"""How long a guest may keep what it became to itself: it waits for the disk first (the service: 2 s at most, and a moment)."""

STATES = ("stopped", "starting", "will_stop", "started", "stopping", "restarting", "maintenance")
"""The states of a guest; the events that tell of entering them have the same names."""


def told_state(type_: str) -> str:
    """The state that a guest's event tells of; any other word where it tells of none."""
    return "stopped" if type_ == "device.maintenance_over" else type_.removeprefix("device.")


class Checker(Protocol):
    """Watches over one promise."""

    promise: ClassVar[int]

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """What `record` breaks, in words."""
        ...


@frozen
class Violation:
    """A promise was broken."""

    promise: int
    at_s: float
    text: str

    def __str__(self) -> str:
        return f"promise {self.promise} broken after {self.at_s:.1f} s: {self.text}"
