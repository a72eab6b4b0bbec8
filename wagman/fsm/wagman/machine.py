"""The Wagman machine: it starts the guests one after the other, and takes them down when the enclosure is too hot.

The theory
----------
The machine sees each guest as a `View` (its state, whether it is due) and the enclosure as an `Environment`. It never
touches power: its effects are requests to the guests' own machines, which check them again. *Due* means: stopped, wanted
up, enabled, not held, and with its backoff behind it; and nothing is due while the board cannot be seen.

- StartDevices is the choice of the next due guest after the cursor, round robin, so that one dead device never starves the
  others. It is left at once: to StartNextDevice, or to Normal when nobody is due.
- StartNextDevice waits until that guest is no longer Starting, whatever it became. `guard` bounds the wait.
- Normal looks around every minute (`look`).
- A restart of all begins with the first: a board that takes the power of all that runs puts the cursor back. Nobody is started
  before those that come first have said how they are, after such a loss or when the service comes up; `order` bounds that wait.
- WillHibernate stops one guest each 30 s (`stop`), in reverse start order; Hibernating keeps them down, for at least
  `minimum`. What is forced up by the operator is exempt. A hot enclosure leads to WillHibernate from every state but these.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

from attrs import asdict, evolve, field, frozen

from wagman.config.schema import WagmanConfig
from wagman.fsm.alarms import KEEP, Alarm, Fired, Plan
from wagman.fsm.environment import FIRST_VERDICT, RELEASE, STALE, Environment
from wagman.fsm.graph import GraphState, IllegalTransitionError, checked_graph
from wagman.model.errors import StoreError
from wagman.model.facts import Blindness, Draft, Sample

ORDER = "order"

ORDER_S = 120.0
"""How long a guest that is due waits for one that comes before it and has yet to say how it is (chosen: longer than the
default `adopt_window`)."""

GUARD_MARGIN_S = 60.0
"""How much longer than its start time-out a start may take before the machine goes on without it (specified)."""

# --- Inputs and effects -----------------------------------------------------------------------------------------------


@frozen
class View:
    """A guest as the Wagman machine sees it."""

    name: str
    state: str
    changes: int = 0  # how many transitions it has made: tells a start that came and went
    due: bool = False
    exempt: bool = False
    hibernating: bool = False  # what it was told last
    recover: bool = False  # its next start is one to recover
    start_timeout_s: float = 120.0
    known: bool = True  # it has been seen whether it runs


@frozen
class DeviceChanged:
    """A guest's view has changed."""

    view: View


@frozen
class DeviceRefused:
    """A guest did not carry out the start that it was asked for."""

    name: str
    reason: str


@frozen
class PowerFailed:
    """The board restarted, and these guests lost their power with it; each of them has yet to say what follows."""

    names: frozenset[str]


Input: TypeAlias = DeviceChanged | DeviceRefused | PowerFailed | Blindness | Sample | Fired


@frozen
class StartDevice:
    """Ask a guest to start; `recover`: from the other medium."""

    name: str
    recover: bool


@frozen
class StopDevice:
    """Ask a guest to stop, because the environment forbids that it runs."""

    name: str


@frozen
class Hibernate:
    """Tell a guest (None: all of them) whether guests may run."""

    active: bool
    name: str | None = None


Effect: TypeAlias = Draft | StartDevice | StopDevice | Hibernate


