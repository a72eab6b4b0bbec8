"""Events of a node on which everything goes wrong, as the simulation has it: what a fleet's messages are measured with."""

from typing import Any

from attrs import define, field

from benchmarks.processes import MeasurementError
from wagman.model.shapes import Event
from wagman.simulation.play import Scenario, play
from wagman.simulation.profiles import PROFILES, make_script
from wagman.simulation.records import Record, Told
from wagman.simulation.sites import site

HOUR_S = 3600.0


@define
class _Log:
    """Numbers them through: in the simulation the log is lost now and then, and begins anew."""

    events: list[Any] = field(factory=list)

    def __call__(self, record: Record) -> None:
        if not isinstance(record, Told) or record.event.id is None:
            return
        event = record.event
        number = len(self.events) + 1
        cause = None if event.cause is None else event.cause + number - (event.id or 0)
        self.events.append({**event.as_json(), "id": number, "cause": cause, "mono_s": round(event.mono_s, 3)})


def mix(hours: float, seed: int = 1) -> list[Event]:
    """What such a node tells in so many hours."""
    config = site("one")
    log = _Log()
    outcome = play(Scenario(seed, config, make_script(config, PROFILES["everything"], seed, hours * HOUR_S)), log)
    if outcome.violation is not None:
        raise MeasurementError(str(outcome.violation))
    return log.events
