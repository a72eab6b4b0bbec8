"""Guests that publish: what is a beat of theirs, what their silence shows, and what becomes of both when the broker goes."""

import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from tests.io.brokers import FakeTasmota, Mosquitto, mosquitto, needs_mosquitto
from wagman.io.ears import mqtt
from wagman.io.ears.hearing import Hearing
from wagman.io.ears.mqtt import MqttEar, MqttListener, doubt
from wagman.io.ears.network import Network
from wagman.io.ears.passive import AGAIN_S, Shared
from wagman.io.mqtt import client
from wagman.model.facts import Beat, Listened, PortFact

EVERY_S = 0.2
SOON_S = 10.0


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mosquitto]:
    for module, name, short_s in (
        (mqtt, "TURN_S", 0.05),
        (mqtt, "RETRY_S", 0.1),
        (mqtt, "BROKER_S", 0.5),
        (client, "BROKER_S", 0.5),
    ):
        monkeypatch.setattr(module, name, short_s)
    with mosquitto(tmp_path) as started:
        yield started


@define(eq=False)
class Site:
    """Guests that are heard through one broker, and what each was told."""

    broker: Mosquitto
    shared: Shared = field(factory=Shared)
    configs: dict[str, MqttEar] = field(factory=dict)
    told: dict[str, list[PortFact]] = field(factory=dict)
    ears: dict[str, MqttListener] = field(factory=dict)

    def add(self, guest: str, topic: str, **more: Any) -> None:
        self.configs[guest] = MqttEar(mqtt=topic, host=self.broker.address, every_s=EVERY_S, **more)
        self.told[guest] = []

    def _open(self, guest: str, config: MqttEar) -> None:
        source = Hearing(self.told[guest].append).add(config.source, heard=True)
        self.ears[guest] = config.ear(guest, source, Network.none(), self.shared)

    def open(self) -> None:
        for guest, config in self.configs.items():
            self._open(guest, config)

    def beats(self, guest: str) -> list[Beat]:
        return [fact for fact in self.told[guest] if isinstance(fact, Beat)]

    def silent_s(self, guest: str) -> float:
        silences = [fact for fact in self.told[guest] if isinstance(fact, Listened)]
        return max((fact.asked_at_s - fact.silent_since_s for fact in silences), default=0.0)


