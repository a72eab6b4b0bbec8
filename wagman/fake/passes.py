"""The place in a firmware's main loop, without running passes that have no effect.

A pass is a row of stages at fixed offsets. Anything that is due happens when the loop would reach the stage that looks at it.
"""

from collections.abc import Iterable
from math import ceil, inf

from attrs import define, field

from wagman.fake.clock import BoardClock

_SLACK_S = 1e-9  # how far a computed time may be off by rounding


@define(eq=False, repr=False)
class Passes:
    """The loop's place: the last stage that was run, and when it was done."""

    clock: BoardClock
    offsets_s: tuple[float, ...]  # of each stage in a pass, and of the next pass
    _stage: int = field(init=False, default=0)
    _at_s: float = field(init=False, default=0.0)

    def begin(self, pause_s: float) -> None:
        """Begin with the loop, as if a pass had just ended with this pause in it."""
        self._stage, self._at_s = len(self.offsets_s) - 2, self.clock.now_s - pause_s

    def done(self, stage: int) -> None:
        """Take in that a stage was run, up to the board's present time."""
        self._stage, self._at_s = stage, self.clock.now_s

    def next(self, dues_s: Iterable[float]) -> tuple[float, int]:
        """Return when the loop next reaches a stage that has something to do, and which; `dues_s` has the due time of each."""
        return min(self._reached_s(stage, due_s) for stage, due_s in enumerate(dues_s) if due_s < inf)

    def _reached_s(self, stage: int, due_s: float) -> tuple[float, int]:
        """Return when the loop reaches this stage: not before `due_s`, and not again in the present pass."""
        offset_s = self.offsets_s[stage] - self.offsets_s[self._stage]
        if stage <= self._stage:
            offset_s += self.offsets_s[-1]
        first_s = self._at_s + offset_s
        passes = ceil((max(due_s, self.clock.now_s) - first_s - _SLACK_S) / self.offsets_s[-1])
        return first_s + max(0, passes) * self.offsets_s[-1], stage
