"""The catalogue of events: for each type when it happens, its fields, its severity, what to do, and its sentence.

Whatever shows events looks here: the journal, the commands, the reference page, and the collapsing of repeats. Commands read it,
so it imports nothing heavy. A new type has its entry in the file of its family (`guests`, `node`, `board`, `service`,
`memory`); the fields of all types are in `fields`, and `kind` is what an entry is made of.
"""

from collections.abc import Callable, Mapping
from typing import Any

from wagman.model.catalogue.board import BOARD
from wagman.model.catalogue.fields import FIELDS
from wagman.model.catalogue.guests import GUESTS
from wagman.model.catalogue.kind import EventType, EventView, Severity, shown
from wagman.model.catalogue.memory import MEMORY, TAKEN_OVER
from wagman.model.catalogue.node import NODE
from wagman.model.catalogue.service import SERVICE
from wagman.model.words import counted, duration

__all__ = ["COLLAPSING", "EVENT_TYPES", "FIELDS", "EventType", "Severity", "sentence_of", "severity_of"]

EVENT_TYPES: Mapping[str, EventType] = {**GUESTS, **TAKEN_OVER, **NODE, **BOARD, **SERVICE, **MEMORY}
"""Every type of event."""

COLLAPSING = frozenset(name for name, kind in EVENT_TYPES.items() if kind.collapses)
"""Types whose repeats become one event with a count."""


def user_by_number(uid: int) -> str:
    """The user who asked, if names are not looked up."""
    return f"user {uid}"


def severity_of(type_: str, fields: Mapping[str, Any]) -> Severity:
    """The severity of such an event; an unknown type counts as information."""
    kind = EVENT_TYPES.get(type_)
    if kind is None:
        return "info"
    if kind.graver is None and kind.milder is None:
        return kind.severity
    view = EventView({"fields": fields}, user_by_number)
    return next((each.severity for each in (kind.graver, kind.milder) if each is not None and each.holds(view)), kind.severity)


def sentence_of(event: Mapping[str, Any], user: Callable[[int], str] = user_by_number) -> str:
    """The event in plain words.

    Args:
        event: its JSON, whatever that may hold.
        user: names a user id.
    """
    view = EventView(event, user)
    kind = EVENT_TYPES.get(view.type)
    if kind is None:
        return _unknown(view)
    return kind.sentence(view) + (_repeats(view) if kind.collapses else "")


def _repeats(view: EventView) -> str:
    count, over_s = view.number("count"), view.number("over_s")
    if count is None:
        return ""
    return f" ({counted(count, 'time')} more" + (")" if over_s is None else f" within {duration(over_s)})")


def _unknown(view: EventView) -> str:
    """An event of another version: its type and fields."""
    about = f"{view.device}: {view.type}" if view.device else view.type
    details = ", ".join(f"{key} {words}" for key, value in view.fields.items() if (words := shown(value)))
    return f"{about}: {details}" if details else about
