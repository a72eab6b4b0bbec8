"""The server: one task for each client, and one for each of its subscriptions.

The service never waits for a client. Events that a subscriber does not take in time are dropped from its bounded buffer in the
journal, and the subscriber is told their ids. A client that does not take a whole message is disconnected: an answer, which may
be large, after `REPLY_S`, an event after `NOTIFY_S`, and at once where the answers to all clients take too much memory.
"""

import math
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import trio
from attrs import define, field

from wagman.api import params, wire
from wagman.api.access import Peer, Role
from wagman.api.method import Method
from wagman.api.methods import METHODS, told
from wagman.api.service import Service
from wagman.api.shown import shown
from wagman.api.wire import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    REFUSED,
    Malformed,
    Request,
    RpcError,
)
from wagman.model.errors import StoreError, WagmanError
from wagman.model.facts import Draft
from wagman.store import Lagged, Subscription

MAX_CLIENTS = 128
"""The most connections at a time (chosen: a hundred that watch, and room for those who act)."""

RESERVED = 8
"""How many of these are kept free for peers that may switch guests, so that readers never shut them out (chosen)."""

MAX_SUBSCRIPTIONS = 8
"""The most subscriptions of one connection (chosen)."""

MAX_REPLY_CHARS = 2**20
"""The longest answer to a batch; requests beyond it get an error (chosen: three usual pages of 1000 events)."""

MAX_WAITING_BYTES = 16 * 2**20
"""The most bytes of answers that may wait to be read, over all clients (chosen: twice the largest possible page)."""

REPLY_S = 30.0
"""How long a client may take to read an answer to its end (chosen)."""

NOTIFY_S = 300.0
"""How long a subscriber may take to read an event to its end (chosen)."""

LINE_S = 30.0
"""How long a line may take from its first byte to its end (chosen)."""

IDLE_S = 3600.0
"""How long a client without a subscription may stay silent (chosen)."""

FAREWELL_S = 1.0
"""How long a client that is turned away may take to read the reason (chosen)."""

REREAD_S = 2.0
"""How long to wait before the log is read again after its disk failed (chosen)."""

_CHUNK_BYTES = 16_384


