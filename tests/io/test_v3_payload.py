import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagman.io import htu21d
from wagman.io.v3 import payload
from wagman.io.v3.codec import Decoder, Log
from wagman.model.errors import BoardProtocolError

CAPTURES = Path(__file__).parents[1] / "data" / "captures"
LOG_CHUNKS = [bytes.fromhex(chunk["hex"]) for chunk in json.loads((CAPTURES / "v3-log-150s.json").read_text())["chunks"]]
PARSERS = [
    payload.parse_bs("emmc"),
    *(getattr(payload, name) for name in vars(payload) if name.startswith("parse_") and name not in ("parse_log", "parse_bs")),
]


@pytest.mark.parametrize(
    ("parse", "lines", "meaning"),
    [
        (payload.parse_hb, ["7187", "7936", "0", "4294967295", "1"], (7.187, 7.936, 0.0, 4294967.295, 0.001)),
        (payload.parse_cu, ["640 480 0 65535 8176 0"], payload.Currents(640, (480, 0, None, 8176, 0))),
        (payload.parse_cu, ["65535 0 0 0 0 0"], payload.Currents(None, (0, 0, 0, 0, 0))),
        (payload.parse_th, ["500", "510", "520", "2047", "540"], (500, 510, 520, None, 540)),
        (payload.parse_fc, ["0", "1", "1024", "0", "0"], (0, 1, 1024, 0, 0)),
        (payload.parse_boots, ["1"], 1),
        (payload.parse_up, ["6414"], 6414),
        (payload.parse_id, ["A30B003D70C6"], "A30B003D70C6"),
        (payload.parse_bs("sd"), ["set sd"], "sd"),
        (payload.parse_nothing, [], True),
        (
            payload.parse_ver,
            ["hw 3.1", "ker 1.0.4", "time 1587742757", "git a64b494d"],
            payload.Version("3.1", "1.0.4", 1587742757, "a64b494d"),
        ),
    ],
)
def test_a_payload_means(parse: Callable[[list[str]], Any], lines: list[str], meaning: Any) -> None:
    assert parse(lines) == meaning


def test_the_enclosure_is_told_in_degrees_and_percent() -> None:
    air = payload.parse_env(["temperature=26236.00", "humidity=24640.00"])
    assert air.temperature_c == 23.5
    assert air.humidity_pct == 41.0


@pytest.mark.parametrize("raw", ["998.00", "999.00", "0.00", "65532.00", "65535.00", "100.00"])
def test_a_sensor_that_fails_or_says_what_none_would_is_none(raw: str) -> None:
    assert payload.parse_env([f"temperature={raw}", f"humidity={raw}"]) == payload.Enclosure(None, None)


@given(st.integers(0, 0xFFFF), st.integers(0, 3))
def test_the_status_bits_of_a_count_mean_nothing(raw: int, status: int) -> None:
    for convert in (htu21d.temperature_c, htu21d.humidity_pct):
        assert convert(raw) == convert(raw & ~3 | status)


@pytest.mark.parametrize("raw", [-1, 0x10000])
def test_a_count_has_sixteen_bits(raw: int) -> None:
    with pytest.raises(BoardProtocolError):
        htu21d.temperature_c(raw)


def test_only_the_sensor_that_fails_is_none() -> None:
    air = payload.parse_env(["temperature=998.00", "humidity=24640.00"])
    assert air.temperature_c is None
    assert air.humidity_pct == 41.0


