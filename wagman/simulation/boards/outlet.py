"""The truth of an outlet: its relay, its guest, and what could be known of the guest's silence."""

from collections import deque

from attrs import define, field

from wagman.fake.guests import Guest
from wagman.fake.hardware import Relay, RelayChange
from wagman.simulation.records import Silence

TOLD = 100
"""How many readings of a board's statements are remembered (chosen: a slow disk delays nothing longer)."""


@define(eq=False)
class Outlet:
    """The truth of one outlet, whatever its board shows, in any dialect."""

    guest: Guest
    relay: Relay
    moved_s: float = 0.0
    on_s: float = 0.0
    beats: int = 0  # of the guest when it got its power
    # When a statement was read, and the time that it was about.
    told: deque[tuple[float, float]] = field(factory=lambda: deque(maxlen=TOLD))

    def moves(self, change: RelayChange) -> None:
        """Take in that its relay has moved."""
        self.moved_s = change.board_s
        if change.on and change.by != "freed":  # nobody can tell when a contact that did not move comes free
            self.on_s, self.beats = change.board_s, self.guest.beats(change.board_s)

    def tells(self, read_s: float, of_s: float) -> None:
        """Take in that the service has read how its guest was at a time."""
        if not self.told or self.told[-1][1] != of_s:
            self.told.append((read_s, of_s))

    def silent_s(self, now_s: float) -> float:
        """Seconds since the guest last moved its pin, or since it got its power."""
        return now_s - max(self.guest.last_edge_s(now_s), self.on_s)

    def silence(self, decided_s: float, apart_s: float) -> Silence:
        """Return what the service could know of the guest's silence when it decided.

        The board counts level changes of the pin, and so may count a beat late by as much as beats are apart: nobody knows of it
        before.
        """
        told_s = next((of_s for read_s, of_s in reversed(self.told) if read_s <= decided_s), 0.0)
        counted_s = told_s - apart_s
        return Silence(told_s, max(self.on_s, self.guest.last_beat_s(counted_s)), self.guest.beats(counted_s) - self.beats)
