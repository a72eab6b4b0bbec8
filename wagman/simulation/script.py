"""A script of what happens to a node, as text for people: `gn: start; 30 s; cable out; 2 h; cable in`.

Items are separated by `;` or line ends; `#` begins a comment. An item is a wait (`30 s`, `5 min`, `2 h`, `1 d`) or something that
happens, in the words of `wagman.simulation.actions`.
"""

import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from attrs import frozen

from wagman.model.errors import CallerError

UNITS_S = {"d": 86_400.0, "h": 3600.0, "min": 60.0, "s": 1.0}

_WAIT = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?) (?P<unit>d|h|min|s)")


@frozen
class Wait:
    """A wait, in seconds."""

    for_s: float

    def __str__(self) -> str:
        return f"{round(self.for_s, 3):.15g} s"


@frozen
class Act:
    """Something that happens, in the words of `wagman.simulation.actions`."""

    words: str

    def __str__(self) -> str:
        return self.words


Item: TypeAlias = Wait | Act
Script: TypeAlias = Sequence[Item]


def parse(text: str) -> list[Item]:
    """Return the items of a script.

    Raises:
        CallerError: an item begins with a digit, and is no time.
    """
    lines = (line.partition("#")[0] for line in text.splitlines())
    words = (item.strip() for line in lines for item in line.split(";"))
    return [_item(each) for each in words if each]


def _item(words: str) -> Item:
    if not words[0].isdigit():
        return Act(" ".join(words.split()))
    match = _WAIT.fullmatch(words)
    if match is None:
        raise CallerError(f"{words!r} is no time: write a number and one of {', '.join(UNITS_S)}, such as '30 s'")
    return Wait(float(match["number"]) * UNITS_S[match["unit"]])


def render(script: Iterable[Item]) -> str:
    """Return the script as text, on one line."""
    return "; ".join(map(str, script))


def length_s(script: Iterable[Item]) -> float:
    """Return the sum of its waits, in seconds."""
    return sum(item.for_s for item in script if isinstance(item, Wait))


def timed(happenings: Iterable[tuple[float, str]], until_s: float) -> list[Item]:
    """Return a script from times (in seconds from its beginning) and words; those at one time keep their order."""
    items: list[Item] = []
    now_s = 0.0
    for at_s, words in sorted((each for each in happenings if each[0] < until_s), key=lambda each: each[0]):
        if at_s > now_s:
            items.append(Wait(round(at_s - now_s, 3)))
            now_s = at_s
        items.append(Act(words))
    return [*items, Wait(round(until_s - now_s, 3))]
