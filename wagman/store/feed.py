"""Subscriptions: the past first, then live, without a gap or a repeat, each at its own pace.

A subscription reads the past from the log, page by page, and goes live at the moment at which a page ends with the
newest event; no await lies between the two. Live events are put into its buffer. If the subscriber does not keep up with
the live events, the subscription drops its buffer and reports which ids those were; nobody ever waits for a subscriber.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Self, TypeAlias

import trio
from attrs import define, field, frozen

from wagman.model.errors import CallerError, StoreError
from wagman.store.batch import Query
from wagman.store.event import Event
from wagman.store.limits import Extent

BUFFER = 256
"""How many live events wait for a subscriber (chosen: minutes of a busy node)."""

PAGE = 200
"""How many events of the past are read at once (chosen)."""


class PositionError(CallerError):
    """A place in the log was named that does not exist: beyond its end, or in another log."""


@frozen
class Lagged:
    """The events from `from_id` to `to_id` (both included) were missed; None: none of the missed ones had an id."""

    from_id: int | None
    to_id: int | None

    def as_json(self) -> dict[str, Any]:
        """The parameters of the notification."""
        return {"from_id": self.from_id, "to_id": self.to_id}


Item: TypeAlias = Event | Lagged
Fetch: TypeAlias = Callable[[Query], Awaitable[list[Event]]]
"""Reads events of the log."""


@define(eq=False, repr=False)
class Feed:
    """The place up to which the log has been shown, and the subscriptions that are told of more."""

    fetch: Fetch
    provisional: Callable[[], Iterator[Event]]  # events that have been shown and have no id yet
    log_id: str | None = None
    first_id: int = 1
    last_id: int = 0
    _subscriptions: set["Subscription"] = field(factory=set, init=False)

    def begin(self, log_id: str, held: Extent) -> None:
        """Go on with another log, whose ids start anew."""
        for each in self._subscriptions:
            each.begin_anew()
        self.log_id, self.first_id, self.last_id = log_id, held.first_id, held.last_id

    def advance(self, held: Extent) -> None:
        """Note which events the log holds now; those that are new are shown next."""
        self.first_id, self.last_id = held.first_id, held.last_id

    def show(self, event: Event) -> None:
        """Give an event to every subscription that is live."""
        for each in self._subscriptions:
            each.offer(event)

    def subscribe(self, since: int | None, log_id: str | None) -> "Subscription":
        """A subscription to everything after the id `since`, or (None) from now on; raises the errors of `check`."""
        self.check(since, log_id)
        cursor = self.last_id if since is None else since
        subscription = Subscription(self, cursor, since is None, self.log_id, self.first_id, self.last_id)
        self._subscriptions.add(subscription)
        return subscription

    def check(self, since: int | None, log_id: str | None = None) -> None:
        """Check that the log has the place `since`.

        Raises:
            PositionError: it has not.
            StoreError: no log was opened yet, so that nobody can say.
        """
        if self.log_id is None and (since or log_id is not None):
            raise StoreError("the log has not been opened yet: wagman events says why; try again")
        if log_id is not None and log_id != self.log_id:
            raise PositionError(f"log {log_id} is gone; the log is {self.log_id} now: begin at 0")
        if since is not None and not 0 <= since <= self.last_id:
            raise PositionError(f"event {since} does not exist: the last one is {self.last_id}")

    def remove(self, subscription: "Subscription") -> None:
        """Forget a subscription."""
        self._subscriptions.discard(subscription)


@define(eq=False, repr=False)
class Subscription:
    """The events after a place in the log, in their order: `with` closes it, `async for` reads it, one reader at a time.

    `Lagged` also stands for a past that cannot be read: events that were dropped from the log before they were read, and the
    rest of a log that was replaced. Reading raises StoreError while the disk does not give the past. As long as no log was opened
    there is no past: the subscription is live, and reads the past once there is a log.
    """

    _feed: Feed
    _cursor: int  # the id of the newest event that was put into `_ready`; 0: begin with the first event there is
    _live: bool
    log_id: str | None  # this and the next two: as they were when the subscription began
    first_id: int
    last_id: int
    _owed: bool = field(default=False, init=False)  # the past was asked for, and there was no log yet
    _ready: deque[Item] = field(factory=deque, init=False)
    _wake: trio.Event = field(factory=trio.Event, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        return await self.receive()

    def close(self) -> None:
        """End the subscription."""
        self._feed.remove(self)

    async def receive(self) -> Item:
        """Wait for the next event, or for what was missed; raises StoreError."""
        await trio.lowlevel.checkpoint()
        while not self._ready:
            await (self._hear() if self._live else self._read_on())
        return self._ready.popleft()

    def offer(self, event: Event) -> None:
        """Take a live event; never waits."""
        if not self._live or (event.id is not None and event.id <= self._cursor):
            return
        if len(self._ready) >= BUFFER:
            self._lose()
        self._take(event)
        self._wake.set()

    def begin_anew(self) -> None:
        """Go on with another log; events of the old one that were not read are reported as missed."""
        if not self._live and self._cursor < self._feed.last_id:
            self._ready.append(Lagged(self._cursor + 1, self._feed.last_id))
        self._cursor = 0
        if self._owed:
            self._live = self._owed = False
            self._wake.set()

    async def _hear(self) -> None:
        self._wake = trio.Event()
        await self._wake.wait()

    async def _read_on(self) -> None:
        if self._cursor >= self._feed.last_id:
            self._go_live()  # without a past to read, a disk that gives nothing does not keep anybody from live events
            return
        log_id = self._feed.log_id
        events = await self._feed.fetch(Query(after_id=self._cursor, limit=PAGE))
        if self._feed.log_id != log_id:
            return  # `begin_anew` has dealt with it
        for event in events:
            self._take(event)
        if not events or self._cursor >= self._feed.last_id:
            self._go_live()

    def _go_live(self) -> None:
        self._live, self._owed = True, self._feed.log_id is None
        self._ready.extend(self._feed.provisional())

    def _take(self, event: Event) -> None:
        if event.id is not None:
            if self._cursor and event.id > self._cursor + 1:
                self._ready.append(Lagged(self._cursor + 1, event.id - 1))
            self._cursor = event.id
        self._ready.append(event)

    def _lose(self) -> None:
        ids = [number for item in self._ready for number in _ids(item)]
        self._ready.clear()
        self._ready.append(Lagged(min(ids), ids[-1]) if ids else Lagged(None, None))


def _ids(item: Item) -> list[int]:
    """The ids that an item stands for, or the ends of their range."""
    ends = (item.from_id, item.to_id) if isinstance(item, Lagged) else (item.id,)
    return [number for number in ends if number is not None]
