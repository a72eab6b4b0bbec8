"""The states of a guest: six classes, each total over the inputs. `wagman.fsm.device` tells the theory."""

from collections.abc import Callable
from typing import Any, ClassVar, Literal

from attrs import asdict, evolve, fields, frozen

from wagman.config.schema import DeviceConfig
from wagman.fsm.alarms import KEEP, LEAST_BOOT_S, Alarm, Fired, Plan
from wagman.fsm.case import (
    Case,
    Memory,
    Step,
    counted_attempt,
    counted_failure,
    counted_loss,
    loss_report,
    start_fields,
    uncounted_attempt,
    unrecoverable_report,
)
from wagman.fsm.graph import GraphState, IllegalTransitionError, checked_graph
from wagman.fsm.inputs import Effect, Message, MessageDone, StartRefused
from wagman.model.facts import (
    UNTOUCHED,
    Beat,
    BoardStopping,
    Draft,
    PowerFound,
    PowerGoal,
    PowerLost,
    RelayAsked,
    RelayOff,
    RelayOn,
)

ADOPT_APART_S = 10.0
"""Two beats at least this far apart show that a guest is running (chosen: more than a stale edge can produce)."""

HEARD_BEATS = 3
"""A guest that lives is heard within so many of its beats (chosen, as the configuration is checked by)."""

ALL: Plan = {"heartbeat": KEEP, "timeout": KEEP, "resend": KEEP}
"""The plan of a transition that lets the deadlines stand."""

# --- States -----------------------------------------------------------------------------------------------------------


@frozen
class State(GraphState):
    """What all states share. A handler that is not overridden says: in this state that is of no consequence."""

    def power(self, memory: Memory) -> PowerGoal:
        """The wanted level of the relay: on, in the current cycle, unless the state says otherwise."""
        return PowerGoal("on", memory.cycle, memory.media, already=True)

    def resume(self, case: Case) -> Plan:
        """The alarms of this state at full length, for a service that comes up in it."""
        raise NotImplementedError

    def lasting(self) -> dict[str, Any]:
        """The state as plain data; times are left out, they mean nothing in another run."""
        return {"name": self.name, **asdict(self, filter=lambda a, _: not a.name.endswith("_at_s"))}

    def left_off(self, now_s: float, left_s: Callable[[str], float | None]) -> "State":
        """The state as it is kept at `now_s`: with what was waited, or is left of an alarm, as lengths of time."""
        return self

    def resumed(self, case: Case, now_s: float, away_s: float | None) -> "State":
        """The state as a service that comes up at `now_s` takes it up, `away_s` after it was left off (None: nobody knows)."""
        return self

    @property
    def trying(self) -> bool:
        """An attempt has been counted that has not come to its verdict."""
        return False

    # Requests ----------------------------------------------------------------

    def start(self, case: Case) -> Step:
        raise NotImplementedError

    def stop(self, case: Case, reason: str) -> Step:
        raise NotImplementedError

    def restart(self, case: Case, reason: str) -> Step:
        raise NotImplementedError

    def kill(self, case: Case) -> Step:
        return stopped(self, case, "killed by the operator", firm=True).accept("power is being cut")

    def wagman_start(self, case: Case) -> Step:
        return self.stay(case, StartRefused(f"it is {self.name}"))

    # Facts -------------------------------------------------------------------

    def heartbeat(self, case: Case, beat: Beat) -> Step:
        raise NotImplementedError

    def alarm(self, case: Case, fired: Fired) -> Step:
        raise NotImplementedError

    def power_lost(self, case: Case, lost: PowerLost) -> Step:
        """Nothing is counted, and the device is due at once: it did nothing wrong."""
        after = counted_loss(case, lost)
        return stopped(self, uncounted_attempt(after) if self.trying else after, "power lost").after(*loss_report(case, lost))

    def power_found(self, case: Case, found: PowerFound) -> Step:
        return self.stay(case)

    def relay_asked(self, case: Case, asked: RelayAsked) -> Step:
        return self.stay(case)

    def relay_on(self, case: Case, on: RelayOn) -> Step:
        return self.stay(case)

    def relay_off(self, case: Case, off: RelayOff) -> Step:
        return self.stay(case)

    def board_stopping(self, case: Case, stopping: BoardStopping) -> Step:
        return self.stay(case)

    def message_done(self, case: Case, done: MessageDone) -> Step:
        return self.stay(case)

    # Steps -------------------------------------------------------------------

    def stay(self, case: Case, *effects: Effect) -> Step:
        """Nothing changes but, perhaps, the memory."""
        return Step(self, case.memory, None, effects)

    def go(self, case: Case, to: "State", alarms: Plan, *effects: Effect) -> Step:
        """A transition along the declared graph.

        Raises:
            IllegalTransitionError: the graph does not allow it.
        """
        if to.name != self.name and to.name not in self.successors:
            raise IllegalTransitionError(self.name, to.name)
        return Step(to, case.memory, alarms, effects)


