"""What the states of the scheduler look at: the guests, the enclosure, and whose turn it is."""

from collections.abc import Iterator, Mapping

from attrs import field, frozen

from wagman.config.schema import WagmanConfig
from wagman.fsm.environment import Environment
from wagman.fsm.scheduler.inputs import View
from wagman.model.facts import HibernationOrder

GUARD_MARGIN_S = 60.0
"""How much longer than its start time-out a start may take before the scheduler goes on without it (specified)."""

GOING = frozenset({"stopping", "restarting"})
"""The states in which a guest goes down before it can be started."""


@frozen
class Situation:
    """The guests, the enclosure, and whose turn it is."""

    config: WagmanConfig
    order: tuple[str, ...]  # the guests, in the order in which they are started
    environment: Environment
    views: Mapping[str, View] = field(factory=dict)
    unseen: frozenset[str] = field()  # guests whose board cannot be seen: at first all
    cursor: str | None = None  # the guest that was started last
    awaited: frozenset[str] = frozenset()  # guests of which it is not known yet whether they run
    hibernation: HibernationOrder | None = None  # an operator's order to hibernate
    # guests whose latest start came to nothing: tried again after news of them, or at the next look
    passed: frozenset[str] = frozenset()
    after: Mapping[str, tuple[str, ...]] = field(factory=dict)  # for each guest, the guests that it comes after
    overdue: frozenset[str] = frozenset()  # guests that had the time of a start: nobody waits for them before they are up
    lingering: frozenset[str] = frozenset()  # guests that had the time of a stop: nobody waits for their end any more

    @unseen.default
    def _nobody_is_seen(self) -> frozenset[str]:
        return frozenset(self.order)

    @property
    def next_due(self) -> View | None:
        """The next guest after the cursor that may be started now; None while an earlier one is awaited."""
        first = next((name for name in self.turn if name in self.awaited or self.is_due(name)), None)
        return None if first is None or first in self.awaited else self.views[first]

    @property
    def turn(self) -> tuple[str, ...]:
        """The guests in the order of their turns; empty if none is due, or none may be started."""
        # This is asked after each fact, and the first test mostly answers it.
        if not any(map(self.is_due, self.views)) or not self.environment.starts_allowed:
            return ()
        after = self.order.index(self.cursor) + 1 if self.cursor in self.order else 0
        return (*self.order[after:], *self.order[:after])

    def is_due(self, name: str) -> bool:
        """Whether that guest may be started now, as far as the guest itself and those that it comes after are concerned."""
        return self.could_start(name) and not self.waits_for(name)

    def could_start(self, name: str) -> bool:
        """Whether only other guests can keep that guest from being started now."""
        return name in self.views and name not in self.passed and name not in self.unseen and self.views[name].due

    @property
    def hesitates(self) -> bool:
        """Whether a guest is due, but has to wait for earlier ones that are awaited."""
        return self.next_due is None and any(map(self.is_due, self.turn))

    # One after the other -----------------------------------------------------

    def waits_for(self, name: str) -> tuple[str, ...]:
        """The guests that a start of that guest waits for."""
        return tuple(each for each in self.after.get(name, ()) if self.is_to_come(each))

    def is_to_come(self, name: str) -> bool:
        """Whether that guest is to be up, is not up yet, and still has time for it."""
        if name in self.overdue:
            return False
        view = self.views.get(name)
        return view is None or (view.wanted and (view.state != "started" or name in self.awaited))

    @property
    def waiting(self) -> frozenset[str]:
        """The guests that would be started if others were up."""
        return frozenset(name for name in self.after if self.could_start(name) and self.waits_for(name))

    @property
    def hurried(self) -> Iterator[str]:
        """The guests whose start others wait for, and whose time runs: not while they wait for their turn, or for others."""
        waiting = self.waiting if self.environment.starts_allowed else ()
        wanted = {each for name in waiting for each in self.waits_for(name)}
        return (name for name in self.order if name in wanted and name not in waiting and not self.is_due(name))

    def behind(self, name: str) -> tuple[str, ...]:
        """The guests that come after that guest."""
        return tuple(each for each, before in self.after.items() if name in before)

    def leaning(self, name: str) -> tuple[str, ...]:
        """The guests that a stop of that guest waits for: they come after it, are on their way down, and still have time."""
        return tuple(each for each in self.behind(name) if self.is_to_go(each) and each not in self.lingering)

    def is_to_go(self, name: str) -> bool:
        """Whether that guest is not to run any more, and is not down yet."""
        view = self.views.get(name)
        return view is not None and not view.wanted and view.state not in ("stopped", "maintenance")

    @property
    def pressed(self) -> Iterator[str]:
        """The guests whose end others wait for, and whose time runs. It does not run before they are asked to stop."""
        wanted = {each for name in self.views if self.is_to_go(name) for each in self.leaning(name)}
        return (name for name in self.order if name in wanted and self.views[name].state != "started")

    def longest_stop_s(self, name: str) -> float:
        """How long a stop of that guest may take, in seconds, the rest of its start included."""
        return self.views[name].stop_timeout_s + self.views[name].start_timeout_s + GUARD_MARGIN_S

    def longest_start_s(self, name: str) -> float:
        """How long that guest may take to be up, in seconds."""
        view = self.views.get(name)
        if view is None:
            return self.config.stagger_s + GUARD_MARGIN_S
        going_s = view.stop_timeout_s if view.state in GOING else 0.0
        return going_s + view.start_timeout_s + self.config.stagger_s + GUARD_MARGIN_S

    # Hibernation -------------------------------------------------------------

    @property
    def kept(self) -> frozenset[str]:
        """The guests that an operator's order lets run."""
        return frozenset(self.order) if self.hibernation is None else self.hibernation.keep & frozenset(self.order)

    def unstopped(self, names: frozenset[str]) -> list[View]:
        """The guests among `names` that are not down and not exempt, the one started last first."""
        views = [self.views[name] for name in reversed(self.order) if name in self.views and name in names]
        return [view for view in views if view.state != "stopped" and not view.exempt]

    def all_down(self, names: frozenset[str]) -> bool:
        """Whether every guest has shown a view, and all among `names` are stopped or exempt."""
        return self.views.keys() >= set(self.order) and not self.unstopped(names)

    def next_stop(self, names: frozenset[str]) -> View | None:
        """The next guest among `names` that was not asked to stop yet, and that may stop before others."""
        unasked = (view for view in self.unstopped(names) if view.state not in ("stopping", "will_stop"))
        return next((view for view in unasked if not self.leaning(view.name)), None)
