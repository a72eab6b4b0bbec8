"""Events of a simulated node on which everything goes wrong: fleet messages are measured with these."""

from typing import Any

from attrs import define, field

from benchmarks.processes import MeasurementError
from wagman.model.shapes import Event
from wagman.simulation.play import Scenario, play
from wagman.simulation.profiles import PROFILES, make_script
from wagman.simulation.records import EventShown, Record
from wagman.simulation.sites import site

HOUR_S = 3600.0


@define
class _Log:
    """Collects the events and numbers them from 1 on, since the simulation loses its log now and then."""

    events: list[Any] = field(factory=list)

    def __call__(self, record: Record) -> None:
        if not isinstance(record, EventShown) or record.event.id is None:
            return
        event = record.event
        number = len(self.events) + 1
        cause = None if event.cause is None else event.cause + number - (event.id or 0)
        self.events.append({**event.as_json(), "id": number, "cause": cause, "mono_s": round(event.mono_s, 3)})


def mix(hours: float, seed: int = 1) -> list[Event]:
    """Return the events of so many hours, in order.

    Raises:
        MeasurementError: the simulation broke a promise.
    """
    config = site("one")
    log = _Log()
    outcome = play(Scenario(seed, config, make_script(config, PROFILES["everything"], seed, hours * HOUR_S)), log)
    if outcome.violation is not None:
        raise MeasurementError(str(outcome.violation))
    return log.events
