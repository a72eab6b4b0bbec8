"""`wagman fleet do`: one order to one node or to many, at a given rate, and no further once too many have failed.

An order is for nodes that are online; it waits nowhere for the others. It is carried out before its deadline or not at all.
"""

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import trio
from attrs import frozen

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
        failed, shown = 0, list[tuple[str, str, str]]()
        async with connected(self.config.endpoint, self.name) as link:
            link.subscribe([f"{self.config.topics}/+/done/{self.who}"])
            await link.receive()
            for count, node in enumerate(nodes):
                if failed >= self.args.abort_after:
                    shown.append((node, "not asked", f"{failed} before it had failed"))
                    continue
                began_s = trio.current_time()
                outcome, reason = await self._ask(link, node) if _is_there(known, node) else ("offline", "it is not there")
                failed += outcome != "accepted"
                shown.append((node, outcome, plain(reason)))
                if count + 1 < len(nodes) and outcome != "offline":
                    await trio.sleep_until(began_s + self.args.every_s)
        print(*table([("NODE", "SAYS", "REASON"), *shown]), sep="\n")
        return FAILED if failed else DONE

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

    async def _ask(self, link: Link, node: str) -> tuple[str, str]:
        """Give the order to a node, and wait for the answer; return the outcome and the reason."""
        until = datetime.now(UTC) + timedelta(seconds=self.args.within_s)
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
            return "not asked", str(error)
        link.publish(f"{topic}/do/{self.who}", payload, expires_s=self.args.within_s)
        with trio.move_on_after(self.args.within_s + GRACE_S):
            while True:
                found = await _answer(link, f"{topic}/done/{self.who}")
                if found.get("id") == order["id"]:
                    return str(found.get("outcome")), str(found.get("reason"))
        return "no answer", "it was not carried out, or the answer was lost: look at the events"

    async def _payload(self, order: Order) -> bytes:
        """Return the bytes of the order, signed if `--sign` says so; raises SigningError."""
        data = packed(order, deflate=False)
        if self.args.sign is None:
            return data
        signed: Signed = {"v": VERSION, "order": data.decode(), "signature": await signature_of(data, self.args.sign)}
        return packed(signed, deflate=False)


async def _answer(link: Link, topic: str) -> dict[str, Any]:
    news = await link.receive()
    if not isinstance(news, Message):
        return {}
    link.acknowledge(news)
    try:
        return opened(news.payload) if news.topic == topic and not news.retained else {}
    except PayloadError:
        return {}


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
