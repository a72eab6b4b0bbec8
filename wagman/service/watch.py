"""The task that looks for problems: when something happens, and now and then."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import trio
from attrs import define, field

from wagman.model import shapes
from wagman.model.facts import Draft
from wagman.service.problems import Facts, problems
from wagman.service.spells import Spells
from wagman.store import Cause, Journal
from wagman.tasks.moments import Stamp

KEY = "problems"
"""The name under which the store keeps which problems stand."""

LOOK_S = 60.0
"""How often the task looks where nothing happens (chosen: what is urgent begins with an event, and is looked at at once)."""

LEAST_PAUSE_S = 0.5
"""The least time between two looks, however much happens (chosen)."""


@define(eq=False, repr=False)
class News:
    """The bell for those who look for problems: whoever learns of something rings it."""

    _next: trio.Event = field(factory=trio.Event, init=False)

    def heard(self) -> None:
        """Tell that something happened."""
        self._next.set()

    def next(self) -> trio.Event:
        """An event that is set by what happens from now on."""
        self._next = trio.Event()
        return self._next


@define(eq=False, repr=False)
class Watch:
    """The task that looks for problems: when something happens, and now and then.

    Args:
        news: tells that something happened.
        facts: tells how everything is now.
        stamp: tells the present moment, comparable between runs of the service.
        wall: tells the wall clock, RFC 3339.
        cause: gives the latest event about a guest.
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
