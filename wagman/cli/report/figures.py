"""The figures of each guest over a period: how long it was up, what took it down and for how long, how it was cut. No I/O."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from wagman.cli.report.history import Guest, History
from wagman.cli.report.intervals import Stretch, length_s, parted
from wagman.cli.report.track import KEPT, UP, Cut, State, Track

Kind: TypeAlias = Literal["up", "down", "kept", "unknown"]
"""The state of a guest for the report. *kept*: down on purpose, because of an operator, the enclosure or maintenance.
*unknown*: neither known to be up nor known to be down.
"""


class Span(NamedTuple):
    """A stretch of time in which a guest was in states of one kind, for one cause."""

    begin_s: float
    end_s: float
    kind: Kind
    cause: str = ""  # what took it down, if it is down


class Outage(NamedTuple):
    """A time in which a guest was down that was to run."""

    begin_s: float
    end_s: float
    cause: str
    ended: Literal["up", "kept", "lasts"]  # *kept*: it has been down on purpose since then
    down_s: float  # how long it is known to have been down
    unknown_s: float


class Figures(NamedTuple):
    """A guest's figures over the period. Durations are in seconds, and add up to the length of the period."""

    name: str
    up_s: float
    down_s: float
    kept_s: float
    unknown_s: float
    outages: Sequence[Outage]
    cuts: Sequence[Cut]
    power_cycles: int
    power_losses: int
    failed_starts: int
    spans: Sequence[Span]

    @property
    def uptime(self) -> float | None:
        """The share of the known time in which the guest was up; None if nothing is known."""
        known_s = self.up_s + self.down_s + self.kept_s
        return self.up_s / known_s if known_s else None

    @property
    def mtbf_s(self) -> float | None:
        """The time up, divided by the number of outages; None without an outage."""
        return self.up_s / len(self.outages) if self.outages else None

    @property
    def mttr_s(self) -> float | None:
        """The mean time down of the outages that ended with the guest up; None without such an outage."""
        mended = [outage.down_s for outage in self.outages if outage.ended == "up"]
        return sum(mended) / len(mended) if mended else None

    def cut(self, kind: Cut) -> int:
        """Return how often the guest was cut in that way."""
        return self.cuts.count(kind)


def figures(told: History, period: Stretch) -> list[Figures]:
    """The figures of all guests over a period, by name."""
    return [figures_of(told.guests[name], period) for name in sorted(told.guests)]


def figures_of(guest: Guest, period: Stretch) -> Figures:
    """The figures of one guest."""
    track, states = guest.track, list(_states(guest.track, period[1]))
    spans = list(_spans(states, guest.unknown, period))
    sums = dict.fromkeys(("up", "down", "kept", "unknown"), 0.0)
    for span in spans:
        sums[span.kind] += span.end_s - span.begin_s
    return Figures(
        track.name,
        sums["up"],
        sums["down"],
        sums["kept"],
        sums["unknown"],
        list(_outages(states, guest.unknown, period)),
        [kind for at_s, kind in track.cuts if period[0] <= at_s <= period[1]],
        _count(track.cycles, period),
        _count(track.losses, period),
        _count(track.failed_starts, period),
        spans,
    )


def _count(times_s: Sequence[float], period: Stretch) -> int:
    return bisect_right(times_s, period[1]) - bisect_left(times_s, period[0])


def _states(track: Track, end_s: float) -> Iterator[Span]:
    """Yield what the service recorded, one kind after the other, including times in which nobody could know."""
    begin_s, kind, cause = end_s, None, ""
    for mark in track.states:
        now = _kind(mark)
        if now != kind or mark.cause != cause:
            if kind is not None:
                yield Span(begin_s, mark.at_s, kind, cause)
            begin_s, kind, cause = mark.at_s, now, mark.cause
    if kind is not None:
        yield Span(begin_s, end_s, kind, cause)


def _kind(mark: State) -> Kind:
    if mark.name == UP:
        return "up"
    return "unknown" if mark.name is None else "kept" if mark.cause in KEPT else "down"


def _spans(states: Sequence[Span], unknown: Sequence[Stretch], period: Stretch) -> Iterator[Span]:
    """Yield the states and the unknown times of a guest, without gaps over the whole period."""
    at_s, first = period[0], 0
    for state in states:
        begin_s, end_s = max(state.begin_s, at_s), min(state.end_s, period[1])
        if begin_s > at_s and begin_s <= period[1]:
            yield Span(at_s, begin_s, "unknown")
        if begin_s >= end_s:
            continue
        while first < len(unknown) and unknown[first][1] <= begin_s:
            first += 1
        if first == len(unknown) or unknown[first][0] >= end_s:
            yield state if (begin_s, end_s) == state[:2] else state._replace(begin_s=begin_s, end_s=end_s)
            at_s = end_s
            continue
        for from_s, to_s, is_hole in parted((begin_s, end_s), unknown, first):
            yield Span(from_s, to_s, "unknown" if is_hole else state.kind, state.cause)
        at_s = end_s
    if at_s < period[1]:
        yield Span(at_s, period[1], "unknown")


def _outages(states: Sequence[Span], unknown: Sequence[Stretch], period: Stretch) -> Iterator[Outage]:
    """Yield the outages: nobody wanted the guest down, and it is known to have been down for some of the time."""
    begun: Span | None = None
    for span in (*states, Span(period[1], period[1], "unknown")):
        if span.kind == "down" and span.cause:
            begun = begun or span
        elif begun is not None:
            ended = {"up": "up", "kept": "kept"}.get(span.kind, "lasts")
            outage = _outage((begun.begin_s, span.begin_s), begun.cause, ended, unknown, period)  # type: ignore[arg-type]
            begun = None
            if outage is not None:
                yield outage


def _outage(
    whole: Stretch, cause: str, ended: Literal["up", "kept", "lasts"], unknown: Sequence[Stretch], period: Stretch
) -> Outage | None:
    found = max(whole[0], period[0]), min(whole[1], period[1])
    if found[0] >= found[1]:
        return None
    first = bisect_right(unknown, found[0], key=lambda stretch: stretch[1]) if unknown else 0
    known = [(from_s, to_s) for from_s, to_s, is_hole in parted(found, unknown, first) if not is_hole]
    if not known:
        return None
    down_s = length_s(known)
    return Outage(known[0][0], found[1], cause, ended, down_s, found[1] - found[0] - down_s)
