"""Every state of a guest with every input, against the table that was written from the description."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest
from attrs import asdict, evolve, frozen

from tests.fsm import table
from tests.fsm.guests import GUEST, MODEM, SWITCH, types
from wagman.config.schema import DeviceConfig
from wagman.fsm import guest
from wagman.fsm.alarms import Alarm, Fired, Plan
from wagman.fsm.guest import STATES, TERM, Memory, Situation, State, Step
from wagman.fsm.guest.booting import Booting, Relay, Starting, WillStop
from wagman.fsm.guest.halting import HaltMessage, Restarting, Stopping
from wagman.fsm.guest.inputs import (
    Hibernation,
    Input,
    Message,
    MessageDone,
    Operator,
    Review,
    StartRefused,
    WagmanStart,
    WagmanStop,
)
from wagman.fsm.guest.maintenance import Maintenance
from wagman.fsm.guest.started import Started
from wagman.fsm.guest.stopped import Stopped
from wagman.model.facts import (
    VERBS,
    Beat,
    BoardStopping,
    PowerDoubted,
    PowerFound,
    PowerGoal,
    PowerLost,
    RelayAsked,
    RelayOff,
    RelayOn,
    RelayStuck,
    Supply,
    Term,
)

TABLE = table.read("device_table.txt")

NOW_S, BEFORE_S = 1000.0, 890.0

UP = Memory(attempts=2, failures=1, cycle=7, media="emmc")
DOWN = evolve(UP, wanted="down")
HOT = evolve(UP, hibernating=True)
PORTLESS = evolve(UP, media=None)
LEFT_ALONE = evolve(UP, term=Term("maintenance", 7200.0))

INPUTS: dict[str, Input] = {
    "beat": Beat(NOW_S),
    "beat_control": Beat(NOW_S, "control"),
    "beat_early": Beat(BEFORE_S),
    "asked": RelayAsked(7, NOW_S),
    "on": RelayOn(7, NOW_S),
    "old_asked": RelayAsked(6, NOW_S),
    "old_on": RelayOn(6, NOW_S),
    "off": RelayOff(7, NOW_S),
    "lost": PowerLost(NOW_S, "the board cut it"),
    "lost_suspect": PowerLost(NOW_S, "the board restarted", reset=True, suspect=True),
    "found": PowerFound(NOW_S, "the board started it"),
    "found_perhaps": PowerFound(NOW_S, "the board may have started it", "unknown"),
    "stuck": RelayStuck(NOW_S, 3),
    "doubted": PowerDoubted(NOW_S, "the board shows it off"),
    "board_stopping": BoardStopping(NOW_S, "an hour without a beat"),
    **{verb: Operator(verb) for verb in VERBS if verb != "maintenance"},
    "stop_for": Operator("stop", for_s=600.0),
    "maintenance_for": Operator("maintenance", for_s=7200.0),
    "maintenance_end": Operator("maintenance"),
    "start_forced": Operator("start", force=True),
    "restart_forced": Operator("restart", force=True),
    "disabled_before": Review(),
    "looked_at_again": Review(),
    "its_turn": WagmanStart(),
    "told_down": WagmanStop(),
    "hibernate": Hibernation(active=True),
    "environment_normal": Hibernation(active=False),
    "told": MessageDone(NOW_S, 7),
    "old_told": MessageDone(NOW_S, 6),
}


REMEMBERED: Mapping[str, Mapping[str, Any]] = {"disabled_before": {"wanted": "down", "enabled": False}}
"""What comes into the memory of a guest just before the input: it was decided by an operator before, and is known only now."""


@frozen
class Variant:
    """A state with the memory and the alarms that it has."""

    state: State
    memory: Memory = UP
    armed: tuple[str, ...] = ()
    config: DeviceConfig = GUEST

    @property
    def inputs(self) -> dict[str, Input]:
        alarms: dict[str, Input] = {f"alarm:{name}": Fired(name) for name in self.armed}
        shown: dict[str, Input] = {f"alarm:adopt, {supply}": Fired("adopt", supply) for supply in get_args(Supply)}
        if "adopt" in self.armed:
            del alarms["alarm:adopt"]
            alarms |= shown
        if isinstance(self.state, Booting) and "timeout" in self.armed:
            alarms["alarm:timeout, stirred"] = Fired("timeout", stirred=True)
        return {**INPUTS, **alarms}


OFF = Stopped(cut=7, settled=True)
HEARD = evolve(OFF, beat_at_s=NOW_S - 20)
UNKNOWN = Stopped(untouched=True, settled=True, beat_at_s=NOW_S - 20)
ASKED = Relay(cleared=True, asked=True, asked_at_s=NOW_S - 1.0)
ON = evolve(ASKED, on=True, on_at_s=900.0)
UNWATCHED = evolve(ON, unwatched=True)
BUSY = HaltMessage(sending=True, recent=True)
TOLD = HaltMessage(delivered=True)
BUSY_ALARMS, TOLD_ALARMS = ("heartbeat", "resend"), ("heartbeat", "timeout")

VARIANTS = {
    "stopped": Variant(OFF),
    "stopped, settling": Variant(evolve(OFF, settled=False), armed=("settle",)),
    "stopped, its start was called off": Variant(evolve(OFF, cut=6)),
    "stopped, heard once": Variant(HEARD),
    "stopped, off, heard once": Variant(evolve(HEARD, off=True)),
    "stopped firmly, heard once": Variant(evolve(HEARD, firm=True)),
    "stopped, backing off": Variant(evolve(OFF, backoff_s=60.0), armed=("backoff",)),
    "stopped, not wanted, heard once": Variant(HEARD, DOWN),
    "stopped, disabled, heard once": Variant(HEARD, evolve(DOWN, enabled=False)),
    "stopped, hibernating, heard once": Variant(HEARD, HOT),
    "stopped, held after brownouts, heard once": Variant(HEARD, evolve(UP, held=True, brownouts=3)),
    "untouched, heard once": Variant(UNKNOWN, armed=("adopt",)),
    "untouched, not wanted": Variant(evolve(UNKNOWN, beat_at_s=None), DOWN, ("adopt",)),
    "starting, relay not asked yet": Variant(Starting()),
    "starting, relay asked": Variant(Starting(relay=ASKED)),
    "starting, relay on": Variant(Starting(relay=ON), armed=("timeout",)),
    "starting, relay on, hibernating": Variant(Starting(relay=ON), HOT, ("timeout",)),
    "starting, relay on, unwatched": Variant(Starting(relay=UNWATCHED), armed=("timeout",)),
    "will_stop, relay asked": Variant(WillStop(relay=ASKED), DOWN),
    "will_stop, relay on": Variant(WillStop(relay=ON), DOWN, ("timeout",)),
    "will_stop, relay on, unwatched": Variant(WillStop(relay=UNWATCHED), DOWN, ("timeout",)),
    "started": Variant(Started(since_at_s=950.0), armed=("heartbeat",)),
    "started, for long enough": Variant(Started(since_at_s=400.0), armed=("heartbeat",)),
    "started, stable": Variant(Started(stable=True, since_at_s=400.0), armed=("heartbeat",)),
    "started by force": Variant(Started(since_at_s=950.0), evolve(HOT, exempt=True), ("heartbeat",)),
    "stopping, being told": Variant(Stopping(message=BUSY), DOWN, BUSY_ALARMS),
    "stopping, told": Variant(Stopping(message=TOLD), DOWN, TOLD_ALARMS),
    "stopping, being told again": Variant(
        Stopping(message=evolve(BUSY, delivered=True, told_at_s=NOW_S - 50)), DOWN, (*BUSY_ALARMS, "timeout")
    ),
    "stopping, power unknown": Variant(Stopping(untouched=True, message=TOLD), DOWN, TOLD_ALARMS),
    "restarting, power unknown": Variant(Restarting(untouched=True, message=TOLD), UP, TOLD_ALARMS),
    "stopping, taken up untold": Variant(Stopping(message=HaltMessage(told_at_s=NOW_S - 50)), DOWN, TOLD_ALARMS),
    "stopping after a failed start": Variant(Stopping(failed=True, message=TOLD), UP, TOLD_ALARMS),
    "restarting, being told": Variant(Restarting(message=BUSY), UP, BUSY_ALARMS),
    "restarting, told": Variant(Restarting(message=TOLD), UP, TOLD_ALARMS),
    "restarting, told, hibernating": Variant(Restarting(message=TOLD), HOT, TOLD_ALARMS),
    "stopped for a while": Variant(OFF, evolve(DOWN, term=Term("stop", 600.0)), (TERM,)),
    "stopping for a while, told": Variant(Stopping(message=TOLD), evolve(DOWN, term=Term("stop", 600.0)), (*TOLD_ALARMS, TERM)),
    "maintenance": Variant(Maintenance(), LEFT_ALONE, ("heartbeat", TERM)),
    "maintenance, silent, not wanted": Variant(Maintenance(silent=True), evolve(LEFT_ALONE, wanted="down"), (TERM,)),
    "switch: maintenance": Variant(Maintenance(silent=True), evolve(LEFT_ALONE, media=None), (TERM,), SWITCH),
    "switch: stopped, heard once": Variant(HEARD, PORTLESS, config=SWITCH),
    "switch: untouched, heard once": Variant(UNKNOWN, PORTLESS, ("adopt",), SWITCH),
    "switch: starting, relay not asked yet": Variant(Starting(), PORTLESS, config=SWITCH),
    "switch: starting, relay asked": Variant(Starting(relay=ASKED), PORTLESS, config=SWITCH),
    "switch: will_stop, relay asked": Variant(WillStop(relay=ASKED), evolve(PORTLESS, wanted="down"), config=SWITCH),
    "switch: started": Variant(Started(), PORTLESS, ("stable",), SWITCH),
    "switch: stopping, being told": Variant(Stopping(message=BUSY), evolve(PORTLESS, wanted="down"), BUSY_ALARMS, SWITCH),
    "modem: stopped, not wanted": Variant(HEARD, evolve(PORTLESS, wanted="down"), config=MODEM),
    "modem: will_stop, relay asked": Variant(WillStop(relay=ASKED), evolve(PORTLESS, wanted="down"), config=MODEM),
    "modem: started": Variant(Started(), PORTLESS, ("stable",), MODEM),
}

# --- A step in the words of the table ---------------------------------------------------------------------------------


def words(variant: Variant, step: Step, fired: str) -> table.Row:
    """What a step came to, as a row; empty where it is of no visible consequence."""
    before = shown(variant.state, variant.memory)
    was, now = power(variant.state.power(variant.memory)), power(step.state.power(step.memory))
    row = (
        shown(step.state, step.memory),
        " ".join(types(step.effects)) or ".",
        " ".join(requests(step)) or ".",
        alarms(step.alarms, set(variant.armed) - {fired}),
        now if now != was else ".",
        "." if step.verdict is None else "yes" if step.verdict.accepted else "no",
        " ".join(changes(variant.memory, step.memory)) or ".",
    )
    return () if row == (before, *["."] * 6) else row


def shown(state: State, memory: Memory) -> str:
    return f"{state.name} due" if isinstance(state, Stopped) and state.due(memory) else state.name


def requests(step: Step) -> Iterator[str]:
    for effect in step.effects:
        if isinstance(effect, Message):
            yield effect.kind
        elif isinstance(effect, StartRefused):
            yield "refused"


def alarms(plan: Plan | None, armed: set[str]) -> str:
    if plan is None:
        return "."
    new = {name: alarm for name, alarm in plan.items() if alarm is not None or name in armed}
    return " ".join(f"{name}={one(alarm)}" for name, alarm in new.items()) or "none"


def one(alarm: Alarm | None) -> str:
    if alarm is None:
        return "kept"
    since = "" if alarm.since_s is None else f"@{alarm.since_s:g}"
    return f"{alarm.after_s:g}{'!' * alarm.proof}{since}"


def power(goal: PowerGoal) -> str:
    if goal.level == "untouched":
        return f"untouched {goal.cycle}" if goal.cycle else "untouched"
    marks = [mark for mark in ("already", "cleared", "firm") if getattr(goal, mark)]
    return " ".join((goal.level, str(goal.cycle), *([goal.media] if goal.media else []), *marks))


def changes(old: Memory, new: Memory) -> Iterator[str]:
    was: Mapping[str, Any] = asdict(old, recurse=False)
    return (f"{name}={one_of(value)}" for name, value in asdict(new, recurse=False).items() if value != was[name])


def one_of(value: Any) -> str:
    return f"{value.kind}:{value.left_s:g}" if isinstance(value, Term) else str(value)


def same(row: table.Row) -> tuple[object, ...]:
    """A row without the order of what has none: the alarms and the memory."""
    return tuple(sorted(cell.split()) if column in (3, 6) else cell for column, cell in enumerate(row))


# --- Tests ------------------------------------------------------------------------------------------------------------


def test_the_table_has_all_variants_and_no_other() -> None:
    assert TABLE.keys() == VARIANTS.keys()


def test_every_state_is_among_the_variants() -> None:
    assert {type(variant.state) for variant in VARIANTS.values()} == set(STATES.values())


def test_every_kind_of_input_is_among_the_inputs() -> None:
    assert {type(item) for item in INPUTS.values()} | {Fired} == set(get_args(Input))
    assert {item.verb for item in INPUTS.values() if isinstance(item, Operator)} == set(VERBS)


def test_every_alarm_of_a_state_is_among_its_inputs() -> None:
    for name, variant in VARIANTS.items():
        alarms = {alarm.removeprefix("alarm:").partition(",")[0] for alarm in variant.inputs if alarm.startswith("alarm:")}
        assert alarms == set(variant.armed), name


@pytest.mark.parametrize("name", VARIANTS)
def test_what_every_input_makes_of_every_state(name: str) -> None:
    variant, section = VARIANTS[name], TABLE[name]
    assert section.begins == f"{shown(variant.state, variant.memory)}, {power(variant.state.power(variant.memory))}"
    assert section.rows.keys() == variant.inputs.keys()
    for word, item in variant.inputs.items():
        now = Situation(variant.config, variant.memory).remember(**REMEMBERED.get(word, {}))
        step = guest.step(variant.state, now, item)
        got = words(variant, step, item.name if isinstance(item, Fired) else "")
        assert same(got) == same(section.rows[word]), word
