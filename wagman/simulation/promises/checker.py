"""The interface of a checker, and how long it waits before it judges."""

from collections.abc import Iterator
from typing import ClassVar, Protocol

from attrs import frozen

from wagman.simulation.records import Record
from wagman.simulation.scene import Scene

SEEN_S = 180.0
"""How long an undisturbed service may take to see a change: the board has to tell first, and tells some things once a minute
(chosen: that report, a poll, a few commands).
"""

SAID_S = 3.0
"""How long a guest may keep a new state to itself, since it waits for the disk first (the service: 2 s at most, and a moment)."""

STATES = ("stopped", "starting", "will_stop", "started", "stopping", "restarting", "maintenance")
"""The states of a guest. The events of entering them have the same names."""


def told_state(type_: str) -> str:
    """Return the state in a guest's event; another word if the event is about none."""
    return "stopped" if type_ == "device.maintenance_over" else type_.removeprefix("device.")


class Checker(Protocol):
    """The checker of one promise."""

    promise: ClassVar[int]

    def see(self, record: Record, scene: Scene) -> Iterator[str]:
        """Yield in words what `record` breaks."""
        ...


@frozen
class Violation:
    """A broken promise."""

    promise: int
    at_s: float
    text: str

    def __str__(self) -> str:
        return f"promise {self.promise} broken after {self.at_s:.1f} s: {self.text}"