@frozen
class Stopped(State):
    """Off, or on its way there. `untouched`: what the port does is not known yet, and its power is left alone."""

    name: ClassVar[str] = "stopped"
    successors: ClassVar[frozenset[str]] = frozenset({"starting", "started", "stopping", "restarting"})

    reason: str = "never started"
    untouched: bool = False
    cut: int = 0  # the last power cycle that may be cut
    firm: bool = False  # the cut does not rest on silence: it stands even if the guest beats meanwhile
    off: bool = False  # the relay was seen off
    backoff_s: float = 0.0  # > 0: not due until the alarm
    beat_at_s: float | None = None  # the first of the two beats that adopt
    settled: bool = False

    def power(self, memory: Memory) -> PowerGoal:
        return UNTOUCHED if self.untouched else PowerGoal("off", self.cut, already=self.off, firm=self.firm)

    def resume(self, case: Case) -> Plan:
        backoff = {"backoff": Alarm(self.backoff_s)} if self.backoff_s > 0 else {}
        heard = case.config.has_heartbeat
        adopt = {"adopt": Alarm(case.config.adopt_window_s, proof=heard, answered=not heard)} if self.untouched else {}
        return {"settle": Alarm(case.config.settle_s), **backoff, **adopt}

    def left_off(self, now_s: float, left_s: Callable[[str], float | None]) -> "State":
        remainder_s = left_s("backoff")
        return self if remainder_s is None else evolve(self, backoff_s=remainder_s)

    def resumed(self, case: Case, now_s: float, away_s: float | None) -> "State":
        """Beats that come at once may have waited for the service."""
        return evolve(self, settled=False, backoff_s=max(0.0, self.backoff_s - (away_s or 0.0)))

    def due(self, memory: Memory) -> bool:
        """The Wagman machine may start it now, as far as the device is concerned."""
        ready = not self.untouched and self.backoff_s <= 0 and not memory.held
        return ready and memory.wanted == "up" and memory.enabled and not memory.forbidden

    def start(self, case: Case) -> Step:
        fresh = case.remember(attempts=0, failures=0, unrecoverable=False)
        if self.untouched:
            return self.stay(fresh).accept("first it is seen whether it already runs")
        return starting(self, fresh, "asked by the operator").accept("power is coming on")

    def restart(self, case: Case, reason: str) -> Step:
        return self.start(case)

    def stop(self, case: Case, reason: str) -> Step:
        words = "first it is seen whether it runs" if self.untouched else "already stopped"
        return self.stay(case, case.event("stopped", reason=self.reason)).accept(words)

    def kill(self, case: Case) -> Step:
        killed = evolve(self, reason="killed by the operator", untouched=False, cut=case.memory.cycle, firm=True)
        case = case.remember(exempt=False)
        plan: Plan = {"settle": KEEP, "backoff": KEEP}
        words = "power is off" if self.off else "power is being cut"
        return self.go(case, killed, plan, case.event("stopped", reason=killed.reason)).accept(words)

    def wagman_start(self, case: Case) -> Step:
        if not self.due(case.memory):
            return self.stay(case, StartRefused(self.obstacle(case.memory)))
        return starting(self, case, "its turn")

    def obstacle(self, memory: Memory) -> str:
        """Why it may not be started now, in plain words."""
        obstacles = (
            (not memory.enabled, "it is disabled"),
            (memory.wanted != "up", "it is not wanted up"),
            (memory.forbidden, "the environment forbids it"),
            (memory.held, "it is held after brownouts"),
            (self.untouched, "it is not known yet whether it runs"),
            (self.backoff_s > 0, "its next try is not due yet"),
        )
        return next((words for is_so, words in obstacles if is_so), "")

    def heartbeat(self, case: Case, beat: Beat) -> Step:
        if not self.settled or not self.believes(case, beat):
            return self.stay(case)
        first = self.beat_at_s
        if first is None or beat.at_s - first > case.config.heartbeat_timeout_s:
            return Step(evolve(self, beat_at_s=beat.at_s), case.memory)
        if beat.at_s - first < ADOPT_APART_S:
            return self.stay(case)
        return self.found_running(case, beats=True, why="it beats")

    def believes(self, case: Case, beat: Beat) -> bool:
        """Whether the beat tells that the guest has power, and that this is to be answered."""
        if not case.config.has_heartbeat:
            return False  # noise on an input that nothing is connected to
        if self.off:
            return beat.source != "control"  # somebody claims to be a guest that has no power
        return not self.firm  # a cut that does not rest on silence is under way: beats do not take it back

    def power_found(self, case: Case, found: PowerFound) -> Step:
        if self.untouched:
            return self.stay(case)  # the adopt window tells
        if found.supply == "unknown":
            return self.doubted(case, found.why)
        return self.found_running(case, beats=False, why=found.why, at_s=found.at_s)

    def found_running(self, case: Case, *, beats: bool, why: str, at_s: float | None = None) -> Step:
        """Take over a guest that runs already; one that should not is asked to halt, never just cut."""
        case = case.remember(cycle=case.memory.cycle + 1)
        if not case.welcome:
            event = case.event("unexpected_heartbeat" if beats else "unexpected_power", why=why)
            return stopping(self, case, "it runs though it should not").after(event)
        if beats or not case.config.has_heartbeat:
            return started(self, case, adopted=True).after(case.event("adopted", why=why))
        return adopted_booting(self, case, at_s).after(case.event("adopted", why=why))

    def doubted(self, case: Case, why: str) -> Step:
        """It may run: it is asked to halt, and its power is cut only when it has been silent since, as if it were on."""
        case = case.remember(cycle=case.memory.cycle + 1)
        way = Restarting if case.welcome else Stopping
        return halting(self, case, way(why, untouched=True))

    def found_off(self, case: Case) -> Step:
        """Nothing runs; where it was forced to start meanwhile, nobody else would start it while hibernating."""
        if case.memory.exempt and case.welcome:
            return starting(self, case, "asked by the operator")
        return stopped(self, case, "no sign of life found")

    def power_lost(self, case: Case, lost: PowerLost) -> Step:
        if not self.untouched:
            return self.stay(case)
        return stopped(self, counted_loss(case, lost), "power lost").after(*loss_report(case, lost))

    def relay_off(self, case: Case, off: RelayOff) -> Step:
        """A beat from before it proves nothing after it, and those that follow at once are echoes."""
        plan: Plan = {"settle": Alarm(case.config.settle_s, since_s=off.at_s), "backoff": KEEP, "adopt": KEEP}
        told = () if self.off or self.untouched else (case.event("off"),)
        return Step(evolve(self, off=True, settled=False, beat_at_s=None), case.memory, plan, told)

    def alarm(self, case: Case, fired: Fired) -> Step:
        if fired.name == "settle":
            return Step(evolve(self, settled=True), case.memory)
        if fired.name == "backoff":
            return Step(evolve(self, backoff_s=0.0), case.memory)
        if fired.supply == "off":
            return self.found_off(case)
        if case.withheld and case.welcome and (case.config.has_heartbeat or fired.supply == "unknown"):
            return Step(self, case.memory, self.resume(case))  # whether it is to run cannot be read yet: it is left alone
        if fired.supply == "unknown":
            return self.doubted(case, "nobody knows whether it runs")
        if not case.config.has_heartbeat or not case.welcome:
            return self.found_running(case, beats=False, why="it draws current")
        case = case.remember(cycle=case.memory.cycle + 1)
        return restarting(self, case, "it draws current but does not beat")


