"""When an outlet's evidence counts: each limit to the moment, and what is noted for later judgements."""

import math
from typing import Any

import pytest
from attrs import evolve

from tests.fsm.test_outlet_table import (
    BEFORE_S,
    CLEARED,
    IS_FREE,
    IS_ON,
    LEFT_OFF,
    OFF,
    OLDER_OFF,
    STRAY,
    STUCK,
    WITHDRAWN,
    Variant,
)
from wagman.fsm.outlet import Off, On, Outlet, PendingCommand, Signs, Stray, Unknown
from wagman.fsm.outlet.signs import EVIDENCE_S, LIFE_S, REPORT_LAG_S, SETTLE_S, STUCK_REPORT_S, Level
from wagman.model.facts import PowerDoubted, PowerFound, PowerGoal, PowerLost, RelayAsked, RelayOff, RelayStuck, Supply

SOON_S = 1e-6
"""The moment after."""

ON_S, NOW_S = 700.0, 1000.0

DISABLED = "the board has disabled it"


def outlet(variant: Variant, **signs: Any) -> Outlet:
    return evolve(variant.outlet, signs=evolve(variant.outlet.signs, **signs))


# --- A board that says it has disabled an outlet that was on ----------------------------------------------------------


@pytest.mark.parametrize("variant", [Variant(IS_ON, CLEARED), Variant(STRAY, OFF)], ids=["on", "stray"])
def test_a_board_is_believed_that_it_has_disabled_an_outlet_once_that_has_been_on_for_some_time(variant: Variant) -> None:
    on = outlet(variant, on_at_s=ON_S, supply="unknown")
    assert on.seen_kept(ON_S + EVIDENCE_S, kept=True).facts == ()
    step = on.seen_kept(ON_S + EVIDENCE_S + SOON_S, kept=True)
    assert step.facts == (PowerLost(ON_S + EVIDENCE_S + SOON_S, DISABLED, report=2),)
    assert isinstance(step.outlet.state, Off)


@pytest.mark.parametrize("variant", [Variant(IS_ON, CLEARED), Variant(STRAY, OFF)], ids=["on", "stray"])
def test_it_is_not_believed_while_the_guest_was_heard_a_moment_ago_or_draws_current(variant: Variant) -> None:
    heard = outlet(variant, on_at_s=ON_S, supply="unknown", beat_at_s=NOW_S - LIFE_S)
    assert heard.seen_kept(NOW_S, kept=True).facts == ()
    assert heard.seen_kept(NOW_S + SOON_S, kept=True).facts == (PowerLost(NOW_S + SOON_S, DISABLED, report=2),)
    assert outlet(variant, on_at_s=ON_S, supply="on").seen_kept(NOW_S, kept=True).facts == ()


def test_an_outlet_of_which_nobody_knows_whether_it_is_on_has_nothing_to_lose() -> None:
    perhaps = outlet(Variant(Stray("unknown"), OFF), on_at_s=ON_S, supply="unknown")
    assert perhaps.seen_kept(NOW_S, kept=True).facts == ()


# --- A start that was withdrawn ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("goal", "cut_s"), [(OLDER_OFF, 6), (PowerGoal("on", 8), 7)], ids=["off", "a later on"])
def test_a_start_that_was_withdrawn_never_happened_if_no_current_shows_in_time(goal: PowerGoal, cut_s: int) -> None:
    withdrawn = outlet(Variant(Unknown(9), goal, signs=WITHDRAWN), on_at_s=ON_S, asked_at_s=ON_S)
    assert withdrawn.polled(ON_S + EVIDENCE_S, "off").outlet.state == Unknown(9)
    assert withdrawn.polled(ON_S + EVIDENCE_S + SOON_S, "off").outlet.state == Unknown(cut_s)


