"""Which tasks have stopped making progress, judged only by time in which the service itself ran."""

from collections.abc import Mapping

import trio
from attrs import define, field

NUDGE_S = 15.0
"""How often every task is asked for a sign of life (chosen)."""

HEALTHY_S = 45.0
"""A task that has made no progress for so long is stuck (chosen: three nudges)."""

PAUSE_S = 2 * NUDGE_S
"""Nobody has looked for so long: the whole process was stopped or suspended meanwhile (chosen: a nudge that was missed)."""


@define(eq=False)
class Health:
    """Judges progress. A process that was stopped shows old signs of life everywhere, and no task of it hangs.

    Somebody has to look at least every `NUDGE_S`; what is longer than `PAUSE_S` is taken for a time in which nothing ran.
    """

    awake_since_s: float = field(factory=trio.current_time)  # nothing has held up the whole process since then
    _looked_s: float = field(factory=trio.current_time)

    def stuck(self, progress_s: Mapping[str, float]) -> tuple[str, ...]:
        """The tasks whose latest sign of life, at `progress_s` of trio's clock, is too old."""
        now_s = trio.current_time()
        if now_s - self._looked_s > PAUSE_S:
            self.awake_since_s = now_s
        self._looked_s = now_s
        return tuple(task for task, at_s in progress_s.items() if max(at_s, self.awake_since_s) <= now_s - HEALTHY_S)
