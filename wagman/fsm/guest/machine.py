"""The step of a guest's machine: which handler takes an input, what a command changes first, how a state is restored."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve, fields

from wagman.fsm.alarms import KEEP, Alarm, Fired, Plan
from wagman.fsm.graph import checked_graph
from wagman.fsm.guest.booting import Relay, Starting, WillStop
from wagman.fsm.guest.halting import HaltMessage, Restarting, Stopping
from wagman.fsm.guest.inputs import Hibernation, Input, MessageDone, Operator, PowerFact, Review, WagmanStart, WagmanStop
from wagman.fsm.guest.maintenance import Maintenance
from wagman.fsm.guest.situation import Situation, Step
from wagman.fsm.guest.started import Started
from wagman.fsm.guest.state import State, states
from wagman.fsm.guest.stopped import Stopped
from wagman.model.errors import StoreError
from wagman.model.facts import (
    Beat,
    BoardStopping,
    PowerDoubted,
    PowerFound,
    PowerGoal,
    PowerLost,
    RelayAsked,
    RelayOff,
    RelayOn,
    Term,
)
from wagman.model.words import NOT_KNOWN_YET, duration, enumerated

STATES: dict[str, type[State]] = checked_graph(Stopped, Starting, WillStop, Started, Stopping, Restarting, Maintenance)
vars(states).update(STATES)

TERM = "term"
"""The alarm at which a timed order ends. It runs beside the alarms of the state, and no state names it."""

STAND: Plan = dict.fromkeys(("settle", "backoff", "adopt", "timeout", "heartbeat", "stable", "resend"), KEEP)
"""The plan of a step that keeps all alarms of the state."""


def step(state: State, now: Situation, item: Input) -> Step:
    """One transition of the machine.

    Raises:
        IllegalTransitionError: a defect; nothing was changed.
    """
    return timed(taken(state, now, item), now.memory.term)


def timed(came: Step, before: Term | None) -> Step:
    """The step with the `TERM` alarm added. A new order begins its full time, even if it is as long as the old one."""
    term = came.memory.term
    if term is before and (term is None or came.alarms is None):
        return came
    ends: Plan = {} if term is None else {TERM: KEEP if term is before else Alarm(term.left_s)}
    return evolve(came, alarms={**(STAND if came.alarms is None else came.alarms), **ends})


def resume(state: State, now: Situation) -> Plan:
    """All alarms at full length, for a service that starts in `state`."""
    term = now.memory.term
    return {**state.resume(now), **({} if term is None else {TERM: Alarm(term.left_s)})}


def goal(state: State, now: Situation) -> PowerGoal:
    """The power that the state asks for. Who is not to run, and was not asked to halt yet, is not switched on once more."""
    asked = state.power(now.memory)
    is_leaving = isinstance(state, Starting | Started) and not now.welcome
    return evolve(asked, leaving=True) if is_leaving else asked


def taken(state: State, now: Situation, item: Input) -> Step:
    """The step that the state makes of the input."""
    match item:
        case Beat():
            return state.on_heartbeat(now, item)
        case Fired() if item.name == TERM:
            return over(state, now)
        case Fired():
            return ringing(state, item.name)(now, item)
        case Operator():
            return command(state, now, item)
        case Review():
            return review(state, now, item)
        case WagmanStart() if obstacle := withheld(now):
            # mark turn-of-a-guest-that-may-not-run
            return state.refuse_start(now, obstacle)
        case WagmanStart():
            return state.on_wagman_start(now)
        case WagmanStop():
            return wagman_stop(state, now, item)
        case Hibernation():
            return hibernation(state, now, item)
        case RelayAsked() | RelayOn() | MessageDone() if item.cycle != now.memory.cycle:
            # It belongs to a power cycle that is over: what runs now was neither switched on nor asked by it.
            return state.stay(now)
        case MessageDone():
            return state.on_message_done(now, item)
        case _:
            return power_fact(state, now, item)


def ringing(state: State, alarm: str) -> Callable[[Situation, Fired], Step]:
    """The handler of an alarm: `on_timeout`, `on_resend` and so on; `on_silence` for the alarm `heartbeat`."""
    handler: Callable[[Situation, Fired], Step] = getattr(state, "on_silence" if alarm == "heartbeat" else f"on_{alarm}")
    return handler


def power_fact(state: State, now: Situation, fact: PowerFact) -> Step:
    """Hand a fact about the guest's power to its handler."""
    match fact:
        case RelayAsked():
            return state.on_relay_asked(now, fact)
        case RelayOn():
            return state.on_relay_on(now, fact)
        case RelayOff():
            return state.on_relay_off(now, fact)
        case PowerLost():
            return state.on_power_lost(now, fact)
        case PowerFound():
            return state.on_power_found(now, fact)
        case PowerDoubted():
            # mark power-that-is-doubted
            return state.stay(now, now.event("power_doubted", why=fact.why))
        case BoardStopping():
            return state.on_board_stopping(now, fact)
        case _:
            return state.stay(now, now.event("relay_stuck", rounds=fact.rounds))