def test_a_start_that_was_withdrawn_may_have_happened_if_nothing_shows_either() -> None:
    withdrawn = outlet(Variant(Unknown(7), OLDER_OFF, signs=WITHDRAWN), on_at_s=ON_S, asked_at_s=ON_S)
    assert withdrawn.polled(ON_S + EVIDENCE_S, "unknown").facts == ()
    (found,) = withdrawn.polled(ON_S + EVIDENCE_S + SOON_S, "unknown").facts
    assert isinstance(found, PowerFound)
    assert (found.supply, found.why) == ("unknown", "its start was withdrawn, and nobody knows whether it came on")


# --- A board that can be seen again -----------------------------------------------------------------------------------


def test_an_off_that_rested_on_silence_lapses_if_the_guest_was_heard_since_it_was_decided() -> None:
    due = Variant(IS_ON, OFF, supply="on")
    decided_s = due.outlet.goal_at_s
    assert outlet(due, beat_at_s=decided_s + EVIDENCE_S).link_up(NOW_S).facts == ()
    step = outlet(due, beat_at_s=decided_s + EVIDENCE_S + SOON_S).link_up(NOW_S)
    assert step.facts == (PowerFound(NOW_S, "it beats again before its power could be cut", report=2),)


@pytest.mark.parametrize(("supply", "is_found"), [("on", True), ("unknown", True), ("off", False)])
def test_an_off_that_rested_on_silence_lapses_if_something_may_run_and_nobody_knows_since_when(
    supply: Supply, is_found: bool
) -> None:
    facts = outlet(Variant(Unknown(7), OFF), supply=supply).link_up(NOW_S).facts
    assert facts == ((PowerFound(NOW_S, "it runs, or may, and nobody knows since when", supply, report=2),) if is_found else ())


@pytest.mark.parametrize(("supply", "is_found"), [("on", True), ("unknown", True), ("off", False)])
def test_an_off_that_rested_on_silence_lapses_if_nobody_knew_the_board_when_it_was_decided(
    supply: Supply, is_found: bool
) -> None:
    due = outlet(Variant(IS_ON, OFF), supply=supply)
    assert due.link_up(NOW_S).facts == ()
    assert bool(due.link_up(NOW_S, is_first=True).facts) is is_found


@pytest.mark.parametrize(("off_at_s", "asked_at_s", "since_s"), [(ON_S, BEFORE_S, ON_S), (BEFORE_S, ON_S, ON_S + REPORT_LAG_S)])
def test_an_outlet_that_is_off_may_have_been_started_if_its_timer_was_reset_after_the_latest_command(
    off_at_s: float, asked_at_s: float, since_s: float
) -> None:
    # A later power cycle is wanted, so that an off is due; nothing says that the board keeps it off.
    off = outlet(Variant(IS_FREE, OFF), off_at_s=off_at_s, asked_at_s=asked_at_s, supply="unknown")
    assert evolve(off, signs=evolve(off.signs, stirred_at_s=since_s)).link_up(NOW_S).facts == ()
    (found,) = evolve(off, signs=evolve(off.signs, stirred_at_s=since_s + SOON_S)).link_up(NOW_S).facts
    assert isinstance(found, PowerFound)
    assert found.supply == "unknown"


# --- An off, and what shows it ----------------------------------------------------------------------------------------


def test_an_off_that_the_board_has_told_counts_once_a_reading_that_can_show_it_agrees() -> None:
    told = outlet(Variant(IS_ON, OFF, evolve(LEFT_OFF, seen_at_s=NOW_S)), asked_at_s=NOW_S - 9, off_at_s=NOW_S - 9, drew=True)
    early = told.polled(NOW_S + SETTLE_S, "off")
    assert (early.facts, early.outlet.state) == ((), IS_ON)
    step = told.polled(NOW_S + SETTLE_S + SOON_S, "off")
    assert step.facts == (RelayOff(7, NOW_S),)
    assert step.outlet.state == Off(7, is_kept=True, proof="sensed")


