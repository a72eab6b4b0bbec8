"""Since when each problem stands, and what is told of its beginning and its end.

A problem that comes and goes is one spell: it counts as over only when it has stayed away for a while, and the more often it
comes back, the longer that while is. What is shown is what is found now; what is told, `problem.began` and `problem.ended`,
is told once per spell, also where the service is restarted in the middle of it. Where something else is to be done about it by
now, that is told, too (`problem.changed`), each remedy once per spell.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import trio
from attrs import asdict, define, field

from wagman.model import shapes
from wagman.model.facts import Draft
from wagman.service.problems import Facts, Problem, problems
from wagman.store import Cause, Journal
from wagman.tasks.moments import Stamp

KEY = "problems"
"""The name under which the store keeps which problems stand."""

QUIET_S = 30.0
"""A problem that stays away for so long has ended (chosen: a few polls)."""

RESUMED_QUIET_S = 120.0
"""The same where the service has just come up, and has yet to look at everything (chosen: a silent board takes half a minute)."""

QUIET_MAX_S = 3600.0
"""The longest that an end is waited for; and how long a problem is remembered that has ended (chosen)."""

LOOK_S = 60.0
"""How often it is looked for problems where nothing happens (chosen: what is urgent begins with an event, which is looked at at
once)."""

LEAST_PAUSE_S = 0.5
"""The least time between two looks, however much happens (chosen)."""


@define
class Spell:
    """A problem from its beginning to its end. Times are of the service's clock; those before its start are negative to it."""

    problem: Problem
    since: str  # wall time
    began_s: float | None  # None: it began before a restart of the controller
    quiet_s: float
    gone_s: float | None = None  # since when it is not found any more; None while it is
    _told: set[tuple[str, str]] = field(factory=set)  # how grave it was, and what to do about it

    def is_news(self) -> bool:
        """Whether it calls for something that it has not called for yet; asked once for each."""
        call = (self.problem.severity, self.problem.do)
        is_new = call not in self._told
        self._told.add(call)
        return is_new

    @property
    def ends_s(self) -> float:
        """When it has stayed away long enough."""
        return math.inf if self.gone_s is None else self.gone_s + self.quiet_s

    def age_s(self, now_s: float) -> float | None:
        """For how long it stands."""
        return None if self.began_s is None else round(max(0.0, now_s - self.began_s), 3)

    def shown(self, now_s: float) -> shapes.Problem:
        """As the status has it."""
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
    """All spells that go on, and those that have ended lately. Pure but for its own memory: times are given to it."""

    going: dict[str, Spell] = field(factory=dict)
    _waiting: dict[str, tuple[float, str]] = field(factory=dict)  # since when it is found: of the service's clock, and wall time
    _ended: dict[str, tuple[float, float]] = field(factory=dict)  # when, and how long it had to stay away

    def look(self, found: Mapping[str, Problem], since: str, now_s: float) -> list[Draft]:
        """Take in what is found now; return what is to be told."""
        self._waiting = {id_: self._waiting.get(id_, (now_s, since)) for id_ in found}
        self._ended = {id_: end for id_, end in self._ended.items() if now_s < end[0] + QUIET_MAX_S}
        told = [
            self._began(each) for each in found.values() if each.id not in self.going and self._counts_s(each, now_s) <= now_s
        ]
        for spell in self.going.values():
            self._renew(spell, found.get(spell.problem.id), now_s)
        told += [
            Draft("problem.changed", each.problem.device, _fields(each.problem)) for each in self.going.values() if each.is_news()
        ]
        return told + [self._over(spell, now_s) for spell in list(self.going.values()) if spell.ends_s <= now_s]

    def _new(self, found: Mapping[str, Problem]) -> Iterator[Problem]:
        return (each for each in found.values() if each.id not in self.going)

    def _counts_s(self, problem: Problem, now_s: float) -> float:
        """From when on it counts."""
        so_since_s = self._waiting[problem.id][0] if problem.for_s is None else now_s - problem.for_s
        return so_since_s + problem.patience_s

    def _began(self, problem: Problem) -> Draft:
        _, quiet_s = self._ended.pop(problem.id, (0.0, QUIET_S / 2))
        found_s, since = self._waiting[problem.id]
        spell = self.going[problem.id] = Spell(problem, since, found_s, min(2 * quiet_s, QUIET_MAX_S))
        spell.is_news()
        return Draft("problem.began", problem.device, _fields(problem))

    def _renew(self, spell: Spell, problem: Problem | None, now_s: float) -> None:
        if problem is not None:
            spell.problem, spell.gone_s = problem, None
        elif spell.gone_s is None:
            spell.gone_s = now_s

    def _over(self, spell: Spell, now_s: float) -> Draft:
        del self.going[spell.problem.id]
        self._ended[spell.problem.id] = (now_s, spell.quiet_s)
        after_s = None if spell.gone_s is None else spell.age_s(spell.gone_s)
        return Draft("problem.ended", spell.problem.device, {**_fields(spell.problem), "after_s": after_s})

    def due_s(self, found: Mapping[str, Problem], now_s: float) -> float:
        """When the next one begins or ends if nothing else happens."""
        begins = (self._counts_s(each, now_s) for each in self._new(found))
        return min((*begins, *(spell.ends_s for spell in self.going.values())), default=math.inf)

    def shown(self, now_s: float) -> list[shapes.Problem]:
        """What is found now, the worst first."""
        now = [spell for spell in self.going.values() if spell.gone_s is None]
        return [spell.shown(now_s) for spell in sorted(now, key=lambda spell: spell.problem.severity)]

    def saved(self, stamp: Stamp, now_s: float) -> dict[str, Any]:
        """What the store keeps: what was told, and when it began."""
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


