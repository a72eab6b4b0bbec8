"""What the states of the Wagman machine look at: the guests, the enclosure, and whose turn it is."""

from collections.abc import Mapping

from attrs import field, frozen

from wagman.config.schema import WagmanConfig
from wagman.fsm.environment import Environment
from wagman.fsm.wagman.inputs import View
from wagman.model.facts import Rest


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
        """Whether that guest may be started now, as far as it is concerned."""
        return name in self.views and name not in self.passed and name not in self.unseen and self.views[name].due

    @property
    def hesitates(self) -> bool:
        """Somebody is due, and waits for those that come first."""
        return self.next_due is None and any(map(self.is_due, self.turn))

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
        """The next of them that has not been asked to stop yet."""
        return next((view for view in self.unstopped(names) if view.state not in ("stopping", "will_stop")), None)
