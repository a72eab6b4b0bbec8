"""Many nodes and one collector: `python -m benchmarks.fleet_nodes [NODES] [MINUTES]`, by default 500 and 10.

Each node replays the log of a simulated one through the bridge's pure parts, over its own connection to a real mosquitto. Every
twentieth message is lost: it counts as acknowledged, but is never sent. The real collector, a process, has to find the gaps and
ask for them. Its database is what counts.
"""

import contextlib
import math
import os
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import trio
from attrs import define, field

from benchmarks.fleet_mix import mix
from benchmarks.fleet_status import OPERATOR
from benchmarks.fleet_status import status as summary_of
from benchmarks.processes import processor_s, rss_mb
from tests.io.brokers import Mosquitto
from wagman.bridges.fleet.broker import Broker
from wagman.bridges.fleet.link import Link, Message, Taken, Will, connected
from wagman.bridges.fleet.payloads import PayloadError, packed, resend_of
from wagman.bridges.fleet.uplink import Uplink
from wagman.client.following import Happened, Place
from wagman.model.shapes import Event

LOST: Final = 0.05
EVERY_S: Final = 10.0
"""The mean time between two events of a node, in seconds: a thousandth of what it is on a healthy node."""

STATUS_S: Final = 60.0
FILLED_S: Final = 240.0
"""The longest time, in seconds, in which the collector may fill the gaps after the end (chosen)."""

HOURS: Final = 2.0


@define(eq=False)
class Replayed:
    """A node that replays the events of a simulated one, in a log of its own."""

    number: int
    events: Sequence[Event]
    draw: random.Random
    last: int = 0
    sent: int = 0
    lost: int = 0
    numbers: dict[int, tuple[Uplink, int]] = field(factory=dict)

    @property
    def name(self) -> str:
        """The node's name."""
        return f"v{self.number:05}"

    @property
    def log(self) -> str:
        """The id of the node's log."""
        return f"{self.number:032x}"

    async def run(self, broker: Broker, ends_s: float) -> None:
        """Send events over one connection until `ends_s`, and answer requests for a resend until cancelled."""
        topic, now = f"wagman/1/{self.name}", _now()
        online = {"online": True, "session": f"{self.number:016x}", "since": now}
        will = Will(f"{topic}/online", packed({**online, "online": False}, deflate=False), 120.0)
        await trio.sleep(self.draw.uniform(0, 5))  # not all at once
        async with connected(broker, self.name, will=will) as link:
            link.publish(f"{topic}/online", packed(online, deflate=False), retained=True)
            link.subscribe([f"{topic}/resend/+"])
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.listen, link, topic)
                nursery.start_soon(self.tell, link, topic)
                await self.happen(link, topic, ends_s)
                await trio.sleep_forever()

    async def happen(self, link: Link, topic: str, ends_s: float) -> None:
        """Let events happen, and send them as the bridge does."""
        uplink = Uplink(Place(self.log, 0))
        while trio.current_time() < ends_s:
            await trio.sleep(self.draw.expovariate(1 / EVERY_S))
            for _ in range(self.draw.randint(1, 3)):
                self.last += 1
                uplink.take(Happened(self.event(self.last), self.log))
            self.publish(link, topic, uplink, may_be_lost=True)

    def event(self, number: int) -> Event:
        """Return the event of this number in the node's log."""
        found = dict(self.events[(self.number * 7 + number) % len(self.events)])
        return {**found, "id": number}  # type: ignore[typeddict-item] # an event, with another number

    def publish(self, link: Link, topic: str, uplink: Uplink, *, may_be_lost: bool) -> None:
        """Publish all waiting messages."""
        while (message := uplink.next(is_due=True)) is not None:
            if may_be_lost and self.draw.random() < LOST:
                self.lost += 1
                uplink.acknowledged(message.number)
                continue
            self.sent += 1
            self.numbers[link.publish(f"{topic}/events", message.payload)] = uplink, message.number

    async def tell(self, link: Link, topic: str) -> None:
        """Publish the node's status, which has the last id of its log, again and again."""
        while True:
            status = {**summary_of(self.number, _now()), "log": self.log, "last": self.last}
            link.publish(f"{topic}/status", packed(status, deflate=True), retained=True)
            await trio.sleep(self.draw.uniform(0.5, 1.5) * STATUS_S)

    async def listen(self, link: Link, topic: str) -> None:
        """Take acknowledgements, and answer requests for a resend."""
        while True:
            match await link.receive():
                case Taken(number) if number in self.numbers:
                    uplink, of_uplink = self.numbers.pop(number)
                    uplink.acknowledged(of_uplink)
                case Message() as message:
                    with contextlib.suppress(PayloadError):
                        self.again(link, topic, message)
                    link.acknowledge(message)

    def again(self, link: Link, topic: str, message: Message) -> None:
        """Send the requested events again, as a bridge does."""
        asked = resend_of(message.payload)
        uplink = Uplink(Place(asked["log"], asked["first"] - 1), marks={"again": True})
        for number in range(asked["first"], min(asked["last"], self.last) + 1):
            uplink.take(Happened(self.event(number), self.log))
        self.publish(link, topic, uplink, may_be_lost=False)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def missing(database: Path, nodes: Sequence[Replayed]) -> int:
    """Return how many events are missing from the database.

    Raises:
        ValueError: an event is in the database twice, or has an id that its node did not give.
    """
    with contextlib.closing(sqlite3.connect(database)) as file:
        query = "SELECT node, count(*), count(DISTINCT id), min(id), max(id) FROM events GROUP BY node"
        here = {node: rest for node, *rest in file.execute(query)}
    for node in nodes:
        count, distinct, first, last = here.get(node.name, (0, 0, 1, 0))
        if count != distinct or first < 1 or last > node.last:
            raise ValueError(f"{node.name}: {count} rows, {distinct} ids, from {first} to {last} of {node.last}")
    return sum(node.last for node in nodes) - sum(int(row[0]) for row in here.values())


