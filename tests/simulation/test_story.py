"""What the log tells of a life: each event leads back to what brought it about."""

from collections.abc import Mapping
from typing import Any

from tests.simulation.node import run
from wagman.simulation.records import EventShown
from wagman.store import Event


def told(script: str) -> Mapping[int, Event]:
    """The events that were shown while the script was played, by id."""
    events: dict[int, Event] = {}

    def watch(record: Any) -> None:
        if isinstance(record, EventShown) and record.event.id is not None:
            events[record.event.id] = record.event

    assert run(script, watch).violation is None
    return events


def chain(events: Mapping[int, Event], last: Event) -> list[str]:
    """The types of the event's causes, newest first."""
    types = [last.type]
    while last.cause is not None:
        last = events[last.cause]
        types.append(last.type)
    return types


def latest(events: Mapping[int, Event], type_: str, device: str) -> Event:
    return [event for event in events.values() if event.type == type_ and event.device == device][-1]


def test_the_start_after_a_lost_heartbeat_leads_back_to_the_start_that_it_followed() -> None:
    events = told("30 min; guest x1 hang; 20 min; settled")
    story = chain(events, latest(events, "device.started", "x1"))
    assert story[:8] == [
        "device.started",
        "device.starting",
        "wagman.start_next_device",
        "device.stopped",
        "device.message",
        "device.stopping",
        "device.heartbeat_lost",
        "device.stable",
    ]
    assert story[-1] == "device.stopped"  # found off, when the service came up for the first time


def test_a_guest_that_is_found_off_is_started_once_those_before_it_are_known_without_waiting_for_the_next_look() -> None:
    events = told("10 min; settled")
    known_s = max(event.mono_s for event in events.values() if event.type in ("device.stopped", "device.adopted"))
    (turn, *_) = (event for event in events.values() if event.type == "wagman.start_next_device")
    assert turn.device == "cs"  # gn comes first, and is found running
    assert turn.mono_s - known_s < 1


def test_an_operators_command_is_where_the_story_of_what_it_did_begins() -> None:
    events = told("30 min; gn: stop; 5 min; all well")
    assert chain(events, latest(events, "device.stopped", "gn")) == [
        "device.stopped",
        "device.message",
        "device.stopping",
        "command.stop",
    ]