def listening(site: Site, story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        site.open()
        async with trio.open_nursery() as nursery:
            for task in (*site.shared.tasks.values(), *site.ears.values()):
                nursery.start_soon(task.run)
            with trio.fail_after(3 * SOON_S):
                await until(lambda: all(ear._is_open for ear in site.ears.values()))
                await story()
            nursery.cancel_scope.cancel()

    trio.run(main)


async def until(is_so: Callable[[], bool]) -> None:
    with trio.fail_after(SOON_S):
        while not is_so():  # noqa: ASYNC110 - what arrives from outside sets no event
            await trio.sleep(0.01)


async def publish(broker: Mosquitto, topic: str, payload: str | None, *, retained: bool = False) -> None:
    await trio.to_thread.run_sync(lambda: broker.publish(topic, payload, retained=retained))


@needs_mosquitto
def test_what_a_guest_publishes_is_a_beat_of_it_and_of_nobody_else(broker: Mosquitto) -> None:
    site = Site(broker)
    site.add("gn", "site/gn/+")
    site.add("cs", "site/cs/alive", expect="well")

    async def story() -> None:
        before_s = trio.current_time()
        await publish(broker, "site/gn/alive", "1")
        await publish(broker, "site/cs/alive", "ill")
        await publish(broker, "site/cs/alive", "quite well")
        await until(lambda: len(site.beats("cs")) == 1)
        assert len(site.beats("gn")) == 1
        assert site.beats("gn")[0].at_s <= trio.current_time()
        assert site.beats("gn")[0].at_s > before_s - SOON_S

    listening(site, story)
    assert len(site.shared.tasks) == 1  # one connection for both


@needs_mosquitto
def test_what_the_broker_had_kept_is_no_beat(broker: Mosquitto) -> None:
    broker.publish("site/gn/alive", "1", retained=True)
    site = Site(broker)
    site.add("gn", "site/gn/alive")

    async def story() -> None:
        await until(lambda: site.silent_s("gn") > 3 * EVERY_S)
        assert not site.beats("gn")
        await publish(broker, "site/gn/alive", "1", retained=True)  # but what arrives now is one, though it is kept for others
        await until(lambda: len(site.beats("gn")) == 1)

    listening(site, story)


@needs_mosquitto
def test_a_last_will_is_no_beat_and_no_silence(broker: Mosquitto) -> None:
    site, guest = Site(broker), FakeTasmota(broker)
    site.add("gn", "tele/plug/LWT")

    async def story() -> None:
        await trio.to_thread.run_sync(guest.plug_in)
        await until(lambda: len(site.beats("gn")) == 1)
        beat_at_s = trio.current_time()
        await trio.to_thread.run_sync(guest.unplug)
        await until(lambda: site.ears["gn"].refused is not None)
        assert len(site.beats("gn")) == 1
        await until(lambda: site.silent_s("gn") > 3 * EVERY_S)  # which begins with the last beat
        assert all(fact.silent_since_s <= beat_at_s + AGAIN_S for fact in site.told["gn"] if isinstance(fact, Listened))

    listening(site, story)


@needs_mosquitto
def test_nobody_is_silent_while_the_broker_is_gone(broker: Mosquitto) -> None:
    site = Site(broker)
    site.add("gn", "site/gn/alive")

    async def story() -> None:
        await until(lambda: site.silent_s("gn") > EVERY_S)
        await trio.to_thread.run_sync(broker.stop)
        await until(lambda: site.ears["gn"].trouble is not None)
        assert "cannot be reached" in str(site.ears["gn"].trouble) or "hung up" in str(site.ears["gn"].trouble)
        told = len(site.told["gn"])
        await trio.sleep(4 * EVERY_S)
        assert len(site.told["gn"]) == told
        back_at_s = trio.current_time()
        await trio.to_thread.run_sync(broker.start)
        await until(lambda: len(site.told["gn"]) > told)
        latest = site.told["gn"][-1]
        assert isinstance(latest, Listened)
        assert latest.silent_since_s >= back_at_s  # the silence begins anew

    listening(site, story)


@needs_mosquitto
def test_a_broker_that_hangs_proves_no_silence(broker: Mosquitto) -> None:
    site = Site(broker)
    site.add("gn", "site/gn/alive")

    async def story() -> None:
        assert broker.process is not None
        await until(lambda: site.silent_s("gn") > EVERY_S)
        os.kill(broker.process.pid, signal.SIGSTOP)
        try:
            stopped_at_s = trio.current_time()
            await until(lambda: site.ears["gn"].trouble is not None)
        finally:
            os.kill(broker.process.pid, signal.SIGCONT)
        assert all(fact.asked_at_s <= stopped_at_s + 0.1 for fact in site.told["gn"] if isinstance(fact, Listened))

    listening(site, story)


@needs_mosquitto
def test_a_broker_that_is_busy_proves_what_it_answered(broker: Mosquitto) -> None:
    site = Site(broker)
    site.add("gn", "site/gn/#")

    async def story() -> None:
        until_s = time.monotonic() + 3 * EVERY_S
        while time.monotonic() < until_s:
            await publish(broker, "site/gn/alive", "x" * 10_000)
        assert site.silent_s("gn") < 2 * EVERY_S
        assert site.ears["gn"].trouble is None

    listening(site, story)


@pytest.mark.parametrize("payload", [b"", b" ", b"offline", b"Offline", b"OFFLINE\n", b'{"state":"offline"}', b'"offline"'])
def test_a_last_will_is_known_by_what_it_says(payload: bytes) -> None:
    assert doubt(payload, None) is not None


@pytest.mark.parametrize("payload", [b"online", b"Online", b"1", b"{}", b'{"state":"online"}', b"null", b"\xff", b"[" * 50_000])
def test_whatever_else_is_said_is_a_beat(payload: bytes) -> None:
    assert doubt(payload, None) is None


@given(st.binary(max_size=200), st.none() | st.text(min_size=1))
def test_any_message_is_believed_or_refused(payload: bytes, expect: str | None) -> None:
    reason = doubt(payload, expect)
    assert reason is None or reason


def test_another_broker_is_another_source() -> None:
    one, other = (MqttEar(mqtt="gn/alive", host=host) for host in ("hub", "hub:1884"))
    assert (one.source, other.source) == ("mqtt hub gn/alive", "mqtt hub:1884 gn/alive")
