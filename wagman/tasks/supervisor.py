"""The Wagman task: it drives the Wagman machine, which starts and stops the guests through their inboxes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import trio
from attrs import define, evolve, field, frozen

from wagman.config.schema import Config
from wagman.fsm import wagman
from wagman.fsm.environment import Environment
from wagman.fsm.guest.inputs import Hibernation, WagmanStart, WagmanStop
from wagman.model.errors import StoreError
from wagman.model.facts import Draft
from wagman.store import Cause, Journal, Ref
from wagman.tasks.guest import Letter, Nudge
from wagman.tasks.inbox import Inbox
from wagman.tasks.loop import Alarms, drive
from wagman.tasks.moments import Beginning, Clocks, place_key, restored_beginning

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
    _judged: dict[str, Ref] = field(factory=dict)  # the latest event about each sensor, the newest last
    _freed: dict[str, tuple[int, Ref]] = field(factory=dict)  # guests that a hibernation kept down: their changes, its end

    def __attrs_post_init__(self) -> None:
        environment = Environment(self.config.environment)
        self.situation = wagman.Situation(self.config.wagman, self._order, environment, awaited=frozenset(self._order))
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
        old = self.state, self.since.event
        begins = (step.state.name, step.state.target) != (self.state.name, self.state.target)
        self._take_over(step, begins=begins)
        self._record([effect for effect in step.effects if isinstance(effect, Draft)], *old, begins=begins)
        for effect in step.effects:
            self._carry_out(effect)

    def _reconfigure(self, config: Config) -> None:
        """Go on with all alarms anew, as when the service comes up: some may be of sensors now gone."""
        self.config = config
        environment = self.situation.environment.reconfigured(config.environment)
        self.situation = evolve(self.situation, config=config.wagman, order=self._order, environment=environment)
        self._carry_on(wagman.reconfigured(self.state, self.situation))

    def _take_over(self, step: wagman.Step, *, begins: bool) -> None:
        if begins:
            self.since = self.clocks.beginning()
        self.state, self.situation = step.state, step.situation
        self.alarms.plan(step.alarms, trio.current_time())

    # What caused what --------------------------------------------------------

    def _record(self, drafts: Sequence[Draft], old: wagman.State, led: Ref | None, *, begins: bool) -> None:
        """Remember what happened, each with what really caused it; `led` is the event that the state `old` began with."""
        told: dict[str, Ref] = {}
        for number, draft in enumerate(drafts):
            places = {place_key(KEY): 0} if begins and number == len(drafts) - 1 else {}
            cause = self._cause(draft, old, told, led)
            ref = told[draft.type] = self.journal.record([(draft, cause)], {KEY: self.saved()}, places).refs[0]
            if places:
                self.since = evolve(self.since, event=ref)
            self._note(draft, ref, ended=old.hibernates)

    def _note(self, draft: Draft, ref: Ref, *, ended: bool) -> None:
        """What later events may be caused by."""
        for sensor in sensors_of(draft):
            self._judged.pop(sensor, None)
            self._judged[sensor] = ref
        if draft.type == "wagman.normal" and ended:
            self._freed = {view.name: (view.changes, ref) for view in self.situation.views.values() if view.state == "stopped"}

    def _cause(self, draft: Draft, old: wagman.State, told: Mapping[str, Ref], led: Ref | None) -> Cause:
        """What really caused it; None where nothing that is in the log has. `told`: what went before it in the same step."""
        match draft.type:
            case "environment.normal" | "environment.released":
                return next((self._judged[sensor] for sensor in sensors_of(draft) if sensor in self._judged), None)
            case "wagman.will_hibernate":
                return self._newest(hot=True)
            case "wagman.hibernating" | "wagman.start_refused" | "wagman.start_stalled":
                return told.get("wagman.will_hibernate", led)
            case "wagman.normal":
                return self._end(old, told)
            case "wagman.start_next_device" if draft.device is not None:
                return self._freeing(draft.device) or self.last_event(draft.device)
            case _:
                return None

    def _end(self, old: wagman.State, told: Mapping[str, Ref]) -> Cause:
        """What ended that state: the heat is over, or the start of a guest has come to its end."""
        if old.hibernates:
            return self._newest(hot=False)
        stuck = told.get("wagman.start_stalled") or told.get("wagman.start_refused")
        if stuck is not None or old.target is None or old.target not in self.inboxes:
            return stuck
        return self.last_event(old.target)

    def _newest(self, *, hot: bool) -> Ref | None:
        """The latest event about a sensor that forbids that guests run, or about one that does not."""
        sensors = self.situation.environment.sensors
        return next((ref for name, ref in reversed(self._judged.items()) if name in sensors and sensors[name].hot == hot), None)

    def _freeing(self, name: str) -> Ref | None:
        """The end of the hibernation that alone has kept this guest down, if it was that."""
        changes, ref = self._freed.pop(name, (None, None))
        view = self.situation.views.get(name)
        return ref if view is not None and view.changes == changes else None

    # What follows ------------------------------------------------------------

    def _carry_out(self, effect: wagman.Effect) -> None:
        match effect:
            case wagman.StartDevice():
                letter = Letter(WagmanStart(effect.recover), self.since.event)
                if not self.inboxes[effect.name].ask(letter):
                    self.inbox.tell(wagman.DeviceRefused(effect.name, "its inbox is full"))
            case wagman.StopDevice():
                self.inboxes[effect.name].ask(Letter(WagmanStop(), self.since.event))  # asked again at the next alarm
            case wagman.Hibernate():
                self._hibernate(effect)

    def _hibernate(self, effect: wagman.Hibernate) -> None:
        names = self.inboxes if effect.name is None else (effect.name,)
        for name in names:
            self.inboxes[name].tell(Letter(Hibernation(effect.active)), kind=Hibernation)


def sensors_of(draft: Draft) -> Sequence[str]:
    """The sensors of the enclosure that an event is about."""
    if not draft.type.startswith("environment."):
        return ()
    return draft.fields["sensors"] if draft.type == "environment.released" else (draft.fields["sensor"],)
