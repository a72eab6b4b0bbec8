"""What the v4 firmware does with its ports, a sentence at a time: where it differs from v3."""

from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake.bench import SILENT, Bench
from wagman.fake.board import Board
from wagman.fake.eeprom import Eeprom
from wagman.fake.guests import GuestSpec
from wagman.fake.hardware import PORT_NAMES
from wagman.fake.usb import Data
from wagman.fake.v4_lines import LineBuffer, decoded, sensorgrams
from wagman.io.v4 import codec as v4
from wagman.io.v4.codec import Sensorgram
from wagman.io.v4.requests import (
    BOOTS,
    EERESET,
    ENABLE,
    HB,
    LONGEST_GRACE_S,
    PING,
    RESET,
    SET_MEDIA,
    START,
    STATE,
    STOP,
)

HOUR_S = 3600.0
DISABLED, STOPPED, STARTED, STOPPING = 0, 1, 3, 4


class BenchV4(Bench):
    """A board on the bench that speaks sensorgrams."""

    def said(self, data: bytes, wait_s: float) -> list[v4.Event]:
        self.send_bytes(data)
        before = len(self.outputs)
        self.run(wait_s)
        return v4.Decoder().feed(b"".join(o.data for o in self.outputs[before:] if isinstance(o, Data)))

    def numbers(self, *asked: Sensorgram, wait_s: float = 3.0) -> list[int | None]:
        """The numbers in the replies; a minute report does not count."""
        events = self.said(v4.encode_all(asked), wait_s)
        return [e.sensorgrams[0].number for e in events if isinstance(e, v4.Line) and len(e.sensorgrams) == 1]

    def state(self, port: int) -> int | None:
        return self.numbers(STATE.ask(port))[0]


def bench(run_s: float = 10.0, eeprom: Eeprom | None = None, **guests: GuestSpec) -> BenchV4:
    specs = {name: guests.get(name, SILENT) for name in PORT_NAMES}
    made = BenchV4(Board(dialect="v4", guests=specs, eeprom=eeprom or Eeprom()))
    made.run(run_s)
    return made


def formatted(**changes: Any) -> Eeprom:
    eeprom = Eeprom()
    eeprom.format()
    for name, value in changes.items():
        setattr(eeprom, name, value)
    return eeprom


# --- Starting ---------------------------------------------------------------------------------------------------------


def test_the_controller_is_started_twice_at_set_up_and_its_relay_moves_once() -> None:
    board = bench()
    assert board.board.eeprom.attempts[0] == 2
    assert board.changes(0) == [(True, "board")]


def test_enabled_ports_are_started_a_minute_apart() -> None:
    board = bench(200)
    gn, cs = (next(c.board_s for c in board.board.hardware.relay_log if c.port == port) for port in (1, 2))
    assert gn == pytest.approx(64, abs=2)
    assert cs - gn == pytest.approx(61, abs=1.5)
    assert [board.relay(port) for port in range(5)] == [True, True, True, False, False]


def test_a_start_is_refused_only_while_stopping() -> None:
    board = bench()
    assert board.numbers(START.ask(4)) == [1]
    assert board.relay(4)  # though it is disabled
    assert board.state(4) == STARTED
    assert board.numbers(STOP.ask(4, 30), START.ask(4)) == [1, 1]
    assert board.state(4) == STOPPING


def test_a_start_of_a_running_port_counts_an_attempt_resets_its_timer_and_moves_no_relay() -> None:
    board = bench()
    board.numbers(START.ask(1))
    board.run(20)
    before = board.board.eeprom.attempts[1]
    board.numbers(START.ask(1))
    assert board.board.eeprom.attempts[1] == before + 1
    assert board.changes(1) == [(True, "command")]
    assert (board.numbers(HB.ask(1))[0] or 0) < 5000


def test_a_start_of_a_disabled_port_is_not_remembered_by_a_restarted_board() -> None:
    board = bench()
    board.numbers(START.ask(3))
    board.board.reset()
    board.run(300)
    assert board.state(3) == DISABLED
    assert board.relay(3)  # latched