def test_what_the_board_tells_of_an_off_counts_from_when_it_told_it_first() -> None:
    switching = outlet(Variant(IS_ON, OFF, LEFT_OFF, "on"), asked_at_s=NOW_S - 100)
    once = switching.seen_kept(NOW_S, kept=True).outlet
    assert once.pending is not None
    assert once.pending.seen_at_s == NOW_S
    assert once.seen_kept(NOW_S + 60, kept=True).outlet == once


def test_an_off_that_is_done_is_noted_with_its_time_and_ends_the_silence_about_a_stuck_relay() -> None:
    told = outlet(
        Variant(IS_ON, OFF, evolve(LEFT_OFF, seen_at_s=NOW_S)), asked_at_s=NOW_S - 9, off_at_s=NOW_S - 9, stuck_at_s=ON_S
    )
    signs = told.polled(NOW_S + 60, "off").outlet.signs
    assert (signs.off_at_s, signs.stuck_at_s) == (NOW_S, -math.inf)
    later = outlet(Variant(IS_ON, OFF, evolve(LEFT_OFF, seen_at_s=NOW_S)), asked_at_s=NOW_S - 9, off_at_s=NOW_S + 5)
    assert later.polled(NOW_S + 60, "off").outlet.signs.off_at_s == NOW_S + 5


def test_a_stuck_relay_is_reported_again_after_an_hour() -> None:
    stuck = outlet(Variant(IS_ON, OFF, STUCK, "on"), stuck_at_s=NOW_S, asked_at_s=NOW_S)
    assert stuck.polled(NOW_S + STUCK_REPORT_S - SOON_S, "on").facts == ()
    step = stuck.polled(NOW_S + STUCK_REPORT_S, "on")
    assert step.facts == (RelayStuck(NOW_S + STUCK_REPORT_S, 3),)
    assert step.outlet.signs.stuck_at_s == NOW_S + STUCK_REPORT_S


# --- A pulse ----------------------------------------------------------------------------------------------------------


def test_an_off_that_the_board_tells_is_the_pulses_own_until_that_ends() -> None:
    pulsed = outlet(Variant(IS_ON, CLEARED), pulsed_until_s=NOW_S)
    assert pulsed.seen_off(NOW_S, "the board cut it").outlet == pulsed
    assert pulsed.seen_off(NOW_S + SOON_S, "the board cut it").facts == (PowerLost(NOW_S + SOON_S, "the board cut it", report=2),)


def test_power_that_comes_back_after_a_pulse_counts_from_the_end_of_the_pulse() -> None:
    signs = Variant(IS_ON, CLEARED).outlet.pulsed(NOW_S).signs
    assert (signs.on_at_s, signs.pulsed_until_s) == (NOW_S, NOW_S)


# --- What is told of it -----------------------------------------------------------------------------------------------


def test_power_that_nobody_asked_for_is_told_with_its_time_and_its_reason() -> None:
    step = Variant(IS_FREE, OFF, supply="off").outlet.seen_on(NOW_S, None, "somebody pressed the button", "told")
    assert step.facts == (PowerFound(NOW_S, "somebody pressed the button", "on", report=2),)
    assert step.outlet.state == Stray("on", "told")
    assert step.outlet.signs.on_at_s == NOW_S


def test_power_that_is_lost_is_told_with_its_time_and_its_reason() -> None:
    on = outlet(Variant(IS_ON, CLEARED, supply="on"), asked_at_s=BEFORE_S)
    lost = (PowerLost(NOW_S, "somebody pressed the button", report=2),)
    assert on.seen_off(NOW_S, "somebody pressed the button").facts == lost
    assert on.shown_off(NOW_S, "somebody pressed the button", "told").facts == lost


def test_a_stray_that_a_guest_takes_over_is_on_by_what_showed_it() -> None:
    step = outlet(Variant(Stray("on", "told"), OFF)).wanted(PowerGoal("untouched", 8, taken=1), NOW_S)
    assert step.outlet.state == On(8, "told")


