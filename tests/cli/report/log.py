"""A log to report on, written by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from wagman.cli.report.axis import Event
from wagman.cli.report.figures import Figures, figures
from wagman.cli.report.history import Row, history

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def event(at_s: float, type_: str, device: str | None = None, *, run: str = "a", by: float = 0.0, **fields: Any) -> Event:
    """An event so long after noon.

    Args:
        run: which run of the service; its own clock counts from noon, too.
        by: by how much the wall clock is off.
    """
    wall = (NOON + timedelta(seconds=at_s + by)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = {"time": wall, "boot_id": run, "mono_s": at_s, "type": type_, "device": device, "cause": None, "fields": fields}
    return {"id": round(at_s * 1000), **told}


def begins(at_s: float = 0.0, **more: Any) -> list[Event]:
    """The service begins, and has a guest that is up."""
    return [event(at_s, "service.started", **more), event(at_s, "device.started", "gn", **more)]


def reported(events: Sequence[Event], until_s: float, since_s: float = 0.0, rows: Sequence[Row] = ()) -> Figures:
    """The figures of the one guest; the log ends then with something that is about none."""
    told = history([*events, event(until_s, "environment.normal", run=str(events[-1]["boot_id"]))], rows)
    begin_s = told.whole[1] - until_s
    (found,) = figures(told, (begin_s + since_s, told.whole[1]))
    return found
