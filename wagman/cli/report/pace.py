"""A service whose clock ran faster than time itself (`--speed`): its seconds are made those of the wall clock. No I/O."""

from collections.abc import Mapping, Sequence
from typing import Any

from wagman.cli.report.axis import Event, number

LEAST = 1e-3
"""From this speed on it is believed (chosen: nobody watches a slower one, and a damaged log holds anything)."""

BEGINS = "service.started"
"""The event that tells the speed, in the runs in which it is another than 1, and with which the service supervises."""


def speeds_of(events: Sequence[Event]) -> Mapping[str, float]:
    """Return how many times as fast the clock of a run went, by its boot id; runs at the usual speed are missing."""
    told = ((event["boot_id"], number(event["fields"].get("speed"))) for event in events if event["type"] == BEGINS)
    return {boot_id: speed for boot_id, speed in told if speed is not None and speed >= LEAST}


def in_real_time(event: Event, speeds: Mapping[str, float]) -> Event:
    """Return the event with all that its service counted in seconds of its own clock."""
    speed = speeds.get(event["boot_id"])
    if speed is None:
        return event
    fields = {key: _slowed(value, speed) if key.endswith("_s") else value for key, value in event["fields"].items()}
    return {**event, "mono_s": _slowed(event.get("mono_s"), speed), "fields": fields}


def _slowed(value: Any, speed: float) -> Any:
    seconds = number(value)
    return value if seconds is None else seconds / speed
