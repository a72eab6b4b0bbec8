"""The bridge: its connection to the broker, made anew whenever it is lost, and the tasks on each connection."""

import secrets
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import trio
from attrs import define, field

from wagman.bridges.fleet.config import FleetConfig, Node
from wagman.bridges.fleet.ledger import Ledger
from wagman.bridges.fleet.link import Link, Message, Taken, Will, connected
from wagman.bridges.fleet.obeying import Obeying
from wagman.bridges.fleet.orders import MOST_LATE_S, Gate
from wagman.bridges.fleet.payloads import Online, PayloadError, absent, packed, resend_of
from wagman.bridges.fleet.sending import Sending
from wagman.bridges.fleet.showing import Showing
from wagman.bridges.fleet.staying import stay
from wagman.bridges.fleet.telling import Telling
from wagman.client.errors import ClientError

SAVE_S: Final = 0.25
"""How often the place in the log is saved (chosen: events that are sent again after a crash are recognised by their ids)."""


@define(eq=False)
class Bridge:
    """The bridge of a node: sends events and status, takes orders.

    Args:
        config: the configuration.
        ledger: what must last.
        now: returns the present time, as text.
        clock: returns the present time by the wall clock, in seconds since 1970.
        jitter: returns a random part of a time.
        say: prints a line for the journal.
    """

    config: FleetConfig
    ledger: Ledger
    now: Callable[[], str]
    clock: Callable[[], float]
    jitter: Callable[[float], float]
    say: Callable[[str], None]
    is_ending: trio.Event = field(factory=trio.Event)
    _complaint: str = field(default="", init=False)
    _gate: Gate | None = field(default=None, init=False)
    _tries: Counter[str] = field(factory=Counter, init=False)  # of removing what Home Assistant was shown

    def __attrs_post_init__(self) -> None:
        if (terms := self.config.terms) is not None:
            self._gate = Gate(terms, self.ledger.is_settled)

    @property
    def node(self) -> str:
        """The beginning of all topics of this node."""
        assert isinstance(self.config.node, Node)  # noqa: S101 - the configuration was loaded for it
        return f"{self.config.topics}/{self.config.node.name}"

    @property
    def _is_packed(self) -> bool:
        return self.config.events.encoding == "deflate"

    async def run(self) -> None:
        """Run until `is_ending` is set.

        Raises:
            DeniedError, AddressError, AnswerError: the service does not permit it.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._settle)
            await stay(self._connect, self.config.broker.reconnect_max_s, self.jitter, self._complain, self.is_ending)
            nursery.cancel_scope.cancel()

    async def _settle(self) -> None:
        """Take orders once every earlier one is over, by a clock that nobody sets."""
        await trio.sleep(MOST_LATE_S)
        if self._gate is not None:
            self._gate.is_settled = True
        with suppress(sqlite3.Error):  # the next bridge waits once more
            self.ledger.settle()

    async def _connect(self) -> None:
        session, topic, table = secrets.token_hex(8), f"{self.node}/online", self.config.broker
        birth: Online = {"online": True, "session": session, "since": self.now()}
        death: Online = {**birth, "online": False}
        will = Will(topic, packed(death, deflate=False), table.will_delay_s)
        name = self.node.replace("/", "-")
        async with connected(self.config.endpoint, name, will=will, keeps_s=table.will_delay_s, is_ending=self.is_ending) as link:
            self._complaint = ""
            self.say(f"connected to {link.address}")
            link.publish(topic, packed(birth, deflate=False), retained=True)
            link.subscribe(self._filters())
            try:
                await self._serve(link)
            except* ClientError:
                # The broker keeps how things were before, and the will comes late or, if this is started again and again, never.
                status = absent((None, 0, 0), self.now())
                link.publish(f"{self.node}/status", packed(status, deflate=self._is_packed), retained=True)
                link.publish(topic, packed(death, deflate=False), retained=True)
                await link.leave()
                raise
            link.publish(topic, packed(death, deflate=False), retained=True)

    def _filters(self) -> list[str]:
        """Return the topics to subscribe to."""
        orders, home = [f"{self.node}/do/+"] if self._gate is not None else [], self.config.home
        return [f"{self.node}/resend/+", *orders, *([home.status] if home is not None else [])]

    async def _serve(self, link: Link) -> None:
        """Run the tasks of a connection until it is lost, or until the bridge is to end."""
        config, socket = self.config, self.config.service.socket
        sending = Sending(link, f"{self.node}/events", config.events, socket, self.ledger.place, self.say)
        telling = Telling(link, f"{self.node}/status", config.status, socket, sending, self.now, self._is_packed)
        showing = self._showing(link, sending)
        try:
            async with trio.open_nursery() as nursery:
                obeying = self._obeying(link)
                if obeying is not None:
                    nursery.start_soon(obeying.run)
                nursery.start_soon(self._listen, link, sending, obeying, showing)
                nursery.start_soon(showing.run)
                nursery.start_soon(sending.run)
                nursery.start_soon(telling.run)
                nursery.start_soon(self._keep, sending)
                await self.is_ending.wait()
                nursery.cancel_scope.cancel()
        finally:
            self._save(sending)

    def _obeying(self, link: Link) -> Obeying | None:
        if self._gate is None:
            return None
        socket, signers = self.config.service.socket, self.config.signers
        return Obeying(link, self.node, socket, self._gate, self.ledger, self.clock, self.say, signers)

    def _showing(self, link: Link, sending: Sending) -> Showing:
        config, table = self.config, self.config.home_assistant
        every_s, socket = 0.0 if table is None else table.every_s, config.service.socket
        return Showing(link, config.home, every_s, socket, sending, self.ledger, self.clock, self._complain, self._tries)

    async def _listen(self, link: Link, sending: Sending, obeying: Obeying | None, showing: Showing) -> None:
        while True:
            match await link.receive():
                case Taken(number):
                    sending.taken(number)
                    showing.taken(number)
                case Message() as message if obeying is not None and message.topic.startswith(f"{self.node}/do/"):
                    obeying.told(message)
                case Message() as message:
                    if not showing.heard(message):
                        self._resend(message, sending)
                    link.acknowledge(message)

    def _resend(self, message: Message, sending: Sending) -> None:
        """Take a request for events. A retained one is ignored: it was meant for an earlier moment."""
        if message.topic.startswith(f"{self.node}/resend/") and not message.retained:
            try:
                sending.again(resend_of(message.payload))
            except PayloadError as error:
                self.say(f"{message.topic}: {error}")

    async def _keep(self, sending: Sending) -> None:
        while True:
            await trio.sleep(SAVE_S)
            self._save(sending)

    def _save(self, sending: Sending) -> None:
        try:
            if sending.place != self.ledger.place:
                self.ledger.place = sending.place
        except sqlite3.Error as error:
            self._complain(f"how far the log is with the broker cannot be written down, and may be sent again: {error}")

    def _complain(self, words: str) -> None:
        """Print what is in the way, once."""
        if words != self._complaint:
            self._complaint = words
            self.say(words)
