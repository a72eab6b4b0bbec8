"""Orders from the broker to the service: one after the other, each at most once, each answered."""

import sqlite3
from collections.abc import Callable
from typing import Any, Final

import trio
from attrs import define, field

from wagman.bridges.fleet.ledger import Ledger
from wagman.bridges.fleet.link import Link, Message
from wagman.bridges.fleet.orders import Gate, answer, meaning_of, until_s
from wagman.bridges.fleet.payloads import Answer, Given, Order, PayloadError, given_of, id_of, packed
from wagman.bridges.fleet.signing import Signers
from wagman.client.asynchronous import connect
from wagman.client.conversation import ANSWER_S
from wagman.client.errors import AnswerError, ClientError
from wagman.model.words import plain

MOST_WAITING: Final = 20
"""How many orders may wait (chosen: a flood is to hold up nothing else)."""

MOST_ANSWER_S: Final = 10.0
"""How long the service may take to answer an order, up to its deadline (chosen: with a disk that hangs it answers after 6 s)."""

REUSED: Final = "an order with this id came before, and said something else: give each order an id of its own"

UNKNOWN: Final = "it may have been carried out: look at the events"


@define(eq=False)
class Obeying:
    """Carries out the orders of one connection.

    Args:
        link: the connection to the broker.
        node: the beginning of all topics of the node.
        socket: the path of the service's socket.
        gate: judges orders.
        ledger: remembers the orders that were seen.
        clock: returns the present time by the wall clock, in seconds since 1970.
        say: prints a line for the journal.
        signers: whose signatures count; None: no order needs one.
    """

    link: Link
    node: str
    socket: str
    gate: Gate
    ledger: Ledger
    clock: Callable[[], float]
    say: Callable[[str], None]
    signers: Signers | None = None
    _orders: tuple[trio.MemorySendChannel[Message], trio.MemoryReceiveChannel[Message]] = field(
        factory=lambda: trio.open_memory_channel[Message](MOST_WAITING), init=False
    )
    _waiting: set[tuple[str, bytes]] = field(factory=set, init=False)  # the orders that wait, and who gave them

    def told(self, message: Message) -> None:
        """Queue an order; if too many wait already, refuse it."""
        order = self._who(message), message.payload
        try:
            self._orders[0].send_nowait(message)
        except trio.WouldBlock:
            found = answer(id_of(message.payload) or "", "refused", f"{MOST_WAITING} orders wait already")
            if order not in self._waiting:  # of one that waits this is a copy
                self.gate.turn_down(*order, found)
            self._answer(message, found)
        else:
            self._waiting.add(order)

    async def run(self) -> None:
        """Carry out orders until cancelled. An order is acknowledged to the broker once it was answered."""
        async for message in self._orders[1]:
            self._answer(message, await self._handled(self._who(message), message))
            self._waiting.discard((self._who(message), message.payload))

    def _who(self, message: Message) -> str:
        return message.topic.removeprefix(f"{self.node}/do/")

    def _answer(self, message: Message, found: Answer | None) -> None:
        if found is not None:
            self.link.publish(f"{self.node}/done/{self._who(message)}", packed(found, deflate=False))
        self.link.acknowledge(message)

    async def _handled(self, who: str, message: Message) -> Answer | None:
        try:
            given = given_of(message.payload)
        except PayloadError as error:
            self.say(f"an order of {who} is none: {error}")
            number = id_of(message.payload)
            return None if number is None else answer(number, "refused", str(error))
        order = given.order
        if message.retained:
            kept = answer(order["id"], "refused", "the broker had kept it: orders are not to be retained")
            return self._turned_down(who, message.payload, order, kept)
        try:
            if self.ledger.seen(who, order["id"]):
                if self.ledger.meant(who, order["id"]) not in (None, meaning_of(order)):
                    return self._told(who, order, answer(order["id"], "refused", REUSED))
                before = self.ledger.answer(who, order["id"]) or answer(order["id"], "unknown", UNKNOWN)
                return {**before, "again": True}
            return await self._fresh(who, message.payload, given)
        except sqlite3.Error as error:
            return self._told(who, order, answer(order["id"], "refused", f"that it was seen cannot be written down: {error}"))

    async def _fresh(self, who: str, payload: bytes, given: Given) -> Answer:
        order = given.order
        if (before := self.gate.turned_down(who, payload)) is not None:
            return {**before, "again": True}
        refusal = self.gate.obstacle(who, order, self.clock()) or await self._unproved(who, given)
        if refusal is not None:
            return self._turned_down(who, payload, order, refusal)
        # It is saved before it is carried out: after a crash it is not carried out a second time.
        self.ledger.enter(who, order["id"], self.clock(), meaning_of(order))
        found = await self._ask(who, order)
        self._keep(who, found)
        return self._told(who, order, found)

    def _turned_down(self, who: str, payload: bytes, order: Order, refusal: Answer) -> Answer:
        self.gate.turn_down(who, payload, refusal)
        return self._told(who, order, refusal)

    def _keep(self, who: str, found: Answer) -> None:
        """Save the answer. Without room for it, it is true all the same; only if the order comes again is its outcome unknown."""
        try:
            self.ledger.answered(who, found)
        except sqlite3.Error as error:
            self.say(plain(f"the answer to an order of {who} cannot be written down: {error}"))

    async def _unproved(self, who: str, given: Given) -> Answer | None:
        """Return the refusal of an order whose signature does not count; None otherwise. Called after the rate was checked."""
        if self.signers is None:
            return None
        if given.signature is None:
            return answer(given.order["id"], "refused", "it is not signed, and this node takes none that is not")
        why = await self.signers.obstacle(who, given.text, given.signature)
        return None if why is None else answer(given.order["id"], "refused", why)

    async def _ask(self, who: str, order: Order) -> Answer:
        was_asked = False
        try:
            with trio.fail_after(ANSWER_S) as bound:
                async with await connect(self.socket) as connection:
                    # A service that does not answer now would read the order later, when it is late.
                    await connection.call("hello")
                    left_s = until_s(order) - self.clock()
                    if left_s < 0:
                        return answer(order["id"], "expired", "the service took until its deadline to answer")
                    bound.deadline = trio.current_time() + min(MOST_ANSWER_S, max(ANSWER_S, left_s))
                    was_asked = True
                    decision = await connection.call(order["do"], **_params(who, order))
        except AnswerError as error:
            return answer(order["id"], "refused", str(error))
        except (ClientError, trio.TooSlowError) as error:
            reason = str(error) or "the service does not answer"
            return answer(order["id"], "unknown", UNKNOWN) if was_asked else answer(order["id"], "refused", reason)
        outcome = "accepted" if decision["accepted"] else "refused"
        return {
            **answer(order["id"], outcome, decision["reason"]),
            "state": decision["state"],
            "event_id": decision["event_id"],
        }

    def _told(self, who: str, order: Order, found: Answer) -> Answer:
        self.say(plain(f"{who} orders {order['do']} {order['device']}: {found['outcome']}: {found['reason']}"))
        return found


def _params(who: str, order: Order) -> dict[str, Any]:
    force = {"force": True} if order.get("force") else {}
    return {"device": order["device"], "on_behalf": who, "order": order["id"], **force}