@frozen
class Booting(State):
    """What Starting and WillStop share: power is wanted on, and the first beat is awaited."""

    reason: str = ""
    cleared: bool = False  # the off that goes before this power cycle was seen
    asked: bool = False  # the relay-on is under way: the port may be on
    on: bool = False  # the relay was seen on
    on_at_s: float | None = None
    waited_s: float = 0.0  # for its first beat, in earlier runs of the service
    asked_at_s: float | None = None  # when the relay-on was sent; None: not by this run of the service
    unwatched: bool = False  # its power came on in an earlier run, or unseen: nobody has listened to it from its beginning

    def left_off(self, now_s: float, left_s: Callable[[str], float | None]) -> "State":
        return self if self.on_at_s is None else evolve(self, waited_s=max(0.0, now_s - self.on_at_s))

    def resumed(self, case: Case, now_s: float, away_s: float | None) -> "State":
        """What was waited already counts; but a guest that lives gets the time to be heard in this run, too."""
        if not self.on:
            return self
        most_s = max(0.0, case.start_timeout_s - HEARD_BEATS * case.config.beat_interval_s)
        return evolve(self, on_at_s=now_s - min(self.waited_s + (away_s or 0.0), most_s), unwatched=True)

    def turned(self, other: type["Booting"], reason: str) -> "Booting":
        """The other state of a guest that boots, with all that is known of this one."""
        known = {each.name: getattr(self, each.name) for each in fields(Booting)}
        return other(**{**known, "reason": reason})

    @property
    def trying(self) -> bool:
        return self.on

    def power(self, memory: Memory) -> PowerGoal:
        return PowerGoal("on", memory.cycle, memory.media, already=self.on, cleared=self.cleared)

    def resume(self, case: Case) -> Plan:
        return {"timeout": Alarm(case.start_timeout_s, proof=True, since_s=self.on_at_s)} if self.on else {}

    def relay_off(self, case: Case, off: RelayOff) -> Step:
        told = () if self.cleared else (case.event("off"),)
        return Step(evolve(self, cleared=True), case.memory, None, told)

    def relay_asked(self, case: Case, asked: RelayAsked) -> Step:
        return Step(evolve(self, asked=True, cleared=True, asked_at_s=asked.at_s), case.memory)

    def relay_on(self, case: Case, on: RelayOn) -> Step:
        is_prompt = self.asked_at_s is not None and on.at_s <= self.asked_at_s + LEAST_BOOT_S
        return self.seen_on(case, on.at_s, unwatched=not is_prompt)

    def power_found(self, case: Case, found: PowerFound) -> Step:
        """The board was faster: what runs now is this start. What only may run is not cut: the relay-on makes sure of it."""
        if found.supply == "on":
            return self.seen_on(case, found.at_s, unwatched=True)
        return Step(evolve(self, cleared=True), case.memory)

    def seen_on(self, case: Case, at_s: float, *, unwatched: bool) -> Step:
        """The attempt counts from here, and so does the start time-out."""
        if self.on:
            return self.stay(case)
        case = counted_attempt(case)
        seen = evolve(self, cleared=True, asked=True, on=True, on_at_s=at_s, unwatched=unwatched)
        if not case.config.has_heartbeat:
            return seen.booted(case, at_s)
        return Step(seen, case.memory, {"timeout": Alarm(case.start_timeout_s, proof=True, since_s=at_s)})

    def heartbeat(self, case: Case, beat: Beat) -> Step:
        later = self.on_at_s is None or beat.at_s > self.on_at_s
        return self.booted(case, beat.at_s) if self.on and later else self.stay(case)

    def may_have_booted(self, fired: Fired) -> bool:
        """Whether it may have come up while nobody listened, and then is to be asked before it is cut."""
        return self.unwatched or fired.stirred

    def booted(self, case: Case, at_s: float) -> Step:
        """The guest is up: its first beat was heard, or it has none to give and went on."""
        raise NotImplementedError


