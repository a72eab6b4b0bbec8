"""The fake plugs: what is true of their outlets, and clients that nobody here wrote."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.io.plugs import rail_of
from wagman.fake.hardware import DirtyCut, Record, RelayChange
from wagman.fake.plugs.rail import BOOT_S, LYING_S, FakeRail
from wagman.fake.plugs.server import PlugServer
from wagman.fake.plugs.shelly import FakeShelly
from wagman.fake.plugs.tasmota import FakeTasmota
from wagman.io.shelly import ShellyBoard
from wagman.io.tasmota import TasmotaBoard

# --- The rail ---------------------------------------------------------------------------------------------------------


def told(rail: FakeRail, port: int = 0, *, on: bool, toggle_after_s: float | None = None) -> None:
    rail.command(port, "a request", on=on, source="test", toggle_after_s=toggle_after_s)


def changes(rail: FakeRail) -> list[tuple[float, int | str, bool]]:
    return [(change.board_s, change.port, change.on) for change in rail.relay_log]


def test_an_outlet_feeds_its_guest_and_a_cut_of_one_that_runs_is_dirty() -> None:
    seen: list[Record] = []
    rail = rail_of(observe=seen.append)
    told(rail, on=True)
    rail.advance(20)
    assert rail.outlets[0].guest.state(20) == "running"
    told(rail, on=False)
    assert seen == [
        RelayChange(0, 0, True, "command", "a request"),
        RelayChange(20, 0, False, "command", "a request"),
        DirtyCut(20, 0, "running", "command"),
    ]


def test_a_welded_contact_is_told_off_and_goes_on_feeding() -> None:
    rail = rail_of()
    told(rail, on=True)
    rail.weld(0)
    told(rail, on=False)
    rail.advance(100)
    assert not rail.outlets[0].told_on
    assert rail.watts(0) == pytest.approx(5.76)
    rail.mend(0)
    assert changes(rail) == [(0, 0, True), (100, 0, False)]


def test_a_meter_that_lies_shows_nothing_for_a_while_after_an_off() -> None:
    rail = rail_of()
    rail.let_meters_lie()
    told(rail, on=True)
    rail.weld(0)
    rail.advance(10)
    assert rail.watts(0) == pytest.approx(5.76)
    told(rail, on=False)
    assert rail.watts(0) == 0
    assert rail.real_watts(0) == pytest.approx(5.76)
    rail.advance(10 + LYING_S)
    assert rail.watts(0) == pytest.approx(5.76)


def test_what_is_late_is_done_late_and_what_is_ignored_is_not_done() -> None:
    rail = rail_of()
    rail.delay(11)
    told(rail, on=True)
    assert rail.next_at_s == 11
    rail.advance(30)
    assert changes(rail) == [(11, 0, True)]
    rail.delay(0)
    rail.ignore(2)
    told(rail, on=False)
    told(rail, on=False)
    assert rail.outlets[0].told_on
    told(rail, on=False)
    assert changes(rail) == [(11, 0, True), (30, 0, False)]


def test_an_outlet_comes_back_by_itself_unless_somebody_switched_it_meanwhile() -> None:
    rail = rail_of()
    told(rail, on=True)
    told(rail, on=False, toggle_after_s=30)
    rail.advance(100)
    assert changes(rail) == [(0, 0, True), (0, 0, False), (30, 0, True)]
    told(rail, on=False, toggle_after_s=30)
    told(rail, on=False)
    rail.advance(200)
    assert not rail.outlets[0].contact.on


def test_a_hand_at_the_button_ends_what_it_was_to_do_by_itself() -> None:
    rail = rail_of()
    rail.let_meters_lie()
    told(rail, on=True)
    told(rail, on=False, toggle_after_s=30)
    rail.advance(10)
    rail.switch_by_hand(0, on=True)
    rail.advance(20)
    rail.weld(0)
    rail.switch_by_hand(0, on=False)
    assert rail.watts(0) == 0
    assert rail.real_watts(0) == pytest.approx(5.76)
    rail.mend(0)
    rail.advance(200)
    assert changes(rail) == [(0, 0, True), (0, 0, False), (10, 0, True), (20, 0, False)]


def test_a_hand_at_the_button_of_a_rail_without_power_does_nothing() -> None:
    rail = rail_of()
    rail.restart("cold", outage_s=60)
    rail.switch_by_hand(0, on=True)
    assert changes(rail) == []
    rail.advance(200)
    assert not rail.outlets[0].told_on


@pytest.mark.parametrize("survives", [True, False])
def test_a_warm_restart_keeps_the_outlets_or_drops_them_for_a_moment(survives: bool) -> None:
    rail = rail_of(survives=survives)
    told(rail, on=True)
    rail.advance(100)
    rail.restart("warm")
    assert (rail.boots, rail.cold, rail.answers) == (2, False, False)
    rail.advance(100 + BOOT_S)
    assert (rail.answers, rail.uptime_s) == (True, BOOT_S)
    assert changes(rail)[1:] == ([] if survives else [(100, 0, False), (100, 0, True)])
    assert [change.by for change in rail.relay_log] == ["command", *(() if survives else ("reset", "board"))]


@pytest.mark.parametrize(("does", "is_on"), [("on", [True, True]), ("off", [False, False]), ("last", [True, False])])
def test_a_cold_restart_cuts_all_and_does_as_it_is_set_to(does: Any, is_on: list[bool]) -> None:
    rail = rail_of(2, on_restore=does)
    told(rail, 0, on=True)
    rail.advance(100)
    rail.restart("cold", outage_s=60)
    assert changes(rail)[1:] == [(100, 0, False)]
    assert rail.relay_log[-1].by == "powercycle"
    rail.advance(159)
    assert not any(outlet.contact.on for outlet in rail.outlets)
    rail.advance(200)
    assert [outlet.contact.on for outlet in rail.outlets] == is_on
    assert (rail.boots, rail.cold) == (2, True)


def test_what_a_rail_was_to_do_it_forgets_when_it_restarts() -> None:
    rail = rail_of(on_restore="off")
    told(rail, on=True)
    told(rail, on=False, toggle_after_s=30)
    rail.restart("warm")
    rail.advance(100)
    assert not rail.outlets[0].contact.on
    rail.delay(20)
    told(rail, on=True)
    rail.restart("cold")
    rail.advance(200)
    assert not rail.outlets[0].contact.on


def test_a_rail_without_power_cannot_be_restarted_and_comes_back_with_its_power() -> None:
    rail = rail_of(on_restore="last")
    told(rail, on=True)
    rail.restart("cold", outage_s=25)
    rail.restart("warm", outage_s=5)
    assert not rail.outlets[0].contact.on
    rail.advance(200)
    assert (rail.outlets[0].told_on, rail.outlets[0].contact.on, rail.boots) == (True, True, 2)


def test_a_welded_contact_feeds_again_when_the_power_comes_back() -> None:
    rail = rail_of(on_restore="off")
    told(rail, on=True)
    rail.weld(0)
    rail.restart("cold", outage_s=10)
    assert not rail.outlets[0].contact.on
    rail.advance(20)
    assert (rail.outlets[0].told_on, rail.outlets[0].contact.on) == (False, True)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["on", "off", "pulse", "weld", "mend", "ignore", "late", "prompt", "warm", "cold", "press"]),
        st.integers(0, 1),
        st.integers(0, 60),
    ),
    max_size=30,
)


@given(STEPS, st.sampled_from(["on", "off", "last"]), st.booleans())
def test_whatever_happens_the_records_agree_with_the_contacts(steps: Any, does: Any, survives: bool) -> None:
    rail = rail_of(2, on_restore=does, survives=survives)
    acts: dict[str, Callable[[int], None]] = {
        "on": lambda port: told(rail, port, on=True),
        "off": lambda port: told(rail, port, on=False),
        "pulse": lambda port: told(rail, port, on=False, toggle_after_s=20),
        "weld": rail.weld,
        "mend": rail.mend,
        "ignore": lambda _port: rail.ignore(),
        "late": lambda _port: rail.delay(15),
        "prompt": lambda _port: rail.delay(0),
        "warm": lambda _port: rail.restart("warm", outage_s=5),
        "cold": lambda _port: rail.restart("cold", outage_s=25),
        "press": lambda port: rail.switch_by_hand(port, on=not rail.outlets[port].told_on),
    }
    for word, port, wait_s in steps:
        acts[word](port)
        rail.advance(rail.clock.now_s + wait_s)
    rail.advance(rail.clock.now_s + 1_000)
    assert rail.next_at_s == inf
    for port, outlet in enumerate(rail.outlets):
        moves = [change for change in rail.relay_log if change.port == port]
        assert all(one.on != other.on for one, other in pairwise(moves))
        assert outlet.contact.on == (moves[-1].on if moves else False)
        assert (outlet.guest.state(rail.clock.now_s) != "off") == outlet.contact.on
        assert outlet.contact.stuck or outlet.contact.on == outlet.told_on
    assert [change.board_s for change in rail.relay_log] == sorted(change.board_s for change in rail.relay_log)


# --- Our own clients, through real sockets ----------------------------------------------------------------------------


@pytest.mark.trio
async def test_our_own_clients_find_them_through_real_sockets(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    rails = rail_of(password="s3cret"), rail_of(password="s3cret", survives=False)  # noqa: S106 - of fakes
    async with a_shelly(rails[0]) as one, a_tasmota(rails[1]) as other:
        keys: dict[str, Any] = {"id": "AABBCCDDEEFF", "password_file": str(tmp_path / "password")}
        plugs = ShellyBoard(host=f"127.0.0.1:{one}", **keys).backend(), TasmotaBoard(host=f"localhost:{other}", **keys).backend()
        for plug in plugs:
            assert (await plug.greet()).board_id == "AABBCCDDEEFF"
            await plug.switch("2", on=True)
            assert (await plug.look(["2"]))["2"].relay == "on"
    assert [change[1:] for rail in rails for change in changes(rail)] == [(2, True), (1, True)]


# --- Clients that nobody here wrote -----------------------------------------------------------------------------------


@asynccontextmanager
async def a_shelly(rail: FakeRail) -> AsyncIterator[int]:
    async with PlugServer(rail, FakeShelly(rail).answer).listening() as port:
        yield port


@asynccontextmanager
async def a_tasmota(rail: FakeRail, **options: Any) -> AsyncIterator[int]:
    async with PlugServer(rail, FakeTasmota(rail, **options).answer).listening() as port:
        yield port


async def run(*command: str, check: bool = True) -> "subprocess.CompletedProcess[bytes]":
    with trio.fail_after(60):
        return await trio.run_process(list(command), capture_stdout=True, capture_stderr=True, check=check)


def python_with(module: str) -> str:
    """A Python that has this module, or the one that PDUDAEMON_PYTHON names; skips the test where there is none."""
    for python in filter(None, (os.environ.get("PDUDAEMON_PYTHON"), sys.executable, "/usr/bin/python3")):
        found = [python, "-c", f"import {module}"]
        if os.access(python, os.X_OK) and subprocess.run(found, capture_output=True, check=False).returncode == 0:
            return python
    pytest.skip(f"{module} is not installed")


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
needs_fence = pytest.mark.skipif(shutil.which("fence_shelly_gen2") is None, reason="fence_shelly_gen2 is not installed")


@needs_curl
@pytest.mark.trio
async def test_curl_proves_a_password_to_a_shelly() -> None:
    rail = rail_of(password="s3cret")  # noqa: S106 - of a fake
    async with a_shelly(rail) as port:
        url = f"http://127.0.0.1:{port}/rpc"
        body = '{"id":1,"method":"Switch.Set","params":{"id":2,"on":true}}'
        refused = await run("curl", "-s", "-w", "%{http_code}", "--digest", "-u", "admin:guess", "-d", body, url)
        assert refused.stdout.endswith(b"401")
        assert not rail.relay_log
        done = await run("curl", "-sf", "--digest", "-u", "admin:s3cret", "-d", body, url)
        assert json.loads(done.stdout) == {"id": 1, "src": "shellypro4pm-aabbccddeeff", "result": {"was_on": False}}
        assert changes(rail)[0][1:] == (2, True)
        got = await run("curl", "-sf", "--digest", "-u", "admin:s3cret", f"{url}/Switch.GetStatus?id=2")
        assert json.loads(got.stdout)["output"] is True
        assert json.loads((await run("curl", "-sf", f"http://127.0.0.1:{port}/shelly")).stdout)["auth_en"] is True


@needs_curl
@pytest.mark.trio
async def test_curl_speaks_to_a_tasmota_as_its_pages_say() -> None:
    rail = rail_of(2, password="joker", survives=False)  # noqa: S106 - of a fake
    async with a_tasmota(rail) as port:
        url = f"http://127.0.0.1:{port}/cm?user=admin&password=joker&cmnd="
        assert (await run("curl", "-sf", f"{url}Power%20TOGGLE")).stdout == b'{"POWER1": "ON"}'
        assert (await run("curl", "-sf", f"{url}Power2%20On")).stdout == b'{"POWER2": "ON"}'
        assert (await run("curl", "-sf", f"{url}nonsense")).stdout == b'{"Command": "Unknown"}'
        state = json.loads((await run("curl", "-sf", f"{url}Status%200")).stdout)
        assert state["StatusSTS"]["POWER2"] == "ON"
        assert state["StatusSNS"]["ENERGY"]["Power"] == [6, 6]
        assert (await run("curl", "-s", "-w", "%{http_code}", url.replace("joker", "x"))).stdout.endswith(b"401")


@needs_fence
@pytest.mark.trio
@pytest.mark.parametrize("password", [None, "s3cret"])
async def test_the_fence_agent_switches_a_shelly_and_verifies_it(password: str | None) -> None:
    rail = rail_of(password=password)
    async with a_shelly(rail) as port:
        common = ["fence_shelly_gen2", "-a", "127.0.0.1", "-u", str(port), "-n", "1", "-p", password or "any"]
        assert (await run(*common, "-o", "status", check=False)).returncode == 2
        assert (await run(*common, "-o", "on")).returncode == 0
        assert (await run(*common, "-o", "status")).returncode == 0
        assert (await run(*common, "-o", "off")).returncode == 0
        assert [change[1:] for change in changes(rail)] == [(1, True), (1, False)]
        rail.ignore(100)
        assert (await run(*common, "-o", "on", "--power-timeout", "2", check=False)).returncode != 0


PDU = """
import sys
from pdudaemon.drivers.{module} import {driver}
{driver}(sys.argv[1], {{}}).port_interaction(sys.argv[2], int(sys.argv[3]))
"""


@pytest.fixture
def with_pdu_shelly() -> str:
    return python_with("pdudaemon.drivers.shelly_gen2")


@pytest.fixture
def with_pdu_tasmota() -> str:
    return python_with("pdudaemon.drivers.tasmota")


@pytest.mark.trio
async def test_pdudaemon_switches_a_shelly(with_pdu_shelly: str) -> None:
    rail = rail_of()
    async with a_shelly(rail) as port:
        for word in ("on", "off"):
            await run(
                with_pdu_shelly, "-c", PDU.format(module="shelly_gen2", driver="ShellyGen2"), f"127.0.0.1:{port}", word, "3"
            )
    assert [change[1:] for change in changes(rail)] == [(3, True), (3, False)]


@pytest.mark.trio
@pytest.mark.parametrize(
    ("driver", "outlets", "numbered"), [("BrennenstuhlWSPL01Tasmota", 2, False), ("SonoffS20Tasmota", 1, True)]
)
async def test_pdudaemon_switches_a_tasmota(driver: str, outlets: int, numbered: bool, with_pdu_tasmota: str) -> None:
    rail = rail_of(outlets, survives=False)
    async with a_tasmota(rail, numbered=numbered) as port:
        for word in ("on", "off"):
            await run(
                with_pdu_tasmota, "-c", PDU.format(module="tasmota", driver=driver), f"127.0.0.1:{port}", word, str(outlets)
            )
    assert [change[1:] for change in changes(rail)] == [(outlets - 1, True), (outlets - 1, False)]
