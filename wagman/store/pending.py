"""Events and state that are recorded and not yet committed: a bounded ring in memory."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import trio
from attrs import define, evolve, field

from wagman.store.batch import ROW_BYTES, Batch
from wagman.store.event import Cause, Event, Lasting, Ref, place_json
from wagman.store.limits import MAX_BATCH_BYTES

MAX_EVENTS = 10_000
"""How many events wait in memory while the disk fails (chosen)."""

MAX_BYTES = 8 * 2**20
"""How many bytes these events may take (chosen)."""


@define(eq=False, repr=False)
class Pending:
    """An event that waits to be committed."""

    event: Event  # gets its id and its cause when it is committed
    cause: Cause
    ref: Ref = field(factory=Ref, init=False)
    shown: bool = field(default=False, init=False)

    def provisional(self, log_id: str | None) -> Event:
        """The event as it is shown without an id."""
        return evolve(self.event, cause=resolve(self.cause, log_id))


def resolve(cause: Cause, log_id: str | None) -> int | None:
    """The id of a cause in that log; None: the cause is not in it."""
    return cause.within(log_id) if isinstance(cause, Ref) else cause


@define(eq=False, repr=False)
class Receipt:
    """The answer of `Journal.record`: a ref for each draft, and a way to wait until all is durable."""

    refs: tuple[Ref, ...]
    durable: bool = field(default=False, init=False)
    _decided: trio.Event = field(factory=trio.Event, init=False)

    async def settled(self, timeout_s: float) -> bool:
        """Wait until all is durable; returns False at once while the store cannot write, and after `timeout_s`."""
        with trio.move_on_after(timeout_s):
            await self._decided.wait()
        return self.durable

    def decide(self, *, durable: bool) -> None:
        """Wake those who wait: all is durable, or will not be for a while."""
        self.durable = durable
        self._decided.set()


@define(eq=False, repr=False)
class Unit:
    """Events and state of one call, committed together."""

    events: tuple[Pending, ...]
    memory: Mapping[str, Lasting]
    receipt: Receipt
    size: int = field(init=False)  # about how many bytes the unit takes, here and on disk

    def __attrs_post_init__(self) -> None:
        events = sum(len(each.event.text) + ROW_BYTES for each in self.events)
        self.size = events + sum(size_of(key, value) for key, value in self.memory.items())


PLACE_BYTES = 128
"""The most bytes that the place of an event takes."""


def size_of(key: str, value: Lasting) -> int:
    """About how many bytes a key takes with its value."""
    return len(key) + (PLACE_BYTES if isinstance(value, Ref) else len(value or "")) + ROW_BYTES


@define(eq=False, repr=False)
class Ring:
    """Units in their order. A full ring drops the oldest events and counts them; of dropped state it keeps the newest values."""

    max_events: int = MAX_EVENTS
    max_bytes: int = MAX_BYTES
    flight: list[Unit] = field(factory=list, init=False)  # being written, or to be written again exactly as they are
    dropped: int = field(default=0, init=False)  # how many events were dropped since this was last set to 0
    _units: deque[Unit] = field(factory=deque, init=False)
    _overtaken: dict[str, Lasting] = field(factory=dict, init=False)  # the state of units that were dropped
    _events: int = field(default=0, init=False)
    _bytes: int = field(default=0, init=False)

    def __bool__(self) -> bool:
        return bool(self.flight or self._units or self._overtaken)

    def __iter__(self) -> Iterator[Unit]:
        return chain(self.flight, self._units)

    def push(self, unit: Unit) -> None:
        """Queue a unit behind the others."""
        self._units.append(unit)
        self._count(unit, 1)
        while self._events > self.max_events or self._bytes > self.max_bytes:
            self._drop_oldest()

    def overtake(self, memory: Mapping[str, Lasting]) -> None:
        """Write this state before anything else."""
        self._overtaken |= memory

    def take(self) -> list[Unit]:
        """Remove the units for one transaction, the oldest first."""
        taken: list[Unit] = []
        room = MAX_BATCH_BYTES
        if self._overtaken:
            taken.append(self._next_overtaken())
            room -= taken[0].size
        while self._units and not self._overtaken and (not taken or self._units[0].size <= room):
            taken.append(self._shift())
            room -= taken[-1].size
        return taken

    def _next_overtaken(self) -> Unit:
        """The first part of the overtaken state, at least one key, as far as one transaction takes it."""
        part, room = dict[str, Lasting](), MAX_BATCH_BYTES
        for key, value in self._overtaken.items():
            room -= size_of(key, value)
            if part and room < 0:
                break
            part[key] = value
        self._overtaken = {key: value for key, value in self._overtaken.items() if key not in part}
        return Unit((), part, Receipt(()))

    def _drop_oldest(self) -> None:
        unit = self._shift()
        self.dropped += len(unit.events)
        self.overtake(unit.memory)

    def _shift(self) -> Unit:
        unit = self._units.popleft()
        self._count(unit, -1)
        return unit

    def _count(self, unit: Unit, sign: int) -> None:
        self._events += sign * max(1, len(unit.events))
        self._bytes += sign * unit.size


def memory_of(units: Iterable[Unit]) -> dict[str, Lasting]:
    """The newest value of each key."""
    merged: dict[str, Lasting] = {}
    for unit in units:
        merged |= unit.memory
    return merged


def events_of(units: Iterable[Unit]) -> list[Pending]:
    """The events of these units, in their order."""
    return [each for unit in units for each in unit.events]


def batch_of(units: Sequence[Unit], last_id: int, log_id: str | None) -> Batch:
    """The transaction that writes these units; the events get the ids after `last_id`."""
    ids = {each.ref: number for number, each in enumerate(events_of(units), last_id + 1)}

    def id_of(cause: Cause) -> int | None:
        return ids[cause] if isinstance(cause, Ref) and cause in ids else resolve(cause, log_id)

    events = [evolve(each.event, id=ids[each.ref], cause=id_of(each.cause)) for each in events_of(units)]
    memory = memory_of(units).items()
    return Batch(events, {key: place_json(log_id, id_of(each)) if isinstance(each, Ref) else each for key, each in memory})
