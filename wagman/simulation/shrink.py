"""Cutting a script that breaks a promise down to the essential: delta debugging over the happenings, then over the waits.

Each try plays the script anew, so the number of tries is bounded. Removed happenings leave their waits behind, so that the others
keep their times; the waits are shortened afterwards.
"""

from collections.abc import Callable, Iterator, Sequence

from attrs import define

from wagman.simulation.script import Act, Item, Wait

MOST_TRIES = 200
"""How often a script is played at most (chosen)."""

ROUND_S = (86_400.0, 3600.0, 600.0, 60.0, 10.0, 1.0)
"""The units to which waits are rounded: people read `1 h` more easily than `3712.418 s` (chosen)."""

Breaks = Callable[[Sequence[Item]], bool]


@define
class Tries:
    """Plays scripts, as long as tries are left."""

    breaks: Breaks
    left: int = MOST_TRIES

    def __call__(self, script: Sequence[Item]) -> bool:
        """Return whether the script still breaks the promise; False once no try is left."""
        if self.left == 0:
            return False
        self.left -= 1
        return self.breaks(script)


def shrunk(script: Sequence[Item], breaks: Breaks, most_tries: int = MOST_TRIES) -> list[Item]:
    """Return the shortest script found for which `breaks` holds, as it does for `script`."""
    tries = Tries(breaks, most_tries)
    found = _fewer(list(script), tries)
    return _shorter(found, tries)


def _fewer(script: list[Item], tries: Tries) -> list[Item]:
    """Remove happenings: halves, quarters, and so on down to single ones, until none can be spared."""
    size = max(1, _acts(script) // 2)
    while True:
        smaller = _without_some(script, size, tries)
        if smaller is not None:
            script = smaller
            size = min(size, max(1, _acts(script) // 2))
        elif size == 1:
            return script
        else:
            size //= 2


def _acts(script: Sequence[Item]) -> int:
    return sum(isinstance(item, Act) for item in script)


def _without_some(script: list[Item], size: int, tries: Tries) -> list[Item] | None:
    """Return the script without some `size` happenings in a row, if that still breaks the promise; else None."""
    where = [index for index, item in enumerate(script) if isinstance(item, Act)]
    for start in range(0, len(where), size):
        gone = set(where[start : start + size])
        smaller = merged(item for index, item in enumerate(script) if index not in gone)
        if tries(smaller):
            return smaller
    return None


def merged(items: Iterator[Item]) -> list[Item]:
    """Join waits that follow each other, and drop empty ones."""
    result: list[Item] = []
    for item in items:
        last = result[-1] if result else None
        if isinstance(item, Wait) and isinstance(last, Wait):
            result[-1] = Wait(round(last.for_s + item.for_s, 3))
        elif not isinstance(item, Wait) or item.for_s > 0:
            result.append(item)
    return result


def _shorter(script: list[Item], tries: Tries) -> list[Item]:
    """Shorten each wait, the longest first, and round it."""
    for index in sorted(range(len(script)), key=lambda index: -_length_s(script[index])):
        for for_s in _candidates(_length_s(script[index])):
            shorter = [*script[:index], Wait(for_s), *script[index + 1 :]]
            if tries(shorter):
                script = shorter
                break
    return merged(iter(script))


def _length_s(item: Item) -> float:
    return item.for_s if isinstance(item, Wait) else 0.0


def _candidates(for_s: float) -> Iterator[float]:
    """Yield shorter waits, the shortest first, then rounded ones."""
    if for_s == 0:
        return
    yield from (each for each in (0.0, for_s / 8, for_s / 2) if each < for_s)
    yield from (rounded for unit in ROUND_S if (rounded := for_s // unit * unit) and rounded != for_s)
