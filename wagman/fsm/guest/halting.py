"""Stopping and Restarting: the guest is asked to halt, and must be silent before its power goes."""

from typing import Any, ClassVar, Literal, Self

from attrs import evolve, field, frozen

from wagman.config.schema import DeviceConfig
from wagman.fsm.alarms import KEEP, Alarm, Fired, Plan
from wagman.fsm.guest.inputs import Message, MessageDone
from wagman.fsm.guest.situation import Memory, Situation, Step
from wagman.fsm.guest.state import State, states
from wagman.model.facts import Beat, Draft, PowerFound, PowerGoal
from wagman.model.words import enumerated

STANDING: Plan = {"heartbeat": KEEP, "timeout": KEEP, "resend": KEEP}
"""The plan of a step that keeps all deadlines."""


def silence(now: Situation, since_s: float | None = None) -> Alarm:
    """The alarm for the silence after which the power may go; for a guest without a heartbeat, a plain wait."""
    heard = now.config.has_heartbeat
    return Alarm(now.config.stop_silence_s, proof=heard, since_s=since_s, answered=not heard)


def patience(now: Situation) -> Alarm:
    """The alarm for the longest time that a stop may take, silent or not; it is held while the board does not answer."""
    return Alarm(now.config.stop_timeout_s, answered=True)


@frozen(kw_only=True)
class HaltMessage:
    """The message to a halting guest: whether it was sent, and when."""

    delivered: bool = False  # the first attempt to deliver it has ended
    sending: bool = False
    recent: bool = False  # it went out less than `shutdown_resend` ago
    told_at_s: float | None = None  # when the latest attempt ended, or this run began; a silence counts from here at the earliest
    # since when this run of the service goes by what an earlier one has told it; None: it was told in this run
    taken_up_at_s: float | None = None


@frozen
class Halting(State):
    """What Stopping and Restarting share: the guest is asked to halt."""

    kind: ClassVar[Literal["shutdown", "restart"]]

    failed: bool = False  # a failed start led here: backoff follows
    message: HaltMessage = field(factory=HaltMessage)
    untouched: bool = False  # nobody knows whether the guest has power: it is asked to halt, and its relay is left alone

    def power(self, memory: Memory) -> PowerGoal:
        return PowerGoal("untouched", memory.cycle) if self.untouched else evolve(super().power(memory), leaving=True)

    def on_enter(self, now: Situation) -> Step:
        """Ask the guest to halt. A guest with an empty command passes through: its power is cut at once."""
        if not self.command(now.config):
            return self.halted(now, self.reason, firm=True).after(now.event(self.name, reason=self.reason, asked=False))
        event = now.event(self.name, reason=self.reason)
        # The time-out begins when the message has gone out. If the guest was being asked already, the deadlines stand.
        plan = {"heartbeat": silence(now)} if self.message == HaltMessage() else STANDING
        return self.ask(now, plan).after(event)

    def on_heartbeat(self, now: Situation, beat: Beat) -> Step:
        if not now.config.has_heartbeat:
            return self.stay(now)
        # A beat from before the message that arrives late must not begin a silence that is older than the message.
        told_at_s = self.message.told_at_s
        since_s = beat.at_s if told_at_s is None else max(beat.at_s, told_at_s)
        return evolve(self, untouched=False).ask(now, {**STANDING, "heartbeat": silence(now, since_s)})

    def on_timeout(self, now: Situation, fired: Fired) -> Step:
        """The stop time-out: the guest did not halt."""
        if self.is_unasked(now, nobody_looked=fired.late):
            return self.ask_again(now)
        event = now.event("stop_failed", after_s=now.config.stop_timeout_s)
        return self.halted(now, "it did not stop in time", firm=True).after(event)

    def on_silence(self, now: Situation, fired: Fired) -> Step:
        heard = now.config.has_heartbeat
        if self.message.sending:
            # mark silent-while-being-told
            return self.stay(now, alarms={**STANDING, "heartbeat": silence(now)})  # only a silence after the message counts
        # A silence that is proved late may be that of a guest that was started meanwhile, and has come up and halted, or boots.
        # mark suspended-while-it-halts
        if self.is_unasked(now, nobody_looked=fired.late and (fired.stirred or not heard)):
            return self.ask_again(now)
        step = self.halted(now, self.reason, firm=False)
        return fell_silent(step, now.config.stop_silence_s) if heard else step

    def on_resend(self, now: Situation, fired: Fired) -> Step:
        later = self.told(recent=False)
        return later.ask_again(now) if self.is_hearsay else later.stay(now)

    def on_message_done(self, now: Situation, done: MessageDone) -> Step:
        # Nobody knows which of several messages arrived: each is followed by a whole silence.
        plan: Plan = {"heartbeat": silence(now), "timeout": KEEP if self.message.delivered else patience(now), "resend": KEEP}
        message = HaltMessage(delivered=True, recent=self.message.recent, told_at_s=done.at_s)
        return evolve(self, message=message).stay(now, alarms=plan)

    def on_power_found(self, now: Situation, found: PowerFound) -> Step:
        """The guest has just been switched on: it never got the earlier message, and is asked anew."""
        if not self.untouched or found.supply != "on":
            return self.stay(now)
        return self.goto(type(self), now.remember(cycle=now.memory.cycle + 1), found.why, failed=self.failed)

    def command(self, config: DeviceConfig) -> tuple[str, ...]:
        """The command that asks the guest to halt; empty if its power may simply be cut."""
        return Message(self.kind).command(config)

    def ask(self, now: Situation, plan: Plan) -> Step:
        """Send the message, unless it went out just now or the guest has no command."""
        if self.message.sending or self.message.recent or not self.command(now.config):
            return self.stay(now, alarms=plan)
        message, resend = Message(self.kind, now.memory.cycle), Alarm(now.config.shutdown_resend_s)
        return self.told(sending=True, recent=True).stay(now, message, alarms={**plan, "resend": resend})

    def ask_again(self, now: Situation) -> Step:
        """Ask the guest once more, and give it the whole silence and time-out again."""
        just_asked = self.message.recent and not self.message.sending
        plan: Plan = {"heartbeat": silence(now), "timeout": patience(now), "resend": KEEP}
        return self.told(delivered=just_asked).ask(now, plan)

    def is_unasked(self, now: Situation, *, nobody_looked: bool) -> bool:
        """Whether what runs now was never asked to halt, though it can be: it may have been started while nobody looked."""
        return bool(self.command(now.config)) and (nobody_looked or self.is_hearsay or not self.message.delivered)

    @property
    def is_hearsay(self) -> bool:
        """Whether only an earlier run has asked the guest to halt.

        Its word may be from before the guest's latest start, which it could not write down, or which is younger than a log that
        was put back: what boots now is as silent as what has halted.
        """
        return self.message.taken_up_at_s is not None

    def told(self, **changes: Any) -> Self:
        """The same state with a changed message."""
        return evolve(self, message=evolve(self.message, **changes))

    def turn(self, state: "type[Halting]", now: Situation, reason: str) -> Step:
        """Change to the other halting state; the deadlines and the message stay."""
        return self.goto(state, now, reason, failed=self.failed, message=self.message, untouched=self.untouched)

    def halted(self, now: Situation, reason: str, *, firm: bool) -> Step:
        """The guest has halted and its power may go; `firm`: this rests on a time-out, not on silence."""
        raise NotImplementedError

    def resume(self, now: Situation) -> Plan:
        again = {"resend": Alarm(0.0)} if self.is_hearsay else {}
        return {"heartbeat": silence(now), "timeout": patience(now), **again}

    def resumed(self, now: Situation, now_s: float, away_s: float | None) -> State:
        """A delivery that was under way ended with the service. An undelivered message is sent again before the power goes."""
        # Times are not saved: who knows one has been told in this run, and only its task begins anew.
        taken_up_at_s = now_s if self.message.told_at_s is None else self.message.taken_up_at_s
        return self.told(sending=False, recent=False, told_at_s=now_s, taken_up_at_s=taken_up_at_s)


