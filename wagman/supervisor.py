"""The Wagman task: it drives the Wagman machine, which starts and stops the guests through their inboxes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import trio
from attrs import define, evolve, field, frozen

from wagman.config.schema import Config
from wagman.device import Letter, Nudge
from wagman.errors import StoreError
from wagman.events import Draft
from wagman.fsm import wagman
from wagman.fsm.environment import Environment
from wagman.fsm.inputs import Hibernation, WagmanStart, WagmanStop
from wagman.inbox import Inbox
from wagman.loop import Alarms, drive
from wagman.moments import Beginning, Clocks, restored_beginning
from wagman.store import Cause, Journal

KEY = "wagman"
"""The name under which the store keeps the machine."""


@frozen
class Reconfigured:
    """Another configuration counts from now on."""

    config: Config


@define
class Supervisor:
    """The Wagman machine's state and situation, its alarms, its inbox. It outlives the task's incarnations."""

    config: Config
    journal: Journal
    inboxes: Mapping[str, Inbox[Any]]
    clocks: Clocks
    last_event: Callable[[str], Cause]  # about that guest
    inbox: Inbox[Any] = field(factory=Inbox)
    alarms: Alarms = field(factory=Alarms)
    state: wagman.State = field(factory=wagman.StartDevices)
    situation: wagman.Situation = field(init=False)
    since: Beginning = field(init=False)  # of the state
    progress_s: float = 0.0
    _last: Cause = None

    def __attrs_post_init__(self) -> None:
        self.situation = wagman.Situation(self.config.wagman, self._order, Environment(self.config.environment))
        self.since = self.clocks.beginning()

    @property
    def _order(self) -> tuple[str, ...]:
        return tuple(guest.name for guest in self.config.guests)

    def restore(self, saved: Any, place: Any) -> bool:
        """Take up what the store kept; False: it cannot be trusted, and the machine begins anew."""
        try:
            state = wagman.restored(saved["state"])
            # The guest that was started last may have been taken out of the configuration since.
            self.state = state if state.target in (None, *self._order) else wagman.StartDevices()
            self.situation = evolve(self.situation, cursor=saved["cursor"])
            self.since = restored_beginning(saved, place)
        except (StoreError, KeyError, TypeError):
            self.state = wagman.StartDevices()
            return False
        return True

    def saved(self) -> dict[str, Any]:
        """What the store keeps."""
        return {"state": self.state.lasting(), "cursor": self.situation.cursor, **self.since.lasting()}

    async def run(self) -> None:
        """One incarnation: take up the state with its alarms at full length, and drive the machine."""
        self.alarms.plan(wagman.resumed(self.state, self.situation), trio.current_time())
        await drive(self.take, self.inbox, self.alarms, self._progressed)

    def _progressed(self) -> None:
        self.progress_s = trio.current_time()

    async def take(self, item: Any) -> None:
        """One item of the inbox: make the transition, remember it, and send what follows to the guests."""
        if isinstance(item, Nudge):
            return
        if isinstance(item, Reconfigured):
            self._reconfigure(item.config)
            return
        self._carry_on(wagman.step(self.state, self.situation, item))

    def _carry_on(self, step: wagman.Step) -> None:
        """The transition, and what follows from it."""
        self._take_over(step)
        drafts = [effect for effect in step.effects if isinstance(effect, Draft)]
        if drafts:
            self._record(drafts)
        for effect in step.effects:
            self._carry_out(effect)

    def _reconfigure(self, config: Config) -> None:
        """Go on with all alarms anew, as when the service comes up: some may be of sensors now gone."""
        self.config = config
        environment = self.situation.environment.reconfigured(config.environment)
        self.situation = evolve(self.situation, config=config.wagman, order=self._order, environment=environment)
        self._carry_on(wagman.reconfigured(self.state, self.situation))

    def _take_over(self, step: wagman.Step) -> None:
        if step.state.name != self.state.name:
            self.since = self.clocks.beginning()
        self.state, self.situation = step.state, step.situation
        self.alarms.plan(step.alarms, trio.current_time())

    def _record(self, drafts: Sequence[Draft]) -> None:
        """What is about a guest was caused by what happened to that guest; the rest by what went before it here."""
        for draft in drafts:
            cause = self._last if draft.device is None else self.last_event(draft.device)
            self._last = self.journal.record([(draft, cause)], {KEY: self.saved()}).refs[0]

    def _carry_out(self, effect: wagman.Effect) -> None:
        match effect:
            case wagman.StartDevice():
                letter = Letter(WagmanStart(effect.recover), self._last)
                if not self.inboxes[effect.name].ask(letter):
                    self.inbox.tell(wagman.DeviceRefused(effect.name, "its inbox is full"))
            case wagman.StopDevice():
                self.inboxes[effect.name].ask(Letter(WagmanStop(), self._last))  # asked again at the next alarm
            case wagman.Hibernate():
                self._hibernate(effect)

    def _hibernate(self, effect: wagman.Hibernate) -> None:
        names = self.inboxes if effect.name is None else (effect.name,)
        for name in names:
            self.inboxes[name].tell(Letter(Hibernation(effect.active), self._last), kind=Hibernation)
