"""Alarms as data: the times at which a state wants to be woken. `wagman.tasks.loop` keeps the time."""

from collections.abc import Mapping
from typing import TypeAlias

from attrs import frozen

from wagman.model.facts import Supply

LEAST_BOOT_S = 10.0
"""The shortest time in which a guest boots (chosen). What an ear hears sooner after the power came on is no beat."""


@frozen
class Alarm:
    """Wake the machine `after_s` seconds after `since_s`.

    Flags hold the alarm back after its deadline. With `proof` it fires once an ear has proved the silence. With `answered` it
    fires once a poll that was asked after the deadline is answered. With both, either will do, but the answer must show no power.
    With `in_sight` it wants such an answer besides: while the board cannot be seen, nobody knows what became of the power.
    """

    after_s: float
    proof: bool = False
    answered: bool = False
    in_sight: bool = False
    since_s: float | None = None  # trio's clock; None: from now


KEEP = None
"""In a plan: the alarm of that name stands as it was armed, or stays absent if it was not."""

Plan: TypeAlias = Mapping[str, Alarm | None]
"""The complete set of a state's alarms: a name that is missing is disarmed."""


@frozen
class Fired:
    """The input that a due alarm becomes."""

    name: str
    supply: Supply = "unknown"  # what the port's current showed at the last poll
    late: bool = False  # it fell due so long ago that nobody can have looked at the board since
    stirred: bool = False  # since it was armed, something was heard that may have been a beat
