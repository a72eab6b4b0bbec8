"""One axis of time for a log that was written over many runs of the service, whatever its wall clock did. No I/O.

Within a run the service's own clock measures, in which the wall clock may jump; between runs nothing else than the wall clock
is there to go by: from the last event of one run to the first one of the next, which it was not often set between. Where it was
not set at all by then, each run lies as its own wall clock says; the last one counts most, since its clock has had the longest
time to be set. None ends later than the next one begins.
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
    zero_s: float  # where its own clock began, on the axis; seconds since 1970 as far as the wall clocks were right
    is_placed: bool  # its wall clock had been set: how long before the next run it ended is known


class Axis(NamedTuple):
    """Where each event lies."""

    runs: Sequence[Run]
    at_s: Sequence[float]  # of each event; never less than of the one before it


def epoch_s(stamp: Any) -> float | None:
    """A time stamp in seconds since 1970; None for what is none."""
    try:
        moment = datetime.fromisoformat(stamp)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


BEYOND_S = 1e12
"""No length of time of a service is as long (chosen)."""


def number(value: Any) -> float | None:
    """A length of time as the log has it; None for what is none."""
    # Which is false of nan, too.
    return float(value) if type(value) in {int, float} and -BEYOND_S < value < BEYOND_S else None


def axis_of(events: Sequence[Event]) -> Axis:
    """Lay out the events, which are in the order of the log."""
    monos = _monos(events)
    runs, after = list[Run](), None
    for boot_id, first, past in reversed(list(_runs(events))):
        zero_s, is_placed = _placed(events, monos, (first, past), after)
        after = Run(boot_id, first, past, zero_s, is_placed)
        runs.append(after)
    runs.reverse()
    return Axis(runs, list(_times(runs, monos)))


def _placed(events: Sequence[Event], monos: Sequence[float], run: tuple[int, int], after: Run | None) -> tuple[float, bool]:
    """Where a run's own clock began, and whether anything told so."""
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
    """The name, the first event, and the one behind the last, of each run."""
    first, boot_id = 0, events[0].get("boot_id") if events else None
    for index, event in enumerate(events):
        if event.get("boot_id") != boot_id:
            yield str(boot_id), first, index
            first, boot_id = index, event.get("boot_id")
    if events:
        yield str(boot_id), first, len(events)


def _monos(events: Sequence[Event]) -> list[float]:
    """The clock of the service at each event; where a flipped bit has taken it, that of the event before."""
    monos, last = list[float](), 0.0
    for event in events:
        found = number(event.get("mono_s"))
        last = last if found is None else found
        monos.append(last)
    return monos


def _zero_s(events: Sequence[Event], monos: Sequence[float]) -> float | None:
    """Where a run's own clock began, by the wall clock of its last event that had one."""
    for event, mono_s in zip(reversed(events), reversed(monos), strict=True):
        wall_s = _wall_s(event)
        if wall_s is not None:
            return wall_s - mono_s
    return None


def _wall_s(event: Event) -> float | None:
    """The wall clock at an event; None where it had not been set."""
    return None if event.get("clock") == "unset" else epoch_s(event.get("time"))


def _times(runs: Sequence[Run], monos: Sequence[float]) -> Iterator[float]:
    at_s = float("-inf")
    for run in runs:
        for mono_s in monos[run.first : run.past]:
            at_s = max(at_s, run.zero_s + mono_s)
            yield at_s
