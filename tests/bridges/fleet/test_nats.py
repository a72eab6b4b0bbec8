"""Bridge, collector and orders at a broker that is not mosquitto: NATS with JetStream, by MQTT 3.1.1. The database judges."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from tests.bridges.fleet.brokers import Nats, needs_nats
from tests.bridges.fleet.site import SOON_S, Site, eventually, running
from tests.cli.kit import Daemon
from wagman.bridges.fleet import table
from wagman.bridges.fleet.broker import LinkError
from wagman.bridges.fleet.config import FleetConfig, OrdersTable
from wagman.bridges.fleet.link import Message, connected

pytestmark = needs_nats


@pytest.fixture
def site(tmp_path: Path, daemon: Daemon) -> Iterator[Site]:
    broker = Nats(tmp_path)
    broker.start()
    try:
        yield Site(tmp_path, broker, daemon)
    finally:
        broker.stop()


def config(site: Site, **broker: Any) -> FleetConfig:
    return site.config(protocol="3.1.1", **broker)


def test_it_speaks_no_mqtt_5_and_that_is_said(site: Site) -> None:
    async def story() -> None:
        with pytest.raises(LinkError, match=r'Unsupported protocol version: put protocol = "3.1.1" into \[broker\]'):
            async with connected(site.config().endpoint, "one"):
                pass

    trio.run(story)


def test_each_event_is_there_once_though_broker_bridge_service_and_collector_are_killed(site: Site) -> None:
    async def story() -> None:
        async with running(site.collector(config(site))):
            async with running(site.bridge(config(site))):
                site.record(5)
                await eventually(lambda: site.ids() == list(range(1, site.last_id + 1)))
                site.kill_broker()
                site.record(5)
                site.broker.start()
                await eventually(lambda: sorted(site.ids()) == list(range(1, site.last_id + 1)))
            site.daemon.kill()
            site.daemon.start()
            site.record(5)
            with trio.CancelScope() as life:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(site.bridge(config(site)).run)
                    await eventually(lambda: len(site.ids()) == site.last_id)
                    life.cancel()  # it has no time to take leave
        # Nobody is there to take what comes now, and the broker is killed with it.
        async with running(site.bridge(config(site))):
            site.record(5)
            await eventually(lambda: site.place.id == site.last_id)
            site.kill_broker()
            site.broker.start()
        async with running(site.collector(config(site)), site.bridge(config(site))):
            await eventually(lambda: sorted(site.ids()) == list(range(1, site.last_id + 1)))

    trio.run(story)
    assert len(site.ids()) == site.last_id


def test_a_node_that_is_gone_is_offline_by_its_last_will_and_the_table_is_from_the_broker(site: Site) -> None:
    async def until(*, is_online: bool) -> None:
        with trio.fail_after(SOON_S):
            while True:
                online, _ = (await table.gather(config(site), "looks")).get("v042", (None, None))
                if online is not None and online["online"] is is_online:
                    return

    async def story() -> None:
        with trio.CancelScope() as life:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(site.bridge(config(site)).run)
                await until(is_online=True)
                life.cancel()
        await until(is_online=False)

    trio.run(story)


@pytest.mark.parametrize("is_retained", [True, False])
def test_an_order_is_carried_out_once_and_one_that_the_broker_held_is_late(site: Site, is_retained: bool) -> None:
    takes = evolve(config(site), orders=OrdersTable(("alice",), ("stop", "start")))
    before = site.last_id

    def order(number: str, within_s: float) -> bytes:
        until = (datetime.now(UTC) + timedelta(seconds=within_s)).isoformat()
        return json.dumps({"v": 1, "id": number, "do": "stop", "device": "gn", "until": until}).encode()

    async def story() -> None:
        said = list[dict[str, Any]]()
        async with connected(takes.endpoint, "alice", keeps_s=60) as alice:

            async def until_said(number: str) -> None:
                while not any(each["id"] == number for each in said):
                    news = await alice.receive()
                    if isinstance(news, Message):
                        said.append(json.loads(news.payload))
                        alice.acknowledge(news)

            alice.subscribe(["wagman/1/v042/done/alice"])
            await alice.receive()
            async with running(site.bridge(takes)):
                await eventually(lambda: site.place.id == site.last_id)
                for _ in range(3):
                    alice.publish("wagman/1/v042/do/alice", order("in-time-1", 30.0))
                await until_said("in-time-1")
            alice.publish("wagman/1/v042/do/alice", order("too-late-1", 0.3), retained=is_retained)
            await trio.sleep(0.4)
            async with running(site.bridge(takes)):
                # What it gave to a connection that was just ending, NATS gives again after 30 s.
                with trio.move_on_after(2 * SOON_S):
                    await until_said("too-late-1")
        outcomes = {each["outcome"] for each in said if each["id"] == "too-late-1"}
        assert outcomes in ({"expired"}, {"refused"}), "its session was kept, or it was retained, which is refused"

    trio.run(story)
    events = site.daemon.ask("events", since=before, type="command.stop")["events"]
    assert [each["fields"]["order"] for each in events] == ["in-time-1"]