@frozen
class Situation:
    """What the states look at."""

    config: WagmanConfig
    order: tuple[str, ...]  # the guests, in the order in which they are started
    environment: Environment
    views: Mapping[str, View] = field(factory=dict)
    blind: bool = True
    cursor: str | None = None  # the guest that was started last
    awaited: frozenset[str] = frozenset()  # who have yet to say how they are
    passed: frozenset[str] = frozenset()  # whose latest start led nowhere: not tried again before the next look

    @property
    def next_due(self) -> View | None:
        """The next guest after the cursor that may be started now; nobody, while one that comes before it is awaited."""
        first = next((name for name in self.turn if name in self.awaited or self.is_due(name)), None)
        return None if first is None or first in self.awaited else self.views[first]

    @property
    def turn(self) -> tuple[str, ...]:
        """Whose turn it would be, one after the other; nobody's, where none is due, or none may be started."""
        # What is asked for after each fact is mostly answered by the first.
        if not any(map(self.is_due, self.views)) or self.blind or not self.environment.starts_allowed:
            return ()
        after = self.order.index(self.cursor) + 1 if self.cursor in self.order else 0
        return (*self.order[after:], *self.order[:after])

    def is_due(self, name: str) -> bool:
        """Whether that guest may be started now, as far as it is concerned."""
        return name in self.views and name not in self.passed and self.views[name].due

    @property
    def hesitates(self) -> bool:
        """Somebody is due, and waits for those that come first."""
        return self.next_due is None and any(map(self.is_due, self.turn))

    @property
    def unstopped(self) -> list[View]:
        """The guests that the environment wants down and that are not, last started first."""
        views = [self.views[name] for name in reversed(self.order) if name in self.views]
        return [view for view in views if view.state != "stopped" and not view.exempt]

    @property
    def all_down(self) -> bool:
        """Every guest has shown itself, and is stopped or exempt."""
        return self.views.keys() >= set(self.order) and not self.unstopped

    @property
    def next_stop(self) -> View | None:
        """The next of them that has not been asked to stop yet."""
        return next((view for view in self.unstopped if view.state not in ("stopping", "will_stop")), None)


@frozen
class Step:
    """What a transition came to."""

    state: "State"
    situation: Situation
    alarms: Plan | None = None  # of the state alone; None: all stand
    effects: tuple[Effect, ...] = ()

    def after(self, *effects: Effect) -> "Step":
        """The same step, with effects that come before its own."""
        return evolve(self, effects=effects + self.effects)


# --- States -----------------------------------------------------------------------------------------------------------


@frozen
class State(GraphState):
    """What all states share."""

    hibernates: ClassVar[bool] = False

    @property
    def target(self) -> str | None:
        """The guest that this state is about."""
        return None

    def lasting(self) -> dict[str, Any]:
        """The state as plain data."""
        return {"name": self.name, **asdict(self)}

    def resumed(self) -> "State":
        """The state as a service that comes up takes it up."""
        return self

    def plan(self, now: Situation) -> Plan:
        """The alarms of this state at full length."""
        raise NotImplementedError

    def alarm(self, now: Situation, fired: Fired) -> Step:
        raise NotImplementedError

    def device_changed(self, now: Situation, old: View | None, new: View) -> Step:
        return self.stay(now)

    def device_refused(self, now: Situation, refused: DeviceRefused) -> Step:
        return self.stay(now)

    def waited(self, now: Situation) -> Step:
        """One that was awaited has said how it is, or none is awaited any more."""
        return self.stay(now)

    def environment(self, now: Situation) -> Step:
        """The environment was judged anew: heat is handled in every state."""
        return enter_will_hibernate(self, now) if now.environment.hot else self.stay(now)

    def stay(self, now: Situation, *effects: Effect) -> Step:
        return Step(self, now, None, effects)

    def go(self, now: Situation, to: "State", *effects: Effect) -> Step:
        """A transition along the declared graph, with the alarms of the new state.

        Raises:
            IllegalTransitionError: the graph does not allow it.
        """
        if to.name != self.name and to.name not in self.successors:
            raise IllegalTransitionError(self.name, to.name)
        return Step(to, now, to.plan(now), effects)


@frozen
class StartDevices(State):
    """The choice of the guest that is started next; left at once."""

    name: ClassVar[str] = "start_devices"
    successors: ClassVar[frozenset[str]] = frozenset({"start_next_device", "normal", "will_hibernate"})

    def plan(self, now: Situation) -> Plan:
        return {"look": Alarm(now.config.normal_interval_s)}

    def alarm(self, now: Situation, fired: Fired) -> Step:
        return choose(self, now)

    def device_changed(self, now: Situation, old: View | None, new: View) -> Step:
        return choose(self, now)


