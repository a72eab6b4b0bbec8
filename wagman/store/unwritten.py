"""The count of events that were shown without an id, and that no log holds or reports as dropped yet."""

import json
from collections.abc import Mapping

from attrs import define, field

SETTLED_KEY = "settled"
"""The key under which the log keeps how many events that were shown without an id it holds or has reported, by run."""


@define(eq=False, repr=False)
class Unwritten:
    """The count of this run, and the counts that are owed of earlier runs."""

    boot_id: str
    owed: Mapping[str, int] = field(factory=dict, init=False)  # of earlier runs, until the log has reported them
    _shown: int = field(default=0, init=False)
    _settled: int = field(default=0, init=False)  # of those, how many were written, or reported as dropped

    @property
    def count(self) -> int:
        """How many events of this run were shown while nothing could be written; 0 once all of them are settled."""
        return self._shown if self._shown != self._settled else 0

    def show(self, count: int) -> None:
        """Count events that were shown."""
        self._shown += count

    def owe(self, runs: Mapping[str, int]) -> None:
        """Have the log report these counts of earlier runs."""
        self.owed = {**self.owed, **runs}

    def settlement(self, waiting: int) -> Mapping[str, int]:
        """The value of SETTLED_KEY once all events of this run but `waiting` are written or reported."""
        return {**self.owed, **({self.boot_id: self._shown - waiting} if self._shown else {})}

    def settle(self, kept: str) -> None:
        """Take in the value that the log keeps under SETTLED_KEY, as JSON."""
        self.owed, self._settled = {}, json.loads(kept).get(self.boot_id, 0)
