"""The graphs of the machines: declared by the state classes, checked when they are imported, drawn into the docs.

`python -m wagman.fsm.graph` draws them into `docs/states.md`; with `--check` it only says whether the drawing is stale.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import ClassVar, TypeVar

from attrs import frozen

from wagman.errors import WagmanError

BEGIN, END = "<!-- drawn: {} -->", "<!-- end of drawing -->"


class IllegalTransitionError(WagmanError):
    """A handler took a way that its class does not declare: a defect of this program. Nothing was changed."""

    def __init__(self, old: str, new: str) -> None:
        super().__init__(f"no transition leads from {old} to {new}")


class GraphError(WagmanError):
    """The declared graph is not one: a successor is unknown, or a state cannot be reached."""


@frozen
class GraphState:
    """A state that declares its name and the names of its possible successors (staying is always possible)."""

    name: ClassVar[str]
    successors: ClassVar[frozenset[str]]


S = TypeVar("S", bound=GraphState)


def checked_graph(*states: type[S]) -> dict[str, type[S]]:
    """The states by name; the first is the initial one.

    Raises:
        GraphError: a successor is unknown, or a state cannot be reached from the first one.
    """
    by_name = {state.name: state for state in states}
    reached, ahead = set[str](), [states[0].name]
    while ahead:
        name = ahead.pop()
        if name not in by_name:
            raise GraphError(f"a successor is called {name!r}, but no state is")
        if name not in reached:
            reached.add(name)
            ahead.extend(by_name[name].successors)
    if lost := sorted(by_name.keys() - reached):
        raise GraphError(f"cannot be reached: {', '.join(lost)}")
    return by_name


def drawing(states: Mapping[str, type[GraphState]]) -> str:
    """The graph as a Mermaid state diagram."""
    first = next(iter(states))
    arrows = [f"    {name} --> {to}" for name, state in states.items() for to in states if to in state.successors]
    return "\n".join(("```mermaid", "stateDiagram-v2", f"    [*] --> {first}", *arrows, "```"))


def redrawn(text: str, name: str, picture: str) -> str:
    """`text` with the picture between its markers put in anew.

    Raises:
        GraphError: the markers are missing.
    """
    begin = BEGIN.format(name)
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise GraphError(f"the page has no place for the drawing: it needs the lines {begin!r} and {END!r}")
    return f"{before}{begin}\n{picture}\n{END}{after}"


def graphs() -> dict[str, Mapping[str, type[GraphState]]]:
    """Every machine's graph, by the name of the machine."""
    return {name: import_module(f"wagman.fsm.{name}").STATES for name in ("device", "wagman")}


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the graphs into the page, or check that they stand there as the code has them."""
    parser = argparse.ArgumentParser(prog="python -m wagman.fsm.graph", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where the drawing is stale")
    parser.add_argument("page", nargs="?", type=Path, default=Path("docs/states.md"))
    args = parser.parse_args(argv)
    old = args.page.read_text(encoding="utf-8")
    new = old
    for name, states in graphs().items():
        new = redrawn(new, name, drawing(states))
    if args.check:
        return _report(stale=new != old, page=args.page)
    args.page.write_text(new, encoding="utf-8")
    return 0


def _report(*, stale: bool, page: Path) -> int:
    if stale:
        sys.stderr.write(f"{page}: the drawing is stale; run `python -m wagman.fsm.graph` and commit the page\n")
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
