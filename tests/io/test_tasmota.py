"""What is said to a plug with Tasmota, and what is believed of what it says."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.io.plugs import HOST, MAC, OTHER, Network, rail_of, require_that_no_stranger_is_switched, saying, virtually
from wagman.config.setting import settings
from wagman.fake.plugs.rail import FakeRail
from wagman.fake.plugs.tasmota import FakeTasmota
from wagman.io.plug import METER_SETTLE_S, METER_W
from wagman.io.tasmota import Tasmota, TasmotaBoard
from wagman.model.backend import Backend, Look, Pulsing
from wagman.model.errors import BoardError, BoardProtocolError, BoardRefusedError, BoardTimeoutError, LinkGoneError, StrangerError

Story = Callable[[Tasmota, FakeRail, Network], Awaitable[None]]


def with_a_plug(story: Story, rail: FakeRail | None = None, **config: Any) -> None:
    async def main() -> None:
        fake = rail or rail_of(survives=False)
        async with trio.open_nursery() as nursery:
            network = Network.of(nursery, fake, FakeTasmota(fake).answer)
            board = TasmotaBoard(host=HOST, **config)
            await story(Tasmota(board, network.connect, user=board.user), fake, network)
            nursery.cancel_scope.cancel()

    virtually(main)


# --- Who it is --------------------------------------------------------------------------------------------------------


def test_it_tells_who_it_is_how_often_it_started_and_when() -> None:
    async def story(plug: Tasmota, rail: FakeRail, network: Network) -> None:
        await trio.sleep(100)
        identity = await plug.greet()
        assert (identity.board_id, identity.boots, identity.began_s) == (MAC, 1, 1_790_000_000)
        assert identity.firmware == "14.3.0(release-tasmota)"
        await trio.sleep(100)
        assert identity.same_run(await plug.greet())

    with_a_plug(story, id=MAC)


def test_behind_a_name_with_two_addresses_only_the_one_that_told_its_identity_is_switched() -> None:
    require_that_no_stranger_is_switched(
        lambda rail: FakeTasmota(rail).answer, lambda connect: Tasmota(TasmotaBoard(host=HOST, id=MAC), connect), "1"
    )


def test_a_stranger_is_refused_at_every_greeting_and_look_and_is_never_switched() -> None:
    async def story(plug: Tasmota, rail: FakeRail, network: Network) -> None:
        rail.replace(OTHER)
        for ask in (plug.greet(), plug.look(["1"]), plug.switch("1", on=True), plug.pulse("1", 5)):
            with pytest.raises(StrangerError, match=f"{OTHER} answers at {HOST}, and not {MAC}"):
                await ask
        assert not rail.relay_log

    with_a_plug(story, id=MAC)


def test_without_a_configured_address_whoever_answered_first_is_meant() -> None:
    async def story(plug: Tasmota, rail: FakeRail, network: Network) -> None:
        await plug.greet()
        rail.replace(OTHER)
        with pytest.raises(StrangerError):
            await plug.switch("1", on=True)
        assert not rail.relay_log

    with_a_plug(story)


@pytest.mark.parametrize("kind", ["warm", "cold"])
@pytest.mark.parametrize("clock_set", [True, False])
def test_every_restart_is_told_and_its_relays_are_not_believed_to_survive_it(kind: Any, clock_set: bool) -> None:
    async def story(plug: Tasmota, rail: FakeRail, network: Network) -> None:
        rail.clock_set = clock_set
        await trio.sleep(1_000)
        before = await plug.greet()
        assert (before.began_s is None) != clock_set
        assert not plug.abilities.survives
        rail.restart(kind)
        await trio.sleep(60)
        after = await plug.greet()
        assert not before.same_run(after)
        assert after.same_run(await plug.greet())

    with_a_plug(story)


# --- What it shows ----------------------------------------------------------------------------------------------------


def test_a_look_shows_registers_and_meters() -> None:
    async def story(plug: Tasmota, rail: FakeRail, network: Network) -> None:
        rail.switch_by_hand(1, on=True)
        assert await plug.look(["1", "2", "9"]) == {"1": Look("off", 0.0), "2": Look("on", 6.0), "9": Look()}
        assert len(network.requests) == 1

    with_a_plug(story)


@pytest.mark.parametrize("numbered", [True, False])
def test_the_only_relay_of_a_plug_has_two_names(numbered: bool) -> None:
    async def main() -> None:
        rail = rail_of(1, survives=False)
        async with trio.open_nursery() as nursery:
            network = Network.of(nursery, rail, FakeTasmota(rail, numbered=numbered).answer)
            plug = Tasmota(TasmotaBoard(host=HOST), network.connect)
            await plug.switch("1", on=True)
            await trio.sleep(METER_SETTLE_S)
            assert await plug.look(["1"]) == {"1": Look("on", 6.0)}
            nursery.cancel_scope.cancel()

    virtually(main)


def test_one_meter_for_several_relays_tells_nothing_of_each() -> None:
    status = {"StatusNET": {"Mac": MAC}, "StatusSNS": {"ENERGY": {"Power": 85}}, "StatusSTS": {"POWER1": "ON", "POWER2": "OFF"}}

    async def main() -> None:
        plug = Tasmota(TasmotaBoard(host=HOST), saying(json.dumps(status).encode()))
        assert await plug.look(["1", "2"]) == {"1": Look("on"), "2": Look("off")}

    virtually(main)


def test_a_welded_contact_shows_in_its_meter_only() -> None:
    async def story(plug: Tasmota, rail: FakeRail, network: Network) -> None:
        await plug.switch("1", on=True)
        rail.weld(0)
        await plug.switch("1", on=False)
        await trio.sleep(METER_SETTLE_S)
        assert await plug.look(["1"]) == {"1": Look("off", 6.0)}

    with_a_plug(story)


@pytest.mark.parametrize(("metered", "readback", "meter_w"), [(True, "told", METER_W), (False, "told", None)])
def test_what_it_says_is_told_and_its_meter_is_another_witness(metered: bool, readback: str, meter_w: float | None) -> None:
    async def story(plug: Tasmota, rail: FakeRail, network: Network) -> None:
        await plug.greet()
        assert (plug.abilities.readback, plug.abilities.meter_w) == (readback, meter_w)

    with_a_plug(story, rail_of(metered=metered))


@pytest.mark.parametrize(
    ("does", "configured", "believed"), [("on", "off", "on"), ("last", "unknown", "last"), ("unknown", "off", "off")]
)
def test_what_a_return_of_its_power_does_it_tells_itself(does: Any, configured: Any, believed: str) -> None:
    async def story(plug: Tasmota, rail: FakeRail, network: Network) -> None:
        await plug.greet()
        assert plug.abilities.on_restore == believed

    with_a_plug(story, rail_of(on_restore=does), on_restore=configured)


# --- Switching --------------------------------------------------------------------------------------------------------


def test_a_relay_is_switched_on_and_off() -> None:
    async def story(plug: Tasmota, rail: FakeRail, network: Network) -> None:
        await plug.switch("3", on=True)
        await plug.switch("3", on=False)
        assert [(change.port, change.on, change.by) for change in rail.relay_log] == [(2, True, "command"), (2, False, "command")]

    with_a_plug(story)


def test_a_relay_that_it_does_not_have_is_not_taken_for_the_first() -> None:
    async def story(plug: Tasmota, rail: FakeRail, network: Network) -> None:
        for ask in (plug.switch("5", on=True), plug.pulse("5", 5)):
            with pytest.raises(BoardRefusedError, match=f"{HOST} has no relay 5"):
                await ask
        assert not rail.relay_log

    with_a_plug(story)


@pytest.mark.parametrize("off_s", [0.01, 30, 359.95, 360, 1000.5])
def test_a_pulse_is_carried_out_though_nobody_reaches_it(off_s: float) -> None:
    async def story(plug: Tasmota, rail: FakeRail, network: Network) -> None:
        await plug.switch("1", on=True)
        await plug.pulse("1", off_s)
        network.server.fault = "refuse"
        await trio.sleep(2_000)
        network.server.catch_up()
        off, on = rail.relay_log[1], rail.relay_log[2]
        assert (off.on, on.on, len(rail.relay_log)) == (False, True, 3)
        assert off_s <= on.board_s - off.board_s < off_s + 0.5

    with_a_plug(story)


def test_a_pulse_that_is_longer_than_it_can_wait_is_refused_before_anything_is_switched() -> None:
    async def story(plug: Tasmota, rail: FakeRail, network: Network) -> None:
        await plug.switch("1", on=True)
        await plug.pulse("1", 10_079)
        with pytest.raises(BoardRefusedError, match="10079 s at most"):
            await plug.pulse("1", 10_080)
        assert len(rail.relay_log) == 2

    with_a_plug(story)


# --- Passwords --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", ["s3cret", "a&b=c?#%/ +;", "\u00fc\u20ac"])
def test_a_password_of_any_letters_is_taken(tmp_path: Path, password: str) -> None:
    (tmp_path / "password").write_text(password + "\n", encoding="utf-8")

    async def story(plug: Tasmota, rail: FakeRail, network: Network) -> None:
        await plug.greet()
        await plug.switch("1", on=True)
        assert rail.outlets[0].contact.on

    with_a_plug(story, rail_of(password=password), password_file=str(tmp_path / "password"))


def test_a_password_that_is_missing_or_wrong_is_said_so_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("guess")

    async def without(plug: Tasmota, rail: FakeRail, network: Network) -> None:
        with pytest.raises(BoardRefusedError, match="wants a password: set password_file"):
            await plug.greet()

    async def wrong(plug: Tasmota, rail: FakeRail, network: Network) -> None:
        with pytest.raises(BoardRefusedError, match="wants another password") as told:
            await plug.greet()
        assert "guess" not in str(told.value)

    with_a_plug(without, rail_of(password="s3cret"))  # noqa: S106 - of a fake
    with_a_plug(wrong, rail_of(password="s3cret"), password_file=str(tmp_path / "wrong"))  # noqa: S106 - likewise


def test_old_firmware_wants_its_password_with_the_status_of_a_success() -> None:
    async def main() -> None:
        body = b'{"WARNING":"Need user=<username>&password=<password>"}'
        with pytest.raises(BoardRefusedError, match="wants a password"):
            await Tasmota(TasmotaBoard(host=HOST), saying(body)).greet()

    virtually(main)


# --- When it does not answer ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("hang", BoardTimeoutError),
        ("mute", BoardTimeoutError),
        ("slow", BoardTimeoutError),
        ("refuse", LinkGoneError),
        ("garbage", BoardProtocolError),
        ("half", BoardProtocolError),
        ("error", BoardProtocolError),
    ],
)
def test_whatever_goes_wrong_is_an_error_of_the_board(fault: Any, error: type[BoardError]) -> None:
    async def story(plug: Tasmota, rail: FakeRail, network: Network) -> None:
        network.server.fault = fault
        for ask in (plug.greet, lambda: plug.look(["1"]), lambda: plug.switch("1", on=True)):
            with pytest.raises(error):
                await ask()
        assert not rail.relay_log

    with_a_plug(story)


def test_a_command_that_it_does_not_take_is_refused() -> None:
    async def main() -> None:
        with pytest.raises(BoardRefusedError, match="does not take 'Status 0': \"Unknown\""):
            await Tasmota(TasmotaBoard(host=HOST), saying(b'{"Command":"Unknown"}')).greet()

    virtually(main)


# --- Whatever it says -------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        "Status",
        "StatusNET",
        "StatusPRM",
        "StatusSTS",
        "StatusSNS",
        "StatusFWR",
        "ENERGY",
        "Power",
        "POWER",
        "POWER1",
        "Mac",
        "Command",
    ]
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, 1e308, -0.0])
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=8) | st.sampled_from([MAC, "ON", "OFF", "1970-01-01T00:00:00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=5),
    max_leaves=20,
)


def ask_all(body: Any) -> dict[str, Look] | None:
    looks: dict[str, Look] = {}

    async def main() -> None:
        plug = Tasmota(TasmotaBoard(host=HOST), saying(json.dumps(body).encode()))
        for ask in (plug.greet, plug.greet, lambda: plug.switch("1", on=True)):
            try:
                identity = await ask()
            except BoardError:
                continue
            if identity is not None:
                assert 0 <= identity.boots < 2**32
                assert identity.began_s is None or 0 < identity.began_s < 2**32
        try:
            looks.update(await plug.look(["1", "2"]))
        except BoardError:
            looks.clear()

    virtually(main)
    return looks or None


@given(ANYTHING)
def test_nothing_that_it_says_crashes_who_asks(body: Any) -> None:
    ask_all(body)


@given(ANYTHING, ANYTHING, st.dictionaries(st.sampled_from(["StartupUTC", "BootCount"]), ANYTHING), ANYTHING)
def test_only_the_plain_words_are_on_and_off(power: Any, watts: Any, parameters: Any, restore: Any) -> None:
    shown = ask_all(
        {
            "Status": {"PowerOnState": restore},
            "StatusNET": {"Mac": MAC},
            "StatusPRM": parameters,
            "StatusSNS": {"ENERGY": {"Power": watts}},
            "StatusSTS": {"POWER1": power},
        }
    )
    if shown is None:
        return  # a NaN is no JSON
    assert shown["1"].relay == ("on" if power == "ON" else "off" if power == "OFF" else "unknown")
    assert shown["2"].relay == "unknown"
    assert shown["1"].watts is None or 0 <= shown["1"].watts < float("inf")


@pytest.mark.parametrize(
    ("told", "began_s"),
    [
        ("2019-03-21T10:38:50", None),  # from before the firmware that is asked for could know the time
        ("1970-01-01T00:00:09", None),
        ("2026-03-21T10:38:50", 1_774_089_530),
        ("2026-03-21T10:38:50+23:00", 1_774_089_530),
        ("0001-01-01T00:00:00", None),
        ("yesterday", None),
        (7, None),
    ],
)
def test_it_began_when_it_says_unless_its_clock_was_not_set(told: Any, began_s: int | None) -> None:
    async def main() -> None:
        body = {"StatusNET": {"Mac": MAC}, "StatusPRM": {"StartupUTC": told}}
        identity = await Tasmota(TasmotaBoard(host=HOST), saying(json.dumps(body).encode())).greet()
        assert identity.began_s == began_s

    virtually(main)


def test_it_is_a_board_that_can_be_configured() -> None:
    board = TasmotaBoard(host=HOST)
    backend: Backend = board.backend()
    pulsing: Pulsing = Tasmota(board)
    assert backend.address == HOST
    assert backend.abilities.pulse
    assert callable(pulsing.pulse)
    own = {"host", "id", "password_file", "user", "meter", "meter_settle"}
    assert own | {"poll", "settle", "on_restore"} == set(settings(TasmotaBoard))
    assert [TasmotaBoard.port_kind.read(port) for port in (1, "8")] == ["1", "8"]
    with pytest.raises(ValueError, match="a number from 1 to 32"):
        TasmotaBoard.port_kind.read(0)


def test_numbers_beyond_all_bounds_are_none() -> None:
    async def main() -> None:
        body = b'{"Status":{"PowerOnState":1e999},"StatusNET":{"Mac":"%s"},"StatusSNS":{"ENERGY":{"Power":1e999}},' % MAC.encode()
        plug = Tasmota(TasmotaBoard(host=HOST), saying(body + b'"StatusSTS":{"POWER":"ON","UptimeSec":1e999}}'))
        await plug.greet()
        assert plug.abilities.on_restore == "unknown"
        assert await plug.look(["1"]) == {"1": Look("on")}

    virtually(main)


# In the shape of what version 6.4.1 tells, which is the oldest that is looked at.
OLD = {
    "Status": {"Module": 8, "FriendlyName": ["plug"], "Power": 1, "PowerOnState": 3, "SaveData": 1, "SaveState": 1},
    "StatusPRM": {
        "RestartReason": "Software/System restart",
        "Uptime": "0T02:20:27",
        "StartupUTC": "2024-03-21T10:38:50",
        "BootCount": 17,
    },
    "StatusFWR": {"Version": "6.4.1(sonoff)", "Boot": 6},
    "StatusNET": {"Hostname": "plug-4544", "IPAddress": "192.168.1.97", "Mac": "2C:3A:E8:01:02:03", "WifiConfig": 4},
    "StatusSNS": {"Time": "2024-03-21T12:59:17", "ENERGY": {"Total": 31.7, "Power": 85, "Voltage": 231, "Current": 0.402}},
    "StatusSTS": {
        "Time": "2024-03-21T12:59:17",
        "Uptime": "0T02:20:27",
        "Vcc": 3.5,
        "POWER": "ON",
        "Wifi": {"AP": 1, "RSSI": 78},
    },
}


def test_old_firmware_is_understood() -> None:
    async def main() -> None:
        plug = Tasmota(TasmotaBoard(host=HOST), saying(json.dumps(OLD).encode()))
        identity = await plug.greet()
        assert (identity.board_id, identity.boots, identity.began_s) == ("2C3AE8010203", 17, 1_711_017_530)
        assert plug.abilities.on_restore == "last"
        assert await plug.look(["1"]) == {"1": Look("on", 85.0)}

    virtually(main)
