"""Beats as evidence: which of the board's signs are a guest's heartbeat, and which are something else.

The board reports beats in two ways: at once (a log line), and by the age of the port's timer whenever it is asked. But the
timer is also reset by every change of the port's state and by our own pings; edges from before a relay command complete the
first beat after it; a line that is read late tells of the past; and a pin that no guest drives may flutter. A sign counts as a
beat only if none of this explains it.
"""

import math
from collections.abc import Callable, Iterable
from typing import Generic

from attrs import define, field

from wagman.io.board.power import P, Power, Tell
from wagman.model.facts import Beat

TOLERANCE_S = 0.5
"""How far apart the board's clock and ours may place the same moment (chosen: more than a main loop)."""

DRIFT = 0.001
"""How much faster or slower the board's clock may run (chosen: ten times a crystal's worst)."""


@define
class Timer:
    """What is known of the timer of one port. Times are seconds of trio's clock."""

    floor_s: float = math.inf  # a reset of the timer up to here is no beat; infinity: nothing is known yet
    beat_at_s: float = -math.inf  # the latest time at which the latest beat may have come
    known_from_s: float = -math.inf  # the reset that the first age showed: nobody knows what caused it
    stale_edges: bool = True  # edges from before a relay command may complete the next beat


@define
class Sightings(Generic[P]):
    """The timers of all ports that have a guest."""

    ports: dict[P, Timer]
    power: Power[P]
    tell: Tell[P]
    counts_edges: Callable[[P], bool] = field(default=lambda _port: True)  # whether the beats of a port come from pin edges

    @classmethod
    def of(cls, numbers: Iterable[P], power: Power[P], tell: Tell[P]) -> "Sightings[P]":
        """Sightings of these ports, of which nothing is known."""
        return cls({number: Timer() for number in numbers}, power, tell)

    def leave(self, number: P) -> None:
        """Watch the timer of a port that has no guest but may have power: the board acts on it."""
        self.ports[number] = Timer()

    def beat_logged(self, number: P, at_s: float) -> None:
        """The board reported a beat as it came."""
        if port := self.ports.get(number):
            self._beat(number, port, at_s, Beat(at_s, "log"))

    def aged(self, number: P, age_s: float, asked_at_s: float, at_s: float) -> float:
        """The board told the timer's age in an answer read at `at_s`; returns the latest beginning of its silence."""
        port, silent_since_s = self.ports[number], at_s - age_s
        earliest_s = asked_at_s - age_s * (1 + DRIFT)
        if math.isinf(port.floor_s):
            port.floor_s = port.known_from_s = silent_since_s
        elif earliest_s > max(port.floor_s, port.beat_at_s) + TOLERANCE_S:
            self._beat(number, port, silent_since_s, Beat(silent_since_s, "poll"))
        return max(silent_since_s, port.floor_s, port.beat_at_s)  # a garbled age does not outweigh what was seen since

    def stirred_at_s(self, number: P) -> float:
        """The latest time at which something was heard that may have been a beat."""
        return max(self.power.ports[number].signs.stirred_at_s, self.ports[number].known_from_s)

    def _beat(self, number: P, port: Timer, at_s: float, beat: Beat) -> None:
        port.beat_at_s = max(port.beat_at_s, at_s)
        self.power.stirred(number, at_s)
        if port.stale_edges and self.counts_edges(number):
            port.stale_edges = False
            return
        if self.power.ports[number].is_dark:
            return
        self.power.beat(number, at_s)
        self.tell(number, beat)

    def state_changed(self, number: P, at_s: float) -> None:
        """The port's state changed at `at_s` at the latest, which resets its timer."""
        if port := self.ports.get(number):
            port.floor_s = at_s if math.isinf(port.floor_s) else max(port.floor_s, at_s)

    def switched(self, number: P, at_s: float) -> None:
        """The relay was switched: the first beat after that may be left over from earlier edges."""
        self.state_changed(number, at_s)
        if port := self.ports.get(number):
            port.stale_edges = True

    def forget(self) -> None:
        """Forget the timers: nobody knows what has reset them, and the next ages are a new beginning."""
        for port in self.ports.values():
            port.floor_s, port.stale_edges = math.inf, True