@frozen
class Starting(Booting):
    """Power is coming on, or is on."""

    name: ClassVar[str] = "starting"
    successors: ClassVar[frozenset[str]] = frozenset({"stopped", "will_stop", "started", "stopping", "restarting"})

    def start(self, case: Case) -> Step:
        return self.stay(case).accept("already starting")

    def restart(self, case: Case, reason: str) -> Step:
        return self.stay(case).accept("it is booting freshly")

    def stop(self, case: Case, reason: str) -> Step:
        if not self.asked:
            return stopped(self, case, reason, cut=case.memory.cycle - 1).accept("its power was not on yet")
        will = self.turned(WillStop, reason)
        step = self.go(case, will, ALL, case.event("will_stop", reason=reason))
        return step.accept("it is asked to halt once it has booted")

    def booted(self, case: Case, at_s: float) -> Step:
        return started(self, case, at_s)

    def power_found(self, case: Case, found: PowerFound) -> Step:
        """A guest that nobody can hear, and that was to be power-cycled, may have been started since: it is asked to halt."""
        if self.cleared or case.config.has_heartbeat:
            return super().power_found(case, found)
        case = case.remember(cycle=case.memory.cycle + 1)
        return halting(self, case, Restarting(found.why, untouched=found.supply == "unknown"))

    def alarm(self, case: Case, fired: Fired) -> Step:
        failed = counted_failure(case)
        event = case.event("start_failed", **start_fields(case), waited_s=case.start_timeout_s)
        if self.may_have_booted(fired):
            step = stopping(self, failed, "its start failed, though it may have come up unheard", failed=True)
        else:
            step = stopped(self, failed, "its start failed", backoff_s=failed.backoff_s)
        return step.after(event, *unrecoverable_report(case, failed))


