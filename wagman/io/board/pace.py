"""Whose turn it is among all boards: no two relays go on within `stagger`, whichever boards they are of."""

import math
from collections.abc import Callable

from attrs import define, field


@define(eq=False)
class Pace:
    """The pace at which relays go on, over all boards.

    Args:
        stagger_s: the least time between two relay-ons.
        last_on_s: when a relay went on last, at the latest; at first the time of coming up, for one may just have been.
    """

    stagger_s: float
    last_on_s: float
    _sender: object | None = field(default=None, init=False)  # the board whose relay-on is on its way
    _waiting: list[Callable[[], None]] = field(factory=list, init=False)

    def tell_when_free(self, wake: Callable[[], None]) -> None:
        """Have `wake` called each time that a relay-on which others waited for has been carried out, or given up."""
        self._waiting.append(wake)

    def turn_s(self, board: object) -> float:
        """From when on that board may switch a relay on; infinity while another one does, for nobody knows how long it takes."""
        return self.last_on_s + self.stagger_s if self._sender in (None, board) else math.inf

    def went_on(self, at_s: float) -> None:
        """A relay went on then, at the latest, whoever did it."""
        self.last_on_s = max(self.last_on_s, at_s)

    def begin(self, board: object) -> None:
        """A relay-on of that board is about to leave."""
        self._sender = board

    def end(self, board: object) -> None:
        """It was answered, or given up."""
        if self._sender is board:
            self._sender = None
            for wake in self._waiting:
                wake()
