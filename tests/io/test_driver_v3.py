"""What is special about driving a v3 board, against its model in virtual time."""

import itertools
import math
import re
from collections.abc import Sequence
from typing import Any

import pytest
import trio
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.io.faults import Wrapper
from tests.io.test_board import OFF, ON, Rig, with_rig
from wagman.config.boards import WagmanBoard
from wagman.config.schema import Config, DeviceConfig
from wagman.config.wagman import PING_AGE_S
from wagman.fake.guests import Guest as GuestModel
from wagman.fsm.outlet.signs import GONE_S
from wagman.io.serial.link import Answer
from wagman.io.v3.ages import Ages, agree
from wagman.io.v3.codec import Log
from wagman.io.v3.driver import MOST_PINGS, V3Driver
from wagman.model.backend import BLANK_BOOTS, RUNS_APART_S, Identity
from wagman.model.facts import Beat, BoardStopping, Listened, PowerFound, PowerLost, RelayOff, RelayOn

LONG_S = 4 * 3600.0  # the board stops what it has not heard for one
GUEST_ON_PORT_0 = Config((WagmanBoard(poll_s=60),), devices=(DeviceConfig("nc", 0, primary="emmc", shutdown=("halt",)),))

# --- Ages without a check sum -----------------------------------------------------------------------------------------


def test_one_damaged_age_after_a_time_in_which_nobody_listened_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    ask, is_damaged = V3Driver._ask, [False]

    async def over_a_noisy_cable(self: V3Driver, words: Sequence[str], parse: Any) -> Any:
        answer = await ask(self, words, parse)
        if words != ["hb"] or not is_damaged[0]:
            return answer
        is_damaged[0] = False
        return evolve(answer, value=tuple(10 * age_s + 9 for age_s in answer.value))

    monkeypatch.setattr(V3Driver, "_ask", over_a_noisy_cable)

    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        rig.fake.control("guest gn beat=60")
        await trio.sleep(150)
        rig.fake.unplug()
        await trio.sleep(200)
        rig.facts.clear()
        is_damaged[0] = True
        rig.fake.replug()
        await trio.sleep(20)
        assert not is_damaged[0]
        silences_s = [fact.asked_at_s - fact.silent_since_s for fact in rig.told(Listened, 1)]
        assert silences_s
        assert max(silences_s) < 70

    with_rig(main)


@pytest.mark.parametrize(
    ("damaged", "believed"), [(1, [False, False, True, True]), (2, [False, False, False, True]), (3, [False, False, True, False])]
)
def test_a_silence_becomes_older_only_by_three_answers(
    monkeypatch: pytest.MonkeyPatch, damaged: int, believed: list[bool]
) -> None:
    """A cable can double the same digit twice in a row; and what two answers agreed about before may have been damaged, too."""
    ask, left = V3Driver._ask, [0]

    async def over_a_noisy_cable(self: V3Driver, words: Sequence[str], parse: Any) -> Any:
        answer = await ask(self, words, parse)
        if words != ["hb"] or not left[0]:
            return answer
        left[0] -= 1
        return evolve(answer, value=tuple(600 + age_s for age_s in answer.value))

    monkeypatch.setattr(V3Driver, "_ask", over_a_noisy_cable)

    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(150)
        rig.fake.control("hang gn")
        await trio.sleep(20)
        rig.facts.clear()
        left[0] = damaged
        await trio.sleep(40)
        assert not left[0]
        silences_s = [fact.asked_at_s - fact.silent_since_s for fact in rig.told(Listened, 1)]
        assert [silence_s > 0 for silence_s in silences_s][:4] == believed

    with_rig(main)