async def replay(nodes: Sequence[Replayed], broker: Broker, minutes: float, database: Path, pid: int) -> float:
    """Run all nodes; return after how many seconds from the end the last gap was filled, or infinity if a gap was left."""
    with trio.CancelScope() as life:
        async with trio.open_nursery() as nursery:
            ends_s = trio.current_time() + 60 * minutes
            for node in nodes:
                nursery.start_soon(node.run, broker, ends_s)
            while trio.current_time() < ends_s + EVERY_S:
                await trio.sleep(min(30.0, 60 * minutes / 4))
                print(_line(nodes, database, pid), flush=True)
            began_s = time.monotonic()
            while missing(database, nodes) and time.monotonic() < began_s + FILLED_S:  # noqa: ASYNC110 - it is another process
                await trio.sleep(1.0)
            took_s = time.monotonic() - began_s if not missing(database, nodes) else math.inf
            life.cancel()
    return took_s


def _line(nodes: Sequence[Replayed], database: Path, pid: int) -> str:
    told, lost = sum(node.last for node in nodes), sum(node.lost for node in nodes)
    used = f"collector {processor_s(pid):.1f} s of a processor, {rss_mb(pid):.0f} MB"
    return f"{told} events, {sum(node.sent for node in nodes)} messages, {lost} lost; missing {missing(database, nodes)}; {used}"


def main(argv: Sequence[str]) -> int:
    """Print the result; return 1 if a gap was left, otherwise 0."""
    count, minutes = int(argv[0]) if argv else 500, float(argv[1]) if len(argv) > 1 else 10.0
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    home = Path(tempfile.mkdtemp(prefix="fleet"))
    events: Any = mix(HOURS)
    nodes = [Replayed(number, events, random.Random(number)) for number in range(count)]  # noqa: S311 - a simulation
    broker = Mosquitto(home, ("max_queued_messages 0",))
    broker.start()
    (home / "noc.toml").write_text(OPERATOR.format(port=broker.port), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "wagman",
        "fleet",
        "collect",
        "--sqlite",
        str(home / "db"),
        "--config",
        str(home / "noc.toml"),
    ]
    collector = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while not (home / "db").exists() or "events" not in _tables(home / "db"):
            time.sleep(0.1)
        took_s = trio.run(replay, nodes, Broker("127.0.0.1", broker.port, is_tls=False), minutes, home / "db", collector.pid)
        print(_line(nodes, home / "db", collector.pid), f"filled {took_s:.0f} s after the end; load {os.getloadavg()[0]:.1f}")
        return int(took_s == math.inf)
    finally:
        collector.terminate()
        collector.wait()
        broker.stop()


def _tables(database: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(database)) as file:
        return [name for (name,) in file.execute("SELECT name FROM sqlite_master")]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
