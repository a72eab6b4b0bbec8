"""The log as a history: the states of each guest over time, and the times in which nobody could know. No I/O.

Any log is accepted: a field that is missing, or of another type than it should be, counts as not known.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from wagman.cli.boards import UNNAMED
from wagman.cli.report.axis import Axis, Event, axis_of
from wagman.cli.report.intervals import Stretch, joined
from wagman.cli.report.pace import BEGINS, in_real_time, speeds_of
from wagman.cli.report.sight import Sight
from wagman.cli.report.track import UP, State, Track
from wagman.model.catalogue import EVENT_TYPES, severity_of

GRAVE = frozenset(name for name, kind in EVENT_TYPES.items() if kind.severity != "info" or kind.graver is not None)
"""Types of events that may report something that went wrong."""

ALWAYS_GRAVE = frozenset(name for name, kind in EVENT_TYPES.items() if kind.severity != "info" and kind.graver is None)
"""Types of events that always report something that went wrong."""

_NAME, _PLACE = frozenset({str, type(None)}), frozenset({int, type(None)})
"""The types that the parts of an event may have which can be None."""


class Row(NamedTuple):
    """What the status tells of a guest at the end."""

    name: str
    state: str
    for_s: float | None
    board: str = UNNAMED
    has_ears: bool = False  # it is heard by other means than its board
    is_self: bool = False
    is_known: bool = True  # False: it counts as stopped, and nobody has seen yet whether it runs


class Guest(NamedTuple):
    """A guest's states and power, and the times in which nobody could know them."""

    track: Track
    unknown: Sequence[Stretch]  # joined


class History(NamedTuple):
    """The history that the log tells."""

    whole: Stretch  # from its first event to the moment of the report
    guests: Mapping[str, Guest]
    events: int
    unplaced: int  # runs of the service whose wall clock was never set


def history(events: Sequence[Event], rows: Sequence[Row] = (), running_s: tuple[str, float] | None = None) -> History:
    """Make the history from the events.

    Args:
        events: as JSON has them, in the order of the log.
        rows: what the status says of each guest, if the service can be asked.
        running_s: the boot id of the service that was asked, and its uptime in seconds.
    """
    sound = [_sound(event) for event in events]
    if speeds := speeds_of(sound):
        sound = [in_real_time(event, speeds) for event in sound]
        rows, running_s = _slowed(rows, running_s, speeds)
    axis = axis_of(sound)
    end_s = _end_s(axis, running_s)
    tracks, sight = _taken(sound, axis.at_s)
    for row in rows:
        if not row.is_self:
            _ends_as(tracks.setdefault(row.name, Track(row.name)), row, end_s)
    away = list(_away(sound, axis, None if running_s is None else running_s[0], end_s))
    own = {row.name for row in rows if row.is_self}
    guests = {
        name: Guest(track, joined([*away, *sight.lost, *_unseen(sight, end_s, rows, name)]))
        for name, track in tracks.items()
        if track.states and name not in own
    }
    begin_s = axis.at_s[0] if axis.at_s else end_s
    return History((begin_s, end_s), guests, len(events), sum(not run.is_placed for run in axis.runs))


def _slowed(
    rows: Sequence[Row], running_s: tuple[str, float] | None, speeds: Mapping[str, float]
) -> tuple[Sequence[Row], tuple[str, float] | None]:
    """Return what the service that was asked has told in seconds of its own clock."""
    if running_s is None or (speed := speeds.get(running_s[0])) is None:
        return rows, running_s
    slowed = [row._replace(for_s=None if row.for_s is None else row.for_s / speed) for row in rows]
    return slowed, (running_s[0], running_s[1] / speed)


def _is_sound(event: Mapping[str, Any]) -> bool:
    # Fast, because there may be a hundred thousand events.
    get = event.get
    has_parts = type(get("type")) is type(get("boot_id")) is str and type(get("fields")) is dict
    return has_parts and type(get("id")) is int and type(get("device")) in _NAME and type(get("cause")) in _PLACE


