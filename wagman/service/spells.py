"""Spells: since when each problem stands, and the events of its beginning and its end. Pure: times are given.

A problem that comes and goes is one spell. The spell is over once the problem has stayed away for a while, which doubles each
time that the problem comes back. Shown are the problems found now. `problem.began` and `problem.ended` are recorded once per
spell, also if the service is restarted in the middle of it. If the remedy changes meanwhile, `problem.changed` is recorded, once
for each remedy of a spell.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final

from attrs import asdict, define, evolve, field, frozen

from wagman.model import shapes
from wagman.model.facts import Draft
from wagman.service.problems import SEVERITIES, Problem
from wagman.store.event import HEAD_CHARS, MAX_NAME_CHARS
from wagman.tasks.moments import Stamp

PREFIX: Final = "problem."
"""How the keys begin under which the log keeps the spell of each problem."""

OLD_KEY: Final = "problems"
"""The key under which 0.2.0 and earlier kept all spells in one value."""

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

    @property
    def is_news(self) -> bool:
        """Whether this severity and remedy have not been told yet."""
        return self._call not in self._told

    def count_as_told(self) -> None:
        """Note that this severity and remedy were told: call once for each look."""
        # After a notice, which calls for nobody, everything is told anew.
        self._told = {self._call} if self.problem.severity == "notice" else {*self._told, self._call}

    @property
    def _call(self) -> tuple[str, str]:
        return self.problem.severity, self.problem.do

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

    def saved(self, stamp: Stamp, now_s: float) -> dict[str, Any]:
        """The spell as the store keeps it."""
        # Some texts name all guests: what is kept is bounded, and the text is found anew.
        problem = evolve(self.problem, text=self.problem.text[:HEAD_CHARS])
        return {"stamp": asdict(stamp), "spell": {**asdict(problem), "since": self.since, "age_s": self.age_s(now_s)}}


@frozen
class Telling:
    """An event about a spell, and the spell that is to be kept from then on."""

    draft: Draft
    id: str  # of the problem
    spell: Spell | None  # None: it is over


@define
class Spells:
    """All spells that go on, and those that ended within `QUIET_MAX_S`."""

    going: dict[str, Spell] = field(factory=dict, init=False)
    # When each was first found: on the service's clock, by the wall clock.
    _waiting: dict[str, tuple[float, str]] = field(factory=dict, init=False)
    _ended: dict[str, tuple[float, float]] = field(factory=dict, init=False)  # when each ended, and how long it had to stay away
    _known: set[str] = field(factory=set, init=False)  # the problems that began in this run

    def look(self, found: Mapping[str, Problem], since: str, now_s: float) -> Iterator[Telling]:
        """Take in the problems found now; yield the events to be recorded. Each counts as told once the next one is asked for."""
        self._waiting = {id_: self._waiting.get(id_, (now_s, since)) for id_ in found}
        self._ended = {id_: end for id_, end in self._ended.items() if now_s < end[0] + QUIET_MAX_S}
        for problem in [each for each in self._new(found) if self._counts_s(each, now_s) <= now_s]:
            yield from self._began(problem)
        for spell in self.going.values():
            self._renew(spell, found.get(spell.problem.id), now_s)
            if spell.is_news:
                yield Telling(_draft("problem.changed", spell.problem), spell.problem.id, spell)
            spell.count_as_told()
        for spell in [each for each in self.going.values() if each.ends_s <= now_s]:
            yield from self._over(spell, now_s)

    def _new(self, found: Mapping[str, Problem]) -> Iterator[Problem]:
        return (each for each in found.values() if each.id not in self.going)

    def _counts_s(self, problem: Problem, now_s: float) -> float:
        """Return the time from which on a problem counts."""
        so_since_s = self._waiting[problem.id][0] if problem.for_s is None else now_s - problem.for_s
        return so_since_s + problem.patience_s

    def _began(self, problem: Problem) -> Iterator[Telling]:
        _, quiet_s = self._ended.get(problem.id, (0.0, QUIET_S / 2))
        found_s, since = self._waiting[problem.id]
        spell = Spell(problem, since, found_s, min(2 * quiet_s, QUIET_MAX_S))
        yield Telling(_draft("problem.began", problem), problem.id, spell)
        self._ended.pop(problem.id, None)
        self.going[problem.id] = spell
        self._known.add(problem.id)
        spell.count_as_told()

    def _renew(self, spell: Spell, problem: Problem | None, now_s: float) -> None:
        if problem is not None:
            spell.problem, spell.gone_s = problem, None
        elif spell.gone_s is None:
            spell.gone_s = now_s

    def _over(self, spell: Spell, now_s: float) -> Iterator[Telling]:
        after_s = None if spell.gone_s is None else spell.age_s(spell.gone_s)
        yield Telling(_draft("problem.ended", spell.problem, after_s=after_s), spell.problem.id, None)
        del self.going[spell.problem.id]
        self._ended[spell.problem.id] = (now_s, spell.quiet_s)

    def due_s(self, found: Mapping[str, Problem], now_s: float) -> float:
        """Return the time at which the next spell begins or ends if nothing else happens."""
        begins = (self._counts_s(each, now_s) for each in self._new(found))
        return min((*begins, *(spell.ends_s for spell in self.going.values())), default=math.inf)

    def shown(self, now_s: float) -> list[shapes.Problem]:
        """The rows of the problems that are found now, the worst first."""
        now = [spell for spell in self.going.values() if spell.gone_s is None]
        return [spell.shown(now_s) for spell in sorted(now, key=lambda spell: SEVERITIES.index(spell.problem.severity))]

    def restore(self, memory: Mapping[str, Any], stamp: Stamp, now_s: float) -> list[Spell]:
        """Restore the spells of an earlier run. None of them counts as found yet. What cannot be read is told anew.

        A problem that has begun in this run is left out, also once it has ended: that was told, and its next beginning has to be.

        Args:
            memory: the lasting state; what 0.2.0 left under its one key is newer than the spells with a key of their own.
            stamp: the present moment.
            now_s: the same on the service's clock.

        Returns:
            The spells that are under the one key, and have no key of their own.
        """
        own = self._unknown(_restored((each for key, each in memory.items() if key.startswith(PREFIX)), stamp, now_s))
        old = self._unknown(_restored(_parted(memory.get(OLD_KEY)), stamp, now_s))
        self.going |= {spell.problem.id: spell for spell in (*own, *old)}
        return old

    def _unknown(self, spells: Iterable[Spell]) -> list[Spell]:
        return [spell for spell in spells if spell.problem.id not in self._known]


def spell_key(id_: str) -> str:
    """The key under which the log keeps the spell of the problem with that id."""
    # The log cuts longer keys off, and an id may name an address of any length.
    key = f"{PREFIX}{id_}"
    return key if len(key) <= MAX_NAME_CHARS else f"{PREFIX}{blake2b(id_.encode(errors='replace'), digest_size=16).hexdigest()}"


def _parted(saved: Any) -> Iterator[Any]:
    """The spells that 0.2.0 kept in one value, as they are kept now."""
    match saved:
        case {"stamp": stamp, "spells": [*spells]}:
            yield from ({"stamp": stamp, "spell": spell} for spell in spells)


def _restored(saved: Iterable[Any], stamp: Stamp, now_s: float) -> Iterator[Spell]:
    for each in saved:
        try:
            yield _spell(each["spell"], _lost_s(each["stamp"], stamp), now_s)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue


def _lost_s(saved: Mapping[str, Any], stamp: Stamp) -> float | None:
    """The time since a stamp; None: it is one of another boot."""
    lost_s: float = stamp.at_s - saved["at_s"]
    return lost_s if saved["boot"] == stamp.boot else None


def _spell(saved: Mapping[str, Any], lost_s: float | None, now_s: float) -> Spell:
    rest = {**saved, "id": str(saved["id"]), "text": str(saved["text"])}
    since, age_s = str(rest.pop("since")), rest.pop("age_s")
    began_s = None if age_s is None or lost_s is None else now_s - lost_s - float(age_s)
    spell = Spell(Problem(**rest), since, began_s, RESUMED_QUIET_S, gone_s=now_s)
    spell.count_as_told()
    return spell


def _draft(type_: str, problem: Problem, **more: Any) -> Draft:
    fields = {"id": problem.id, "severity": problem.severity, "text": problem.text, "do": problem.do, **more}
    return Draft(type_, problem.device, fields)
