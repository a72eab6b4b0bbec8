"""Starting and WillStop: power is wanted on, and the first beat is awaited."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

from attrs import evolve, field, frozen

from wagman.fsm.alarms import KEEP, LEAST_BOOT_S, Alarm, Fired, Plan
from wagman.fsm.guest.situation import Memory, Situation, Step
from wagman.fsm.guest.state import State, states
from wagman.model.facts import Beat, PowerFound, PowerGoal, RelayAsked, RelayOff, RelayOn

HEARD_BEATS = 3
"""A guest that lives is heard within this many of its beats (chosen; the configuration is checked against it, too)."""


@frozen(kw_only=True)
class Relay:
    """What is known of the relay in the power cycle that a start has asked for. Times are seconds of trio's clock."""

    cleared: bool = False  # the off before this power cycle was seen
    asked: bool = False  # the relay-on is under way: the port may be on
    on: bool = False  # the relay was seen on
    on_at_s: float | None = None
    waited_s: float = 0.0  # how long earlier runs of the service waited for the first beat
    asked_at_s: float | None = None  # when the relay-on was sent; None: not in this run of the service
    unwatched: bool = False  # nobody listened to the guest from the moment its power came on


@frozen
class Booting(State):
    """What Starting and WillStop share: the guest boots."""

    relay: Relay = field(factory=Relay)

    def power(self, memory: Memory) -> PowerGoal:
        return PowerGoal("on", memory.cycle, memory.media, already=self.relay.on, cleared=self.relay.cleared)

    def on_heartbeat(self, now: Situation, beat: Beat) -> Step:
        later = self.relay.on_at_s is None or beat.at_s > self.relay.on_at_s
        return self.booted(now, beat.at_s) if self.relay.on and later else self.stay(now)

    def on_power_found(self, now: Situation, found: PowerFound) -> Step:
        """The board switched the guest on before this start did; what runs counts as this start.

        If nobody knows whether it runs, nothing is cut: the relay-on makes sure of the power.
        """
        if found.supply == "on":
            return self.seen_on(now, found.at_s, unwatched=True)
        return self.seen(cleared=True).stay(now)

    def on_relay_asked(self, now: Situation, asked: RelayAsked) -> Step:
        if not self.relay.on:
            return self.seen(asked=True, cleared=True, asked_at_s=asked.at_s).stay(now)
        # Its power was doubted, and is made sure of: it may boot only now.
        # mark start-that-is-made-sure-of
        anew = self.seen(on_at_s=asked.at_s)
        # mark start-that-is-made-sure-of
        return anew.stay(now, alarms=anew.resume(now))

    def on_relay_on(self, now: Situation, on: RelayOn) -> Step:
        is_prompt = self.relay.asked_at_s is not None and on.at_s <= self.relay.asked_at_s + LEAST_BOOT_S
        return self.seen_on(now, on.at_s, unwatched=not is_prompt)

    def on_relay_off(self, now: Situation, off: RelayOff) -> Step:
        told = () if self.relay.cleared else (now.event("off"),)
        return self.seen(cleared=True).stay(now, *told)

    def seen(self, **changes: Any) -> Self:
        """The same state, with more known of the relay."""
        return evolve(self, relay=evolve(self.relay, **changes))

    def seen_on(self, now: Situation, at_s: float, *, unwatched: bool) -> Step:
        """The relay was seen on: count the attempt, and begin the start time-out."""
        if self.relay.on:
            return self.stay(now)
        now = now.counted_attempt()
        seen = self.seen(cleared=True, asked=True, on=True, on_at_s=at_s, unwatched=unwatched)
        return seen.stay(now, alarms=seen.resume(now)) if now.config.has_heartbeat else seen.booted(now, at_s)

    def booted(self, now: Situation, at_s: float) -> Step:
        """The guest is up: its first beat was heard, or it has no heartbeat."""
        raise NotImplementedError

    def turn(self, state: "type[Booting]", now: Situation, reason: str) -> Step:
        """Change to the other booting state; the deadline and what is known of the relay stay."""
        plan: Plan = {"timeout": KEEP} if self.relay.on else {}
        return evolve(self.goto(state, now, reason, relay=self.relay), alarms=plan)

    def may_have_booted(self, fired: Fired) -> bool:
        """Whether the guest may have come up unheard. Then it is asked to halt before its power is cut."""
        return self.relay.unwatched or fired.stirred

    @property
    def trying(self) -> bool:
        return self.relay.on

    def resume(self, now: Situation) -> Plan:
        since_s = self.relay.on_at_s
        return {"timeout": Alarm(now.start_timeout_s, proof=True, in_sight=True, since_s=since_s)} if self.relay.on else {}

    def left_off(self, now_s: float, left_s: Callable[[str], float | None]) -> State:
        return self if self.relay.on_at_s is None else self.seen(waited_s=max(0.0, now_s - self.relay.on_at_s))

    def resumed(self, now: Situation, now_s: float, away_s: float | None) -> State:
        """Count the time that earlier runs waited, but leave a guest that lives enough time to be heard in this run."""
        if not self.relay.on:
            return self
        most_s = max(0.0, now.start_timeout_s - HEARD_BEATS * now.config.beat_interval_s)
        return self.seen(on_at_s=now_s - min(self.relay.waited_s + (away_s or 0.0), most_s), unwatched=True)