def command(state: State, now: Situation, ask: Operator) -> Step:
    """Carry out an operator's command: the memory changes before the state is asked. A refused command changes nothing."""
    if why_not := refusal(now, ask):
        return state.stay(now).refuse(why_not)
    if ask.verb != "enable":  # enabling does not decide when the guest runs
        now = now.remember(term=None)
    match ask.verb:
        case "start" | "restart":
            exempt = now.memory.exempt or now.memory.hibernating
            up = now.remember(wanted="up", exempt=exempt, brownouts=0, held=False)
            up = evolve(up, waits_for=()) if ask.force else up
            return state.on_start(up) if ask.verb == "start" else state.on_restart(up, "asked by the operator")
        case "stop":
            return stop(state, now.remember(wanted="down"), ask.for_s)
        case "maintenance":
            return maintenance(state, now, ask.for_s)
        case "kill":
            return state.on_kill(now.remember(wanted="down"))
        case "disable":
            return halt(state, now.remember(wanted="down", enabled=False), "disabled by the operator")
        case _:
            return state.stay(now.remember(enabled=True)).accept("enabled")


def stop(state: State, now: Situation, for_s: float | None) -> Step:
    """Stop the guest, until an operator says otherwise or for `for_s` seconds."""
    if for_s is None:
        return halt(state, now, "asked by the operator")
    for_so_long = f"for {duration(for_s)}"
    step = halt(state, now.remember(term=Term("stop", for_s)), f"asked by the operator, {for_so_long}")
    verdict = step.verdict
    return step if verdict is None else step.accept(f"{verdict.reason}; it is to run again after {duration(for_s)}")


def maintenance(state: State, now: Situation, for_s: float | None) -> Step:
    """Begin a maintenance of `for_s` seconds, or (None) end it."""
    if for_s is None:
        return state.on_maintenance_over(now, "ended by the operator").accept("it is looked at anew")
    lasts = duration(for_s)
    step = state.on_maintenance(now.remember(term=Term("maintenance", for_s)), f"asked by the operator, for {lasts}")
    # A guest that was stopped for a while is among those that nobody wants up any more: its end is forgotten with the order.
    may_run = now.allowed and now.memory.wanted == "up"
    then = (
        "it is taken over where it runs, else started if it is to run"
        if may_run
        else "it is to be off, and asked to halt where it runs, unless somebody starts it"
    )
    return step.accept(
        f"left alone for {lasts} from now on: its power stays as it is, and it is asked for nothing; then {then}; "
        f"wagman maintenance {now.config.name} --end ends that sooner"
    )


def over(state: State, now: Situation) -> Step:
    """The time of a timed order is over. A guest that was stopped for a while is wanted up, and is started in its turn."""
    after = now.remember(term=None)
    if now.memory.maintained:
        return state.on_maintenance_over(after, "its time is over")
    return state.stay(after.remember(wanted="up"), now.event("stop_over"))


def refusal(now: Situation, ask: Operator) -> str:
    """Why the command is refused; empty if it is not."""
    if ask.verb == "maintenance":
        return "" if now.memory.maintained or ask.for_s is not None else "it is not in maintenance"
    if now.memory.maintained:
        return f"it is in maintenance: wagman maintenance {now.config.name} --end ends that first"
    return obstacle(now, ask)


