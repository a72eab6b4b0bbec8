"""Shows a node in Home Assistant, over one connection, and removes what is gone.

Each topic on which the broker keeps something is saved in the ledger before it is used, and until the broker has acknowledged its
removal. So a guest whose table is gone disappears
from Home Assistant even if it was renamed while nobody was connected, and everything does once the table of fleet.toml is gone.
"""

import math
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import trio
from attrs import define, field

from wagman.bridges.asking import ask
from wagman.bridges.fleet.discovery import Home, Messages, away, discovered, essence, told, topics_of
from wagman.bridges.fleet.ledger import Ledger
from wagman.bridges.fleet.link import Link, Message
from wagman.bridges.fleet.payloads import packed
from wagman.bridges.fleet.sending import Sending
from wagman.client.errors import ClientError
from wagman.model.shapes import Status

LOOK_S: Final = 60.0
"""How often the service is asked if nothing happens (chosen: changes without an event can wait so long)."""

AWAY_S: Final = 10.0
"""How long the service may be away before that is shown, and how often it is asked then (chosen: longer than a restart)."""

LEAST_S: Final = 2.0
"""The least time between two looks (chosen: an operator watches the switch; births are not to be a flood)."""

MOST_TRIES: Final = 5
"""On how many connections removing a topic is tried (chosen: a broker that forbids it ends each of them)."""

BIRTH: Final = b"online"
"""The message of Home Assistant when it comes up, its birth (its default)."""


@define(eq=False)
class Showing:
    """Shows a node in Home Assistant.

    Args:
        link: the connection to the broker.
        home: the topics for Home Assistant; None: what is shown there is removed.
        every_s: how often states are sent if nothing changes, in seconds.
        socket: the path of the service's socket.
        sending: sends the events; its `happened` wakes this task.
        ledger: remembers the topics on which the broker keeps something.
        clock: returns the present time by the wall clock, in seconds since 1970.
        complain: prints what is in the way.
        tries: on how many connections each topic was to be removed, and the broker did not acknowledge it; kept over all of them.
    """

    link: Link
    home: Home | None
    every_s: float
    socket: str
    sending: Sending
    ledger: Ledger
    clock: Callable[[], float]
    complain: Callable[[str], None]
    tries: Counter[str]
    _removed: dict[int, str] = field(factory=dict, init=False)  # topics, by the numbers of messages without an acknowledgement
    _devices: Messages = field(factory=dict, init=False)
    _said: Messages = field(factory=dict, init=False)
    _said_s: float = field(default=-math.inf, init=False)
    _missed_s: float = field(default=math.inf, init=False)  # since when the service has not answered
    _is_born: bool = field(default=False, init=False)
    _birth: trio.Event = field(factory=trio.Event, init=False)

    async def run(self) -> None:
        """Show the node until cancelled."""
        if self.home is None:
            self._keep_only(set())
            return
        while True:
            news = self.sending.happened, self._birth
            found = await self._look()
            if found is not None or trio.current_time() >= self._missed_s + AWAY_S:
                self._show(found, self.home)
            await trio.sleep(LEAST_S)
            with trio.move_on_after(min(LOOK_S, self.every_s) if found is not None else AWAY_S):
                await _any_of(*news)

    def heard(self, message: Message) -> bool:
        """Return whether a message is Home Assistant's birth or will; after a birth everything is sent again."""
        if self.home is None or message.topic != self.home.status:
            return False
        if message.payload == BIRTH:
            self._is_born = True
            self._birth.set()
            self._birth = trio.Event()
        return True

    def taken(self, number: int) -> None:
        """Take in that the broker has acknowledged a message."""
        if (topic := self._removed.pop(number, None)) is not None:
            self.tries.pop(topic, None)
            with self._complaining():
                self.ledger.forget(topic)

    async def _look(self) -> Status | None:
        try:
            status: Status = await ask(self.socket, "status")
        except ClientError:
            self._missed_s = min(self._missed_s, trio.current_time())
            return None
        self._missed_s = math.inf
        return status

    def _show(self, status: Status | None, home: Home) -> None:
        if self._is_born:
            self._is_born, self._devices, self._said, self._said_s = False, {}, {}, -math.inf
        if status is not None:
            self._keep_only(topics_of(home, status))
            devices = discovered(status, home)
            self._publish(_changed(devices, self._devices))
            self._devices = devices
        messages = away(home) if status is None else told(status, home, self.clock())
        if trio.current_time() >= self._said_s + self.every_s:
            self._said, self._said_s = {}, trio.current_time()
        was = essence(messages)
        self._publish({topic: messages[topic] for topic in _changed(was, self._said)}, expires_s=home.stale_s)
        self._said = was

    def _publish(self, messages: Mapping[str, Mapping[str, Any]], expires_s: float | None = None) -> None:
        """Publish messages, retained. With MQTT 5 they expire at the broker, too: Home Assistant takes old ones for new."""
        for topic, message in messages.items():
            self.link.publish(topic, packed(message, deflate=False), retained=True, expires_s=expires_s)

    def _keep_only(self, topics: set[str]) -> None:
        """Have the broker keep messages for Home Assistant on these topics only."""
        self._removed = {number: topic for number, topic in self._removed.items() if topic not in topics}
        for topic in topics & self.tries.keys():
            del self.tries[topic]
        with self._complaining():
            shown = self.ledger.shown
            for topic in sorted(topics - shown):
                self.ledger.show(topic)
            for topic in sorted(shown - topics - set(self._removed.values())):
                self._remove(topic)

    def _remove(self, topic: str) -> None:
        if self.tries[topic] >= MOST_TRIES:
            self.ledger.forget(topic)
            self.complain(f"{topic} could not be removed on {MOST_TRIES} connections: Home Assistant may go on to show it")
        else:
            self.tries[topic] += 1
            self._removed[self.link.publish(topic, b"", retained=True)] = topic

    @contextmanager
    def _complaining(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            self.complain(f"what Home Assistant is shown cannot be written down, and may stay there: {error}")


def _changed(messages: Messages, before: Messages) -> Messages:
    return {topic: each for topic, each in messages.items() if before.get(topic) != each}


async def _any_of(*events: trio.Event) -> None:
    async with trio.open_nursery() as nursery:

        async def wait(event: trio.Event) -> None:
            await event.wait()
            nursery.cancel_scope.cancel()

        for each in events:
            nursery.start_soon(wait, each)
