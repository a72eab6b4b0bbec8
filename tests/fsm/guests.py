"""Guests for the tests of the machines: configurations, and a way to drive a machine through a story."""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, evolve, field

from wagman.config.schema import DeviceConfig
from wagman.fsm import guest
from wagman.fsm.alarms import Alarm, Fired
from wagman.fsm.guest import Memory, Situation, Step
from wagman.fsm.guest.inputs import Hibernation, Input, Message, MessageDone, Operator, StartRefused, WagmanStart, WagmanStop
from wagman.fsm.guest.stopped import Stopped
from wagman.model.facts import (
    Beat,
    BoardStopping,
    Draft,
    PowerFound,
    PowerGoal,
    PowerLost,
    RelayAsked,
    RelayOff,
    RelayOn,
    Supply,
    Verdict,
)

HALT = ("ssh", "gn", "halt")

GUEST = DeviceConfig("gn", 1, primary="emmc", shutdown=HALT)
SWITCH = DeviceConfig("x1", 3, hears_board=False, shutdown=HALT)
MODEM = DeviceConfig("x2", 4, hears_board=False, shutdown=())


def types(effects: Iterable[object]) -> list[str]:
    """The types of the events among the effects, without the name of the machine."""
    return [effect.type.partition(".")[2] for effect in effects if isinstance(effect, Draft)]


@define
class Story:
    """A guest whose machine is told one thing after the other; `now_s` moves only when the story says so."""

    config: DeviceConfig = GUEST
    state: guest.State = field(factory=lambda: Stopped(settled=True, off=True))
    memory: Memory = field(factory=Memory)
    now_s: float = 0.0
    armed: dict[str, Alarm] = field(factory=dict)  # each with the time at which it was armed
    drafts: list[Draft] = field(factory=list)
    messages: list[str] = field(factory=list)
    refusals: list[str] = field(factory=list)
    verdict: Verdict | None = None
    waits_for: tuple[str, ...] = ()  # those that its start waits for
    leaning: tuple[str, ...] = ()  # those that its stop waits for

    def tell(self, item: Input) -> Step:
        if isinstance(item, Fired):
            del self.armed[item.name]
        now = Situation(self.config, self.memory, waits_for=self.waits_for, leaning=self.leaning)
        step = guest.step(self.state, now, item)
        self.state, self.memory, self.verdict = step.state, step.memory, step.verdict
        if step.alarms is not None:
            self.arm(step.alarms)
        self.drafts += [effect for effect in step.effects if isinstance(effect, Draft)]
        self.messages += [effect.kind for effect in step.effects if isinstance(effect, Message)]
        self.refusals += [effect.reason for effect in step.effects if isinstance(effect, StartRefused)]
        return step

    def arm(self, plan: Mapping[str, Alarm | None]) -> None:
        old, self.armed = self.armed, {}
        for name, alarm in plan.items():
            if alarm is not None:
                self.armed[name] = alarm if alarm.since_s is not None else evolve(alarm, since_s=self.now_s)
            elif name in old:
                self.armed[name] = old[name]

    # What is seen of it ------------------------------------------------------

    @property
    def name(self) -> str:
        return self.state.name

    @property
    def goal(self) -> PowerGoal:
        return guest.goal(self.state, Situation(self.config, self.memory))

    @property
    def due(self) -> bool:
        return isinstance(self.state, Stopped) and self.state.due(self.memory)

    @property
    def events(self) -> list[str]:
        return types(self.drafts)

    def last(self, what: str) -> Mapping[str, Any]:
        """The fields of the latest event of this type."""
        return next(draft.fields for draft in reversed(self.drafts) if draft.type == f"device.{what}")

    def due_s(self, alarm: str) -> float:
        """The time at which an alarm falls due."""
        armed = self.armed[alarm]
        assert armed.since_s is not None
        return armed.since_s + armed.after_s

    # What happens to it ------------------------------------------------------

    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    def beat(self, after_s: float = 0.0, source: Any = "log") -> Step:
        self.wait(after_s)
        return self.tell(Beat(self.now_s, source))

    def fire(self, alarm: str, *, supply: Supply = "off", late: bool = False, stirred: bool = False) -> Step:
        """The alarm falls due, and has its proof."""
        self.now_s = max(self.now_s, self.due_s(alarm))
        return self.tell(Fired(alarm, supply, late, stirred))

    def ask(self, verb: Any, *, force: bool = False, for_s: float | None = None) -> Verdict:
        self.tell(Operator(verb, force, for_s))
        assert self.verdict is not None
        return self.verdict

    def turn(self) -> Step:
        """The scheduler starts it."""
        return self.tell(WagmanStart())

    def told_down(self) -> Step:
        """The scheduler stops it."""
        return self.tell(WagmanStop())

    def hibernation(self, active: bool) -> None:
        self.tell(Hibernation(active))

    def relay_asked(self) -> Step:
        return self.tell(RelayAsked(self.memory.cycle, self.now_s))

    def relay_on(self, after_s: float = 0.0) -> Step:
        self.tell(RelayAsked(self.memory.cycle, self.now_s))
        self.wait(after_s)
        return self.tell(RelayOn(self.memory.cycle, self.now_s, self.memory.media))

    def relay_off(self) -> Step:
        return self.tell(RelayOff(self.memory.cycle, self.now_s))

    def lose_power(self, *, suspect: bool = False) -> Step:
        return self.tell(PowerLost(self.now_s, "the board restarted", reset=True, suspect=suspect))

    def find_power(self) -> Step:
        return self.tell(PowerFound(self.now_s, "the board started it"))

    def board_stops(self) -> Step:
        return self.tell(BoardStopping(self.now_s, "the board stops it"))

    def delivered(self) -> Step:
        return self.tell(MessageDone(self.now_s, self.memory.cycle))

    # Chapters ----------------------------------------------------------------

    def boot(self) -> None:
        """From Stopped and due to Started."""
        self.turn()
        self.relay_on(after_s=1)
        self.beat(after_s=30)
        assert self.name == "started"

    def fail(self) -> None:
        """From Stopped and due through one failed start to due again."""
        self.turn()
        self.relay_on(after_s=1)
        self.fire("timeout")
        assert self.name == "stopped"
        self.relay_off()
        self.fire("backoff")

    def become_stable(self) -> None:
        self.beat(after_s=self.config.stable_after_s)
        assert self.events[-1] == "stable"

    def halt(self) -> None:
        """From Stopping or Restarting: told, then silent."""
        self.delivered()
        self.fire("heartbeat")


def started() -> Story:
    """A guest that has just come up."""
    story = Story()
    story.boot()
    return story
