"""One port as the v4 firmware runs it: the differences to v3.

All relays are latched. A start is refused only while the port is stopping, and a port that is not stopped can be told to stop.
Heartbeats come as requests; only port 2 has a pin, too, and the firmware misses most of its beats.
"""

from math import ceil, floor, inf
from typing import ClassVar

from attrs import define, field

from wagman.fake.clock import Program
from wagman.fake.guests import Guest
from wagman.fake.hardware import Cause
from wagman.fake.v3_port import RELAY_JOURNAL_S, RELAY_SETTLE_S, Port, State

CURRENT_READ_S = 0.0806  # captured: a pass takes 0.856 s, of which ten readings and a pause of 50 ms
PAUSE_S = 0.05
PASS_S = 10 * CURRENT_READ_S + PAUSE_S

PIN_PORT = 2
TICK_S = 0.1  # how often the pin is sampled (firmware)
HITS_PER_BEAT = 4  # passes whose latest sample showed a change (firmware)

LATCH_STEP_S = 0.1  # of the three that moving a latched relay takes (firmware)
_SLACK_S = 1e-6  # keeps a tick at its own time in spite of rounding


@define(eq=False, repr=False)
class Pin:
    """Port 2's heartbeat pin, sampled ten times a second, of which the firmware looks at one sample in each pass.

    Looks are assumed to be evenly spaced, whatever blocks the passes in between.
    """

    guest: Guest
    _looks: int = 0  # the number of looks so far
    _hits: int = 0

    def clear(self, now_s: float) -> None:
        """Forget what was seen (at board start)."""
        self._looks, self._hits = floor(now_s / PASS_S), 0

    def take_beat(self, now_s: float) -> bool:
        """Look as often as is due; return whether there were enough hits, which then count from 0 again."""
        latest = floor(now_s / PASS_S + _SLACK_S)
        first = max(self._looks + 1, ceil(self._change_s(1) / PASS_S)) if self._change_s(1) < inf else latest + 1
        self._hits += sum(map(self._is_hit, range(first, latest + 1)))
        self._looks = max(self._looks, latest)
        if self._hits < HITS_PER_BEAT:
            return False
        self._hits = 0
        return True

    def due_s(self) -> float:
        """Return when there may be enough hits at the earliest: each takes a change."""
        return self._change_s(HITS_PER_BEAT - self._hits)

    def _change_s(self, number: int) -> float:
        """Return when the pin has changed so many times after the latest look or its sample; math.inf if never."""
        seen_s = self._looks * PASS_S - 2 * TICK_S
        return self.guest.edge_at_s(self.guest.edges(seen_s) + number)

    def _is_hit(self, look: int) -> bool:
        tick_s = floor(look * PASS_S / TICK_S + _SLACK_S) * TICK_S
        return (self.guest.edges(tick_s) - self.guest.edges(tick_s - TICK_S)) % 2 == 1


@define(eq=False, repr=False)
class PortV4(Port):
    """One port's state machine."""

    pin: Pin | None = field(default=None)

    startable: ClassVar[frozenset[State]] = frozenset(State) - {State.STOPPING}
    stoppable: ClassVar[frozenset[State]] = frozenset({State.STARTED, State.DISABLED})
    unmanaged_failures: ClassVar[int] = 30

    def stop_or_kill(self, cause: Cause) -> Program:
        """Begin to stop; a port that is stopped already is cut at once."""
        if self.state is State.STOPPED:
            yield from self.kill(cause)
        else:
            self.stop(cause)

    def take_beat(self) -> bool:
        """Return whether the pin makes a heartbeat now; False without a pin."""
        return self.pin is not None and self.pin.take_beat(self.kernel.clock.now_s)

    def beat_due_s(self) -> float:
        """Return when the pin may make a heartbeat."""
        return inf if self.pin is None else self.pin.due_s()

    def _switch(self, cause: Cause, *, on: bool) -> Program:
        """Move the latched relay, with notes before and after that nobody reads."""
        clock = self.kernel.clock
        yield clock.now_s + RELAY_JOURNAL_S + LATCH_STEP_S
        self.kernel.hardware.set_relay(self.number, cause.by, on=on, request=cause.request)
        yield clock.now_s + 2 * LATCH_STEP_S + RELAY_SETTLE_S + RELAY_JOURNAL_S
