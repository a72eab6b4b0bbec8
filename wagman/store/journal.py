"""The journal: the only door through which events and lasting state reach the disk and the people who watch."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeAlias

import trio
from attrs import define, field, frozen

from wagman.events import Draft


@define(eq=False)
class Ref:
    """A handle to an event that was recorded in this run; `id` and `log_id` are known once it is committed."""

    id: int | None = None
    log_id: str | None = None


Cause: TypeAlias = int | Ref | None


@frozen
class Event:
    """A remembered event; `id` is None while it is provisional."""

    id: int | None
    time: str  # RFC 3339, UTC, milliseconds
    boot_id: str
    mono_s: float
    type: str
    device: str | None
    cause: int | None
    fields: Mapping[str, Any]
    clock_set: bool = True

    def as_json(self) -> dict[str, Any]:
        """The event object of the control interface."""
        raise NotImplementedError


@frozen
class Lagged:
    """Events `from_id` to `to_id` (both included) were missed; None: only provisional events were."""

    from_id: int | None
    to_id: int | None


class Receipt(Protocol):
    """What `Journal.record` gives back."""

    refs: tuple[Ref, ...]

    async def settled(self, timeout_s: float) -> bool:
        """Wait until all of it is durable: True. False at once while the store cannot write, or after `timeout_s`."""
        ...


class Subscription(Protocol):
    """The past first, then live; use as `async with`, iterate with `async for`."""

    log_id: str | None
    first_id: int
    last_id: int

    def __aiter__(self) -> AsyncIterator[Event | Lagged]: ...


@frozen
class Loaded:
    """What lasted: the newest value of each key; `trusted` is False where the store was replaced, new or unreadable."""

    memory: Mapping[str, Any]
    trusted: bool


@define
class Journal:
    """Records events and state, commits them in groups, shows them afterwards."""

    _queue: list[Draft] = field(factory=list)

    async def load(self) -> Loaded:
        """Open the store and give what lasted; to be called once, before the machines start. Raises nothing for a bad disk."""
        raise NotImplementedError

    def record(self, drafts: Sequence[tuple[Draft, Cause]], memory: Mapping[str, Any] | None = None) -> Receipt:
        """Queue events and state that are to be committed together; never blocks, never raises for a broken disk."""
        raise NotImplementedError

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write what is recorded until cancelled; then write the rest within a bound, and close."""
        raise NotImplementedError

    async def page(
        self,
        *,
        since: int | datetime | None = None,
        limit: int = 100,
        device: str | None = None,
        type: str | None = None,  # noqa: A002 - the name that the control interface uses
    ) -> list[Event]:
        """Up to `limit` events, oldest first: after id `since`, or from the time `since`, or the last ones."""
        raise NotImplementedError

    async def chain(self, event_id: int, limit: int = 100) -> list[Event]:
        """The event, its cause, the cause of that, and so on, newest first."""
        raise NotImplementedError

    def subscribe(self, since: int | None = None, log_id: str | None = None) -> Subscription:
        """All events after id `since` (None: from now on). Raises PositionError beyond the end or in another log."""
        raise NotImplementedError
