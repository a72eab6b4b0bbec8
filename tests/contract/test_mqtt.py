"""The contract of boards, held by what speaks to a fake plug at a real broker; the tables of boards and guests behind one."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from attrs import define

from tests.io.brokers import FakeTasmota, Mosquitto, mosquitto, needs_mosquitto
from wagman.io.ears.mqtt import MqttEar
from wagman.io.mqtt import MqttBoard, visit
from wagman.testing import BoardContract, BoardSite, BoardTableContract, EarTableContract, Power, Trouble

BACKLOG = "Power%p OFF; Delay %s0; Power%p ON"


class TestMqttTable(BoardTableContract):
    board = MqttBoard
    table = f'host = "hub"\npreset = "tasmota"\ndevice = "shed-plug"\npulse = "{BACKLOG}"\npulse_topic = "cmnd/%d/Backlog"'
    ports = ("1", "plug nas")
    several = ("+", "#", "1/+", "%d")


class TestMqttEarTable(EarTableContract):
    ear, table = MqttEar, 'mqtt = "site/gn/alive"\nbroker = "hub"'


@define(eq=False)
class MqttSite(BoardSite):
    """A back end, the broker that it speaks to, and the plug behind that."""

    broker: Mosquitto
    plug: FakeTasmota

    async def power(self, port: str) -> Power:
        return "on" if self.plug.on[int(port) - 1] else "off"

    async def trouble(self, kind: Trouble | None) -> None:
        self.plug.is_deaf = kind == "hangs"
        self.plug.is_garbled = kind == "garbage"
        if kind == "gone":
            self.broker.stop()
        elif self.broker.process is None:
            self.plug.is_ready.clear()
            self.broker.start()
            assert self.plug.is_ready.wait(10)

    async def replace(self) -> None:
        self.plug.mac = "2C3AE8FFFFFF"

    async def restart(self) -> None:
        self.plug.restart()


@needs_mosquitto
class TestMqtt(BoardContract):
    ports, absent = ("1", "3"), "9"
    troubles = ("gone", "hangs", "garbage")

    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What does not come is not waited for as long as in earnest."""
        monkeypatch.setattr(visit, "ANSWER_S", 0.5)

    @pytest.fixture(autouse=True)
    def broker(self, tmp_path: Path) -> Iterator[None]:
        with mosquitto(tmp_path) as self.started:
            yield

    @asynccontextmanager
    async def site(self) -> AsyncIterator[BoardSite]:
        plug = FakeTasmota(self.started, relays=3)
        plug.plug_in()
        try:
            board = MqttBoard(host=self.started.address, preset="tasmota", device="plug", pulse=BACKLOG, settle_s=0.1)
            yield MqttSite(board.backend(), self.started, plug)
        finally:
            plug.unplug()
