"""What is said to a Shelly, and what is believed of what it says."""

import json
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.io.plugs import HOST, MAC, OTHER, Network, rail_of, require_that_no_stranger_is_switched, saying, virtually
from wagman.config.setting import settings
from wagman.fake.plugs.rail import BOOT_S, FakeRail
from wagman.fake.plugs.server import Response
from wagman.fake.plugs.shelly import FakeShelly
from wagman.io.plug import METER_SETTLE_S, METER_W
from wagman.io.shelly import Shelly, ShellyBoard
from wagman.model.backend import Backend, Look, Pulsing
from wagman.model.errors import BoardError, BoardProtocolError, BoardRefusedError, BoardTimeoutError, LinkGoneError, StrangerError

Story = Callable[[Shelly, FakeRail, Network], Awaitable[None]]


def with_a_shelly(story: Story, rail: FakeRail | None = None, **config: Any) -> None:
    async def main() -> None:
        fake = rail or rail_of()
        async with trio.open_nursery() as nursery:
            network = Network.of(nursery, fake, FakeShelly(fake).answer)
            shelly = Shelly(ShellyBoard(host=HOST, **config), network.connect)
            await story(shelly, fake, network)
            nursery.cancel_scope.cancel()

    virtually(main)


# --- Who it is --------------------------------------------------------------------------------------------------------


def test_it_tells_who_it_is_and_since_when_it_runs() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        await trio.sleep(100)
        identity = await shelly.greet()
        assert (identity.board_id, identity.firmware, identity.began_s, identity.anew) == (MAC, "1.4.4", 1_790_000_000, False)
        await trio.sleep(100)
        assert identity.same_run(await shelly.greet())

    with_a_shelly(story, id=MAC)


def test_it_is_asked_once_only_for_what_does_not_change() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        await shelly.greet()
        network.requests.clear()
        await shelly.greet()
        assert [json.loads(request.body)["method"] for request in network.requests] == ["Shelly.GetStatus"]

    with_a_shelly(story)


def test_a_stranger_is_refused_at_every_greeting_and_look_and_is_never_switched() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        rail.replace(OTHER)
        for ask in (shelly.greet(), shelly.look(["0"]), shelly.switch("0", on=True), shelly.pulse("0", 5)):
            with pytest.raises(StrangerError, match=f"{OTHER} answers at {HOST}, and not {MAC}"):
                await ask
        assert not rail.relay_log
        rail.replace(MAC)
        await shelly.switch("0", on=True)
        assert [change.port for change in rail.relay_log] == [0]

    with_a_shelly(story, id=MAC)


def test_behind_a_name_with_two_addresses_only_the_one_that_told_its_identity_is_switched() -> None:
    require_that_no_stranger_is_switched(
        lambda rail: FakeShelly(rail).answer, lambda connect: Shelly(ShellyBoard(host=HOST, id=MAC), connect), "0"
    )


def test_without_a_configured_address_whoever_answered_first_is_meant() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        await shelly.greet()
        rail.replace(OTHER)
        with pytest.raises(StrangerError):
            await shelly.greet()
        with pytest.raises(StrangerError):
            await shelly.switch("0", on=True)
        assert not rail.relay_log

    with_a_shelly(story)


# --- Restarts ---------------------------------------------------------------------------------------------------------


def test_a_restart_is_told_once_and_whether_it_was_one_of_its_power() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        await trio.sleep(1_000)
        before = await shelly.greet()
        rail.restart("warm")
        await trio.sleep(60)
        after = await shelly.greet()
        assert not before.same_run(after)
        assert shelly.abilities.survives
        assert after.same_run(await shelly.greet())
        rail.restart("cold", outage_s=30)
        await trio.sleep(60)
        assert not after.same_run(await shelly.greet())
        assert not shelly.abilities.survives

    with_a_shelly(story)


def test_a_restart_is_seen_though_its_clock_was_never_set() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        rail.clock_set = False
        await trio.sleep(1_000)
        before = await shelly.greet()
        assert before.began_s is None
        await trio.sleep(1_000)
        assert before.same_run(await shelly.greet())
        rail.restart("warm")
        await trio.sleep(60)
        assert (await shelly.greet()).anew

    with_a_shelly(story)


def test_a_restart_is_not_forgotten_where_the_greeting_fails_half_way() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        rail.clock_set = False
        await trio.sleep(1_000)
        await shelly.greet()
        rail.restart("cold")
        await trio.sleep(60)
        answer = network.server.answer
        network.server.answer = lambda request: network_error(request.body) or answer(request)
        with pytest.raises(BoardError):
            await shelly.greet()
        network.server.answer = answer
        assert (await shelly.greet()).anew
        assert not shelly.abilities.survives

    def network_error(body: bytes) -> Any:
        return Response(500, b"no") if b"GetConfig" in body else None

    with_a_shelly(story)


