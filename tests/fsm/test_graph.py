"""The graphs are checked when they are imported."""

from typing import ClassVar

import pytest
from attrs import evolve

from tests.fsm.guests import GUEST
from wagman.fsm.graph import GraphError, GraphState, IllegalTransitionError, checked_graph
from wagman.fsm.guest import Memory, Situation
from wagman.fsm.guest.booting import Starting
from wagman.fsm.guest.started import Started
from wagman.fsm.outlet import Doubted, Off, Outlet


class Day(GraphState):
    name: ClassVar[str] = "day"
    successors: ClassVar[frozenset[str]] = frozenset({"night"})


class Night(GraphState):
    name: ClassVar[str] = "night"
    successors: ClassVar[frozenset[str]] = frozenset({"day"})


class Noon(GraphState):
    name: ClassVar[str] = "noon"
    successors: ClassVar[frozenset[str]] = frozenset({"day"})


def test_a_graph_is_its_states_by_name() -> None:
    assert checked_graph(Day, Night) == {"day": Day, "night": Night}


def test_a_successor_that_is_no_state_is_an_error() -> None:
    with pytest.raises(GraphError, match="'night'"):
        checked_graph(Day)


def test_a_state_that_cannot_be_reached_is_an_error() -> None:
    with pytest.raises(GraphError, match="noon"):
        checked_graph(Day, Night, Noon)


def test_all_states_that_cannot_be_reached_are_named() -> None:
    class Dusk(GraphState):
        name: ClassVar[str] = "dusk"
        successors: ClassVar[frozenset[str]] = frozenset({"day"})

    with pytest.raises(GraphError, match=r"^cannot be reached: dusk, noon$"):
        checked_graph(Day, Night, Noon, Dusk)


def test_a_transition_that_is_not_declared_raises() -> None:
    with pytest.raises(IllegalTransitionError, match="from started to starting"):
        Started().goto(Starting, Situation(GUEST, Memory()))


def test_an_outlet_that_is_off_is_not_doubted() -> None:
    with pytest.raises(IllegalTransitionError, match="from off to doubted"):
        evolve(Outlet.new(0.0, is_mute=False), state=Off(1, is_kept=True)).goto(Doubted(1))
