"""Whose turn it is among all boards: no two relays of any boards go on within `stagger`."""

import math
from collections.abc import Callable

from attrs import define, field


@define(eq=False)
class Pace:
    """The pace at which relays go on, over all boards. Times are seconds of trio's clock.

    Args:
        stagger_s: the least time between two relay-ons.
        last_on_s: the latest time at which a relay may have gone on last; at first the time of coming up.
    """

    stagger_s: float
    last_on_s: float
    _sender: object | None = field(default=None, init=False)  # the board whose relay-on is under way
    _waiting: list[Callable[[], None]] = field(factory=list, init=False)

    def tell_when_free(self, wake: Callable[[], None]) -> None:
        """Have `wake` called each time that a relay-on which others waited for has ended."""
        self._waiting.append(wake)

    def turn_s(self, board: object) -> float:
        """The time from which that board may switch a relay on; infinity while another board does, which may take any time."""
        return self.last_on_s + self.stagger_s if self._sender in (None, board) else math.inf

    def went_on(self, at_s: float) -> None:
        """Note that a relay went on at `at_s` at the latest, whoever switched it."""
        self.last_on_s = max(self.last_on_s, at_s)

    def begin(self, board: object) -> None:
        """A relay-on of that board is about to leave."""
        self._sender = board

    def end(self, board: object) -> None:
        """The relay-on of that board was answered, or given up."""
        if self._sender is board:
            self._sender = None
            for wake in self._waiting:
                wake()
