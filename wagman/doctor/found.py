"""What a check has found, and what all of them come to. No I/O."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypeAlias

from attrs import evolve, frozen

from wagman.cli.text import WIDTH, coloured
from wagman.model.words import plain

Verdict: TypeAlias = Literal["ok", "warning", "wrong", "unknown"]

CODES: dict[Verdict, int] = {"ok": 0, "warning": 1, "wrong": 2, "unknown": 3}
"""Exit codes, as those of `wagman check`."""

GRAVEST: tuple[Verdict, ...] = ("wrong", "warning", "unknown", "ok")
"""The order in which they are shown; the first that there is makes the exit code."""

COLOURS: dict[Verdict, str] = {"wrong": "red", "warning": "yellow", "unknown": "yellow", "ok": ""}

_INDENT = 9


@frozen
class Found:
    """What one check has found."""

    check: str  # its name, for programs
    verdict: Verdict  # unknown: nobody can tell from here, which is neither right nor wrong
    text: str
    do: str = ""  # what to do about it
    for_want_of_right: bool = False  # it is so for who looked, and says nothing of anybody else

    def of_another(self) -> "Found":
        """What it says of somebody else than who looked."""
        return evolve(self, verdict="unknown") if self.for_want_of_right else self


def worst(found: Iterable[Found]) -> Verdict:
    """What all of them come to."""
    verdicts = {each.verdict for each in found}
    return next((each for each in GRAVEST if each in verdicts), "ok")


def in_order(found: Iterable[Found]) -> list[Found]:
    """The gravest first; else as they were made."""
    return sorted(found, key=lambda each: GRAVEST.index(each.verdict))


def lines(found: Sequence[Found]) -> list[str]:
    """For people."""
    return [line for each in in_order(found) for line in _lines(each)]


def _lines(found: Found) -> Iterator[str]:
    label = found.verdict if found.verdict == "ok" else found.verdict.upper()
    first, *more = _wrapped(found.text) or [""]
    yield coloured(label.ljust(_INDENT), COLOURS[found.verdict]) + first
    yield from (" " * _INDENT + line for line in (*more, *(_wrapped(f"do: {found.do}") if found.do else ())))


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(plain(text), WIDTH - _INDENT, break_on_hyphens=False)
