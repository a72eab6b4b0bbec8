"""Every state of an outlet with every input, against the table that was written from the description."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from attrs import evolve, frozen

from tests.fsm import table
from wagman.fsm.outlet import STATES, Doubted, Off, On, Outlet, PendingCommand, Signs, State, Step, Stray, Unknown
from wagman.model.facts import (
    UNTOUCHED,
    PortFact,
    PowerFound,
    PowerGoal,
    PowerLost,
    RelayAsked,
    RelayOff,
    RelayOn,
    RelayStuck,
    Supply,
)

TABLE = table.read("outlet_table.txt")

NOW_S, NEXT_S = 1000.0, 1005.0  # a poll, and the one after it
BEFORE_S, LATELY_S = 600.0, 995.0  # when a command left of which nothing is awaited any more, and one of which something is

Act = Callable[[Outlet], Step]


def told(method: str, *args: Any, **named: Any) -> Act:
    """One input, by the name of its method."""
    return lambda outlet: getattr(outlet, method)(*args, **named)


def wants(goal: PowerGoal, at_s: float = NOW_S) -> Act:
    """A goal of a guest that has heard of every report."""
    return lambda outlet: outlet.wanted(evolve(goal, taken=outlet.reports), at_s)


def outdated(outlet: Outlet) -> Step:
    """A goal of a guest that has yet to hear of the latest report."""
    return outlet.wanted(PowerGoal("off", 9, firm=True, taken=outlet.reports - 1), NOW_S)


def leaves(outlet: Outlet) -> Step:
    """The command that is due leaves."""
    assert outlet.due is not None
    return outlet.sending(outlet.due[0], NOW_S)


def report(after_s: float, *, kept: bool) -> Act:
    """The board's report whether it keeps it off, so long after the latest command."""
    return lambda outlet: outlet.seen_kept(outlet.signs.asked_at_s + after_s, kept=kept)


def poll_of_before(supply: Supply) -> Act:
    """A reading that is not newer than the latest command."""
    return lambda outlet: outlet.polled(outlet.signs.asked_at_s + 1.5, supply)


def look_of_before(outlet: Outlet) -> Step:
    """A look that is not newer than the latest command."""
    return outlet.shown_off(outlet.signs.asked_at_s + 1.5, "the board shows it off", "told")


def assumed_soon(outlet: Outlet) -> Step:
    """The board has replied, and the command may be yet to have its effect."""
    return outlet.assumed(outlet.signs.asked_at_s + 1.5)


def old_beat(outlet: Outlet) -> Step:
    return outlet.beat(outlet.signs.asked_at_s)


def both(*acts: Act) -> Act:
    """One input after the other, seen as one."""

    def act(outlet: Outlet) -> Step:
        facts: tuple[PortFact, ...] = ()
        for each in acts:
            step = each(outlet)
            outlet, facts = step.outlet, (*facts, *step.facts)
        return Step(outlet, facts)

    return act


