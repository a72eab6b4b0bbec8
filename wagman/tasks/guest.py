"""The task of one guest: it drives the guest's machine, and is all that the rest of the service knows of the guest."""

import os
from collections.abc import Sequence
from functools import partial
from typing import Any

import trio
from attrs import asdict, define, evolve, field

from wagman.config.schema import DeviceConfig
from wagman.fsm import guest as machine
from wagman.fsm.alarms import Fired
from wagman.fsm.guest import Memory, Situation, Step
from wagman.fsm.guest.inputs import Input, Message, MessageDone, Review, StartRefused, WagmanStart
from wagman.fsm.scheduler import View
from wagman.model.errors import StoreError
from wagman.model.facts import (
    Answered,
    Beat,
    Draft,
    Listened,
    Plug,
    PortFact,
    PowerFound,
    PowerGoal,
    PowerLost,
    Term,
    Verdict,
)
from wagman.store import PREVIOUS, Cause, Journal, Receipt
from wagman.store.decisions import DECIDES, Decision, Entry, decision_of, merged
from wagman.tasks.inbox import Inbox
from wagman.tasks.letters import Letter, Nudge, Reply, answered
from wagman.tasks.loop import Alarms, drive
from wagman.tasks.messages import MessageFailures, Messenger
from wagman.tasks.moments import Beginning, Clocks, Stamp, place_key, restored_beginning, restored_stamp
from wagman.tasks.surroundings import Surroundings

COMMIT_S = 2.0
"""How long an action waits for the state behind it to be durable: a bound for a slow disk (chosen)."""

ASIDE = frozenset(("device.message", "device.off", "device.relay_stuck"))
"""Events that accompany a state and cause no later event."""

KEPT_S = 600.0
"""How often the time left of a timed order is saved (chosen: a power cut may cost this much)."""


