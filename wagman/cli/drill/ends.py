"""The signals that end or freeze a program, kept from doing so while something must not stop halfway."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""The signals of ^C, of kill, of a terminal that is closed, and of ^backslash."""

_FREEZING: Final = (signal.SIGTSTP, signal.SIGTTOU)
"""The signals of ^Z, and of output from the background. A frozen program looks after nothing."""


class Ends:
    """The signals that came meanwhile: the number of the first one, or None."""

    number: int | None = None

    def note(self, number: int, _frame: FrameType | None) -> None:
        """Take in a signal; those after the first one change nothing."""
        self.number = self.number or number


@contextmanager
def noted() -> Iterator[Ends]:
    """Have ending signals noted only, and freezing ones ignored, meanwhile. What the caller ignores (`nohup`) stays ignored."""
    ends = Ends()
    ours: dict[int, Any] = dict.fromkeys(_ENDING, ends.note) | dict.fromkeys(_FREEZING, signal.SIG_IGN)
    before = {number: signal.getsignal(number) for number in ours}
    try:
        for number, handler in ours.items():
            if before[number] is not signal.SIG_IGN:
                signal.signal(number, handler)
        yield ends
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
