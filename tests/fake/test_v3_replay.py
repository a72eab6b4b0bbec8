"""The model against what the firmware itself said, byte for byte where the bytes do not depend on the moment.

Where they do: ages in milliseconds and clocks in seconds are compared within a tolerance, because a request was seen
somewhere within a pass of the firmware's loop (0.33 s), and the captured times are those of the recording host.
"""

import json
import re
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.fake.bench import SILENT, Bench, text_of
from wagman.fake.board import Board
from wagman.fake.guests import GuestSpec
from wagman.fake.hardware import PORT_NAMES
from wagman.fake.usb import Data, Output

CAPTURES = Path(__file__).parents[1] / "data" / "captures"

STRAY = re.compile(r"^A30B003D70C6(\d+ ){5}\d+\r\n", re.MULTILINE)
"""What the minute report still prints with logging off; it falls into whatever reply is being recorded."""

RECORDER_AHEAD_S = 0.3
"""How much later the recorder's clock had the end of set-up (its `hb` says 10.96 s, the model's set-up takes 10.65 s)."""

AGE_TOLERANCE_MS = 700
CLOCK_TOLERANCE_S = 1


def load(name: str) -> Any:
    return json.loads((CAPTURES / name).read_text())


Replayed: TypeAlias = list[tuple[dict[str, Any], str]]


@pytest.fixture(scope="module")
def replayed() -> Replayed:
    """Each captured request with what the model said until the next one."""
    entries = load("v3-requests.json")["entries"]
    bench = Bench(Board(guests=dict.fromkeys(PORT_NAMES, SILENT)))
    times_s = [entry["board_uptime_s"] - RECORDER_AHEAD_S for entry in entries]
    pairs = []
    for entry, at_s, next_s in zip(entries, times_s, [*times_s[1:], times_s[-1] + 3], strict=True):
        bench.run_until(at_s)
        bench.send_bytes(bytes.fromhex(entry["request_hex"]))
        pairs.append((entry, bench.run_until(next_s)))
    return pairs


def captured(entry: dict[str, Any]) -> str:
    return bytes.fromhex(entry["reply_hex"]).decode("latin-1")


def timed_lines(reply: str) -> list[int]:
    return [int(line) for line in reply.split("\r\n") if line.isdecimal()]


def test_replies_that_do_not_depend_on_the_moment_are_the_firmwares_to_the_byte(replayed: Replayed) -> None:
    timed = {"up", "rtc", "hb"}
    compared = 0
    for entry, said in replayed:
        expected = captured(entry)
        if timed & set(re.findall(r"sid=\S* (\w+)\r", expected)):
            continue
        assert STRAY.sub("", said) == STRAY.sub("", expected), entry["name"]
        compared += 1
    assert compared > 100


@pytest.mark.parametrize(
    ("command", "tolerance"), [("hb", AGE_TOLERANCE_MS), ("rtc", CLOCK_TOLERANCE_S), ("up", CLOCK_TOLERANCE_S)]
)
def test_ages_and_clocks_agree_within_their_tolerance(replayed: Replayed, command: str, tolerance: int) -> None:
    compared = 0
    for entry, said in replayed:
        expected = captured(entry)
        if f" {command}\r" not in expected:
            continue
        assert re.sub(r"\d{2,}\r", "N\r", STRAY.sub("", said)) == re.sub(r"\d{2,}\r", "N\r", STRAY.sub("", expected)), entry[
            "name"
        ]
        assert timed_lines(said) == pytest.approx(timed_lines(expected), abs=tolerance), entry["name"]
        compared += 1
    assert compared >= 2


def test_the_stray_line_of_the_minute_report_comes_as_often_as_in_the_capture(replayed: Replayed) -> None:
    assert sum(len(STRAY.findall(said)) for _entry, said in replayed) == sum(
        len(STRAY.findall(captured(entry))) for entry, _said in replayed
    )


def test_first_bytes_come_as_late_as_in_the_capture(replayed: Replayed) -> None:
    """A request that is sent after a reply waits for most of a pass: the captured mean is 0.27 s."""
    bench = Bench(Board(guests=dict.fromkeys(PORT_NAMES, SILENT)))
    bench.run_until(12.2)
    waits_s = []
    for _ in range(40):
        bench.send("@a boots")
        sent_s = bench.now_s
        outputs: list[Output] = []
        while not outputs:
            outputs = bench.board.advance(bench.board.next_at_s)
            bench.now_s = bench.board.clock.now_s
        assert "boots" in text_of(outputs)
        waits_s.append(bench.now_s - sent_s)
        bench.run(0.4)
    assert max(waits_s) < 0.34
    assert min(waits_s) >= 0


def test_the_recorded_150_seconds_of_log_come_in_that_order_at_those_times() -> None:
    """The recorder's guests are set to boot as it saw them; each line is within a pass of the loop of its captured time."""
    expected = [(line["t"], line["line"].rstrip("\r")) for line in load("v3-log-150s.json")["lines"]]
    guests = {"nc": GuestSpec(boot_s=21.3), "gn": GuestSpec(boot_s=16.1), "cs": SILENT, "x1": SILENT, "x2": SILENT}
    bench = Bench(Board(guests=guests, rtc_s=1795359557 - 10.0))
    bench.run_until(5)
    bench.send("@early ver")
    bench.run_until(150)
    said = bench.lines()
    said_times, expected_times = times_by_line(said), times_by_line(expected)
    assert set(said_times) == set(expected_times)
    for line, times_s in expected_times.items():
        assert said_times[line] == pytest.approx(times_s, abs=0.5), line


def times_by_line(lines: list[tuple[float, str]]) -> dict[str, list[float]]:
    """When each line came; clocks and boot times count as the same line."""
    times: dict[str, list[float]] = {}
    for at_s, line in lines:
        times.setdefault(re.sub(r"(?<=date ).*|(?<=bootlog  ).*", "N", line), []).append(at_s)
    return times


def test_the_pieces_of_a_minute_report_arrive_spread_as_captured() -> None:
    chunks = [(chunk["t"], bytes.fromhex(chunk["hex"])) for chunk in load("v3-log-150s.json")["chunks"] if 70 < chunk["t"] < 71.8]
    bench = Bench(Board(guests=dict.fromkeys(PORT_NAMES, SILENT) | {"gn": GuestSpec(boot_s=90)}, rtc_s=1795359557 - 10.0))
    bench.run_until(71.7)
    said = [output for output in bench.outputs if isinstance(output, Data) and output.at_s > 70]
    said_texts = [re.sub(rb"date .*", b"", output.data) for output in said]
    assert said_texts == [re.sub(rb"date .*", b"", data) for _t, data in chunks]
    spread_s = [output.at_s - said[0].at_s for output in said]
    assert spread_s == pytest.approx([t - chunks[0][0] for t, _data in chunks], abs=0.06)
