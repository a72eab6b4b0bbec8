"""Repeats collapse: the first of a kind is recorded at once, the next ones are counted and told of together.

Events of the same type, device, fields and cause are of a kind. The first opens a window of a minute. What comes within it is
counted; when it closes, one event says how many more there were (`count`) and over how long (`over_s`). For as long as
they keep coming each next window is twice as long, up to an hour, so that a contact that flaps for a year costs 24
events a day. A window without any closes for good.
"""

import math
from collections.abc import Collection, Iterator
from typing import Any, TypeAlias

from attrs import define, field

from wagman.store.event import Cause, Event, Ref

WINDOW_S = 60.0
"""How long the first repeats are held back (chosen)."""

WINDOW_MAX_S = 3600.0
"""How long repeats are held back that do not cease (chosen)."""

MAX_WINDOWS = 256
"""How many kinds are watched at the same time; what does not fit is recorded as it comes (chosen)."""

Kind: TypeAlias = tuple[str, str | None, str, Cause]


@define(eq=False, repr=False)
class Window:
    """The count of one kind."""

    event: Event  # the first of them
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
        """The fields of the event that tells of the repeats."""
        return {**self.event.fields, "count": self.count, "over_s": round(self.last_s - self.opened_s, 3)}

    def widen(self, now_s: float) -> None:
        """Begin again, twice as long."""
        self.opened_s, self.length_s, self.count = now_s, min(2 * self.length_s, WINDOW_MAX_S), 0


@define(eq=False, repr=False)
class Repeats:
    """All kinds that are being counted; times are of trio's clock."""

    types: Collection[str]
    _windows: dict[Kind, Window] = field(factory=dict, init=False)

    def absorb(self, event: Event, ref: Ref, now_s: float, cause: Cause = None) -> Ref | None:
        """Count an event and give the ref of the first of its kind; None if the event is to be recorded itself."""
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
        """Close the windows that are due: those that have counted some, before they begin again."""
        for kind, window in list(self._windows.items()):
            if window.closes_s > now_s:
                continue
            if window.count:
                yield window
                window.widen(now_s)
            else:
                del self._windows[kind]
