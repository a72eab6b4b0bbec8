"""Each event's cause is what really caused it, whatever else happened in between."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from tests.simulation.history import History
from tests.simulation.node import run
from wagman.store import Event

ENDS = (
    *("environment.normal", "environment.released", "wagman.start_stalled", "wagman.start_refused"),
    *("device.started", "device.stopped", "device.stopping", "device.restarting", "device.will_stop", "device.stable"),
)
"""What has the scheduler go back to normal: it is not hot any more, or the start of a guest has come to its end."""

Cause: TypeAlias = Event | None


def is_own(event: Event, cause: Cause) -> bool:
    return cause is not None and cause.device == event.device


def is_one_of(*types: str) -> Callable[[Event, Cause], bool]:
    return lambda _, cause: cause is not None and cause.type in types


def is_of_the_sensor(event: Event, cause: Cause) -> bool:
    return cause is not None and cause.fields.get("sensor") in (event.fields.get("sensors") or [event.fields["sensor"]])


def is_heat(_: Event, cause: Cause) -> bool:
    return cause is not None and cause.type == "environment.abnormal" and cause.fields["state"] == "high"


def is_own_or_hibernation(event: Event, cause: Cause) -> bool:
    return is_own(event, cause) or (cause is not None and event.device is not None and cause.type.startswith("wagman."))


def never(_: Event, cause: Cause) -> bool:
    return False


TRUE: Mapping[str, Callable[[Event, Cause], bool]] = {
    "command.refused": is_own,
    "environment.normal": is_of_the_sensor,
    "environment.released": is_of_the_sensor,
    "wagman.will_hibernate": is_heat,
    "wagman.hibernating": is_one_of("wagman.will_hibernate"),
    "wagman.normal": is_one_of(*ENDS),
    "wagman.start_next_device": lambda event, cause: is_own(event, cause) or is_one_of("wagman.normal")(event, cause),
    "wagman.start_refused": is_own,
    "wagman.start_stalled": is_own,
    "device.message": is_one_of("device.stopping", "device.restarting", "device.message"),
    "device.starting": is_own,
    "device.stopping": is_own_or_hibernation,
    "device.will_stop": is_own_or_hibernation,
    "device.stopped": is_own_or_hibernation,
    "device.": is_own,
    "problem.": lambda event, cause: event.device is None or is_own(event, cause),
    "": never,
}
"""For each type of event, the first pattern that fits counts: what can have caused it, where anything that is in the log has."""

REPEATED = ("link", "board", "command.denied", "service.request_failed")


def is_true(event: Event, cause: Cause) -> bool:
    """Whether that can have caused it."""
    if cause is None:
        return event.type not in ("wagman.hibernating", "wagman.will_hibernate", "device.message")
    if event.type == cause.type and event.type.startswith(REPEATED):
        return True  # what tells of repeats is caused by the first of them
    fits = next(fits for pattern, fits in TRUE.items() if event.type.startswith(pattern))
    return fits(event, cause) and (cause.id or 0) < (event.id or 0)


def untrue_causes(events: Sequence[Event]) -> Iterator[str]:
    """What is told of causes and cannot be so."""
    by_id = {event.id: event for event in events}
    for event in events:
        cause = None if event.cause is None else by_id[event.cause]
        if not is_true(event, cause):
            yield f"{event} was caused by {cause}"


def test_what_ends_a_hibernation_has_the_guests_that_it_kept_down_started() -> None:
    history = History()
    assert run("20 min; gn: stop; 5 min; board temp 80; 40 min; board temp 23.5; 40 min", history).violation is None
    assert not list(untrue_causes(history.events))
    by_id = {event.id: event for event in history.events}
    normal = [event for event in history.events if event.type == "wagman.normal"][-2:]
    turns = [event for event in history.events if event.type == "wagman.start_next_device"][-3:]
    assert normal
    assert {turn.device for turn in turns} == {"cs", "x1", "x2"}
    ends = [by_id[turn.cause] for turn in turns]
    assert {end.type for end in ends} == {"wagman.normal"}
    assert {by_id[end.cause].type for end in ends} == {"environment.normal"}