def obstacle(now: Situation, ask: Operator) -> str:
    """Why a command that acts on the guest is refused, apart from maintenance; empty if it is not."""
    if now.config.leads_to and ask.verb in ("stop", "kill", "disable") and not ask.force:
        # mark operator-against-the-way
        return UNREACHED.format(boards=enumerated(now.config.leads_to), verb=ask.verb)
    if (ask.verb in ("start", "restart", "enable") or ask.for_s is not None) and not now.config.enabled:
        # mark operator-against-the-configuration
        return FORBIDDEN
    if ask.verb not in ("start", "restart") and ask.for_s is None:
        return ""
    if not now.memory.enabled:
        return "it is disabled: enable it first"
    if ask.verb != "stop" and now.memory.forbidden and not ask.force:
        # mark operator-against-the-heat
        return "hibernating: the environment forbids it; use --force to start it all the same"
    return ""


UNREACHED = (
    "{boards} would not be reached while it is off, and nothing there could be switched on: restart it instead, "
    "or use --force to {verb} it all the same"
)
"""The answer to a stop of a guest through which boards are reached."""

FORBIDDEN = "its table in the configuration says enabled = false: change that in the file, then reload the service"
"""The answer to whoever asks for a guest that the configuration disables."""


def withheld(now: Situation) -> str:
    """Why the scheduler may not start the guest, apart from its state; empty if it may."""
    if not now.config.enabled:
        # mark turn-of-a-guest-that-may-not-run
        return "the configuration disables it"
    return "what was decided about it cannot be read" if now.withheld else ""


def review(state: State, now: Situation, said: Review) -> Step:
    """Look again at whether the guest may run. If not, it is asked to halt, never just cut; if so, it waits for its turn."""
    if said.recalled and now.memory.term is not None:
        now = now.remember(term=evolve(now.memory.term))  # the alarm begins anew, with what is left of the order
    if now.memory.maintained:
        left_alone = isinstance(state, Maintenance)
        return state.stay(now) if left_alone else evolve(state.on_maintenance(now, DECIDED_BEFORE), verdict=None)
    if isinstance(state, Maintenance):
        # mark maintenance-of-an-older-memory
        return state.on_maintenance_over(now, DECIDED_BEFORE)
    may_run = now.allowed and now.memory.wanted == "up"
    if isinstance(state, Stopped):
        # A kill, or the end of a stop, that an older log still has to carry out: it may have been started since.
        is_outdated = said.recalled and may_run and state.firm
        return evolve(state, firm=False).stay(now) if is_outdated else state.stay(now)
    if may_run:
        return state.stay(now)
    reason = "disabled in the configuration" if not now.config.enabled else DECIDED_BEFORE
    return evolve(halt(state, now, reason), verdict=None)  # there is no request to answer


def halt(state: State, now: Situation, reason: str) -> Step:
    """The guest is to halt. It goes on while guests that come after it are on their way down; a `Review` ends that."""
    if now.leaning and isinstance(state, Started):
        return state.stay(now).accept(f"it is asked to halt after {enumerated(now.leaning)}")
    return state.on_stop(now, reason)


DECIDED_BEFORE = "an operator decided so before"


def wagman_stop(state: State, now: Situation, said: WagmanStop) -> Step:
    """The scheduler's stop. A guest that is off, was started by force, or is in maintenance is left alone."""
    if isinstance(state, Stopped | Maintenance) or now.memory.exempt or now.config.leads_to:
        return state.stay(now)
    return state.on_stop(now, said.reason)


def hibernation(state: State, now: Situation, said: Hibernation) -> Step:
    """The scheduler says whether guests may run; when they may, every exemption ends.

    A guest through which boards are reached takes no part in hibernation.
    """
    if now.config.leads_to:
        # mark way-in-the-heat
        return state.stay(now.remember(hibernating=False))
    exempt = now.memory.exempt and said.active
    return state.stay(now.remember(hibernating=said.active, exempt=exempt))


def untrusted() -> Stopped:
    """The state of a guest of which nothing is known: its power is left alone until the adopt window ends."""
    return Stopped(NOT_KNOWN_YET, untouched=True, cut=0)


def restored(saved: Mapping[str, Any]) -> State:
    """The state that `State.lasting()` saved. `State.resumed()` takes it up; its `on_enter` is not run again.

    Raises:
        StoreError: it is no state of a guest.
    """
    # mark no-state-of-a-guest
    try:
        rest = dict(saved)
        state = STATES[rest.pop("name")]
        for each in fields(state):
            if each.type in (Relay, HaltMessage):
                rest[each.name] = each.type(**{part.name: rest.pop(part.name) for part in fields(each.type) if part.name in rest})
        return state(**rest)
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"what was saved of a guest is no state of it: {saved!r}") from error
