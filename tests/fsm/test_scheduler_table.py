"""Every state of the scheduler with every input, against the table that was written from the description."""

from collections.abc import Iterator, Mapping
from typing import get_args

import pytest
from attrs import evolve, field, frozen

from tests.fsm import table
from wagman.config.enclosure import Bounds, EnvironmentConfig
from wagman.config.schema import WagmanConfig
from wagman.fsm.alarms import Alarm, Fired
from wagman.fsm.environment import FIRST_VERDICT, RELEASE, STALE, Environment, Reading, Sensor
from wagman.fsm.scheduler.inputs import (
    GuestChanged,
    GuestRefused,
    Hibernate,
    Input,
    Ordered,
    PowerFailed,
    StartGuest,
    StopGuest,
    View,
    Visibility,
)
from wagman.fsm.scheduler.machine import step
from wagman.fsm.scheduler.situation import Situation
from wagman.fsm.scheduler.states import (
    STATES,
    Hibernating,
    Normal,
    StartDevices,
    StartNextDevice,
    State,
    Step,
    WillHibernate,
)
from wagman.model.facts import Draft, HibernationOrder, Sample

TABLE = table.read("scheduler_table.txt")

ORDER = ("gn", "cs", "x1")
BOUNDS = Bounds(high=70.0, low=-30.0, hysteresis=5.0)
CONFIG = EnvironmentConfig(samples=1, sensors={"temperature_c": BOUNDS})


def enclosure(verdict: Reading | None = "normal", *, known: bool | None = True) -> Environment:
    return Environment(CONFIG, {"temperature_c": Sensor(BOUNDS, verdict, known)})


HOT = enclosure("high")
COLD = enclosure("low")
ORDER_ALL, ORDER_BUT_CS = HibernationOrder("storm"), HibernationOrder("storm", keep=frozenset({"cs"}))
DOUBT = enclosure("high", known=False)


def seen(states: Mapping[str, View] = {}, *, hibernating: bool = False) -> dict[str, View]:
    """The guests: all run, but for those that are named."""
    views = {name: View(name, "started") for name in ORDER} | dict(states)
    return {name: evolve(view, hibernating=hibernating) for name, view in views.items()}


def off(name: str, *, due: bool = False) -> View:
    return View(name, "stopped", due=due)


DOWN = {name: off(name) for name in ORDER}
GN_DUE = {"gn": off("gn", due=True)}
CS_STARTING = {"cs": View("cs", "starting", starts=1)}


@frozen
class Variant:
    """A state with what it sees and the alarms that it has."""

    state: State
    views: dict[str, View] = field(factory=seen)
    environment: Environment = field(factory=enclosure)
    unseen: frozenset[str] = frozenset()
    armed: tuple[str, ...] = ("look",)
    cursor: str | None = None
    hibernation: HibernationOrder | None = None

    @property
    def situation(self) -> Situation:
        return Situation(
            WagmanConfig(), ORDER, self.environment, self.views, self.unseen, self.cursor, hibernation=self.hibernation
        )

    def told(self, word: str) -> Step:
        """The step that this input leads to; what falls due had stopped before."""
        item, now = self.inputs[word], self.situation
        if word == "cs_falls_due" and isinstance(item, GuestChanged):
            now = evolve(now, views={**now.views, "cs": evolve(item.view, due=False)})
        return step(self.state, now, item)

    @property
    def inputs(self) -> dict[str, Input]:
        told = "cs" in self.state.forbidden(self.situation)
        alarms = (*self.armed, FIRST_VERDICT, STALE + "temperature_c")
        return {
            "cs_comes_due": GuestChanged(View("cs", "stopped", 1, due=True, hibernating=told)),
            "cs_falls_due": GuestChanged(View("cs", "stopped", due=True, hibernating=told)),
            "cs_stopped": GuestChanged(View("cs", "stopped", 1, hibernating=told)),
            "cs_starting": GuestChanged(View("cs", "starting", 1, hibernating=told)),
            "cs_started": GuestChanged(View("cs", "started", 1, hibernating=told)),
            "cs_is_unsure": GuestChanged(View("cs", "started", 1, hibernating=not told)),
            "gn_refuses": GuestRefused("gn", "it is not due"),
            "cs_refuses": GuestRefused("cs", "it is not due"),
            "all_lost": PowerFailed(frozenset(ORDER)),
            "gn_lost": PowerFailed(frozenset({"gn"})),
            "ordered": Ordered(ORDER_ALL),
            "ordered_but_cs": Ordered(ORDER_BUT_CS),
            "woken": Ordered(None),
            "blind": Visibility(frozenset(ORDER), blind=True),
            "sighted": Visibility(frozenset(ORDER), blind=False),
            "hot": Sample("temperature_c", 75.0, 0.0),
            "mild": Sample("temperature_c", 20.0, 0.0),
            "cold": Sample("temperature_c", -40.0, 0.0),
            "failed": Sample("temperature_c", None, 0.0),
            **{f"alarm:{name}": Fired(name) for name in alarms},
        }


