"""Any series of inputs against a small model of a guest, which knows words, counters and levels and nothing of alarms' times."""

from collections.abc import Callable
from typing import Any

from attrs import define, evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.fsm.guests import GUEST, MODEM, SWITCH, Story
from wagman.config.schema import DeviceConfig
from wagman.fsm.guest import Situation, untrusted
from wagman.fsm.guest.inputs import Hibernation, Input, MessageDone, Operator, WagmanStart, WagmanStop
from wagman.fsm.guest.stopped import Stopped
from wagman.model.facts import (
    VERBS,
    Beat,
    BoardStopping,
    PowerDoubted,
    PowerFound,
    PowerLost,
    RelayAsked,
    RelayOff,
    RelayOn,
    RelayStuck,
)


@define
class Model:
    """A guest in the words of the description, for a device that is asked to halt and is never held nor hibernated."""

    beats: bool
    state: str = "stopped"
    wanted: bool = True
    enabled: bool = True
    waiting: bool = False  # for the end of a backoff
    asked: bool = False
    on: bool = False
    stable: bool = False
    failed: bool = False
    attempts: int = 0
    failures: int = 0

    # Requests ----------------------------------------------------------------

    def start(self) -> bool:
        if not self.enabled:
            return False
        self.wanted = True
        if self.state == "stopped":
            self.attempts = self.failures = 0
            self.begin()
        else:
            self.state = {"will_stop": "starting", "stopping": "restarting"}.get(self.state, self.state)
        return True

    def restart(self) -> bool:
        if self.enabled and self.state == "started":
            self.wanted = True
            self.leave("restarting")
            return True
        return self.start()

    def stop(self) -> bool:
        self.wanted = False
        if self.state == "starting" and not self.asked:
            self.end()
        elif self.state == "started":
            self.leave("stopping")
        else:
            self.state = {"starting": "will_stop", "restarting": "stopping"}.get(self.state, self.state)
        return True

    def kill(self) -> bool:
        self.wanted = False
        if self.state != "stopped":
            self.end()
        return True

    def disable(self) -> bool:
        self.enabled = False
        return self.stop()

    def enable(self) -> bool:
        self.enabled = True
        return True

    def turn(self) -> None:
        if self.due:
            self.begin()

    @property
    def due(self) -> bool:
        return self.state == "stopped" and self.wanted and self.enabled and not self.waiting

    # Facts -------------------------------------------------------------------

    def relay_asked(self) -> None:
        self.asked = self.asked or self.booting

    def relay_on(self) -> None:
        if self.booting and not self.on:
            self.asked = self.on = True
            self.attempts += 1
            if not self.beats:
                self.booted()

    def beat(self) -> None:
        if self.beats and self.on:
            self.booted()

    def lose_power(self) -> None:
        if self.on or (self.state == "started" and not self.stable):
            self.attempts = max(0, self.attempts - 1)
        if self.state == "restarting":
            self.begin()
        elif self.state != "stopped":
            self.end(waiting=self.state == "stopping" and self.failed)

    def alarm(self, name: str) -> None:
        match self.state, name:
            case "stopped", "backoff":
                self.waiting = False
            case "starting", "timeout":
                self.failures += 1
                self.end(waiting=True)
            case "will_stop", "timeout":
                self.end()
            case "started", "heartbeat":
                self.failures += not self.stable
                self.leave("stopping", failed=not self.stable)
            case "started", "stable":
                self.becomes_stable()
            case "stopping", "heartbeat" | "timeout":
                self.end(waiting=self.failed)
            case "restarting", "heartbeat" | "timeout":
                self.begin()

    # What they come to -------------------------------------------------------

    @property
    def booting(self) -> bool:
        return self.state in ("starting", "will_stop")

    def begin(self) -> None:
        self.state, self.asked, self.on, self.waiting = "starting", False, False, False

    def booted(self) -> None:
        self.on, self.stable = False, False
        if self.state == "will_stop":
            self.leave("stopping")
        else:
            self.state = "started"

    def becomes_stable(self) -> None:
        self.stable, self.attempts, self.failures = True, 0, 0

    def leave(self, state: str, *, failed: bool = False) -> None:
        self.state, self.failed = state, failed

    def end(self, *, waiting: bool = False) -> None:
        self.state, self.asked, self.on, self.waiting = "stopped", False, False, waiting


REQUESTS = ("start", "restart", "stop", "kill", "disable", "enable")
FACTS: dict[str, Callable[[Story], Any]] = {
    "turn": Story.turn,
    "relay_asked": Story.relay_asked,
    "relay_on": lambda story: story.relay_on(after_s=1.0),
    "beat": lambda story: story.beat(after_s=20.0),
    "lose_power": Story.lose_power,
}
WORDS = st.sampled_from([*REQUESTS, *FACTS, "told", "off", "long", *["alarm"] * 6])
STEPS = st.lists(st.tuples(WORDS, st.integers(0, 3)), max_size=80)