def test_a_clock_that_is_set_later_and_quartzes_that_drift_are_no_restart() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        rail.clock_set = False
        await trio.sleep(100)
        before = await shelly.greet()
        rail.clock_set = True
        seen = await shelly.greet()
        assert before.same_run(seen)
        for _day in range(30):
            await trio.sleep(86_400)
            rail.epoch_s += 4  # the network's time runs ahead of its quartz,
            rail.began_s += 12  # and so does ours
            before, seen = seen, await shelly.greet()
            assert before.same_run(seen)

    with_a_shelly(story)


def test_when_it_began_is_told_so_that_a_service_that_starts_later_knows_the_run() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        told = [await shelly.greet()]
        for _day in range(60):
            await trio.sleep(86_400)
            rail.epoch_s += 4
            told.append(await shelly.greet())
        await trio.sleep(10 * 86_400)  # nobody reached it meanwhile
        rail.epoch_s += 40
        told += [await shelly.greet() for _poll in range(5)]
        assert all(one.same_run(other) for one, other in pairwise(told))
        assert len({identity.began_s for identity in told}) < 40  # each change is written down
        later = Shelly(ShellyBoard(host=HOST), network.connect)
        assert told[-1].same_run(await later.greet())

    with_a_shelly(story)


def test_a_clock_that_is_set_right_is_no_restart() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        before = await shelly.greet()
        rail.epoch_s += 3_600
        after = [await shelly.greet() for _poll in range(3)]
        assert all(before.same_run(each) for each in after)
        assert {each.began_s for each in after} == {before.began_s}  # it is not written down again and again

    with_a_shelly(story)


# --- What it shows ----------------------------------------------------------------------------------------------------


def test_a_look_shows_registers_meters_and_who_switched() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        rail.switch_by_hand(1, on=True)
        shown = await shelly.look(["0", "1", "9"])
        assert shown["0"] == Look("off", 0.0, "init")
        assert shown["1"] == Look("on", 5.8, "button")
        assert shown["9"] == Look()  # it has no such output: nobody knows

    with_a_shelly(story)


def test_a_welded_contact_shows_in_its_meter_only_and_not_before_the_meter_has_settled() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        rail.let_meters_lie()
        await shelly.switch("0", on=True)
        await trio.sleep(METER_SETTLE_S)
        assert (await shelly.look(["0"]))["0"].watts == pytest.approx(5.8)
        rail.weld(0)
        await shelly.switch("0", on=False)
        await trio.sleep(30)
        assert (await shelly.look(["0"]))["0"] == Look("off", None, "HTTP_in")  # the 0 W of these seconds is a lie
        await trio.sleep(METER_SETTLE_S)
        shown = (await shelly.look(["0"]))["0"]
        assert shown.relay == "off"
        assert shown.watts is not None
        assert shown.watts > METER_W

    with_a_shelly(story)


def test_what_it_acknowledges_and_does_not_do_is_seen_not_to_be_done() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        rail.ignore(1)
        await shelly.switch("0", on=True)
        assert (await shelly.look(["0"]))["0"].relay == "off"
        rail.delay(11)
        await shelly.switch("0", on=True)
        await trio.sleep(10)
        assert (await shelly.look(["0"]))["0"].relay == "off"
        await trio.sleep(2)
        assert (await shelly.look(["0"]))["0"].relay == "on"

    with_a_shelly(story)


@pytest.mark.parametrize(
    ("options", "config", "readback", "meter_w"),
    [
        ({}, {}, "told", METER_W),
        ({"metered": False}, {}, "told", None),
        ({}, {"meter": "none"}, "told", None),
    ],
)
def test_what_it_says_is_told_and_its_meter_is_another_witness(
    options: Any, config: Any, readback: str, meter_w: float | None
) -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        await shelly.greet()
        assert (shelly.abilities.readback, shelly.abilities.meter_w) == (readback, meter_w)
        shown = await shelly.look(["0"])
        assert (shown["0"].watts is None) == (meter_w is None)

    with_a_shelly(story, rail_of(**options), **config)


@pytest.mark.parametrize(
    ("does", "configured", "believed"), [("on", "off", "on"), ("last", "unknown", "last"), ("unknown", "off", "off")]
)
def test_what_a_return_of_its_power_does_it_tells_itself(does: Any, configured: Any, believed: str) -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        await shelly.greet()
        assert shelly.abilities.on_restore == believed

    with_a_shelly(story, rail_of(on_restore=does), on_restore=configured)