# --- Stopping ---------------------------------------------------------------------------------------------------------


def test_a_stop_of_a_stopped_port_cuts_it_at_once_and_sets_the_automatic_start_back() -> None:
    board = bench(50)
    assert board.numbers(STOP.ask(1, 100)) == [1]
    assert board.state(1) == STOPPED
    board.run(45)
    assert not board.relay(1)


def test_a_stopped_port_whose_relay_is_on_is_cut_by_a_stop() -> None:
    board = bench()
    board.numbers(START.ask(1), wait_s=4)
    board.numbers(ENABLE.ask(1))
    assert (board.state(1), board.relay(1)) == (STOPPED, True)
    board.numbers(STOP.ask(1, 100))
    assert not board.relay(1)


def test_a_stop_of_a_disabled_port_leaves_it_stopped_and_it_is_started_by_itself() -> None:
    board = bench()
    board.numbers(STOP.ask(3, 0))
    assert board.state(3) == STOPPED
    board.run(300)
    assert board.relay(3)


def test_a_stop_while_stopping_changes_the_deadline() -> None:
    board = bench()
    board.numbers(START.ask(1), wait_s=4)
    board.numbers(STOP.ask(1, 1000))
    board.run(60)
    assert board.relay(1)
    board.numbers(STOP.ask(1, 0))
    assert not board.relay(1)


@pytest.mark.parametrize("port", [1, 2, 3, 4])
def test_a_parked_port_is_stopping_without_power_and_nothing_gets_it_out_of_there(port: int) -> None:
    board = bench(cs=GuestSpec())
    board.numbers(STOP.ask(port, 0), wait_s=4)
    assert board.numbers(PING.ask(port), STOP.ask(port, LONGEST_GRACE_S), STATE.ask(port)) == [1, 1, STOPPING]
    board.numbers(PING.ask(port))
    board.numbers(START.ask(port))
    board.run(6 * HOUR_S)
    assert board.state(port) == STOPPING
    assert board.changes(port) == []


# --- By itself --------------------------------------------------------------------------------------------------------


def test_the_controller_is_power_cycled_when_nobody_pings_for_an_hour() -> None:
    board = bench(3900)
    changes = [(c.on, round(c.board_s)) for c in board.board.hardware.relay_log if c.port == 0]
    assert [on for on, _at_s in changes] == [True, False, True]
    assert changes[1][1] == pytest.approx(3665, abs=3)
    assert changes[2][1] == pytest.approx(3726, abs=3)


def test_a_ping_makes_a_stopped_port_started_without_power() -> None:
    board = bench()
    board.numbers(PING.ask(1))
    assert (board.state(1), board.relay(1)) == (STARTED, False)


def test_a_port_that_was_only_pinged_is_unmanaged_and_cut_after_four_hours() -> None:
    board = bench(gn=GuestSpec(boot_s=5, beat_s=8))
    board.numbers(START.ask(1), wait_s=20)
    board.board.reset()
    board.run(20)  # its guest beats before the board comes to start it
    board.run(4.5 * HOUR_S)
    assert (False, "board") in board.changes(1)


def test_from_thirty_failures_on_a_port_is_not_managed() -> None:
    managed, unmanaged = (bench(eeprom=formatted(failures=[0, failures, 0, 0, 0])) for failures in (29, 30))
    for board in (managed, unmanaged):
        board.numbers(START.ask(1))
        board.run(HOUR_S + 90)
    assert (False, "board") in managed.changes(1)
    assert (False, "board") not in unmanaged.changes(1)


def test_all_relays_keep_their_state_when_the_board_restarts_and_enabled_ports_are_taken_for_stopped() -> None:
    board = bench()
    board.numbers(START.ask(1))
    board.board.reset()
    board.run(10)
    assert (board.relay(1), board.state(1)) == (True, STOPPED)
    assert board.numbers(BOOTS.ask()) == [2]


