"""A service in this process, for virtual time: a log that is written to, cut off, and replaced, and problems."""

import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import trio
from attrs import define, field

from tests.bridges.notify.events import event
from wagman.client.errors import NO_SUCH_PLACE


@define(eq=False)
class Service:
    """Answers on a socket at `path` while it is up."""

    path: Path
    log_id: str = "log-1"
    is_open: bool = True  # else it does not know its log yet
    first_id: int = 1
    last_id: int = 0
    events: dict[int, dict[str, Any]] = field(factory=dict)
    problems: Sequence[Any] = ()
    hangs: bool = False  # it tells events, and answers nobody who asks for the status
    refuses: bool = False
    refusal: str = "not permitted"
    changed: trio.Event = field(factory=trio.Event)
    subscriptions: int = 0

    def write(self, *events: dict[str, Any]) -> None:
        for each in events:
            self.last_id += 1
            self.events[self.last_id] = each | {"id": self.last_id}
        self._tell()

    def happen(self, count: int = 1, type_: str = "device.start_failed", device: str = "gn") -> None:
        self.write(*(event(0, type_, device, at_s=self.last_id + each) for each in range(count)))

    def prune(self, count: int) -> None:
        for each in range(self.first_id, self.first_id + count):
            del self.events[each]
        self.first_id += count

    def replace(self) -> None:
        self.log_id, self.first_id, self.last_id = f"{self.log_id}+", 1, 0
        self.events.clear()

    async def up(self) -> None:
        """Be there until cancelled; to be started in a nursery."""
        self.path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.path))  # trio's would do so in a thread, for which virtual time does not wait
        listener.listen()
        try:
            await trio.serve_listeners(self._serve, [trio.SocketListener(trio.socket.from_stdlib_socket(listener))])
        finally:
            self.path.unlink()

    async def _serve(self, stream: trio.abc.Stream) -> None:
        try:
            async with trio.open_nursery() as nursery:
                buffer = b""
                async for data in stream:
                    *lines, buffer = (buffer + data).split(b"\n")
                    for line in lines:
                        await self._answer(json.loads(line), stream, nursery)
                nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async def _answer(self, request: dict[str, Any], stream: trio.abc.Stream, nursery: trio.Nursery) -> None:
        method, params = request["method"], request.get("params", {})
        where = {"log_id": self.log_id, "first_id": self.first_id, "last_id": self.last_id}
        if not self.is_open:
            where = {"log_id": None, "first_id": 1, "last_id": 0}
        answer: dict[str, Any] = {"result": None}
        match method:
            case _ if self.refuses:
                answer = {"error": {"code": -32001, "message": self.refusal}}
            case "status" if self.hangs:
                return
            case "status":
                answer = {"result": {"problems": list(self.problems)}}
            case "events":
                answer = {"result": {**where, "events": []}}
            case "subscribe" if params["since"] > self.last_id or params.get("log_id") not in (None, self.log_id):
                answer = {"error": {"code": NO_SUCH_PLACE, "message": "no such place"}}
            case "subscribe":
                self.subscriptions += 1
                answer = {"result": {**where, "subscription": self.subscriptions}}
                nursery.start_soon(self._follow, stream, self.subscriptions, max(params["since"] + 1, self.first_id))
        await stream.send_all(json.dumps({"jsonrpc": "2.0", "id": request["id"], **answer}).encode() + b"\n")

    async def _follow(self, stream: trio.abc.Stream, subscription: int, next_id: int) -> None:
        await trio.sleep(0.001)  # behind the answer
        while True:
            while self.is_open and next_id <= self.last_id:
                params = {"subscription": subscription, "event": self.events[next_id]}
                await stream.send_all(json.dumps({"jsonrpc": "2.0", "method": "event", "params": params}).encode() + b"\n")
                next_id += 1
            await self.changed.wait()

    def _tell(self) -> None:
        changed, self.changed = self.changed, trio.Event()
        changed.set()
