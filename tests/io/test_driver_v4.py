"""What is special about driving a v4 board, against its model in virtual time."""

import re
from itertools import pairwise
from typing import Any

import pytest
import trio
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.io.faults import Wrapper
from tests.io.test_board import CONFIG, OFF, ON, Rig, with_rig
from wagman.config.boards import WagmanBoard
from wagman.config.schema import Config, DeviceConfig
from wagman.fake.v3_port import State
from wagman.io.serial.link import Answer
from wagman.io.v4 import driver as driver_v4
from wagman.io.v4.asking import WRAP_S, going_on, look_at
from wagman.io.v4.driver import V4Dialect, V4Driver
from wagman.io.v4.requests import LONGEST_GRACE_S, START
from wagman.model.backend import Identity
from wagman.model.errors import BoardTimeoutError, CallerError
from wagman.model.facts import Beat, BoardStopping, Listened, PowerFound, PowerLost, RelayOff, RelayOn
from wagman.simulation.requests import requests_in

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
RESTARTS = 6  # one every twelve hours
READS = ("state", "hb", "cu", "th", "fc")
RARELY = evolve(CONFIG, boards=(WagmanBoard(poll_s=600),))
KNOWN = Identity("0004a30b003d70c6", 1, None)


def want_all_off(rig: Rig) -> None:
    for port in (1, 2, 3, 4):
        rig.want(port, OFF(0))


def state_of(rig: Rig, port: int) -> State:
    ports = rig.fake.board.firmware.ports  # type: ignore[attr-defined]
    state: State = ports[port].state
    return state


def test_a_start_that_is_taken_back_between_its_requests_is_not_sent_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    touched: list[int] = []

    async def main(rig: Rig) -> None:
        look, touch = V4Driver._look, V4Driver._touch

        async def then_stopped(self: V4Driver) -> Any:
            looks = await look(self)
            if rig.board.power.ports[1].is_switching("on"):
                rig.want(1, OFF(1))
            return looks

        async def touching(self: V4Driver, port: int, *asked: Any) -> Any:
            touched.extend([port] if START.ask(port) in asked else [])
            return await touch(self, port, *asked)

        monkeypatch.setattr(V4Driver, "_look", then_stopped)
        monkeypatch.setattr(V4Driver, "_touch", touching)
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(60)
        assert not rig.is_on[1]
        assert touched == []

    with_rig(main, "v4")


# --- Keeping ports off ------------------------------------------------------------------------------------------------


def test_a_port_that_is_wanted_off_is_parked_stopping_without_power() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(60)
        rig.want(1, OFF(1))
        await trio.sleep(20)
        assert rig.told(RelayOff, 1)
        assert state_of(rig, 1) is State.STOPPING
        assert not rig.is_on[1]

    with_rig(main, "v4")


def test_a_port_that_the_board_has_disabled_and_that_is_off_is_left_alone() -> None:
    async def main(rig: Rig) -> None:
        rig.want(3, OFF(0))
        await trio.sleep(30)
        assert rig.board.power.ports[3].confirmed
        assert state_of(rig, 3) is State.DISABLED

    with_rig(main, "v4")


def test_a_port_stays_off_for_three_days_through_restarts_and_absences_of_hours_at_five_requests_for_each_restart() -> None:
    touched = list[str]()

    class Recording(Wrapper):
        async def send_all(self, data: bytes) -> None:
            touched.extend(name for name, *port in requests_in(data) if port == ["1"] and name not in READS)
            await super().send_all(data)

    async def main(rig: Rig) -> None:
        want_all_off(rig)
        await trio.sleep(60)
        for _ in range(RESTARTS):
            rig.fake.reset()
            await trio.sleep(3 * HOUR_S)
            rig.fake.unplug()
            await trio.sleep(9 * HOUR_S)
            rig.fake.replug()
        assert all(rig.relays(port) == [] for port in (1, 2, 3, 4))
        assert touched == ["ping", "stop", "disable", "ping", "stop"] * (1 + RESTARTS)

    with_rig(main, "v4", config=RARELY, faults=[Recording])


