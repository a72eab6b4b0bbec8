"""Events on their way to a broker: events in, batches out; acknowledgements in, the place up to which all have arrived out. Pure.

Only one batch waits here, while it is being filled. While the window is full, no events are taken; they wait in the service's
log.
Messages that were sent and not acknowledged are read from the log again on the next connection.
"""

from collections import deque
from typing import Any, Final, NamedTuple, TypeAlias

from wagman.bridges.fleet.payloads import VERSION, sealed, written
from wagman.bridges.fleet.shorthand import Shorthand
from wagman.client.following import Happened, Missing, Place, Replaced
from wagman.model.shapes import Event

MOST_BATCH_BYTES: Final = 65_536
"""A batch of this size is sent, before it is packed (chosen)."""

URGENT: Final = ("command.", "problem.", "device.unrecoverable", "device.relay_stuck")
"""Types of events that are sent at once."""

News: TypeAlias = Happened | Missing | Replaced


class Sent(NamedTuple):
    """A message for the broker; the number identifies its acknowledgement."""

    number: int
    payload: bytes


class Uplink:
    """One stream of events.

    Args:
        place: events after it are to be sent; those before it have arrived.
        batch: the most events in one message.
        window: how many messages may wait for their acknowledgement.
        deflate: whether messages are packed, with short events in them.
        marks: further fields of each message.
    """

    def __init__(
        self, place: Place, *, batch: int = 500, window: int = 20, deflate: bool = True, marks: dict[str, Any] | None = None
    ) -> None:
        self.place = place
        self.marks = {} if marks is None else marks
        self._batch, self._window, self._deflate = batch, window, deflate
        self._read = place  # up to there events were taken
        self._sent = place  # up to there they were sent
        self._head: dict[str, Any] = {}
        self._events: list[str] = []
        self._shorthand = Shorthand()
        self._bytes = 0
        self._closed = deque[tuple[str, Place | None]]()
        self._under_way: dict[int, Place | None] = {}  # by number, in their order
        self._done = set[int]()
        self._count = 0
        self.is_urgent = False  # an urgent event is in the batch that is being filled

    @property
    def has_room(self) -> bool:
        """Whether more may be taken."""
        return not self._closed and len(self._under_way) < self._window

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be sent."""
        return not (self._closed or self._head)

    @property
    def is_settled(self) -> bool:
        """Whether everything that was taken has arrived."""
        return self.is_empty and not self._under_way

    def has_sent(self, place: Place) -> bool:
        """Whether everything up to that place was sent, whether or not it has arrived."""
        return self._sent.log_id == place.log_id and self._sent.id >= place.id

    def take(self, news: News) -> None:
        """Take an event, or the news of lost ones, to be sent."""
        match news:
            case Missing(log_id, from_id, to_id):
                self._close()
                self._open(log_id, from_id)["gap"] = [from_id, to_id]
                self._read = Place(log_id, to_id)
            case Replaced(log_id, after_id, by):
                self._replace(log_id, after_id, by)
            case Happened({"id": None} as event):
                self._loose(event)
            case Happened(event, log_id):
                self._happened(event, log_id, event["id"] or 0)

    def next(self, *, is_due: bool = False) -> Sent | None:
        """Return the next full message, or an incomplete one if `is_due`; None if there is none, or no room in the window."""
        if not self._closed and is_due:
            self._close()
        if not self._closed or len(self._under_way) >= self._window:
            return None
        text, place = self._closed.popleft()
        self._sent = place or self._sent
        self._count += 1
        self._under_way[self._count] = place
        return Sent(self._count, sealed(text, deflate=self._deflate))

    def acknowledged(self, number: int) -> bool:
        """Take in an acknowledgement; return whether `place` has moved."""
        self._done.add(number)
        before = self.place
        while (first := next(iter(self._under_way), None)) is not None and first in self._done:
            self._done.discard(first)
            self.place = self._under_way.pop(first) or self.place
        return self.place != before

    def _happened(self, event: Event, log_id: str | None, number: int) -> None:
        if log_id != self._read.log_id and self._read.log_id is not None:
            self._replace(self._read.log_id, self._read.id, log_id)
        text = self._entry(event)
        if self._bytes + len(text) > MOST_BATCH_BYTES:
            self._close()
            text = self._entry(event)  # the first of a message is in full
        self._open(log_id, number)
        self._events.append(text)
        self._bytes += len(text)
        self._read = Place(log_id, number)
        self.is_urgent |= event["type"].startswith(URGENT)
        if len(self._events) >= self._batch:
            self._close()

    def _entry(self, event: Event) -> str:
        return written(self._shorthand.entry(event) if self._deflate else event)

    def _replace(self, log_id: str | None, after_id: int, by: str | None) -> None:
        self._close()
        if log_id is not None:
            self._open(by, 1).update(replaces=log_id, after=after_id)
        self._read = Place(by, 0)

    def _loose(self, event: Event) -> None:
        """Send an event without an id. It is in no log yet, so `place` does not move."""
        self._close()
        head = {"v": VERSION, "log": None, "first": 0, "last": 0}
        self._closed.append((_message(head, [written(event)]), None))

    def _open(self, log_id: str | None, first: int) -> dict[str, Any]:
        self._head = self._head or {"v": VERSION, "log": log_id, "first": first}
        return self._head

    def _close(self) -> None:
        if self._head:
            self._closed.append((_message({**self._head, "last": self._read.id, **self.marks}, self._events), self._read))
        self._head, self._events, self._bytes, self.is_urgent = {}, [], 0, False
        self._shorthand.begin()


def _message(head: dict[str, Any], events: list[str]) -> str:
    return f'{written(head)[:-1]},"events":[{",".join(events)}]}}'
