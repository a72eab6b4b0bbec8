"""One after the other: names in an order in which each comes after those that it needs, and where there is none."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

After = Mapping[str, Sequence[str]]
"""For each name those that it comes after; a name that is not there comes after none."""


def in_order(names: Iterable[str], after: After) -> list[str]:
    """The names, each behind all that it comes after; as they were given, as far as that leaves a choice."""
    left, found = list(names), list[str]()
    while left:
        free = next((each for each in left if set(left).isdisjoint(after.get(each, ()))), left[0])  # in a circle nobody is free
        left.remove(free)
        found.append(free)
    return found


def circles(after: After) -> Iterator[tuple[str, ...]]:
    """The circles, in which each comes after the next one, and the last after the first; none has a name of another."""
    told = set[str]()
    for name in after:
        way = _way_back(name, after)
        if way and told.isdisjoint(way):
            told |= set(way)
            yield way


def _way_back(name: str, after: After) -> tuple[str, ...]:
    """A shortest way from a name to itself, without its end; empty where there is none."""
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