def test_a_parked_port_stays_off_while_nobody_is_there() -> None:
    async def main(rig: Rig) -> None:
        want_all_off(rig)
        await trio.sleep(60)
        rig.fake.unplug()
        await trio.sleep(DAY_S / 2)
        assert all(rig.relays(port) == [] for port in (1, 2, 3, 4))

    with_rig(main, "v4")


def test_what_a_restarted_board_starts_while_nobody_is_there_is_found_and_shown_and_not_just_cut() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, OFF(0))
        await trio.sleep(60)
        rig.fake.unplug()
        rig.fake.reset()
        await trio.sleep(3600)
        assert rig.is_on[1]
        rig.fake.replug()
        await trio.sleep(30)
        assert rig.told(PowerFound, 1)
        assert rig.relays(1) == [(True, "board")]
        rig.want(1, OFF(1, firm=True))
        await trio.sleep(30)
        assert rig.relays(1) == [(True, "board"), (False, "command")]
        assert state_of(rig, 1) is State.STOPPING

    with_rig(main, "v4")


def test_ports_are_parked_anew_long_before_their_grace_is_over_without_moving_a_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_v4, "REPARK_S", 3600.0)

    async def main(rig: Rig) -> None:
        want_all_off(rig)
        await trio.sleep(2.5 * 3600)
        ports = rig.fake.board.firmware.ports  # type: ignore[attr-defined]
        assert all(ports[port].heartbeat_age_s() < 3600 + 30 for port in (1, 2))
        assert rig.relays(1) == rig.relays(2) == []

    with_rig(main, "v4")


def test_the_longest_grace_does_not_wrap_in_the_boards_milliseconds() -> None:
    assert 49.7 * DAY_S < LONGEST_GRACE_S < 2**32 / 1000


def test_parking_costs_no_message_once_it_is_done() -> None:
    async def main(rig: Rig) -> None:
        want_all_off(rig)
        await trio.sleep(60)
        await trio.sleep(DAY_S)
        age_s = rig.fake.board.firmware.ports[1].heartbeat_age_s()  # type: ignore[attr-defined]
        assert age_s > DAY_S - 60  # nothing has touched it

    with_rig(main, "v4", config=RARELY)


def test_a_guest_on_port_0_stays_off_until_the_board_restarts_which_starts_it_at_once_and_is_found() -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(60)
        rig.want(0, OFF(0))
        await trio.sleep(4 * HOUR_S)
        assert rig.relays(0) == [(True, "board"), (False, "command")]
        assert rig.board.power.ports[0].confirmed
        rig.fake.reset()
        await trio.sleep(60)
        assert rig.told(PowerFound, 0)
        assert rig.relays(0)[2:] == [(True, "board")]
        rig.want(0, OFF(0, firm=True))
        await trio.sleep(4 * HOUR_S)
        assert rig.relays(0)[3:] == [(False, "command")]

    with_rig(main, "v4", config=Config((WagmanBoard(poll_s=60),), devices=(DeviceConfig("nc", 0, shutdown=("halt",)),)))


# --- A board that restarts --------------------------------------------------------------------------------------------


def test_no_guest_loses_its_power_when_the_board_restarts() -> None:
    async def main(rig: Rig) -> None:
        for port in (1, 2, 3):
            rig.want(port, ON(1))
        await trio.sleep(120)
        rig.facts.clear()
        rig.fake.reset()
        await trio.sleep(600)
        assert len(rig.notices("board.reset")) == 1
        assert not any(rig.told(PowerLost, port) for port in (1, 2, 3))
        assert all(rig.relays(port) == [(True, "command")] for port in (1, 2, 3))
        assert state_of(rig, 1) is state_of(rig, 2) is State.STARTED

    with_rig(main, "v4")


