"""The retained status of a node: sent when something changes, and at least every `every`."""

import math
from collections.abc import Callable
from typing import Any, Final

import trio
from attrs import define, field

from wagman.bridges.asking import ask
from wagman.bridges.fleet.config import StatusTable
from wagman.bridges.fleet.link import Link
from wagman.bridges.fleet.payloads import Summary, absent, packed, summary
from wagman.bridges.fleet.sending import Sending
from wagman.client.errors import ClientError

LOOK_S: Final = 60.0
"""How often the service is asked if nothing happens (chosen: changes without an event can wait so long)."""

AWAY_S: Final = 10.0
"""How long the service may be away before the status says so, and how often it is asked then (chosen: longer than a restart)."""

ALWAYS_DIFFERENT: Final = ("at", "first", "last", "past")


@define(eq=False)
class Telling:
    """Sends the status of a node, over one connection.

    Args:
        link: the connection to the broker.
        topic: of the status.
        table: the keys of `[status]`.
        socket: the path of the service's socket.
        sending: sends the events; its `happened` wakes this task.
        now: returns the present time, as text.
        is_packed: whether the status is packed by zlib.
    """

    link: Link
    topic: str
    table: StatusTable
    socket: str
    sending: Sending
    now: Callable[[], str]
    is_packed: bool
    _log: tuple[str | None, int, int] = field(default=(None, 0, 0), init=False)
    _missed_s: float = field(default=math.inf, init=False)  # since when the service has not answered

    async def run(self) -> None:
        """Send the status until cancelled."""
        said, said_s = None, -math.inf
        while True:
            happened = self.sending.happened
            found = await self._look()
            is_due = trio.current_time() >= said_s + self.table.every_s
            if found is not None and (is_due or essence(found) != said):
                self.link.publish(self.topic, packed(found, deflate=self.is_packed), retained=True)
                said, said_s = essence(found), trio.current_time()
                await trio.sleep(self.table.least_s)
            with trio.move_on_after(min(LOOK_S, self.table.every_s) if self._missed_s == math.inf else AWAY_S):
                await happened.wait()

    async def _look(self) -> Summary | None:
        """Return the status; None while the service may only be restarting."""
        try:
            log = await ask(self.socket, "events", limit=1)
            self._log = name, _, last = log["log_id"], log["first_id"] or 0, log["last_id"] or 0
            # Whoever is told of an event that is not sent yet takes it for lost, and asks for it. Just after a new connection the
            # events of meanwhile are not even read yet.
            await self.sending.all_sent(name, last)
            status = await ask(self.socket, "status")
        except ClientError:
            self._missed_s = min(self._missed_s, trio.current_time())
            is_away = trio.current_time() >= self._missed_s + AWAY_S
            return absent(self._log, self.now()) if is_away else None
        self._missed_s = math.inf
        found = summary(status, self._log, self.now())
        if (past := self.sending.past) is not None:
            found["past"] = past
        return found


def essence(status: Summary) -> dict[str, Any]:
    """Return the part of a status whose change is worth a message: no counters and times, and no texts of problems."""
    found: dict[str, Any] = {key: value for key, value in status.items() if key not in ALWAYS_DIFFERENT}
    return {**found, "problems": sorted((each["id"], each["severity"]) for each in status["problems"])}
