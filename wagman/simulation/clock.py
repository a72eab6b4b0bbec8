"""Virtual time: it stands still while any task can run, and jumps to the next deadline once all of them wait."""

import math

import trio
from attrs import define


@define(eq=False)
class VirtualClock(trio.abc.Clock):
    """A clock for trio that is at the next deadline as soon as every task waits.

    Trio's own `MockClock` looks for real input before each jump, which takes two passes of trio's loop for each moment. Here is
    no real input, and most of the time is spent in that loop. Nothing in a simulation may use `wait_all_tasks_blocked`, for which
    this clock leaves no time.
    """

    _now_s: float = 0.0

    def start_clock(self) -> None:
        """Do nothing: it has begun at 0."""

    def current_time(self) -> float:
        """Return the time, in seconds since the beginning."""
        return self._now_s

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Jump to a deadline; return how long trio is to wait for real input: not at all, unless nothing else is to come."""
        # Trio asks only when no task can run.
        if deadline == math.inf:
            return math.inf
        self._now_s = max(self._now_s, deadline)
        return 0.0

    def jump(self, for_s: float) -> None:
        """Let time pass while no task runs, as when the whole program is stopped."""
        self._now_s += for_s
