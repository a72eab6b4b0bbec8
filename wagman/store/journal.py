"""The journal: the one door through which events and lasting state reach the disk, and the people who watch.

**Committed, then shown.** `record` queues in memory. The store task commits all that is queued in one transaction (or
a few, bounded ones) and shows it after that: to the log line (`tell`), the subscribers, and who asks for a page.

**While the disk does not take it** (full, read-only, gone, not answering), supervision goes on. Events are shown at
once, without an id, and wait in a bounded ring; of the state the newest values are kept. The store task tries again
after 1 s, then 2 s, up to once a minute, and writes what waited in its order. Then it is shown again, with its ids, to
the subscribers, whose ids thus have no gap.

**A commit whose end nobody saw** (the task was cancelled, the disk did not answer in time) is repeated as it was: the
store knows the serial of the last batch it wrote, and writes no batch twice.
"""

import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, ParamSpec, Protocol, TypeVar

import trio
from attrs import define, evolve, field, frozen

from wagman.model.errors import StoreError
from wagman.model.facts import Draft
from wagman.store.batch import Batch, Opened, Query
from wagman.store.event import (
    PREVIOUS,
    Cause,
    Event,
    Lasting,
    Record,
    Ref,
    clean,
    clock_floor,
    encode,
    encode_fields,
    event_of,
    place_json,
    rfc3339,
)
from wagman.store.feed import Feed, Subscription
from wagman.store.limits import MAX_BATCH_BYTES
from wagman.store.pending import Pending, Receipt, Ring, Unit, memory_of, resolve
from wagman.store.repeats import Repeats
from wagman.store.sqlite import HeldError, Store

P = ParamSpec("P")
T = TypeVar("T")

LOOK_S = 60.0
"""How often it is looked whether the files are still there, where nothing is written (chosen: somebody has to delete them)."""

RETRY_MIN_S = 1.0
"""How long to wait before a disk that failed is tried again (chosen)."""

RETRY_MAX_S = 60.0
"""What that wait doubles up to (chosen)."""

HEALTHY_S = 60.0
"""How long the disk has to have worked for the wait to begin at its least again (chosen)."""


SETTLED_KEY = "settled"
"""The name under which the store keeps how many events that were shown without an id it has, or tells of, by run."""


class Blocking(Protocol):
    """The seam for calls that wait for the disk: one at a time, in their order."""

    async def __call__(self, call: Callable[[], T], /) -> T:
        """Do it; when cancelled, the call may go on by itself, and the next one waits for its end."""
        ...


def threaded() -> Blocking:
    """Calls run in a worker thread, one at a time. A disk that hangs keeps that thread, and nobody else."""
    limiter = trio.CapacityLimiter(1)

    async def blocking(call: Callable[[], T]) -> T:
        return await trio.to_thread.run_sync(call, limiter=limiter, abandon_on_cancel=True)

    return blocking


async def inline(call: Callable[[], T]) -> T:
    """Calls run where they are: for virtual time, which does not wait for threads."""
    await trio.lowlevel.checkpoint()
    return call()


@frozen
class Loaded:
    """What lasted: the newest value of each key."""

    memory: Mapping[str, Any]
    trusted: bool  # False where the log is new, was replaced, or cannot be read
    lost: str | None = None  # there was a log, and it was set aside: why
    unread: str | None = None  # there is a log, and it cannot be read: why; what lasted may be read later


def _utc_now() -> datetime:
    return datetime.now(UTC)


