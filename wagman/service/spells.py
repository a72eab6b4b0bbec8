"""Spells: since when each problem stands, and the events of its beginning and its end. Pure: times are given.

A problem that comes and goes is one spell. The spell is over once the problem has stayed away for a while, which doubles each
time that the problem comes back. Shown are the problems found now. `problem.began` and `problem.ended` are recorded once per
spell, also if the service is restarted in the middle of it. If the remedy changes meanwhile, `problem.changed` is recorded, once
for each remedy of a spell.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import asdict, define, field

from wagman.model import shapes
from wagman.model.facts import Draft
from wagman.service.problems import SEVERITIES, Problem
from wagman.tasks.moments import Stamp

QUIET_S = 30.0
"""A problem that stays away for so long has ended (chosen: a few polls)."""

RESUMED_QUIET_S = 120.0
"""The same just after the service has come up, and has yet to look everywhere (chosen: a silent board takes half a minute)."""

QUIET_MAX_S = 3600.0
"""The longest wait for the end of a problem, and how long a problem that has ended is remembered (chosen)."""


@define
class Spell:
    """A problem from its beginning to its end. Times are on the service's clock; those before its start are negative."""

    problem: Problem
    since: str  # wall time
    began_s: float | None  # None: it began before a restart of the controller
    quiet_s: float
    gone_s: float | None = None  # since when it is not found any more; None while it is found
    _told: set[tuple[str, str]] = field(factory=set, init=False)  # the severities and remedies that were told

    def is_news(self) -> bool:
        """Return whether this severity and remedy have not been told yet, and count them as told: call once for each look."""
        call = (self.problem.severity, self.problem.do)
        is_new = call not in self._told
        # After a notice, which calls for nobody, everything is told anew.
        self._told = {call} if self.problem.severity == "notice" else {*self._told, call}
        return is_new

    @property
    def ends_s(self) -> float:
        """The time at which the problem will have stayed away long enough; infinite while it is found."""
        return math.inf if self.gone_s is None else self.gone_s + self.quiet_s

    def age_s(self, now_s: float) -> float | None:
        """Return for how long it has stood; None if it began before a restart of the controller."""
        return None if self.began_s is None else round(max(0.0, now_s - self.began_s), 3)

    def shown(self, now_s: float) -> shapes.Problem:
        """The row of the problem in the status."""
        problem = self.problem
        return {
            "id": problem.id,
            "severity": problem.severity,
            "since": self.since,
            "for_s": self.age_s(now_s),
            "device": problem.device,
            "board": problem.board,
            "text": problem.text,
            "do": problem.do,
        }


@define
class Spells:
    """All spells that go on, and those that ended within `QUIET_MAX_S`."""

    going: dict[str, Spell] = field(factory=dict, init=False)
    # When each was first found: on the service's clock, by the wall clock.
    _waiting: dict[str, tuple[float, str]] = field(factory=dict, init=False)
    _ended: dict[str, tuple[float, float]] = field(factory=dict, init=False)  # when each ended, and how long it had to stay away

    def look(self, found: Mapping[str, Problem], since: str, now_s: float) -> list[Draft]:
        """Take in the problems found now; return the events to be recorded."""
        self._waiting = {id_: self._waiting.get(id_, (now_s, since)) for id_ in found}
        self._ended = {id_: end for id_, end in self._ended.items() if now_s < end[0] + QUIET_MAX_S}
        told = [self._began(each) for each in self._new(found) if self._counts_s(each, now_s) <= now_s]
        for spell in self.going.values():
            self._renew(spell, found.get(spell.problem.id), now_s)
        told += [_draft("problem.changed", spell.problem) for spell in self.going.values() if spell.is_news()]
        return told + [self._over(spell, now_s) for spell in list(self.going.values()) if spell.ends_s <= now_s]

    def _new(self, found: Mapping[str, Problem]) -> Iterator[Problem]:
        return (each for each in found.values() if each.id not in self.going)

    def _counts_s(self, problem: Problem, now_s: float) -> float:
        """Return the time from which on a problem counts."""
        so_since_s = self._waiting[problem.id][0] if problem.for_s is None else now_s - problem.for_s
        return so_since_s + problem.patience_s

    def _began(self, problem: Problem) -> Draft:
        _, quiet_s = self._ended.pop(problem.id, (0.0, QUIET_S / 2))
        found_s, since = self._waiting[problem.id]
        spell = self.going[problem.id] = Spell(problem, since, found_s, min(2 * quiet_s, QUIET_MAX_S))
        spell.is_news()
        return _draft("problem.began", problem)

    def _renew(self, spell: Spell, problem: Problem | None, now_s: float) -> None:
        if problem is not None:
            spell.problem, spell.gone_s = problem, None
        elif spell.gone_s is None:
            spell.gone_s = now_s

    def _over(self, spell: Spell, now_s: float) -> Draft:
        del self.going[spell.problem.id]
        self._ended[spell.problem.id] = (now_s, spell.quiet_s)
        after_s = None if spell.gone_s is None else spell.age_s(spell.gone_s)
        return _draft("problem.ended", spell.problem, after_s=after_s)

    def due_s(self, found: Mapping[str, Problem], now_s: float) -> float:
        """Return the time at which the next spell begins or ends if nothing else happens."""
        begins = (self._counts_s(each, now_s) for each in self._new(found))
        return min((*begins, *(spell.ends_s for spell in self.going.values())), default=math.inf)

    def shown(self, now_s: float) -> list[shapes.Problem]:
        """The rows of the problems that are found now, the worst first."""
        now = [spell for spell in self.going.values() if spell.gone_s is None]
        return [spell.shown(now_s) for spell in sorted(now, key=lambda spell: SEVERITIES.index(spell.problem.severity))]

    def saved(self, stamp: Stamp, now_s: float) -> dict[str, Any]:
        """Return the spells as the store keeps them: the problems that were told, and when each began."""
        spells = [{**asdict(each.problem), "since": each.since, "age_s": each.age_s(now_s)} for each in self.going.values()]
        return {"stamp": asdict(stamp), "spells": spells}

    def restore(self, saved: Any, stamp: Stamp, now_s: float) -> None:
        """Restore the spells of an earlier run. What cannot be read is told anew. None of them counts as found yet."""
        try:
            same, lost_s = saved["stamp"]["boot"] == stamp.boot, stamp.at_s - saved["stamp"]["at_s"]
            spells = [_restored(each, lost_s if same else None, now_s) for each in saved["spells"]]
        except (KeyError, TypeError, AttributeError):
            return
        self.going = {spell.problem.id: spell for spell in spells}


def _restored(saved: Mapping[str, Any], lost_s: float | None, now_s: float) -> Spell:
    rest = dict(saved)
    since, age_s = str(rest.pop("since")), rest.pop("age_s")
    began_s = None if age_s is None or lost_s is None else now_s - lost_s - float(age_s)
    spell = Spell(Problem(**rest), since, began_s, RESUMED_QUIET_S, gone_s=now_s)
    spell.is_news()
    return spell


def _draft(type_: str, problem: Problem, **more: Any) -> Draft:
    fields = {"id": problem.id, "severity": problem.severity, "text": problem.text, "do": problem.do, **more}
    return Draft(type_, problem.device, fields)
