"""The control commands and the faults they cause."""

import json

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.fake.bench import Bench, bench
from wagman.fake import control
from wagman.fake.control import ControlError
from wagman.fake.serve import FakeBoard


def faulty(text: str, made: Bench | None = None) -> Bench:
    made = made or bench()
    control.fault(made.board, text)
    made.board.poke()
    return made


def commanded(*lines: str) -> FakeBoard:
    fake = FakeBoard()

    async def main() -> None:
        for line in lines:
            assert fake.control(line) == {"ok": True}

    trio.run(main)
    return fake


# --- Commands ---------------------------------------------------------------------------------------------------------


def test_status_has_the_documented_shape_and_is_json() -> None:
    board = bench(75)
    status = json.loads(json.dumps(control.status(board.board)))
    assert list(status) == ["board_s", "relays", "media", "guests", "eeprom", "relay_log"]
    assert status["board_s"] == 75
    assert status["relays"][1] == {"port": 1, "on": True, "on_count": 1, "off_count": 0}
    assert status["media"] == ["emmc", "emmc"]
    assert status["guests"][0]["device"] == "nc"
    assert status["eeprom"]["boots"] == 1
    assert [(entry["port"], entry["on"], entry["by"]) for entry in status["relay_log"]] == [
        (0, True, "board"),
        (1, True, "board"),
    ]
    assert set(status["relay_log"][0]) == {"board_s", "port", "on", "by"}


def test_the_enclosure_and_the_guests_are_set() -> None:
    fake = commanded("temp -12.5", "humidity 80", "guest gn boot=99,good=sd", "guest 2 beat=20")
    assert (fake.hardware.temperature_c, fake.hardware.humidity_pct) == (-12.5, 80)
    assert fake.hardware.guests[1].spec.good == ("sd",)
    assert fake.hardware.guests[2].spec.beat_s == 20


def test_the_cable_and_the_power_are_commands() -> None:
    assert not commanded("unplug").tty_up
    assert commanded("unplug", "replug").tty_up
    assert not commanded("reset").tty_up
    assert not commanded("powercycle").tty_up


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nonsense",
        "halt",
        "halt gn now",
        "halt zz",
        "halt 5",
        "halt gn",
        "hang gn",
        "revive gn",
        "temp",
        "temp warm",
        "temp inf",
        "temp nan",
        "guest gn",
        "guest gn boot=x",
        "guest zz boot=1",
        "fault",
        "fault nonsense",
        "fault drop",
        "fault drop -1",
        "fault drop 1 2",
        "fault relay gn",
        "fault relay gn maybe",
        "fault sensor zz dead",
        "fault sensor cu garbled",
        "eeprom boots",
        "eeprom zz 1",
        "eeprom boots gn 1",
        "eeprom failures 1",
        "eeprom failures zz 1",
        "eeprom failures gn -1",
        "eeprom failures gn many",
        "eeprom journal gn half",
        "eeprom enabled gn maybe",
        "fault corrupt 2",
        "fault corrupt 0.1 up",
        "fault slow -1",
        "fault drop 1000000000",
        "halt ²",
        "quit",
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(line: str) -> None:
    fake = FakeBoard()

    async def main() -> None:
        with pytest.raises(ControlError) as caught:
            fake.control(line)
        assert "\n" not in str(caught.value)

    trio.run(main)


def test_who_gives_too_few_words_or_too_many_is_told_how_many_it_takes() -> None:
    async def main() -> None:
        for line, said in (("temp 1 2", "temp: 2 words given, 1 wanted"), ("hang gn x y", "hang: 3 words given, 1 wanted")):
            with pytest.raises(ControlError, match=said):
                FakeBoard().control(line)

    trio.run(main)


@given(st.text())
def test_any_text_is_a_command_or_refused(line: str) -> None:
    async def main() -> None:
        try:
            FakeBoard().control(line)
        except ControlError:
            return

    trio.run(main)


# --- Faults -----------------------------------------------------------------------------------------------------------


def test_a_stuck_relay_does_not_move_until_it_is_freed() -> None:
    board = faulty("relay gn stuck")
    board.ask("start 1")
    assert not board.relay(1)
    faulty("relay gn ok", board)
    board.ask("disable 1")
    board.ask("enable 1")
    board.ask("start 1")
    assert board.relay(1)


def test_a_relay_that_flips_by_itself_is_logged_as_a_fault() -> None:
    board = faulty("power nc off")
    assert not board.relay(0)
    assert board.changes(0)[-1] == (False, "fault")
    faulty("power nc on", board)
    assert board.relay(0)


def test_dropped_commands_are_lost_and_those_after_them_are_not() -> None:
    board = faulty("drop 2")
    board.send("@1 boots", "@2 boots", "@3 boots")
    assert board.run(2).count("boots") == 1
    assert board.times_of("<<<- sid=3 boots")


def test_a_silent_board_runs_on() -> None:
    board = faulty("silent on")
    board.send("@1 start 1")
    assert board.run(100) == ""
    assert board.relay(1)
    faulty("silent off", board)
    assert board.ask("boots") == "1"


def test_a_slow_board_takes_that_much_longer_for_each_command() -> None:
    board = faulty("slow 3")
    sent_s = board.now_s
    board.send("@1 boots", "@2 boots")
    board.run(10)
    assert board.times_of("<<<- sid=1 boots")[0] - sent_s == pytest.approx(3.17, abs=0.2)
    assert board.times_of("<<<- sid=2 boots")[0] - sent_s == pytest.approx(6.17, abs=0.2)