@define(eq=False)
class Journal:
    """Records events and lasting state, commits them in groups, and shows them after that. Made within a trio run."""

    _store: Store
    boot_id: str = field(kw_only=True)
    tell: Callable[[Event], None] = field(kw_only=True)  # called once for each event, when it is first shown; must not raise
    collapse: Collection[str] = field(kw_only=True, default=())  # types whose repeats are told of together
    counted: Callable[[], None] = field(kw_only=True, default=lambda: None)  # `unwritten` is another number; must not raise
    heard: Callable[[], None] = field(kw_only=True, default=lambda: None)  # news that no event is shown of; must not raise
    late: Callable[[Mapping[str, Any]], None] = field(kw_only=True, default=lambda _: None)  # see `_open_late`; must not raise
    blocking: Blocking = field(kw_only=True, factory=threaded)
    wall: Callable[[], datetime] = field(kw_only=True, default=_utc_now)
    clock_floor: datetime = field(kw_only=True, factory=clock_floor)  # a wall clock below it was never set
    began_s: float = field(kw_only=True, factory=trio.current_time)  # what `mono_s` counts from
    stall_s: float = field(kw_only=True, default=10.0)  # chosen: so long may the disk take before it counts as broken
    open_s: float = field(kw_only=True, default=60.0)  # chosen: and so long to open, for all of the file is checked
    drain_s: float = field(kw_only=True, default=5.0)  # chosen: the bound on writing the rest at the end
    ring: Ring = field(kw_only=True, factory=Ring)
    _feed: Feed = field(init=False)
    _repeats: Repeats = field(init=False)
    _memory: dict[str, Lasting] = field(factory=dict, init=False)  # the newest value of each key, written or not
    _flight: list[Unit] = field(factory=list, init=False)  # being written, or to be written again as they are
    _serial: int = field(default=0, init=False)
    _wake: trio.Event = field(factory=trio.Event, init=False)
    _broken: StoreError | None = field(default=None, init=False)
    _broken_s: float = field(default=-math.inf, init=False)  # when it broke
    _well_s: float = field(default=-math.inf, init=False)  # when it was last repaired
    _retry_s: float = field(default=RETRY_MIN_S, init=False)  # how long to wait after the next failure
    _retry_at_s: float = field(default=-math.inf, init=False)
    _shown: int = field(default=0, init=False)  # events, while nothing could be written
    _settled: int = field(default=0, init=False)  # of those: written, or told of as dropped
    _owed: Mapping[str, int] = field(factory=dict, init=False)  # events of earlier runs that have to be told of

    def __attrs_post_init__(self) -> None:
        self._feed = Feed(self._past, self._shown_provisionally)
        self._repeats = Repeats(self.collapse)

    @property
    def log_id(self) -> str | None:
        """Names the log, for as long as it is the same one; None while none was ever opened."""
        return self._feed.log_id

    @property
    def first_id(self) -> int:
        """The id of the oldest event that is still in the log."""
        return self._feed.first_id

    @property
    def last_id(self) -> int:
        """The id of the newest event that was shown; 0 where there is none."""
        return self._feed.last_id

    @property
    def broken(self) -> str | None:
        """Why nothing can be written at present."""
        return None if self._broken is None else str(self._broken)

    @property
    def unwritten(self) -> int:
        """How many events were shown in this run while nothing could be written; 0 once all of them are settled."""
        return self._shown if self._shown != self._settled else 0

    @property
    def clock_set(self) -> bool:
        """The wall clock is not below the floor: somebody has set it."""
        return self.wall() >= self.clock_floor

    # --- Recording ----------------------------------------------------------------------------------------------------

    def record(
        self,
        drafts: Sequence[tuple[Draft, Cause]],
        memory: Mapping[str, Any] | None = None,
        places: Mapping[str, int] | None = None,
    ) -> Receipt:
        """Queue events and state that belong together: one transaction takes all of them.

        Never waits, and raises nothing for a broken disk. `memory` maps keys to JSON values; None forgets the key, and
        a value that has not changed is not written again. A draft that is a counted repeat has the ref of the first. The
        cause may be PREVIOUS: the draft before it. `places` maps keys to numbers of drafts: what lasts is the place that the
        event gets in the log, which `placed` reads.

        Raises:
            ValueError: this is more than one transaction may hold (MAX_BATCH_BYTES).
        """
        kept, refs = list[Pending](), list[Ref]()
        for draft, cause in drafts:
            each = self._pending(draft, refs[-1] if cause is PREVIOUS else cause)
            first = self._repeats.absorb(each.record, each.ref, trio.current_time(), each.cause)
            refs.append(first or each.ref)
            kept += [] if first else [each]
        # A repeat is news, too: a command that failed again calls a person.
        if len(kept) < len(drafts):
            self.heard()
        lasting = {**self._news(memory or {}), **{clean(key): refs[number] for key, number in (places or {}).items()}}
        return self._queue(Unit(tuple(kept), lasting, Receipt(tuple(refs))))

    def _pending(self, draft: Draft, cause: Cause) -> Pending:
        now = self.wall()
        record = Record(
            id=None,
            time=rfc3339(now),
            clock_set=now >= self.clock_floor,
            boot_id=self.boot_id,
            mono_s=round(trio.current_time() - self.began_s, 3),
            type=clean(draft.type),
            device=None if draft.device is None else clean(draft.device),
            cause=None,
            fields=encode_fields(draft.fields),
        )
        return Pending(record, cause)

    def _news(self, memory: Mapping[str, Any]) -> dict[str, Lasting]:
        """What is not in memory already."""
        encoded = {clean(key): None if value is None else encode(value) for key, value in memory.items()}
        return {key: value for key, value in encoded.items() if value != self._memory.get(key)}

    def _queue(self, unit: Unit) -> Receipt:
        if unit.size > MAX_BATCH_BYTES:
            raise ValueError(f"{unit.size} bytes are more than one transaction may hold ({MAX_BATCH_BYTES})")
        idle = not (self.ring or self._flight)
        if not unit.events and not unit.memory and (idle or self._broken is not None):
            unit.receipt.decide(durable=idle)  # else it waits for what it repeats
            return unit.receipt
        self._memory |= unit.memory
        self.ring.push(unit)
        if self._broken is not None:
            # What tells of dropped events may be on its way to a slow disk, not shown yet: it comes before this.
            for each in (*self._flight, unit):
                self._show_provisionally(each)
        self._wake.set()
        return unit.receipt

    def _note(self, type_: str, **fields: Any) -> None:
        """Record an event of the journal's own."""
        self.record([(Draft(type_, fields=fields), None)])

    def owe(self, runs: Mapping[str, int], count: int) -> None:
        """Of earlier runs, so many events were shown that no log has: the first thing that is written tells of them."""
        self._owed = {**self._owed, **runs}
        self.ring.dropped += count
        self._wake.set()

    @property
    def owes(self) -> bool:
        """What is owed is not written yet."""
        return bool(self._owed)

    # --- The store task -----------------------------------------------------------------------------------------------

    async def load(self) -> Loaded:
        """Open the log and give what lasted: to be called once, before the machines start. A bad disk raises nothing.

        A log that another process holds is waited for: to begin without it is to forget what operators have decided.
        """
        opened = await self._open_at_the_start()
        if opened is None:
            return Loaded({}, trusted=False, unread=self.broken if await self._is_there() else None)
        memory = _decoded(opened.memory)
        lost = "; ".join(each.reason for each in opened.set_aside) or ("what lasted is not legible" if memory is None else None)
        return Loaded(memory or {}, trusted=memory is not None and not opened.fresh, lost=lost)

    async def _is_there(self) -> bool:
        """A disk that does not even tell may well hold a log."""
        try:
            return await self._on_disk(self._store.is_there)
        except StoreError:
            return True

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write what is recorded until cancelled; then write the rest within `drain_s`, and close."""
        task_status.started()
        try:
            while True:
                await self._wait_for_work()
                await self._write_out()
        finally:
            with trio.move_on_after(self.drain_s, shield=True):
                self._tell_repeats(math.inf)
                await self._write_out()
                await self.blocking(self._store.close)

    async def _wait_for_work(self) -> None:
        if self._broken is not None:
            await self._wait_for_retry()
        while self._store.is_open and not (self.ring or self._flight):
            self._wake = trio.Event()
            with trio.move_on_at(min(self._repeats.next_s(), trio.current_time() + LOOK_S)) as waiting:
                await self._wake.wait()
            self._tell_repeats(trio.current_time())
            if waiting.cancelled_caught:
                await self._look()

    async def _look(self) -> None:
        """A log that somebody has taken away is begun anew before there is something to be lost."""
        try:
            await self._on_disk(self._store.look)
        except StoreError as error:
            self._break(error)

    async def _wait_for_retry(self) -> None:
        """A window that opens meanwhile closes later: it lasts as long as the longest wait."""
        while (due_s := self._repeats.next_s()) < self._retry_at_s:
            await trio.sleep_until(due_s)
            self._tell_repeats(trio.current_time())
        await trio.sleep_until(self._retry_at_s)

    async def _write_out(self) -> None:
        """Write until nothing is left, or the disk fails."""
        going = self._store.is_open or await self._open_late()
        while going and (self.ring or self._flight):
            going = await self._write()

    async def _write(self) -> bool:
        """Write one batch and show it; false if the disk fails."""
        self._flight = self._flight or self._next_flight()
        batch = self._batch()
        try:
            held = await self._on_disk(partial(self._store.commit, batch))
        except StoreError as error:
            self._break(error)
            return False
        self._feed.advance(held)
        self._land(batch.records)
        self._repair()
        return True

    async def _open_at_the_start(self) -> Opened | None:
        until_s, opened = trio.current_time() + self.open_s, await self._open()
        while opened is None and isinstance(self._broken, HeldError) and trio.current_time() < until_s:
            await trio.sleep(RETRY_MIN_S)
            opened = await self._open()
        if opened is not None:
            self._retry_at_s = -math.inf  # what was told of the wait can be written
        return opened

    async def _open_late(self) -> bool:
        """Open it while the machines run. If `load` could not, what lasted comes too late to be taken up: `late` hears of it.

        It hears of an empty memory where somebody has moved the log away, and another one begins.
        """
        loaded, opened = self.log_id is not None, await self._open()
        if opened is not None and not loaded:
            self.late({} if opened.fresh else _decoded(opened.memory) or {})
        return opened is not None

    async def _open(self) -> Opened | None:
        try:
            opened = await self._on_disk(self._store.open, self.open_s)
        except StoreError as error:
            self._break(error)
            return None
        if opened.log_id != self.log_id:
            self._begin_log(opened)
        return opened

    async def _on_disk(self, call: Callable[[], T], patience_s: float | None = None) -> T:
        """Do it, or raise StoreError; a disk that hangs is one that fails."""
        patience_s = self.stall_s if patience_s is None else patience_s
        with trio.move_on_after(patience_s):
            return await self.blocking(call)
        raise StoreError(f"the disk has not answered for {patience_s:g} s")

    def _begin_log(self, opened: Opened) -> None:
        self._feed.begin(opened.log_id, opened.held)
        if opened.fresh:
            self.ring.overtake(self._memory)  # what lasted in the log before has to last in this one
        self._memory = {**opened.memory, **self._memory}
        for each in opened.set_aside:
            self._note("store.damaged", reason=each.reason, set_aside=str(each.path))
        self._note("store.opened", log_id=opened.log_id, new=opened.fresh)

    def _next_flight(self) -> list[Unit]:
        units = self.ring.take()
        if self.ring.dropped:
            units.insert(0, Unit((self._dropped(units),), {}, Receipt(())))
            self.ring.dropped = 0
        return [*units, *self._settlement()]

    def _dropped(self, units: Sequence[Unit]) -> Pending:
        """What was dropped or owed came before all that waits: so does what tells of it, in time as in the log."""
        told = self._pending(Draft("store.dropped", fields={"count": self.ring.dropped}), None)
        unshown = (each.record for unit in units for each in unit.events if not each.shown)
        if (first := next(unshown, None)) is not None:
            told.record = evolve(told.record, time=first.time, clock_set=first.clock_set, mono_s=first.mono_s)
        return told

    def _settlement(self) -> Iterator[Unit]:
        """What lasts of events that were shown without an id: how many of them are settled by this flight."""
        waiting = sum(each.shown for unit in self.ring for each in unit.events)
        settled = {**self._owed, **({self.boot_id: self._shown - waiting} if self._shown else {})}
        if settled and (news := self._news({SETTLED_KEY: settled})):
            self._memory |= news
            yield Unit((), news, Receipt(()))

    def _batch(self) -> Batch:
        """What is in flight, with the ids that it gets if it is committed now."""
        waiting = [each for unit in self._flight for each in unit.events]
        ids = {each.ref: number for number, each in enumerate(waiting, self.last_id + 1)}
        causes = [ids.get(each.cause) if each.cause in ids else resolve(each.cause, self.log_id) for each in waiting]
        records = [each.committed_as(ids[each.ref], cause) for each, cause in zip(waiting, causes, strict=True)]
        memory = {key: self._written(value, ids) for key, value in memory_of(self._flight).items()}
        return Batch(records, memory)

    def _written(self, value: Lasting, ids: Mapping[Ref, int]) -> str | None:
        """A value that lasts, as it is written."""
        if not isinstance(value, Ref):
            return value
        return place_json(self.log_id, ids[value] if value in ids else value.within(self.log_id))

    def _land(self, records: Sequence[Record]) -> None:
        """What was in flight is durable: show it."""
        units, self._flight = self._flight, []
        waiting = [each for unit in units for each in unit.events]
        for each, record in zip(waiting, records, strict=True):
            each.ref.id, each.ref.log_id = record.id, self.log_id
        for each, record in zip(waiting, records, strict=True):
            self._show(each, event_of(record))
        for unit in units:
            unit.receipt.decide(durable=True)
        self._settle(units)

    def _settle(self, units: Sequence[Unit]) -> None:
        for saved in (unit.memory[SETTLED_KEY] for unit in units if SETTLED_KEY in unit.memory):
            self._owed, self._settled = {}, json.loads(str(saved)).get(self.boot_id, 0)
            self.counted()

    def _tell_repeats(self, now_s: float) -> None:
        for window in self._repeats.close(now_s):
            draft = Draft(window.record.type, window.record.device, window.summary())
            self._queue(Unit((self._pending(draft, window.first),), {}, Receipt(())))

    # --- A disk that fails --------------------------------------------------------------------------------------------

    def _break(self, error: StoreError) -> None:
        """The disk does not take it: from now on show at once, and try again later."""
        now_s, known = trio.current_time(), self._broken is not None
        if known and str(error) != str(self._broken):
            self.heard()
        if not known and now_s - self._well_s >= HEALTHY_S:
            self._retry_s = RETRY_MIN_S
        self._broken = error
        self._retry_at_s = now_s + self._retry_s
        self._retry_s = min(2 * self._retry_s, RETRY_MAX_S)
        if not known:
            self._broken_s = now_s
            for unit in (*self._flight, *self.ring):
                self._show_provisionally(unit)
            self._note("store.unavailable", reason=str(error))

    def _repair(self) -> None:
        """The disk takes it again."""
        if self._broken is not None:
            self._broken, self._well_s = None, trio.current_time()
            self._note("store.recovered", after_s=round(self._well_s - self._broken_s, 3))

    # --- Showing ------------------------------------------------------------------------------------------------------

    def _show(self, waiting: Pending, event: Event) -> None:
        self._feed.show(event)
        if not waiting.shown:
            waiting.shown = True
            self.tell(event)

    def _show_provisionally(self, unit: Unit) -> None:
        new = [each for each in unit.events if not each.shown]
        self._shown += len(new)
        for each in new:
            self._show(each, each.provisional(self.log_id))
        unit.receipt.decide(durable=False)
        self.counted()

    def _shown_provisionally(self) -> Iterator[Event]:
        waiting = (each for unit in (*self._flight, *self.ring) for each in unit.events)
        return (each.provisional(self.log_id) for each in waiting if each.shown)

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
        """Up to `limit` events, oldest first: after the id `since`, or from the time `since` on, or else the last ones.

        What is shown provisionally comes last; while the disk gives nothing, it is all there is. `type` also finds
        those below it: "device" finds "device.started".

        Raises:
            PositionError: there is no such id yet, or the log is not the one named `log_id` any more.
            StoreError: the disk, held for sound until now, does not give it; or no log was opened yet that could have that id.
        """
        after_id = since if isinstance(since, int) else None
        from_time = rfc3339(since) if isinstance(since, datetime) else None
        query = Query(after_id=after_id, from_time=from_time, limit=limit, device=device, type=type)
        self._feed.check(after_id, log_id)
        events = await self._read_if_it_can_be(query) + [each for each in self._shown_provisionally() if query.fits(each)]
        return events[:limit] if query.forward else events[-limit:]

    async def chain(self, event_id: int, limit: int = 100) -> list[Event]:
        """The event, its cause, the cause of that, and so on, newest first; raises StoreError."""
        return [event_of(record) for record in await self._reading(partial(self._store.chain, event_id, limit))]

    def subscribe(self, since: int | None = None, log_id: str | None = None) -> Subscription:
        """What comes after the id `since`, the past first, or what comes from now on.

        Raises:
            PositionError: there is no such id yet, or the log is not the one named `log_id` any more.
            StoreError: no log was opened yet that could have that id.
        """
        return self._feed.subscribe(since, log_id)

    async def _past(self, after_id: int, limit: int) -> list[Event]:
        return await self._read(Query(after_id=after_id, limit=limit))

    async def _read(self, query: Query) -> list[Event]:
        if self.log_id is None:
            return []
        return [event_of(record) for record in await self._reading(partial(self._store.page, query))]

    async def _read_if_it_can_be(self, query: Query) -> list[Event]:
        try:
            return await self._read(query)
        except StoreError:
            if self._broken is None:
                raise
            return []  # `store.unavailable` is among what is shown, and says why

    async def _reading(self, call: Callable[[], T]) -> T:
        try:
            return await self._on_disk(call)
        except StoreError:
            self._wake.set()  # a file found damaged has closed itself: have it replaced
            raise


def _decoded(memory: Mapping[str, str]) -> dict[str, Any] | None:
    """The values; None where one of them is no JSON, which quick_check does not see."""
    try:
        return {key: json.loads(value) for key, value in memory.items()}
    except ValueError:
        return None
