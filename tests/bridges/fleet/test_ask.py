"""One order to many nodes, in virtual time: who is asked when, and what whoever orders is told."""

import json
from argparse import Namespace
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any, TypeAlias

import pytest
import trio
import trio.testing
from attrs import define, field

from wagman.bridges.fleet import ask
from wagman.bridges.fleet.ask import Asking
from wagman.bridges.fleet.broker import LinkError, NotTakenError, as_link_errors
from wagman.bridges.fleet.config import BrokerTable, FleetConfig
from wagman.bridges.fleet.link import Message, News, Subscribed

NODES = ("v1", "v2", "v3")
EVERY_S = 3600.0
QUIET_S = 61.0

Rows: TypeAlias = Callable[..., list[list[str]]]


@define(eq=False)
class Site:
    """A broker with nodes that carry out what they are asked, and who was asked when."""

    asked: dict[str, float] = field(factory=dict)
    unread: int = 0  # how often nobody was there to read a sign of life of the broker's
    lost_s: float = 1e9
    silent: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    expires_s: list[float] = field(factory=list)
    news: Any = field(factory=lambda: trio.open_memory_channel[News | LinkError](10))

    async def gather(self, *_: object) -> dict[str, Any]:
        await trio.lowlevel.checkpoint()
        return {node: ({"online": True}, None) for node in NODES}

    @asynccontextmanager
    async def connected(self, *_: object) -> AsyncIterator["Site"]:
        with as_link_errors("the broker"):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._live)
                yield self
                nursery.cancel_scope.cancel()

    async def _live(self) -> None:
        while trio.current_time() < self.lost_s:
            await trio.sleep(QUIET_S)
            self.unread += self.news[0].statistics().current_buffer_used
            self.news[0].send_nowait(Subscribed(0))
        raise LinkError("the broker hung up")

    def subscribe(self, _filters: list[str]) -> None:
        self.news[0].send_nowait(Subscribed(1))

    async def receive(self) -> News:
        news: News | LinkError = await self.news[1].receive()
        if isinstance(news, LinkError):
            raise news
        return news

    def acknowledge(self, message: Message) -> None: ...

    def publish(self, topic: str, payload: bytes, *, expires_s: float) -> None:
        order = json.loads(payload)
        node, number = topic.split("/")[2], json.loads(order.get("order", payload))["id"]
        self.asked[node] = trio.current_time()
        self.expires_s.append(expires_s)
        if node in self.refused:
            self.news[0].send_nowait(NotTakenError("the broker does not take what we publish"))
        elif node not in self.silent:
            answer = {"v": 1, "id": number, "outcome": "accepted", "reason": "being asked to halt"}
            for retained in (True, False):  # whatever came before, the answer is the one to this order
                data = {**answer, "reason": "before"} if retained else answer
                self.news[0].send_nowait(Message(f"wagman/1/{node}/done/alice", json.dumps(data).encode(), retained, 1))

    def asking(self, **more: Any) -> Asking:
        args = {"verb": "stop", "device": "gn", "nodes": NODES, "yes": True, "within_s": 30.0, "every_s": EVERY_S}
        numbers = map("{:032x}".format, count(1))
        told = Namespace(**{**args, "abort_after": 3, "sign": None, "force": False, **more})
        return Asking(FleetConfig(BrokerTable("b")), "alice", lambda: next(numbers), told)


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Rows:
    """What is told of each node, in its first words."""

    def told(site: Site, *, words: int = 3, **more: Any) -> list[list[str]]:
        monkeypatch.setattr(ask, "gather", site.gather)
        monkeypatch.setattr(ask, "connected", site.connected)
        with suppress(LinkError):
            trio.run(site.asking(**more).run, clock=trio.testing.MockClock(autojump_threshold=0))
        return [line.split()[:words] for line in capsys.readouterr().out.splitlines() if line.startswith(NODES)]

    return told


def test_while_it_waits_for_the_next_node_the_link_is_read(rows: Rows) -> None:
    site = Site()
    assert rows(site) == [[node, "accepted", "being"] for node in NODES]
    assert [at_s - site.asked["v1"] for at_s in site.asked.values()] == [0, EVERY_S, 2 * EVERY_S]
    assert site.unread == 0


def test_whatever_ends_it_who_was_asked_is_told(rows: Rows) -> None:
    site = Site(lost_s=1.01 * EVERY_S)
    assert [row[1] for row in rows(site)] == ["accepted", "accepted", "not"]
    site = Site(lost_s=QUIET_S / 2, silent=("v1",))
    assert [row[1] for row in rows(site)] == ["no", "not", "not"], "an order that went out may have been carried out"


def test_an_order_that_the_broker_refuses_was_not_given_and_no_further_one_is(rows: Rows) -> None:
    site = Site(silent=("v1",), refused=("v2",))
    assert rows(site, words=6) == [
        ["v1", "no", "answer", "it", "was", "not"],
        ["v2", "not", "asked", "the", "broker", "refused"],
        ["v3", "not", "asked", "it", "was", "not"],
    ]


@pytest.mark.parametrize(("took_s", "says", "left_s"), [(20.0, "accepted", 10.0), (31.0, "not", None)])
def test_an_order_whose_signing_took_until_its_deadline_is_not_sent(
    rows: Rows, monkeypatch: pytest.MonkeyPatch, took_s: float, says: str, left_s: float | None
) -> None:
    async def signature_of(_data: bytes, _key: str) -> str:
        await trio.sleep(took_s)  # somebody types a passphrase
        return "signature"

    monkeypatch.setattr(ask, "signature_of", signature_of)
    site = Site()
    assert [row[1] for row in rows(site, sign="key")] == [says] * 3
    assert set(site.expires_s) == (set() if left_s is None else {left_s}), "the broker keeps it until the deadline at most"