# --- A command that leaves --------------------------------------------------------------------------------------------


def test_an_outlet_of_which_nothing_is_known_may_have_been_switched_just_now() -> None:
    assert Outlet.new(NOW_S, is_mute=True) == Outlet(NOW_S, Signs(NOW_S, still_off=True), is_mute=True)


@pytest.mark.parametrize(("level", "on_s", "pulsed_s"), [("on", NOW_S, -math.inf), ("pulse", NOW_S + 30, NOW_S + 30)])
def test_an_on_begins_its_evidence_anew_and_a_pulse_does_so_from_its_end(level: Level, on_s: float, pulsed_s: float) -> None:
    off = evolve(outlet(Variant(IS_FREE, CLEARED), drew=True, idle_since_s=900.0, still_off=True), pulse_s=30.0)
    step = off.sending(level, NOW_S)
    signs = step.outlet.signs
    assert (signs.asked_at_s, signs.on_at_s, signs.pulsed_until_s) == (NOW_S, on_s, pulsed_s)
    assert (signs.drew, signs.idle_since_s, signs.still_off) == (False, math.inf, False)
    assert step.outlet.pending == PendingCommand(level)
    assert step.facts == (RelayAsked(7, on_s),)


@pytest.mark.parametrize(("level", "is_told"), [("on", False), ("pulse", True)])
def test_one_that_is_repeated_keeps_that_the_board_has_shown_nothing_but_off_since_the_first(level: Level, is_told: bool) -> None:
    waiting = evolve(outlet(Variant(Unknown(7), CLEARED, PendingCommand(level)), still_off=True), pulse_s=30.0)
    step = waiting.sending(level, NOW_S)
    assert step.outlet.signs.still_off
    assert step.outlet.pending == PendingCommand(level, 2)
    assert (step.facts != ()) == is_told  # a pulse has the power go on anew, later
    assert not waiting.sending("on" if level == "pulse" else "pulse", NOW_S).outlet.signs.still_off


def test_an_off_may_have_had_its_effect_when_it_was_answered_unless_the_board_has_told_of_it() -> None:
    switching = outlet(Variant(IS_ON, OFF, LEFT_OFF, "on"), off_at_s=BEFORE_S)
    assert switching.sent("off", NOW_S).outlet.signs.off_at_s == NOW_S
    assert switching.sent("on", NOW_S).outlet == switching
    told = evolve(switching, pending=evolve(LEFT_OFF, seen_at_s=996.0))
    assert told.sent("off", NOW_S).outlet == told
    assert outlet(Variant(IS_ON, OFF), off_at_s=BEFORE_S).sent("off", NOW_S).outlet.signs.off_at_s == NOW_S
    assert evolve(switching, pulse_s=30.0).sent("pulse", NOW_S).outlet.signs.pulsed_until_s == NOW_S + 30


def test_while_an_on_or_a_pulse_is_awaited_off_is_noted_and_no_loss() -> None:
    levels: tuple[Level, ...] = ("on", "pulse")
    for level in levels:
        waiting = outlet(Variant(Unknown(7), CLEARED, PendingCommand(level)), asked_at_s=BEFORE_S)
        step = waiting.shown_off(NOW_S, "the board shows it off", "told")
        assert (step.facts, step.outlet.signs.still_off, step.outlet.state) == ((), True, Unknown(7))
        assert step.outlet.shown_off(NOW_S + 9, "the board shows it off", "told").outlet == step.outlet


# --- A guest that is heard though its outlet is shown off --------------------------------------------------------------

SHOWN_OFF = "the board shows it off"


def heard_off(*, leaving: bool) -> Outlet:
    """An outlet that was seen off, and whose guest has been taken for running by its beats."""
    off = outlet(Variant(Off(7, is_kept=True, proof="told"), OFF, supply="off"))
    return off.wanted(PowerGoal("on", 8, already=True, leaving=leaving, taken=1), NOW_S).outlet


