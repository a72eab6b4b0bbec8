"""What the six states of a guest share: how one is entered, kept and taken up, and the answer to what is of no consequence."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, ParamSpec, Self

from attrs import asdict, fields, frozen

from wagman.fsm.alarms import Plan
from wagman.fsm.graph import GraphState, IllegalTransitionError
from wagman.fsm.guest.counting import counted_loss, loss_report, uncounted_attempt
from wagman.fsm.guest.inputs import Effect, MessageDone, StartRefused
from wagman.fsm.guest.registry import states
from wagman.fsm.guest.situation import Memory, Situation, Step
from wagman.model.facts import Beat, BoardStopping, PowerFound, PowerGoal, PowerLost, RelayAsked, RelayOff, RelayOn

P = ParamSpec("P")

HEARD_BEATS = 3
"""A guest that lives is heard within so many of its beats (chosen, as the configuration is checked by)."""


@frozen
class State(GraphState):
    """A state of a guest. A handler that no family overrides says: in this state that is of no consequence.

    Each alarm that a state may have armed has a handler of its own (`machine.ringing` finds it); there is none to inherit.
    """

    parts: ClassVar[Mapping[str, type]] = {}
    """The fields that are values of several fields; what is saved has those side by side, as version 0.1.0 reads and wrote it."""

    reason: str = ""

    def power(self, memory: Memory) -> PowerGoal:
        """The wanted level of the relay: on, in the current cycle, unless the state says otherwise."""
        return PowerGoal("on", memory.cycle, memory.media, already=True)

    # As in the note ----------------------------------------------------------

    def on_enter(self, now: Situation) -> Step:
        raise NotImplementedError

    def on_heartbeat(self, now: Situation, beat: Beat) -> Step:
        raise NotImplementedError

    # Facts about power, and about messages -----------------------------------

    def on_power_lost(self, now: Situation, lost: PowerLost) -> Step:
        """Nothing is counted, and the guest is due at once: it did nothing wrong."""
        after = counted_loss(now, lost)
        step = self.goto(states.stopped, uncounted_attempt(after) if self.trying else after, "power lost")
        return step.after(*loss_report(now, lost))

    def on_power_found(self, now: Situation, found: PowerFound) -> Step:
        return self.stay(now)

    def on_relay_asked(self, now: Situation, asked: RelayAsked) -> Step:
        return self.stay(now)

    def on_relay_on(self, now: Situation, on: RelayOn) -> Step:
        return self.stay(now)

    def on_relay_off(self, now: Situation, off: RelayOff) -> Step:
        return self.stay(now)

    def on_board_stopping(self, now: Situation, stopping: BoardStopping) -> Step:
        return self.stay(now)

    def on_message_done(self, now: Situation, done: MessageDone) -> Step:
        return self.stay(now)

    # Requests ----------------------------------------------------------------

    def on_start(self, now: Situation) -> Step:
        raise NotImplementedError

    def on_stop(self, now: Situation, reason: str) -> Step:
        raise NotImplementedError

    def on_restart(self, now: Situation, reason: str) -> Step:
        raise NotImplementedError

    def on_kill(self, now: Situation) -> Step:
        return self.goto(states.stopped, now, "killed by the operator", firm=True).accept("power is being cut")

    def on_wagman_start(self, now: Situation) -> Step:
        return self.stay(now, StartRefused(f"it is {self.name}"))

    # Steps -------------------------------------------------------------------

    def stay(self, now: Situation, *effects: Effect, alarms: Plan | None = None) -> Step:
        """The step to this very state, which is not entered; without `alarms` all stand as they are."""
        return Step(self, now.memory, alarms, effects)

    def goto(self, state: "Callable[P, State]", now: Situation, *args: P.args, **kwargs: P.kwargs) -> Step:
        """Change to a state that is made of the other arguments, along the declared graph; it is entered.

        Raises:
            IllegalTransitionError: the graph does not allow it.
        """
        new = state(*args, **kwargs)
        if new.name != self.name and new.name not in self.successors:
            raise IllegalTransitionError(self.name, new.name)
        return new.on_enter(now)

    # Kept and taken up -------------------------------------------------------

    @property
    def trying(self) -> bool:
        """An attempt has been counted that has not come to its verdict."""
        return False

    def resume(self, now: Situation) -> Plan:
        """The alarms of this state at full length, for a service that comes up in it."""
        raise NotImplementedError

    def lasting(self) -> dict[str, Any]:
        """The state as plain data; times are left out, they mean nothing in another run."""
        saved: dict[str, Any] = {"name": self.name}
        for name, value in asdict(self, filter=lambda a, _: not a.name.endswith("_at_s")).items():
            saved |= value if name in self.parts else {name: value}
        return saved

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Self:
        """The state that `lasting()` gave, its name left out.

        Raises:
            TypeError: a field of it is not known here.
        """
        rest = dict(saved)
        made = {
            name: part(**{each.name: rest.pop(each.name) for each in fields(part) if each.name in rest})
            for name, part in cls.parts.items()
        }
        return cls(**rest, **made)

    def left_off(self, now_s: float, left_s: Callable[[str], float | None]) -> "State":
        """The state as it is kept at `now_s`: with what was waited, or is left of an alarm, as lengths of time."""
        return self

    def resumed(self, now: Situation, now_s: float, away_s: float | None) -> "State":
        """The state as a service that comes up at `now_s` takes it up, `away_s` after it was left off (None: nobody knows)."""
        return self
