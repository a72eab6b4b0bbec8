"""The rules for orders from afar. Pure: the caller tells the time, and keeps the ids.

An order is carried out in time or not at all. Its deadline is in the order itself, and may not be far away: a broker can hold a
message for a day, and no field of a broker says how old a message is. A wrong clock can only cause refusals: an order seems to be
over already, or its deadline too far away.
"""

from collections.abc import Collection
from datetime import datetime
from hashlib import blake2b
from typing import Final

from attrs import define, field, frozen

from wagman.bridges.fleet.payloads import VERSION, Answer, Order, written
from wagman.model.words import counted

MOST_LATE_S: Final = 300.0
"""The farthest deadline that can be configured (chosen: nobody waits longer for a button)."""


MOST_TURNED_DOWN: Final = 1_000
"""How many orders that were turned down are remembered, the last ones (chosen: a flood is to cost no disk, and little memory)."""


@frozen
class Terms:
    """The terms on which orders are taken.

    Args:
        whom: the names of those who may order, as in their certificates.
        verbs: the orders that are taken.
        max_late_s: how far ahead a deadline may be.
        most: how many orders are taken at once, and how many within `per_s`.
        per_s: the time for `most` orders.
        node: the name of this node.
        are_signed: only signed orders are taken. Such an order must name its node and the one who gives it.
    """

    whom: Collection[str]
    verbs: Collection[str]
    max_late_s: float
    most: int
    per_s: float
    node: str = ""
    are_signed: bool = False


@define(eq=False)
class Gate:
    """Judges orders.

    Args:
        terms: the terms on which orders are taken.
        is_settled: whether the ledger of orders is no longer new; while it is, orders seen before it are not known.
    """

    terms: Terms
    is_settled: bool
    _left: float = field(init=False)
    _at_s: float = field(default=0.0, init=False)
    _turned_down: dict[tuple[str, bytes], Answer] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._left = float(self.terms.most)

    def turned_down(self, who: str, payload: bytes) -> Answer | None:
        """Return the answer by which these bytes were turned down before: what was true of them then may have passed."""
        return self._turned_down.get((who, _digest(payload)))

    def turn_down(self, who: str, payload: bytes, found: Answer) -> None:
        """Remember that these bytes were turned down: whoever kept a copy is not to have the order carried out after all."""
        # The id alone tells less: a forged order with the id of a true one is to keep that from nothing.
        self._turned_down[who, _digest(payload)] = found
        while len(self._turned_down) > MOST_TURNED_DOWN:
            del self._turned_down[next(iter(self._turned_down))]

    def obstacle(self, who: str, order: Order, now_s: float) -> Answer | None:
        """Return the answer that turns down a new order; None if it may be carried out. Times are by the wall clock."""
        terms = self.terms
        if who not in terms.whom:
            return answer(order["id"], "refused", f"{who} may not give orders here")
        if order["do"] not in terms.verbs:
            return answer(order["id"], "refused", f"{order['do']} is not among what may be ordered: {', '.join(terms.verbs)}")
        try:
            until_s = datetime.fromisoformat(order["until"]).timestamp() if _has_zone(order["until"]) else None
        except (ValueError, OverflowError, OSError):
            until_s = None
        if until_s is None:
            return answer(order["id"], "refused", "the deadline is no time with a zone")
        return self._astray(who, order) or self._late(order["id"], until_s, now_s) or self._too_soon(order["id"], now_s)

    def _astray(self, who: str, order: Order) -> Answer | None:
        """Return the refusal of an order for another node, or in another name: anybody could pass on a signed order."""
        node, whose = order.get("node"), order.get("who")
        if self.terms.are_signed and (node is None or whose is None):
            return answer(order["id"], "refused", "a signed order says which node it is for and who gives it; this one does not")
        if node not in (None, self.terms.node):
            return answer(order["id"], "refused", f"it is for the node {node}, and this is {self.terms.node}")
        if whose not in (None, who):
            return answer(order["id"], "refused", f"it says that {whose} gives it, and came in the name of {who}")
        return None

    def _late(self, number: str, until_s: float, now_s: float) -> Answer | None:
        if now_s > until_s:
            return answer(number, "expired", f"its deadline was {now_s - until_s:.1f} s ago, by this node's clock")
        if until_s - now_s > self.terms.max_late_s:
            return answer(number, "refused", f"its deadline is more than {self.terms.max_late_s:g} s away, by this node's clock")
        return None

    def _too_soon(self, number: str, now_s: float) -> Answer | None:
        if not self.is_settled:
            again = f"order again once this bridge has run for {MOST_LATE_S / 60:g} min"
            return answer(number, "refused", f"the ledger of orders is new, and nobody knows which were carried out: {again}")
        passed_s, self._at_s = max(now_s - self._at_s, 0.0), now_s
        self._left = min(self._left + passed_s * self.terms.most / self.terms.per_s, float(self.terms.most))
        if self._left < 1:
            return answer(number, "refused", f"more than {counted(self.terms.most, 'order')} in {self.terms.per_s:g} s")
        self._left -= 1
        return None


def until_s(order: Order) -> float:
    """Return the deadline of an order that was let through, in seconds since 1970."""
    return datetime.fromisoformat(order["until"]).timestamp()


def meaning_of(order: Order) -> str:
    """Return what an order wants: two with the same meaning are one that was sent twice, perhaps with a later deadline."""
    return written({key: order[key] for key in ("do", "device", "force", "node", "who") if key in order})


def answer(number: str, outcome: str, reason: str) -> Answer:
    """Return the answer to an order."""
    return {"v": VERSION, "id": number, "outcome": outcome, "reason": reason}


def _digest(payload: bytes) -> bytes:
    return blake2b(payload, digest_size=16).digest()


def _has_zone(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None