NEXT = StartNextDevice(device="cs", number=1)
RECOVER = {"gn": evolve(off("gn", due=True), recover=True, start_timeout_s=480.0)}
DOWNWARDS = {"x1": View("x1", "stopping")}
LAST = DOWN | {"cs": View("cs", "stopping")}
KEPT = {"gn": off("gn"), "x1": off("x1")}
STRAYS = DOWN | {"gn": View("gn", "started"), "x1": View("x1", "started", exempt=True)}

VARIANTS = {
    "start_devices": Variant(StartDevices()),
    "start_devices, gn due": Variant(StartDevices(), seen(GN_DUE)),
    "start_next_device": Variant(NEXT, seen(CS_STARTING), armed=("guard",), cursor="cs"),
    "start_next_device, gn due": Variant(NEXT, seen(CS_STARTING | GN_DUE), armed=("guard",), cursor="cs"),
    "normal": Variant(Normal()),
    "normal, gn due to recover": Variant(Normal(), seen(RECOVER)),
    "normal, all stopped": Variant(Normal(), seen(DOWN)),
    "normal, blind, gn due": Variant(Normal(), seen(GN_DUE), unseen=frozenset(ORDER)),
    "normal, no verdict yet, gn due": Variant(Normal(), seen(GN_DUE), enclosure(None, known=None)),
    "normal, cold, gn due": Variant(Normal(), seen(GN_DUE), COLD),
    "will_hibernate": Variant(WillHibernate(), seen(DOWNWARDS, hibernating=True), HOT, armed=("stop",)),
    "will_hibernate, cs is the last": Variant(WillHibernate(), seen(LAST, hibernating=True), HOT, armed=("stop",)),
    # As a service finds it that comes up after they have stopped:
    "will_hibernate, all down": Variant(WillHibernate(), seen(DOWN, hibernating=True), HOT, armed=("stop",)),
    "hibernating": Variant(Hibernating(), seen(DOWN, hibernating=True), HOT, armed=("stop", "minimum")),
    "hibernating, mild again": Variant(Hibernating(), seen(DOWN, hibernating=True), armed=("stop", "minimum")),
    "hibernating for long enough, gn runs, x1 by force": Variant(
        Hibernating(rested=True), seen(STRAYS, hibernating=True), HOT, armed=("stop",)
    ),
    "will_hibernate by order": Variant(
        WillHibernate(heated=False), seen(DOWNWARDS, hibernating=True), armed=("stop",), hibernation=ORDER_ALL
    ),
    "hibernating by order": Variant(
        Hibernating(heated=False), seen(DOWN, hibernating=True), armed=("stop",), hibernation=ORDER_ALL
    ),
    "hibernating by order, but for cs": Variant(
        Hibernating(heated=False),
        seen(KEPT, hibernating=True) | {"cs": View("cs", "started")},
        armed=("stop",),
        hibernation=ORDER_BUT_CS,
    ),
    "hibernating by order, but for cs, which is due": Variant(
        Hibernating(heated=False),
        seen(KEPT, hibernating=True) | {"cs": off("cs", due=True)},
        armed=("stop",),
        hibernation=ORDER_BUT_CS,
    ),
    "hibernating, hot and by order": Variant(
        Hibernating(), seen(DOWN, hibernating=True), HOT, armed=("stop", "minimum"), hibernation=ORDER_BUT_CS
    ),
    "hibernating for long enough, in doubt": Variant(
        Hibernating(rested=True), seen(DOWN, hibernating=True), DOUBT, armed=("stop", RELEASE)
    ),
}

