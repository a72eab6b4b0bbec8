"""How the v3 firmware reads and answers: lines, words, numbers, frames, traps."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake.bench import bench
from wagman.fake.v3_text import LineBuffer, number, port_number, words

# --- Lines ------------------------------------------------------------------------------------------------------------


def lines_of(data: bytes) -> list[bytes]:
    buffer, arrived = LineBuffer(), bytearray(data)
    found: list[bytes] = []
    while True:
        line, _allowance = buffer.take(arrived, 10_000)
        if line is None:
            return found
        found.append(line)


@given(st.lists(st.binary(max_size=78).map(lambda line: line.replace(b"\n", b" ")), max_size=5))
def test_lines_of_up_to_78_bytes_come_out_whole(lines: list[bytes]) -> None:
    assert lines_of(b"".join(line + b"\n" for line in lines)) == [line + b"\n" for line in lines]


@given(st.lists(st.binary(max_size=78).map(lambda line: line.replace(b"\n", b" ")), max_size=5), st.data())
def test_pieces_make_no_difference_to_lines_that_fit(lines: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    buffer, found = LineBuffer(), []
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        arrived = bytearray(whole[start:end])
        while (line := buffer.take(arrived, 10_000)[0]) is not None:
            found.append(line)
    assert found == lines_of(whole)


@given(st.binary(max_size=600), st.integers(1, 240))
def test_any_bytes_are_used_up_within_the_allowance_and_lines_never_exceed_the_buffer(data: bytes, allowance: int) -> None:
    buffer, arrived = LineBuffer(), bytearray(data)
    left = allowance
    while True:
        line, left = buffer.take(arrived, left)
        if line is None:
            break
        assert len(line) <= 79
        assert line.endswith(b"\n")
    assert left >= 0
    assert len(data) - len(arrived) <= allowance
    assert not arrived or left == 0


def byte_by_byte(data: bytes) -> list[bytes]:
    """The firmware's reader as it is written there: one byte at a time into a buffer of 80."""
    held, found, rest = bytearray(), [], bytearray(data)
    while rest:
        held.append(rest.pop(0))
        if len(held) >= 80:
            held.clear()
            while rest and rest.pop(0) != ord("\n"):
                pass
        elif held.endswith(b"\n"):
            found.append(bytes(held))
            held.clear()
    return found


@given(st.lists(st.tuples(st.integers(0, 170), st.booleans()), max_size=8))
def test_the_buffer_reads_as_the_firmware_does_byte_by_byte(shape: list[tuple[int, bool]]) -> None:
    data = b"".join(b"x" * length + (b"\n" if ended else b"") for length, ended in shape)
    assert lines_of(data) == byte_by_byte(data)


def test_the_80th_byte_overflows_even_if_it_is_the_lf_and_swallows_the_next_line() -> None:
    assert lines_of(b"x" * 79 + b"\nup\nid\n") == [b"id\n"]


def test_a_line_of_300_leaves_its_tail() -> None:
    assert lines_of(b"z" * 300 + b"\nup\n") == [b"up\n"]  # all of it is there already
    buffer, arrived = LineBuffer(), bytearray(b"z" * 300 + b"\nup\n")
    assert buffer.take(arrived, 240) == (None, 0)
    assert buffer.take(arrived, 240)[0] == b"z" * 60 + b"\n"


# --- Words and numbers ------------------------------------------------------------------------------------------------


@given(st.binary(max_size=79))
def test_words_are_runs_of_printable_ascii_eight_at_most(line: bytes) -> None:
    found = words(line)
    assert len(found) <= 8
    assert all(re.fullmatch(r"[!-~]+", word) for word in found)
    assert found == [part for part in re.split(r"[^!-~]+", line.partition(b"\0")[0].decode("latin-1")) if part][:8]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("0", 0),
        ("17", 17),
        ("-1", -1),
        ("+5", 5),
        ("1x", 1),
        ("0x1", 0),
        ("abc", 0),
        ("-", 0),
        ("32767", 32767),
        ("32768", -32768),
        ("40000", -25536),
        ("65537", 1),
    ],
)
def test_numbers_are_leading_digits_in_16_bits(word: str, value: int) -> None:
    assert number(word) == value


@pytest.mark.parametrize(("word", "port"), [("1", 1), ("257", 1), ("-1", 255), ("gn", 0), ("5", 5)])
def test_ports_are_cut_to_8_bits(word: str, port: int) -> None:
    assert port_number(word) == port


@given(st.text())
def test_any_word_is_a_number_and_a_port(word: str) -> None:
    assert -0x8000 <= number(word) <= 0x7FFF
    assert port_number(word) in range(256)


# --- Frames -----------------------------------------------------------------------------------------------------------


