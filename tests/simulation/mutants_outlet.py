"""Faults planted in the machine of an outlet, each with a script that brings it to light."""

from typing import Any

import pytest
from attrs import evolve

from tests.simulation.mutants import MUTANTS, mutant
from wagman.fsm import outlet
from wagman.fsm.outlet import Outlet, Step
from wagman.model.facts import PowerLost, RelayOn

__all__ = ["MUTANTS"]

SWITCHED_ON_BY_ITSELF = "5 min; gn: stop; 5 min; cable out; board fault eeprom; board reset; 20 min; "
"""The board has forgotten that it is to keep the guest off, and has started it while nobody saw that."""

REVIVED = "20 min; guest gn hang; 358 s; disk slow 20; 5 s; cable out; guest gn revive; 20 s; disk ok; 60 s; cable in; 5 min"
"""An off that rests on silence is decided, the cable is pulled before it can leave, and the guest beats again."""

NEVER_MET = (
    "5 min; service stop; disk wiped; disk undecided; board rail fault stranger on; 1 s; service start; 5 min; "
    "cam: stop; 3 min; network out; board rail restart cold; 60 s; all well; 20 min"
)
"""Another unit answers until an off is decided; the right one has been restarted by then, and its guest is not heard yet."""

DARK = "5 min; board fault sensor cu dead; "


# --- Power that the service did not switch on -------------------------------------------------------------------------


@mutant(SWITCHED_ON_BY_ITSELF + "gn: start; 2 s; disk slow 20; cable in; 3 min", 1, 6)
def a_report_is_not_waited_for_to_be_answered(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outlet, "awaits_answer", property(lambda self: False))


@mutant("5 min; guest gn ignore=1; gn: restart; 1 s; cable out; board reset; 600 s; disk slow 20; cable in; 5 min", 1, 6)
def what_was_decided_before_a_report_counts_as_the_answer_to_it(patch: pytest.MonkeyPatch) -> None:
    real = Outlet.wanted
    patch.setattr(Outlet, "wanted", lambda self, goal, at_s: real(self, evolve(goal, taken=self.reports), at_s))


@mutant("5 min; gn: stop; 5 min; guest gn boot=600; board fault power 1 on; 15 min", 3)
def current_is_not_looked_at_where_it_is_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outlet.Off, "polled", lambda self, now, at_s, surely: Step(now))


@mutant(
    "5 min; gn: stop; 5 min; guest gn good=; disk slow 5; " + 6 * "gn: start; 0.1 s; gn: stop; 30 s; " + "disk ok; 5 min", 1, 4
)
def a_start_that_was_withdrawn_is_not_looked_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outlet.State, "is_withdrawn", lambda self, now: False)


# --- Off --------------------------------------------------------------------------------------------------------------


@mutant("5 min; gn: stop; 5 min; board fault power 1 on; 10 min", 3, 4)
def an_off_is_believed_whatever_flows(patch: pytest.MonkeyPatch) -> None:
    real = Outlet.off_judged

    def off_judged(self: Outlet, pending: Any, at_s: float, *, surely: bool) -> Step:
        return real(self.signed(supply="off"), evolve(pending, drew_still=False), at_s, surely=surely)

    patch.setattr(Outlet, "off_judged", off_judged)


@mutant(REVIVED, 1, 6)
def an_off_that_rested_on_silence_does_not_lapse(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outlet, "link_up", lambda self, at_s, is_first: Step(self))


@mutant(NEVER_MET, 1, site="plugs")
def a_board_that_is_met_for_the_first_time_is_taken_for_one_that_went_on(patch: pytest.MonkeyPatch) -> None:
    real = Outlet.link_up
    patch.setattr(Outlet, "link_up", lambda self, at_s, is_first: real(self, at_s))


@mutant("5 min; gn: stop; 5 min; board fault power 1 on; 10 min", 4)
def an_off_without_effect_is_repeated_as_it_was(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outlet, "resists", property(lambda self: False))


@mutant("5 min; gn: stop; 5 min", 3, 4)
def the_power_cycle_that_may_be_cut_counts_as_a_later_one(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outlet.State, "is_foreign", lambda self, now: self.cycle is None or self.cycle >= now.goal.cycle)


# --- On ---------------------------------------------------------------------------------------------------------------


@mutant("5 min; gn: restart; 10 min", 1, 4)
def what_came_on_counts_for_the_power_cycle_before(patch: pytest.MonkeyPatch) -> None:
    def came_on(self: Outlet, at_s: float, proof: Any, media: str | None = None) -> Step:
        cycle = self.goal.cycle - 1
        return self.signed(on_at_s=at_s).goto(outlet.On(cycle, proof), RelayOn(cycle, at_s, media), ends=True)

    patch.setattr(Outlet, "came_on", came_on)


@mutant("5 min; gn: restart; 10 min", 4)
def nobody_is_told_that_it_came_on(patch: pytest.MonkeyPatch) -> None:
    real = Outlet.came_on
    patch.setattr(Outlet, "came_on", lambda self, *args: evolve(real(self, *args), facts=()))


@mutant("5 min; board powercycle; 30 min", 4, dialect="v4")
def a_loss_of_power_is_not_told(patch: pytest.MonkeyPatch) -> None:
    real = Outlet.lost
    patch.setattr(Outlet, "lost", lambda self, *args, **named: evolve(real(self, *args, **named), facts=()))


@mutant("5 min; board powercycle; 30 min", 4, dialect="v4")
def reports_are_not_numbered(patch: pytest.MonkeyPatch) -> None:
    real = Outlet.lost

    def lost(self: Outlet, *args: Any, **named: Any) -> Step:
        step = real(self, *args, **named)
        return evolve(step, facts=tuple(evolve(fact, report=0) for fact in step.facts if isinstance(fact, PowerLost)))

    patch.setattr(Outlet, "lost", lost)


# --- What nobody knows ------------------------------------------------------------------------------------------------


@mutant(DARK + "board reset; 20 min", 1, 6, dialect="v4")
def what_is_doubted_is_cut_before_it_is_switched_on_once_more(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outlet.Doubted, "needs_clearing", lambda self, goal: True)


@mutant(DARK + "board powercycle; 20 min", 2, 3, 4, dialect="v4")
def a_doubt_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outlet.On, "doubted", lambda self: self)
