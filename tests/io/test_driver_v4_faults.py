"""One fault at each request of a v4 board in turn, in virtual time: whatever is lost, doubled or mixed up, a guest is switched
on once and off once, and stays off."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import trio
from attrs import define

from tests.io.faults import Wrapper
from tests.io.test_board import OFF, ON, Rig, with_rig
from wagman.fake.v3_port import State
from wagman.io.serial.transport import Transport
from wagman.io.v4.requests import ENABLE, REQUESTS
from wagman.model.facts import PowerFound, PowerLost, RelayOff, RelayOn
from wagman.simulation.requests import requests_in

CHUNKS = json.loads((Path(__file__).parents[1] / "data" / "captures" / "v4-stream-135s.json").read_text())["chunks"]
REPORT = b"".join(bytes.fromhex(chunk["hex"]) for chunk in CHUNKS if 59 <= chunk["t"] < 61)

REQUESTS_TRIED = 14
"""So many requests there are, and some polls, from a start to the end of the stop that follows."""


@define
class Fault:
    """What becomes of a request, and of the bytes that are read until the next one is sent."""

    sent: Callable[[bytes], bytes] = bytes
    read: Callable[[bytes], bytes] = bytes


FAULTS = {
    "the request is lost": Fault(sent=lambda _data: b""),
    "its first half is lost": Fault(sent=lambda data: data[len(data) // 2 :]),
    "its second half is lost": Fault(sent=lambda data: data[: len(data) // 2] + b"\n"),
    "it comes twice": Fault(sent=lambda data: data * 2),
    "the replies are lost": Fault(read=lambda _data: b""),
    "the replies come twice": Fault(read=lambda data: data * 2),
    "the replies run into each other": Fault(read=lambda data: data.replace(b"\n", b"")),
    "the first characters of the replies are lost": Fault(read=lambda data: data[3:]),
    "a character of the replies is changed": Fault(read=lambda data: data[:9] + b"/" + data[10:]),
    "the minute report comes before the replies": Fault(read=lambda data: REPORT + data),
    "the minute report comes after the replies": Fault(read=lambda data: data + REPORT),
}


@define
class Plan:
    """Which request it befalls."""

    fault: Fault
    number: int
    begin: Callable[[], None] = lambda: None  # is called when it is its turn
    made: int = -1  # requests so far; -1: not yet counting

    @property
    def is_due(self) -> bool:
        return self.made == self.number

    def count(self) -> None:
        if self.made < 0:
            return
        self.made += 1
        if self.is_due:
            self.begin()


class Befallen(Wrapper):
    """A transport that the plan's fault befalls."""

    def __init__(self, inner: Transport, plan: Plan) -> None:
        super().__init__(inner)
        self.plan = plan

    async def send_all(self, data: bytes) -> None:
        self.plan.count()
        await self.inner.send_all(self.plan.fault.sent(data) if self.plan.is_due else data)

    async def receive_some(self) -> bytes:
        while True:
            data = await self.inner.receive_some()
            kept = self.plan.fault.read(data) if self.plan.is_due else data
            if kept:
                return kept


async def switch_on_and_off(rig: Rig, plan: Plan) -> None:
    """A start and a stop under the plan; in the end the port is off, and stays so."""
    await trio.sleep(20)
    plan.made = 0
    rig.want(1, ON(1, "sd"))
    await trio.sleep(25)
    rig.want(1, OFF(1))
    await trio.sleep(75)
    assert plan.made > REQUESTS_TRIED
    assert rig.fake.board.firmware.ports[1].state is State.STOPPING  # type: ignore[attr-defined]
    await trio.sleep(300)
    assert not rig.is_on[1]
    assert rig.told(PowerFound) == []


@pytest.mark.parametrize("number", range(1, REQUESTS_TRIED + 1))
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_guest_is_switched_on_once_and_off_once_whatever_befalls_one_request(fault: Fault, number: int) -> None:
    async def main(rig: Rig) -> None:
        await switch_on_and_off(rig, plan)
        assert rig.relays(1) == [(True, "command"), (False, "command")]
        assert len(rig.told(RelayOn, 1)) == len(rig.told(RelayOff, 1)) == 1
        assert rig.told(PowerLost) == []

    plan = Plan(fault, number)
    with_rig(main, "v4", faults=[partial(Befallen, plan=plan)])


@pytest.mark.parametrize("number", range(1, REQUESTS_TRIED + 1))
def test_a_restart_of_the_board_at_any_request_neither_cuts_a_guest_nor_starts_one(number: int) -> None:
    async def main(rig: Rig) -> None:
        plan.begin = rig.fake.reset
        await switch_on_and_off(rig, plan)
        assert rig.relays(1) in ([], [(True, "command"), (False, "command")])  # none where it had not been switched on yet

    plan = Plan(Fault(), number)
    with_rig(main, "v4", faults=[partial(Befallen, plan=plan)])


def test_the_service_never_enables_a_port_and_resets_nothing() -> None:
    sent = list[tuple[str, ...]]()

    class Recording(Wrapper):
        async def send_all(self, data: bytes) -> None:
            sent.extend(requests_in(data))
            await super().send_all(data)

    async def main(rig: Rig) -> None:
        for level in (ON(1), OFF(1), ON(2)):
            for port in (1, 2, 3, 4):
                rig.want(port, level)
            await trio.sleep(120)
            rig.fake.reset()
            await trio.sleep(3600)
        assert {name for name, *_ in sent} >= {"start", "ping", "stop", "disable"}
        assert not {name for name, *_ in sent} & {"enable", "reset", "eereset"}

    assert ENABLE in REQUESTS.values()
    with_rig(main, "v4", faults=[Recording])
