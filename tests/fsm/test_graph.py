"""The graphs are checked when they are imported, and the drawings in the docs are theirs."""

import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from tests.fsm.guests import GUEST
from wagman.fsm import graph
from wagman.fsm.case import Case, Memory
from wagman.fsm.device_states import STATES, Started, Starting
from wagman.fsm.graph import GraphError, GraphState, IllegalTransitionError, checked_graph, drawing, redrawn

PAGE = Path(__file__).parents[2] / "docs" / "states.md"


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


def test_a_transition_that_is_not_declared_raises() -> None:
    with pytest.raises(IllegalTransitionError, match="from started to starting"):
        Started().go(Case(GUEST, Memory()), Starting(), {})


def test_the_drawing_shows_the_first_state_and_every_transition() -> None:
    lines = drawing(STATES).splitlines()
    assert lines[0] == "```mermaid"
    assert lines[-1] == "```"
    assert "    [*] --> stopped" in lines
    arrows = {line.strip() for line in lines if "-->" in line and "*" not in line}
    assert arrows == {f"{name} --> {to}" for name, state in STATES.items() for to in state.successors}


def test_a_drawing_is_put_between_its_markers_and_nothing_else_is_touched() -> None:
    page = "a\n<!-- drawn: x -->\nold\n<!-- end of drawing -->\nb\n<!-- drawn: y -->\nold\n<!-- end of drawing -->\n"
    assert redrawn(page, "x", "new") == page.replace("old", "new", 1)
    assert redrawn(page, "y", "new") == "new".join(page.rsplit("old", 1))


@pytest.mark.parametrize(
    "page", ["", "<!-- drawn: x -->\n", "<!-- end of drawing -->\n", "<!-- drawn: y -->\n<!-- end of drawing -->"]
)
def test_a_page_without_the_markers_is_an_error(page: str) -> None:
    with pytest.raises(GraphError, match="no place for the drawing"):
        redrawn(page, "x", "new")


def test_the_page_in_the_docs_is_not_stale() -> None:
    assert graph.main(["--check", str(PAGE)]) == 0


def test_a_stale_page_is_told_and_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, stale = tmp_path / "states.md", PAGE.read_text().replace("starting --> started", "starting --> asleep")
    page.write_text(stale)
    assert graph.main(["--check", str(page)]) == 1
    assert "the drawing is stale" in capsys.readouterr().err
    assert page.read_text() == stale


def test_a_stale_page_is_drawn_anew(tmp_path: Path) -> None:
    page = tmp_path / "states.md"
    page.write_text(PAGE.read_text().replace("starting --> started", "starting --> asleep"))
    assert graph.main([str(page)]) == 0
    assert page.read_text() == PAGE.read_text()


def test_it_runs_as_a_command() -> None:
    command = [sys.executable, "-m", "wagman.fsm.graph", "--check", str(PAGE)]
    assert subprocess.run(command, check=False).returncode == 0