@frozen
class StartNextDevice(State):
    """A guest was asked to start; it is waited for."""

    name: ClassVar[str] = "start_next_device"
    successors: ClassVar[frozenset[str]] = frozenset({"start_devices", "will_hibernate"})

    device: str = ""
    changes: int = 0  # of its view, when it was asked

    def resumed(self) -> "StartNextDevice":
        """Changes are counted anew in each run of the service."""
        return evolve(self, changes=-1)

    @property
    def target(self) -> str | None:
        return self.device

    def plan(self, now: Situation) -> Plan:
        view = now.views.get(self.device)
        start_timeout_s = view.start_timeout_s if view else 0.0
        return {"guard": Alarm(start_timeout_s + now.config.stagger_s + GUARD_MARGIN_S)}

    def device_changed(self, now: Situation, old: View | None, new: View) -> Step:
        over = new.name == self.device and new.changes > self.changes and new.state != "starting"
        if old is None and new.name == self.device and not over:
            return Step(self, now, self.plan(now))  # only now is it known how long its start may take
        return choose(self, now) if over else self.stay(now)

    def device_refused(self, now: Situation, refused: DeviceRefused) -> Step:
        if refused.name != self.device:
            return self.stay(now)
        event = Draft("wagman.start_refused", refused.name, {"reason": refused.reason})
        return choose(self, passed_over(now, refused.name)).after(event)

    def alarm(self, now: Situation, fired: Fired) -> Step:
        return choose(self, passed_over(now, self.device)).after(Draft("wagman.start_stalled", self.device))


@frozen
class Normal(State):
    """All that is due runs."""

    name: ClassVar[str] = "normal"
    successors: ClassVar[frozenset[str]] = frozenset({"start_devices", "will_hibernate"})

    def plan(self, now: Situation) -> Plan:
        return {"look": Alarm(now.config.normal_interval_s)}

    def alarm(self, now: Situation, fired: Fired) -> Step:
        now = evolve(now, passed=frozenset())
        return choose(self, now) if now.next_due else Step(self, now, self.plan(now))

    def device_changed(self, now: Situation, old: View | None, new: View) -> Step:
        """A guest that stops and is due is started at once; one that becomes due later waits for the alarm."""
        just_stopped = new.state == "stopped" and (old is None or old.changes != new.changes)
        return choose(self, now) if just_stopped and new.due and now.next_due else self.stay(now)

    def waited(self, now: Situation) -> Step:
        return choose(self, now) if now.next_due else self.stay(now)


@frozen
class WillHibernate(State):
    """Too hot: the guests are taken down one by one."""

    name: ClassVar[str] = "will_hibernate"
    successors: ClassVar[frozenset[str]] = frozenset({"hibernating", "normal"})
    hibernates: ClassVar[bool] = True

    def plan(self, now: Situation) -> Plan:
        return {"stop": Alarm(now.config.hibernate_interval_s)}

    def alarm(self, now: Situation, fired: Fired) -> Step:
        if now.environment.calm:
            return enter_normal(self, now)  # after a restart without the sensors that led here, nothing else would tell
        if now.all_down:
            return enter_hibernating(self, now)
        return Step(self, now, self.plan(now), stop_next(now))

    def device_changed(self, now: Situation, old: View | None, new: View) -> Step:
        return enter_hibernating(self, now) if now.all_down else self.stay(now)

    def environment(self, now: Situation) -> Step:
        return enter_normal(self, now) if now.environment.calm else self.stay(now)


