"""What really happened in a run, counted again from what everybody is shown: events, and who asked for what."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field

from wagman.fsm import guest
from wagman.simulation.promises import STATES
from wagman.simulation.records import EventShown, Look, Record
from wagman.store import Event


@define
class Began:
    """The event that a guest's present state began with, and when it was shown."""

    event: Event
    at_s: float

    @property
    def state(self) -> str:
        return self.event.type.removeprefix("device.")


@define
class History:
    """Takes in the records of a run."""

    events: list[Event] = field(factory=list)
    states: dict[str, Began] = field(factory=dict)
    looks: list[tuple[Look, Mapping[str, Began], int]] = field(factory=list)  # how it was then, and how many events there were

    def __call__(self, record: Record) -> None:
        match record:
            case EventShown():
                self._heard(record)
            case Look():
                self.looks.append((record, dict(self.states), len(self.events)))

    def _heard(self, told: EventShown) -> None:
        event = told.event
        self.events.append(event)
        state = event.type.removeprefix("device.")
        known = self.states.get(event.device or "")
        if event.fields.get("reason") == guest.untrusted().reason:
            return  # the answer to a request about a guest that nobody has looked at yet: nothing has begun
        if event.device is not None and state in STATES and (known is None or known.state != state):
            self.states[event.device] = Began(event, told.at_s)

    def rows(self) -> Iterator[tuple[Look, Mapping[str, Any], Began, Sequence[Event]]]:
        """Every row of a guest that was shown, with what its state began with, and the events up to then."""
        for look, states, count in self.looks:
            for row in look.status["devices"]:
                if row["name"] in states and row["state"] == states[row["name"]].state:
                    yield look, row, states[row["name"]], self.events[:count]
