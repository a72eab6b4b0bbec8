"""One axis of time for a log that was written over many runs of the service, whatever its wall clock did. No I/O.

Within a run the service's own clock counts: the wall clock may jump. The time between two runs is known by the wall clock only,
from the last event of one run to the first event of the next. If the clock had not been set by then, a run is placed by its own
wall clock. Runs are placed from the last one backwards, because its clock has had the longest time to be set, and none may end
later than the next one begins.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

Event = Mapping[str, Any]


class Run(NamedTuple):
    """A run of the service."""

    boot_id: str
    first: int  # the index of its first event
    past: int  # the index behind its last one
    zero_s: float  # when its own clock began, on the axis: seconds since 1970 if the wall clocks were right
    is_placed: bool  # its wall clock had been set, so it is known how long before the next run it ended


class Axis(NamedTuple):
    """The place of each event in time."""

    runs: Sequence[Run]
    at_s: Sequence[float]  # one for each event, never decreasing


def epoch_s(stamp: Any) -> float | None:
    """Return a time stamp in seconds since 1970; None if it is none."""
    try:
        moment = datetime.fromisoformat(stamp)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


BEYOND_S = 1e12
"""A bound beyond all durations of a service (chosen)."""


def number(value: Any) -> float | None:
    """Return a duration from the log in seconds; None if it is none."""
    # The comparison is false for nan, too.
    return float(value) if type(value) in {int, float} and -BEYOND_S < value < BEYOND_S else None


def axis_of(events: Sequence[Event]) -> Axis:
    """Place the events, which are in the order of the log, in time."""
    monos = _monos(events)
    runs, after = list[Run](), None
    for boot_id, first, past in reversed(list(_runs(events))):
        zero_s, is_placed = _placed(events, monos, (first, past), after)
        after = Run(boot_id, first, past, zero_s, is_placed)
        runs.append(after)
    runs.reverse()
    return Axis(runs, list(_times(runs, monos)))


def _placed(events: Sequence[Event], monos: Sequence[float], run: tuple[int, int], after: Run | None) -> tuple[float, bool]:
    """Return when a run's own clock began, and whether a wall clock has told that."""
    first, past = run
    own_s = _zero_s(events[first:past], monos[first:past])
    if after is None:
        return own_s or 0.0, own_s is not None
    next_s, ended_s = after.zero_s + monos[after.first], max(monos[first:past])
    before, begins = _wall_s(events[past - 1]), _wall_s(events[after.first])
    if before is not None and begins is not None and begins >= before:
        return next_s - (begins - before) - ended_s, True
    latest_s = next_s - ended_s
    return min(latest_s if own_s is None else own_s, latest_s), own_s is not None


def _runs(events: Sequence[Event]) -> Iterator[tuple[str, int, int]]:
    """Yield each run: its boot id, the index of its first event, and the index after its last."""
    first, boot_id = 0, events[0].get("boot_id") if events else None
    for index, event in enumerate(events):
        if event.get("boot_id") != boot_id:
            yield str(boot_id), first, index
            first, boot_id = index, event.get("boot_id")
    if events:
        yield str(boot_id), first, len(events)


def _monos(events: Sequence[Event]) -> list[float]:
    """Return the service's own clock at each event; that of the event before where a damaged log has none."""
    monos, last = list[float](), 0.0
    for event in events:
        found = number(event.get("mono_s"))
        last = last if found is None else found
        monos.append(last)
    return monos


def _zero_s(events: Sequence[Event], monos: Sequence[float]) -> float | None:
    """Return when a run's own clock began, by the last event with a wall clock that was set; None if there is none."""
    for event, mono_s in zip(reversed(events), reversed(monos), strict=True):
        wall_s = _wall_s(event)
        if wall_s is not None:
            return wall_s - mono_s
    return None


def _wall_s(event: Event) -> float | None:
    """Return the wall clock at an event in seconds since 1970; None if it had not been set."""
    return None if event.get("clock") == "unset" else epoch_s(event.get("time"))


def _times(runs: Sequence[Run], monos: Sequence[float]) -> Iterator[float]:
    at_s = float("-inf")
    for run in runs:
        for mono_s in monos[run.first : run.past]:
            at_s = max(at_s, run.zero_s + mono_s)
            yield at_s