@define
class Guest:
    """One guest: its machine's state and memory, its alarms, its inbox. It outlives the task's incarnations."""

    config: DeviceConfig
    journal: Journal
    around: Surroundings
    messenger: Messenger
    clocks: Clocks
    state: machine.State = field(factory=machine.untrusted)
    memory: Memory = field(factory=Memory)
    decision: Decision | None = None  # the operator's latest decision that it follows
    commanded: frozenset[str] = frozenset()  # what an operator has decided in this run: it outweighs earlier runs
    withheld: bool = False  # the decisions about it cannot be read
    inbox: Inbox[Any] = field(factory=Inbox)
    alarms: Alarms = field(factory=Alarms)
    since: Beginning = field(factory=Beginning)  # of the state
    reason: str = ""
    starts: int = 0  # how many starts by the scheduler it has carried out
    progress_s: float = 0.0
    beat_at_s: float | None = None
    message_failures: MessageFailures = field(factory=MessageFailures)
    _last: Cause = None  # the event that causes the next one
    _receipt: Receipt | None = None  # of the latest record
    _kept_s: float = 0.0  # when the latest record was made
    _view: View | None = None
    _goal: PowerGoal | None = None
    _taken: int = field(init=False, default=0)  # the latest report of power lost or found that its machine has taken
    _told_in: Beginning | None = None  # the beginning of the state in which a message last got through

    # Coming up ---------------------------------------------------------------

    @property
    def key(self) -> str:
        """The name under which the store keeps this guest."""
        return f"device.{self.config.name}"

    @property
    def now(self) -> Situation:
        """The situation that the handlers look at, without the neighbours."""
        return Situation(self.config, self.memory, self.withheld)

    @property
    def entry(self) -> Entry:
        """What is decided about the guest, as it is kept beside the log."""
        memory, term = self.memory, self.term
        kept = None if term is None else self.clocks.stamp()
        return Entry(self.config.port, self.config.board, memory.wanted, memory.enabled, self.decision, term=term, stamp=kept)

    @property
    def term(self) -> Term | None:
        """The timed order, with the time that is left of it now."""
        term, left_s = self.memory.term, self.alarms.remaining_s(machine.TERM, trio.current_time())
        return term if term is None or left_s is None else evolve(term, left_s=left_s)

    @property
    def _decided(self) -> tuple[Any, ...]:
        """All that the entry is made of, to be compared at every beat: the entry itself would cost too much."""
        return self.decision, self.memory.wanted, self.memory.enabled, self.memory.term

    def restore(self, saved: Any, place: Any, last: Cause) -> bool:
        """Take up what the store kept; returns False if the guest's power is unknown. What cannot be read begins anew.

        `place` is where the state began, in the log; `last`, the latest event about this guest, causes the next one.
        """
        self._last = last
        try:
            is_trusted = self._take_up(saved, place)
            self._last = self.since.event or last
        except (StoreError, KeyError, TypeError, ValueError):
            self.state, self.memory = machine.untrusted(), Memory()
            return False
        return is_trusted

    def _take_up(self, saved: Any, place: Any) -> bool:
        kept = Memory.restored(saved["memory"])
        self.memory = evolve(kept, term=self._left(kept.term, restored_stamp(saved.get("stamp"))))
        self.message_failures, self.decision = MessageFailures(**saved.get("telling", {})), decision_of(saved.get("decision"))
        if Plug.kept(saved) != self.config.plug:
            self.memory = evolve(self.memory, cycle=0, media=None)  # they belonged to the power of another port
            return False
        self.state = machine.restored(saved["state"])
        self.since, self.reason = restored_beginning(saved, place), saved["reason"]
        self.state = self.state.resumed(self.now, trio.current_time(), self._since_s(restored_stamp(saved["stamp"])))
        return True

    def _since_s(self, stamp: Stamp | None) -> float | None:
        """How long ago the stamp was made, in seconds; None: nobody knows."""
        return Beginning(stamp=stamp).for_s(self.clocks.stamp())

    def _left(self, term: Term | None, kept: Stamp | None) -> Term | None:
        """A term that was kept at a stamp, less the time since then. A time of unknown length does not count."""
        return None if term is None else evolve(term, left_s=max(0.0, term.left_s - (self._since_s(kept) or 0.0)))

    def merge(self, past: Entry, above: int) -> None:
        """Take over what earlier runs left, however late it is found, unless an operator has decided in this run.

        `above` is the greatest serial of any decision before this run.
        """
        before, entry = self.entry, merged(self.entry, past, self.commanded, above)
        if (entry.holds, entry.decision) == (before.holds, before.decision):
            return
        is_news = not self.commanded or entry.holds != before.holds
        term = self._left(entry.term, entry.stamp)
        self.memory = evolve(self.memory, wanted=entry.wanted, enabled=entry.enabled, term=term)
        self.decision = entry.decision
        told = [(Draft("device.recalled", self.config.name, past.told), self._last)] if is_news else []
        receipt = self.journal.record(told, {self.key: self.saved()})
        if is_news:  # a guest that runs may have to halt
            self.inbox.tell(Letter(Review(recalled=True), receipt.refs[0]), kind="recalled")

    def review(self) -> None:
        """Its configuration has changed: have the machine look again at whether it may run."""
        self.inbox.tell(Letter(Review()), kind="review")
        self._publish()

    def withhold(self, *, withheld: bool) -> None:
        """The decisions about it cannot be read (`withheld`), or can be from now on."""
        self.withheld = withheld
        if self._view is not None:
            self._publish()

    def _left_off(self) -> machine.State:
        """The state as it is saved now."""
        now_s = trio.current_time()
        return self.state.left_off(now_s, lambda alarm: self.alarms.remaining_s(alarm, now_s))

    def saved(self) -> dict[str, Any]:
        """Everything that the store keeps of the guest."""
        return {
            **self.config.plug._asdict(),
            "state": self._left_off().lasting(),
            "memory": evolve(self.memory, term=self.term).lasting(),
            **self.since.lasting(),
            "reason": self.reason,
            "stamp": asdict(self.clocks.stamp()),
            "telling": asdict(self.message_failures),
            "decision": None if self.decision is None else asdict(self.decision),
        }

    @property
    def goal(self) -> PowerGoal:
        """The power that its state asks for. The reconciler hears of it once the state is durable, or `COMMIT_S` later."""
        return self._goal_in(self.state, self.memory)

    def _goal_in(self, state: machine.State, memory: Memory) -> PowerGoal:
        goal = machine.goal(state, evolve(self.now, memory=memory))
        return evolve(goal, taken=self._taken) if self._taken else goal

    @property
    def last_event(self) -> Cause:
        """The latest event about this guest."""
        return self._last

    async def settled(self, timeout_s: float) -> bool:
        """Wait until the latest record is durable; returns False if it will not be for a while."""
        return self._receipt is None or await self._receipt.settled(timeout_s)

    # The task ----------------------------------------------------------------

    async def run(self) -> None:
        """One incarnation: take up the state with its alarms, and drive the machine.

        A message that was being delivered ended with the incarnation before.
        """
        now_s = trio.current_time()
        self.state, self.memory = self._left_off().resumed(self.now, now_s, 0.0), evolve(self.memory, term=self.term)
        self.alarms.plan(machine.resume(self.state, self.now), now_s)
        if not self.since.wall:
            self.since = self.clocks.beginning()
        self._publish()
        async with trio.open_nursery() as nursery:
            look = partial(self.around.look, self.config.name)
            await drive(partial(self.take, nursery), self.inbox, self.alarms, self._progressed, look)

    def tell(self, fact: PortFact) -> None:
        """Hand in a fact about its port. An `Answered` or `Listened` wakes the task only if an alarm waits for it."""
        if isinstance(fact, Answered | Listened) and not self.inbox.waiting and not self.alarms.needs(fact):
            self.alarms.saw(fact)
        else:
            self.inbox.tell(fact)

    def _progressed(self) -> None:
        self.progress_s = trio.current_time()

    async def take(self, nursery: trio.Nursery, item: Any) -> None:
        """Take one item of the inbox: make the transition, remember it, and only then act on it."""
        match item:
            case Answered() | Listened():
                self.alarms.saw(item)
            case Nudge():
                self._keep_term()
            case Beat() if self.beat_at_s is not None and item.at_s < self.beat_at_s:
                return  # reported late: a later beat has come from elsewhere
            case Letter(reply=Reply(withdrawn=True)):
                return
            case Letter():
                await self._step(nursery, item)
            case _:
                await self._step(nursery, Letter(item))

    async def _step(self, nursery: trio.Nursery, letter: Letter) -> None:
        if isinstance(letter.content, Beat):
            self.beat_at_s = letter.content.at_s
        if isinstance(letter.content, PowerLost | PowerFound):
            self._taken = max(self._taken, letter.content.report)
        before = self._decided
        step = machine.step(self.state, self._now_of(letter.content), letter.content)
        if self._has_halted(step, letter.content):
            self.message_failures = MessageFailures()
        self._decide(step, letter)
        receipt = self._remember(step, letter)
        if self._decided != before:
            self.around.decided()
        if letter.reply is not None and step.verdict is not None:
            letter.reply.give(step.verdict)
        if receipt is not None and self._acts(step):
            await receipt.settled(COMMIT_S)
        self._publish()
        for effect in step.effects:
            self._carry_out(nursery, effect)

    def _keep_term(self) -> None:
        """Save now and then what is left of a timed order: a restart of the controller takes a time that nobody knows."""
        if self.memory.term is not None and trio.current_time() - self._kept_s >= KEPT_S:
            self._record([], None)
            self.around.decided()

    def _now_of(self, item: Input) -> Situation:
        """The situation that the handlers look at; for a beat without the neighbours, which do not matter to it."""
        if isinstance(item, Beat):
            return self.now
        waits_for, leaning = self.around.neighbours(self.config.name)
        return evolve(self.now, waits_for=tuple(waits_for), leaning=tuple(leaning))

    def _has_halted(self, step: Step, item: Input) -> bool:
        """Whether the guest fell silent after a message. Then the message has reached it, whatever the command reported."""
        was_told = self.state.name in ("stopping", "restarting") and step.state.name != self.state.name
        return was_told and self.config.has_heartbeat and isinstance(item, Fired) and item.name == "heartbeat"

    def _decide(self, step: Step, letter: Letter) -> None:
        """Note what an operator has decided by this step. An operator's start does not wait for older decisions to be read."""
        decision = letter.decision
        if decision is not None and step.verdict is not None and step.verdict.accepted:
            # an older decision may have been read only since the operator asked
            self.decision = evolve(decision, serial=max(decision.serial, self.entry.serial + 1))
            self.commanded |= DECIDES[decision.verb]
            self.withheld = self.withheld and decision.verb not in ("start", "restart")
        elif self.memory.term is not None and step.memory.term is None:
            self.commanded |= DECIDES[self.memory.term.kind]  # its time is over, whatever earlier runs left

    def _acts(self, step: Step) -> bool:
        """Whether the step has an effect outside, which the store should know of first."""
        return self._goal != self._goal_in(step.state, step.memory) or any(isinstance(effect, Message) for effect in step.effects)

    def _remember(self, step: Step, letter: Letter) -> Receipt | None:
        """Take over the step, and hand its record to the journal as one unit. Returns None if nothing changed."""
        moved, begins = step.state is not self.state or step.memory is not self.memory, self._begins(step)
        drafts = [effect for effect in step.effects if isinstance(effect, Draft)]
        self._take_over(step, begins=begins)
        self.starts += begins and isinstance(letter.content, WagmanStart)
        if not moved and not drafts:
            return None
        return self._record(drafts, letter.cause, begins=begins)

    def _begins(self, step: Step) -> bool:
        """Whether a state begins with this step; at the end of the adopt window, one of the same name may."""
        first_looked_at = getattr(self.state, "untouched", False) and not getattr(step.state, "untouched", False)
        return step.state.name != self.state.name or first_looked_at

    def _take_over(self, step: Step, *, begins: bool) -> None:
        if begins:
            self.since = self.clocks.beginning()
        self.state, self.memory = step.state, step.memory
        self.reason = getattr(step.state, "reason", "") or self.reason
        self.alarms.plan(step.alarms, trio.current_time())

    def _record(self, drafts: Sequence[Draft], cause: Cause, *, begins: bool = False) -> Receipt:
        """Record events as a chain. Each is caused by the one before it, the first by `cause`, or by the guest's last event."""
        first = self._last if cause is None else cause
        chain = [(draft, PREVIOUS if number else first) for number, draft in enumerate(drafts)]
        places = {place_key(self.key): len(drafts) - 1} if begins and drafts else {}
        receipt, self._kept_s = self.journal.record(chain, {self.key: self.saved()}, places), trio.current_time()
        if places:
            self.since = evolve(self.since, event=receipt.refs[-1])
        # A request that changes nothing does not cause what comes next; nor do events that only accompany a state.
        if places or (drafts and cause is None and drafts[-1].type not in ASIDE):
            self._last = receipt.refs[-1]
        self._receipt = receipt
        return receipt

    def _publish(self) -> None:
        """Tell the reconciler and the scheduler what has changed for them."""
        goal, view = self.goal, self.view()
        if goal != self._goal:
            self._goal = goal
            self.around.want(self.config.name, goal)
        if view != self._view:
            self._view = view
            self.around.view_changed(view)

    def view(self) -> View:
        """The guest as the scheduler sees it."""
        now, state, memory = self.now, self.state, self.memory
        return View(
            self.config.name,
            state.name,
            starts=self.starts,
            due=isinstance(state, machine.Stopped) and state.due(memory) and not machine.withheld(now),
            known=not (isinstance(state, machine.Stopped) and state.untouched),
            exempt=memory.exempt or memory.maintained or bool(now.config.leads_to),
            hibernating=memory.hibernating,
            recover=now.recovering,
            start_timeout_s=now.start_timeout_s,
            stop_timeout_s=now.config.stop_timeout_s,
            wanted=now.is_wanted,
            leaving=isinstance(state, machine.Started) and not (now.allowed and memory.wanted == "up"),
        )

    def _carry_out(self, nursery: trio.Nursery, effect: object) -> None:
        match effect:
            case StartRefused():
                self.around.start_refused(self.config.name, effect.reason)
            case Message():
                nursery.start_soon(self._deliver, effect, self.since.event or self._last)

    # Messages ----------------------------------------------------------------

    async def _deliver(self, message: Message, cause: Cause) -> None:
        """Run the command that asks the guest to halt. The outcome is an event; the machine hears only that it is over."""
        command, state_since = message.command(self.config), self.since
        env = {**os.environ, "WAGMAN_DEVICE": self.config.name, "WAGMAN_MESSAGE": message.kind}
        try:
            delivery = await self.messenger(command, env, self.config.command_timeout_s)
            self.message_failures = self.message_failures.after(delivery, command)
        finally:  # also after a defect: the next incarnation must hear that the attempt is over
            self.inbox.tell(MessageDone(trio.current_time(), message.cycle))
        told_before = self._told_in is state_since
        self._told_in = state_since if delivery.ok else self._told_in
        said = {"message": message.kind, "ok": delivery.ok, "detail": delivery.detail, "output": delivery.output}
        event = Draft("device.message", self.config.name, {**said, "told_before": told_before})
        asked, receipt = self.since.event, self._record([event], cause)
        if asked is not None and asked is cause:
            self._last = receipt.refs[0]  # what comes of this stop follows from the message; for a later state it does not

    # Requests ----------------------------------------------------------------

    async def ask(self, request: Input, cause: Cause, decision: Decision | None = None) -> Verdict:
        """Put a request to the machine and wait for the answer; `decision` is recorded if the request is accepted."""
        return await answered(self.inbox, Letter(request, cause, Reply(), decision), lambda: self.state.name)
