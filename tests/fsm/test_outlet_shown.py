"""An outlet of a board that shows for a while what was, as a controller's cache does: its guest is heard before that shows."""

from typing import Literal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from wagman.fsm.outlet import On, Outlet
from wagman.model.facts import PortFact, PowerGoal, PowerLost, Supply

STARTED_S = 1000.0
HEARD_S = 1040.0

SUPPLIES: tuple[Supply, ...] = ("on", "off", "unknown")


class Shown:
    """An outlet that was switched on, whose guest was heard, and which its board shows off all the while."""

    def __init__(self) -> None:
        self.outlet = evolve(Outlet.new(0.0, is_mute=False), goal=PowerGoal("on", 2, cleared=True))
        self.facts: list[PortFact] = []
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
    outlet = Shown()
    assert isinstance(outlet.outlet.state, On)
    outlet.looks("off", HEARD_S + 5)
    outlet.looks("off", HEARD_S + 10)
    assert outlet.lost == 0
    assert outlet.outlet.relay == "on"


@pytest.mark.parametrize("between", ["on", "unknown"])
def test_an_off_that_is_shown_after_something_else_is_a_loss(between: Literal["on", "unknown"]) -> None:
    outlet = Shown()
    outlet.looks(between, HEARD_S + 5)
    outlet.looks("off", HEARD_S + 10)
    assert outlet.lost == 1
    assert outlet.outlet.relay == "off"


@given(st.lists(st.sampled_from(SUPPLIES), max_size=6))
def test_it_is_lost_with_the_first_off_that_follows_something_else(shown: list[Supply]) -> None:
    outlet = Shown()
    for number, supply in enumerate(shown):
        outlet.looks(supply, HEARD_S + 5 * number)
    is_lost = any(after == "off" and before != "off" for before, after in zip(["off", *shown], shown, strict=False))
    assert (outlet.lost > 0) == is_lost