@frozen
class WillStop(Booting):
    """To be stopped, but still booting: a booting file system is not cut off."""

    name: ClassVar[str] = "will_stop"
    successors: ClassVar[frozenset[str]] = frozenset({"stopped", "starting", "stopping"})

    def start(self, case: Case) -> Step:
        back = self.turned(Starting, "asked by the operator")
        event = case.event("starting", reason=back.reason, recover=False, **start_fields(case))
        return self.go(case, back, ALL, event).accept("it goes on booting")

    def restart(self, case: Case, reason: str) -> Step:
        return self.start(case)

    def stop(self, case: Case, reason: str) -> Step:
        return self.stay(case).accept("it is asked to halt once it has booted")

    def booted(self, case: Case, at_s: float) -> Step:
        return stopping(self, case, self.reason)

    def alarm(self, case: Case, fired: Fired) -> Step:
        """The start was given up before it failed: nothing is counted."""
        if self.may_have_booted(fired):
            return stopping(self, case, self.reason)
        return stopped(self, case, self.reason)


@frozen
class Started(State):
    """Running, and heard."""

    name: ClassVar[str] = "started"
    successors: ClassVar[frozenset[str]] = frozenset({"stopped", "stopping", "restarting"})

    reason: str = ""
    stable: bool = False
    since_at_s: float | None = None  # the beat, or without a heartbeat the relay-on, it became Started by; None: nobody knows
    up_s: float = 0.0  # since then, in earlier runs of the service
    adopted: bool = False  # it ran already: no attempt was counted

    @property
    def trying(self) -> bool:
        return not self.stable and not self.adopted

    def resume(self, case: Case) -> Plan:
        if case.config.has_heartbeat:
            return {"heartbeat": Alarm(case.config.heartbeat_timeout_s, proof=True)}
        return {} if self.stable else {"stable": Alarm(case.config.stable_after_s, answered=True, since_s=self.since_at_s)}

    def left_off(self, now_s: float, left_s: Callable[[str], float | None]) -> "State":
        return evolve(self, up_s=0.0 if self.since_at_s is None else max(0.0, now_s - self.since_at_s))

    def resumed(self, case: Case, now_s: float, away_s: float | None) -> "State":
        """It has been up all the time where it could not have been silent for too long meanwhile."""
        is_known = self.up_s > 0 and away_s is not None and away_s <= case.config.heartbeat_timeout_s
        return evolve(self, since_at_s=now_s - self.up_s - away_s if is_known and away_s is not None else None)

    def start(self, case: Case) -> Step:
        return self.stay(case, case.event("started", reason="asked by the operator")).accept("already started")

    def stop(self, case: Case, reason: str) -> Step:
        return stopping(self, case, reason).accept("it is asked to halt")

    def restart(self, case: Case, reason: str) -> Step:
        return restarting(self, case, reason).accept("it is asked to halt; then power comes back")

    def board_stopping(self, case: Case, stopping: BoardStopping) -> Step:
        return restarting(self, case, stopping.why)

    def heartbeat(self, case: Case, beat: Beat) -> Step:
        if not case.config.has_heartbeat:
            return self.stay(case)
        plan: Plan = {"heartbeat": Alarm(case.config.heartbeat_timeout_s, proof=True, since_s=beat.at_s)}
        if self.since_at_s is None:
            return Step(evolve(self, since_at_s=beat.at_s), case.memory, plan)
        if self.stable or beat.at_s - self.since_at_s < case.config.stable_after_s:
            return Step(self, case.memory, plan)
        return evolve(self.becomes_stable(case), alarms=plan)

    def becomes_stable(self, case: Case) -> Step:
        event = case.event("stable", **start_fields(case))
        memory = evolve(case.memory, attempts=0, failures=0, brownouts=0, unrecoverable=False)
        return Step(evolve(self, stable=True), memory, None, (event,))

    def alarm(self, case: Case, fired: Fired) -> Step:
        if fired.name == "stable":
            return self.becomes_stable(case)
        event = case.event("heartbeat_lost", stable=self.stable, silent_s=case.config.heartbeat_timeout_s)
        if self.stable:
            return stopping(self, case, "its heartbeat was lost").after(event)
        failed = counted_failure(case)
        step = stopping(self, failed, "its heartbeat was lost before it was stable", failed=True)
        return step.after(event, *unrecoverable_report(case, failed))


