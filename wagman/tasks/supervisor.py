"""The scheduler's task: it drives the scheduler's machine, which starts and stops the guests through their inboxes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import trio
from attrs import define, evolve, field, frozen

from wagman.config.schema import Config
from wagman.fsm import scheduler
from wagman.fsm.environment import Environment
from wagman.fsm.guest.inputs import Hibernation, Review, WagmanStart, WagmanStop
from wagman.fsm.scheduler.inputs import Effect, GuestRefused, Hibernate, Ordered, ReviewGuest, StartGuest, StopGuest
from wagman.fsm.scheduler.states import StartDevices
from wagman.model.errors import StoreError
from wagman.model.facts import Draft, HibernationOrder, Verdict
from wagman.store import PREVIOUS, Cause, Journal, Receipt, Ref
from wagman.store.decisions import Command, plain_command
from wagman.store.remembered import WAGMAN_KEY
from wagman.tasks.inbox import Inbox
from wagman.tasks.letters import Letter, Nudge, Reply
from wagman.tasks.loop import Alarms, drive
from wagman.tasks.moments import Beginning, Clocks, place_key, restored_beginning

BY_ORDER = "an operator has it hibernate"
"""The reason of a stop that an operator's hibernation causes, and no heat."""


@frozen
class Reconfigured:
    """Go on with another configuration."""

    config: Config