async def serve(
    service: Service,
    listener: trio.abc.Listener[trio.abc.Stream],
    judge: Callable[[trio.abc.Stream], Peer],
    *,
    task_status: trio.TaskStatus[Any] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve every peer that connects and has a role, until cancelled; closes the listener."""
    server = Server(service, judge)
    await trio.serve_listeners(server.welcome, [listener], task_status=task_status)


def record_failure(service: Service, method: str | None, error: Exception, uid: int | None) -> None:
    """Record a defect of the service with its place in the code: the caller is told nothing of that."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    last = traceback.extract_tb(error.__traceback__)[-1]
    fields = {
        "method": method,
        "error": f"{type(error).__name__}: {error}",
        "where": f"{last.filename}:{last.lineno}",
        "uid": uid,
    }
    service.journal.record([(Draft("service.request_failed", None, fields), None)])


@define
class Waiting:
    """The answers that wait to be read, the oldest first. They are bounded over all clients, for each client may read slowly."""

    _sizes: dict["Connection", int] = field(factory=dict, init=False)

    @contextmanager
    def holding(self, connection: "Connection", size: int) -> Iterator[None]:
        """Count an answer while it waits. Beyond the bound the client that has been reading for the longest is disconnected."""
        self._sizes[connection] = size
        while sum(self._sizes.values()) > MAX_WAITING_BYTES and len(self._sizes) > 1:
            slowest = next(iter(self._sizes))
            del self._sizes[slowest]
            slowest.hang_up()
        try:
            yield
        finally:
            self._sizes.pop(connection, None)


@define
class Server:
    """Accepts clients, as many as there is room for."""

    service: Service
    judge: Callable[[trio.abc.Stream], Peer]
    clients: int = field(default=0, init=False)
    waiting: Waiting = field(factory=Waiting, init=False)

    async def welcome(self, stream: trio.abc.Stream) -> None:
        """Serve one client until it goes. A defect ends this connection only."""
        async with stream:
            try:
                await self._serve(stream, self.judge(stream))
            except Exception as error:  # noqa: BLE001 - contained here: other clients are not to suffer
                record_failure(self.service, None, error, None)

    async def _serve(self, stream: trio.abc.Stream, peer: Peer) -> None:
        if obstacle := self.obstacle(peer):
            await turn_away(stream, obstacle)
            return
        self.clients += 1
        try:
            await Connection(self.service, peer, stream, self.waiting).run()
        finally:
            self.clients -= 1

    def obstacle(self, peer: Peer) -> str:
        """Return why a peer cannot be served, or an empty text."""
        if peer.role is Role.NOBODY:
            return f"user {peer.uid} is not permitted: become a member of the control or the read group"
        room = MAX_CLIENTS if peer.role > Role.READER else MAX_CLIENTS - RESERVED
        return "" if self.clients < room else "too many clients: try again later"


async def turn_away(stream: trio.abc.Stream, reason: str) -> None:
    """Tell the client why it is turned away; nothing that it sent is read."""
    text = wire.failure(None, RpcError(REFUSED, reason, {"reason": reason}))
    with trio.move_on_after(FAREWELL_S):
        try:
            await stream.send_all(wire.line(text))
        except trio.BrokenResourceError:
            return  # gone already


@define(eq=False, repr=False)
class Connection:
    """The connection of one client: its requests are answered one after the other, its subscriptions run beside them."""

    service: Service
    peer: Peer
    stream: trio.abc.Stream
    waiting: Waiting
    _lines: wire.Lines = field(factory=wire.Lines, init=False)
    _line_left_s: float = field(default=math.inf, init=False)  # how long the unfinished line may still take
    _sending: trio.Lock = field(factory=trio.Lock, init=False)
    _nursery: trio.Nursery = field(init=False)
    _watches: dict[int, "Watcher"] = field(factory=dict, init=False)
    _begun: int = field(default=0, init=False)  # subscriptions so far

    async def run(self) -> None:
        """Serve the client until it goes."""
        try:
            async with trio.open_nursery() as self._nursery:
                while data := await self._receive():
                    for line in self._cut(data):
                        await self._take(line)
                await self._tell_unfinished()
                self._nursery.cancel_scope.cancel()
        finally:
            for watcher in self._watches.values():
                watcher.events.close()

    # --- In ---------------------------------------------------------------------------------------------------------------

    async def _receive(self) -> bytes:
        """Return what came in; nothing once the client has gone, or has been silent for too long."""
        began_s, idle_s = trio.current_time(), math.inf if self._watches else IDLE_S
        with trio.move_on_after(min(self._line_left_s, idle_s)):
            try:
                return bytes(await self.stream.receive_some(_CHUNK_BYTES))
            except trio.BrokenResourceError:
                return b""
            finally:
                self._line_left_s -= trio.current_time() - began_s
        return b""

    def _cut(self, data: bytes) -> list[bytes | None]:
        lines = self._lines.feed(data)
        if not self._lines.partial:
            self._line_left_s = math.inf
        elif lines or self._line_left_s == math.inf:
            self._line_left_s = LINE_S
        return lines

    async def _tell_unfinished(self) -> None:
        """Answer a request that was cut off by the end of the connection: its sender may still be reading."""
        if dropped := self._lines.dropped:
            await self._send(wire.line(wire.failure(dropped.id, dropped.error)), FAREWELL_S)

    async def _take(self, line: bytes | None) -> None:
        if line is not None and not line.strip():
            return
        reply = await self._answer(wire.parse(line))
        if reply is not None:
            with self.waiting.holding(self, len(reply)):
                await self._send(reply, REPLY_S)
        else:
            await trio.lowlevel.checkpoint()  # a stream of notifications is not to keep others waiting
        for watcher in self._watches.values():
            watcher.begin(self._nursery)

    # --- Out --------------------------------------------------------------------------------------------------------------

    async def _send(self, line: bytes, within_s: float) -> None:
        """Send a whole message within that time, or disconnect the client."""
        async with self._sending:
            try:
                with trio.fail_after(within_s):
                    await self.stream.send_all(line)
            except (trio.TooSlowError, trio.BrokenResourceError):
                self.hang_up()
                await trio.lowlevel.checkpoint()

    def hang_up(self) -> None:
        """Disconnect this client, and drop all that waits for it."""
        self._nursery.cancel_scope.cancel()

    async def send_item(self, subscription: int, item: Any, *, words: bool) -> None:
        """Send one item of a subscription."""
        if isinstance(item, Lagged):
            text = wire.notification("lagged", {"subscription": subscription, **item.as_json()})
        else:
            text = wire.notification("event", {"subscription": subscription, "event": shown(item, words=words)})
        await self._send(wire.line(text), NOTIFY_S)

    # --- Requests ---------------------------------------------------------------------------------------------------------

    async def _answer(self, message: wire.Message | list[wire.Message]) -> bytes | None:
        text = await (self._replies(message) if isinstance(message, list) else self._reply(message))
        return None if text is None else wire.line(text)  # the text is not kept beside it while it waits

    async def _replies(self, batch: list[wire.Message]) -> str | None:
        replies: list[str] = []
        for each in batch:
            reply = await self._reply(each, in_batch=True)
            if reply is not None and sum(map(len, replies)) + len(reply) > MAX_REPLY_CHARS:
                reply = wire.failure(each.id, RpcError(INVALID_REQUEST, "the answers to the batch are too long: ask one by one"))
            if reply is not None:
                replies.append(reply)
        return f"[{','.join(replies)}]" if replies else None

    async def _reply(self, message: wire.Message, *, in_batch: bool = False) -> str | None:
        """Answer one message; None for a notification."""
        if isinstance(message, Malformed):
            return wire.failure(message.id, message.error)
        try:
            reply = await self._called(message, in_batch=in_batch)
        except RpcError as error:
            reply = wire.failure(message.id, error)
        return None if message.is_notification else reply

    async def _called(self, request: Request, *, in_batch: bool) -> str:
        """Call the method of a request. Whatever goes wrong in it becomes an answer.

        Raises:
            RpcError: the method is unknown, not permitted, or has failed.
        """
        method = self._method(request, in_batch=in_batch)
        given: Any = params.read(method.params, request.params)
        try:
            return wire.result(request.id, await method.run(self, given))
        except RpcError:
            raise
        except Exception as error:
            known = told(error) if isinstance(error, WagmanError) else None
            if known is not None:
                raise known from error
            record_failure(self.service, method.name, error, self.peer.uid)
            raise RpcError(INTERNAL_ERROR, "internal error: see the service's events") from error

    def _method(self, request: Request, *, in_batch: bool) -> Method:
        method = METHODS.get(request.method)
        if method is None:
            raise RpcError(
                METHOD_NOT_FOUND, f"unknown method {request.method[:64]!r}: rpc.discover describes those that there are"
            )
        if in_batch and not method.in_batch:
            raise RpcError(INVALID_REQUEST, f"{method.name} cannot be part of a batch")
        if self.peer.role < method.role:
            self._record_denied(method)
            may = "may look, and not touch" if self.peer.role is Role.READER else f"may switch guests, but not {method.name}"
            reason = f"user {self.peer.uid} {may}: become a member of the control group"
            raise RpcError(REFUSED, reason, {"reason": reason})
        return method

    def _record_denied(self, method: Method) -> None:
        # Only fields that are the same each time, so that repeats collapse.
        fields = {"method": method.name, "uid": self.peer.uid}
        self.service.journal.record([(Draft("command.denied", None, fields), None)])

    # --- Subscriptions ----------------------------------------------------------------------------------------------------

    def subscribe(self, watch: params.Watch) -> Mapping[str, Any]:
        """Begin to send events once the answer to this request has been sent; return the answer.

        Raises:
            RpcError: the connection has as many subscriptions as it may have.
        """
        if len(self._watches) >= MAX_SUBSCRIPTIONS:
            reason = f"a connection has at most {MAX_SUBSCRIPTIONS} subscriptions"
            raise RpcError(REFUSED, reason, {"reason": reason})
        events = self.service.journal.subscribe(watch.since, watch.log_id)
        self._begun += 1
        self._watches[self._begun] = Watcher(self, self._begun, events, watch.words)
        return {"subscription": self._begun, "log_id": events.log_id, "first_id": events.first_id, "last_id": events.last_id}

    async def unsubscribe(self, subscription: int) -> None:
        """Stop sending the events of a subscription. The lock is taken first, so that no message is cut off.

        Raises:
            RpcError: this connection has no such subscription.
        """
        if subscription not in self._watches:
            raise RpcError(INVALID_PARAMS, f"there is no subscription {subscription} on this connection")
        async with self._sending:
            self._watches.pop(subscription).scope.cancel()


@define(eq=False, repr=False)
class Watcher:
    """One subscription of a client."""

    connection: Connection
    number: int
    events: Subscription
    words: bool
    scope: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _begun: bool = field(default=False, init=False)

    def begin(self, nursery: trio.Nursery) -> None:
        """Begin to send, once."""
        if not self._begun:
            self._begun = True
            nursery.start_soon(self._run)

    async def _run(self) -> None:
        with self.scope, self.events:
            while True:
                await self.connection.send_item(self.number, await self._next(), words=self.words)

    async def _next(self) -> Any:
        """Return the next item. Where the disk does not give past events, the log is read again every `REREAD_S`."""
        while True:
            try:
                return await self.events.receive()
            except StoreError:
                await trio.sleep(REREAD_S)
