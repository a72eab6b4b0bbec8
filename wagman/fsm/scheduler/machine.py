"""The step of the scheduler: from an input to the next state, with the alarms of the enclosure and of the start order."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve

from wagman.fsm.alarms import KEEP, Alarm, Fired, Plan
from wagman.fsm.environment import FIRST_VERDICT, RELEASE, STALE, Environment
from wagman.fsm.scheduler.inputs import (
    GuestChanged,
    GuestRefused,
    Hibernate,
    Input,
    Ordered,
    PowerFailed,
    ReviewGuest,
    View,
    Visibility,
)
from wagman.fsm.scheduler.situation import Situation
from wagman.fsm.scheduler.states import STATES, State, Step
from wagman.model.errors import StoreError
from wagman.model.facts import Draft, Sample

ORDER = "order"

AFTER, BEFORE = "after:", "before:"
"""How the names of two alarms begin: one bounds the wait for a guest's start, the other the wait for its end."""

ORDER_S = 120.0
"""How long a due guest waits for an earlier one of which it is not known yet whether it runs.

Chosen: above the usual `adopt_window`.
"""


def step(state: State, now: Situation, item: Input) -> Step:
    """One transition of the scheduler; its alarms are complete, those of the environment included.

    Raises:
        IllegalTransitionError: a defect; nothing was changed.
    """
    came = let_go(told(state.forbidden(now), settled(react(state, now, item)), item), item)
    before = in_full(state, now)
    # Most inputs at rest change nothing; then the alarms are the same, too.
    after = before if came.state is state and came.now is now else in_full(came.state, came.now)
    return evolve(came, alarms=standing(before, after, came, item))


def taken_up(state: State, now: Situation) -> Step:
    """Go on in `state` with all alarms at full length: when the service comes up, or with another configuration."""
    came = settled(state.stay(now))
    return evolve(let_go(told(state.forbidden(now), came)), alarms=in_full(came.state, came.now))


def settled(came: Step) -> Step:
    """The step, followed by the transitions that the situation alone calls for."""
    noted = came.state.noted(came.now)
    if noted is not came.state:
        came = evolve(came, state=noted)
    state = came.state.leads_to(came.now)
    return came if state is None else settled(came.state.goto(state, came.now).after(*came.effects))


def told(before: frozenset[str], came: Step, item: Input | None = None) -> Step:
    """Add a `Hibernate` for each guest that may run from now on, or may not any more.

    A guest whose view shows that it has not heard yet is told again. `before`: the guests that might not run until now.
    """
    forbidden = came.state.forbidden(came.now)
    changed = [name for name in came.now.order if (name in forbidden) != (name in before)]
    if changed:
        alike = len(changed) == len(came.now.order) and (not forbidden or not before)
        return came.after(*([Hibernate(bool(forbidden))] if alike else [Hibernate(name in forbidden, name) for name in changed]))
    if isinstance(item, GuestChanged) and item.view.hibernating != (item.view.name in forbidden):
        return came.after(Hibernate(item.view.name in forbidden, item.view.name))
    return came


def let_go(came: Step, item: Input | None = None) -> Step:
    """Add a `ReviewGuest` for each guest that is to stop and need not wait for others any more."""
    now, last = came.now, item.view.name if isinstance(item, GuestChanged) else ""
    going = [view.name for view in now.views.values() if view.leaving and not now.leaning(view.name)]
    return came.after(*(ReviewGuest(name, last if last in now.behind(name) else None) for name in going))


# --- Inputs -----------------------------------------------------------------------------------------------------------


def react(state: State, now: Situation, item: Input) -> Step:
    """The step that the state makes of the input itself."""
    match item:
        case GuestChanged():
            return guest_changed(state, now, item.view)
        case GuestRefused():
            return state.on_guest_refused(now, item)
        case PowerFailed():
            return state.stay(power_failed(now, item.names))
        case Visibility():
            return state.stay(evolve(now, unseen=now.unseen | item.names if item.blind else now.unseen - item.names))
        case Ordered():
            return state.stay(evolve(now, hibernation=item.hibernation))
        case Sample():
            return judged(state, now, now.environment.sampled(item))
        case Fired():
            return rung(state, now, item.name)


def rung(state: State, now: Situation, alarm: str) -> Step:
    """An alarm of the start order, of the environment, or of the state."""
    environment = now.environment
    if alarm == ORDER:
        return state.on_order(evolve(now, awaited=frozenset()))
    if alarm.startswith(AFTER):
        return state.on_order(evolve(now, overdue=now.overdue | {alarm.removeprefix(AFTER)}))
    if alarm.startswith(BEFORE):
        return state.stay(evolve(now, lingering=now.lingering | {alarm.removeprefix(BEFORE)}))
    if alarm == FIRST_VERDICT:
        return state.stay(evolve(now, environment=evolve(environment, waited=True)))
    if alarm == RELEASE:
        return judged(state, now, environment.released())
    if alarm.startswith(STALE):
        return judged(state, now, environment.stale(alarm.removeprefix(STALE)))
    handler: Callable[[Situation], Step] = getattr(state, f"on_{alarm}")
    return handler(now)