@pytest.mark.parametrize("beats", [True, False])
def test_the_board_goes_on_managing_what_survived_its_restart(beats: bool) -> None:
    """A port that became started by its guest's heartbeat alone would be power-cycled after four hours."""

    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "sd"))
        rig.want(2, ON(1))
        await trio.sleep(120)
        if not beats:
            rig.fake.hang("gn")
        rig.fake.reset()
        await trio.sleep(5 * 3600)
        assert rig.relays(1) == rig.relays(2) == [(True, "command")]
        assert rig.told(BoardStopping) == []
        assert rig.fake.status()["media"] == ["emmc", "sd"]

    with_rig(main, "v4", config=evolve(CONFIG, boards=(WagmanBoard(poll_s=30),)))


def test_when_the_board_itself_had_lost_its_power_so_have_its_guests_and_nothing_is_started_by_the_board() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(120)
        rig.fake.powercycle()
        await trio.sleep(40)
        (lost,) = rig.told(PowerLost, 1)
        assert lost.reset
        rig.want(1, OFF(1))
        await trio.sleep(600)
        assert rig.relays(1) == [(True, "command"), (False, "powercycle")]
        assert rig.told(PowerFound, 1) == []

    with_rig(main, "v4")


def test_a_restart_that_is_over_before_the_next_poll_is_noticed() -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(30)
        rig.fake.reset()
        await trio.sleep(20)
        assert len(rig.notices("board.reset")) == 1

    with_rig(main, "v4", config=RARELY)


# --- What the board does by itself ------------------------------------------------------------------------------------


def test_a_stop_that_the_board_begins_is_put_off_and_told() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(120)
        rig.fake.board.firmware.ports[1].stop("board")  # type: ignore[attr-defined]
        await trio.sleep(600)
        assert len(rig.told(BoardStopping, 1)) == 1
        assert rig.is_on[1]
        rig.want(1, OFF(1))
        await trio.sleep(20)
        assert not rig.is_on[1]

    with_rig(main, "v4")


def test_a_port_that_the_board_has_started_again_before_it_could_be_parked_is_found_and_not_just_cut() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(120)
        rig.want(1, OFF(1))
        while rig.is_on[1]:  # noqa: ASYNC110 - the board has no event for it
            await trio.sleep(0.05)
        rig.fake.unplug()  # in the moment in which the relay has moved
        rig.fake.guest("gn", "boot=500")
        await trio.sleep(75)
        rig.fake.replug()
        await trio.sleep(30)
        assert rig.relays(1) == [(True, "command"), (False, "command"), (True, "board")]
        assert [found.why for found in rig.told(PowerFound, 1)] == ["the board started it again"]

    with_rig(main, "v4")


def test_a_port_that_the_board_does_not_manage_is_claimed_before_it_is_power_cycled() -> None:
    async def main(rig: Rig) -> None:
        rig.fake.eeprom.failures[1] = 40
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(9 * 3600)
        (unmanaged,) = rig.notices("board.unmanaged")
        assert unmanaged.fields == {"port": 1, "failures": 40, "limit": 30}
        assert rig.relays(1) == [(True, "command")]
        assert rig.told(BoardStopping) == []

    with_rig(main, "v4", config=RARELY)


def test_a_port_that_the_restarted_board_takes_for_disabled_and_that_runs_is_left_alone() -> None:
    async def main(rig: Rig) -> None:
        rig.want(3, ON(1))
        await trio.sleep(60)
        rig.fake.reset()
        await trio.sleep(2 * 3600)
        assert state_of(rig, 3) is State.DISABLED
        assert rig.relays(3) == [(True, "command")]
        assert rig.fake.board.firmware.ports[3].heartbeat_age_s() > 3600  # type: ignore[attr-defined]  # no ping

    with_rig(main, "v4")


def test_a_port_that_runs_and_that_the_restarted_board_takes_for_disabled_is_cut_and_stays_off() -> None:
    """A stop makes a stopped port of a disabled one, which the board would start."""

    async def main(rig: Rig) -> None:
        rig.want(3, ON(1))
        await trio.sleep(60)
        rig.fake.reset()
        await trio.sleep(60)
        rig.want(3, OFF(1))
        await trio.sleep(3600)
        assert rig.relays(3) == [(True, "command"), (False, "command")]
        assert state_of(rig, 3) is State.STOPPING

    with_rig(main, "v4")


