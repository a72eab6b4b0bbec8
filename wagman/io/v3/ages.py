"""The ages of the timers of all ports. No answer has a check sum: a digit that is lost or doubled makes another age of it."""

from typing import TypeAlias

from wagman.io.board.sightings import DRIFT, TOLERANCE_S
from wagman.io.serial.link import Answer

Ages: TypeAlias = Answer[tuple[float, ...]]


def agree(before: Ages, now: Ages, port: int) -> bool:
    """Whether two answers show the same reset of a port's timer. A damaged age agrees with no other one."""
    (earliest_s, latest_s), (earlier_s, later_s) = _reset_s(before, port), _reset_s(now, port)
    return max(earliest_s, earlier_s) <= min(latest_s, later_s) + TOLERANCE_S


def is_older(now: Ages, before: Ages, port: int) -> bool:
    """Whether an answer shows an earlier reset of a port's timer than one did before: one of the two is damaged."""
    return _reset_s(now, port)[1] + TOLERANCE_S < _reset_s(before, port)[0]


def _reset_s(ages: Ages, port: int) -> tuple[float, float]:
    """The first and the last moment at which the timer may have been reset, in seconds of trio's clock."""
    age_s = ages.value[port]
    return ages.asked_at_s - age_s * (1 + DRIFT), ages.at_s - age_s * (1 - DRIFT)
