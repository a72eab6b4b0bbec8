"""The real service under clients that talk nonsense, stop in the middle, or do not listen: nobody else notices."""

import json
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio
from attrs import define, field

from tests.api.kit import Client
from tests.api.nonsense import one, pester
from tests.service.commands import Site, documents
from tests.service.kit import PATIENCE_S, eventually, new_node
from wagman.api.wire import MAX_BATCH
from wagman.store.feed import BUFFER

WARM_UP = 2_000
MESSAGES = 10_000
"""How much nonsense the real service is told."""

GROWTH_KIB = 4_096
"""By how much it may grow meanwhile (chosen: 0.6 MiB was measured; the messages themselves have some 10 MiB)."""

HELLO = b'{"jsonrpc":"2.0","id":1,"method":"hello"}\n'
DISCOVER = b'{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}\n'

SUBSCRIBERS = 100
EVENTS = 5 * BUFFER // 2
"""More than what the service and the kernel keep for a subscriber that does not take them."""

ENABLE = {"jsonrpc": "2.0", "id": 1, "method": "enable", "params": {"device": "gn"}}
"""A command that is an event, and does nothing."""


def resident_kib(site: Site) -> int:
    """The memory of the service."""
    lines = Path(f"/proc/{site.service.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@asynccontextmanager
async def connected(site: Site) -> AsyncIterator[Client]:
    async with await trio.open_unix_socket(str(site.node.socket)) as stream:
        yield Client(stream)


def require_no_defect(site: Site) -> None:
    assert site.service.poll() is None
    defects = [site.node.events(type_) for type_ in ("service.request_failed", "service.task_failed", "service.task_stuck")]
    assert defects == [[], [], []]


# --- Nonsense ---------------------------------------------------------------------------------------------------------


def test_nonsense_gets_standard_errors_breaks_nothing_and_leaves_no_memory_behind(site: Site) -> None:
    async def main(seed: int, count: int) -> None:
        async with connected(site) as client:
            with trio.fail_after(PATIENCE_S + count):
                await pester(client, random.Random(seed), count)

    trio.run(main, 1, WARM_UP)  # what is allocated once is so now
    before_kib = resident_kib(site)
    trio.run(main, 2, MESSAGES)
    require_no_defect(site)
    assert resident_kib(site) - before_kib < GROWTH_KIB


async def half(stream: trio.SocketStream) -> None:
    """It goes in the middle of a line."""
    await stream.send_all(HELLO[:20])


async def slow(stream: trio.SocketStream) -> None:
    """It comes to the end of the line all the same."""
    for number in range(len(HELLO)):
        await stream.send_all(HELLO[number : number + 1])
        await trio.sleep(0.01)
    assert b"result" in await stream.receive_some()


async def deaf(stream: trio.SocketStream) -> None:
    """It asks and does not read, until there is no more room for the answers; by the fast clock it is hung up on soon."""
    with trio.move_on_after(2), suppress(trio.BrokenResourceError):
        while True:
            await stream.send_all(DISCOVER)


async def hasty(stream: trio.SocketStream) -> None:
    """It does not wait for the answer."""
    await stream.send_all(one(random.Random(3)) + b"\n")


def test_half_lines_slow_bytes_and_clients_that_go_without_a_word_disturb_nobody(site: Site) -> None:
    async def rude(manner: Callable[[trio.SocketStream], Awaitable[None]]) -> None:
        async with await trio.open_unix_socket(str(site.node.socket)) as stream:
            await manner(stream)

    async def main() -> None:
        with trio.fail_after(PATIENCE_S):
            async with trio.open_nursery() as nursery, connected(site) as polite:
                for manner in (half, slow, deaf, hasty) * 8:
                    nursery.start_soon(rude, manner)
                for _ in range(200):
                    assert "version" in await polite.result("hello")

    trio.run(main)
    require_no_defect(site)


# --- A hundred subscribers ----------------------------------------------------------------------------------------------


@define(eq=False)
class Subscriber:
    """Somebody who listens: the ids of the events that came."""

    ids: list[int] = field(factory=list)
    news: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)

    async def listen(self, site: Site, *, task_status: trio.TaskStatus[None]) -> None:
        async with connected(site) as client:
            await client.result("subscribe")
            task_status.started()
            while True:
                self.ids.append((await client.event())["id"])
                self.news.unpark_all()

    async def reached(self, last: int) -> None:
        while not self.ids or self.ids[-1] < last:
            await self.news.park()


async def happen(site: Site, subscribers: Sequence[Subscriber]) -> int:
    """Have something happen over and over, no faster than those who listen hear of it; the id of the last event of it."""
    last = 0
    async with connected(site) as client:
        for _ in range(EVENTS // MAX_BATCH):
            await client.raw(json.dumps([ENABLE] * MAX_BATCH))
            last = (await client.result("events", limit=1))["last_id"]
            for each in subscribers:
                await each.reached(last)
    return last


async def until_lagged(client: Client) -> Mapping[str, int]:
    """What a subscriber that did not listen is told in the end."""
    while True:
        method, params = await client.notification()
        if method == "lagged":
            return dict(params)


@pytest.fixture
def calm_site() -> Iterator[Site]:
    """Without a board, and by a clock of the usual speed: that of a faster one would have hung up long before."""
    with new_node() as node:
        site = Site(node, node.start("run", "--config", str(node.config)))
        eventually(node.answers)
        yield site
        site.end()


def test_of_a_hundred_subscribers_two_do_not_listen_and_the_others_hear_of_everything(calm_site: Site) -> None:
    site = calm_site
    stopped = site.begin("events", "-f", "-n", "1", "--json")
    first = documents(stopped.line())[0]["id"] + 1
    stopped.process.send_signal(signal.SIGSTOP)
    subscribers = [Subscriber() for _ in range(SUBSCRIBERS - 2)]

    async def main() -> tuple[int, Mapping[str, int]]:
        with trio.fail_after(4 * PATIENCE_S):
            async with connected(site) as deaf:
                await deaf.result("subscribe")
                async with trio.open_nursery() as nursery:
                    for each in subscribers:
                        await nursery.start(each.listen, site)
                    last = await happen(site, subscribers)
                    nursery.cancel_scope.cancel()
                return last, await until_lagged(deaf)

    last, missed = trio.run(main)
    for each in subscribers:
        assert each.ids == list(range(each.ids[0], each.ids[-1] + 1))
        assert each.ids[-1] >= last
    assert first <= missed["from_id"] <= missed["to_id"] <= last
    stopped.process.send_signal(signal.SIGCONT)
    assert [documents(stopped.line())[0]["id"] for _ in range(first, last + 1)] == list(range(first, last + 1))
    require_no_defect(site)