def _fields(problem: Problem) -> dict[str, Any]:
    return {"id": problem.id, "severity": problem.severity, "text": problem.text, "do": problem.do}


@define(eq=False)
class News:
    """How whoever learns of something tells those who look for problems."""

    _next: trio.Event = field(factory=trio.Event, init=False)

    def heard(self) -> None:
        """Something happened."""
        self._next.set()

    def next(self) -> trio.Event:
        """Is set by what happens from now on."""
        self._next = trio.Event()
        return self._next


@define(eq=False)
class Watch:
    """The task that looks for problems: when something happens, and now and then.

    Args:
        news: tells that something happened.
        facts: how everything is now.
        stamp: the present moment, comparable between runs of the service.
        wall: the wall clock, RFC 3339.
        cause: the latest event about a guest.
    """

    news: News
    facts: Callable[[], Facts]
    journal: Journal
    stamp: Callable[[], Stamp]
    wall: Callable[[], str]
    cause: Callable[[str], Cause]
    spells: Spells = field(factory=Spells, init=False)

    def restore(self, saved: Any) -> None:
        """Take up what the store kept."""
        self.spells.restore(saved, self.stamp(), trio.current_time())

    def shown(self) -> Sequence[shapes.Problem]:
        """The problems, as the status has them."""
        return self.spells.shown(trio.current_time())

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            news = self.news.next()
            looked_s, due_s = trio.current_time(), self.look()
            with trio.move_on_at(min(due_s, looked_s + LOOK_S)):
                await news.wait()
            await trio.sleep_until(looked_s + LEAST_PAUSE_S)

    def look(self) -> float:
        """Look now, tell what there is to be told, and return when something more is due if nothing happens."""
        now_s, found = trio.current_time(), problems(self.facts())
        drafts = self.spells.look(found, self.wall(), now_s)
        if drafts:
            self.journal.record(list(self._caused(drafts)), {KEY: self.spells.saved(self.stamp(), now_s)})
        return self.spells.due_s(found, now_s)

    def _caused(self, drafts: Sequence[Draft]) -> Iterator[tuple[Draft, Cause]]:
        return ((draft, None if draft.device is None else self.cause(draft.device)) for draft in drafts)