LINK_UP = told("link_up", NEXT_S)
INPUTS: dict[str, Act] = {
    "untouched": wants(UNTOUCHED),
    "untouched_8": wants(PowerGoal("untouched", 8)),
    "off_6": wants(PowerGoal("off", 6)),
    "off_6_already": wants(PowerGoal("off", 6, already=True)),
    "off_7": wants(PowerGoal("off", 7)),
    "off_7_firm": wants(PowerGoal("off", 7, firm=True)),
    "off_7_already": wants(PowerGoal("off", 7, already=True)),
    "on_7": wants(PowerGoal("on", 7)),
    "on_7_cleared": wants(PowerGoal("on", 7, cleared=True)),
    "on_7_already": wants(PowerGoal("on", 7, already=True, cleared=True)),
    "on_8": wants(PowerGoal("on", 8)),
    "on_8_cleared": wants(PowerGoal("on", 8, cleared=True)),
    "on_8_already": wants(PowerGoal("on", 8, already=True, cleared=True)),
    "outdated": outdated,
    "leaves": leaves,
    "replied": told("replied"),
    "sent_on": told("sent", "on", NOW_S),
    "sent_off": told("sent", "off", NOW_S),
    "seen_on": told("seen_on", NOW_S, "sd", "the board says so", "told"),
    "seen_off": told("seen_off", NOW_S, "the board cut it"),
    "kept": report(NOW_S, kept=True),
    "kept_soon": report(3.0, kept=True),
    "free": report(NOW_S, kept=False),
    "free_soon": report(3.0, kept=False),
    "draws": told("polled", NOW_S, "on"),
    "draws_twice": both(told("polled", NOW_S, "on"), told("polled", NEXT_S, "on")),
    "idle": told("polled", NOW_S, "off"),
    "dead": told("polled", NOW_S, "unknown"),
    "told_on": told("polled", NOW_S, "on", "told"),
    "sound_on": told("polled", NOW_S, "on", "told", is_sound=True),
    "shown_off": told("shown_off", NOW_S, "the board shows it off", "told"),
    "shown_off_before": look_of_before,
    "assumed": both(told("replied"), told("assumed", NOW_S)),
    "assumed_soon": both(told("replied"), assumed_soon),
    "assumed_unreplied": told("assumed", NOW_S),
    "drew_before": poll_of_before("on"),
    "idle_before": poll_of_before("off"),
    "beat": told("beat", NOW_S),
    "beat_before": old_beat,
    "stirred": told("stirred", NOW_S),
    "doubted": told("doubted"),
    "link_up": LINK_UP,
    "link_up_beat": both(told("beat", NOW_S), LINK_UP),
    "link_up_stirred": both(told("stirred", NOW_S), LINK_UP),
    "reset": told("board_reset", NOW_S, "lost", suspect=False),
    "reset_suspect": told("board_reset", NOW_S, "lost", suspect=True),
    "reset_survived": told("board_reset", NOW_S, "survived", suspect=False),
    "reset_doubtful": told("board_reset", NOW_S, "doubtful", suspect=False),
    "found": told("stray", NOW_S, "the board started it again"),
    "found_perhaps": told("stray", NOW_S, "nobody knows", "unknown"),
}

# --- The variants -----------------------------------------------------------------------------------------------------


@frozen
class Variant:
    """An outlet of which one report was told so far; its guest has answered that unless `is_answered` says no."""

    state: State
    goal: PowerGoal = UNTOUCHED
    pending: PendingCommand | None = None
    supply: Supply = "unknown"
    signs: tuple[tuple[str, Any], ...] = ()
    is_mute: bool = False
    is_answered: bool = True

    @property
    def outlet(self) -> Outlet:
        asked_at_s = LATELY_S if self.pending else BEFORE_S
        on_at_s = LATELY_S if self.pending and self.pending.level == "on" else BEFORE_S
        drew = self.state.relay == "on" and self.supply != "unknown"
        signs = evolve(Signs(500.0, on_at_s, asked_at_s, self.supply, drew), **dict(self.signs))
        goal = evolve(self.goal, taken=1 if self.is_answered else 0)
        return Outlet(0.0, signs, self.is_mute, self.state, self.pending, goal, goal_at_s=900.0, reports=1)

    @property
    def inputs(self) -> dict[str, Act]:
        due = self.outlet.due
        return {name: act for name, act in INPUTS.items() if name != "leaves" or (due is not None and due[1] < math.inf)}


OFF, OLDER_OFF, KILL = PowerGoal("off", 7), PowerGoal("off", 6), PowerGoal("off", 7, firm=True)
ANEW, LATER = PowerGoal("on", 7), PowerGoal("on", 8)
CLEARED, LATER_CLEARED = PowerGoal("on", 7, cleared=True), PowerGoal("on", 8, cleared=True)
ALREADY = PowerGoal("on", 7, already=True, cleared=True)
WITHDRAWN = (("on_at_s", LATELY_S), ("asked_at_s", LATELY_S))
LEFT_ON, LEFT_OFF = PendingCommand("on"), PendingCommand("off")
STUCK = PendingCommand("off", 3, drew_still=True, resisted=3)
IS_ON, IS_OFF, IS_FREE, STRAY = (
    On(7, "told"),
    Off(7, is_kept=True, proof="told"),
    Off(7, is_kept=False, proof="told"),
    Stray("on"),
)
PERHAPS = Stray("unknown")