@pytest.mark.parametrize(
    ("parse", "lines"),
    [
        *[
            (payload.parse_hb, lines)
            for lines in ([], ["1"] * 4, ["1"] * 6, ["1", "2", "x", "4", "5"], ["1", "-2", "3", "4", "5"])
        ],
        *[(payload.parse_hb, [word, "1", "1", "1", "1"]) for word in ("", " 1", "1 ", "1.0", "4294967296", "٣", "1" * 5000)],
        *[(payload.parse_cu, lines) for lines in ([], ["1 2 3 4 5"], ["1 2 3 4 5 6 7"], ["1 2 3 4 5 6", ""], ["1  3 4 5 6"])],
        *[(payload.parse_cu, [f"{word} 0 0 0 0 0"]) for word in ("8177", "65534", "65536", "-16")],
        *[(payload.parse_th, [word, "1", "1", "1", "1"]) for word in ("2048", "1.5", "")],
        (payload.parse_env, ["temperature=1.00"]),
        (payload.parse_env, ["humidity=24640.00", "temperature=26236.00"]),
        (payload.parse_env, ["temperature=26236.00", "humidity=nan"]),
        (payload.parse_env, ["temperature=26236", "humidity=24640.00"]),
        (payload.parse_env, ["temperature=65536.00", "humidity=24640.00"]),
        (payload.parse_id, ["A30B003D70C"]),
        *[(payload.parse_bs("emmc"), lines) for lines in (["emmc"], ["set sd"], ["set usb"], ["set emmc "], [])],
        (payload.parse_ver, ["hw 3.1"]),
        (payload.parse_nothing, ["1"]),
    ],
)
def test_what_the_board_cannot_mean_is_a_breach_of_protocol(parse: Callable[[list[str]], Any], lines: list[str]) -> None:
    with pytest.raises(BoardProtocolError):
        parse(lines)


@pytest.mark.parametrize(
    ("log", "meaning"),
    [
        (Log("gn", "heartbeat"), payload.PortLog(1, "heartbeat")),
        (Log("x2", "starting secondary", "w1"), payload.PortLog(4, "starting secondary")),
        (Log("fails", "0 0 7 0 0"), payload.FailureReport((0, 0, 7, 0, 0))),
        (Log("enabled", "1 1 1 0 0"), payload.EnabledReport((True, True, True, False, False))),
        (Log("env", "998.00 999.00"), payload.Enclosure(None, None)),
        (Log("bootlog", "1795359618"), None),
        (Log("post", "too many faults"), None),
    ],
)
def test_a_log_line_means(log: Log, meaning: Any) -> None:
    assert payload.parse_log(log) == meaning


@pytest.mark.parametrize(
    "log",
    [
        *(Log("gn", "heartbea"), Log("gn", ""), Log("nc", "heartbeat timeou")),
        *(Log("enabled", "1 1 2 0 0"), Log("env", "998.00"), Log("fails", "x")),
    ],
)
def test_a_damaged_log_line_is_a_breach_of_protocol(log: Log) -> None:
    with pytest.raises(BoardProtocolError):
        payload.parse_log(log)


def test_every_line_of_the_captured_log_is_understood() -> None:
    decoder = Decoder()
    logs = [event for chunk in LOG_CHUNKS for event in decoder.feed(chunk) if isinstance(event, Log)]
    unknown = {log.topic for log in logs if payload.parse_log(log) is None}
    assert unknown == {"bootlog", "id", "date", "cu", "th", "media"}
    assert sum(payload.parse_log(log) == payload.PortLog(0, "heartbeat") for log in logs) > 10


WORDS = st.sampled_from(
    ["0", "1", "65535", "2047", "998.00", "emmc", "set", "temperature=1.00", "humidity=1.00", "hw", "x", "", "٣"]
)
TEXT = st.lists(WORDS, max_size=7).map(" ".join) | st.text(max_size=10)


@pytest.mark.parametrize("parse", PARSERS)
@given(lines=st.lists(TEXT, max_size=6))
def test_a_payload_parser_answers_or_raises_a_breach_of_protocol(parse: Callable[[list[str]], Any], lines: list[str]) -> None:
    with suppress(BoardProtocolError):
        assert parse(lines) is not None


@given(st.sampled_from([*payload.PORT_NAMES, "id", "date", "cu", "th", "env", "fails", "enabled", "media", "other"]), TEXT)
def test_a_log_line_is_understood_or_a_breach_of_protocol(topic: str, text: str) -> None:
    with suppress(BoardProtocolError):
        payload.parse_log(Log(topic, text))