def test_a_reset_is_answered_and_takes_the_watchdogs_time() -> None:
    board = bench()
    asked_s = board.now_s
    assert board.numbers(RESET.ask()) == [1]
    board.run(30)
    gone_s, back_s = (at_s for at_s, _up in board.ttys()[1:])
    assert gone_s - asked_s == pytest.approx(15.6, abs=1)
    assert back_s - gone_s < 1


def test_the_eeprom_is_initialised_at_the_next_boot_after_it_was_reset() -> None:
    board = bench()
    board.board.eeprom.boots = 41
    assert board.numbers(EERESET.ask()) == [1]
    assert board.numbers(BOOTS.ask()) == [41]
    board.board.reset()
    board.run(10)
    assert board.numbers(BOOTS.ask()) == [1]


def test_a_start_of_cs_moves_the_controllers_selector() -> None:
    board = bench()
    board.numbers(SET_MEDIA.ask(0, 0))
    assert board.board.hardware.selectors[0] == "sd"
    board.numbers(START.ask(2))
    assert board.board.hardware.selectors[0] == "emmc"


# --- Heartbeats -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "heard"),
    [
        (None, [False, True, False, False, False]),  # port 2 has its pin, and port 0 is the controller's, which the service feeds
        (True, [True, True, True, False, False]),
        (False, [False, False, False, False, False]),
    ],
)
def test_guests_on_ports_0_to_2_may_be_heard_over_lines_of_their_own(line: bool | None, heard: list[bool]) -> None:
    lively = GuestSpec(boot_s=5, beat_s=8, line=line)
    board = bench(nc=lively, gn=lively, cs=lively, x1=lively, x2=lively)
    for port in range(1, 5):
        board.numbers(START.ask(port))
    firmware: Any = board.board.firmware
    firmware.ports[2].pin = None
    board.run(300)
    assert [(board.numbers(HB.ask(port))[0] or 0) < 15_000 for port in range(5)] == heard


def test_a_line_that_comes_into_use_tells_of_no_beat_of_before() -> None:
    board = bench(nc=GuestSpec(boot_s=5, beat_s=50))
    board.run(300)
    guest = board.board.hardware.guests[0]
    guest.change(board.now_s, guest.spec.changed("line=1"))
    board.board.poke()
    board.run(7)
    assert (board.numbers(HB.ask(0), wait_s=0.9)[0] or 0) > 200_000
    board.run(45)
    assert (board.numbers(HB.ask(0))[0] or 0) < 15_000


def test_the_pin_of_port_2_is_seen_now_and_then() -> None:
    """A guest that changes its level once a second was seen about every 50 s."""
    board = bench(cs=GuestSpec(boot_s=5, beat_s=8))
    firmware: Any = board.board.firmware
    board.numbers(START.ask(2))
    beats, age_s = 0, 0.0
    for _ in range(600):
        board.run(1)
        latest_s = firmware.ports[2].heartbeat_age_s()
        beats += latest_s < age_s
        age_s = latest_s
    assert 600 / 60 < beats < 600 / 20


def test_pings_that_came_while_the_board_was_down_are_lost() -> None:
    board = bench(gn=GuestSpec(boot_s=5, beat_s=2))
    board.numbers(START.ask(1), wait_s=30)
    board.board.reset()
    board.run(1.8)
    assert all(uart.take(board.now_s) <= 1 for uart in board.board.firmware._uarts)  # type: ignore[attr-defined]


# --- Lines ------------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=200))
def test_any_line_is_read_as_sensorgrams_or_not_at_all(line: bytes) -> None:
    assert all(isinstance(each, Sensorgram) for each in sensorgrams(line))


def test_what_comes_before_a_damaged_sensorgram_is_answered_and_nothing_after_it() -> None:
    board = bench()
    good, bad = BOOTS.ask().pack(), bytearray(BOOTS.ask().pack())
    bad[-1] ^= 1
    assert len(board.said(b64encode(good + bad + good) + b"\n", 2)) == 1


