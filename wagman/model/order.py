"""Names in an order in which each comes after those that it needs; and circles, in which there is no such order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

After = Mapping[str, Sequence[str]]
"""For each name, the names that it comes after; a missing name comes after none."""


def in_order(names: Iterable[str], after: After) -> list[str]:
    """The names, each behind all that it comes after; otherwise in the order in which they were given."""
    left, found = list(names), list[str]()
    while left:
        free = next((each for each in left if set(left).isdisjoint(after.get(each, ()))), left[0])  # in a circle none is free
        left.remove(free)
        found.append(free)
    return found


def circles(after: After) -> Iterator[tuple[str, ...]]:
    """The circles: each name comes after the next one, and the last after the first. No name is in two of them."""
    told = set[str]()
    for name in after:
        way = _way_back(name, after)
        if way and told.isdisjoint(way):
            told |= set(way)
            yield way


def _way_back(name: str, after: After) -> tuple[str, ...]:
    """A shortest way from a name back to itself, without its end; empty: there is none."""
    ways: list[tuple[str, ...]] = [(name,)]
    seen = set[str]()
    for way in ways:
        for each in after.get(way[-1], ()):
            if each == name:
                return way
            if each not in seen:
                seen.add(each)
                ways.append((*way, each))
    return ()
