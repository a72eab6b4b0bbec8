"""The journal: the one door through which events and lasting state reach the disk, and the people who watch.

**Committed, then shown.** `record` queues in memory. The store task commits all that is queued in one transaction (or
a few, bounded ones) and then shows it: to the log lines (`tell`), to the subscribers, and in pages.

**While the disk fails** (full, read-only, gone, not answering), supervision goes on. Events are shown at once, without an id,
and wait in a bounded ring; of the state the newest values are kept. The store task tries again after 1 s, then 2 s, up to
once a minute, and writes the waiting events in their order. Then they are shown once more, with their ids, to the
subscribers, whose ids thus have no gap.

**A commit whose end nobody saw** (the task was cancelled, the disk did not answer in time) is repeated as it was, with
the same ids. By the ids the store recognises a batch that it holds, and so writes no batch twice.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import trio
from attrs import define, evolve, field

from wagman.model.errors import StoreError
from wagman.model.facts import Draft
from wagman.store.batch import Loaded, Opened, Query
from wagman.store.disk import DRAIN_S, HEALTHY_S, LOOK_S, RETRY_MIN_S, STALL_S, Blocking, Outage, answered, threaded
from wagman.store.event import PREVIOUS, Cause, Event, Lasting, Ref, clean, clock_floor, encode, event_of, rfc3339, utc_now
from wagman.store.feed import Feed, Subscription
from wagman.store.limits import MAX_BATCH_BYTES
from wagman.store.pending import Pending, Receipt, Ring, Unit, batch_of, events_of
from wagman.store.repeats import Repeats
from wagman.store.sqlite import HeldError, Store
from wagman.store.unwritten import SETTLED_KEY, Unwritten

T = TypeVar("T")


@define(eq=False, repr=False)
class Journal:
    """Records events and lasting state, commits them in groups, and then shows them. Must be made within a trio run.

    The callbacks (`tell`, `counted`, `heard`, `late`) must not raise.
    """

    _store: Store
    boot_id: str = field(kw_only=True)
    tell: Callable[[Event], None] = field(kw_only=True)  # called once for each event, when it is first shown
    collapse: Collection[str] = field(kw_only=True, default=())  # types whose repeats are reported together
    counted: Callable[[], None] = field(kw_only=True, default=lambda: None)  # the count of `unwritten` has changed
    heard: Callable[[], None] = field(kw_only=True, default=lambda: None)  # there is news of which no event is shown
    late: Callable[[Mapping[str, Any]], None] = field(kw_only=True, default=lambda _: None)  # see `_open_late`
    blocking: Blocking = field(kw_only=True, factory=threaded)
    wall: Callable[[], datetime] = field(kw_only=True, default=utc_now)
    clock_floor: datetime = field(kw_only=True, factory=clock_floor)  # a wall clock that shows less was never set
    began_s: float = field(kw_only=True, factory=trio.current_time)  # `mono_s` counts from here
    open_s: float = field(kw_only=True, default=60.0)  # how long opening may take, because the whole file is checked (chosen)
    drain_s: float = field(kw_only=True, default=DRAIN_S)
    speed: float = field(kw_only=True, default=1.0)  # of trio's clock: a disk is no faster for it, and is given as much more time
    ring: Ring = field(kw_only=True, factory=Ring)
    unwritten: Unwritten = field(init=False)
    _feed: Feed = field(init=False)
    _repeats: Repeats = field(init=False)
    _outage: Outage = field(factory=lambda: Outage(HEALTHY_S), init=False)
    _memory: dict[str, Lasting] = field(factory=dict, init=False)  # the newest value of each key, written or not
    _wake: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self._feed = Feed(self._read, self._shown_provisionally)
        self._repeats = Repeats(self.collapse)
        self.unwritten = Unwritten(self.boot_id)

    @property
    def log_id(self) -> str | None:
        """The id of the log; None: none was opened yet."""
        return self._feed.log_id

    @property
    def first_id(self) -> int:
        """The id of the oldest event that is still in the log."""
        return self._feed.first_id

    @property
    def last_id(self) -> int:
        """The id of the newest event that was shown; 0: there is none."""
        return self._feed.last_id

    @property
    def broken(self) -> str | None:
        """Why nothing can be written at present; None: it can."""
        return self._outage.reason

    @property
    def clock_set(self) -> bool:
        """Whether the wall clock was ever set."""
        return self.wall() >= self.clock_floor

    # --- Recording ----------------------------------------------------------------------------------------------------

    def record(
        self,
        drafts: Sequence[tuple[Draft, Cause]],
        memory: Mapping[str, Any] | None = None,
        places: Mapping[str, int] | None = None,
    ) -> Receipt:
        """Queue events and state that belong together: one transaction takes all of them.

        Never waits, and never raises because of a broken disk. Each draft comes with its cause; PREVIOUS is the draft before it.
        A draft that is a counted repeat gets the ref of the first of its kind.

        Args:
            drafts: the events, each with its cause.
            memory: JSON values by key; None forgets the key. A value that has not changed is not written again.
            places: numbers of drafts by key; the place of that event in the log is kept under the key, for `placed` to read.

        Raises:
            ValueError: this is more than one transaction may hold (MAX_BATCH_BYTES).
        """
        kept, refs = list[Pending](), list[Ref]()
        for draft, cause in drafts:
            each = self._pending(draft, refs[-1] if cause is PREVIOUS else cause)
            first = self._repeats.absorb(each.event, each.ref, trio.current_time(), each.cause)
            refs.append(first or each.ref)
            kept += [] if first else [each]
        # A repeat is news, too: a command that failed again calls for a person.
        if len(kept) < len(drafts):
            self.heard()
        lasting = {**self._news(memory or {}), **{clean(key): refs[number] for key, number in (places or {}).items()}}
        return self._queue(Unit(tuple(kept), lasting, Receipt(tuple(refs))))

    def _pending(self, draft: Draft, cause: Cause) -> Pending:
        now, mono_s = self.wall(), round(trio.current_time() - self.began_s, 3)
        return Pending(event_of(draft, now, self.boot_id, mono_s, clock_set=now >= self.clock_floor), cause)

    def _news(self, memory: Mapping[str, Any]) -> dict[str, Lasting]:
        """The values that have changed, as JSON."""
        encoded = {clean(key): None if value is None else encode(value) for key, value in memory.items()}
        return {key: value for key, value in encoded.items() if value != self._memory.get(key)}

    def _queue(self, unit: Unit) -> Receipt:
        if unit.size > MAX_BATCH_BYTES:
            raise ValueError(f"{unit.size} bytes are more than one transaction may hold ({MAX_BATCH_BYTES})")
        idle, fails = not self.ring, self._outage.error is not None
        # A unit with nothing new is as durable as what it repeats.
        if not unit.events and not unit.memory and (idle or fails):
            unit.receipt.decide(durable=idle)
            return unit.receipt
        self._memory |= unit.memory
        self.ring.push(unit)
        if fails:
            # An event about dropped ones may be on its way to a slow disk, and not shown yet: it comes before this one.
            for each in (*self.ring.flight, unit):
                self._show_provisionally(each)
        self._wake.set()
        return unit.receipt

    def _note(self, type_: str, **fields: Any) -> None:
        """Record an event about the journal itself."""
        self.record([(Draft(type_, fields=fields), None)])

    def owe(self, runs: Mapping[str, int], count: int) -> None:
        """Report, with the first events that are written, that earlier runs have shown `count` events that no log has."""
        self.unwritten.owe(runs)
        self.ring.dropped += count
        self._wake.set()

    # --- Opening ------------------------------------------------------------------------------------------------------

    async def load(self) -> Loaded:
        """Open the log and return the lasting state. To be called once, before the machines start; a bad disk raises nothing."""
        # If another process holds the log, wait for it: to begin without the log is to forget what operators have decided.
        until_s, opened = trio.current_time() + self.open_s * self.speed, await self._open()
        while opened is None and isinstance(self._outage.error, HeldError) and trio.current_time() < until_s:
            await trio.sleep(RETRY_MIN_S)
            opened = await self._open()
        if opened is None:
            return Loaded({}, trusted=False, unread=self.broken if await self._is_there() else None)
        self._outage.retry_at_s = -math.inf  # `store.unavailable`, which told of the wait, can be written now
        return Loaded.of(opened)

    async def _is_there(self) -> bool:
        try:
            return await answered(self.blocking, self._store.is_there, STALL_S * self.speed)
        except StoreError:
            return True  # a disk that does not even answer that may well hold a log

    async def _open_late(self) -> bool:
        """Open the log while the machines run; returns whether that succeeded."""
        # If `load` could not open the log, its lasting state comes too late to be taken up: `late` takes it. The state is empty
        # if somebody has moved the log away, and another one begins.
        loaded, opened = self.log_id is not None, await self._open()
        if opened is not None and not loaded:
            self.late(Loaded.of(opened).memory)
        return opened is not None

    async def _open(self) -> Opened | None:
        opened = await self._try(self._store.open, self.open_s)
        if opened is not None and opened.log_id != self.log_id:
            self._begin_log(opened)
        return opened

    def _begin_log(self, opened: Opened) -> None:
        anew = [key for key in opened.illegible if key not in self._memory]
        if self.log_id is None:
            self._memory = {**opened.memory, **self._memory}
        else:  # the lasting state of the old log has to be in the new one, and nothing else
            self._memory = {**dict.fromkeys(opened.memory), **self._memory}
            self.ring.overtake(self._memory)
        self._feed.begin(opened.log_id, opened.held)
        for each in opened.set_aside:
            self._note("store.damaged", reason=each.reason, set_aside=str(each.path))
        self._note("store.opened", log_id=opened.log_id, new=opened.fresh)
        if opened.illegible:  # it would not be legible at the next start either
            self.record([(Draft("store.illegible", fields={"keys": list(opened.illegible)}), None)], dict.fromkeys(anew))

    # --- The store task -----------------------------------------------------------------------------------------------

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write what is recorded until cancelled; then write the rest within `drain_s`, and close."""
        task_status.started()
        try:
            while True:
                await self._wait_for_work()
                await self._write_out()
        finally:
            with trio.move_on_after(self.drain_s * self.speed, shield=True):
                self._tell_repeats(math.inf)
                await self._write_out()
                await self.blocking(self._store.close)

    async def _wait_for_work(self) -> None:
        if self._outage.error is not None:
            await self._wait_for_retry()
        while self._store.is_open and not self.ring:
            self._wake = trio.Event()
            with trio.move_on_at(min(self._repeats.next_s(), trio.current_time() + LOOK_S)) as waiting:
                await self._wake.wait()
            self._tell_repeats(trio.current_time())
            # If somebody has taken the log away, a new one begins before an event can be lost.
            if waiting.cancelled_caught:
                await self._try(self._store.look)

    async def _wait_for_retry(self) -> None:
        # A window of repeats that opens meanwhile closes later: it lasts as long as the longest pause.
        while (due_s := self._repeats.next_s()) < self._outage.retry_at_s:
            await trio.sleep_until(due_s)
            self._tell_repeats(trio.current_time())
        await trio.sleep_until(self._outage.retry_at_s)

    def _tell_repeats(self, now_s: float) -> None:
        for window in self._repeats.close(now_s):
            draft = Draft(window.event.type, window.event.device, window.summary())
            self._queue(Unit((self._pending(draft, window.first),), {}, Receipt(())))

    async def _write_out(self) -> None:
        """Write until nothing is left, or the disk fails."""
        going = self._store.is_open or await self._open_late()
        while going and self.ring:
            going = await self._write()

    async def _write(self) -> bool:
        """Write one batch and show it; returns False if the disk fails."""
        self.ring.flight = self.ring.flight or self._next_flight()
        batch = batch_of(self.ring.flight, self.last_id, self.log_id)
        held = await self._try(partial(self._store.commit, batch))
        if held is None:
            return False
        self._feed.advance(held)
        self._land(batch.events)
        if self._outage.error is not None:
            self._note("store.recovered", after_s=round(self._outage.end(), 3))
        return True

    def _next_flight(self) -> list[Unit]:
        units = self.ring.take()
        if self.ring.dropped:
            units.insert(0, Unit((self._dropped(units),), {}, Receipt(())))
            self.ring.dropped = 0
        settlement = self.unwritten.settlement(sum(each.shown for each in events_of(self.ring)))
        if settlement and (news := self._news({SETTLED_KEY: settlement})):
            self._memory |= news
            units.append(Unit((), news, Receipt(())))
        return units

    def _dropped(self, units: Sequence[Unit]) -> Pending:
        """The event that tells how many events were dropped or owed."""
        # They came before all that waits. Therefore their event comes first, in the log and by its time.
        told = self._pending(Draft("store.dropped", fields={"count": self.ring.dropped}), None)
        if (first := next((each.event for each in events_of(units) if not each.shown), None)) is not None:
            told.event = evolve(told.event, time=first.time, clock_set=first.clock_set, mono_s=first.mono_s)
        return told

    def _land(self, events: Sequence[Event]) -> None:
        """Show the units in flight, which are durable now."""
        units, self.ring.flight = self.ring.flight, []
        landed = list(zip(events_of(units), events, strict=True))
        for each, event in landed:
            each.ref.id, each.ref.log_id = event.id, self.log_id
        for each, event in landed:
            self._show(each, event)
        for unit in units:
            unit.receipt.decide(durable=True)
        for unit in units:
            if SETTLED_KEY in unit.memory:
                self.unwritten.settle(str(unit.memory[SETTLED_KEY]))
                self.counted()

    # --- A disk that fails --------------------------------------------------------------------------------------------

    async def _try(self, call: Callable[[], T], patience_s: float = STALL_S) -> T | None:
        """Make a call to the disk. If it fails, an outage begins or goes on, and None is returned."""
        try:
            return await answered(self.blocking, call, patience_s * self.speed)
        except StoreError as error:
            self._break(error)
            return None

    def _break(self, error: StoreError) -> None:
        """The disk has failed: show all waiting events at once, and try again later."""
        before = self.broken
        if not self._outage.go_on(error):
            if self.broken != before:
                self.heard()
            return
        for unit in tuple(self.ring):
            self._show_provisionally(unit)
        self._note("store.unavailable", reason=str(error))

    # --- Showing ------------------------------------------------------------------------------------------------------

    def _show(self, waiting: Pending, event: Event) -> None:
        self._feed.show(event)
        if not waiting.shown:
            waiting.shown = True
            self.tell(event)

    def _show_provisionally(self, unit: Unit) -> None:
        new = [each for each in unit.events if not each.shown]
        self.unwritten.show(len(new))
        for each in new:
            self._show(each, each.provisional(self.log_id))
        unit.receipt.decide(durable=False)
        self.counted()

    def _shown_provisionally(self) -> Iterator[Event]:
        return (each.provisional(self.log_id) for each in events_of(self.ring) if each.shown)

    # --- Reading ------------------------------------------------------------------------------------------------------

    async def page(
        self,
        *,
        since: int | datetime | None = None,
        log_id: str | None = None,
        limit: int = 100,
        device: str | None = None,
        type: str | None = None,  # noqa: A002 - the name that the control interface has for it
    ) -> list[Event]:
        """A page of up to `limit` events, oldest first: after the id `since`, or from the time `since` on, or else the last ones.

        Events without an id come last; while the disk gives nothing, they are all there is. `type` also finds types below it:
        "device" finds "device.started".

        Raises:
            PositionError: there is no such id yet, or the log is not the one named `log_id` any more.
            StoreError: the disk, which seemed sound, does not give the page; or no log was opened yet that could have that id.
        """
        after_id = since if isinstance(since, int) else None
        from_time = rfc3339(since) if isinstance(since, datetime) else None
        query = Query(after_id=after_id, from_time=from_time, limit=limit, device=device, type=type)
        self._feed.check(after_id, log_id)
        events = await self._read_if_it_can_be(query) + [each for each in self._shown_provisionally() if query.fits(each)]
        return events[:limit] if query.forward else events[-limit:]

    async def chain(self, event_id: int, limit: int = 100) -> list[Event]:
        """The event, its cause, the cause of that, and so on, newest first; raises StoreError."""
        return await self._reading(partial(self._store.chain, event_id, limit))

    def subscribe(self, since: int | None = None, log_id: str | None = None) -> Subscription:
        """A subscription to everything after the id `since`, or (None) from now on; raises the errors of `Feed.check`."""
        return self._feed.subscribe(since, log_id)

    async def _read(self, query: Query) -> list[Event]:
        return [] if self.log_id is None else await self._reading(partial(self._store.page, query))

    async def _read_if_it_can_be(self, query: Query) -> list[Event]:
        try:
            return await self._read(query)
        except StoreError:
            if self._outage.error is None:
                raise
            return []  # `store.unavailable` is among the events without an id, and says why

    async def _reading(self, call: Callable[[], T]) -> T:
        try:
            return await answered(self.blocking, call, STALL_S * self.speed)
        except StoreError:
            self._wake.set()  # a file that was found damaged has closed itself: have it replaced
            raise
