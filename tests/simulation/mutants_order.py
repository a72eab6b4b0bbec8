"""Faults planted in the order of starts and stops, each with a script that brings it to light."""

import pytest

from tests.simulation.mutants import mutant
from tests.simulation.mutants_boards import MUTANTS
from wagman.fsm.scheduler import machine
from wagman.fsm.scheduler.situation import Situation

__all__ = ["MUTANTS"]

# On the site `ordered` gn comes after x1, cs after gn and x2, x1 after x2.


@mutant("5 min; gn: stop; x1: stop; 5 min; x1: start; 1 s; gn: start; 20 min", 2, site="ordered")
def a_guest_is_started_before_those_that_it_needs(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Situation, "waits_for", lambda self, name: ())


@mutant("5 min; guest gn halt=60; gn: stop; 1 s; x1: stop; 10 min", 2, site="ordered")
def a_guest_is_stopped_before_those_that_need_it(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Situation, "leaning", lambda self, name: ())


@mutant("5 min; gn: kill; x1: kill; guest x1 dies; 1 min; x1: start; 1 s; gn: start; 20 min", 4, site="ordered")
def a_guest_waits_for_ever_for_one_that_does_not_come_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(machine, "overdue", lambda now, old, new: frozenset())
    patch.setattr(Situation, "hurried", ())


@mutant("5 min; gn: stop; 1 s; x1: stop; 10 min", 4, site="ordered")
def a_guest_waits_for_ever_to_be_stopped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(machine, "let_go", lambda came, item=None: came)