def test_that_the_outlet_of_a_guest_that_is_heard_goes_on_to_be_shown_off_is_no_loss_of_power() -> None:
    halting = heard_off(leaving=True)
    assert (halting.state, halting.signs.belied) == (On(8), True)
    step = halting.shown_off(NOW_S + 9, SHOWN_OFF, "told")
    assert (step.facts, step.outlet) == ((), halting)


def test_one_that_is_to_run_is_switched_on_once_more() -> None:
    step = heard_off(leaving=False).shown_off(NOW_S + 9, SHOWN_OFF, "told")
    assert step.facts == (PowerDoubted(NOW_S + 9, SHOWN_OFF),)
    assert step.outlet.due is not None
    assert step.outlet.due[0] == "on"
    assert not step.outlet.sending("on", NOW_S + 10).outlet.signs.belied


@pytest.mark.parametrize(("supply", "is_belied"), [("off", True), ("on", False), ("unknown", False)])
def test_it_counts_as_heard_while_off_until_it_is_shown_otherwise(supply: Supply, *, is_belied: bool) -> None:
    assert heard_off(leaving=True).polled(NOW_S + 9, supply, "told").outlet.signs.belied is is_belied


@pytest.mark.parametrize("variant", [Variant(IS_ON, OFF, supply="off"), Variant(Off(7, is_kept=True), OFF)])
def test_an_outlet_that_is_on_or_that_no_look_shows_off_is_not_contradicted(variant: Variant) -> None:
    assert not outlet(variant).wanted(PowerGoal("on", 8, already=True, leaving=True, taken=1), NOW_S).outlet.signs.belied


def test_a_start_that_was_called_off_before_anything_was_switched_on_ends_no_power_cycle() -> None:
    unused = evolve(outlet(Variant(Off(0, is_kept=True, proof="told"), CLEARED), off_at_s=BEFORE_S))
    assert unused.wanted(PowerGoal("off", 6, taken=1), NOW_S).facts == (RelayOff(0, BEFORE_S),)


def test_what_an_earlier_run_did_at_a_board_of_which_nothing_can_be_read_is_still_not_confirmed() -> None:
    """Only a sign of life confirms that a guest has power there."""
    for is_unread in (False, True):
        new = evolve(Outlet.new(NOW_S, is_mute=False), is_unread=is_unread)
        off, on = (new.wanted(PowerGoal(level, 7, already=True), NOW_S).outlet for level in ("off", "on"))
        for each in (off, on):
            assert (each.is_reached, each.confirmed, each.evidence) == (True, not is_unread, "assumed" if is_unread else None)
        heard = on.beat(NOW_S + 9).outlet
        assert (heard.confirmed, heard.evidence) == (True, "sensed")


def test_an_off_that_nothing_shows_is_told_as_such() -> None:
    replied = outlet(Variant(IS_ON, OFF, PendingCommand("off", has_replied=True)), asked_at_s=NOW_S - 9)
    step = replied.assumed(NOW_S)
    assert step.facts == (RelayOff(7, NOW_S, assumed=True),)
    called = step.outlet.wanted(PowerGoal("on", 8, cleared=True, taken=1), NOW_S).outlet
    again = called.wanted(PowerGoal("off", 8, taken=1), NOW_S)
    assert again.facts == (RelayOff(7, NOW_S, assumed=True),)


def test_what_has_shown_an_outlet_first_is_what_shows_it() -> None:
    on = outlet(Variant(On(7, "sensed"), CLEARED))
    assert on.seen_on(NOW_S, None, "the board started it", "told").outlet == on
    off = outlet(Variant(Off(7, is_kept=True, proof="sensed"), OFF))
    assert off.shown_off(NOW_S, "the board shows it off", "told").outlet == off
    assert off.seen_kept(NOW_S, kept=True).outlet == off
