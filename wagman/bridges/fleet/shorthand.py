"""Short events: each is told by its difference to the event before it in the message, half as long when packed. Pure.

An event in full is an object. `[type, device, back, ms, fields]` stands for the event after the previous one of the message: its
id is one more, its boot_id the same, its cause the id `back` before its own (null: none), its `time` and `mono_s` are `ms`
milliseconds later. A sixth entry is by how many more milliseconds `mono_s` is later, since two clocks are never equal. The first
event of a message is in full, and so is every event that cannot be told in this way.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from wagman.model.shapes import Event

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_KEYS: Final = frozenset(("id", "time", "boot_id", "mono_s", "type", "device", "cause", "fields"))
_LEAST, _MOST, _MOST_S = 5, 6, 2**40


class Base(NamedTuple):
    """The numbers of an event that the next short event refers to."""

    id: int
    boot_id: str
    time_ms: int
    mono_ms: int


def base_of(event: Mapping[str, Any]) -> Base | None:
    """Return the base for the next event; None if that has to be in full, because a number would not come back exactly."""
    number, stamp, mono_s = event.get("id"), event.get("time"), event.get("mono_s")
    if event.keys() != _KEYS or type(number) is not int or not isinstance(mono_s, float) or not 0 <= mono_s < _MOST_S:
        return None
    time_ms, mono_ms = _ms(stamp), round(mono_s * 1000)
    if time_ms is None or _stamp(time_ms) != stamp or mono_ms / 1000 != mono_s:
        return None
    return Base(number, event["boot_id"], time_ms, mono_ms)


class Shorthand:
    """Writes the events of a message, one after the other."""

    def __init__(self) -> None:
        self._before: Base | None = None

    def begin(self) -> None:
        """Begin a message."""
        self._before = None

    def entry(self, event: Event) -> Event | list[Any]:
        """Return the entry for an event: a short one, or the event in full."""
        before, self._before = self._before, base_of(event)
        if before is None or self._before is None or self._before[:2] != (before.id + 1, before.boot_id):
            return event
        ms = self._before.time_ms - before.time_ms
        drift = [drift] if (drift := self._before.mono_ms - before.mono_ms - ms) else []
        back = None if event["cause"] is None else self._before.id - event["cause"]
        return [event["type"], event["device"], back, ms, event["fields"], *drift]


def in_full(entries: list[Any]) -> list[Any]:
    """Return the events that the entries stand for; raises ValueError, TypeError or OverflowError for a wrong entry."""
    events, before = list[Any](), None
    for entry in entries:
        if isinstance(entry, list):
            before, event = _after(before, entry)
            events.append(event)
        else:
            events.append(entry)
            before = base_of(entry) if isinstance(entry, dict) else None
    return events


def _after(before: Base | None, entry: list[Any]) -> tuple[Base, dict[str, Any]]:
    if before is None or not _LEAST <= len(entry) <= _MOST:
        raise ValueError("no event to tell it by")
    type_, device, back, ms, fields, *drift = entry
    if any(type(each) is not int for each in (ms, *drift, *([] if back is None else [back]))):
        raise ValueError("no number")
    base = Base(before.id + 1, before.boot_id, before.time_ms + ms, before.mono_ms + ms + sum(drift))
    return base, {
        "id": base.id,
        "time": _stamp(base.time_ms),
        "boot_id": base.boot_id,
        "mono_s": base.mono_ms / 1000,
        "type": type_,
        "device": device,
        "cause": None if back is None else base.id - back,
        "fields": fields,
    }


def _ms(stamp: Any) -> int | None:
    try:
        return (datetime.fromisoformat(stamp) - _EPOCH) // _MS
    except (ValueError, TypeError, OverflowError):  # no time, or one without a zone
        return None


def _stamp(ms: int) -> str:
    return f"{(_EPOCH + ms * _MS).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
