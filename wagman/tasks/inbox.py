"""A task's inbox: a bounded memory channel that refuses requests when it is full and coalesces facts."""

from typing import Generic, TypeVar

import trio
from attrs import define, field

T = TypeVar("T")

CAPACITY = 64
"""How many items the channel holds (chosen: far more than a healthy task ever has waiting)."""


@define
class Inbox(Generic[T]):
    """The items on their way to one task. It outlives the task's incarnations; senders never wait.

    `ask` is for requests: a full inbox refuses them, and the caller is told. `tell` is for facts: when the inbox is full,
    the latest of each kind is kept, in the order in which they were last told, so that only repeats are lost.
    """

    _send: trio.MemorySendChannel[T] = field(init=False)
    _receive: trio.MemoryReceiveChannel[T] = field(init=False)
    _late: dict[object, T] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[T](CAPACITY)

    def ask(self, request: T) -> bool:
        """Put a request in; returns False if the inbox is full."""
        if self._late:
            return False
        try:
            self._send.send_nowait(request)
        except trio.WouldBlock:
            return False
        return True

    def tell(self, fact: T, kind: object = None) -> None:
        """Put a fact in. If there is no room, it replaces a waiting fact of the same `kind` (default: its type)."""
        if not self.ask(fact):
            key = kind or type(fact)
            self._late.pop(key, None)
            self._late[key] = fact

    @property
    def waiting(self) -> int:
        """How many items are waiting."""
        return self._receive.statistics().current_buffer_used + len(self._late)

    async def receive(self) -> T:
        """Wait for the next item, in order. Facts that found no room come once the channel is empty."""
        if self._late and not self._receive.statistics().current_buffer_used:
            await trio.lowlevel.checkpoint()
            return self.take()
        return await self._receive.receive()

    def take(self) -> T:
        """The next item, which must be there.

        Raises:
            trio.WouldBlock: nothing is waiting.
        """
        try:
            return self._receive.receive_nowait()
        except trio.WouldBlock:
            if not self._late:
                raise
            return self._late.pop(next(iter(self._late)))