def guest_changed(state: State, now: Situation, view: View) -> Step:
    """Take in a guest's view. If others waited for this guest, that may let them start."""
    old = now.views.get(view.name)
    awaited = now.awaited - {view.name} if view.known else now.awaited
    after = evolve(now, views={**now.views, view.name: view}, awaited=awaited, passed=now.passed - {view.name})
    after = evolve(after, overdue=overdue(now, old, view), lingering=lingering(now, view))
    came = state.on_guest_changed(after, old, view)
    is_news = awaited != now.awaited or bool(now.waiting - after.waiting)
    return state.on_order(after) if is_news and came == state.stay(after) else came


def overdue(now: Situation, old: View | None, new: View) -> frozenset[str]:
    """The guests that had their time to come up. A failed start adds a guest; being up, or not to run, removes it."""
    if new.state == "started" or not new.wanted:
        return now.overdue - {new.name}
    has_failed = old is not None and old.state == "starting" and new.state not in ("starting", "will_stop") and not new.due
    return now.overdue | {new.name} if has_failed else now.overdue


def lingering(now: Situation, new: View) -> frozenset[str]:
    """The guests that had their time to stop. A guest that is down, or is to run again, is removed."""
    return now.lingering - {new.name} if new.wanted or new.state == "stopped" else now.lingering


def power_failed(now: Situation, names: frozenset[str]) -> Situation:
    """Await the guests that lost their power. If no other guest runs, and one had come up, the start order begins anew.

    The second condition keeps a board that restarts whenever the first guest boots from starving the others.
    """
    running = {view.name for view in now.views.values() if view.state != "stopped"}
    had_come_up = any(view.state in ("started", "stopping", "restarting") for view in now.views.values())
    cursor = None if running <= names and had_come_up else now.cursor
    return evolve(now, awaited=now.awaited | (running & names), cursor=cursor)


def judged(state: State, now: Situation, news: tuple[Environment, tuple[Draft, ...]]) -> Step:
    """Take in the environment, and the events about it."""
    environment, events = news
    return state.stay(evolve(now, environment=environment), *events)


# --- Alarms -----------------------------------------------------------------------------------------------------------


def standing(before: Plan, after: Plan, came: Step, item: Input) -> Plan:
    """The alarms after a step: new, changed and restarted ones are armed, the others stand."""
    anew = {*(came.state.plan(came.now) if came.entered else ()), begun_again(item)}
    return {name: alarm if name in anew or alarm != before.get(name) else KEEP for name, alarm in after.items()}


def begun_again(item: Input) -> str | None:
    """The alarm that an input begins again, or None."""
    # A sensor's alarm that fired waits for the next reading of that sensor.
    match item:
        case Fired() if not item.name.startswith(STALE):
            return item.name
        case Sample() if item.value is not None:
            return STALE + item.sensor
    return None


def in_full(state: State, now: Situation) -> Plan:
    """All alarms at full length: of the environment, of the start order, and of the state."""
    environment = now.environment
    plan = {STALE + name: Alarm(environment.config.stale_s) for name in environment.sensors}
    if not environment.waited:
        plan[FIRST_VERDICT] = Alarm(now.config.first_verdict_s)
    # Guests are kept from running only so long by a sensor that tells nothing any more.
    if environment.doubtful and (state.by_heat or environment.cold):
        plan[RELEASE] = Alarm(environment.config.unknown_release_s)
    if now.hesitates:
        plan[ORDER] = Alarm(ORDER_S)
    plan |= {AFTER + name: Alarm(now.longest_start_s(name)) for name in now.hurried}
    plan |= {BEFORE + name: Alarm(now.longest_stop_s(name)) for name in now.pressed}
    return {**plan, **state.plan(now)}


# --- Coming up --------------------------------------------------------------------------------------------------------


def restored(saved: Mapping[str, Any]) -> State:
    """The state that `lasting()` saved; its `on_enter` is not run again.

    Raises:
        StoreError: it is no state of the scheduler.
    """
    try:
        fields = dict(saved)
        fields.pop("changes", None)  # version 0.1.0 used it to tell whether a start was over
        return STATES[fields.pop("name")](**fields)
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"what was saved of the scheduler is no state of it: {saved!r}") from error
