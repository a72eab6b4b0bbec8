"""Since when each problem stands, and what is told of its beginning and its end. Pure: times are given.

A problem that comes and goes is one spell: it counts as over only when it has stayed away for a while, and the more often it
comes back, the longer that while is. What is shown is what is found now; what is told, `problem.began` and `problem.ended`,
is told once per spell, also where the service is restarted in the middle of it. Where something else is to be done about it by
now, that is told, too (`problem.changed`), each remedy once per spell.
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
"""The same where the service has just come up, and has yet to look at everything (chosen: a silent board takes half a minute)."""

QUIET_MAX_S = 3600.0
"""The longest that an end is waited for; and how long a problem is remembered that has ended (chosen)."""


@define
class Spell:
    """A problem from its beginning to its end. Times are of the service's clock; those before its start are negative to it."""

    problem: Problem
    since: str  # wall time
    began_s: float | None  # None: it began before a restart of the controller
    quiet_s: float
    gone_s: float | None = None  # since when it is not found any more; None while it is
    _told: set[tuple[str, str]] = field(factory=set, init=False)  # how grave it was, and what to do about it

    def is_news(self) -> bool:
        """Whether the problem calls for something that it has not called for yet; asked once for each."""
        call = (self.problem.severity, self.problem.do)
        is_new = call not in self._told
        # What calls for nobody for a while calls anew after it.
        self._told = {call} if self.problem.severity == "notice" else {*self._told, call}
        return is_new

    @property
    def ends_s(self) -> float:
        """The time at which it has stayed away long enough."""
        return math.inf if self.gone_s is None else self.gone_s + self.quiet_s

    def age_s(self, now_s: float) -> float | None:
        """The time for which it stands; None where nobody knows."""
        return None if self.began_s is None else round(max(0.0, now_s - self.began_s), 3)

    def shown(self, now_s: float) -> shapes.Problem:
        """The problem as the status has it."""
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
    """All spells that go on, and those that have ended lately."""

    going: dict[str, Spell] = field(factory=dict, init=False)
    _waiting: dict[str, tuple[float, str]] = field(factory=dict, init=False)  # found since: by the service's clock, and wall time
    _ended: dict[str, tuple[float, float]] = field(factory=dict, init=False)  # when, and how long it had to stay away

    def look(self, found: Mapping[str, Problem], since: str, now_s: float) -> list[Draft]:
        """Take in what is found now; return what is to be told."""
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
        """The time from which on a problem counts."""
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
        """The time at which the next spell begins or ends if nothing else happens."""
        begins = (self._counts_s(each, now_s) for each in self._new(found))
        return min((*begins, *(spell.ends_s for spell in self.going.values())), default=math.inf)

    def shown(self, now_s: float) -> list[shapes.Problem]:
        """The problems that are found now, the worst first."""
        now = [spell for spell in self.going.values() if spell.gone_s is None]
        return [spell.shown(now_s) for spell in sorted(now, key=lambda spell: SEVERITIES.index(spell.problem.severity))]

    def saved(self, stamp: Stamp, now_s: float) -> dict[str, Any]:
        """The spells as the store keeps them: what was told, and when it began."""
        spells = [{**asdict(each.problem), "since": each.since, "age_s": each.age_s(now_s)} for each in self.going.values()]
        return {"stamp": asdict(stamp), "spells": spells}

    def restore(self, saved: Any, stamp: Stamp, now_s: float) -> None:
        """Take up what was told in an earlier run; what cannot be read is told anew. None of it is found yet."""
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