@pytest.mark.parametrize("request_id", [0xC008, 0xC00E])
def test_a_stop_or_a_medium_without_its_argument_is_refused_and_spoils_the_rest_of_the_line(request_id: int) -> None:
    board = bench()
    assert board.numbers(BOOTS.ask(), v4.Sensorgram(request_id, 2), BOOTS.ask()) == [1, 0]


@given(st.binary(max_size=90))
def test_padding_may_be_missing(data: bytes) -> None:
    line = b64encode(data)
    assert decoded(line) == decoded(line.rstrip(b"=")) == data


TWO_BOOTS = b64encode(2 * BOOTS.ask().pack())


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        (TWO_BOOTS, 2),
        (TWO_BOOTS + b"\r", 2),
        (TWO_BOOTS.rstrip(b"=") + b"\r", 1),
        (TWO_BOOTS[:-1] + b"*", 1),
        (TWO_BOOTS[:-4] + b"=" + TWO_BOOTS[-4:], 1),
        (b" " + TWO_BOOTS, 0),
    ],
)
def test_four_characters_of_which_one_is_unknown_end_a_line(line: bytes, replies: int) -> None:
    """Seen of the firmware itself."""
    assert len(bench().said(line + b"\n", 2)) == replies


@given(st.binary(max_size=60), st.integers(0, 20), st.sampled_from(b"*_- \r\0"))
def test_what_stands_before_the_four_characters_with_an_unknown_one_is_decoded(data: bytes, group: int, junk: int) -> None:
    line = b64encode(data)
    spoilt = line[: 4 * group + 3] + bytes([junk]) + line[4 * group + 4 :]
    assert decoded(spoilt) == data[: 3 * group]


def test_one_character_alone_is_a_byte() -> None:
    assert decoded(b"AAAA/") == b"\0\0\0\xfc"


@given(st.lists(st.binary(max_size=300).map(lambda data: data.replace(b"\n", b"")), max_size=5), st.integers(1, 50))
def test_lines_are_the_same_however_they_arrive_and_one_that_is_too_long_is_dropped_whole(lines: list[bytes], size: int) -> None:
    buffer, found = LineBuffer(), []
    data = b"".join(line + b"\n" for line in lines)
    for at in range(0, len(data), size):
        arrived = bytearray(data[at : at + size])
        while (line := buffer.take(arrived)) is not None:
            found.append(line)
    assert found == [line if len(line) <= 128 else b"" for line in lines]


def test_a_fault_can_lose_a_line_and_name_another_port() -> None:
    board = bench()
    board.board.faults.drops = 1
    assert board.numbers(BOOTS.ask()) == []
    board.board.faults.wrong_sids = 1
    (event,) = board.said(v4.encode([BOOTS.ask()]), 2)
    assert isinstance(event, v4.Line)
    assert event.sensorgrams[0].sub_id == 0x81
    board.board.faults.slow_s = 5
    assert board.numbers(BOOTS.ask()) == []
    board.board.faults.slow_s = 0
    board.run(5)
    assert board.numbers(BOOTS.ask()) == [1]


@pytest.mark.parametrize(("fault", "items"), [("rtc", b"\xff" * 8), ("cu1", 0), ("system", 0)])
def test_a_sensor_that_does_not_answer_reads_as_the_firmware_has_it(fault: str, items: object) -> None:
    board = bench()
    board.board.hardware.dead_sensors.add(fault)
    board.board.hardware.rtc.dead = fault == "rtc"
    request = {"rtc": v4.Sensorgram(0xC000, 1), "cu1": v4.Sensorgram(0xC001, 3), "system": v4.Sensorgram(0xC001, 1)}[fault]
    (event,) = board.said(v4.encode([request]), 2)
    assert isinstance(event, v4.Line)
    (value,) = event.sensorgrams[0].values
    assert (value.items if isinstance(items, bytes) else value.items[0]) == items
