"""Which events of each node's log a receiver has, and which it has to ask for.

Pure: the caller tells the time, and keeps the events.

Ids are contiguous within a log and begin with 1, so ids in between are missing, whoever lost them: a broker that had acknowledged
them, or a queue that ran over. The node's status says which id is the last one. Events that the node will send by itself (`past`)
are not asked for meanwhile.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from wagman.bridges.fleet.payloads import Events, Summary
from wagman.model.shapes import Event

MOST_IDS: Final = 5_000
"""How many events are asked for, and sent, at once (chosen: some 100 kB on the wire)."""

SETTLE_S: Final = 2.0
"""Events that have been missing for so long are asked for (chosen: they may just be on their way)."""

RETRY_S: Final = 10.0
RETRY_MAX_S: Final = 300.0
"""The pauses before events are asked for again: the first, and the longest; they double between these (chosen)."""


class Span(NamedTuple):
    """The ids from `first` to `last`, both included."""

    first: int
    last: int


class Spans:
    """A set of ids, as spans that do not touch."""

    def __init__(self, *spans: Span) -> None:
        self._spans: list[Span] = []
        for span in spans:
            self.add(span)

    def __iter__(self) -> Iterator[Span]:
        return iter(self._spans)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._spans, (number, 2**63)) - 1
        return at >= 0 and number <= self._spans[at].last

    def add(self, span: Span) -> None:
        """Add these ids."""
        if span.last < span.first:
            return
        low = bisect_right(self._spans, (span.first, 2**63)) - 1
        low = low if low >= 0 and self._spans[low].last >= span.first - 1 else low + 1
        high = low
        while high < len(self._spans) and self._spans[high].first <= span.last + 1:
            span = Span(min(span.first, self._spans[high].first), max(span.last, self._spans[high].last))
            high += 1
        self._spans[low:high] = [span]

    def holes(self, within: Span) -> Iterator[Span]:
        """Yield the ids of a span that are not in the set."""
        first = within.first
        for span in self._spans:
            if span.first > within.last:
                break
            if first < span.first:
                yield Span(first, span.first - 1)
            first = max(first, span.last + 1)
        if first <= within.last:
            yield Span(first, within.last)


class Wanted(NamedTuple):
    """Events to ask a node for."""

    node: str
    log: str
    span: Span


class Shelf:
    """The events of one node that have arrived.

    Args:
        node: its name.
        logs: the ids that have arrived, by the name of the log.
        known: the last id that there is, by the name of the log: also of one that was replaced, and of which nothing has arrived.
        from_now: for the first log that is met, events before the first one heard of are not wanted.
    """

    def __init__(
        self,
        node: str,
        logs: Mapping[str, Spans] | None = None,
        known: Mapping[str, int] | None = None,
        *,
        from_now: bool = False,
    ) -> None:
        self.node = node
        self._known = dict(known or {})
        self.logs = {name: (logs or {}).get(name, Spans()) for name in self._known}
        self._past: dict[str, Span] = {}
        self._from_now = self._begins_late = from_now and not self.logs
        self._beginning: tuple[str, int] | None = None  # log and first id of the events that are missing
        self._asked_s = 0.0  # when they were asked for, or first missed
        self._pause_s = SETTLE_S

    def take(self, batch: Events) -> list[Event]:
        """Take in a batch; return the events that are new, in their order."""
        log = batch["log"]
        if log is None:
            return []
        held = self._log(log, batch["first"])
        self._replaced(batch)
        if "past" in batch:
            self._past[log] = Span(*batch["past"])
        elif not batch.get("again") and batch["last"] >= self._past.get(log, Span(0, 0)).last:
            self._past.pop(log, None)  # nothing is on its way by itself any more
        fresh = [event for event in batch["events"] if event["id"] is not None and event["id"] not in held]
        spans = [Span(event["id"], event["id"]) for event in fresh if event["id"] is not None]
        spans += [Span(*batch["gap"])] if "gap" in batch else []
        for span in spans:
            held.add(span)
        self._known[log] = max(self._known[log], batch["last"])
        return fresh

    def heard(self, status: Summary) -> None:
        """Take in the status of the node, which says what the last event of its log is."""
        log, last = status["log"], status["last"]
        if log is not None:
            self._log(log, last + 1)
            self._known[log] = max(self._known[log], last)
            self._past.pop(log, None)
            if "past" in status:
                self._past[log] = Span(*status["past"])

    def wanted(self, now_s: float) -> Wanted | None:
        """Return what to ask for now; None if nothing is due."""
        hole = next(self._holes(), None)
        beginning = None if hole is None else (hole.log, hole.span.first)
        if beginning != self._beginning:  # the missing events have begun to come
            self._beginning, self._asked_s, self._pause_s = beginning, now_s, SETTLE_S
        if hole is None or now_s < self._asked_s + self._pause_s:
            return None
        self._asked_s, self._pause_s = now_s, max(RETRY_S, min(2 * self._pause_s, RETRY_MAX_S))
        return hole

    def hurry(self) -> None:
        """Ask again soon: after a new connection, earlier requests have hardly come through."""
        self._pause_s = SETTLE_S

    def missing(self) -> int:
        """Return the number of missing events."""
        return sum(span.last - span.first + 1 for log in self.logs for span in self.logs[log].holes(Span(1, self._known[log])))

    def _log(self, log: str, first: int) -> Spans:
        if log not in self.logs:
            self.logs[log] = Spans(Span(1, first - 1)) if self._from_now else Spans()
            self._known[log] = 0
            self._from_now = False
        return self.logs[log]

    def _replaced(self, batch: Events) -> None:
        """Take in that a log is gone, and its last event. The node will say that it cannot give what is missing of it."""
        old, after = batch.get("replaces"), batch.get("after")
        if old is not None and after is not None and (old in self.logs or not self._begins_late):
            self._log(old, after + 1)
            self._known[old] = max(self._known[old], after)

    def _holes(self) -> Iterator[Wanted]:
        for log, held in self.logs.items():
            coming = Spans(*held, self._past[log]) if log in self._past else held
            for span in coming.holes(Span(1, self._known[log])):
                yield Wanted(self.node, log, Span(span.first, min(span.last, span.first + MOST_IDS - 1)))
