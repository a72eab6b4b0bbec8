"""Whom a guest speaks to."""

from collections.abc import Sequence
from typing import Protocol

from wagman.fsm.wagman import View
from wagman.model.facts import PowerGoal


class Surroundings(Protocol):
    """Whom a guest speaks to."""

    def want(self, name: str, goal: PowerGoal) -> None:
        """Tell the guest's outlet which power its state asks for."""
        ...

    def view_changed(self, view: View) -> None:
        """Tell the scheduler how the guest is."""
        ...

    def neighbours(self, name: str) -> tuple[Sequence[str], Sequence[str]]:
        """Those that a start of the guest waits for, and those that a stop of it waits for."""
        ...

    def look(self, name: str) -> None:
        """Have the guest and its board looked at now, not only in their turn: an alarm has fallen due that waits for that."""
        ...

    def start_refused(self, name: str, reason: str) -> None:
        """Tell the scheduler that its start was not carried out."""
        ...

    def decided(self) -> None:
        """What holds for the guest may have changed, and is to be kept beside the log, too."""
        ...
