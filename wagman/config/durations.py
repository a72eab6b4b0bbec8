"""Durations as people write them: seconds, or units that say what they are."""

import re
from decimal import Decimal

UNITS_S = {"d": Decimal(86_400), "h": Decimal(3_600), "min": Decimal(60), "s": Decimal(1), "ms": Decimal("0.001")}
"""The units, longest first, which is also the order in which they are written."""

LEAST_S = 0.1
"""The shortest duration, in seconds (chosen: short enough for any test, long enough that no timer spins)."""

MOST_S = 36_500 * 86_400.0
"""The longest duration, a century (chosen: it stands for never; sums of a few of these are still exact to the millisecond)."""

WANTED = 'a duration from 0.1 s to 36500 d: a number of seconds, or such as "90s", "10min", "1h30min"'

_WRITTEN = re.compile("".join(rf"(?:(?P<{unit}>[0-9]+(?:\.[0-9]+)?){unit})?" for unit in UNITS_S))


def parse(value: object) -> float:
    """The seconds that a number, or a string such as "1h30min", stands for.

    Raises:
        ValueError: it is no duration.
    """
    seconds = _from_text(value) if isinstance(value, str) else _from_number(value)
    if not LEAST_S <= seconds <= MOST_S:
        raise ValueError(WANTED)
    return seconds


def typed(text: str) -> float:
    """The seconds that a word of a command line stands for, where a number is text as well.

    Raises:
        ValueError: it is no duration.
    """
    return parse(float(text) if text.isdecimal() and text.isascii() else text)


def is_none(value: object) -> bool:
    """Whether a value means no time at all, also in the form that `show` writes."""
    return value in ("0", "0s") or (value == 0 and not isinstance(value, bool))


def show(seconds: float) -> str:
    """A duration as people write it, to the millisecond: `parse` reads it back."""
    left = round(Decimal(seconds), 3)
    parts = []
    for unit, unit_s in UNITS_S.items():
        count, left = divmod(left, unit_s)
        if count:
            parts.append(f"{count:.0f}{unit}")
    return "".join(parts) or "0s"


def is_shorter(one_s: float, other_s: float) -> bool:
    """Whether `one_s` is shorter by a millisecond at least."""
    # Smaller differences are the noise of binary fractions (3 x 0.1 > 0.3).
    return round(one_s - other_s, 3) < 0


def _from_text(text: str) -> float:
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(WANTED)
    counts = {unit: count for unit, count in found.groupdict().items() if count is not None}
    return float(sum((Decimal(count) * UNITS_S[unit] for unit, count in counts.items()), Decimal(0)))


def _from_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(WANTED)  # noqa: TRY004 - to the operator a wrong type is one more wrong value
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError(WANTED) from error
