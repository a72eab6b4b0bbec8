"""How a guest came to be as it is: the events that led there, found by their ids. Missing events are pointed out.

The functions need only `call`, which calls a method of the service by its name and parameters, so they also work on a log alone.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

from wagman.client.errors import AnswerError

Event = Mapping[str, Any]
Row = Mapping[str, Any]
Call = Callable[..., Any]

ASKED_DOWN = ("command.stop", "command.kill", "command.disable")
"""The requests of an operator that take a guest down."""

RECALLED = "device.recalled"
"""The event of a decision that was made in an earlier log, or about another table."""

LONGEST = 50
"""How many causes are told at most (chosen)."""

MOST_MESSAGES = 200
"""How many messages are looked through (chosen: those to a guest that does not react for an hour)."""

SAME_S = 5.0
"""How far two measurements of the same moment may be apart (chosen: a slow answer)."""

NOT_THERE = "what led to this is not in the log"
UNPLACED = "with which event it began is not known: wagman events has all of them"
GONE = "what caused that is no longer in the log"
MORE = "what went before that is left out here"
UNWRITTEN = "the log cannot be written at present, and what led to this has no place in it yet"


class Story(NamedTuple):
    """The events that led to a state, the newest first; `cut_short` is why earlier ones are missing."""

    events: Sequence[Event]
    cut_short: str | None = None


def story(call: Call, row: Row, service: Mapping[str, Any]) -> Story:
    """Return the event that began the state, its cause, and so on, with related events.

    Related are: the request to take the guest down, the ends of the messages of its stops, and the report of a stuck relay.
    """
    chain = _chain(call, row, service)
    # Of events of the same moment that are not written yet, the chain's come first: what was asked for led to them.
    found = [*chain.events, *_decision(call, row), *_messages(call, row, chain.events), *_stuck(call, row)]
    told = {_identity(event): event for event in found}
    return chain._replace(events=sorted(told.values(), key=newness, reverse=True))


def _identity(event: Event) -> Hashable:
    """Return what tells the event from all others: its id, or its place in a run of the service until it has one."""
    return event["id"] or (event["boot_id"], event["mono_s"], event["type"], event["device"])


def newness(event: Event) -> tuple[float, float]:
    """Return what grows along the log; events that are not written yet are the newest, by the clock of the service."""
    return (inf, event["mono_s"]) if event["id"] is None else (event["id"], 0.0)


def _chain(call: Call, row: Row, service: Mapping[str, Any]) -> Story:
    if row.get("self"):
        return Story([])  # nothing led to it: the service runs on it
    try:
        if row.get("since_id") is not None:
            return _from(call, row["since_id"])
        return _unwritten(call, row, service)
    except AnswerError as error:
        return Story([], str(error))


def _from(call: Call, event_id: int) -> Story:
    events: list[Event] = call("chain", id=event_id, limit=LONGEST + 1)["events"]
    if not events:
        return Story([], NOT_THERE)
    if len(events) > LONGEST:
        return Story(events[:LONGEST], MORE)
    return Story(events, None if events[-1]["cause"] is None else GONE)


def _unwritten(call: Call, row: Row, service: Mapping[str, Any]) -> Story:
    """Find the event that began the state when it is not in the log yet: by its time on the clock of this run of the service."""
    if row.get("for_s") is None:
        return Story([], UNPLACED)  # an older version, or the state began before the controller restarted
    began_s = service["uptime_s"] - row["for_s"]
    page = call("events", limit=MOST_MESSAGES, device=row["name"], type=f"device.{row['state']}")["events"]
    waiting = [event for event in page if event["id"] is None and event["boot_id"] == service["boot_id"]]
    near = [event for event in waiting if abs(event["mono_s"] - began_s) < SAME_S]
    if not near:
        return Story([], NOT_THERE)
    began = min(near, key=lambda event: abs(event["mono_s"] - began_s))
    if began["cause"] is None:
        return Story([began], UNWRITTEN)
    before = _from(call, began["cause"])
    return before._replace(events=[began, *before.events])


def _decision(call: Call, row: Row) -> list[Event]:
    """Return the latest request to take the guest down if it is to be down; or where an earlier decision was taken over from."""
    if row["wanted"] == "up":
        return []
    asked = [event for type_ in (*ASKED_DOWN, RECALLED) for event in _latest(call, row, type_)]
    latest = sorted(asked, key=newness)[-1:]
    if latest and latest[0]["type"] == RECALLED:
        return [*latest, *_latest(call, row, "device.renamed"), *_latest(call, row, "device.moved")]
    return latest


def _latest(call: Call, row: Row, type_: str) -> list[Event]:
    try:
        found: list[Event] = call("events", limit=1, device=row["name"], type=type_)["events"]
    except AnswerError:
        return []  # the chain says that the log cannot be read
    return found


def _messages(call: Call, row: Row, chain: Sequence[Event]) -> Iterator[Event]:
    """Yield the ends of the commands that asked the guest to halt in these stops."""
    asked = {event["id"] for event in chain if event["type"] in ("device.stopping", "device.restarting")}
    if not asked or None in asked:
        return
    place = {"since": min(asked), "device": row["name"], "type": "device.message"}
    for event in call("events", limit=MOST_MESSAGES, **place)["events"]:
        if event["cause"] in asked:
            asked.add(event["id"])  # repeats are caused by the first of them
            yield event


def _stuck(call: Call, row: Row) -> list[Event]:
    """Return the latest report of a stuck relay, if the relay is stuck now."""
    return _latest(call, row, "device.relay_stuck") if row.get("relay_stuck") else []
