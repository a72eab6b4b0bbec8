"""The task that looks for problems, at each event and every minute."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import trio
from attrs import define, field

from wagman.model import shapes
from wagman.service.problems import Facts, problems
from wagman.service.spells import OLD_KEY, Spell, Spells, Telling, spell_key
from wagman.store import Cause, Journal
from wagman.tasks.moments import Stamp

LOOK_S = 60.0
"""How often the task looks if nothing happens (chosen: urgent problems begin with an event, and are looked for at once)."""

LEAST_PAUSE_S = 0.5
"""The least time between two looks, however many events there are (chosen)."""


@define(eq=False, repr=False)
class News:
    """The bell of the task that looks for problems; rung by whoever notices a change."""

    _next: trio.Event = field(factory=trio.Event, init=False)

    def heard(self) -> None:
        """Ring: something has happened."""
        self._next.set()

    def next(self) -> trio.Event:
        """Return an event that the next `heard` will set."""
        self._next = trio.Event()
        return self._next


@define(eq=False, repr=False)
class Watch:
    """The task that looks for problems, at each event and every `LOOK_S`.

    Args:
        news: the bell that is rung when something happens.
        facts: returns the present state of everything.
        stamp: returns the present moment, comparable between runs of the service.
        wall: returns the time of the wall clock, RFC 3339.
        cause: returns the latest event about a guest.
    """

    news: News
    facts: Callable[[], Facts]
    journal: Journal
    stamp: Callable[[], Stamp]
    wall: Callable[[], str]
    cause: Callable[[str], Cause]
    spells: Spells = field(factory=Spells, init=False)

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Restore the spells that the store kept, and give those of an older release keys of their own."""
        for spell in self.spells.restore(memory, self.stamp(), trio.current_time()):
            self.journal.record([], {spell_key(spell.problem.id): self._saved(spell)})
        # An older release that comes back finds nothing, and tells anew what stands.
        self.journal.record([], {OLD_KEY: None})

    def shown(self) -> Sequence[shapes.Problem]:
        """The rows of the problems in the status."""
        return self.spells.shown(trio.current_time())

    async def run(self) -> None:
        """Look for problems until cancelled."""
        while True:
            news = self.news.next()
            looked_s, due_s = trio.current_time(), self.look()
            with trio.move_on_at(min(due_s, looked_s + LOOK_S)):
                await news.wait()
            await trio.sleep_until(looked_s + LEAST_PAUSE_S)

    def look(self) -> float:
        """Look for problems, record what is new, and return the time of the next beginning or end if nothing else happens."""
        now_s, found = trio.current_time(), problems(self.facts())
        for telling in self.spells.look(found, self.wall(), now_s):
            self._record(telling)
        return self.spells.due_s(found, now_s)

    def _record(self, telling: Telling) -> None:
        """Record one event, with its spell: all of them may be more than one transaction takes."""
        cause = None if telling.draft.device is None else self.cause(telling.draft.device)
        kept = None if telling.spell is None else self._saved(telling.spell)
        self.journal.record([(telling.draft, cause)], {spell_key(telling.id): kept})

    def _saved(self, spell: Spell) -> Mapping[str, Any]:
        return spell.saved(self.stamp(), trio.current_time())
