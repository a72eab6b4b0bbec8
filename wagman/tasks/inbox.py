"""A task's inbox: a bounded memory channel that refuses requests when it is full and coalesces facts."""

from typing import Generic, TypeVar

import trio
from attrs import define, field

T = TypeVar("T")

CAPACITY = 64
"""Far more than a healthy task ever has waiting (chosen)."""


@define
class Inbox(Generic[T]):
    """What is sent to one task. It outlives the incarnations of that task; senders never wait.

    `ask` is for requests: a full inbox refuses them, and the caller is told. `tell` is for facts: when the inbox is full,
    the latest of each kind is kept, in the order in which they were last told; none but repeats is lost.
    """

    overflows: int = 0  # facts that found no room, so far
    _send: trio.MemorySendChannel[T] = field(init=False)
    _receive: trio.MemoryReceiveChannel[T] = field(init=False)
    _late: dict[object, T] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[T](CAPACITY)

    def ask(self, request: T) -> bool:
        """Put a request in; False: the inbox is full, and nothing was put in."""
        if self._late:
            return False
        try:
            self._send.send_nowait(request)
        except trio.WouldBlock:
            return False
        return True

    def tell(self, fact: T, kind: object = None) -> None:
        """Put a fact in; when there is no room, it takes the place of a waiting one of the same `kind` (default: its type)."""
        if not self.ask(fact):
            self.overflows += 1
            key = kind or type(fact)
            self._late.pop(key, None)
            self._late[key] = fact

    @property
    def waiting(self) -> int:
        """How many items are waiting."""
        return self._receive.statistics().current_buffer_used + len(self._late)

    async def receive(self) -> T:
        """The next item, in order: what came late waits until the channel is empty."""
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
