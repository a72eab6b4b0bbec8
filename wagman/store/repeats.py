"""Repeats collapse: the first event of a kind is recorded at once, the next ones are counted and reported together.

Events of the same type, device, fields and cause are of one kind. The first opens a window of a minute. Repeats within the window
are counted; when it closes, one event tells how many there were (`count`) and over how long (`over_s`). As long as
repeats keep coming, each next window is twice as long, up to an hour, so that a contact that flaps for a year costs 24
events a day. A window without repeats closes for good.
"""

import math
from collections.abc import Collection, Iterator
from typing import Any, TypeAlias

from attrs import define, field

from wagman.store.event import Cause, Event, Ref

WINDOW_S = 60.0
"""How long the first repeats are held back, in seconds (chosen)."""

WINDOW_MAX_S = 3600.0
"""How long repeats are held back at most, if they do not cease, in seconds (chosen)."""

MAX_WINDOWS = 256
"""How many kinds are watched at the same time; further kinds are recorded as they come (chosen)."""

Kind: TypeAlias = tuple[str, str | None, str, Cause]


@define(eq=False, repr=False)
class Window:
    """The count of one kind."""

    event: Event  # the first of the kind
    first: Ref
    opened_s: float
    length_s: float = field(default=WINDOW_S, init=False)
    count: int = field(default=0, init=False)
    last_s: float = field(default=0.0, init=False)

    @property
    def closes_s(self) -> float:
        """The time at which the count is told."""
        return self.opened_s + self.length_s

    def summary(self) -> dict[str, Any]:
        """The fields of the event about the repeats."""
        return {**self.event.fields, "count": self.count, "over_s": round(self.last_s - self.opened_s, 3)}

    def widen(self, now_s: float) -> None:
        """Begin again, twice as long."""
        self.opened_s, self.length_s, self.count = now_s, min(2 * self.length_s, WINDOW_MAX_S), 0


@define(eq=False, repr=False)
class Repeats:
    """All kinds that are being counted. Times are seconds of trio's clock."""

    types: Collection[str]
    _windows: dict[Kind, Window] = field(factory=dict, init=False)

    def absorb(self, event: Event, ref: Ref, now_s: float, cause: Cause = None) -> Ref | None:
        """Count an event; returns the ref of the first of its kind, or None if the event is to be recorded itself."""
        if event.type not in self.types:
            return None
        kind = (event.type, event.device, event.text, cause)
        window = self._windows.get(kind)
        if window is None:
            if len(self._windows) < MAX_WINDOWS:
                self._windows[kind] = Window(event, ref, now_s)
            return None
        window.count += 1
        window.last_s = now_s
        return window.first

    def next_s(self) -> float:
        """The time at which the next window closes."""
        return min((window.closes_s for window in self._windows.values()), default=math.inf)

    def close(self, now_s: float) -> Iterator[Window]:
        """Close the windows that are due; yields those that have counted repeats, before they begin again."""
        for kind, window in list(self._windows.items()):
            if window.closes_s > now_s:
                continue
            if window.count:
                yield window
                window.widen(now_s)
            else:
                del self._windows[kind]
