"""What is recorded and not yet committed: a bounded ring in memory."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

import trio
from attrs import define, evolve, field

from wagman.store.batch import ROW_BYTES
from wagman.store.event import Cause, Event, Lasting, Record, Ref, event_of
from wagman.store.limits import MAX_BATCH_BYTES

MAX_EVENTS = 10_000
"""How many events wait in memory while the disk does not take them (chosen)."""

MAX_BYTES = 8 * 2**20
"""How many bytes they may take (chosen)."""


@define(eq=False)
class Pending:
    """An event that waits to be committed."""

    record: Record  # its id and cause are settled when it is committed
    cause: Cause
    ref: Ref = field(factory=Ref)
    shown: bool = False

    def committed_as(self, event_id: int, cause: int | None) -> Record:
        """The record with the id and the cause that it gets in the log."""
        return evolve(self.record, id=event_id, cause=cause)

    def provisional(self, log_id: str | None) -> Event:
        """The event as it is shown without an id."""
        return event_of(evolve(self.record, cause=resolve(self.cause, log_id)))


def resolve(cause: Cause, log_id: str | None) -> int | None:
    """The id of a cause in that log; None where it was never committed to it."""
    return cause.within(log_id) if isinstance(cause, Ref) else cause


@define(eq=False)
class Receipt:
    """What `Journal.record` gives back: a ref per draft, and the way to wait until all is durable."""

    refs: tuple[Ref, ...]
    durable: bool = False
    _decided: trio.Event = field(factory=trio.Event)

    async def settled(self, timeout_s: float) -> bool:
        """True once all of it is durable; False at once while the store cannot write, and after `timeout_s`."""
        with trio.move_on_after(timeout_s):
            await self._decided.wait()
        return self.durable

    def decide(self, *, durable: bool) -> None:
        """Let who waits go on: it is durable, or it will not be for a while."""
        self.durable = durable
        self._decided.set()


@define(eq=False)
class Unit:
    """Events and state of one call, committed together."""

    events: tuple[Pending, ...]
    memory: Mapping[str, Lasting]
    receipt: Receipt
    size: int = field(init=False)  # about how many bytes it takes, here and on disk

    def __attrs_post_init__(self) -> None:
        events = sum(len(each.record.fields) + ROW_BYTES for each in self.events)
        self.size = events + sum(len(key) + length(value) + ROW_BYTES for key, value in self.memory.items())


PLACE_BYTES = 128
"""What the place of an event takes, at most."""


def length(value: Lasting) -> int:
    """How long a value is, about."""
    return PLACE_BYTES if isinstance(value, Ref) else len(value or "")


@define(eq=False)
class Ring:
    """Units in their order. When it is full the oldest events are dropped and counted; state never is, only overtaken."""

    max_events: int = MAX_EVENTS
    max_bytes: int = MAX_BYTES
    dropped: int = 0  # events, since this was last set to 0
    _units: deque[Unit] = field(factory=deque)
    _overtaken: dict[str, Lasting] = field(factory=dict)  # the state of units that were dropped
    _events: int = 0
    _bytes: int = 0

    def __bool__(self) -> bool:
        return bool(self._units or self._overtaken)

    def __iter__(self) -> Iterator[Unit]:
        return iter(self._units)

    def push(self, unit: Unit) -> None:
        """Queue a unit behind the others."""
        self._units.append(unit)
        self._count(unit, 1)
        while self._events > self.max_events or self._bytes > self.max_bytes:
            self._drop_oldest()

    def overtake(self, memory: Mapping[str, Lasting]) -> None:
        """Have this state written before anything else."""
        self._overtaken |= memory

    def take(self) -> list[Unit]:
        """Remove the units for one transaction, the oldest first."""
        taken: list[Unit] = []
        room = MAX_BATCH_BYTES
        if self._overtaken:
            taken.append(Unit((), self._overtaken, Receipt(())))
            self._overtaken = {}
            room -= taken[0].size
        while self._units and (not taken or self._units[0].size <= room):
            taken.append(self._shift())
            room -= taken[-1].size
        return taken

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
    """The newest state of each key."""
    merged: dict[str, Lasting] = {}
    for unit in units:
        merged |= unit.memory
    return merged