@frozen
class Hibernating(State):
    """All that must be down is down, for a while at least."""

    name: ClassVar[str] = "hibernating"
    successors: ClassVar[frozenset[str]] = frozenset({"normal"})
    hibernates: ClassVar[bool] = True

    rested: bool = False  # the shortest hibernation is over

    def plan(self, now: Situation) -> Plan:
        minimum = {} if self.rested else {"minimum": Alarm(now.config.hibernate_min_s)}
        return {"stop": Alarm(now.config.hibernate_interval_s), **minimum}

    def alarm(self, now: Situation, fired: Fired) -> Step:
        if fired.name == "minimum":
            return self.rest_over(now)
        if self.rested and now.environment.calm:
            return enter_normal(self, now)  # after a restart without the sensors that led here, nothing else would tell
        plan = {"stop": Alarm(now.config.hibernate_interval_s), "minimum": KEEP}
        return Step(self, now, plan, stop_next(now))

    def rest_over(self, now: Situation) -> Step:
        rested = Hibernating(rested=True)
        return enter_normal(self, now) if now.environment.calm else Step(rested, now, {"stop": KEEP})

    def environment(self, now: Situation) -> Step:
        return enter_normal(self, now) if self.rested and now.environment.calm else self.stay(now)


STATES: dict[str, type[State]] = checked_graph(StartDevices, StartNextDevice, Normal, WillHibernate, Hibernating)

# --- Ways into the states ---------------------------------------------------------------------------------------------


def choose(old: State, now: Situation) -> Step:
    """Through StartDevices: on to the next due guest, or to Normal."""
    here = StartDevices()
    if old.name != here.name:
        old.go(now, here)
    view = now.next_due
    if view is None:
        return enter_normal(here, now)
    new = StartNextDevice(device=view.name, changes=view.changes)
    event = Draft("wagman.start_next_device", view.name, {"recover": view.recover})
    return here.go(evolve(now, cursor=view.name), new, event, StartDevice(view.name, view.recover))


def enter_normal(old: State, now: Situation) -> Step:
    """Enter Normal; out of hibernation the guests are told."""
    told = (Hibernate(active=False),) if old.hibernates else ()
    return old.go(now, Normal(), Draft("wagman.normal"), *told)


def enter_will_hibernate(old: State, now: Situation) -> Step:
    """Enter WillHibernate, and pass through it when all are down already."""
    new = WillHibernate()
    step = old.go(now, new, Draft("wagman.will_hibernate"), Hibernate(active=True))
    return enter_hibernating(new, now).after(*step.effects) if now.all_down else step


def enter_hibernating(old: State, now: Situation) -> Step:
    """Enter Hibernating: afterwards it begins with the first guest again."""
    return old.go(evolve(now, cursor=None), Hibernating(), Draft("wagman.hibernating"))


def stop_next(now: Situation) -> tuple[Effect, ...]:
    """Ask the next guest to stop, if one is left to be asked."""
    view = now.next_stop
    return (StopDevice(view.name),) if view else ()


def passed_over(now: Situation, name: str) -> Situation:
    """A start that led nowhere waits until the guest has changed, or the next look: no two tasks spin on each other."""
    return evolve(now, passed=now.passed | {name})


# --- The machine ------------------------------------------------------------------------------------------------------


def step(state: State, now: Situation, item: Input) -> Step:
    """One transition of the machine; the alarms of the step are complete, those of the environment included.

    Raises:
        IllegalTransitionError: a defect; nothing was changed.
    """
    result = react(state, now, item)
    return evolve(result, alarms=complete(state, now, result, item))


def react(state: State, now: Situation, item: Input) -> Step:
    """The transition itself, with the alarms of the state alone."""
    match item:
        case DeviceChanged():
            return device_changed(state, now, item.view)
        case DeviceRefused():
            return state.device_refused(now, item)
        case PowerFailed():
            return state.stay(power_failed(now, item.names))
        case Blindness():
            return state.stay(evolve(now, blind=item.blind))
        case Sample():
            return judged(state, now, now.environment.sampled(item))
        case Fired() if item.name == ORDER:
            return state.waited(evolve(now, awaited=frozenset()))
        case Fired() if item.name == FIRST_VERDICT:
            return state.stay(evolve(now, environment=evolve(now.environment, waited=True)))
        case Fired() if item.name == RELEASE:
            return judged(state, now, now.environment.released())
        case Fired() if item.name.startswith(STALE):
            return judged(state, now, now.environment.stale(item.name.removeprefix(STALE)))
        case Fired():
            return state.alarm(now, item)