def _sound(event: Any) -> Event:
    """Return the event with all fields that every event has, each of the right type."""
    told: dict[str, Any] = event if isinstance(event, dict) else {}
    if _is_sound(told):
        return told
    device, cause = told.get("device"), told.get("cause")
    return {
        **told,
        "type": told["type"] if isinstance(told.get("type"), str) else "",
        "boot_id": str(told.get("boot_id")),
        "device": device if isinstance(device, str) else None,
        "cause": cause if isinstance(cause, int) else None,
        "fields": told["fields"] if isinstance(told.get("fields"), dict) else {},
        "id": told["id"] if isinstance(told.get("id"), int) else None,
    }


def _taken(events: Sequence[Event], times_s: Sequence[float]) -> tuple[dict[str, Track], Sight]:
    """Sort the events by what they are about: each guest, or the sight of all guests."""
    tracks, sight = dict[str, Track](), Sight()
    askers = dict[int, str]()  # the types of events that may have caused others, by id
    for event, at_s in zip(events, times_s, strict=True):
        type_, device = event["type"], event["device"]
        if type_.startswith(("command.", "wagman.", "board.log")) and event["id"] is not None:
            askers[event["id"]] = type_
        if device is not None:
            track = tracks.get(device) or tracks.setdefault(device, Track(device))
            track.take(at_s, event, askers.get(event["cause"]))
            if type_ in GRAVE and (type_ in ALWAYS_GRAVE or severity_of(type_, event["fields"]) != "info"):
                track.troubles.append((at_s, event))
        else:
            if type_ == BEGINS:
                _forgotten(tracks, at_s, event["fields"].get("begun_anew"))
            sight.take(at_s, event)
        sight.passed(at_s)
    return tracks, sight


def _forgotten(tracks: Mapping[str, Track], at_s: float, begun_anew: Any) -> None:
    for name in begun_anew if isinstance(begun_anew, list) else ():
        if isinstance(name, str) and name in tracks:
            tracks[name].forget(at_s)


def _ends_as(track: Track, row: Row, end_s: float) -> None:
    """Use the status for a guest whose state began before the log does."""
    if not track.states and row.for_s is not None:
        track.states.append(State(end_s - row.for_s, row.state if row.is_known else None))
        track.power.append((end_s - row.for_s, "on" if row.state == UP else "unknown"))


def _end_s(axis: Axis, running_s: tuple[str, float] | None) -> float:
    """Return the moment of the report; that of the last event if the service was not asked."""
    last_s = axis.at_s[-1] if axis.at_s else 0.0
    if running_s is not None and axis.runs and axis.runs[-1].boot_id == running_s[0]:
        return max(last_s, axis.runs[-1].zero_s + running_s[1])
    return last_s


def _away(events: Sequence[Event], axis: Axis, running: str | None, end_s: float) -> Iterator[Stretch]:
    """Yield the times in which the service may not have run: from the last event of a run to the start of the next."""
    for before, after in zip(axis.runs, axis.runs[1:], strict=False):
        if before.boot_id != after.boot_id:
            yield axis.at_s[before.past - 1], _began_s(events, axis, after.first, after.past)
    if axis.runs and running is not None and axis.runs[-1].boot_id != running:
        yield axis.at_s[-1], end_s


def _began_s(events: Sequence[Event], axis: Axis, first: int, past: int) -> float:
    """Return when a run began to supervise, which may be later than its first event."""
    found = next((index for index in range(first, min(first + 20, past)) if events[index]["type"] == BEGINS), first)
    return axis.at_s[found]


def _unseen(sight: Sight, end_s: float, rows: Sequence[Row], name: str) -> Iterator[Stretch]:
    """Yield the times in which a guest could not be heard. If nobody knows its board, those of all boards count."""
    row = next((row for row in rows if row.name == name), None)
    if row is not None and row.has_ears:
        yield from sight.networks(end_s)
        return
    for board, stretches in sight.boards(end_s).items():
        if row is None or board == row.board:
            yield from stretches