# --- Switching --------------------------------------------------------------------------------------------------------


def test_an_output_is_switched_on_and_off() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        await shelly.switch("2", on=True)
        await shelly.switch("2", on=False)
        assert [(change.port, change.on, change.by) for change in rail.relay_log] == [(2, True, "command"), (2, False, "command")]

    with_a_shelly(story)


def test_a_pulse_is_carried_out_though_nobody_reaches_it() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        await shelly.switch("0", on=True)
        await shelly.pulse("0", 30)
        network.server.fault = "refuse"
        await trio.sleep(100)
        network.server.catch_up()
        assert [(change.board_s, change.on) for change in rail.relay_log] == [(0, True), (0, False), (30, True)]

    with_a_shelly(story)


def test_an_output_that_it_does_not_have_is_refused() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        with pytest.raises(BoardRefusedError, match=r"refuses Switch.Set: .*value 9 not found"):
            await shelly.switch("9", on=True)

    with_a_shelly(story)


# --- Passwords --------------------------------------------------------------------------------------------------------


def test_a_password_is_proved_and_not_sent(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret\n")

    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        await shelly.greet()
        await shelly.switch("0", on=True)
        assert rail.outlets[0].contact.on
        assert not any("s3cret" in str(request) for request in network.requests)

    with_a_shelly(story, rail_of(password="s3cret"), password_file=str(file))  # noqa: S106 - of a fake


def test_a_password_that_is_missing_or_wrong_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("guess")

    async def without(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        with pytest.raises(BoardRefusedError, match="wants a password: set password_file"):
            await shelly.greet()

    async def wrong(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        with pytest.raises(BoardRefusedError, match="wants another password"):
            await shelly.greet()

    async def unreadable(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        with pytest.raises(BoardError, match=r"^password_file .*: No such file or directory$"):
            await shelly.greet()

    with_a_shelly(without, rail_of(password="s3cret"))  # noqa: S106 - of a fake
    with_a_shelly(wrong, rail_of(password="s3cret"), password_file=str(tmp_path / "wrong"))  # noqa: S106 - likewise
    with_a_shelly(unreadable, password_file=str(tmp_path / "absent"))


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
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        network.server.fault = fault
        for ask in (shelly.greet, lambda: shelly.look(["0"]), lambda: shelly.switch("0", on=True)):
            with pytest.raises(error):
                await ask()
        assert not rail.relay_log

    with_a_shelly(story)


def test_while_it_starts_it_does_not_answer_and_afterwards_it_does() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        await shelly.switch("0", on=True)
        rail.restart("warm")
        with pytest.raises(BoardTimeoutError):
            await shelly.look(["0"])
        await trio.sleep(BOOT_S)
        assert (await shelly.look(["0"]))["0"].relay == "on"

    with_a_shelly(story)


def test_a_switch_is_asked_again_after_it_was_cancelled() -> None:
    async def story(shelly: Shelly, rail: FakeRail, network: Network) -> None:
        network.server.fault = "mute"
        with trio.move_on_after(1):
            await shelly.switch("0", on=True)
        network.server.fault = None
        await shelly.switch("0", on=True)
        assert rail.outlets[0].contact.on

    with_a_shelly(story)


def test_a_shelly_of_the_first_generation_is_told_from_one_that_is_down() -> None:
    async def main() -> None:
        with pytest.raises(BoardProtocolError, match="answers 404: is it a Shelly of the second generation or later"):
            await Shelly(ShellyBoard(host=HOST), saying(b"Not Found", 404)).greet()

    virtually(main)


# --- Whatever it says -------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["result", "error", "sys", "mac", "uptime", "unixtime", "reset_reason", "switch:0", "switch:1", "output", "apower", "source"]
)
NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([10**400, 1e308, -0.0]))
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=8), st.just(MAC)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(WORDS, st.text(max_size=3)), inner, max_size=5)
    ),
    max_leaves=20,
)


def status_of(switch: Any, system: Any) -> Any:
    return {"id": 1, "result": {"switch:0": switch, "sys": {"mac": MAC, **system}}}


def ask_all(body: Any) -> dict[str, Look] | None:
    looks: dict[str, Look] = {}

    async def main() -> None:
        shelly = Shelly(ShellyBoard(host=HOST), saying(json.dumps(body).encode()))
        for ask in (shelly.greet, shelly.greet, lambda: shelly.switch("0", on=True)):
            try:
                identity = await ask()
            except BoardError:
                continue
            if identity is not None:
                assert identity.began_s is None or 0 < identity.began_s < 2**32
        try:
            looks.update(await shelly.look(["0"]))
        except BoardError:
            looks.clear()

    virtually(main)
    return looks or None


