"""The model against what the v4 firmware itself said, byte for byte where the bytes do not depend on the moment.

Where they do (ages, uptimes), they are compared within a pass of its loop (0.86 s). The order of all lines is that of the
capture; a line may fall into the recording of its neighbour, because the recorder's passes were not in step with the model's.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fake.bench import SILENT, Bench
from wagman.fake.board import Board
from wagman.fake.hardware import PORT_NAMES
from wagman.fake.usb import Data
from wagman.io.v4 import codec as v4
from wagman.io.v4.requests import HB, UPTIME

CAPTURES = Path(__file__).parents[1] / "data" / "captures"
ENTRIES = [e for e in json.loads((CAPTURES / "v4-requests.json").read_text())["entries"] if e["port"] == "SerialUSB"]

TOLERANCES = {HB.reply_id: 1000, UPTIME.reply_id: 1}
"""By id of the reply: in its own unit."""


def lines_of(data: bytes) -> list[bytes]:
    """All lines but the minute reports, of which the recorder lost the beginnings."""
    return [line for line in data.split(b"\n")[:-1] if len(line) < 64]


def value_of(line: bytes) -> Any:
    (event,) = v4.Decoder().feed(line + b"\n")
    assert isinstance(event, v4.Line)
    return event.sensorgrams[0]


@pytest.fixture(scope="module")
def said() -> list[bytes]:
    bench = Bench(Board(dialect="v4", guests=dict.fromkeys(PORT_NAMES, SILENT)))
    for entry in ENTRIES:
        bench.run_until(entry["board_uptime_s"])
        bench.send_bytes(bytes.fromhex(entry["request_hex"]))
    bench.run(3)
    return lines_of(b"".join(output.data for output in bench.outputs if isinstance(output, Data)))


def captured() -> list[bytes]:
    return lines_of(b"".join(bytes.fromhex(entry["reply_hex"]) for entry in ENTRIES))


def test_the_lines_are_the_firmwares_in_number_and_order_and_to_the_byte_but_for_times(said: list[bytes]) -> None:
    assert len(said) == len(captured())
    compared = 0
    for ours, theirs in zip(said, captured(), strict=True):
        if theirs and value_of(theirs).id in TOLERANCES:
            continue
        assert ours == theirs
        compared += 1
    assert compared > 70


def test_ages_and_uptimes_agree_within_a_pass(said: list[bytes]) -> None:
    compared = 0
    for ours, theirs in zip(said, captured(), strict=True):
        if not theirs or value_of(theirs).id not in TOLERANCES:
            continue
        mine, firmwares = value_of(ours), value_of(theirs)
        assert (mine.id, mine.sub_id) == (firmwares.id, firmwares.sub_id)
        assert mine.number == pytest.approx(firmwares.number, abs=TOLERANCES[mine.id])
        compared += 1
    assert compared > 25


def reports(bench: Bench) -> list[tuple[float, str]]:
    return [(at_s, line) for at_s, line in bench.lines() if len(line) > 100]


def test_the_minute_reports_are_the_firmwares_to_the_byte_and_leave_in_pieces_over_six_tenths_of_a_second() -> None:
    chunks = json.loads((CAPTURES / "v4-stream-135s.json").read_text())["chunks"]
    texts = {minute: "".join(c["text"] for c in chunks if minute <= c["t"] < minute + 2) for minute in (59, 120)}
    bench = Bench(Board(dialect="v4", guests=dict.fromkeys(PORT_NAMES, SILENT)))
    bench.run_until(130)
    first, second = reports(bench)
    assert f"{first[1]}\n" == texts[59]
    assert f"{second[1]}\n" == texts[120]  # gn was started in between
    assert second[0] - first[0] == pytest.approx(60.7, abs=0.5)
    pieces = [output.at_s for output in bench.outputs if isinstance(output, Data) and output.at_s <= first[0]]
    assert len(pieces) == 9
    assert pieces[-1] - pieces[0] == pytest.approx(0.588, abs=0.03)


def test_a_reply_comes_within_a_pass_and_seven_tenths_of_a_second_after_the_one_before() -> None:
    bench = Bench(Board(dialect="v4", guests=dict.fromkeys(PORT_NAMES, SILENT)))
    bench.run_until(10)
    waits_s = []
    for _ in range(20):
        bench.send_bytes(v4.encode([UPTIME.ask()]))
        sent_s = bench.now_s
        outputs: list[Any] = []
        while not outputs:
            outputs = bench.board.advance(bench.board.next_at_s)
            bench.now_s = bench.board.clock.now_s
        waits_s.append(bench.now_s - sent_s)
        bench.run(0.137)  # until the recorder asks again
    assert max(waits_s) < 0.9
    assert sum(waits_s) / len(waits_s) == pytest.approx(0.72, abs=0.05)