# --- A step in the words of the table ---------------------------------------------------------------------------------


def words(variant: Variant, result: Step, fired: str) -> table.Row:
    """What a step came to, as a row; empty where it is of no visible consequence."""
    armed = set(variant.armed) - {fired}
    row = (
        shown(result.state),
        " ".join(effect.type for effect in result.effects if isinstance(effect, Draft)) or ".",
        " ".join(requests(result)) or ".",
        " ".join(sorted(alarms(result, armed))) or "none",
    )
    unchanged = (shown(variant.state), ".", ".", " ".join(sorted(f"{name}=kept" for name in armed)) or "none")
    return () if row == unchanged else row


def shown(state: State) -> str:
    return f"{state.name} {state.target}" if state.target else state.name


def requests(result: Step) -> Iterator[str]:
    for effect in result.effects:
        match effect:
            case StartGuest():
                yield f"{'recover' if effect.recover else 'start'} {effect.name}"
            case StopGuest():
                yield f"stop {effect.name}"
            case Hibernate():
                yield f"{'forbid' if effect.active else 'allow'} {effect.name or 'all'}"


def alarms(result: Step, armed: set[str]) -> Iterator[str]:
    for name, alarm in result.alarms.items():
        if alarm is not None:
            yield f"{name.partition(':')[0]}={alarm.after_s:g}"
        elif name in armed:
            yield f"{name}=kept"


def same(row: table.Row) -> table.Row:
    return (*row[:-1], " ".join(sorted(row[-1].split()))) if row else row


# --- Tests ------------------------------------------------------------------------------------------------------------


def test_the_table_has_all_variants_and_no_other() -> None:
    assert TABLE.keys() == VARIANTS.keys()


def test_every_state_and_every_kind_of_input_is_there() -> None:
    assert {type(variant.state) for variant in VARIANTS.values()} == set(STATES.values())
    assert {type(item) for variant in VARIANTS.values() for item in variant.inputs.values()} == set(get_args(Input))


def test_every_alarm_of_a_state_is_among_its_inputs() -> None:
    for name, variant in VARIANTS.items():
        doubt = {RELEASE} if RELEASE in variant.armed else set()
        assert set(variant.armed) == variant.state.plan(variant.situation).keys() | doubt, name


@pytest.mark.parametrize("name", VARIANTS)
def test_what_every_input_makes_of_every_state(name: str) -> None:
    variant, section = VARIANTS[name], TABLE[name]
    assert section.rows.keys() == variant.inputs.keys()
    for word, item in variant.inputs.items():
        result = variant.told(word)
        got = words(variant, result, item.name if isinstance(item, Fired) else "")
        assert same(got) == same(section.rows[word]), word


@pytest.mark.parametrize("name", VARIANTS)
def test_no_step_disarms_the_watch_over_the_sensors(name: str) -> None:
    variant = VARIANTS[name]
    for word, item in variant.inputs.items():
        plan = variant.told(word).alarms
        assert plan[STALE + "temperature_c"] in (None, Alarm(180.0))
        assert (FIRST_VERDICT in plan) == (item != Fired(FIRST_VERDICT))
