"""The contract of boards, held by the rails: what speaks HTTP to a fake one, and the fake that speaks nothing."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random

import trio
from attrs import define, evolve

from tests.io.plugs import HOST, MAC, OTHER, Network, rail_of
from wagman.fake.guests import Guest
from wagman.fake.plain import FakePlugs, Flaky
from wagman.fake.plain.plugs import METERED
from wagman.fake.plugs.rail import FakeRail
from wagman.fake.plugs.server import Fault, PlugServer, Request, Response
from wagman.fake.plugs.shelly import FakeShelly
from wagman.fake.plugs.tasmota import FakeTasmota
from wagman.io.http import Connect
from wagman.io.shelly import Shelly, ShellyBoard
from wagman.io.tasmota import Tasmota, TasmotaBoard
from wagman.model.backend import Backend, Identity, Look
from wagman.model.errors import StrangerError
from wagman.testing import BoardContract, BoardSite, BoardTableContract, Power, Trouble

FAULTS: Mapping[Trouble | None, Fault | None] = {
    None: None,
    "gone": "refuse",
    "hangs": "hang",
    "refuses": "error",
    "garbage": "garbage",
    "half": "half",
}


@define(eq=False)
class RailSite(BoardSite):
    """A back end, and the rail that it speaks to."""

    rail: FakeRail
    server: PlugServer
    least: int  # what its first outlet is called

    async def power(self, port: str) -> Power:
        self.server.catch_up()
        return "on" if self.rail.outlets[int(port) - self.least].contact.on else "off"

    async def trouble(self, kind: Trouble | None) -> None:
        self.server.fault = FAULTS[kind]

    async def replace(self) -> None:
        self.rail.replace(OTHER)

    async def restart(self) -> None:
        self.server.catch_up()
        self.rail.restart("warm")


@asynccontextmanager
async def rail_site(
    rail: FakeRail, answer: Callable[[Request], Response], backend: Callable[[Connect], Backend], least: int
) -> AsyncIterator[RailSite]:
    async with trio.open_nursery() as nursery:
        network = Network.of(nursery, rail, answer)
        yield RailSite(backend(network.connect), rail, network.server, least)
        nursery.cancel_scope.cancel()


class TestShellyTable(BoardTableContract):
    board = ShellyBoard
    table = 'host = "192.168.1.97"\nid = "AABBCCDDEEFF"'
    ports = ("0", "3")
    several = ("0,1", "0-3", "[0-3]", "00", "all", "switch:0")


class TestTasmotaTable(BoardTableContract):
    board = TasmotaBoard
    table = 'host = "shed-plug"'
    ports = ("1", "4")
    several = ("1,2", "1-4", "01", "0", "POWER1", "all")  # its own Power0 is all of them


class TestShelly(BoardContract):
    ports, absent, virtual = ("0", "2"), "9", True

    @asynccontextmanager
    async def site(self) -> AsyncIterator[BoardSite]:
        rail = rail_of()
        async with rail_site(rail, FakeShelly(rail).answer, lambda connect: Shelly(ShellyBoard(host=HOST), connect), 0) as site:
            yield site


class TestShellyWithAnId(TestShelly):
    @asynccontextmanager
    async def site(self) -> AsyncIterator[BoardSite]:
        rail, config = rail_of(metered=False), ShellyBoard(host=HOST, id=MAC)
        async with rail_site(rail, FakeShelly(rail).answer, lambda connect: Shelly(config, connect), 0) as site:
            yield site


class TestTasmota(BoardContract):
    ports, absent, virtual = ("1", "3"), "9", True

    @asynccontextmanager
    async def site(self) -> AsyncIterator[BoardSite]:
        rail = rail_of(survives=False)
        config = TasmotaBoard(host=HOST)
        async with rail_site(rail, FakeTasmota(rail).answer, lambda connect: Tasmota(config, connect), 1) as site:
            yield site


class Meant(Flaky):
    """Takes nobody but the first for the rail that is meant, as the driver of plain boards does where a back end does not."""

    met: Identity | None = None

    async def greet(self) -> Identity:
        told = await self.inner.greet()
        self.met = self.met or told
        if told.board_id != self.met.board_id:
            raise StrangerError(f"{told.board_id} answers, and not {self.met.board_id}")
        return told

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        await self.greet()
        return await self.inner.look(ports)

    async def switch(self, port: str, *, on: bool) -> None:
        await self.greet()
        await self.inner.switch(port, on=on)

    async def pulse(self, port: str, off_s: float) -> None:
        await self.greet()
        await super().pulse(port, off_s)


@define(eq=False)
class PlugsSite(BoardSite):
    """The rail of the simulation, which is its own truth."""

    plugs: FakePlugs

    async def power(self, port: str) -> Power:
        return "on" if self.plugs.outlets[port].relay.on else "off"

    async def replace(self) -> None:
        self.plugs.board_id = OTHER

    async def restart(self) -> None:
        self.plugs.restart(cold=False)


class TestFakePlugs(BoardContract):
    """What goes wrong with this one are wrappers of their own."""

    ports, absent, virtual = ("left", "right"), "middle", True
    troubles = ()

    @asynccontextmanager
    async def site(self) -> AsyncIterator[BoardSite]:
        async with trio.open_nursery() as nursery:
            plugs = FakePlugs({port: Guest(port) for port in self.ports}, evolve(METERED, pulse=True), nursery=nursery)
            yield PlugsSite(Meant(plugs, Random(0)), plugs)
            nursery.cancel_scope.cancel()
