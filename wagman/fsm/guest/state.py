"""The base of a guest's states: how a state is entered, kept and restored, and the default handlers."""

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

    The state files refer to one another in circles. Each is imported without the others, and takes their classes from here when
    a handler runs; `machine` puts in what `checked_graph` returned.
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
    """The fields that differ from their defaults, those of a nested value beside the others; `machine.restored` undoes it.

    An older version, which does not know a new field, can so read what is saved as long as the field was never used. Times
    (`..._at_s`) are left out: they mean nothing in another run.
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
    """A state of a guest. A handler that no subclass overrides changes nothing.

    Each alarm that a state arms has a handler of its own in that state (`machine.ringing` finds it); none is inherited.
    """

    reason: str = ""

    def power(self, memory: Memory) -> PowerGoal:
        """The wanted level of the relay; unless a state says otherwise, on in the current power cycle."""
        return PowerGoal("on", memory.cycle, memory.media, already=True)

    def on_enter(self, now: Situation) -> Step:
        raise NotImplementedError

    def on_heartbeat(self, now: Situation, beat: Beat) -> Step:
        raise NotImplementedError

    def on_power_lost(self, now: Situation, lost: PowerLost) -> Step:
        after, told = now.counted_loss(lost)
        return self.without_power(after).after(*told)

    def without_power(self, now: Situation) -> Step:
        """Leave this state because the power was lost. No failure counts and no backoff begins: the guest did nothing wrong."""
        return self.goto(states.stopped, now.uncounted_attempt() if self.trying else now, "power lost")

    def of_no_consequence(self, now: Situation, fact: Any) -> Step:
        """The default handler of a fact: nothing changes."""
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
        """Leave the guest alone. A start that is under way is not counted as an attempt."""
        left = now.uncounted_attempt() if self.trying else now
        return self.goto(states.maintenance, left, reason, silent=self.name != "started")

    def on_maintenance_over(self, now: Situation, reason: str) -> Step:
        return self.stay(now)

    def on_wagman_start(self, now: Situation) -> Step:
        # mark turn-that-comes-too-late
        return self.refuse_start(now, f"it is {self.name}")

    def stay(self, now: Situation, *effects: Effect, alarms: Plan | None = None) -> Step:
        """A step that stays in this state, without `on_enter`; without `alarms` all alarms stand."""
        return Step(self, now.memory, alarms, effects)

    def refuse_start(self, now: Situation, obstacle: str) -> Step:
        """Tell the scheduler why its start is not carried out."""
        # mark turn-that-comes-too-late
        return self.stay(now, StartRefused(obstacle))

    def goto(self, state: "Callable[P, State]", now: Situation, *args: P.args, **kwargs: P.kwargs) -> Step:
        """Change to the state that `state(*args, **kwargs)` makes, along the declared graph, and run its `on_enter`.

        Raises:
            IllegalTransitionError: the graph does not allow it.
        """
        new = state(*args, **kwargs)
        self.check_way(new)
        return new.on_enter(now)

    @property
    def trying(self) -> bool:
        """Whether an attempt was counted that has neither failed nor become stable."""
        return False

    def resume(self, now: Situation) -> Plan:
        """The alarms of this state at full length, for a service that starts in it."""
        raise NotImplementedError

    def lasting(self) -> dict[str, Any]:
        """The state as plain data, without times."""
        return {"name": self.name, **unlike_new(self)}

    def left_off(self, now_s: float, left_s: Callable[[str], float | None]) -> "State":
        """The state as it is saved at `now_s`: time waited so far, and time left of an alarm (`left_s`), become durations."""
        return self

    def resumed(self, now: Situation, now_s: float, away_s: float | None) -> "State":
        """The state as the service takes it up at `now_s`, `away_s` seconds after it was saved (None: nobody knows)."""
        return self
