"""The graphs of the machines: declared by the state classes, and checked at import."""

from typing import ClassVar, TypeVar

from attrs import frozen

from wagman.model.errors import WagmanError


class IllegalTransitionError(WagmanError):
    """A handler took a way that its class does not declare: a defect of this program. Nothing was changed."""

    def __init__(self, old: str, new: str) -> None:
        super().__init__(f"no transition leads from {old} to {new}")


class GraphError(WagmanError):
    """A declared graph is wrong: a successor is unknown, or a state cannot be reached."""


@frozen
class GraphState:
    """A state that declares its name and the names of its possible successors (staying is always possible)."""

    name: ClassVar[str]
    successors: ClassVar[frozenset[str]]

    def check_way(self, new: "GraphState") -> None:
        """Check that the declared graph leads from this state to the new one.

        Raises:
            IllegalTransitionError: it does not.
        """
        if new.name != self.name and new.name not in self.successors:
            raise IllegalTransitionError(self.name, new.name)


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
