"""The states of the scheduler, each with its handlers, in the order of the design note."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, ParamSpec

from attrs import asdict, evolve, field, frozen

from wagman.fsm.alarms import Alarm, Plan
from wagman.fsm.graph import GraphState, checked_graph
from wagman.fsm.scheduler.inputs import Effect, GuestRefused, StartGuest, StopGuest, View
from wagman.fsm.scheduler.situation import Situation
from wagman.model.facts import Draft

P = ParamSpec("P")


def ordered(now: Situation) -> Mapping[str, Any]:
    """The fields of an event about an operator's order; empty without one."""
    hibernation = now.hibernation
    return (
        {}
        if hibernation is None
        else {"reason": hibernation.reason, "who": hibernation.who, "uid": hibernation.uid, "keep": sorted(hibernation.keep)}
    )


@frozen
class Step:
    """The outcome of a transition of the scheduler."""

    state: "State"
    now: Situation
    effects: tuple[Effect, ...] = ()
    entered: bool = False  # the state was entered, and its alarms begin; otherwise they go on
    alarms: Plan = field(factory=dict)  # all of them, once the step is complete

    def after(self, *effects: Effect) -> "Step":
        """The same step, with effects that come before its own."""
        return evolve(self, effects=effects + self.effects) if effects else self


@frozen
class State(GraphState):
    """What all states share. A handler that no subclass overrides changes nothing.

    The handler of an alarm is called `on_` and the name of that alarm; all alarms of a state are in its `plan`.
    """

    hibernates: ClassVar[bool] = False  # guests may not run, in this state

    @property
    def by_heat(self) -> bool:
        """Whether heat is among the reasons why guests may not run."""
        return False

    def forbidden(self, now: Situation) -> frozenset[str]:
        """The guests that may not run."""
        return frozenset()

    def noted(self, now: Situation) -> "State":
        """The state, with what it has to remember of the enclosure."""
        return self

    @property
    def target(self) -> str | None:
        """The guest that this state is about."""
        return None

    def on_enter(self, now: Situation) -> Step:
        raise NotImplementedError

    def on_order(self, now: Situation) -> Step:
        """An awaited guest has said whether it runs, or none is awaited any more."""
        return self.stay(now)

    def on_guest_changed(self, now: Situation, old: View | None, new: View) -> Step:
        return self.stay(now)

    def on_guest_refused(self, now: Situation, refused: GuestRefused) -> Step:
        return self.stay(now)

    def leads_to(self, now: Situation) -> "Callable[[], State] | None":
        """The state that the situation alone leads to from this one; None: it goes on."""
        return WillHibernate if now.environment.hot or now.hibernation is not None else None

    def plan(self, now: Situation) -> Plan:
        """The alarms of this state at full length."""
        raise NotImplementedError

    def lasting(self) -> dict[str, Any]:
        """The state as plain data, without the numbers of starts, which mean nothing in another run."""
        return {"name": self.name, **asdict(self, filter=lambda a, _: a.name != "number")}

    def stay(self, now: Situation, *effects: Effect) -> Step:
        """A step that stays in this state, without `on_enter`."""
        return Step(self, now, effects)

    def entered(self, now: Situation, *effects: Effect) -> Step:
        """The step of an `on_enter`: the alarms of this state begin."""
        return Step(self, now, effects, entered=True)

    def goto(self, state: Callable[P, "State"], now: Situation, *args: P.args, **kwargs: P.kwargs) -> Step:
        """Change to the state that `state(*args, **kwargs)` makes, along the declared graph, and run its `on_enter`.

        Raises:
            IllegalTransitionError: the graph does not allow it.
        """
        new = state(*args, **kwargs)
        self.check_way(new)
        return new.on_enter(now)


@frozen
class Normal(State):
    """No guest is being started or taken down; `look` finds those that are due by now."""

    name: ClassVar[str] = "normal"
    successors: ClassVar[frozenset[str]] = frozenset({"start_devices", "will_hibernate"})

    def on_enter(self, now: Situation) -> Step:
        return self.entered(now, Draft("wagman.normal"))

    def on_look(self, now: Situation) -> Step:
        return self.on_order(evolve(now, passed=frozenset()) if now.passed else now)

    def on_order(self, now: Situation) -> Step:
        return self.goto(StartDevices, now) if now.next_due else self.stay(now)

    def on_guest_changed(self, now: Situation, old: View | None, new: View) -> Step:
        """A guest that has just stopped and is due is started at once; one that becomes due later waits for the alarm `look`."""
        was_down = old is not None and old.known and (old.state, old.starts) == ("stopped", new.starts)
        return self.on_order(now) if new.due and not was_down else self.stay(now)

    def plan(self, now: Situation) -> Plan:
        return {"look": Alarm(now.config.normal_interval_s)}


@frozen
class StartDevices(State):
    """The choice of the guest to start next; left at once."""

    name: ClassVar[str] = "start_devices"
    successors: ClassVar[frozenset[str]] = frozenset({"start_next_device", "normal", "will_hibernate"})

    def on_enter(self, now: Situation) -> Step:
        view = now.next_due
        return self.goto(Normal, now) if view is None else self.goto(StartNextDevice, now, view.name)

    # A service that comes up may begin in this state.
    def on_look(self, now: Situation) -> Step:
        return self.on_enter(now)

    def on_guest_changed(self, now: Situation, old: View | None, new: View) -> Step:
        return self.on_enter(now)

    def plan(self, now: Situation) -> Plan:
        return {"look": Alarm(now.config.normal_interval_s)}