@frozen
class Halting(State):
    """What Stopping and Restarting share: the guest is asked to halt, and its silence is awaited."""

    kind: ClassVar[Literal["shutdown", "restart"]]

    reason: str = ""
    failed: bool = False  # a failed start led here: backoff follows
    delivered: bool = False  # the first attempt to deliver the message has ended
    sending: bool = False
    recent: bool = False  # a message went out less than `shutdown_resend` ago
    told_at_s: float | None = None  # when the latest attempt ended, or this run of the service began: no silence is older
    untouched: bool = False  # nobody knows whether it has power: it is asked all the same, and its relay is left alone

    def power(self, memory: Memory) -> PowerGoal:
        return PowerGoal("untouched", memory.cycle) if self.untouched else super().power(memory)

    def resume(self, case: Case) -> Plan:
        return {"heartbeat": silence(case), "timeout": patience(case)}

    def resumed(self, case: Case, now_s: float, away_s: float | None) -> "State":
        """A message that was on its way went with the service; one that never got there is sent before power goes."""
        return evolve(self, sending=False, recent=False, told_at_s=now_s)

    def restart(self, case: Case, reason: str) -> Step:
        return self.start(case)

    def heartbeat(self, case: Case, beat: Beat) -> Step:
        if not case.config.has_heartbeat:
            return self.stay(case)
        # A beat of before the message, told late, does not say how long the guest has been silent since.
        since_s = beat.at_s if self.told_at_s is None else max(beat.at_s, self.told_at_s)
        return evolve(self, untouched=False).telling(case, {**ALL, "heartbeat": silence(case, since_s)})

    def power_found(self, case: Case, found: PowerFound) -> Step:
        """What nobody knew of has been switched on just now: whatever was told before, this was not asked."""
        if not self.untouched or found.supply != "on":
            return self.stay(case)
        return halting(self, case.remember(cycle=case.memory.cycle + 1), type(self)(found.why, self.failed))

    def command(self, config: DeviceConfig) -> tuple[str, ...]:
        """What asks the guest to halt; empty where it may simply be cut."""
        return Message(self.kind).command(config)

    def turned(self, other: type["Halting"], reason: str) -> "Halting":
        """The other way of halting, with all that is known of this one."""
        known = {each.name: getattr(self, each.name) for each in fields(Halting)}
        return other(**{**known, "reason": reason})

    def instead(self, case: Case, other: "Halting") -> Step:
        """The guest is to halt for another reason: the deadlines stand."""
        event = case.event(other.name, reason=other.reason)
        self.go(case, other, ALL)
        if not other.command(case.config):
            return other.halted(case, other.reason, firm=True).after(event)
        return other.telling(case, ALL).after(event)

    def telling(self, case: Case, plan: Plan) -> Step:
        """Send the message, unless it went out just now or there is none."""
        if self.sending or self.recent or not self.command(case.config):
            return Step(self, case.memory, plan)
        told, message = evolve(self, sending=True, recent=True), Message(self.kind, case.memory.cycle)
        return Step(told, case.memory, {**plan, "resend": Alarm(case.config.shutdown_resend_s)}, (message,))

    def message_done(self, case: Case, done: MessageDone) -> Step:
        # Nobody knows which of the messages arrived: the silence after each of them is a whole one.
        over = evolve(self, sending=False, delivered=True, told_at_s=done.at_s)
        plan: Plan = {"heartbeat": silence(case), "timeout": KEEP if self.delivered else patience(case), "resend": KEEP}
        return Step(over, case.memory, plan)

    def alarm(self, case: Case, fired: Fired) -> Step:
        if fired.name == "resend":
            return Step(evolve(self, recent=False), case.memory)
        if fired.name == "heartbeat" and self.sending:
            return Step(self, case.memory, {**ALL, "heartbeat": silence(case)})  # silence counts only after the message
        if self.command(case.config) and not self.was_asked(case, fired):
            return self.asked_again(case)
        if fired.name == "timeout":
            event = case.event("stop_failed", after_s=case.config.stop_timeout_s)
            return self.halted(case, "it did not stop in time", firm=True).after(event)
        step = self.halted(case, self.reason, firm=False)
        return fell_silent(step, case.config.stop_silence_s) if case.config.has_heartbeat else step

    def was_asked(self, case: Case, fired: Fired) -> bool:
        """Whether what runs there now was asked: it may have been started since when its time was up and nobody could look."""
        is_proved = fired.name == "heartbeat" and case.config.has_heartbeat
        return self.delivered and (is_proved or not fired.late)

    def asked_again(self, case: Case) -> Step:
        """Ask it, and give it all of its time."""
        just_asked = self.recent and not self.sending
        plan: Plan = {"heartbeat": silence(case), "timeout": patience(case), "resend": KEEP}
        return evolve(self, delivered=just_asked).telling(case, plan)

    def halted(self, case: Case, reason: str, *, firm: bool) -> Step:
        raise NotImplementedError


