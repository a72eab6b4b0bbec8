"""Alarms as data: what a state asks to be woken by. Who keeps the time lives in `wagman.tasks.loop`."""

from collections.abc import Mapping
from typing import TypeAlias

from attrs import frozen

from wagman.model.facts import Supply

LEAST_BOOT_S = 10.0
"""No guest boots faster (chosen): what stirs so soon is its power coming on, and no beat was missed before."""


@frozen
class Alarm:
    """Wake the machine `after_s` seconds after `since_s`."""

    after_s: float
    proof: bool = False  # it rests on silence: it fires only once a poll has proved that silence
    answered: bool = False  # it fires only once a poll of after its deadline is answered; with `proof`: where that shows no power
    since_s: float | None = None  # trio's clock; None: from now


KEEP = None
"""In a plan: the alarm of that name stands as it was armed (or stays absent, if it was not)."""

Plan: TypeAlias = Mapping[str, Alarm | None]
"""The complete set of a state's alarms: a name that is missing is disarmed."""


@frozen
class Fired:
    """The input that a due alarm becomes."""

    name: str
    supply: Supply = "unknown"  # what the port's current showed at the last poll
    late: bool = False  # it fell due so long ago that nobody can have looked since
    stirred: bool = False  # something was heard since it was armed that is no beat for certain, and may have been one