def test_a_relay_that_comes_on_with_the_boards_own_power_is_found_and_not_just_cut() -> None:
    """The latches of some boards do (errata)."""

    async def main(rig: Rig) -> None:
        want_all_off(rig)
        await trio.sleep(60)
        rig.fake.powercycle()
        rig.fake.fault("power 1 on")
        await trio.sleep(60)
        assert rig.told(PowerFound, 1)
        assert rig.relays(1) == [(True, "fault")]

    with_rig(main, "v4")


def test_power_that_the_board_cut_is_lost() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(120)
        rig.fake.unplug()
        rig.fake.hang("gn")
        await trio.sleep(3600 + 80)  # it stops the port after an hour, kills it a minute later, and starts it after another
        rig.fake.replug()
        await trio.sleep(10)
        assert not rig.is_on[1]
        assert [lost.why for lost in rig.told(PowerLost, 1)] == ["the board cut it"]

    with_rig(main, "v4")


def test_a_start_that_the_board_dropped_is_repeated_and_is_one_power_cycle() -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(20)
        rig.want(1, ON(1, "emmc"))
        rig.fake.fault("sid 4")
        await trio.sleep(120)
        assert len(rig.told(RelayOn, 1)) == 1
        assert rig.relays(1) == [(True, "command")]

    with_rig(main, "v4")


# --- Beats ------------------------------------------------------------------------------------------------------------


def test_beats_are_told_from_the_age_and_the_first_one_counts_but_for_the_port_with_a_pin() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        rig.want(2, ON(1))
        await trio.sleep(300)  # the board sees few of the beats on its pin
        for port, at_least_s in ((1, 29), (2, 29)):
            (on,) = rig.told(RelayOn, port)
            beats = rig.told(Beat, port)
            assert all(beat.source == "poll" for beat in beats)
            assert beats[0].at_s - on.at_s > at_least_s
            assert all(later.at_s - earlier.at_s > 2 for earlier, later in pairwise(beats))
        assert rig.told(Beat, 1)[0].at_s - rig.told(RelayOn, 1)[0].at_s < 31

    with_rig(main, "v4")


def test_a_ping_that_was_not_answered_is_no_beat() -> None:
    async def main(rig: Rig) -> None:
        rig.want(3, ON(1))
        await trio.sleep(44 * 60)
        rig.fake.fault("silent on")
        driver = rig.driver
        with pytest.raises(BoardTimeoutError):
            await driver.ping(3)
        rig.fake.fault("silent off")
        await trio.sleep(60)
        assert rig.told(Beat, 3) == []
        assert not rig.board.blind

    with_rig(main, "v4")


def test_an_age_that_begins_anew_because_the_boards_clock_does_is_no_beat() -> None:
    """Nothing sets the age of a disabled port back: after 49.7 days 32 bits of milliseconds are full."""

    async def main(rig: Rig) -> None:
        await trio.sleep(60)
        port: Any = rig.fake.board.firmware.ports[4]  # type: ignore[attr-defined]
        port.heartbeat_at_s -= WRAP_S - 200
        await trio.sleep(300)
        assert port.heartbeat_age_s() > WRAP_S
        assert rig.told(Beat, 4) == []
        poll = rig.told(Listened, 4)[-1]
        assert poll.asked_at_s - poll.silent_since_s > 300

    with_rig(main, "v4")


@given(st.floats(0, 3 * WRAP_S), st.floats(0.1, 86_400))
def test_an_age_that_goes_on_is_told_as_if_it_were_not_cut_to_32_bits(age_s: float, later_s: float) -> None:
    before = look_at(1, Answer(0, 0, 0), Answer(0, 0, 0), Answer(0, 0, 0))
    before = evolve(before, age=Answer(age_s, 0.0, 0.0))
    told_s = (age_s + later_s) % WRAP_S
    after = evolve(before, age=Answer(told_s, later_s, later_s))
    assert going_on(after, before).age.value == pytest.approx(age_s + later_s)
    assert going_on(after, None) is after