@frozen
class Stopping(Halting):
    """Asked to halt; power goes once it is silent, or too late."""

    name: ClassVar[str] = "stopping"
    successors: ClassVar[frozenset[str]] = frozenset({"stopped", "restarting"})
    kind: ClassVar[Literal["shutdown", "restart"]] = "shutdown"

    def start(self, case: Case) -> Step:
        other = self.turned(Restarting, "asked for while stopping")
        return self.instead(case, other).accept("power comes back once it has halted")

    def stop(self, case: Case, reason: str) -> Step:
        return self.stay(case).accept("already stopping")

    def halted(self, case: Case, reason: str, *, firm: bool) -> Step:
        return stopped(self, case, reason, firm=firm, backoff_s=self.wait_s(case))

    def power_lost(self, case: Case, lost: PowerLost) -> Step:
        after = counted_loss(case, lost)
        return stopped(self, after, "power lost", backoff_s=self.wait_s(after)).after(*loss_report(case, lost))

    def wait_s(self, case: Case) -> float:
        """A failed start led here: its backoff is due, however the power went."""
        return case.backoff_s if self.failed else 0.0


@frozen
class Restarting(Halting):
    """Asked to halt; a new power cycle begins once it is silent, or too late."""

    name: ClassVar[str] = "restarting"
    successors: ClassVar[frozenset[str]] = frozenset({"stopped", "starting", "stopping"})
    kind: ClassVar[Literal["shutdown", "restart"]] = "restart"

    def start(self, case: Case) -> Step:
        return self.stay(case).accept("already restarting")

    def stop(self, case: Case, reason: str) -> Step:
        return self.instead(case, self.turned(Stopping, reason)).accept("it is asked to halt")

    def halted(self, case: Case, reason: str, *, firm: bool) -> Step:
        if case.memory.forbidden:
            return stopped(self, case, "the environment forbids its restart", firm=firm)
        return starting(self, case, "restart")

    def power_lost(self, case: Case, lost: PowerLost) -> Step:
        after = counted_loss(case, lost)
        if after.memory.forbidden or after.memory.held:
            return stopped(self, after, "power lost").after(*loss_report(case, lost))
        return starting(self, after, "restart").after(*loss_report(case, lost))


