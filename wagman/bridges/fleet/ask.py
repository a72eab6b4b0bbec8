"""`wagman fleet do`: one order to one node or to many, at a given rate, and no further once too many have failed.

An order is for nodes that are online; it waits nowhere for the others. It is carried out before its deadline or not at all.
"""

import math
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import trio
from attrs import define, field, frozen

from wagman.bridges.fleet.broker import NotTakenError
from wagman.bridges.fleet.config import FleetConfig
from wagman.bridges.fleet.link import Link, Message, connected
from wagman.bridges.fleet.payloads import VERSION, Order, PayloadError, Signed, opened, packed
from wagman.bridges.fleet.signing import SigningError, signature_of
from wagman.bridges.fleet.table import Known, fits, gather
from wagman.cli.outcome import DONE, FAILED, USAGE, CommandError
from wagman.cli.text import table
from wagman.model.words import plain

GRACE_S: Final = 5.0
"""How long after its deadline the answer to an order is waited for (chosen)."""


ACCEPTED: Final = "accepted"

UNANSWERED: Final = (
    "it was not carried out, or the answer was lost: look at the events; or the node takes no orders ([orders] in its fleet.toml)"
)

UNHEARD: Final = "nothing was heard of it: its name, or the acl?"
"""The reason for a node of which nobody has heard: a broker does not tell whom it gives nothing."""

REFUSED: Final = "the broker refused it"

SIGNED_LATE: Final = "signing took until its deadline: have ssh-agent hold the key, or give it longer by --within"


class Said(NamedTuple):
    """What a node says to an order, or why it says nothing."""

    outcome: str
    reason: str


@define(eq=False)
class Answers:
    """Reads all that comes over the link, all the time: a broker that is not read counts as gone. Keeps the answer waited for."""

    link: Link
    are_refused: bool = field(default=False, init=False)  # the broker does not take our orders, the latest one neither
    _wanted: tuple[str, str] = field(default=("", ""), init=False)  # topic, and id of the order
    _found: dict[str, Any] = field(factory=dict, init=False)
    _has_come: trio.Event = field(factory=trio.Event, init=False)

    async def listen(self) -> None:
        """Read until cancelled; raises LinkError."""
        try:
            while True:
                news = await self.link.receive()
                if isinstance(news, Message):
                    self.link.acknowledge(news)
                    self._take(news)
        except NotTakenError:
            self.are_refused = True
            raise

    async def to(self, topic: str, number: str) -> dict[str, Any]:
        """Return the answer to the order of that id."""
        self._wanted, self._has_come = (topic, number), trio.Event()
        await self._has_come.wait()
        return self._found

    def _take(self, message: Message) -> None:
        try:
            found = opened(message.payload)
        except PayloadError:
            return
        if (message.topic, found.get("id")) == self._wanted and not message.retained:
            self._found = found
            self._has_come.set()


@frozen
class Asking:
    """An order, and the nodes to give it to.

    Args:
        config: the configuration.
        who: the name of the one who orders, which the broker vouches for.
        number: returns an id for an order.
        args: the command line.
    """

    config: FleetConfig
    who: str
    number: Callable[[], str]
    args: Namespace

    async def run(self) -> int:
        """Give the order to one node after the other; return FAILED if one did not accept it. Raises LinkError, CommandError."""
        known = await gather(self.config, f"{self.name}-look")
        nodes = chosen(known, self.args.nodes)
        self._confirm(nodes)
        said = dict.fromkeys(nodes, Said("not asked", "it was not its turn yet"))
        try:
            await self._ask_all(known, said)
        finally:  # also where the link is lost, or somebody interrupts: who was asked has to be seen
            print(*table([("NODE", "SAYS", "REASON"), *((node, *each) for node, each in said.items())]), sep="\n")
        return DONE if all(each.outcome == ACCEPTED for each in said.values()) else FAILED

    async def _ask_all(self, known: Known, said: dict[str, Said]) -> None:
        failed, free_s = 0, -math.inf
        async with connected(self.config.endpoint, self.name) as link, trio.open_nursery() as nursery:
            link.subscribe([f"{self.config.topics}/+/done/{self.who}"])
            await link.receive()
            answers = Answers(link)
            nursery.start_soon(answers.listen)
            for node in tuple(said):
                if failed >= self.args.abort_after:
                    said[node] = Said("not asked", f"{failed} before it had failed")
                    continue
                if _is_there(known, node):
                    await trio.sleep_until(free_s)
                    free_s = trio.current_time() + self.args.every_s
                    await self._ask(answers, node, said)
                else:
                    said[node] = Said("offline", "it is not there" if node in known else UNHEARD)
                failed += said[node].outcome != ACCEPTED
            nursery.cancel_scope.cancel()

    @property
    def name(self) -> str:
        """The name of the client at the broker, new each time."""
        return f"wagman-{self.who}-{self.number()[:8]}"

    def _confirm(self, nodes: Sequence[str]) -> None:
        question = f"{self.args.verb} {self.args.device} on {len(nodes)} nodes: {' '.join(nodes)}"
        if len(nodes) == 1 or self.args.yes:
            return
        if not sys.stdin.isatty():
            raise CommandError(f"{question}: add --yes if that is what you want", USAGE)
        sys.stderr.write(f"{question}: are you sure? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise CommandError("nothing was ordered", USAGE)

    async def _ask(self, answers: Answers, node: str, said: dict[str, Said]) -> None:
        """Give the order to a node, and wait for what it says."""
        until, until_s = datetime.now(UTC) + timedelta(seconds=self.args.within_s), trio.current_time() + self.args.within_s
        order: Order = {
            "v": VERSION,
            "id": self.number(),
            "do": self.args.verb,
            "device": self.args.device,
            "until": until.isoformat(timespec="milliseconds"),
            "node": node,
            "who": self.who,
        }
        if self.args.force:
            order["force"] = True
        topic = f"{self.config.topics}/{node}"
        try:
            payload = await self._payload(order)
        except SigningError as error:
            said[node] = Said("not asked", plain(str(error)))
            return
        left_s = until_s - trio.current_time()
        if left_s <= 0:
            said[node] = Said("not asked", SIGNED_LATE)
            return
        said[node] = Said("no answer", UNANSWERED)
        answers.link.publish(f"{topic}/do/{self.who}", payload, expires_s=left_s)
        try:
            with trio.move_on_at(until_s + GRACE_S):
                found = await answers.to(f"{topic}/done/{self.who}", order["id"])
                said[node] = Said(str(found.get("outcome")), plain(str(found.get("reason"))))
        finally:  # a refusal ends the link, and with it the wait
            if answers.are_refused:
                said[node] = Said("not asked", REFUSED)

    async def _payload(self, order: Order) -> bytes:
        """Return the bytes of the order, signed if `--sign` says so; raises SigningError."""
        data = packed(order, deflate=False)
        if self.args.sign is None:
            return data
        signed: Signed = {"v": VERSION, "order": data.decode(), "signature": await signature_of(data, self.args.sign)}
        return packed(signed, deflate=False)


def chosen(known: Known, patterns: Sequence[str]) -> list[str]:
    """Return the nodes that are meant; a node that is named in full may be unknown.

    Raises:
        CommandError: no node is meant.
    """
    found = {node for node in known if fits(node, patterns)}
    found |= {pattern for pattern in patterns if not set(pattern) & set("*?[")}
    if not found:
        raise CommandError(f"no node is called {' or '.join(patterns)}")
    return sorted(found)


def _is_there(known: Known, node: str) -> bool:
    online, _ = known.get(node, (None, None))
    return bool(online and online["online"])