VARIANTS = {
    "unknown, untouched": Variant(Unknown()),
    "unknown, off wanted": Variant(Unknown(), OFF),
    "unknown, on wanted": Variant(Unknown(), ANEW),
    "unknown, on wanted, cleared": Variant(Unknown(), CLEARED),
    "unknown, switching on": Variant(Unknown(7), CLEARED, LEFT_ON),
    "unknown, switched on, and the board restarted": Variant(Unknown(7), ANEW),
    "unknown, switching off": Variant(Unknown(), OFF, LEFT_OFF),
    "unknown, start withdrawn": Variant(Unknown(7), OLDER_OFF, signs=WITHDRAWN),
    "unknown, start withdrawn long ago": Variant(Unknown(7), OLDER_OFF),
    "on, as wanted": Variant(IS_ON, CLEARED, supply="on"),
    "on, as wanted, dead meter": Variant(IS_ON, CLEARED),
    "on, as wanted, mute, idle for long": Variant(IS_ON, CLEARED, supply="off", signs=(("idle_since_s", 400.0),), is_mute=True),
    "on, taken up from before": Variant(On(7), CLEARED, supply="on"),
    "on, off wanted": Variant(IS_ON, OFF, supply="on"),
    "on, later on wanted": Variant(IS_ON, LATER, supply="on"),
    "on, start withdrawn": Variant(IS_ON, OLDER_OFF, supply="off"),
    "on, switching off": Variant(IS_ON, OFF, LEFT_OFF, "on"),
    "on, switching off, seen": Variant(IS_ON, OFF, evolve(LEFT_OFF, seen_at_s=996.0), "on"),
    "on, switching off, drew still": Variant(IS_ON, OFF, evolve(LEFT_OFF, drew_still=True), "on"),
    "on, stuck": Variant(IS_ON, OFF, STUCK, "on"),
    "on, stuck, reported": Variant(IS_ON, OFF, STUCK, "on", (("stuck_at_s", 900.0),)),
    "on, stuck, later on wanted": Variant(IS_ON, LATER, STUCK, "on"),
    "doubted, on wanted": Variant(Doubted(7), ALREADY),
    "doubted, off wanted": Variant(Doubted(7), OFF),
    "doubted, later on wanted": Variant(Doubted(7), LATER),
    "doubted, switching on": Variant(Doubted(7), ALREADY, LEFT_ON),
    "stray, unanswered": Variant(STRAY, OFF, supply="on", is_answered=False),
    "stray, off wanted": Variant(STRAY, OFF, supply="on"),
    "stray, killed": Variant(STRAY, KILL, supply="on"),
    "stray, killed, switching off": Variant(STRAY, KILL, LEFT_OFF, "on"),
    "stray, perhaps, unanswered": Variant(PERHAPS, OFF, is_answered=False),
    "stray, perhaps, on wanted": Variant(PERHAPS, ANEW),
    "stray, perhaps, on wanted, cleared": Variant(PERHAPS, CLEARED),
    "off, as wanted": Variant(IS_OFF, OFF, supply="off"),
    "off, as wanted, dead meter": Variant(IS_OFF, OFF),
    "off, taken up from before": Variant(Off(7, is_kept=True), OFF, supply="off"),
    "off, free": Variant(IS_FREE, OFF, supply="off"),
    "off, free, dead meter": Variant(IS_FREE, OFF),
    "off, free, drew once": Variant(IS_FREE, OFF, supply="on"),
    "off, later on wanted": Variant(IS_OFF, LATER_CLEARED, supply="off"),
    "off, lost, unanswered": Variant(IS_FREE, CLEARED, supply="off", is_answered=False),
    "off, lost, off wanted, unanswered": Variant(IS_FREE, OFF, supply="off", is_answered=False),
    "off, switching off": Variant(IS_FREE, OFF, LEFT_OFF, "off"),
}