def tell(story: Story, model: Model, word: str, which: int) -> None:
    """The same to both."""
    if word in REQUESTS:
        assert story.ask(word).accepted == getattr(model, word)()
    elif word == "alarm":
        tell_alarm(story, model, which)
    elif word == "told" and story.name in ("stopping", "restarting"):
        story.delivered()
    elif word == "off" and story.name == "stopped":
        story.relay_off()
    elif word == "long" and story.name == "started":
        tell_long(story, model)
    elif word in FACTS and not adopts(story, word):
        FACTS[word](story)
        getattr(model, word)()


def tell_alarm(story: Story, model: Model, which: int) -> None:
    """One of the alarms that are armed; silence counts from the end of the message only."""
    names = sorted(story.armed)
    if names:
        name = names[which % len(names)]
        untold = story.name in ("stopping", "restarting") and "timeout" not in story.armed
        story.fire(name)
        if not (untold and name == "heartbeat"):
            model.alarm(name)


def tell_long(story: Story, model: Model) -> None:
    """Beats over a long time, so that a guest with beats is stable."""
    if model.beats:
        story.beat()
        story.beat(after_s=story.config.stable_after_s)
        model.becomes_stable()


def adopts(story: Story, word: str) -> bool:
    """Beats in Stopped, and old beats in Started, are told of elsewhere: the model has no clock."""
    return word == "beat" and story.name in ("stopped", "started")


def agree(story: Story, model: Model) -> None:
    memory = story.memory
    assert (story.name, story.due) == (model.state, model.due)
    assert (memory.wanted == "up", memory.enabled) == (model.wanted, model.enabled)
    assert (memory.attempts, memory.failures) == (model.attempts, model.failures)
    assert story.goal.level == ("off" if model.state == "stopped" else "on")
    assert not isinstance(story.state, Stopped) or ("backoff" in story.armed) == model.waiting


@given(st.sampled_from([GUEST, SWITCH]), STEPS)
def test_any_series_of_inputs_leads_where_the_model_leads(config: DeviceConfig, steps: list[tuple[str, int]]) -> None:
    story, model = Story(config), Model(config.has_heartbeat)
    for word, which in steps:
        tell(story, model, word, which)
        agree(story, model)


TIMES = st.sampled_from([0.0, 1.0, 9.9, 10.0, 100.0, 700.0, 1e9])
CYCLES = st.integers(0, 4)
ANY_INPUT = st.one_of(
    st.builds(Beat, TIMES, st.sampled_from(["log", "poll", "control"])),
    st.builds(RelayAsked, CYCLES, TIMES),
    st.builds(RelayOn, CYCLES, TIMES),
    st.builds(RelayOff, CYCLES, TIMES),
    st.builds(PowerLost, TIMES, st.just("lost"), st.booleans(), st.booleans()),
    st.builds(PowerFound, TIMES, st.just("found")),
    st.builds(RelayStuck, TIMES, st.just(3)),
    st.builds(PowerDoubted, TIMES, st.just("the board shows it off")),
    st.builds(BoardStopping, TIMES, st.just("stopping")),
    st.builds(Operator, st.sampled_from(VERBS), st.booleans()),
    st.builds(WagmanStart),
    st.builds(WagmanStop),
    st.builds(Hibernation, st.booleans()),
    st.builds(MessageDone, TIMES, CYCLES),
    st.integers(0, 3),  # one of the alarms that are armed
)
ANY_CONFIG = st.sampled_from([GUEST, SWITCH, MODEM, evolve(GUEST, allowed_attempts=1, recover_attempts=0)])


@given(ANY_CONFIG, st.lists(ANY_INPUT, max_size=60))
def test_no_series_of_inputs_whatever_raises_or_takes_a_counter_below_zero(
    config: DeviceConfig, items: list[Input | int]
) -> None:
    story = Story(config, untrusted())
    story.arm(story.state.resume(Situation(config, story.memory)))
    for item in items:
        if not isinstance(item, int):
            story.tell(item)
        elif story.armed:
            story.fire(sorted(story.armed)[item % len(story.armed)])
        memory = story.memory
        assert min(memory.attempts, memory.failures, memory.cycle, memory.brownouts) >= 0
        assert memory.failures <= 0 or Situation(config, memory).backoff_s >= config.backoff_min_s
        assert all(alarm.after_s >= 0 for alarm in story.armed.values())
