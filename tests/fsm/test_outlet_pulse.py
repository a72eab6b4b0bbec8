"""An outlet that leads to a board: it is off only within one command, which its board ends by itself."""

import math

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from wagman.fsm.outlet import Off, On, Outlet, Unknown
from wagman.model.facts import PortFact, PowerGoal, PowerLost, RelayAsked, RelayOn

PULSE_S = 30.0
NOW_S = 1000.0
ANEW = PowerGoal("on", 2)


class Way:
    """An outlet that is on, and of which a new power cycle is wanted."""

    def __init__(self, *, settle_s: float = 1.5) -> None:
        self.outlet = evolve(
            Outlet.new(0.0, is_mute=False), state=On(1, "told"), goal=PowerGoal("on", 1), pulse_s=PULSE_S, settle_s=settle_s
        )
        self.facts: list[PortFact] = []
        self.tell("wanted", ANEW, NOW_S)

    def tell(self, method: str, *args: object, **named: object) -> None:
        step = getattr(self.outlet, method)(*args, **named)
        self.outlet = step.outlet
        self.facts += step.facts

    def leaves(self, at_s: float = NOW_S, *, replied: bool = True) -> None:
        assert self.outlet.due is not None
        level, due_s = self.outlet.due
        assert due_s <= at_s
        self.tell("sending", level, at_s)
        if replied:
            self.tell("replied")
        self.tell("sent", level, at_s)

    def told(self, kind: type[PortFact]) -> list[PortFact]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def shows(self, supply: str, at_s: float) -> None:
        if supply == "off":
            self.tell("shown_off", at_s, "the board shows it off", "told")
        self.tell("polled", at_s, supply, "told", is_sound=True)


def test_a_new_power_cycle_is_one_command_and_no_off() -> None:
    way = Way()
    assert way.outlet.due == ("pulse", -math.inf)
    way.leaves()
    assert way.outlet.state == Unknown(2)
    assert way.told(RelayAsked) == [RelayAsked(2, NOW_S + PULSE_S)]


@pytest.mark.parametrize("supply", ["on", "off", "unknown"])
@pytest.mark.parametrize("after_s", [0.0, 2.0, PULSE_S, PULSE_S + 1.5])
def test_nothing_that_is_seen_while_it_lasts_counts(supply: str, after_s: float) -> None:
    way = Way()
    way.leaves()
    before = way.outlet.state
    way.shows(supply, NOW_S + after_s)
    way.tell("beat", NOW_S + min(after_s, PULSE_S))
    assert (way.outlet.state, way.told(RelayOn), way.told(PowerLost)) == (before, [], [])


def test_it_is_on_in_the_new_power_cycle_once_that_is_seen_afterwards() -> None:
    way = Way()
    way.leaves()
    way.shows("on", NOW_S + 40)
    assert way.told(RelayOn) == [RelayOn(2, NOW_S + 40)]
    assert way.outlet.confirmed


def test_a_beat_afterwards_shows_it_too() -> None:
    way = Way()
    way.leaves(replied=False)
    way.tell("beat", NOW_S + PULSE_S + 20)
    assert way.told(RelayOn) == [RelayOn(2, NOW_S + PULSE_S)]


def test_a_board_that_forgot_to_switch_it_on_again_is_told_to() -> None:
    way = Way()
    way.leaves()
    way.shows("off", NOW_S + 40)
    assert way.told(PowerLost) == []
    assert way.outlet.due == ("on", NOW_S + PULSE_S + 6)
    way.leaves(NOW_S + 40)
    way.shows("on", NOW_S + 50)
    assert way.outlet.confirmed


def test_one_that_nobody_replied_to_is_repeated_once_and_then_believed() -> None:
    way = Way()
    way.leaves(replied=False)
    way.shows("on", NOW_S + 40)
    assert way.told(RelayOn) == []
    assert way.outlet.due == ("pulse", NOW_S + PULSE_S + 6)
    way.leaves(NOW_S + 40, replied=False)
    way.shows("on", NOW_S + 80)
    assert way.told(RelayOn) == [RelayOn(2, NOW_S + 80)]


def test_one_that_nobody_replied_to_and_that_was_carried_out_to_its_half_is_not_repeated() -> None:
    way = Way()
    way.leaves(replied=False)
    way.shows("off", NOW_S + 40)
    assert way.outlet.due == ("on", NOW_S + PULSE_S + 6)


def test_what_is_wanted_off_while_it_lasts_is_switched_off_after_it() -> None:
    way = Way()
    way.leaves()
    way.tell("wanted", PowerGoal("off", 2, firm=True), NOW_S + 5)
    assert way.outlet.due == ("off", NOW_S + PULSE_S)


def test_what_is_off_already_is_just_switched_on() -> None:
    way = Way()
    way.outlet = evolve(way.outlet, state=Off(1, is_kept=False))
    assert way.outlet.due is not None
    assert way.outlet.due[0] == "on"


def test_a_board_that_restarted_has_forgotten_it() -> None:
    way = Way()
    way.leaves()
    way.tell("board_reset", NOW_S + 5, "lost", suspect=False)
    assert isinstance(way.outlet.state, Off)
    assert way.outlet.signs.pulsed_until_s == -math.inf


@given(
    st.lists(st.sampled_from(["on", "off", "unknown", "beat", "replied", "link_up", "reset", "leaves", "time"]), max_size=30),
    st.sampled_from([1.5, 15.0]),
)
def test_whatever_is_seen_it_is_never_switched_off_for_a_power_cycle_that_is_wanted(story: list[str], settle_s: float) -> None:
    way, now_s = Way(settle_s=settle_s), NOW_S
    for each in story:
        now_s += 67 if each == "time" else 7
        due = way.outlet.due
        assert due is None or due[0] != "off"
        happens(way, each, now_s)
        way.tell("wanted", evolve(ANEW, taken=way.outlet.reports), now_s)
    for _ in range(8):  # a board that does as it is told
        due = way.outlet.due
        if due is not None:
            now_s = max(now_s, due[1])
            way.leaves(now_s)
        now_s += 60
        way.shows("on", now_s)
        way.tell("wanted", evolve(ANEW, taken=way.outlet.reports), now_s)
    assert way.outlet.is_reached


def happens(way: Way, what: str, now_s: float) -> None:
    due = way.outlet.due
    if what in ("on", "off", "unknown"):
        way.shows(what, now_s)
    elif what == "reset":
        way.tell("board_reset", now_s, "lost", suspect=False)
    elif what == "leaves" and due is not None and due[1] <= now_s:
        way.leaves(now_s, replied=False)
    elif what == "replied":
        way.tell("replied")
    elif what in ("beat", "link_up"):
        way.tell(what, now_s)
