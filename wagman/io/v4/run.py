"""Since when a v4 board runs: its count of starts begins anew when its memory is lost, and its uptime wraps."""

import math

from attrs import define

from wagman.io.serial.link import Answer
from wagman.io.v4.asking import WRAP_S

SET_UP_S = 1.0
"""The least uptime of a board that was seen (firmware: 2.6 s, less up to a second by which its uptime lags)."""

WRAP_SLACK_S = 500.0
"""How far from a whole number of wraps a start may be (chosen: two clocks differ by less in 49.7 days, 1 s in 10 000)."""


@define
class Run:
    """The board's present run, as far as its uptime tells. Times are seconds of trio's clock."""

    seen_at_s: float = math.inf  # when the board was last seen
    began_s: float = 0.0  # when the board began, by its latest uptime
    is_new: bool = False  # it has restarted since it was last seen, and `hold_off` was not called since

    def told(self, uptime: Answer[int]) -> None:
        """Take the board's uptime: a board that began after it was last seen has restarted."""
        began_s, before_s = uptime.asked_at_s - uptime.value, self.began_s
        self.is_new |= began_s > self.seen_at_s - SET_UP_S and not is_wrap(began_s, before_s)
        self.began_s = began_s


def is_wrap(began_s: float, before_s: float) -> bool:
    """Whether the start time moved from `before_s` to `began_s` only because the uptime wraps at 32 bits."""
    wraps = round((began_s - before_s) / WRAP_S)
    return wraps > 0 and abs(began_s - before_s - wraps * WRAP_S) <= WRAP_SLACK_S