@pytest.mark.parametrize("nth", [1, 2])
def test_one_damaged_age_after_a_restart_of_the_board_makes_no_other_port_look_started(
    nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, count = V3Driver._ask, [-math.inf]

    async def over_a_noisy_cable(self: V3Driver, words: Sequence[str], parse: Any) -> Any:
        answer = await ask(self, words, parse)
        count[0] += words == ["hb"]
        if words != ["hb"] or count[0] != nth:
            return answer
        return evolve(answer, value=(answer.value[0] * 10 + 9, *answer.value[1:]))  # a digit too many

    monkeypatch.setattr(V3Driver, "_ask", over_a_noisy_cable)

    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(60)
        rig.facts.clear()
        count[0] = 0
        rig.fake.reset()
        await trio.sleep(40)
        assert count[0] > nth
        assert rig.told(PowerLost, 1)
        assert not [found for port in (1, 2, 3, 4) for found in rig.told(PowerFound, port)]

    with_rig(main)


def _answer(asked_at_s: float, took_s: float, reset_s: float, told: str) -> Ages:
    """An answer about a timer that was reset then; `told` is what the cable makes of the number in it."""
    age_ms = str(int((asked_at_s + took_s / 2 - reset_s) * 1000))
    at = len(age_ms) // 2
    changed = {"whole": age_ms, "doubled": age_ms[:at] + age_ms[at:][:1] + age_ms[at:], "lost": age_ms[:at] + age_ms[at + 1 :]}
    return Answer((int(changed[told]) / 1000,), asked_at_s, asked_at_s + took_s)


@given(st.floats(60, 1e5), st.floats(5, 60), st.floats(0.01, 4), st.floats(0.01, 4))
def test_two_whole_answers_about_one_reset_agree_and_a_damaged_one_agrees_with_neither(
    age_s: float, later_s: float, first_took_s: float, then_took_s: float
) -> None:
    first = _answer(age_s, first_took_s, 0, "whole")
    then_s = age_s + first_took_s + later_s
    assert agree(first, _answer(then_s, then_took_s, 0, "whole"), 0)
    for told in ("doubled", "lost"):
        assert not agree(first, _answer(then_s, then_took_s, 0, told), 0)
        assert not agree(_answer(age_s, first_took_s, 0, told), _answer(then_s, then_took_s, 0, "whole"), 0)


# --- Which run of the board it is -------------------------------------------------------------------------------------


def test_a_restart_in_which_the_board_lost_its_memory_is_noticed_though_its_count_is_the_same() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(60)
        rig.fake.fault("eeprom")
        rig.fake.reset()
        await trio.sleep(60)
        assert [(notice.fields["before"], notice.fields["boots"]) for notice in rig.notices("board.reset")] == [(1, 1)]
        assert [lost.reset for lost in rig.told(PowerLost, 1)] == [True]

    with_rig(main)


def test_a_memory_that_is_lost_while_the_board_runs_is_not_taken_for_a_restart_but_the_next_one_is() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        rig.want(3, OFF(0))
        await trio.sleep(100)
        rig.fake.fault("eeprom")
        rig.fake.unplug()
        await trio.sleep(30)
        rig.fake.replug()
        await trio.sleep(150)
        assert rig.board.known is not None
        assert rig.board.known.boots == BLANK_BOOTS
        assert not rig.notices("board.reset")
        assert not rig.told(PowerLost)
        assert rig.board.power.ports[3].confirmed
        assert not rig.is_on[3]
        rig.fake.reset()
        await trio.sleep(60)
        assert len(rig.notices("board.reset")) == 1
        assert rig.told(PowerLost, 1)

    with_rig(main)


@pytest.mark.parametrize("date", ["2031 1 2 3 4 5", "2021 1 2 3 4 5"])
def test_setting_the_boards_clock_is_not_taken_for_a_restart(date: str) -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(60)
        await rig.board.raw(["date", *date.split()], force=False)
        rig.fake.unplug()
        await trio.sleep(30)
        rig.fake.replug()
        await trio.sleep(60)
        assert len(rig.notices("link.up")) == 2
        assert not rig.notices("board.reset")

    with_rig(main)


@pytest.mark.parametrize("at_start", ["dead", "ok"])
def test_a_clock_chip_that_fails_or_comes_back_is_not_taken_for_a_restart(at_start: str) -> None:
    async def main(rig: Rig) -> None:
        rig.fake.fault(f"sensor rtc {at_start}")
        rig.fake.reset()
        await trio.sleep(60)
        rig.facts.clear()
        for how in ("ok", "dead", "ok"):
            rig.fake.fault(f"sensor rtc {how}")
            rig.fake.unplug()
            await trio.sleep(30)
            rig.fake.replug()
            await trio.sleep(60)
        assert len(rig.notices("link.up")) == 3
        assert not rig.notices("board.reset")

    with_rig(main)


def test_other_commands_between_the_two_questions_about_its_start_make_no_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    ask, delays_s = V3Driver._ask, iter([0.0, 30.0, 30.0])

    async def with_others_in_between(self: V3Driver, words: Sequence[str], parse: Any) -> Any:
        answer = await ask(self, words, parse)
        if words == ["rtc"]:
            await trio.sleep(next(delays_s, 0.0))
        return answer

    async def main(rig: Rig) -> None:
        await trio.sleep(60)
        rig.fake.unplug()
        await trio.sleep(5)
        rig.fake.replug()
        await trio.sleep(120)
        assert not rig.notices("board.reset")
        assert rig.board.known is not None
        assert rig.board.known.began_s is not None  # what it said before stands

    monkeypatch.setattr(V3Driver, "_ask", with_others_in_between)
    with_rig(main)


@pytest.mark.parametrize("first", ["dead", "ok"])
def test_a_clock_chip_that_fails_now_and_then_is_no_restart(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(rig: Rig) -> None:
        rig.fake.fault(f"sensor rtc {first}")
        await trio.sleep(60)
        ask = V3Driver._ask

        async def flickering(self: V3Driver, words: Sequence[str], parse: Any) -> Any:
            rig.fake.fault(f"sensor rtc {next(states)}")
            return await ask(self, words, parse)

        states = itertools.cycle(["ok", "dead", "dead", "ok", "dead"])
        monkeypatch.setattr(V3Driver, "_ask", flickering)
        rig.fake.unplug()
        await trio.sleep(30)
        rig.fake.replug()
        await trio.sleep(120)
        assert not rig.notices("board.reset")
        assert not rig.board.blind

    with_rig(main)


@given(began_s=st.integers(-(2**31), 2**31), off_s=st.integers(-60, 60))
def test_runs_of_a_board_are_told_apart_by_when_they_began(began_s: int, off_s: int) -> None:
    one = Identity("A30B003D70C6", 1, "v3", began_s)
    assert one.same_run(evolve(one, began_s=began_s + off_s)) is (abs(off_s) <= RUNS_APART_S)
    assert one.same_run(evolve(one, began_s=None))
    assert not one.same_run(evolve(one, boots=2))
    assert one.same_run(evolve(one, boots=BLANK_BOOTS))


# --- What others left behind ------------------------------------------------------------------------------------------


def test_logging_that_somebody_switched_off_is_switched_on_again() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(120)
        await rig.board.raw(["log", "off"], force=True)
        await trio.sleep(70)
        rig.facts.clear()
        await trio.sleep(30)
        assert {beat.source for beat in rig.told(Beat, 1)} == {"log"}
        rig.want(1, OFF(1))
        await trio.sleep(30)
        assert rig.told(RelayOff, 1)

    with_rig(main)


# --- Our own pings ----------------------------------------------------------------------------------------------------


def test_how_long_a_guest_was_silent_while_nobody_could_ask_is_told_before_the_board_is_pinged_for_it() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(100)
        rig.fake.unplug()
        await trio.sleep(30)
        rig.fake.hang("gn")
        await trio.sleep(PING_AGE_S + 60)
        rig.facts.clear()
        rig.fake.replug()
        await trio.sleep(60)
        silences_s = [fact.asked_at_s - fact.silent_since_s for fact in rig.told(Listened, 1)]
        assert max(silences_s) > PING_AGE_S + 60
        assert silences_s[-1] < 60  # it was pinged

    with_rig(main)


def test_no_silence_is_seen_to_last_longer_than_the_board_goes_without_a_ping() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(100)
        rig.fake.hang("gn")
        await trio.sleep(LONG_S)
        longest_s = max(fact.asked_at_s - fact.silent_since_s for fact in rig.told(Listened, 1))
        assert PING_AGE_S - 60 < longest_s < PING_AGE_S + 60
        assert WagmanBoard.longest_silence_s == PING_AGE_S

    with_rig(main)


class DamagedPings(Wrapper):
    """The answers to pings of port 1 have a damaged header."""

    sid = b"none"

    async def send_all(self, data: bytes) -> None:
        if found := re.search(rb"@(\S+) ping 1\n", data):
            DamagedPings.sid = found[1]
        await super().send_all(data)

    async def receive_some(self) -> bytes:
        return (await super().receive_some()).replace(b"sid=" + DamagedPings.sid + b" ping", b"s\xffd")


def test_a_ping_whose_answer_was_damaged_is_no_beat() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(100)
        rig.fake.hang("gn")
        await trio.sleep(60)
        rig.facts.clear()
        await trio.sleep(LONG_S)
        assert rig.is_on[1]
        assert rig.told(Beat, 1) == []

    with_rig(main, faults=[DamagedPings])


def test_a_ping_that_is_logged_after_the_connection_was_opened_anew_is_no_beat() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(100)
        rig.fake.hang("gn")
        await trio.sleep(60)
        rig.facts.clear()
        driver = rig.driver
        assert isinstance(driver, V3Driver)
        driver._pings["w1"] = 1
        await driver.greet()
        driver.heard(Log("gn", "heartbeat"), trio.current_time())
        assert rig.told(Beat, 1) == []
        driver.heard(Log("gn", "heartbeat"), trio.current_time())
        assert len(rig.told(Beat, 1)) == 1

    with_rig(main)


@pytest.mark.parametrize(("what", "stops"), [("stopping", True), ("heartbeat timeout", False), ("unmanaged switch", False)])
def test_the_controllers_own_port_is_being_stopped_once_the_board_has_begun_to(what: str, stops: bool) -> None:
    """Before, it may still come to be fed: nobody shuts the controller down for that."""

    async def main(rig: Rig) -> None:
        await trio.sleep(30)
        rig.driver.heard(Log("nc", what), trio.current_time())
        assert bool(rig.told(BoardStopping, 0)) == stops

    with_rig(main)


def test_pings_that_nobody_logs_are_not_remembered_for_ever() -> None:
    async def main(rig: Rig) -> None:
        driver = rig.driver
        assert isinstance(driver, V3Driver)
        for _ in range(3 * MOST_PINGS):
            await rig.board.raw(["log", "off"], force=True)
            await driver.ping(0)
        assert len(driver._pings) == MOST_PINGS

    with_rig(main)


# --- The controller's selector ----------------------------------------------------------------------------------------


def test_a_start_that_is_logged_while_the_selector_is_put_back_has_it_put_back_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    ask, put_back_s = V3Driver._ask, []

    async def with_a_start(self: V3Driver, words: Sequence[str], parse: Any) -> Any:
        answer = await ask(self, words, parse)
        if words[:2] == ["bs", "0"]:
            put_back_s.append(trio.current_time())
            if len(put_back_s) == 1:
                self.heard(Log("cs", "starting primary"), trio.current_time())
        return answer

    async def main(rig: Rig) -> None:
        rig.fake.unplug()
        await trio.sleep(10)
        rig.fake.replug()
        await trio.sleep(30)
        assert len(put_back_s) == 2

    monkeypatch.setattr(V3Driver, "_ask", with_a_start)
    with_rig(main, away_s=200)


class BecomesAQuestion(Wrapper):
    """The first command that sets a selector loses the blank before the medium: the board takes it for a question."""

    is_lost = False

    async def send_all(self, data: bytes) -> None:
        damaged = data if BecomesAQuestion.is_lost else re.sub(rb"(bs \d) (emmc|sd)", rb"\1\2", data)
        BecomesAQuestion.is_lost |= damaged != data
        await super().send_all(damaged)


def test_a_selector_is_put_back_again_if_the_board_has_taken_the_command_for_a_question() -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(30)
        assert BecomesAQuestion.is_lost
        assert rig.fake.hardware.selectors[0] == "emmc"

    BecomesAQuestion.is_lost = False
    with_rig(lambda rig: main(moved(rig)), faults=[BecomesAQuestion])


def test_a_guest_is_not_started_from_a_medium_that_its_board_was_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(30)
        monkeypatch.setattr(BecomesAQuestion, "is_lost", False)
        rig.want(1, ON(1, "sd"))
        await trio.sleep(60)
        assert BecomesAQuestion.is_lost
        assert rig.is_on[1]
        assert rig.fake.hardware.guests[1].medium == "sd"

    BecomesAQuestion.is_lost = True
    with_rig(main, faults=[BecomesAQuestion])


def moved(rig: Rig) -> Rig:
    """The controller's selector is not where it is to be."""
    rig.fake.hardware.select(0, "sd")
    return rig


# --- A guest without a heartbeat --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("draws_ma", "is_lost"), [(0, True), (16, False)])
def test_a_guest_without_a_heartbeat_that_draws_little_sleeps_and_one_that_draws_nothing_has_lost_its_power(
    draws_ma: int, is_lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(rig: Rig) -> None:
        rig.want(3, ON(1, None))
        await trio.sleep(60)
        monkeypatch.setattr(GuestModel, "current_ma", lambda _guest, _now_s: draws_ma)
        await trio.sleep(GONE_S + 60)
        assert bool(rig.told(PowerLost, 3)) == is_lost

    mute = Config((WagmanBoard(poll_s=5),), devices=(DeviceConfig("x1", 3, hears_board=False, shutdown=()),))
    with_rig(main, config=mute)


# --- A guest on port 0, which the board never takes for disabled ------------------------------------------------------


def test_a_guest_on_port_0_stays_off_against_the_boards_auto_start_and_comes_on_again() -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(60)
        assert rig.is_on[0]
        rig.want(0, OFF(0))
        await trio.sleep(LONG_S)
        assert rig.relays(0) == [(True, "board"), (False, "command")]
        assert rig.board.power.ports[0].confirmed
        assert not rig.told(PowerFound, 0)
        assert len(rig.told(RelayOff, 0)) == 1
        rig.want(0, ON(1, "emmc"))
        await trio.sleep(120)
        assert rig.told(RelayOn, 0)
        assert [on for on, _ in rig.relays(0)] == [True, False, True]

    with_rig(main, config=GUEST_ON_PORT_0)


def test_a_start_that_is_taken_back_while_the_medium_is_chosen_does_not_give_the_board_the_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[str] = []

    async def main(rig: Rig) -> None:
        ask, do = V3Driver._ask, V3Driver._do

        async def then_stopped(self: V3Driver, words: Any, *args: Any) -> Any:
            answer = await ask(self, words, *args)
            if words[:2] == ["bs", "1"]:
                sent.append("bs")
                rig.want(1, OFF(1))
            return answer

        async def seen(self: V3Driver, *words: str) -> float:
            sent.append(words[0])
            return await do(self, *words)

        monkeypatch.setattr(V3Driver, "_ask", then_stopped)
        monkeypatch.setattr(V3Driver, "_do", seen)
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(300)
        assert "bs" in sent
        assert "enable" not in sent
        assert not rig.is_on[1]

    with_rig(main)


def test_a_start_that_is_taken_back_between_its_requests_is_not_sent_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, ...]] = []

    async def main(rig: Rig) -> None:
        do = V3Driver._do

        async def then_stopped(self: V3Driver, *words: str) -> float:
            at_s = await do(self, *words)
            sent.append(words)
            if words == ("enable", "1"):
                rig.want(1, OFF(1))
            return at_s

        monkeypatch.setattr(V3Driver, "_do", then_stopped)
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(60)
        assert not rig.is_on[1]
        assert ("start", "1") not in sent
        assert sent[sent.index(("enable", "1")) + 1] == ("disable", "1")

    with_rig(main)
