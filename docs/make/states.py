"""Draws the graphs of the machines for docs/states.md: `python -m docs.make.states`; `--check` sees if they are stale.

The states stand on an ellipse, clockwise and with the initial one at the left, so that no arrow passes under a state; each arrow
bends to its own left, so that the two of a pair stay apart.
"""

import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from math import atan2, cos, hypot, pi, sin

from docs.make.pages import keep
from wagman.fsm.graph import GraphState

MODULE = "docs.make.states"

WIDTH, HEIGHT = 720, 520
RADIUS_X, RADIUS_Y = 270, 215
BOX_WIDTH, BOX_HEIGHT = 150, 40
BEND = 0.07
"""How far the middle of an arrow lies beside the straight line, as a part of its length."""

Point = tuple[float, float]
States = Mapping[str, type[GraphState]]

HEAD = f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="15">
<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">
<path d="M0 0 10 5 0 10z" fill="#456"/></marker></defs>
<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#fcfcfa"/>
"""


def drawing(states: States) -> str:
    """The graph as SVG; the first state is the initial one."""
    places = dict(zip(states, _places(len(states)), strict=True))
    arrows = [_arrow(name, to, places) for name, state in states.items() for to in states if to in state.successors]
    first = next(iter(states))
    return "\n".join((HEAD, *arrows, *(_box(name, at, initial=name == first) for name, at in places.items()), "</svg>\n"))


def _places(count: int) -> Iterator[Point]:
    """The middles of the boxes."""
    for number in range(count):
        angle = pi + 2 * pi * number / count
        yield WIDTH / 2 + RADIUS_X * cos(angle), HEIGHT / 2 + RADIUS_Y * sin(angle)


def _arrow(name: str, to: str, places: Mapping[str, Point]) -> str:
    (x0, y0), (x1, y1) = places[name], places[to]
    bend = ((x0 + x1) / 2 + (y1 - y0) * BEND * 2, (y0 + y1) / 2 - (x1 - x0) * BEND * 2)
    start, end = _edge(places[name], bend), _edge(places[to], bend)
    path = f"M{_shown(start)} Q{_shown(bend)} {_shown(end)}"
    return f'<path class="arrow" d="{path}" fill="none" stroke="#456" marker-end="url(#tip)"><title>{name} to {to}</title></path>'


def _edge(middle: Point, towards: Point) -> Point:
    """Where the line from the middle of a box leaves it, and a little further."""
    dx, dy = towards[0] - middle[0], towards[1] - middle[1]
    angle, length = atan2(dy, dx), hypot(dx, dy)
    inside = min(BOX_WIDTH / 2 / max(abs(cos(angle)), 1e-9), BOX_HEIGHT / 2 / max(abs(sin(angle)), 1e-9), length)
    return middle[0] + (inside + 3) * cos(angle), middle[1] + (inside + 3) * sin(angle)


def _box(name: str, at: Point, *, initial: bool) -> str:
    x, y = at[0] - BOX_WIDTH / 2, at[1] - BOX_HEIGHT / 2
    size, edge = f'width="{BOX_WIDTH}" height="{BOX_HEIGHT}"', 3 if initial else 1
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" {size} rx="12" fill="#e8eef7" stroke="#2b4a7a" stroke-width="{edge}"/>\n'
        f'<text x="{at[0]:.1f}" y="{at[1] + 5:.1f}" text-anchor="middle" fill="#123">{name}</text>'
    )


def _shown(point: Point) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"


def made() -> dict[str, str]:
    """The drawing of every machine, by the name of its file."""
    machines = ("guest", "outlet", "scheduler")
    return {f"pictures/{name}.svg": drawing(import_module(f"wagman.fsm.{name}").STATES) for name in machines}


if __name__ == "__main__":
    sys.exit(keep(MODULE, lambda _: made()))
