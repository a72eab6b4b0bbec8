"""`wagman why` held against what really happened, at every look at many stories."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from attrs import frozen

from tests.simulation.history import Began, History
from tests.simulation.node import node, run
from tests.simulation.test_causes import untrue_causes
from wagman.cli.prospects import obstacle
from wagman.cli.story import LONGEST, MORE, Story, story
from wagman.cli.why import lines
from wagman.simulation.faults.operators import request
from wagman.simulation.faults.service import killed
from wagman.simulation.play import Scenario, play
from wagman.simulation.profiles import BOARD, CABLE, ENCLOSURE, GUESTS, make_script
from wagman.simulation.records import Look
from wagman.store import Event

STORIES = {
    "heat, with a guest that is started meanwhile": (
        "20 min; gn: stop; 5 min; gn: start; board temp 80; 9 min; board temp 23.5; 20 min; board temp 80; 9 min"
    ),
    "heat, and a restart in the middle of it": (
        "20 min; cs: restart; 5 min; board temp 80; 70 s; service kill; service start; 9 min; board temp 23.5; 20 min"
    ),
    "asked for what is so already, then hung": "20 min; gn: start; 5 min; guest gn hang; 20 min; gn: stop; gn: stop; 9 min",
    "messages that fail": "20 min; message lost; gn: restart; 12 min; message ok; gn: stop; 5 min; gn: start; 9 min",
    "a guest that never comes up": "20 min; guest gn dies; guest gn hang; 1 h; gn: stop; 5 min; gn: start; 20 min",
    "power that is lost": "20 min; board powercycle; 9 min; board fault power 2 off; 9 min",
    "ten days behind, then set right": "clock -864000; 9 min; gn: stop; 5 min; clock 864000; 9 min; gn: start; 9 min",
    "behind after a restart": "20 min; gn: stop; 5 min; service kill; clock -40000; service start; gn: start; 9 min",
    "a relay that sticks": "20 min; board fault relay 1 stuck; gn: stop; 9 min; board fault relay 1 ok; 5 min",
    "a guest that flaps": "20 min; guest gn flap=200; guest gn hang; 40 min",
    "a cable that is pulled": "20 min; cable out; 9 min; cable in; 5 min",
    "a guest that is deaf": "20 min; guest gn ignore=1; gn: stop; 15 min",
}

UNSETTLED = {**CABLE, **BOARD, **GUESTS, **ENCLOSURE, killed: 1.0, request: 2.0}
"""What can happen where the log is whole, and the configuration stays."""

ELSEWHERE = ("environment.", "wagman.", "board.", "service.")
"""Of what concerns every guest."""


@frozen
class Log:
    """What the service would answer: the events that were shown up to then."""

    events: Sequence[Event]

    def __call__(self, method: str, **params: Any) -> Mapping[str, Any]:
        found = list(self.chain(params["id"])) if method == "chain" else [each for each in self.events if fits(each, params)]
        limit = params["limit"]
        page = found[:limit] if method == "chain" or "since" in params else found[-limit:]
        return {"events": [event.as_json() for event in page]}

    def chain(self, event_id: int | None) -> Iterator[Event]:
        by_id = {event.id: event for event in self.events}
        while event_id is not None:
            yield by_id[event_id]
            event_id = by_id[event_id].cause


def fits(event: Event, params: Mapping[str, Any]) -> bool:
    is_after = event.id is not None and event.id > params.get("since", 0)
    return is_after and event.device == params["device"] and f"{event.type}.".startswith(f"{params['type']}.")


def untrue(look: Look, row: Mapping[str, Any], began: Began, events: Sequence[Event]) -> Iterator[str]:
    """What is told of a guest and is not so."""
    told = story(Log(events), row, look.status["service"])
    yield from wrong_events(row, began, told)
    yield from wrong_words(row, look, told, events)


def wrong_events(row: Mapping[str, Any], began: Began, told: Story) -> Iterator[str]:
    ids = [event["id"] for event in told.events]
    if began.event.id not in ids:
        yield f"{began.event} is missing, with which it began"
    if ids != sorted(set(ids), reverse=True):
        yield f"{ids} are in no order"
    for event in told.events:
        if event["device"] != row["name"] and not (event["device"] is None and event["type"].startswith(ELSEWHERE)):
            yield f"{event} is none of its business"
    if told.cut_short != MORE and told.cut_short is not None:
        yield f"{told.cut_short}: the log is whole"
    if (told.cut_short == MORE) != (len(told.events) > LONGEST) and told.cut_short == MORE and len(told.events) < LONGEST:
        yield f"{told.cut_short}: {len(told.events)} were told"


def wrong_words(row: Any, look: Look, told: Story, events: Sequence[Event]) -> Iterator[str]:
    status: Any = look.status
    first, *rest = lines(row, status, told)
    if not first.startswith(f"{row['name']} is {row['state']} for "):
        yield first
    failures = failures_in_a_row(row["name"], events)
    reason = obstacle(row, status) or ""
    if (count := re.search(r"failed (once|twice|\d+ times) in a row", reason)) is not None:
        said = {"once": 1, "twice": 2}.get(count[1]) or int(count[1].split()[0])
        if said != failures:
            yield f"{reason}: {failures} were counted"
    if row["relay_stuck"] and not any("stuck" in line or "stays on" in line for line in rest):
        yield "nothing is said of its relay"
    if look.status["board"]["blind"] and not any("nobody has seen the board" in line for line in rest):
        yield "nothing is said of the board, which nobody sees"


def failures_in_a_row(name: str, events: Sequence[Event]) -> int:
    """Counted again: what the log tells of this guest, back to when it was stable last, or an operator gave it a fresh try."""
    count, stopped = 0, True
    for event in (event for event in events if event.device == name):
        match event.type, event.fields:
            case ("device.start_failed", _) | ("device.heartbeat_lost", {"stable": False}):
                count += 1
            case "device.stable", _:
                count = 0
            case (("command.start" | "command.restart"), _) if stopped:
                count = 0
        if event.type in ("device.stopped", "device.starting", "device.started", "device.stopping", "device.restarting"):
            stopped = event.type == "device.stopped"
    return count


def check(history: History) -> None:
    assert list(untrue_causes(history.events)) == []
    assert [text for row in history.rows() for text in untrue(*row)] == []


@pytest.mark.parametrize("script", STORIES.values(), ids=STORIES)
def test_what_is_told_is_so(script: str) -> None:
    history = History()
    assert run(script, history).violation is None
    check(history)


@pytest.mark.parametrize("seed", [901, 903, 910])
def test_what_is_told_is_so_whatever_happens(seed: int) -> None:
    history = History()
    play(Scenario(seed, node(), make_script(node(), UNSETTLED, seed, 2 * 3600)), history)
    check(history)
