"""When something began: by the wall clock, by the controller's own clock, and by its place in the log.

Each answers another question. The wall clock may be set at any time, so the difference of two of its readings is no
duration. The controller's clock measures, and begins anew when the controller restarts. The place in the log says what
happened.
"""

from collections.abc import Callable
from typing import Any

from attrs import asdict, frozen

from wagman.model.facts import Stamp, restored_stamp
from wagman.store import Ref, placed

__all__ = ["Beginning", "Clocks", "Stamp", "place_key", "restored_beginning", "restored_stamp"]


@frozen
class Beginning:
    """When something that lasts began.

    Args:
        wall: RFC 3339; empty: it has not begun yet.
        stamp: the controller's clock at that time; None: not known.
        event: the event with which it began; None: it is in no log.
    """

    wall: str = ""
    stamp: Stamp | None = None
    event: Ref | None = None

    def for_s(self, now: Stamp) -> float | None:
        """How long it has lasted, in seconds; None: nobody knows, because the controller was restarted meanwhile."""
        if self.stamp is None or self.stamp.boot != now.boot:
            return None
        return round(max(0.0, now.at_s - self.stamp.at_s), 3)

    def lasting(self) -> dict[str, Any]:
        """What the store keeps of the beginning, without its event."""
        # The event's place in the log is not known yet when this is saved.
        return {"since": self.wall, "entered": None if self.stamp is None else asdict(self.stamp)}


def restored_beginning(saved: Any, place: Any) -> Beginning:
    """The beginning that the store kept.

    Raises:
        KeyError, TypeError: there is none.
    """
    return Beginning(saved["since"], restored_stamp(saved.get("entered")), placed(place))


def place_key(key: str) -> str:
    """The name under which the store keeps the place in the log at which the state of `key` began."""
    return f"since.{key}"


@frozen
class Clocks:
    """The clocks by which a beginning is noted."""

    wall: Callable[[], str]  # RFC 3339
    stamp: Callable[[], Stamp]

    def beginning(self) -> Beginning:
        """The beginning of something that begins now."""
        return Beginning(self.wall(), self.stamp())