def test_a_flood_is_lines_of_log_and_garbage_is_not() -> None:
    board = faulty("flood 100")
    assert board.run(0.1).count("log: flood ") == 100
    faulty("garbage 500", board)
    assert len(board.run(0.1)) == 500


@pytest.mark.parametrize(
    ("text", "command", "answer"),
    [
        ("sensor cu dead 1", "cu", "640 480 65535 0 0 0"),
        ("sensor cu dead", "cu", "640 65535 65535 65535 65535 65535"),
        ("sensor system dead", "cu", "65535 480 0 0 0 0"),
        ("sensor th dead", "th", "500\n2047\n2047\n2047\n2047"),
        ("sensor env dead", "env", "temperature=998.00\nhumidity=998.00"),
        ("sensor env garbled", "env", "temperature=999.00\nhumidity=999.00"),
        ("sensor rtc dead", "rtc", "0"),
        ("sensor id dead", "id", "FFFFFFFFFFFF"),
    ],
)
def test_dead_sensors_show_and_come_back(text: str, command: str, answer: str) -> None:
    board = bench()
    alive = board.ask(command)
    faulty(text, board)
    assert board.ask(command) == answer
    faulty(text.replace("dead", "ok").replace("garbled", "ok"), board)
    if command != "rtc":
        assert board.ask(command) == alive


def test_wrong_sids_are_counted() -> None:
    board = faulty("sid 1")
    board.send("@a boots", "@b boots")
    said = board.run(2)
    assert "sid=a boots" not in said
    assert "sid=a" in said
    assert "sid=b boots" in said


@pytest.mark.parametrize(("kind", "expected"), [("lose", 0), ("duplicate", 2)])
def test_every_byte_is_lost_or_doubled_with_probability_1(kind: str, expected: int) -> None:
    board = bench()
    board.send("@1 boots")
    whole = len(board.run(2))
    faulty(f"{kind} 1", board)
    board.send("@1 boots")
    assert len(board.run(2)) == expected * whole


def test_corruption_changes_bytes_and_only_in_its_direction() -> None:
    board = faulty("corrupt 0.5")
    board.send("@1 start 1")
    assert "sid=1 start" not in board.run(2)
    assert board.relay(1)
    faulty("corrupt 0", board)
    faulty("corrupt 1 in", board)
    board.send("@1 boots")
    assert "sid=1 boots" not in board.run(2)


def test_a_forgotten_eeprom_reads_as_ones_while_the_board_runs_on() -> None:
    board = faulty("eeprom")
    assert board.ask("boots") == "4294967295"
    assert board.ask("fc") == "\n".join(["65535"] * 5)
    assert board.ask("blf") == "?"
    assert "log: enabled 1 1 1 1 1 \r\n" in board.run(60)


def test_a_forgotten_eeprom_is_noticed_at_the_next_boot() -> None:
    board = faulty("eeprom")
    faulty("watchdog", board)
    board.run(40)
    assert board.ask("boots") == "1"


@pytest.mark.parametrize(
    ("key", "words", "value"),
    [
        ("boots", "7", 7),
        ("magic", "0", False),
        ("bootloader", "sd", "sd"),
        ("enabled", "gn 0", [True, False, True, False, False]),
        ("attempts", "x2 65535", [1, 0, 0, 0, 65535]),
        ("failures", "1 1100", [0, 1100, 0, 0, 0]),
        ("journal", "gn turning_on", ["on", "turning_on", "off", "off", "off"]),
    ],
)
def test_each_thing_that_the_eeprom_holds_can_be_set(key: str, words: str, value: object) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            fake = FakeBoard()
            await nursery.start(fake.run)
            await trio.sleep(15)
            assert fake.control(f"eeprom {key} {words}") == {"ok": True}
            assert fake.status()["eeprom"][key] == value
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))


@pytest.mark.parametrize(("name", "flag"), [("brownout", "BORF"), ("watchdog", "WDRF")])
def test_the_microcontroller_resets_for_that_reason(name: str, flag: str) -> None:
    board = faulty(name)
    board.run(40)
    assert board.ask("bf") == flag
    assert board.ask("boots") == "2"


def test_clear_ends_all_that_lasts() -> None:
    board = bench()
    for text in (
        "silent on",
        "slow 9",
        "drop 9",
        "sid 9",
        "corrupt 1 both",
        "sensor cu dead",
        "sensor rtc dead",
        "relay gn stuck",
    ):
        faulty(text, board)
    faulty("clear", board)
    assert board.ask("cu") == "640 480 0 0 0 0"
    assert board.ask("rtc") != "0"
    board.ask("start 1")
    assert board.relay(1)


def test_every_command_and_fault_is_documented() -> None:
    for name in (*control._COMMANDS, *control._FAULTS):
        assert name in (control.__doc__ or "")


def test_whoever_mistypes_a_command_is_told_all_that_there_are() -> None:
    with pytest.raises(ControlError) as caught:
        FakeBoard().control("quite")
    assert "status, quit)" in str(caught.value)
    assert all(f"\n{name} " in f"\n{control.__doc__}" or f"| {name} " in str(control.__doc__) for name in control._COMMANDS)