@given(ANYTHING)
def test_nothing_that_it_says_crashes_who_asks(body: Any) -> None:
    ask_all(body)


@given(
    st.dictionaries(st.sampled_from(["output", "apower", "source", "id"]), ANYTHING),
    st.dictionaries(st.sampled_from(["uptime", "unixtime", "reset_reason"]), ANYTHING),
)
def test_only_a_plain_false_is_off_and_only_a_plain_true_is_on(switch: Any, system: Any) -> None:
    shown = ask_all(status_of(switch, system))
    if shown is None:
        return  # a NaN is no JSON
    output = switch.get("output")
    assert shown["0"].relay == ("on" if output is True else "off" if output is False else "unknown")
    assert shown["0"].watts is None or (shown["0"].watts >= 0 and shown["0"].watts < float("inf"))


def test_it_is_a_board_that_can_be_configured() -> None:
    board = ShellyBoard(host=HOST, id=settings(ShellyBoard)["id"].metadata["setting"].kind.read("aa:bb:cc:dd:ee:ff"))
    assert board.id == MAC
    backend: Backend = board.backend()
    pulsing: Pulsing = Shelly(board)
    assert backend.address == HOST
    assert backend.abilities.pulse
    assert callable(pulsing.pulse)
    assert {"host", "id", "password_file", "meter", "meter_settle", "poll", "settle", "on_restore"} == set(settings(ShellyBoard))


@pytest.mark.parametrize("wrong", ["", "aabbccddeef", "aabbccddeefg", 12, None, "aa:bb:cc:dd:ee:ff:00"])
def test_what_is_no_mac_address_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="12 hexadecimal digits"):
        settings(ShellyBoard)["id"].metadata["setting"].kind.read(wrong)


def test_ports_are_numbers_from_0() -> None:
    assert [ShellyBoard.port_kind.read(port) for port in (0, "0", 3, "15")] == ["0", "0", "3", "15"]
    for wrong in (-1, 16, "00", "x", True, 1.0, None, 10**30):
        with pytest.raises(ValueError, match="a number from 0 to 15"):
            ShellyBoard.port_kind.read(wrong)


def test_numbers_beyond_all_bounds_are_none() -> None:
    async def main() -> None:
        body = json.dumps(status_of({"output": True, "apower": 0}, {"uptime": 0, "unixtime": 0, "reset_reason": 0}))
        shelly = Shelly(ShellyBoard(host=HOST), saying(body.replace(": 0", ": 1e999").encode()))
        identity = await shelly.greet()
        assert (identity.began_s, shelly.abilities.meter_w, shelly.abilities.survives) == (None, None, False)
        assert await shelly.look(["0"]) == {"0": Look("on")}

    virtually(main)


@pytest.mark.parametrize("uptime_s", [-1.7e308, -1, 2**32, 1.7e308])
def test_an_uptime_that_cannot_be_says_nothing(uptime_s: float) -> None:
    """Each of these numbers is finite, and their difference need not be."""

    async def main() -> None:
        said = {"uptime": 1_000, "unixtime": 1_790_000_000}
        shelly = Shelly(ShellyBoard(host=HOST))
        for told in (said, {"uptime": uptime_s, "unixtime": 1.7e308}, {"uptime": uptime_s, "unixtime": 1_790_000_000}, said):
            shelly.connect = saying(json.dumps(status_of({"output": True}, told)).encode())
            identity = await shelly.greet()
            assert (identity.began_s, identity.anew) == (1_789_999_000, False)

    virtually(main)


# In the shape of what a Shelly Plus 1 tells.
PLUS_1 = {
    "id": 1,
    "src": "shellyplus1-a8032ab636ec",
    "result": {
        "ble": {},
        "cloud": {"connected": True},
        "input:0": {"id": 0, "state": False},
        "mqtt": {"connected": False},
        "switch:0": {"id": 0, "source": "WS_in", "output": True, "temperature": {"tC": 51.2, "tF": 124.1}},
        "sys": {"mac": "A8032AB636EC", "uptime": 4658036, "unixtime": None, "time": None, "reset_reason": 3},
    },
}


def test_a_relay_without_a_meter_and_without_the_time_is_understood() -> None:
    async def main() -> None:
        shelly = Shelly(ShellyBoard(host=HOST), saying(json.dumps(PLUS_1).encode()))
        identity = await shelly.greet()
        assert (identity.board_id, identity.began_s) == ("A8032AB636EC", None)
        assert shelly.abilities.readback == "told"
        assert await shelly.look(["0"]) == {"0": Look("on", None, "WS_in")}

    virtually(main)
