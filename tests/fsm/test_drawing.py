"""The drawings show the graphs that the code has."""

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import pytest

from docs.make.states import BOX_HEIGHT, BOX_WIDTH, HEIGHT, WIDTH, States, drawing, made
from wagman.fsm import guest, outlet, scheduler

GRAPHS = [guest.STATES, scheduler.STATES, outlet.STATES]
SVG = "{http://www.w3.org/2000/svg}"


def boxes(svg: str) -> list[tuple[float, float]]:
    return [
        (float(box.get("x", "")), float(box.get("y", "")))
        for box in ET.fromstring(svg).iter(f"{SVG}rect")
        if box.get("width") == str(BOX_WIDTH)
    ]


@pytest.mark.parametrize("states", GRAPHS)
def test_every_state_and_every_transition_is_shown(states: States) -> None:
    drawn = ET.fromstring(drawing(states))
    assert [text.text for text in drawn.iter(f"{SVG}text")] == list(states)
    arrows = {title.text for title in drawn.iter(f"{SVG}title")}
    assert arrows == {f"{name} to {to}" for name, state in states.items() for to in state.successors}


@pytest.mark.parametrize("states", GRAPHS)
def test_no_box_covers_another_or_leaves_the_picture(states: States) -> None:
    places = boxes(drawing(states))
    assert len(places) == len(states)
    assert all(0 <= x <= WIDTH - BOX_WIDTH and 0 <= y <= HEIGHT - BOX_HEIGHT for x, y in places)
    for (x0, y0), (x1, y1) in combinations(places, 2):
        assert abs(x0 - x1) >= BOX_WIDTH or abs(y0 - y1) >= BOX_HEIGHT


@pytest.mark.parametrize("states", GRAPHS)
def test_the_two_arrows_of_a_pair_take_different_ways(states: States) -> None:
    middles = re.findall(r" Q(\S+ \S+) ", drawing(states))
    assert len(middles) == len(set(middles))


def test_there_is_a_drawing_of_each_machine() -> None:
    assert made().keys() == {"pictures/guest.svg", "pictures/scheduler.svg", "pictures/outlet.svg"}
