"""Power-on, reset and what survives them."""

from collections.abc import Callable

import pytest

from tests.fake.bench import SILENT, Bench, bench
from wagman.fake.board import Board
from wagman.fake.hardware import PORT_NAMES


def first_answer_s(board: Bench, within_s: float = 60.0) -> float:
    """From now to the first reply to a request that waits for it."""
    began_s = board.now_s
    while not board.board.usb.up:
        board.run(0.05)
    board.send("@first boots")
    board.run(within_s)
    return board.times_of("<<<- sid=first boots")[-1] - began_s


def test_a_board_begins_where_the_firmware_takes_over_with_a_tty_that_answers_late() -> None:
    board = bench(0)
    assert board.board.usb.up
    assert first_answer_s(board) == pytest.approx(11.6, abs=0.3)  # captured: 11.64 s, with a fresh EEPROM


def test_after_power_on_the_tty_comes_in_12_s_and_the_first_answer_in_22() -> None:
    board = bench()
    board.board.powercycle()
    began_s = board.now_s
    assert first_answer_s(board) == pytest.approx(22, abs=0.5)
    assert [up for _at_s, up in board.ttys()[-2:]] == [False, True]
    assert [at_s for at_s, _up in board.ttys()[-2:]] == pytest.approx([began_s, began_s + 12])


def test_formatting_the_eeprom_takes_longer() -> None:
    board = bench()
    board.ask("eereset")
    board.board.powercycle()
    assert first_answer_s(board) == pytest.approx(23.5, abs=0.3)


def test_reset_replies_falls_silent_loses_the_tty_and_comes_back() -> None:
    board = bench()
    assert board.ask("reset") == ""
    replied_s = board.times_of("->>>")[-1]
    board.send("@lost boots")
    board.run(8)
    assert not board.times_of("<<<- sid=lost boots")
    board.run(14)
    (gone_s, gone_up), (back_s, back_up) = board.ttys()[-2:]
    assert (gone_up, back_up) == (False, True)
    assert gone_s - replied_s == pytest.approx(8.2, abs=0.1)
    assert back_s - replied_s == pytest.approx(20.3, abs=0.2)
    board.send("@first boots")
    board.run(30)
    assert board.times_of("<<<- sid=first boots")[0] - replied_s == pytest.approx(29, abs=0.4)
    assert board.ask("boots") == "2"


def test_requests_sent_during_set_up_are_answered_after_the_node_controllers_start() -> None:
    board = bench(0)
    board.send("@early boots")
    said = board.run(15)
    assert said.startswith("log: nc starting primary\r\n<<<- sid=early boots")


def test_reset_later_runs_on_but_starts_nothing() -> None:
    board = bench()
    board.ask("reset 100")
    assert board.ask("start 1") == ""
    board.run(80)
    assert not board.relay(1)
    assert board.ask("boots") == "1"
    board.run(30)
    assert not board.board.usb.up
    board.run(30)
    assert board.ask("boots") == "2"


def test_a_second_reset_restarts_the_wait() -> None:
    board = bench()
    board.ask("reset 20")
    board.run(10)
    board.ask("reset 20")
    board.run(15)
    assert board.ask("boots") == "1"
    board.run(20)
    assert not board.board.usb.up


def test_a_reset_beyond_16_bits_is_far_away() -> None:
    board = bench()
    board.ask("reset 40000")
    board.run(45_000)
    assert board.ask("boots") == "1"


@pytest.mark.parametrize(
    ("cause", "flags"),
    [
        (lambda board: board.powercycle(), "PORF"),
        (lambda board: board.reset(), "WDRF"),
        (lambda board: board.reset("BORF"), "BORF"),
    ],
)
def test_bf_tells_the_cause_of_this_boot(cause: Callable[[Board], None], flags: str) -> None:
    board = bench()
    assert board.ask("bf") == "PORF"
    cause(board.board)
    board.run(40)
    assert board.ask("bf") == flags


def test_eereset_shows_only_after_the_next_boot() -> None:
    board = bench()
    board.board.reset()
    board.run(40)
    board.ask("disable 1")
    board.ask("eereset")
    assert board.ask("boots") == "2"
    board.board.reset()
    board.run(40)
    assert board.ask("boots") == "1"
    assert board.board.eeprom.enabled == [True, True, True, False, False]


def test_the_uptime_counts_from_the_end_of_set_up_by_the_clock_chip() -> None:
    board = bench(100)
    assert int(board.ask("up")) == pytest.approx(101 - 9, abs=1)


def test_a_clock_behind_the_build_is_set_to_it_after_the_uptime_began() -> None:
    board = Bench(Board(guests=dict.fromkeys(PORT_NAMES, SILENT), rtc_s=0))
    board.run(15)
    assert board.ask("rtc").startswith("15877427")
    assert int(board.ask("up")) > 1_500_000_000


def test_a_dead_current_sensor_is_told_of_at_power_on_only() -> None:
    board = bench()
    board.board.hardware.dead_sensors.add("cu3")
    board.board.powercycle()
    board.run(30)
    line = "log: post current sensor 3 out of range."
    assert len(board.times_of(line)) == 1
    board.board.reset()
    board.run(40)
    assert len(board.times_of(line)) == 1


def test_a_dead_current_sensor_slows_the_loop() -> None:
    board = bench()
    board.board.hardware.dead_sensors.add("cu3")
    board.board.poke()
    board.run(5)
    board.send(*["@sid boots"] * 40)
    board.run(3)
    times_s = sorted(set(board.times_of("<<<- sid=sid boots")))
    assert times_s[1] - times_s[0] == pytest.approx(0.3285 + 0.1 - 0.0257, abs=0.001)


def test_nothing_is_said_while_the_tty_is_gone_and_input_of_the_old_one_is_lost() -> None:
    board = bench()
    board.send("@old boots")
    board.board.reset()
    said = board.run(60)
    assert "old" not in said
    assert "log: nc starting primary" in said


def test_input_beyond_what_a_busy_board_can_hold_has_to_wait() -> None:
    board = bench()
    board.ask("reset")
    assert board.board.feed(b"x" * 10_000, board.now_s) == 4096
    assert board.board.feed(b"x", board.now_s) == 0


def test_input_that_is_not_taken_does_not_wake_the_board() -> None:
    board = bench()
    next_at_s = board.board.next_at_s
    assert board.board.feed(b"", board.now_s) == 0
    assert board.board.next_at_s == next_at_s


def test_two_boards_given_the_same_do_the_same() -> None:
    def story() -> list[object]:
        board = bench()
        board.board.faults.outward.corrupt = 0.1
        board.send("@1 cu", "@2 hb", "@3 start 1")
        board.run(200)
        return list(board.outputs)

    assert story() == story()
