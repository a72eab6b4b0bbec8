"""An outlet of a board that shows for a while what was, as a controller's cache does: its guest is heard before that shows."""

from typing import Literal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from wagman.fsm.outlet import Doubted, On, Outlet
from wagman.model.facts import PortFact, PowerDoubted, PowerGoal, PowerLost, RelayOn, Supply

STARTED_S = 1000.0
HEARD_S = 1040.0

SUPPLIES: tuple[Supply, ...] = ("on", "off", "unknown")


class Shown:
    """An outlet, and what its board shows of it."""

    def __init__(self, goal: PowerGoal) -> None:
        self.outlet = Outlet.new(0.0, is_mute=False)
        self.facts: list[PortFact] = []
        self.tell("wanted", goal, 0.0)

    @classmethod
    def heard(cls) -> "Shown":
        """One that was switched on, whose guest was heard, and which its board shows off all the while."""
        shown = cls(PowerGoal("on", 2, cleared=True))
        shown.switched_on()
        return shown

    def switched_on(self) -> None:
        self.tell("sending", "on", STARTED_S)
        self.tell("replied")
        self.tell("sent", "on", STARTED_S)
        self.looks("off", STARTED_S + 20)
        self.tell("beat", HEARD_S)

    def tell(self, method: str, *args: object, **named: object) -> None:
        step = getattr(self.outlet, method)(*args, **named)
        self.outlet = step.outlet
        self.facts += step.facts

    def looks(self, supply: Supply, at_s: float) -> None:
        """As the driver of a plain board tells what it shows."""
        if supply == "off":
            self.tell("shown_off", at_s, "the board shows it off", "told")
        self.tell("polled", at_s, supply, "told", is_sound=True)

    @property
    def lost(self) -> int:
        return sum(isinstance(fact, PowerLost) for fact in self.facts)


def test_an_off_that_was_shown_before_the_guest_was_heard_is_no_news() -> None:
    outlet = Shown.heard()
    assert isinstance(outlet.outlet.state, On)
    outlet.looks("off", HEARD_S + 5)
    outlet.looks("off", HEARD_S + 10)
    assert outlet.lost == 0
    assert outlet.outlet.relay == "on"


@pytest.mark.parametrize("between", ["on", "unknown"])
def test_an_off_that_is_shown_after_something_else_is_a_loss(between: Literal["on", "unknown"]) -> None:
    outlet = Shown.heard()
    outlet.looks(between, HEARD_S + 5)
    outlet.looks("off", HEARD_S + 10)
    assert outlet.lost == 1
    assert outlet.outlet.relay == "off"


@given(st.lists(st.sampled_from(SUPPLIES), max_size=6))
def test_it_is_lost_with_the_first_off_that_follows_something_else(shown: list[Supply]) -> None:
    outlet = Shown.heard()
    for number, supply in enumerate(shown):
        outlet.looks(supply, HEARD_S + 5 * number)
    is_lost = any(after == "off" and before != "off" for before, after in zip(["off", *shown], shown, strict=False))
    assert (outlet.lost > 0) == is_lost


# --- What an earlier run of the service switched on -------------------------------------------------------------------

TAKEN_OVER = PowerGoal("on", 2, already=True)


def test_what_an_earlier_run_switched_on_and_the_first_look_shows_off_is_switched_on_once_more() -> None:
    """The look may show what was before, and its guest runs: nothing may cut it."""
    outlet = Shown(TAKEN_OVER)
    outlet.looks("off", STARTED_S)
    outlet.looks("off", STARTED_S + 10)
    assert outlet.facts == [PowerDoubted(STARTED_S, "the board shows it off")]
    assert outlet.outlet.state == Doubted(2)
    due = outlet.outlet.due
    assert due is not None
    assert due[0] == "on"
    outlet.switched_on()
    assert [type(fact) for fact in outlet.facts][-1:] == [RelayOn]
    outlet.looks("off", HEARD_S + 5)
    assert (outlet.lost, outlet.outlet.relay) == (0, "on")


def test_so_it_is_if_its_guest_is_heard_before_the_first_look() -> None:
    outlet = Shown(PowerGoal("on", 2))
    outlet.looks("off", STARTED_S)
    outlet.tell("beat", STARTED_S + 5)
    outlet.looks("off", STARTED_S + 10)
    assert outlet.lost == 0


def test_once_the_board_has_shown_it_on_an_off_is_a_loss() -> None:
    outlet = Shown(TAKEN_OVER)
    outlet.looks("on", STARTED_S)
    outlet.looks("off", STARTED_S + 10)
    assert outlet.lost == 1


def test_where_the_service_must_not_switch_it_is_a_loss_at_once() -> None:
    outlet = Shown(PowerGoal("untouched", 2, already=True))
    outlet.outlet = evolve(outlet.outlet, state=On(2))
    outlet.looks("off", STARTED_S)
    assert outlet.lost == 1


def test_one_that_was_heard_is_believed_whatever_is_wanted() -> None:
    outlet = Shown.heard()
    outlet.tell("wanted", PowerGoal("untouched", 2), HEARD_S + 1)
    outlet.looks("off", HEARD_S + 5)
    assert (outlet.lost, outlet.outlet.relay) == (0, "on")


def test_a_board_that_restarted_since_shows_what_is() -> None:
    outlet = Shown(TAKEN_OVER)
    outlet.tell("board_reset", STARTED_S, "doubtful", suspect=False)
    assert outlet.outlet.state == Doubted(2)
    outlet.looks("off", STARTED_S + 10)
    assert outlet.lost == 1


@pytest.mark.parametrize("doubted", [False, True])
def test_one_that_is_on_its_way_down_is_neither_switched_on_nor_taken_for_off(doubted: bool) -> None:
    """It is cut once it is silent."""
    outlet = Shown(TAKEN_OVER)
    if doubted:
        outlet.looks("off", STARTED_S)
    outlet.tell("wanted", evolve(TAKEN_OVER, leaving=True), STARTED_S + 1)
    outlet.looks("off", STARTED_S + 10)
    outlet.looks("off", STARTED_S + 20)
    assert (outlet.facts, outlet.outlet.due) == ([PowerDoubted(STARTED_S, "the board shows it off")] * doubted, None)
    outlet.tell("wanted", PowerGoal("off", 2), STARTED_S + 30)
    due = outlet.outlet.due
    assert due is not None
    assert due[0] == "off"