@given(st.floats(20, WRAP_S - 20))
def test_an_age_that_begins_anew_at_any_other_time_is_a_beat(age_s: float) -> None:
    before = look_at(1, Answer(0, 0, 0), Answer(round(age_s * 1000), 0, 0), Answer(0, 0, 0))
    after = evolve(before, age=Answer(1.0, 5.0, 5.0))
    assert going_on(after, before) is after


def test_silence_is_proved_on_ports_that_the_board_never_hears() -> None:
    async def main(rig: Rig) -> None:
        rig.want(3, ON(1))
        await trio.sleep(400)
        poll = rig.told(Listened, 3)[-1]
        assert poll.asked_at_s - poll.silent_since_s > 370
        assert rig.told(Beat, 3) == []

    with_rig(main, "v4")


# --- What is shown, and what an operator asks -------------------------------------------------------------------------


def test_currents_are_shown_in_counts_and_not_in_milliamperes() -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(30)
        shown = rig.board.shown.ports
        assert [(shown[port].current_ma, shown[port].current_raw) for port in (0, 3)] == [(None, 1500), (None, 12)]
        assert [shown[port].temperature_raw for port in range(5)] == [500, 510, 520, 530, 540]

    with_rig(main, "v4")


@given(st.integers(0, 4), st.integers(0, 0xFFFF))
def test_only_no_count_at_all_leaves_it_unknown_whether_something_runs(port: int, counts: int) -> None:
    state, age_ms, read = (Answer(number, 0.0, 0.0) for number in (3, 0, counts))
    look = look_at(port, state, age_ms, read)
    assert (look.supply == "unknown") == (look.counts is None) == (counts == 0)


def test_an_operator_asks_by_name_port_and_number_and_without_a_port_of_all() -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(20)
        assert await rig.board.raw(["id"], force=False) == ["0004a30b003d70c6"]
        assert await rig.board.raw(["state", "0"], force=False) == ["3"]
        assert await rig.board.raw(["state"], force=False) == ["3", "1", "1", "0", "0"]
        assert await rig.board.raw(["CU"], force=False) == ["1948", "1500", "12", "12", "12", "12"]
        assert await rig.board.raw(["get_media"], force=False) == ["1", "1"]
        assert await rig.board.raw(["set_media", "1", "0"], force=True) == ["1"]
        for words in (["nonsense"], ["hb", "x"], ["hb", "²"], ["stop", "1", "2", "3"]):
            with pytest.raises(CallerError, match="is no request of a v4 board"):
                await rig.board.raw(words, force=True)

    with_rig(main, "v4")


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        (["hb", "9"], "hb takes a port (0 to 4)"),
        (["start"], "start takes a port (0 to 4)"),
        (["set_media", "2", "0"], "set_media takes a port (0 to 1) and a number (0 to 1)"),
        (["stop", "1"], "stop takes a port (0 to 4) and a number (0 to 4294967)"),
        (["boots", "1"], "boots takes nothing"),
    ],
)
def test_an_operator_who_asks_wrongly_is_told_what_a_request_takes(words: list[str], usage: str) -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(20)
        with pytest.raises(CallerError, match=f"^{re.escape(usage)}$"):
            await rig.board.raw(words, force=True)

    with_rig(main, "v4")


@pytest.mark.parametrize("words", ["start 1", "stop 1 0", "enable 3", "set_media 1 0", "ping 1", "reset", "eereset"])
def test_what_would_fight_the_service_needs_force(words: str) -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(20)
        with pytest.raises(CallerError, match="would work against the service"):
            await rig.board.raw(words.split(), force=False)
        assert await rig.board.raw(words.split(), force=True) == ["1"]

    with_rig(main, "v4")