@define
class Supervisor:
    """The scheduler's state and situation, its alarms, its inbox. It outlives the task's incarnations."""

    config: Config
    journal: Journal
    inboxes: Mapping[str, Inbox[Any]]
    clocks: Clocks
    last_event: Callable[[str], Cause]  # the latest event about a guest
    inbox: Inbox[Any] = field(factory=Inbox)
    alarms: Alarms = field(factory=Alarms)
    state: scheduler.State = field(factory=StartDevices)
    situation: scheduler.Situation = field(init=False)
    since: Beginning = field(init=False)  # of the state
    progress_s: float = 0.0
    command: Command | None = None  # the operator's latest command to all guests
    _commanded: bool = False  # `command` was given in this run
    _ordered: Cause = None  # the event of that command
    _receipt: Receipt | None = None  # of the latest record
    _judged: dict[str, Ref] = field(factory=dict)  # the latest event about each sensor, the newest last
    _freed: dict[str, Ref] = field(factory=dict)  # for each guest that is still down after a hibernation: the event that ended it

    def __attrs_post_init__(self) -> None:
        environment = Environment(self.config.environment)
        awaited = frozenset(self._order)
        self.situation = scheduler.Situation(self.config.wagman, self._order, environment, awaited=awaited, after=self._after)
        self.since = self.clocks.beginning()

    @property
    def _order(self) -> tuple[str, ...]:
        return tuple(guest.name for guest in self.config.guests)

    @property
    def _after(self) -> dict[str, tuple[str, ...]]:
        """For each guest, the guests that it comes after. A new table counts from the next start of the service."""
        return {
            guest.name: there for guest in self.config.guests if (there := tuple(filter(self.inboxes.__contains__, guest.after)))
        }

    def restore(self, saved: Any, place: Any) -> bool:
        """Take up what the store kept; returns False if it cannot be trusted, and begins anew then."""
        try:
            state = scheduler.restored(saved["state"])
            # The guest that was started last may have been removed from the configuration.
            self.state = state if state.target in (None, *self._order) else StartDevices()
            self.situation = evolve(self.situation, cursor=saved["cursor"])
            self.since = restored_beginning(saved, place)
        except (StoreError, KeyError, TypeError):
            self.state = StartDevices()
            return False
        return True

    def saved(self) -> dict[str, Any]:
        """Everything that the store keeps of the scheduler."""
        command = None if self.command is None else plain_command(self.command)
        return {"state": self.state.lasting(), "cursor": self.situation.cursor, "command": command, **self.since.lasting()}

    def recall(self, past: Command | None, above: int) -> None:
        """Take over what earlier runs left, however late it is found, unless an operator has commanded in this run.

        `above` is the greatest serial of any decision before this run.
        """
        if self._commanded and self.command is not None:
            self.command = evolve(self.command, serial=self.command.serial + above)
        elif past is not None and past != self.command:
            self.command = past
            self.inbox.tell(Ordered(past.hibernation))

    async def run(self) -> None:
        """One incarnation: take up the state with its alarms at full length, and drive the machine."""
        hibernation = None if self.command is None else self.command.hibernation
        self.situation = evolve(self.situation, hibernation=hibernation)
        self._carry_on(scheduler.taken_up(self.state, self.situation))
        await drive(self.take, self.inbox, self.alarms, self._progressed)

    def _progressed(self) -> None:
        self.progress_s = trio.current_time()

    async def take(self, item: Any) -> None:
        """Take one item of the inbox: make the transition, remember it, and send its effects to the guests."""
        match item:
            case Nudge():
                return
            case Letter(reply=Reply(withdrawn=True)):
                return
            case Letter():
                self._command(item, item.content)
            case Reconfigured():
                self._reconfigure(item.config)
            case _:
                self._carry_on(scheduler.step(self.state, self.situation, item))

    def _command(self, letter: Letter, command: Command) -> None:
        """Carry out an operator's command to all guests; it is never refused."""
        slept = self.state.hibernates or (self.command is not None and self.command.hibernation is not None)
        self.command, self._ordered, self._commanded = command, letter.cause, True
        self._carry_on(scheduler.step(self.state, self.situation, Ordered(command.hibernation)), is_news=True)
        if letter.reply is not None:
            letter.reply.give(Verdict(accepted=True, state=self.state.name, reason=self._words(command.hibernation, slept=slept)))

    def _words(self, hibernation: HibernationOrder | None, *, slept: bool) -> str:
        """What the command leads to, in words; `slept`: the guests were hibernating."""
        if hibernation is not None:
            kept = ", ".join(sorted(hibernation.keep))
            return "the guests are taken down one by one" + (f", but for {kept}" if kept else "")
        if self.state.hibernates:
            return "the guests go on hibernating: the enclosure asks for it"
        return "the guests are started" if slept else "nothing was hibernating, and nothing is changed: see wagman status"

    def _reconfigure(self, config: Config) -> None:
        """Take over the configuration, with all alarms anew as when the service comes up: some may be of sensors now gone."""
        self.config = config
        environment = self.situation.environment.reconfigured(config.environment)
        now = evolve(self.situation, config=config.wagman, order=self._order, after=self._after)
        self.situation = evolve(now, environment=environment)
        self._carry_on(scheduler.taken_up(self.state, self.situation))

    def _carry_on(self, came: scheduler.Step, *, is_news: bool = False) -> None:
        """Take over a step: arm its alarms, record its events, and carry its effects out."""
        old, led = self.state, self.since.event
        begins = (came.state.name, came.state.target) != (old.name, old.target)
        is_kept = (came.state, came.now.cursor) == (old, self.situation.cursor)
        if begins:
            self.since = self.clocks.beginning()
        self.state, self.situation = came.state, came.now
        self.alarms.plan(came.alarms, trio.current_time())
        self._freed = {name: ref for name, ref in self._freed.items() if came.now.views[name].state == "stopped"}
        drafts = [effect for effect in came.effects if isinstance(effect, Draft)]
        if drafts or is_news or not is_kept:
            self._record(drafts, old, led, begins=begins)
        for effect in came.effects:
            self._carry_out(effect)

    async def settled(self, timeout_s: float) -> bool:
        """Wait until the latest record is durable; returns False if it will not be for a while."""
        return self._receipt is None or await self._receipt.settled(timeout_s)

    # What caused what --------------------------------------------------------

    def _record(self, drafts: Sequence[Draft], old: scheduler.State, led: Cause, *, begins: bool) -> None:
        """Record a step as one unit, each event with its cause; `led` is the event with which the state `old` began."""
        chain = [(draft, self._cause(draft, old, led, first=not number)) for number, draft in enumerate(drafts)]
        places = {place_key(WAGMAN_KEY): len(drafts) - 1} if begins and drafts else {}
        self._receipt = self.journal.record(chain, {WAGMAN_KEY: self.saved()}, places)
        refs = self._receipt.refs
        if places:
            self.since = evolve(self.since, event=refs[-1])
        for draft, ref in zip(drafts, refs, strict=True):
            self._note(draft, ref, ended=old.hibernates)

    def _note(self, draft: Draft, ref: Ref, *, ended: bool) -> None:
        """Note an event that may cause later ones; `ended`: the state before it was a hibernation."""
        for sensor in sensors_of(draft):
            self._judged.pop(sensor, None)
            self._judged[sensor] = ref
        if draft.type == "wagman.normal" and ended:
            self._freed = {view.name: ref for view in self.situation.views.values() if view.state == "stopped"}

    def _cause(self, draft: Draft, old: scheduler.State, led: Cause, *, first: bool) -> Cause:
        """The cause of an event: a guest's latest event if it is about a guest, else the event before it, or None."""
        if draft.type == "wagman.start_next_device" and draft.device is not None:
            return self._freed.pop(draft.device, None) or self.last_event(draft.device)
        return self._first_cause(draft, old, led) if first else PREVIOUS

    def _first_cause(self, draft: Draft, old: scheduler.State, led: Cause) -> Cause:
        match draft.type:
            case "environment.normal" | "environment.released":
                return next((self._judged[sensor] for sensor in sensors_of(draft) if sensor in self._judged), None)
            case "wagman.will_hibernate":
                return self._newest(hot=True) if self.situation.environment.hot else self._ordered
            case "wagman.hibernating" | "wagman.start_refused" | "wagman.start_stalled":
                return led
            case "wagman.normal" if old.hibernates:
                return self._newest(hot=False) if old.by_heat else self._ordered
            case "wagman.normal" if old.target is not None and old.target in self.inboxes:
                return self.last_event(old.target)
        return None

    def _newest(self, *, hot: bool) -> Ref | None:
        """The latest event about a sensor that forbids that guests run (`hot`), or about one that does not."""
        sensors = self.situation.environment.sensors
        return next((ref for name, ref in reversed(self._judged.items()) if name in sensors and sensors[name].hot == hot), None)

    # What follows ------------------------------------------------------------

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case StartGuest():
                if not self.inboxes[effect.name].ask(Letter(WagmanStart(), self.since.event)):
                    self.inbox.tell(GuestRefused(effect.name, "its inbox is full"))
            case StopGuest():
                stop = WagmanStop(BY_ORDER) if effect.by_order else WagmanStop()
                # if the inbox is full, it is asked again at the next alarm
                self.inboxes[effect.name].ask(Letter(stop, self.since.event))
            case ReviewGuest():
                cause = None if effect.freed_by is None else self.last_event(effect.freed_by)
                self.inboxes[effect.name].tell(Letter(Review(), cause), kind="review")
            case Hibernate():
                for name in self.inboxes if effect.name is None else (effect.name,):
                    self.inboxes[name].tell(Letter(Hibernation(effect.active)), kind=Hibernation)


def sensors_of(draft: Draft) -> Sequence[str]:
    """The sensors of the enclosure that an event is about."""
    if not draft.type.startswith("environment."):
        return ()
    return draft.fields["sensors"] if draft.type == "environment.released" else (draft.fields["sensor"],)