@frozen
class Starting(Booting):
    """The power is coming on, or is on."""

    name: ClassVar[str] = "starting"
    successors: ClassVar[frozenset[str]] = frozenset({"stopped", "will_stop", "started", "stopping", "restarting", "maintenance"})

    def on_enter(self, now: Situation) -> Step:
        """Begin a power cycle from the medium that the attempts call for, unless the guest is booting already."""
        if self.relay.asked:
            event = now.event("starting", reason=self.reason, recover=False, **now.start_fields)
            return self.stay(now, event, alarms=self.resume(now))
        attempt, recover = now.memory.attempts + 1, now.recovering
        now = now.remember(cycle=now.memory.cycle + 1, media=now.medium)
        event = now.event("starting", reason=self.reason, attempt=attempt, media=now.memory.media, recover=recover)
        return self.stay(now, event, alarms={})  # the time-out begins when the relay is seen on

    def booted(self, now: Situation, at_s: float) -> Step:
        return self.goto(states.started, now, since_at_s=at_s)

    def on_timeout(self, now: Situation, fired: Fired) -> Step:
        failed, told = now.counted_failure()
        event = now.event("start_failed", **now.start_fields, waited_s=now.start_timeout_s)
        if self.may_have_booted(fired):
            step = self.goto(states.stopping, failed, "its start failed, though it may have come up unheard", failed=True)
        else:
            step = self.goto(states.stopped, failed, "its start failed", backoff_s=failed.backoff_s)
        return step.after(event, *told)

    def on_power_found(self, now: Situation, found: PowerFound) -> Step:
        """The board may have started a guest that was to be power-cycled and has no heartbeat: it is asked to halt first."""
        if self.relay.cleared or now.config.has_heartbeat:
            return super().on_power_found(now, found)
        now = now.remember(cycle=now.memory.cycle + 1)
        return self.goto(states.restarting, now, found.why, untouched=found.supply == "unknown")

    def on_start(self, now: Situation) -> Step:
        return self.stay(now).accept("already starting")

    def on_stop(self, now: Situation, reason: str) -> Step:
        if not self.relay.asked:
            return self.goto(states.stopped, now, reason, cut=now.memory.cycle - 1).accept("its power was not on yet")
        if not self.relay.on and self.relay.asked_at_s is None:
            # mark start-of-an-earlier-run
            return self.goto(states.stopped, now, reason, untouched=True, cut=0).accept("first it is seen whether it runs")
        return self.turn(states.will_stop, now, reason).accept("it is asked to halt once it has booted")

    def on_restart(self, now: Situation, reason: str) -> Step:
        return self.stay(now).accept("it is booting freshly")


@frozen
class WillStop(Booting):
    """The guest is to stop, but is still booting: its power is not cut while a file system may be checked."""

    name: ClassVar[str] = "will_stop"
    successors: ClassVar[frozenset[str]] = frozenset({"stopped", "starting", "stopping", "maintenance"})

    @property
    def is_left_over(self) -> bool:
        """Whether an earlier run of the service asked for its power, and nobody has seen whether it came on."""
        return not self.relay.on and self.relay.asked_at_s is None

    def power(self, memory: Memory) -> PowerGoal:
        # A relay-on that has left in this run, and was not seen to act, is repeated: what boots is to be halted cleanly.
        return evolve(super().power(memory), leaving=self.relay.on or self.is_left_over)

    def on_enter(self, now: Situation) -> Step:
        return self.stay(now, now.event("will_stop", reason=self.reason), alarms=self.resume(now))

    def booted(self, now: Situation, at_s: float) -> Step:
        return self.goto(states.stopping, now, self.reason)

    def on_timeout(self, now: Situation, fired: Fired) -> Step:
        """The start time-out is over, but the start was given up before: no failure is counted."""
        if self.is_left_over:
            # mark given-up-by-an-earlier-run
            return self.goto(states.stopped, now, self.reason, untouched=True, cut=0)
        if self.may_have_booted(fired):
            return self.goto(states.stopping, now, self.reason)
        # mark start-that-was-given-up
        return self.goto(states.stopped, now, self.reason)

    def on_start(self, now: Situation) -> Step:
        return self.turn(states.starting, now, "asked by the operator").accept("it goes on booting")

    def on_stop(self, now: Situation, reason: str) -> Step:
        return self.stay(now).accept("it is asked to halt once it has booted")

    def resume(self, now: Situation) -> Plan:
        # The first look shows it on, or it is looked at anew.
        return {"timeout": Alarm(0.0, answered=True)} if self.is_left_over else super().resume(now)