@frozen
class StartNextDevice(State):
    """A guest was asked to start, and its answer is awaited."""

    name: ClassVar[str] = "start_next_device"
    successors: ClassVar[frozenset[str]] = frozenset({"start_devices", "will_hibernate"})

    device: str = ""
    number: int = 0  # which of the guest's starts this is; 0: it was asked in an earlier run of the service

    @property
    def target(self) -> str | None:
        return self.device

    def on_enter(self, now: Situation) -> Step:
        view = now.views[self.device]
        asked = evolve(self, number=view.starts + 1)
        event = Draft("wagman.start_next_device", view.name, {"recover": view.recover})
        return asked.entered(evolve(now, cursor=view.name), event, StartGuest(view.name, view.recover))

    def on_guard(self, now: Situation) -> Step:
        return self.passed_over(now, Draft("wagman.start_stalled", self.device))

    def on_guest_changed(self, now: Situation, old: View | None, new: View) -> Step:
        # A view with an earlier number is from before this start; from this number on, it shows what came of the start.
        over = new.name == self.device and new.starts >= self.number and new.state != "starting"
        return self.goto(StartDevices, now) if over else self.stay(now)

    def on_guest_refused(self, now: Situation, refused: GuestRefused) -> Step:
        if refused.name != self.device:
            return self.stay(now)
        return self.passed_over(now, Draft("wagman.start_refused", refused.name, {"reason": refused.reason}))

    def passed_over(self, now: Situation, event: Draft) -> Step:
        """Go on with the others, so that two tasks never spin on each other. This guest is tried again after news or a look."""
        return self.goto(StartDevices, evolve(now, passed=now.passed | {self.device})).after(event)

    def plan(self, now: Situation) -> Plan:
        return {"guard": Alarm(now.longest_start_s(self.device))}


@frozen
class Forbidding(State):
    """What WillHibernate and Hibernating share: guests may not run, except those that an operator's order keeps."""

    hibernates: ClassVar[bool] = True

    heated: bool = True

    @property
    def by_heat(self) -> bool:
        return self.heated

    def on_stop(self, now: Situation) -> Step:
        view = now.next_stop(self.forbidden(now))
        return self.stay(now, StopGuest(view.name, by_order=not self.heated)) if view else self.on_kept(now)

    def on_kept(self, now: Situation) -> Step:
        """Start a guest again that the order keeps and that has stopped, one at a time."""
        starting = any(view.state == "starting" for view in now.views.values())
        allowed = [name for name in now.order if name not in self.forbidden(now) and now.is_due(name)]
        if not allowed or starting or not now.environment.starts_allowed:
            return self.stay(now)
        due = allowed[0]
        recover = now.views[due].recover
        return self.stay(now, Draft("wagman.start_next_device", due, {"recover": recover}), StartGuest(due, recover))

    def forbidden(self, now: Situation) -> frozenset[str]:
        return frozenset(now.order) - (frozenset() if self.heated else now.kept)

    def noted(self, now: Situation) -> State:
        """Note heat beside an order. Heat counts for as long as it would without the order."""
        if now.environment.hot:
            return self if self.heated else self.heat_came()
        return evolve(self, heated=False) if self.heated and self.cooled(now) else self

    def heat_came(self) -> State:
        """The state with heat among its reasons."""
        return evolve(self, heated=True)

    def cooled(self, now: Situation) -> bool:
        """Whether heat is no reason any more."""
        return now.environment.calm

    def plan(self, now: Situation) -> Plan:
        return {"stop": Alarm(now.config.hibernate_interval_s)}


@frozen
class WillHibernate(Forbidding):
    """Too hot, or an operator's order: the guests are stopped one by one."""

    name: ClassVar[str] = "will_hibernate"
    successors: ClassVar[frozenset[str]] = frozenset({"hibernating", "normal"})

    def on_enter(self, now: Situation) -> Step:
        return evolve(self, heated=now.environment.hot).entered(now, Draft("wagman.will_hibernate", None, ordered(now)))

    def leads_to(self, now: Situation) -> Callable[[], State] | None:
        if not self.heated and now.hibernation is None:
            return Normal
        return partial(Hibernating, heated=self.heated) if now.all_down(self.forbidden(now)) else None


@frozen
class Hibernating(Forbidding):
    """All guests that must be down are down; after heat, for `hibernate_min` at least."""

    name: ClassVar[str] = "hibernating"
    successors: ClassVar[frozenset[str]] = frozenset({"normal"})

    rested: bool = False  # the shortest hibernation is over

    def on_enter(self, now: Situation) -> Step:
        """Forget the cursor: afterwards the start order begins with the first guest."""
        return self.entered(evolve(now, cursor=None), Draft("wagman.hibernating", None, ordered(now)))

    def on_minimum(self, now: Situation) -> Step:
        return evolve(self, rested=True).stay(now)

    def heat_came(self) -> State:
        return evolve(self, heated=True, rested=False)

    def cooled(self, now: Situation) -> bool:
        return self.rested and now.environment.calm

    def leads_to(self, now: Situation) -> Callable[[], State] | None:
        return Normal if not self.heated and now.hibernation is None else None

    def plan(self, now: Situation) -> Plan:
        minimum = {} if self.rested or not self.heated else {"minimum": Alarm(now.config.hibernate_min_s)}
        return {**super().plan(now), **minimum}


STATES: dict[str, type[State]] = checked_graph(StartDevices, StartNextDevice, Normal, WillHibernate, Hibernating)