def device_changed(state: State, now: Situation, view: View) -> Step:
    """Take in the view; a guest that has not heard whether guests may run is told."""
    old = now.views.get(view.name)
    awaited = now.awaited - {view.name} if view.known else now.awaited
    after = evolve(now, views={**now.views, view.name: view}, awaited=awaited, passed=now.passed - {view.name})
    result = state.device_changed(after, old, view)
    if awaited != now.awaited and result == state.stay(after):
        result = state.waited(after)
    if view.hibernating == result.state.hibernates or any(isinstance(effect, Hibernate) for effect in result.effects):
        return result
    return result.after(Hibernate(result.state.hibernates, view.name))


def power_failed(now: Situation, names: frozenset[str]) -> Situation:
    """Those that ran are awaited. Where nobody is left, and somebody had come up, it all begins with the first again.

    A board that restarts while the first guest does not come up starves none of the others so.
    """
    running = {view.name for view in now.views.values() if view.state != "stopped"}
    had_come_up = any(view.state in ("started", "stopping", "restarting") for view in now.views.values())
    cursor = None if running <= names and had_come_up else now.cursor
    return evolve(now, awaited=now.awaited | (running & names), cursor=cursor)


def judged(state: State, now: Situation, news: tuple[Environment, tuple[Draft, ...]]) -> Step:
    """Take in the environment; the state hears of it only when a verdict may have changed."""
    environment, events = news
    after = evolve(now, environment=environment)
    return state.environment(after).after(*events) if events else state.stay(after)


def complete(before: State, was: Situation, result: Step, item: Input) -> Plan:
    """The state's alarms (all kept, where the step says nothing of them) and the environment's."""
    of_state = result.alarms if result.alarms is not None else dict.fromkeys(before.plan(was), KEEP)
    environment = result.situation.environment
    matters, mattered = keeps_down(result.state, environment), keeps_down(before, was.environment)
    is_new = not (was.environment.doubtful and mattered)
    told = item if isinstance(item, Sample) else None
    return {**environment.alarms(told, doubt_matters=matters, doubt_is_new=is_new), **of_order(was, result.situation), **of_state}


def of_order(was: Situation, now: Situation) -> Plan:
    """The alarm that bounds how long somebody who is due waits for those that come first."""
    if not now.hesitates:
        return {}
    return {ORDER: KEEP if was.hesitates else Alarm(ORDER_S)}


def keeps_down(state: State, environment: Environment) -> bool:
    """Guests are kept from running by what the enclosure is like, or was when last it told."""
    return state.hibernates or any(sensor.cold for sensor in environment.sensors.values())


def resumed(state: State, now: Situation) -> Plan:
    """All alarms at full length, for a service that comes up in `state`."""
    environment = now.environment
    stale = {STALE + name: Alarm(environment.config.stale_s) for name in environment.sensors}
    unsure = keeps_down(state, environment) and environment.doubtful
    release: Plan = {RELEASE: Alarm(environment.config.unknown_release_s)} if unsure else {}
    order: Plan = {ORDER: Alarm(ORDER_S)} if now.hesitates else {}
    return {FIRST_VERDICT: Alarm(now.config.first_verdict_s), **stale, **release, **order, **state.plan(now)}


def reconfigured(state: State, now: Situation) -> Step:
    """Another configuration: what was found of the enclosure may mean something else now; all alarms are at full length."""
    result = state.environment(now)
    return evolve(result, alarms=resumed(result.state, result.situation))


def restored(saved: Mapping[str, Any]) -> State:
    """The state that `lasting()` gave, ready to be resumed: no on-enter effect is run.

    Raises:
        StoreError: it is not one; what was saved cannot be trusted.
    """
    try:
        fields = dict(saved)
        state = STATES[fields.pop("name")](**fields)
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"what was saved of the Wagman machine is no state of it: {saved!r}") from error
    return state.resumed()