# --- Ways into the states ---------------------------------------------------------------------------------------------


def stopped(  # noqa: PLR0913 - each says one thing about the cut
    old: State, case: Case, reason: str, *, cut: int | None = None, firm: bool = False, backoff_s: float = 0.0
) -> Step:
    """Enter Stopped: power off (of every cycle up to `cut`, by default the current one)."""
    case = case.remember(exempt=False)
    new = Stopped(reason, cut=case.memory.cycle if cut is None else cut, firm=firm, backoff_s=backoff_s)
    return old.go(case, new, new.resume(case), case.event("stopped", reason=reason, due_in_s=backoff_s or None))


def fell_silent(step: Step, silent_s: float) -> Step:
    """The same step, of which is told that the guest fell silent before: it has halted, whatever became of the message."""
    told = (
        evolve(each, fields={**each.fields, "silent_s": silent_s}) if isinstance(each, Draft) else each for each in step.effects
    )
    return evolve(step, effects=tuple(told))


def starting(old: State, case: Case, reason: str) -> Step:
    """Enter Starting: a new power cycle, from the medium that the attempts call for."""
    attempt, recover = case.memory.attempts + 1, case.recovering
    case = case.remember(cycle=case.memory.cycle + 1, media=case.medium)
    event = case.event("starting", reason=reason, attempt=attempt, media=case.memory.media, recover=recover)
    return old.go(case, Starting(reason, cleared=isinstance(old, Stopped) and old.off), {}, event)


def adopted_booting(old: State, case: Case, at_s: float | None) -> Step:
    """Enter Starting with power on already: the board switched it on, and the guest has not beaten yet."""
    case = counted_attempt(case)
    new = Starting("found switched on", cleared=True, asked=True, on=True, on_at_s=at_s, unwatched=True)
    return old.go(case, new, new.resume(case), case.event("starting", reason=new.reason, recover=False, **start_fields(case)))


def started(old: State, case: Case, at_s: float | None = None, *, adopted: bool = False) -> Step:
    """Enter Started, by a beat at `at_s`, or by the relay alone where there is no heartbeat."""
    new = Started(since_at_s=at_s, adopted=adopted)
    alarms = new.resume(case)
    if case.config.has_heartbeat:
        alarms = {"heartbeat": Alarm(case.config.heartbeat_timeout_s, proof=True, since_s=at_s)}
    return old.go(case, new, alarms, case.event("started", **start_fields(case)))


def stopping(old: State, case: Case, reason: str, *, failed: bool = False) -> Step:
    """Enter Stopping: tell the guest. A guest that may simply be cut passes through."""
    return halting(old, case, Stopping(reason, failed))


def restarting(old: State, case: Case, reason: str) -> Step:
    """Enter Restarting: tell the guest. A guest that may simply be cut passes through."""
    return halting(old, case, Restarting(reason))


def halting(old: State, case: Case, new: Halting) -> Step:
    """Enter Stopping or Restarting, or go through it at once where there is nobody to tell."""
    event = case.event(new.name, reason=new.reason)
    old.go(case, new, {})
    if not new.command(case.config):
        return new.halted(case, new.reason, firm=True).after(event)
    return new.telling(case, {"heartbeat": silence(case)}).after(event)


def silence(case: Case, since_s: float | None = None) -> Alarm:
    """The silence after which power may go; without a heartbeat it is just a wait."""
    heard = case.config.has_heartbeat
    return Alarm(case.config.stop_silence_s, proof=heard, since_s=since_s, answered=not heard)


def patience(case: Case) -> Alarm:
    """How long a stop may take, silent or not, as long as the board can be asked."""
    return Alarm(case.config.stop_timeout_s, answered=True)


STATES: dict[str, type[State]] = checked_graph(Stopped, Starting, WillStop, Started, Stopping, Restarting)