@frozen
class Stopping(Halting):
    """Asked to halt. The power goes once the guest is silent, or after `stop_timeout`."""

    name: ClassVar[str] = "stopping"
    successors: ClassVar[frozenset[str]] = frozenset({"stopped", "restarting", "maintenance"})
    kind: ClassVar[Literal["shutdown", "restart"]] = "shutdown"

    def halted(self, now: Situation, reason: str, *, firm: bool) -> Step:
        # After a failed start the backoff is due, however the power went.
        return self.goto(states.stopped, now, reason, firm=firm, backoff_s=now.backoff_s if self.failed else 0.0)

    def without_power(self, now: Situation) -> Step:
        return self.halted(now, "power lost", firm=False)

    def on_start(self, now: Situation) -> Step:
        return self.turn(states.restarting, now, "asked for while stopping").accept("power comes back once it has halted")

    def on_stop(self, now: Situation, reason: str) -> Step:
        return self.stay(now).accept("already stopping")


@frozen
class Restarting(Halting):
    """Asked to halt. A new power cycle begins once the guest is silent, or after `stop_timeout`."""

    name: ClassVar[str] = "restarting"
    successors: ClassVar[frozenset[str]] = frozenset({"stopped", "starting", "stopping", "maintenance"})
    kind: ClassVar[Literal["shutdown", "restart"]] = "restart"

    def halted(self, now: Situation, reason: str, *, firm: bool) -> Step:
        if now.memory.forbidden:
            # mark restart-in-the-heat
            return self.goto(states.stopped, now, "the environment forbids its restart", firm=firm)
        if now.waits_for:
            # mark restart-behind-others
            return self.goto(states.stopped, now, f"it is started after {enumerated(now.waits_for)}", firm=firm)
        return self.goto(states.starting, now, "restart")

    def without_power(self, now: Situation) -> Step:
        if now.memory.forbidden or now.memory.held:
            # mark restart-without-power
            return super().without_power(now)
        return self.goto(states.starting, now, "restart")

    def on_start(self, now: Situation) -> Step:
        return self.stay(now).accept("already restarting")

    def on_stop(self, now: Situation, reason: str) -> Step:
        return self.turn(states.stopping, now, reason).accept("it is asked to halt")


def fell_silent(step: Step, silent_s: float) -> Step:
    """The step with `silent_s` in its events: the guest has halted, whatever became of the message."""
    silent = {"silent_s": silent_s}
    told = (evolve(each, fields={**each.fields, **silent}) if isinstance(each, Draft) else each for each in step.effects)
    return evolve(step, effects=tuple(told))
