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
from wagman.fsm.wagman import View
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
from wagman.tasks.messages import Messenger, Telling
from wagman.tasks.moments import Beginning, Clocks, Stamp, place_key, restored_beginning, restored_stamp
from wagman.tasks.surroundings import Surroundings

COMMIT_S = 2.0
"""How long an action waits for the state that leads to it to be durable: a bound for a slow disk (chosen)."""

ASIDE = frozenset(("device.message", "device.off", "device.relay_stuck"))
"""Events that accompany a state, and lead to no other."""

KEPT_S = 600.0
"""How often it is kept how much is left of what was ordered for a while (chosen: a power cut may cost so much)."""


@define
class Guest:
    """A guest device: its machine's state and memory, its alarms, its inbox. It outlives the task's incarnations."""

    config: DeviceConfig
    journal: Journal
    around: Surroundings
    messenger: Messenger
    clocks: Clocks
    state: machine.State = field(factory=machine.untrusted)
    memory: Memory = field(factory=Memory)
    decision: Decision | None = None  # of an operator, the latest that it goes by
    commanded: frozenset[str] = frozenset()  # what an operator has decided in this run: later than anybody before it
    withheld: bool = False  # what was decided about it cannot be read
    inbox: Inbox[Any] = field(factory=Inbox)
    alarms: Alarms = field(factory=Alarms)
    since: Beginning = field(factory=Beginning)  # of the state
    reason: str = ""
    starts: int = 0  # of the scheduler's, how many it has carried out
    progress_s: float = 0.0
    beat_at_s: float | None = None
    telling: Telling = field(factory=Telling)
    _last: Cause = None  # what led to what comes next
    _receipt: Receipt | None = None  # of what was remembered last
    _kept_s: float = 0.0  # when that was
    _view: View | None = None
    _goal: PowerGoal | None = None
    _taken: int = field(init=False, default=0)  # the latest report of power lost or found that its machine has heard of
    _told_in: Beginning | None = None  # the state in which a message got through last

    # Coming up ---------------------------------------------------------------

    @property
    def key(self) -> str:
        """The name under which the store keeps this guest."""
        return f"device.{self.config.name}"

    @property
    def now(self) -> Situation:
        """What the handlers look at."""
        return Situation(self.config, self.memory, self.withheld)

    @property
    def entry(self) -> Entry:
        """What is decided about it."""
        memory, term = self.memory, self.term
        kept = None if term is None else self.clocks.stamp()
        return Entry(self.config.port, self.config.board, memory.wanted, memory.enabled, self.decision, term=term, stamp=kept)

    @property
    def term(self) -> Term | None:
        """What is ordered for a while, with what is left of it by now."""
        term, left_s = self.memory.term, self.alarms.remaining_s(machine.TERM, trio.current_time())
        return term if term is None or left_s is None else evolve(term, left_s=left_s)

    @property
    def _decided(self) -> tuple[Any, ...]:
        """What the entry is made of: to be compared at every beat, which the entry is too dear for."""
        return self.decision, self.memory.wanted, self.memory.enabled, self.memory.term

    def restore(self, saved: Any, place: Any, last: Cause) -> bool:
        """Take up what the store kept; False: nothing is known of its power, or of anything, and that begins anew.

        `place` is where the state began, in the log; `last` is the latest event about this guest: the cause of the next one.
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
        self.telling, self.decision = Telling(**saved.get("telling", {})), decision_of(saved.get("decision"))
        if Plug.kept(saved) != self.config.plug:
            self.memory = evolve(self.memory, cycle=0, media=None)  # those were of the other port's power
            return False
        self.state = machine.restored(saved["state"])
        self.since, self.reason = restored_beginning(saved, place), saved["reason"]
        self.state = self.state.resumed(self.now, trio.current_time(), self._since_s(restored_stamp(saved["stamp"])))
        return True

    def _since_s(self, stamp: Stamp | None) -> float | None:
        """How long ago that was; None where nobody knows."""
        return Beginning(stamp=stamp).for_s(self.clocks.stamp())

    def _left(self, term: Term | None, kept: Stamp | None) -> Term | None:
        """A term that was kept then, with what is left of it by now; what nobody knows the length of does not count."""
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
        if is_news:  # what runs may have to halt
            self.inbox.tell(Letter(Review(recalled=True), receipt.refs[0]), kind="recalled")

    def review(self) -> None:
        """Its configuration has changed: whether it may run is to be looked at again."""
        self.inbox.tell(Letter(Review()), kind="review")
        self._publish()

    def withhold(self, *, withheld: bool) -> None:
        """What was decided about it cannot be read, or can be now."""
        self.withheld = withheld
        if self._view is not None:
            self._publish()

    def _left_off(self) -> machine.State:
        """The state, with what has been waited for by now."""
        now_s = trio.current_time()
        return self.state.left_off(now_s, lambda alarm: self.alarms.remaining_s(alarm, now_s))

    def saved(self) -> dict[str, Any]:
        """What the store keeps."""
        return {
            **self.config.plug._asdict(),
            "state": self._left_off().lasting(),
            "memory": evolve(self.memory, term=self.term).lasting(),
            **self.since.lasting(),
            "reason": self.reason,
            "stamp": asdict(self.clocks.stamp()),
            "telling": asdict(self.telling),
            "decision": None if self.decision is None else asdict(self.decision),
        }

    @property
    def goal(self) -> PowerGoal:
        """The power that its state asks for; the reconciler hears of it once the state is durable."""
        return self._goal_in(self.state, self.memory)

    def _goal_in(self, state: machine.State, memory: Memory) -> PowerGoal:
        goal = state.power(memory)
        return evolve(goal, taken=self._taken) if self._taken else goal

    @property
    def last_event(self) -> Cause:
        """The latest event about this guest."""
        return self._last

    async def settled(self, timeout_s: float) -> bool:
        """Whether what was remembered last is durable: waits until it is, or will not be for a while."""
        return self._receipt is None or await self._receipt.settled(timeout_s)

    # The task ----------------------------------------------------------------

    async def run(self) -> None:
        """One incarnation: take up the state with its alarms, and drive the machine.

        A message that was being delivered went with the incarnation before.
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
        """A fact about its port. What comes as a matter of course wakes nobody, unless an alarm has waited for it."""
        if isinstance(fact, Answered | Listened) and not self.inbox.waiting and not self.alarms.needs(fact):
            self.alarms.saw(fact)
        else:
            self.inbox.tell(fact)

    def _progressed(self) -> None:
        self.progress_s = trio.current_time()

    async def take(self, nursery: trio.Nursery, item: Any) -> None:
        """One item of the inbox: make the transition, remember it, and only then act on it."""
        match item:
            case Answered() | Listened():
                self.alarms.saw(item)
            case Nudge():
                self._keep_term()
            case Beat() if self.beat_at_s is not None and item.at_s < self.beat_at_s:
                return  # told late: a later one has been taken from elsewhere
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
            self.telling = Telling()
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
        """Keep now and then what is left: where the controller restarts, nobody knows how long that took."""
        if self.memory.term is not None and trio.current_time() - self._kept_s >= KEPT_S:
            self._record([], None)
            self.around.decided()

    def _now_of(self, item: Input) -> Situation:
        """What the handlers look at; at the neighbours only where they may matter, for beats are many."""
        if isinstance(item, Beat):
            return self.now
        waits_for, leaning = self.around.neighbours(self.config.name)
        return evolve(self.now, waits_for=tuple(waits_for), leaning=tuple(leaning))

    def _has_halted(self, step: Step, item: Input) -> bool:
        """It fell silent after it was told: whatever the command said of itself, it has reached the guest."""
        was_told = self.state.name in ("stopping", "restarting") and step.state.name != self.state.name
        return was_told and self.config.has_heartbeat and isinstance(item, Fired) and item.name == "heartbeat"

    def _decide(self, step: Step, letter: Letter) -> None:
        """Somebody has said what holds from now on; whoever has it started does not wait for what was decided before."""
        decision = letter.decision
        if decision is not None and step.verdict is not None and step.verdict.accepted:
            # What was decided before may have come to be known since the operator asked.
            self.decision = evolve(decision, serial=max(decision.serial, self.entry.serial + 1))
            self.commanded |= DECIDES[decision.verb]
            self.withheld = self.withheld and decision.verb not in ("start", "restart")
        elif self.memory.term is not None and step.memory.term is None:
            self.commanded |= DECIDES[self.memory.term.kind]  # its time is over, whatever earlier runs left

    def _acts(self, step: Step) -> bool:
        """Whether the step has an effect outside, which the store should know of first."""
        return self._goal != self._goal_in(step.state, step.memory) or any(isinstance(effect, Message) for effect in step.effects)

    def _remember(self, step: Step, letter: Letter) -> Receipt | None:
        """Take over the step, and hand what is to be remembered to the journal as one unit."""
        moved, begins = step.state is not self.state or step.memory is not self.memory, self._begins(step)
        drafts = [effect for effect in step.effects if isinstance(effect, Draft)]
        self._take_over(step, begins=begins)
        self.starts += begins and isinstance(letter.content, WagmanStart)
        if not moved and not drafts:
            return None
        return self._record(drafts, letter.cause, begins=begins)

    def _begins(self, step: Step) -> bool:
        """Whether a state begins with this step; what was first looked at is in another state, too, though of the same name."""
        first_looked_at = getattr(self.state, "untouched", False) and not getattr(step.state, "untouched", False)
        return step.state.name != self.state.name or first_looked_at

    def _take_over(self, step: Step, *, begins: bool) -> None:
        if begins:
            self.since = self.clocks.beginning()
        self.state, self.memory = step.state, step.memory
        self.reason = getattr(step.state, "reason", "") or self.reason
        self.alarms.plan(step.alarms, trio.current_time())

    def _record(self, drafts: Sequence[Draft], cause: Cause, *, begins: bool = False) -> Receipt:
        """Each event is caused by the one before it; the first by what was sent, or by what brought the guest here."""
        first = self._last if cause is None else cause
        chain = [(draft, PREVIOUS if number else first) for number, draft in enumerate(drafts)]
        places = {place_key(self.key): len(drafts) - 1} if begins and drafts else {}
        receipt, self._kept_s = self.journal.record(chain, {self.key: self.saved()}, places), trio.current_time()
        if places:
            self.since = evolve(self.since, event=receipt.refs[-1])
        # Who asks for what is so already has not caused what comes next; nor has what only accompanies a state.
        if places or (drafts and cause is None and drafts[-1].type not in ASIDE):
            self._last = receipt.refs[-1]
        self._receipt = receipt
        return receipt

    def _publish(self) -> None:
        """Tell the neighbours what has changed for them."""
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
        """Run the command that tells the guest; the outcome is an event, and the machine hears that it is over."""
        command, state_since = message.command(self.config), self.since
        env = {**os.environ, "WAGMAN_DEVICE": self.config.name, "WAGMAN_MESSAGE": message.kind}
        try:
            delivery = await self.messenger(command, env, self.config.command_timeout_s)
            self.telling = self.telling.after(delivery, command)
        finally:  # an attempt that ends in a defect has ended, too: the next incarnation hears of it
            self.inbox.tell(MessageDone(trio.current_time(), message.cycle))
        told_before = self._told_in is state_since
        self._told_in = state_since if delivery.ok else self._told_in
        said = {"message": message.kind, "ok": delivery.ok, "detail": delivery.detail, "output": delivery.output}
        event = Draft("device.message", self.config.name, {**said, "told_before": told_before})
        asked, receipt = self.since.event, self._record([event], cause)
        if asked is not None and asked is cause:
            self._last = receipt.refs[0]  # whatever comes of this stop follows from it; a later state has another story

    # Requests ----------------------------------------------------------------

    async def ask(self, request: Input, cause: Cause, decision: Decision | None = None) -> Verdict:
        """Put a request to the machine and wait for its answer; `decision` is what the request is once it is accepted."""
        return await answered(self.inbox, Letter(request, cause, Reply(), decision), lambda: self.state.name)
