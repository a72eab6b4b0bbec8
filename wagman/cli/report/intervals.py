"""Stretches of time, in seconds on one axis: how they are joined, and cut out of one another. No I/O."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

Stretch: TypeAlias = tuple[float, float]
"""A beginning and a later end, in seconds."""


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Join stretches that touch or overlap; return them in order, without empty ones."""
    whole = list[Stretch]()
    for begin_s, end_s in sorted(stretches):
        if whole and begin_s <= whole[-1][1]:
            whole[-1] = whole[-1][0], max(whole[-1][1], end_s)
        elif end_s > begin_s:
            whole.append((begin_s, end_s))
    return whole


def length_s(stretches: Iterable[Stretch]) -> float:
    """Return the sum of the lengths, in seconds."""
    return sum(end_s - begin_s for begin_s, end_s in stretches)


def parted(stretch: Stretch, holes: Sequence[Stretch], first: int = 0) -> Iterator[tuple[float, float, bool]]:
    """Yield the parts of a stretch, each with whether it is a hole. `holes` are joined; those before `first` are ignored."""
    at_s, end_s = stretch
    for number in range(first, len(holes)):
        begin_s, until_s = holes[number]
        if begin_s >= end_s:
            break
        if until_s <= at_s:
            continue
        if begin_s > at_s:
            yield at_s, begin_s, False
            at_s = begin_s
        yield at_s, min(until_s, end_s), True
        at_s = min(until_s, end_s)
    if at_s < end_s:
        yield at_s, end_s, False
