"""A report, held against what was true."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.cli.report.truth import Shown, Truth
from wagman.cli.report.axis import axis_of
from wagman.cli.report.figures import Figures, figures
from wagman.cli.report.history import Guest, history
from wagman.cli.report.track import SILENT, UP


class Stay(NamedTuple):
    """A guest was in a state, as the service calls it."""

    begin_s: float
    end_s: float
    state: str | None


class Judged:
    """A report of all that was told, and where its times lie in the simulation's."""

    def __init__(self, truth: Truth) -> None:
        self.truth, self.told = truth, history(truth.events)
        self.figures = {each.name: each for each in figures(self.told, self.told.whole)}
        self.stays = {name: list(_stays(guest, self.told.whole[1])) for name, guest in self.told.guests.items()}
        self._runs = axis_of(truth.events).runs
        self._zeros = {run.boot_id: run.zero_s for run in self._runs}
        self._firsts = [run.zero_s for run in self._runs]

    def real_s(self, at_s: float) -> float:
        """A moment of the report as the simulation counts."""
        run = self._runs[max(bisect_right(self._firsts, at_s) - 1, 0)]
        return at_s - run.zero_s + self.truth.began_s[run.boot_id]

    def compared(self, slack_s: float) -> Iterator[str | None]:
        """At each look, where the report claims to know: None where it says what the status had said, since the same moment."""
        for shown in self.truth.shown:
            zero_s = self._zeros.get(shown.boot_id)
            if zero_s is not None:
                yield from self._look(shown, shown.at_s - self.truth.began_s[shown.boot_id] + zero_s, slack_s)

    def _look(self, shown: Shown, at_s: float, slack_s: float) -> Iterator[str | None]:
        for name, (state, for_s) in shown.states.items():
            # A service that has just come up has yet to read what it knows.
            if for_s is not None and name in self.figures and _claims(self.figures[name], at_s):
                wrong = _wrong(self.stays[name], at_s, state, for_s, slack_s)
                yield None if wrong is None else f"{shown.at_s:.1f} {name}: {wrong}"


def _claims(each: Figures, at_s: float) -> bool:
    """Whether the report says what the guest was then."""
    index = bisect_right(each.spans, at_s, key=lambda span: span.begin_s) - 1
    return index >= 0 and at_s < each.spans[index].end_s and each.spans[index].kind != "unknown"


def _wrong(stays: Sequence[Stay], at_s: float, state: str, for_s: float, slack_s: float) -> str | None:
    """What is; what happened within the slack may have been before the look or after it."""
    near = [stay for stay in stays if stay.begin_s - slack_s <= at_s <= stay.end_s + slack_s]
    found = [stay for stay in near if stay.state == state]
    if not found:
        return f"shown as {state}, reported as {[stay.state for stay in near]}"
    off_s = min((at_s - for_s - stay.begin_s for stay in found), key=abs)
    return f"{state} since {off_s:+.1f} s of what is reported" if abs(off_s) > slack_s else None


def _stays(guest: Guest, end_s: float) -> Iterator[Stay]:
    """Its states one after the other. That it was silent before it was said to be, the service did not know then.

    A state that is left in the moment in which it was entered is none: where it leads back, the one before goes on.
    """
    marks = [(mark.at_s, UP if mark.name == SILENT else mark.name) for mark in guest.track.states]
    lasting = [mark for mark, after in zip(marks, [*marks[1:], (end_s, None)], strict=True) if mark[0] < after[0]]
    changes = [mark for index, mark in enumerate(lasting) if index == 0 or mark[1] != lasting[index - 1][1]]
    ends = [at_s for at_s, _ in changes[1:]] + [end_s]
    return (Stay(at_s, until_s, state) for (at_s, state), until_s in zip(changes, ends, strict=True))
