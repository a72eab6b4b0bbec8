"""Bytes on a serial port: what is a beat, and what is not known while the port is away."""

import os
from collections.abc import Awaitable, Callable

import trio
from attrs import define, field
from trio.testing import MockClock

from wagman.io.ears.hearing import Hearing
from wagman.io.ears.network import Network
from wagman.io.ears.passive import AGAIN_S, TURN_S
from wagman.io.ears.serial import RETRY_S, SerialEar, SerialListener
from wagman.io.serial.transport import Transport
from wagman.model.errors import LinkGoneError
from wagman.model.facts import Beat, Listened, PortFact


@define(eq=False)
class Port:
    """A serial port in virtual time."""

    kept: list[bytes] = field(factory=list)  # what waits to be read
    is_there: bool = True
    arrived: trio.Event = field(factory=trio.Event)

    async def open(self) -> Transport:
        await trio.lowlevel.checkpoint()
        if not self.is_there:
            raise LinkGoneError("No such file or directory")
        return self

    def say(self, *chunks: bytes) -> None:
        self.kept.extend(chunks)
        self.arrived.set()

    def unplug(self) -> None:
        self.is_there = False
        self.arrived.set()

    async def receive_some(self) -> bytes:
        while self.is_there and not self.kept:
            self.arrived = trio.Event()
            await self.arrived.wait()
        await trio.lowlevel.checkpoint()
        if not self.is_there:
            raise LinkGoneError("the port hung up")
        return self.kept.pop(0)

    async def send_all(self, data: bytes) -> None:
        raise AssertionError("an ear says nothing")

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


@define(eq=False)
class Site:
    port: Port
    clock: MockClock
    told: list[PortFact]
    ear: SerialListener

    @property
    def beats(self) -> list[float]:
        return [round(fact.at_s, 3) for fact in self.told if isinstance(fact, Beat)]

    @property
    def silences(self) -> list[tuple[float, float]]:
        return [(round(fact.silent_since_s, 3), round(fact.asked_at_s, 3)) for fact in self.told if isinstance(fact, Listened)]


def played(script: Callable[[Site], Awaitable[None]], *, is_there: bool = True) -> Site:
    clock, told, sites = MockClock(autojump_threshold=0), list[PortFact](), list[Site]()

    async def main() -> None:
        port = Port(is_there=is_there)
        source = Hearing(told.append).add("serial", heard=True)
        ear = SerialListener(SerialEar(serial="/dev/ttyUSB3"), source, Network.none(), opener=port.open)
        sites.append(Site(port, clock, told, ear))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ear.run)
            await script(sites[0])
            nursery.cancel_scope.cancel()

    trio.run(main, clock=clock)
    return sites[0]


def test_bytes_are_a_beat_and_their_absence_is_silence_since_then() -> None:
    async def script(site: Site) -> None:
        await trio.sleep(5.5)
        site.port.say(b"login: ")
        await trio.sleep(25)

    site = played(script)
    assert site.beats == [5]  # nothing waited then
    assert site.silences[0][0] == 5.5
    assert site.silences[-1][0] == 5.5
    assert 20 + AGAIN_S - TURN_S <= site.silences[-1][1] <= 20 + AGAIN_S


def test_what_a_stopped_service_reads_later_is_as_old_as_it_may_be() -> None:
    async def script(site: Site) -> None:
        await trio.sleep(5.5)
        site.clock.jump(300)
        site.port.say(b"panic", b"panic", b"panic")  # whenever that came
        await trio.sleep(5)
        site.port.say(b"login: ")
        await trio.sleep(1)

    site = played(script)
    assert site.beats[:3] == [5, 5, 5]
    assert 308 < site.beats[3] <= 310.5
    assert all(since_s >= 305.5 or asked_at_s <= 5.5 for since_s, asked_at_s in site.silences)


def test_a_port_that_is_away_proves_nothing_and_is_tried_again() -> None:
    async def script(site: Site) -> None:
        await trio.sleep(1)
        assert (site.ear.trouble,) == ("No such file or directory",)
        await trio.sleep(60)
        assert site.told == []
        site.port.is_there = True
        await trio.sleep(RETRY_S)
        await trio.sleep(30)
        assert site.silences[0][0] > 60
        told = len(site.silences)
        site.port.unplug()
        await trio.sleep(60)
        assert (site.ear.trouble, len(site.silences)) == ("No such file or directory", told)

    played(script, is_there=False)


def test_a_real_port_is_read() -> None:
    far, near = os.openpty()
    told: list[PortFact] = []

    async def main() -> None:
        config = SerialEar(serial=os.ttyname(near))
        ear = SerialListener(config, Hearing(told.append).add("serial", heard=False), Network.none(), opener=config.open)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ear.run)
            with trio.fail_after(20):
                while not told:
                    os.write(far, b"login: ")
                    await trio.sleep(0.02)
            nursery.cancel_scope.cancel()

    try:
        trio.run(main)
    finally:
        os.close(far)
        os.close(near)
    assert isinstance(told[0], Beat)
    assert told[0].source == "serial"
