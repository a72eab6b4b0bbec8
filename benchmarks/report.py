"""`wagman report` over a log of the default length: the conclusions, and the page."""

import gc
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.figures import Figure, Section
from benchmarks.scale import Scale
from wagman.cli.report.figures import figures
from wagman.cli.report.history import history
from wagman.cli.report.page import page

GUESTS = 5
STORY = ("heartbeat_lost", "stopping", "stopped", "starting", "started")
"""The events of each guest, over and over: a log of nothing but outages is the hardest one for a report."""

BETWEEN_S = 20.0
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def measure(scale: Scale) -> list[Section]:
    """Measure the processor time from the events to the page."""
    events = [outage(number) for number in range(min(100_000, max(scale.log_rows)))]
    took_s = min(reported(events) for _ in range(min(scale.rounds, 3)))
    note = f"{len(events):,} events, all of outages of {GUESTS} guests; without reading them from the service. The best of 3."
    return [Section("A report", [Figure("from the events to the page", took_s, "s", 1.0)], note)]


def outage(number: int) -> Mapping[str, Any]:
    """Return one event of such a log."""
    at_s = BETWEEN_S * number
    guest, step = divmod(number % (GUESTS * len(STORY)), len(STORY))
    wall = (NOON + timedelta(seconds=at_s)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = {"time": wall, "boot_id": "a", "mono_s": at_s, "type": f"device.{STORY[step]}", "device": f"g{guest}"}
    return {**told, "id": number + 1, "cause": None, "fields": {"silent_s": 30.0}}


def reported(events: list[Mapping[str, Any]]) -> float:
    """Return the processor time of a report, in seconds. Garbage is left alone, as by the command."""
    gc.disable()
    try:
        began_s = time.process_time()
        told = history(events)
        page(told, told.whole, figures(told, told.whole))
        return time.process_time() - began_s
    finally:
        gc.enable()