def test_a_request_that_an_operator_forced_is_no_beat() -> None:
    async def main(rig: Rig) -> None:
        rig.want(3, ON(1))
        await trio.sleep(300)
        await rig.board.raw(["ping", "3"], force=True)
        await trio.sleep(60)
        assert rig.told(Beat, 3) == []

    with_rig(main, "v4")


def test_a_board_whose_id_chip_does_not_answer_is_known_by_its_boots() -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(20)
        assert rig.board.known == KNOWN
        rig.fake.fault("sensor rtc dead")
        rig.fake.unplug()
        await trio.sleep(20)
        rig.fake.replug()
        await trio.sleep(20)
        assert rig.board.known == Identity(None, 1, None)
        assert rig.notices("board.reset") == []

    with_rig(main, "v4")


def test_without_the_converter_nothing_is_concluded_from_currents() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(60)
        rig.fake.fault("sensor cu dead")
        rig.fake.reset()
        await trio.sleep(120)
        assert rig.told(PowerLost) == []
        assert rig.relays(1) == [(True, "command")]
        rig.want(1, OFF(1))
        await trio.sleep(60)
        assert rig.told(RelayOff, 1)

    with_rig(main, "v4")


def test_ports_that_may_have_lost_their_power_with_the_board_come_on_one_after_the_other() -> None:
    """No converter answers, and the port without a heartbeat is one that a restarted board takes for disabled."""

    async def main(rig: Rig) -> None:
        for port in (1, 2, 3, 4):
            rig.want(port, ON(1))
        await trio.sleep(60)
        before_s = rig.fake.status()["board_s"]
        rig.fake.fault("sensor cu dead")
        rig.fake.powercycle()
        await trio.sleep(120)
        ons = [each for each in rig.fake.status()["relay_log"] if each["on"] and each["port"] and each["board_s"] > before_s]
        assert [each["port"] for each in ons] == [1, 2, 3, 4]
        assert all(later["board_s"] - earlier["board_s"] >= CONFIG.wagman.stagger_s for earlier, later in pairwise(ons))
        assert all(rig.board.power.ports[port].confirmed for port in (1, 2, 3, 4))

    with_rig(main, "v4")


@pytest.mark.parametrize("while_dead", [True, False])
def test_a_doubt_about_a_power_cycle_ends_with_it(while_dead: bool) -> None:
    """What was doubted was switched off then, and is parked: the next start has to take it out of there."""

    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(60)
        rig.fake.fault("sensor cu dead")
        rig.fake.reset()
        while not rig.notices("board.reset"):  # noqa: ASYNC110 - facts are told to nobody who waits
            await trio.sleep(0.1)
        rig.want(1, ON(2, "emmc", cleared=False))  # a restart
        while not rig.told(PowerFound, 1):  # noqa: ASYNC110
            await trio.sleep(0.1)
        assert rig.relays(1) == [(True, "command")]  # nobody knows whether the board started it meanwhile
        rig.want(1, ON(2, "emmc", cleared=False))  # its guest was asked to halt
        while not rig.told(RelayOff, 1):  # noqa: ASYNC110
            await trio.sleep(0.1)
        if not while_dead:
            rig.fake.fault("sensor cu ok")
        rig.want(1, ON(2, "emmc"))
        await trio.sleep(120)
        assert [on.cycle for on in rig.told(RelayOn, 1)] == [1, 2]
        assert rig.relays(1) == [(True, "command"), (False, "command"), (True, "command")]

    with_rig(main, "v4")


def test_a_port_that_the_board_says_it_has_started_is_not_cut_unasked_where_nobody_can_read_its_current() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, OFF(0))
        await trio.sleep(30)
        rig.fake.fault("sensor cu dead")
        await rig.board.raw(["stop", "1", "0"], force=True)
        await rig.board.raw(["start", "1"], force=True)
        await trio.sleep(30)
        assert rig.is_on[1]
        assert rig.told(PowerFound, 1)

    with_rig(main, "v4")


def test_a_new_connection_begins_with_a_new_decoder() -> None:
    dialect = V4Dialect()
    assert dialect.decoder() is not dialect.decoder()