def said_to(line: bytes, run_s: float = 2.0) -> str:
    board = bench()
    board.send_bytes(line)
    return board.run(run_s)


def frame(sid: str, name: str, *payload: str) -> str:
    return "".join(f"{line}\r\n" for line in (f"<<<- sid={sid} {name}", *payload, "->>>"))


@pytest.mark.parametrize("line", [b"\n", b"   \n", b"\r\n", b"\xff\n", b"\t \x01\n"])
def test_a_line_without_words_gets_no_reply(line: bytes) -> None:
    assert said_to(line) == ""


def test_cr_alone_does_not_end_a_line() -> None:
    assert said_to(b"blf\r") == ""
    assert said_to(b"blf\r\n") == frame("0", "blf", "off")


def test_the_sid_is_echoed_whatever_it_is_and_counts_only_in_front() -> None:
    assert said_to(b"@x-y_z.1/2 blf\n") == frame("x-y_z.1/2", "blf", "off")
    assert said_to(b"@ blf\n") == frame("", "blf", "off")
    assert said_to(b"@a @b blf\n") == frame("a", "@b", "invalid command")
    assert said_to(b"blf\n") == frame("0", "blf", "off")


def test_a_line_with_only_a_sid_prints_stale_memory() -> None:
    assert said_to(b"@abc\n") == frame("abc", "(N\x04", "invalid command")


def test_words_beyond_the_eighth_are_dropped() -> None:
    assert said_to(b"@s date 2023 11 14 10 11 12 99\n") == frame("s", "date")
    board = bench()
    board.send_bytes(b"@s date 2024 2 29 10 11 12 99\n")
    board.run(1)
    assert board.ask("date").startswith("2024 2 29 10 11")


@pytest.mark.parametrize("name", ["stop!", "eedump", "sdinfo", "help", "uptime", "UP", "?"])
def test_an_unknown_command_is_the_only_one_that_says_so(name: str) -> None:
    assert said_to(f"{name}\n".encode()) == frame("0", name, "invalid command")


@pytest.mark.parametrize(
    "line",
    [
        "ping",
        "ping 5",
        "ping 1 2",
        "start",
        "start 9",
        "stop",
        "stop 7",
        "stop 1 2 3",
        "bs",
        "bs 9",
        "bs 1 sd now",
        "date 1 2",
        "enable",
        "disable 9",
        "watch 1",
        "watch 9 hb t",
        "log",
        "log maybe",
        "blf sd now",
        "start -1",
    ],
)
def test_wrong_arguments_give_an_empty_frame(line: str) -> None:
    board = bench()
    before = board.board.hardware.eeprom.as_dict(), [board.relay(port) for port in range(5)]
    assert board.ask(line) == ""
    assert (board.board.hardware.eeprom.as_dict(), [board.relay(port) for port in range(5)]) == before


@pytest.mark.parametrize(("line", "text"), [("bs 1 x", "invalid media"), ("blf x", "invalid mode")])
def test_two_arguments_are_answered_in_words(line: str, text: str) -> None:
    assert bench().ask(line) == text


def test_a_word_that_is_no_number_is_the_node_controller() -> None:
    board = bench()
    assert board.ask("ping gn") == "log: nc heartbeat"
    assert board.ask("disable x") == "log: nc killing"
    assert not board.relay(0)


def test_extra_words_on_read_commands_are_ignored() -> None:
    assert bench().ask("cu 1").count(" ") == 5


def test_lines_in_one_write_are_answered_in_order_back_to_back() -> None:
    board = bench()
    board.send("@1 blf", "@2 boots", "@3 nonsense")
    assert board.run(1) == frame("1", "blf", "off") + frame("2", "boots", "1") + frame("3", "nonsense", "invalid command")


def test_240_bytes_are_taken_in_each_pass_and_the_rest_in_the_next() -> None:
    board = bench()
    board.send(*["@sid boots"] * 40)  # 440 bytes
    said = board.run(2)
    assert said == frame("sid", "boots", "1") * 40
    times_s = sorted(set(board.times_of("<<<- sid=sid boots")))
    assert len(times_s) == 2
    assert times_s[1] - times_s[0] == pytest.approx(0.3285, abs=0.001)


@given(st.binary(max_size=300))
def test_any_input_is_survived_and_the_next_request_is_answered(data: bytes) -> None:
    board = bench()
    board.send_bytes(data.replace(b"reset", b"RESET"))
    board.run(4)
    board.send_bytes(b"\n" * 2)
    board.run(2)
    assert board.ask("boots") == "1"


# --- Replies that are not in the capture ------------------------------------------------------------------------------


