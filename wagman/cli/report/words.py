"""The report as text for people, and as JSON for programs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from wagman.cli.report.figures import Figures, Outage
from wagman.cli.report.history import History
from wagman.cli.report.intervals import Stretch
from wagman.cli.report.track import CAUSES
from wagman.cli.text import short, table
from wagman.model.words import counted, duration

HEAD = ("GUEST", "UPTIME", "DOWN", "KEPT", "UNKNOWN", "OUTAGES", "MTBF", "MTTR")

LATEST = 5
"""How many outages of a guest are listed one by one (chosen: the figures include the others)."""


def lines(told: History, period: Stretch, found: Sequence[Figures]) -> Iterator[str]:
    """The report for people."""
    yield f"{moment(period[0])} to {moment(period[1])}, {duration(period[1] - period[0])}"
    yield from remarks(told)
    if not found:
        yield "the log tells of no guest"
        return
    yield ""
    yield from table([HEAD, *(_cells(each) for each in found)])
    for each in found:
        yield ""
        yield f"{each.name}: {causes(each)}"
        yield f"  {power(each)}"
        if latest := each.outages[-LATEST:]:
            yield from table([_outage_cells(outage) for outage in latest], indent=2)


def remarks(told: History) -> Iterator[str]:
    """Yield what a reader has to know about the figures."""
    yield "uptime is in percent of the time of which anything is known"
    if told.unplaced:
        yield "part of the log was written while the clock was not set: how long the service was away then is not known"


def _cells(each: Figures) -> tuple[str, ...]:
    return (
        each.name,
        percent(each.uptime),
        short(each.down_s),
        short(each.kept_s),
        short(each.unknown_s),
        str(len(each.outages)),
        short(each.mtbf_s),
        short(each.mttr_s),
    )


def power(each: Figures) -> str:
    """Return how often the guest's power went off, and how it was cut."""
    kinds = (each.cut("clean"), "clean"), (each.cut("hard"), "hard"), (each.cut("unproved"), "unproved")
    cuts = ", ".join(f"{count} {kind}" for count, kind in kinds if count) or "none"
    lost = f" ({each.power_losses} that nobody here caused)" if each.power_losses else ""
    return f"{counted(each.power_cycles, 'power cycle')}{lost}; cuts: {cuts}; failed starts: {each.failed_starts}"


def percent(part: float | None) -> str:
    """Return a share of the time in percent, never rounded up to 100; "-" if nothing is known."""
    if part is None:
        return "-"
    text = f"{100 * part:.2f}"
    return "99.99 %" if text == "100.00" and part < 1 else f"{text} %"


def causes(each: Figures) -> str:
    """Return what took the guest down, the most frequent cause first."""
    tally = Counter(outage.cause for outage in each.outages)
    if not tally:
        return "no outage"
    told = ", ".join(f"{CAUSES.get(cause, cause)} ({count})" for cause, count in tally.most_common())
    return f"{counted(len(each.outages), 'outage')}: {told}"


def _outage_cells(outage: Outage) -> tuple[str, ...]:
    return moment(outage.begin_s), short(outage.down_s), outage_words(outage)


def outage_words(outage: Outage) -> str:
    """Return the cause of an outage, and how it ended."""
    ends = {"up": "", "kept": "; down on purpose since then", "lasts": "; not up again yet"}
    unknown = f"; nobody knows of another {duration(outage.unknown_s)}" if outage.unknown_s else ""
    return f"{CAUSES.get(outage.cause, outage.cause)}{ends[outage.ended]}{unknown}"


def moment(at_s: float) -> str:
    """Return a time as local date and time."""
    try:
        return datetime.fromtimestamp(at_s, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return "-"


def stamp(at_s: float) -> str | None:
    """Return a time for programs; None if it is beyond the calendar."""
    try:
        return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None


def document(told: History, period: Stretch, found: Sequence[Figures]) -> dict[str, Any]:
    """Return the report for programs; durations are in seconds."""
    return {
        "from": stamp(period[0]),
        "to": stamp(period[1]),
        "length_s": _round(period[1] - period[0]),
        "events": told.events,
        "clock_was_unset": bool(told.unplaced),
        "guests": [_guest(each) for each in found],
    }


def _guest(each: Figures) -> dict[str, Any]:
    return {
        "name": each.name,
        "uptime_pct": None if each.uptime is None else round(100 * each.uptime, 4),
        "up_s": _round(each.up_s),
        "down_s": _round(each.down_s),
        "kept_down_s": _round(each.kept_s),
        "unknown_s": _round(each.unknown_s),
        "outages": [_outage(outage) for outage in each.outages],
        "mtbf_s": _round(each.mtbf_s),
        "mttr_s": _round(each.mttr_s),
        "cuts": {"clean": each.cut("clean"), "hard": each.cut("hard"), "unproved": each.cut("unproved")},
        "power_cycles": each.power_cycles,
        "power_losses": each.power_losses,
        "failed_starts": each.failed_starts,
    }


def _outage(outage: Outage) -> dict[str, Any]:
    return {
        "from": stamp(outage.begin_s),
        "to": None if outage.ended == "lasts" else stamp(outage.end_s),
        "down_s": _round(outage.down_s),
        "unknown_s": _round(outage.unknown_s),
        "cause": outage.cause,
        "ended": outage.ended,
    }


def _round(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
