"""One port as the v4 firmware runs it: what is different from v3.

All relays are latched, a start is refused only while the port is stopping, and whatever is not stopped can be told to
stop. Heartbeats come as requests; port 2 alone has a pin, too, and the firmware is nearly blind to it.
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
    """Port 2's heartbeat pin: of ten samples a second the firmware looks at one in each pass.

    Looks are reckoned at even distances, whatever blocks the passes in between.
    """

    guest: Guest
    _looks: int = 0  # how many there have been
    _hits: int = 0

    def clear(self, now_s: float) -> None:
        """Forget what has been seen (at board start)."""
        self._looks, self._hits = floor(now_s / PASS_S), 0

    def take_beat(self, now_s: float) -> bool:
        """Look as often as is due; whether there have been enough hits, which are then counted anew."""
        latest = floor(now_s / PASS_S + _SLACK_S)
        first = max(self._looks + 1, ceil(self._change_s(1) / PASS_S)) if self._change_s(1) < inf else latest + 1
        self._hits += sum(map(self._is_hit, range(first, latest + 1)))
        self._looks = max(self._looks, latest)
        if self._hits < HITS_PER_BEAT:
            return False
        self._hits = 0
        return True

    def due_s(self) -> float:
        """When there may be enough hits at the earliest: each takes a change."""
        return self._change_s(HITS_PER_BEAT - self._hits)

    def _change_s(self, number: int) -> float:
        """When the pin changes so many times after the latest look, or what that may have seen; math.inf if never."""
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
        """Begin to stop; what is stopped already is cut at once."""
        if self.state is State.STOPPED:
            yield from self.kill(cause)
        else:
            self.stop(cause)

    def take_beat(self) -> bool:
        """Whether the pin makes a heartbeat now, where there is one."""
        return self.pin is not None and self.pin.take_beat(self.kernel.clock.now_s)

    def beat_due_s(self) -> float:
        """When it may."""
        return inf if self.pin is None else self.pin.due_s()

    def _switch(self, cause: Cause, *, on: bool) -> Program:
        """Move the latched relay, with notes before and after, that nobody reads."""
        clock = self.kernel.clock
        yield clock.now_s + RELAY_JOURNAL_S + LATCH_STEP_S
        self.kernel.hardware.set_relay(self.number, cause.by, on=on, request=cause.request)
        yield clock.now_s + 2 * LATCH_STEP_S + RELAY_SETTLE_S + RELAY_JOURNAL_S