def test_a_current_sensor_that_does_not_answer_reads_65535_and_takes_longer() -> None:
    board = bench()
    board.board.hardware.dead_sensors |= {"cu1", "system"}
    board.board.poke()
    assert board.ask("cu") == "65535 480 65535 0 0 0"


def test_thermistors_that_do_not_answer_read_2047_but_port_0_has_its_own_converter() -> None:
    board = bench()
    board.board.hardware.dead_sensors.add("th")
    assert board.ask("th").split() == ["500", "2047", "2047", "2047", "2047"]


def test_an_environment_sensor_that_does_not_answer_reads_998() -> None:
    board = bench()
    board.board.hardware.dead_sensors.add("env")
    assert board.ask("env") == "temperature=998.00\nhumidity=998.00"


def test_a_dead_clock_chip_shows_in_rtc_date_and_id() -> None:
    board = bench()
    board.board.hardware.rtc.dead = True
    assert board.ask("rtc") == "0"
    assert board.ask("date") == "2056 88 63 0 0 0"
    assert board.ask("id") == "FFFFFFFFFFFF"


@pytest.mark.parametrize(("celsius", "raw"), [(23.5, "26236.00"), (-46.85, "0.00"), (70.0, "43580.00"), (200, "65532.00")])
def test_temperature_is_the_sensors_raw_count(celsius: float, raw: str) -> None:
    board = bench()
    board.board.hardware.temperature_c = celsius
    assert board.ask("env").startswith(f"temperature={raw}")


@given(st.floats(-40, 125), st.floats(0, 100))
def test_raw_counts_convert_back_within_the_resolution(celsius: float, percent: float) -> None:
    hardware = bench(0).board.hardware
    hardware.temperature_c, hardware.humidity_pct = celsius, percent
    assert -46.85 + 175.72 * hardware.temperature_raw / 65536 == pytest.approx(celsius, abs=0.011)
    assert -6 + 125 * hardware.humidity_raw / 65536 == pytest.approx(percent, abs=0.008)
    assert hardware.temperature_raw & 3 == hardware.humidity_raw & 3 == 0


def test_setting_the_date_back_wraps_the_uptime() -> None:
    board = bench()
    board.ask("date 2000 1 1 0 0 0")
    assert int(board.ask("up")) > 3_000_000_000


@pytest.mark.parametrize(
    ("given_date", "shown"),
    [
        ("2024 2 29 23 59 58", "2024 3 1 0 0"),
        ("2023 12 31 23 59 58", "2024 1 1 0 0"),
        ("2023 2 31 0 0 0", "2023 3 3 0 0"),  # nobody checks
        ("2023 1 1 0 0 75", "2023 1 1 0 1"),
    ],
)
def test_dates_are_set_unchecked_and_shown_without_padding(given_date: str, shown: str) -> None:
    board = bench()
    board.send(f"@d date {given_date}")
    board.run(4)
    assert board.ask("date").startswith(shown)


def test_blf_is_kept_and_powers_the_node_controller_before_the_firmware() -> None:
    board = bench()
    assert board.ask("blf sd") == ""
    board.board.powercycle()
    board.run(1)
    assert board.relay(0)
    assert board.board.hardware.guests[0].medium == "sd"
    board.run(40)
    assert board.ask("blf") == "sd"


def test_log_off_is_forgotten_at_a_reset() -> None:
    board = bench()
    board.ask("log off")
    assert "log:" not in board.run(55)
    board.board.reset()
    assert "log: " in board.run(40)


def test_with_log_off_the_minute_report_leaves_one_stray_line() -> None:
    board = bench()
    board.ask("log off")
    assert re.fullmatch(r"A30B003D70C62023 11 14 22 14 \d+\r\n", board.run(60))


def test_the_minute_report_has_its_lines_in_order_and_its_trailing_blanks() -> None:
    board = bench(72)
    said = [line for at_s, line in board.lines() if at_s > 70]
    assert said[0] == "log: id A30B003D70C6"
    assert said[1].startswith("log: date 2023 11 14 22 14 ")
    assert said[2:8] == [
        "log: cu 640 480 0 0 0 0",
        "log: th 500 510 520 530 540 ",
        "log: env 26236.00 24640.00",
        "log: fails 0 0 0 0 0 ",
        "log: enabled 1 1 1 0 0 ",
        "log: media emmc emmc ",
    ]


def test_reports_come_every_minute_and_take_about_a_second() -> None:
    board = bench(700)
    times_s = board.times_of("log: id A30B003D70C6")
    gaps_s = [after - before for before, after in itertools.pairwise(times_s)]
    assert len(times_s) == 11
    assert all(60 <= gap_s < 60.4 for gap_s in gaps_s)
    assert board.times_of("log: media emmc emmc ")[0] - times_s[0] == pytest.approx(0.94, abs=0.01)
