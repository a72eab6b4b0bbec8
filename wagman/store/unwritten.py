"""Events that were shown without an id: how many of them no log has yet, or tells of as dropped, by run of the service."""

import json
from collections.abc import Mapping

from attrs import define, field

SETTLED_KEY = "settled"
"""The name under which the log keeps how many events that were shown without an id it has, or tells of, by run."""


@define(eq=False)
class Unwritten:
    """The count of this run, and what it owes of earlier ones."""

    boot_id: str
    owed: Mapping[str, int] = field(factory=dict, init=False)  # of earlier runs, until the log tells of them
    _shown: int = field(default=0, init=False)
    _settled: int = field(default=0, init=False)  # of those: written, or told of as dropped

    @property
    def count(self) -> int:
        """How many events were shown in this run while nothing could be written; 0 once all of them are settled."""
        return self._shown if self._shown != self._settled else 0

    def show(self, count: int) -> None:
        """So many more were shown."""
        self._shown += count

    def owe(self, runs: Mapping[str, int]) -> None:
        """Of earlier runs, so many have to be told of."""
        self.owed = {**self.owed, **runs}

    def settlement(self, waiting: int) -> Mapping[str, int]:
        """What the log is to keep under SETTLED_KEY once all but `waiting` of this run's are written or told of."""
        return {**self.owed, **({self.boot_id: self._shown - waiting} if self._shown else {})}

    def settle(self, kept: str) -> None:
        """The log keeps that, as JSON."""
        self.owed, self._settled = {}, json.loads(kept).get(self.boot_id, 0)
