"""The surroundings of a guest: everyone its task speaks to."""

from collections.abc import Sequence
from typing import Protocol

from wagman.fsm.scheduler import View
from wagman.model.facts import PowerGoal


class Surroundings(Protocol):
    """Everyone a guest's task speaks to."""

    def want(self, name: str, goal: PowerGoal) -> None:
        """Tell the guest's outlet which power its state asks for."""
        ...

    def view_changed(self, view: View) -> None:
        """Tell the scheduler how the guest is."""
        ...

    def neighbours(self, name: str) -> tuple[Sequence[str], Sequence[str]]:
        """The guests that a start of this one waits for, and the guests that a stop of it waits for."""
        ...

    def look(self, name: str) -> None:
        """Ask for an immediate look at the guest and its board: an alarm that is due waits for it."""
        ...

    def start_refused(self, name: str, reason: str) -> None:
        """Tell the scheduler that the guest did not carry out its start."""
        ...

    def decided(self) -> None:
        """Have the decisions about the guest, which may have changed, kept beside the log, too."""
        ...
