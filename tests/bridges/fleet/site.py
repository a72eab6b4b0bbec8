"""A broker, a node with its service, and whoever collects: what is run in this process, at a broker that is one of its own."""

import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import trio
from attrs import define, evolve

from tests.bridges.fleet.brokers import AnyBroker
from tests.cli.kit import Daemon
from wagman.bridges.fleet.archive import Database
from wagman.bridges.fleet.bridge import Bridge
from wagman.bridges.fleet.collect import Collector, Intake
from wagman.bridges.fleet.command import now
from wagman.bridges.fleet.config import BrokerTable, EventsTable, FleetConfig, Node, Operator, Service, StatusTable
from wagman.bridges.fleet.ledger import Ledger
from wagman.client.following import Place

SOON_S = 20.0


@define(eq=False)
class Site:
    """A broker, a node with its service, and whoever collects."""

    home: Path
    broker: AnyBroker
    daemon: Daemon

    def config(self, **broker: Any) -> FleetConfig:
        return FleetConfig(
            evolve(BrokerTable("127.0.0.1", self.broker.port, tls=False, reconnect_max_s=0.2, will_delay_s=1.0), **broker),
            Node("v042"),
            Operator("collector"),
            Service(str(self.daemon.socket), str(self.home)),
            EventsTable(linger_s=0.1),
            StatusTable(least_s=0.1),
        )

    def bridge(self, config: FleetConfig | None = None) -> Bridge:
        ledger = Ledger(self.home / "ledger", 0.0)
        ledger.settle()
        return Bridge(self.config() if config is None else config, ledger, now, time.time, lambda seconds: seconds / 2, print)

    def collector(self, config: FleetConfig | None = None) -> Collector:
        config = self.config() if config is None else config
        intake = Intake(Database(self.home / "db"), print)
        return Collector(config, intake, "collector", now, lambda seconds: seconds / 2, lambda: "0123456789abcdef")

    def ids(self) -> list[int]:
        """Those of the database, as they came."""
        with closing(sqlite3.connect(self.home / "db")) as database:
            return [number for (number,) in database.execute("SELECT id FROM events ORDER BY number")]

    def row(self, node: str) -> object:
        with closing(sqlite3.connect(self.home / "db")) as database:
            return database.execute("SELECT * FROM nodes WHERE node = ?", (node,)).fetchone()

    def record(self, count: int) -> None:
        for _ in range(count):
            self.daemon.board("record test.event")

    def kill_broker(self) -> None:
        assert self.broker.process is not None
        self.broker.process.kill()
        self.broker.process.wait()

    @property
    def place(self) -> Place:
        """Up to there all is with the broker, as the bridge wrote it down."""
        with closing(Ledger(self.home / "ledger", 0.0)) as ledger:
            return ledger.place

    @property
    def last_id(self) -> int:
        return int(self.daemon.ask("events", limit=1)["last_id"])


@asynccontextmanager
async def running(*parts: Bridge | Collector) -> AsyncIterator[None]:
    with trio.fail_after(3 * SOON_S):
        async with trio.open_nursery() as nursery:
            for part in parts:
                nursery.start_soon(part.run)
            yield
            for part in parts:
                part.is_ending.set()


async def eventually(is_so: Callable[[], bool]) -> None:
    with trio.fail_after(SOON_S):
        while not is_so():  # noqa: ASYNC110 - what is waited for is another process
            await trio.sleep(0.02)
