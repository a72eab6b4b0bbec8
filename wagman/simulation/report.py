"""The numbers of a run: availability, power cycles, recoveries, the most frequent events."""

from collections import Counter
from collections.abc import Iterator
from statistics import median
from typing import Any

from attrs import define, field

from wagman.config.schema import Config
from wagman.model.facts import Plug
from wagman.simulation.records import EventShown, Look, Record, RelayMoved

MOST_COMMON = 8
"""How many kinds of events are listed."""


@define
class Guest:
    """The numbers of one guest."""

    name: str
    up_s: float = 0.0
    seen_s: float = 0.0
    cycles: int = 0
    lost_s: float | None = None  # when it was last found to have gone down
    recoveries_s: list[float] = field(factory=list)

    def looked_at(self, now_s: float, for_s: float, *, up: bool) -> None:
        """Take in that the guest was up or down for `for_s` seconds before now, as far as a look can tell."""
        self.seen_s += for_s
        self.up_s += for_s if up else 0.0
        if not up and self.lost_s is None:
            self.lost_s = now_s
        elif up and self.lost_s is not None:
            self.recoveries_s.append(now_s - self.lost_s)
            self.lost_s = None

    def as_json(self) -> dict[str, Any]:
        """Return the numbers, rounded."""
        return {
            "availability": round(self.up_s / self.seen_s, 6) if self.seen_s else None,
            "power_cycles": self.cycles,
            "recoveries": len(self.recoveries_s),
            "recovery_median_s": round(median(self.recoveries_s), 1) if self.recoveries_s else None,
            "recovery_worst_s": round(max(self.recoveries_s), 1) if self.recoveries_s else None,
        }


@define
class Report:
    """Takes in the records of a run."""

    config: Config
    guests: dict[Plug, Guest] = field(init=False)
    events: Counter[str] = field(factory=Counter)
    _looked_s: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.guests = {each.plug: Guest(each.name) for each in self.config.guests}

    def __call__(self, record: Record) -> None:
        """Count a record."""
        match record:
            case Look():
                self._look(record)
            case RelayMoved() if record.on and record.plug in self.guests:
                self.guests[record.plug].cycles += 1
            case EventShown():
                self.events[record.event.type] += 1

    def _look(self, look: Look) -> None:
        for_s, self._looked_s = look.at_s - self._looked_s, look.at_s
        for device in self.config.guests:
            truth, beats = look.truth[device.plug], device.has_heartbeat
            self.guests[device.plug].looked_at(look.at_s, for_s, up=truth.on and (truth.guest == "running" or not beats))

    def as_json(self) -> dict[str, Any]:
        """Return all numbers, ready for JSON."""
        return {
            "devices": {guest.name: guest.as_json() for guest in self.guests.values()},
            "events": dict(self.events.most_common()),
        }

    def lines(self) -> Iterator[str]:
        """Yield the report for people."""
        yield f"{'device':8} {'up':>9} {'cycles':>7} {'recoveries':>11} {'median':>9} {'worst':>9}"
        for guest in self.guests.values():
            yield self._line(guest)
        common = (f"{count} {kind}" for kind, count in self.events.most_common(MOST_COMMON))
        yield f"most common: {', '.join(common)}"

    def _line(self, guest: Guest) -> str:
        numbers = guest.as_json()
        up = "-" if numbers["availability"] is None else f"{numbers['availability']:.3%}"
        median_s, worst_s = (_seconds(numbers[f"recovery_{which}_s"]) for which in ("median", "worst"))
        return f"{guest.name:8} {up:>9} {guest.cycles:>7} {len(guest.recoveries_s):>11} {median_s:>9} {worst_s:>9}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"
