"""What the states of the scheduler look at: the guests, the enclosure, and whose turn it is."""

from collections.abc import Iterator, Mapping

from attrs import field, frozen

from wagman.config.schema import WagmanConfig
from wagman.fsm.environment import Environment
from wagman.fsm.wagman.inputs import View
from wagman.model.facts import Rest

GUARD_MARGIN_S = 60.0
"""How much longer than its start time-out a start may take before the machine goes on without it (specified)."""

GOING = frozenset({"stopping", "restarting"})
"""States of a guest that goes down first, before it can be started."""


@frozen
class Situation:
    """The guests, the enclosure, and whose turn it is."""

    config: WagmanConfig
    order: tuple[str, ...]  # the guests, in the order in which they are started
    environment: Environment
    views: Mapping[str, View] = field(factory=dict)
    unseen: frozenset[str] = field()  # guests whose board cannot be seen: at first all
    cursor: str | None = None  # the guest that was started last
    awaited: frozenset[str] = frozenset()  # who have yet to say how they are
    rest: Rest | None = None  # what an operator has ordered
    passed: frozenset[str] = frozenset()  # whose latest start led nowhere: not tried again before they have news, or a look
    after: Mapping[str, tuple[str, ...]] = field(factory=dict)  # those that each guest comes after, if it does
    overdue: frozenset[str] = frozenset()  # who had the time that a start may take: nobody waits for them before they are up
    lingering: frozenset[str] = frozenset()  # who had the time that a stop may take: nobody waits for their end any more

    @unseen.default
    def _nobody_is_seen(self) -> frozenset[str]:
        return frozenset(self.order)

    @property
    def next_due(self) -> View | None:
        """The next guest after the cursor that may be started now; nobody, while one that comes before it is awaited."""
        first = next((name for name in self.turn if name in self.awaited or self.is_due(name)), None)
        return None if first is None or first in self.awaited else self.views[first]

    @property
    def turn(self) -> tuple[str, ...]:
        """Whose turn it would be, one after the other; nobody's, where none is due, or none may be started."""
        # What is asked for after each fact is mostly answered by the first.
        if not any(map(self.is_due, self.views)) or not self.environment.starts_allowed:
            return ()
        after = self.order.index(self.cursor) + 1 if self.cursor in self.order else 0
        return (*self.order[after:], *self.order[:after])

    def is_due(self, name: str) -> bool:
        """Whether that guest may be started now, as far as it and those that it comes after are concerned."""
        return self.could_start(name) and not self.waits_for(name)

    def could_start(self, name: str) -> bool:
        """Whether nothing but others keeps that guest from being started now."""
        return name in self.views and name not in self.passed and name not in self.unseen and self.views[name].due

    @property
    def hesitates(self) -> bool:
        """Somebody is due, and waits for those that come first."""
        return self.next_due is None and any(map(self.is_due, self.turn))

    # One after the other -----------------------------------------------------

    def waits_for(self, name: str) -> tuple[str, ...]:
        """Those that a start of that guest waits for."""
        return tuple(each for each in self.after.get(name, ()) if self.is_to_come(each))

    def is_to_come(self, name: str) -> bool:
        """Whether that guest is to be up, is not yet, and still has time for it."""
        if name in self.overdue:
            return False
        view = self.views.get(name)
        return view is None or (view.wanted and (view.state != "started" or name in self.awaited))

    @property
    def waiting(self) -> frozenset[str]:
        """Who would be started if others were up."""
        return frozenset(name for name in self.after if self.could_start(name) and self.waits_for(name))

    @property
    def hurried(self) -> Iterator[str]:
        """Those whose start others wait for, and whose time runs: not while they wait for their turn, or for others."""
        waiting = self.waiting if self.environment.starts_allowed else ()
        wanted = {each for name in waiting for each in self.waits_for(name)}
        return (name for name in self.order if name in wanted and name not in waiting and not self.is_due(name))

    def behind(self, name: str) -> tuple[str, ...]:
        """Those that come after that guest."""
        return tuple(each for each, before in self.after.items() if name in before)

    def leaning(self, name: str) -> tuple[str, ...]:
        """Those that a stop of that guest waits for: they come after it, are on their way down, and still have time for it."""
        return tuple(each for each in self.behind(name) if self.is_to_go(each) and each not in self.lingering)

    def is_to_go(self, name: str) -> bool:
        """Whether that guest is not to run any more, and is not down yet."""
        view = self.views.get(name)
        return view is not None and not view.wanted and view.state not in ("stopped", "maintenance")

    @property
    def pressed(self) -> Iterator[str]:
        """Those whose end others wait for, and whose time runs: not while they wait to be asked."""
        wanted = {each for name in self.views if self.is_to_go(name) for each in self.leaning(name)}
        return (name for name in self.order if name in wanted and self.views[name].state != "started")

    def longest_stop_s(self, name: str) -> float:
        """How long a stop of that guest may take, in seconds, the rest of its start included."""
        return self.views[name].stop_timeout_s + self.views[name].start_timeout_s + GUARD_MARGIN_S

    def longest_start_s(self, name: str) -> float:
        """How long it may take until that guest is up, in seconds; the time of a start begins anew once it begins."""
        view = self.views.get(name)
        if view is None:
            return self.config.stagger_s + GUARD_MARGIN_S
        going_s = view.stop_timeout_s if view.state in GOING else 0.0
        return going_s + view.start_timeout_s + self.config.stagger_s + GUARD_MARGIN_S

    # Hibernation -------------------------------------------------------------

    @property
    def kept(self) -> frozenset[str]:
        """The guests that an operator's order lets run."""
        return frozenset(self.order) if self.rest is None else self.rest.keep & frozenset(self.order)

    def unstopped(self, names: frozenset[str]) -> list[View]:
        """The guests among these, which are to be down, that are not, last started first."""
        views = [self.views[name] for name in reversed(self.order) if name in self.views and name in names]
        return [view for view in views if view.state != "stopped" and not view.exempt]

    def all_down(self, names: frozenset[str]) -> bool:
        """Every guest has shown itself, and of these each is stopped or exempt."""
        return self.views.keys() >= set(self.order) and not self.unstopped(names)

    def next_stop(self, names: frozenset[str]) -> View | None:
        """The next of them that has not been asked to stop yet, and that nobody leans on."""
        unasked = (view for view in self.unstopped(names) if view.state not in ("stopping", "will_stop"))
        return next((view for view in unasked if not self.leaning(view.name)), None)
