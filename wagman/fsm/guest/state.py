"""What the states of a guest share: how one is entered, kept and taken up, and the answer to what is of no consequence."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec

from attrs import AttrsInstance, fields, frozen, has

from wagman.fsm.alarms import Plan
from wagman.fsm.graph import GraphState
from wagman.fsm.guest.inputs import Effect, StartRefused
from wagman.fsm.guest.situation import Memory, Situation, Step
from wagman.model.facts import Beat, PowerGoal, PowerLost

if TYPE_CHECKING:
    from wagman.fsm.guest.booting import Starting, WillStop
    from wagman.fsm.guest.halting import Restarting, Stopping
    from wagman.fsm.guest.maintenance import Maintenance
    from wagman.fsm.guest.started import Started
    from wagman.fsm.guest.stopped import Stopped

P = ParamSpec("P")


class States:
    """The classes of the states, for one another.

    The families refer to one another in circles. Each file of a family is imported without the others, and takes their classes
    from here when a handler runs; `machine` puts in what `checked_graph` has built.
    """

    stopped: "type[Stopped]"
    starting: "type[Starting]"
    will_stop: "type[WillStop]"
    started: "type[Started]"
    stopping: "type[Stopping]"
    restarting: "type[Restarting]"
    maintenance: "type[Maintenance]"


states = States()


def unlike_new(value: AttrsInstance) -> dict[str, Any]:
    """The fields that are not as in a new one, those of a value in it beside the others; `machine.restored` parts them again.

    So an older version, which does not know a field yet, can read what is saved for as long as nothing has made use of it.
    """
    saved: dict[str, Any] = {}
    for each in fields(type(value)):
        held = getattr(value, each.name)
        if has(type(held)):
            saved |= unlike_new(held)
        elif held != each.default and not each.name.endswith("_at_s"):
            saved[each.name] = held
    return saved


@frozen
class State(GraphState):
    """A state of a guest. A handler that no family overrides says: in this state that is of no consequence.

    Each alarm that a state may have armed has a handler of its own (`machine.ringing` finds it); there is none to inherit.
    """

    reason: str = ""

    def power(self, memory: Memory) -> PowerGoal:
        """The wanted level of the relay: on, in the current cycle, unless the state says otherwise."""
        return PowerGoal("on", memory.cycle, memory.media, already=True)

    def on_enter(self, now: Situation) -> Step:
        raise NotImplementedError

    def on_heartbeat(self, now: Situation, beat: Beat) -> Step:
        raise NotImplementedError

    def on_power_lost(self, now: Situation, lost: PowerLost) -> Step:
        after, told = now.counted_loss(lost)
        return self.without_power(after).after(*told)

    def without_power(self, now: Situation) -> Step:
        """Power was lost. No failure is counted, and the guest is due at once: it did nothing wrong."""
        return self.goto(states.stopped, now.uncounted_attempt() if self.trying else now, "power lost")

    def of_no_consequence(self, now: Situation, fact: Any) -> Step:
        """The answer to a fact that changes nothing in this state."""
        return self.stay(now)

    on_power_found = on_relay_asked = on_relay_on = on_relay_off = on_board_stopping = on_message_done = of_no_consequence

    def on_start(self, now: Situation) -> Step:
        raise NotImplementedError

    def on_stop(self, now: Situation, reason: str) -> Step:
        raise NotImplementedError

    def on_restart(self, now: Situation, reason: str) -> Step:
        return self.on_start(now)

    def on_kill(self, now: Situation) -> Step:
        return self.goto(states.stopped, now, "killed by the operator", firm=True).accept("power is being cut")

    def on_maintenance(self, now: Situation, reason: str) -> Step:
        """Leave the guest alone. A start that is under way comes to no verdict, and so is no attempt."""
        left = now.uncounted_attempt() if self.trying else now
        step = self.goto(states.maintenance, left, reason, silent=self.name != "started")
        return step.accept("nothing is done about it")

    def on_maintenance_over(self, now: Situation, reason: str) -> Step:
        return self.stay(now)

    def on_wagman_start(self, now: Situation) -> Step:
        # mark turn-that-comes-too-late
        return self.refuse_start(now, f"it is {self.name}")

    def stay(self, now: Situation, *effects: Effect, alarms: Plan | None = None) -> Step:
        """The step to this very state, which is not entered; without `alarms` all stand as they are."""
        return Step(self, now.memory, alarms, effects)

    def refuse_start(self, now: Situation, obstacle: str) -> Step:
        """Tell the scheduler why its start is not carried out."""
        # mark turn-that-comes-too-late
        return self.stay(now, StartRefused(obstacle))

    def goto(self, state: "Callable[P, State]", now: Situation, *args: P.args, **kwargs: P.kwargs) -> Step:
        """Change to a state that is made of the other arguments, along the declared graph; it is entered.

        Raises:
            IllegalTransitionError: the graph does not allow it.
        """
        new = state(*args, **kwargs)
        self.check_way(new)
        return new.on_enter(now)

    @property
    def trying(self) -> bool:
        """An attempt has been counted that has not come to its verdict."""
        return False

    def resume(self, now: Situation) -> Plan:
        """The alarms of this state at full length, for a service that comes up in it."""
        raise NotImplementedError

    def lasting(self) -> dict[str, Any]:
        """The state as plain data; times are left out, they mean nothing in another run."""
        return {"name": self.name, **unlike_new(self)}

    def left_off(self, now_s: float, left_s: Callable[[str], float | None]) -> "State":
        """The state as it is kept at `now_s`: with what was waited, or is left of an alarm, as lengths of time."""
        return self

    def resumed(self, now: Situation, now_s: float, away_s: float | None) -> "State":
        """The state as a service that comes up at `now_s` takes it up, `away_s` after it was left off (None: nobody knows)."""
        return self
