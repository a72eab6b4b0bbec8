"""The result of a check, and the verdict on all of them. No I/O."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypeAlias

from attrs import evolve, frozen

from wagman.cli.text import judged

Verdict: TypeAlias = Literal["ok", "warning", "wrong", "unknown"]

CODES: dict[Verdict, int] = {"ok": 0, "warning": 1, "wrong": 2, "unknown": 3}
"""Exit codes, the same as those of `wagman check`."""

GRAVEST: tuple[Verdict, ...] = ("wrong", "warning", "unknown", "ok")
"""The order in which results are shown; the first verdict that occurs makes the exit code."""

COLOURS: dict[Verdict, str] = {"wrong": "red", "warning": "yellow", "unknown": "yellow", "ok": ""}

_INDENT = 9

_WHY = ("systemctl status wagman tells why", "what it printed last tells why")
_BY_SYSTEMD = re.compile(r"systemctl (start|restart|reload) wagman\b")


@frozen
class Found:
    """The result of one check."""

    check: str  # its name, for programs
    verdict: Verdict  # unknown: it cannot be told from here
    text: str
    do: str = ""  # what to do about it
    for_want_of_right: bool = False  # only this user lacks the right, and others may have it

    def without_systemd(self) -> "Found":
        """Return what the result says where systemd does not run: whoever starts the service does what systemd would."""
        return evolve(self, do=_BY_SYSTEMD.sub(r"\1 the service", self.do.replace(*_WHY)))

    def of_another(self) -> "Found":
        """Return what the result says about another user than this one."""
        # What would give this user the right would take it from the service's.
        do = "as root, to look as the service does: wagman doctor"
        return evolve(self, verdict="unknown", do=do) if self.for_want_of_right else self


def worst(found: Iterable[Found]) -> Verdict:
    """Return the verdict on all results."""
    verdicts = {each.verdict for each in found}
    return next((each for each in GRAVEST if each in verdicts), "ok")


def in_order(found: Iterable[Found]) -> list[Found]:
    """Return the results, the gravest first; equally grave ones in the order of the checks."""
    return sorted(found, key=lambda each: GRAVEST.index(each.verdict))


def lines(found: Sequence[Found]) -> list[str]:
    """Return the results for people, as lines."""
    return [line for each in in_order(found) for line in _lines(each)]


def _lines(found: Found) -> Iterator[str]:
    label = found.verdict if found.verdict == "ok" else found.verdict.upper()
    return judged(label, COLOURS[found.verdict], found.text, found.do, _INDENT)