# --- A step in the words of the table ---------------------------------------------------------------------------------


def words(before: Outlet, step: Step) -> table.Row:
    """What a step came to, as a row; empty where it is of no visible consequence."""
    was, now = shown(before), shown(step.outlet)
    state, pending, due = (new if new != old else "." for old, new in zip(was, now, strict=True))
    row = (state, pending, " ".join(facts(step)) or ".", due)
    return () if set(row) == {"."} else row


def shown(outlet: Outlet) -> tuple[str, str, str]:
    return state(outlet.state), pending(outlet.pending), due(outlet)


def state(of: State) -> str:
    match of:
        case Off(cycle, is_kept, _):
            what = [str(cycle), "kept" if is_kept else "free"]
        case Stray(relay, _):
            what = [relay]
        case _:
            what = [str(of.cycle)]
    return " ".join((of.name, *what, *([of.proof] if of.proof else [])))


def pending(of: PendingCommand | None) -> str:
    if of is None:
        return "none"
    marks = {"replied": of.has_replied, "seen": of.seen_at_s is not None, "draws": of.drew_still}
    resisted = [f"resisted {of.resisted}"] if of.resisted else []
    return " ".join((of.level, str(of.round), *(mark for mark, is_so in marks.items() if is_so), *resisted))


def due(outlet: Outlet) -> str:
    """What is due, or why nothing is."""
    if outlet.confirmed:
        return "reached"
    if outlet.due is None:
        return "answer" if outlet.awaits_answer else "nothing"
    level, at_s = outlet.due
    return f"{level} now" if at_s <= NOW_S else f"{level} waits" if at_s == math.inf else f"{level} +{at_s - NOW_S:g}"


def goal(of: PowerGoal) -> str:
    cycle = [str(of.cycle)] if of.cycle or of.level != "untouched" else []
    return " ".join((of.level, *cycle, *(mark for mark in ("already", "cleared", "firm") if getattr(of, mark))))


def facts(step: Step) -> Iterator[str]:
    for fact in step.facts:
        match fact:
            case RelayAsked():
                yield f"asked {fact.cycle}@{fact.at_s:g}"
            case RelayOn():
                yield " ".join((f"on {fact.cycle}@{fact.at_s:g}", *([fact.media] if fact.media else [])))
            case RelayOff():
                yield f"off {fact.cycle}@{fact.at_s:g}"
            case PowerLost():
                marks = (mark for mark in ("reset", "suspect") if getattr(fact, mark))
                yield " ".join(("lost", *marks, f"#{fact.report}"))
            case PowerFound():
                yield f"found {fact.supply} #{fact.report}"
            case RelayStuck():
                yield f"stuck {fact.rounds}"


# --- Tests ------------------------------------------------------------------------------------------------------------


def test_the_table_has_all_variants_and_no_other() -> None:
    assert TABLE.keys() == VARIANTS.keys()


def test_every_state_is_among_the_variants() -> None:
    assert {type(variant.state) for variant in VARIANTS.values()} == set(STATES.values())


@pytest.mark.parametrize("name", VARIANTS)
def test_what_every_input_makes_of_every_state(name: str) -> None:
    variant, section = VARIANTS[name], TABLE[name]
    outlet = variant.outlet
    assert section.begins == ", ".join((state(outlet.state), pending(outlet.pending), goal(outlet.goal), due(outlet)))
    assert section.rows.keys() == variant.inputs.keys()
    got = {word: words(outlet, act(outlet)) for word, act in variant.inputs.items()}
    assert got == section.rows
