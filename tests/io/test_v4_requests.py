import json
import re
from pathlib import Path
from typing import Any

import pytest

from wagman.io.v4 import codec as v4
from wagman.io.v4 import requests
from wagman.io.v4.codec import EmptyLine, Event, Junk, Line, Sensorgram
from wagman.io.v4.requests import CU, FC, HB, ID, PING, SET_MEDIA, START, STATE, STOP, TH, UPTIME, Request
from wagman.model.errors import BoardProtocolError, BoardRefusedError, CallerError

CAPTURES = Path(__file__).parents[1] / "data" / "captures"
ENTRIES = json.loads((CAPTURES / "v4-requests.json").read_text())["entries"]
CAPTURED = {entry["name"]: bytes.fromhex(entry["request_hex"]) for entry in ENTRIES}
STREAM = [bytes.fromhex(chunk["hex"]) for chunk in json.loads((CAPTURES / "v4-stream-135s.json").read_text())["chunks"]]


def reply(request: Request, asked: Sensorgram, number: int = 7) -> Line:
    return Line((Sensorgram(request.reply_id, asked.sub_id, (v4.unsigned(number),), source_id=1),))


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (ID.ask(), "ID"),
        (UPTIME.ask(), "UP"),
        (requests.BOOTS.ask(), "BOOTS"),
        (CU.ask(), "CU_sub1"),
        *[(CU.ask(port), f"CU_sub{port + 2}") for port in range(5)],
        *[(HB.ask(port), f"HB_sub{port + 1}") for port in range(5)],
        *[(FC.ask(port), f"FC_sub{port}") for port in range(5)],
        *[(TH.ask(port), f"TH_sub{port}") for port in range(5)],
        *[(STATE.ask(port), f"STATE_sub{port + 1}") for port in range(5)],
        *[(requests.GET_MEDIA.ask(port), f"GETMEDIA_sub{port + 1}") for port in range(2)],
        (SET_MEDIA.ask(1, 0), "SETMEDIA_sub2_0"),
        (SET_MEDIA.ask(1, 1), "SETMEDIA_sub2_1"),
        (PING.ask(1), "PING_sub2"),
        (START.ask(2), "START_3"),
        (STOP.ask(2, 5), "STOP_3_5"),
        (requests.ENABLE.ask(3), "ENABLE_4"),
        (requests.RESET.ask(), "RESET"),
        (requests.EERESET.ask(), "EERESET"),
    ],
)
def test_a_request_is_the_line_that_was_captured(asked: Sensorgram, name: str) -> None:
    assert v4.encode([asked]) == CAPTURED[name]


@pytest.mark.parametrize(
    ("request_", "arguments"),
    [
        *[(HB, arguments) for arguments in ((), (5,), (-1,), (0, 1))],
        *[(UPTIME, (0,)), (SET_MEDIA, (0,)), (SET_MEDIA, (2, 0)), (SET_MEDIA, (0, 2)), (requests.GET_MEDIA, (2,))],
        *[(STOP, arguments) for arguments in ((0,), (0, -1), (0, 4_294_968), (None, 5))],
    ],
)
def test_what_the_board_would_not_understand_is_refused(request_: Request, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(CallerError):
        request_.ask(*arguments)


def answers(request: Request, asked: Sensorgram, text: str) -> bool:
    (event,) = v4.Decoder().feed(text.encode() + b"\n")
    assert isinstance(event, Line)
    return request.is_answered_by(asked, event.sensorgrams[0])


def test_id_and_boots_answer_alike_and_are_told_apart_by_their_type() -> None:
    id_text, boots_text = "AAsAAAAA/xoAAQABAIEACAAEowsAPXDGTA==", "AAIAAAAA/xoAAQABAAQB1w=="
    assert answers(ID, ID.ask(), id_text)
    assert not answers(ID, ID.ask(), boots_text)
    assert answers(requests.BOOTS, requests.BOOTS.ask(), boots_text)
    assert not answers(requests.BOOTS, requests.BOOTS.ask(), id_text)


ASKED = [HB.ask(1), STATE.ask(1)]
FENCE = requests.fence(3)
GOOD = [reply(HB, ASKED[0]), reply(STATE, ASKED[1])]
CLOSING = reply(HB, FENCE, 0)


def feed(events: list[Event]) -> tuple[Sensorgram, ...] | None:
    match = requests.replies_to(ASKED, FENCE)
    told = [match(event) for event in events]
    assert told[:-1] == [None] * (len(events) - 1)
    return told[-1]


def test_replies_are_those_just_before_their_fence() -> None:
    expected = tuple(line.sensorgrams[0] for line in GOOD)
    assert feed([*GOOD, CLOSING]) == expected
    late = [reply(HB, ASKED[0], 999), reply(HB, requests.fence(2), 0)]
    assert feed([*late, *GOOD, CLOSING]) == expected


def test_a_minute_report_between_the_replies_is_none_of_them() -> None:
    report = Line((*GOOD[0].sensorgrams, *GOOD[1].sensorgrams))
    assert feed([GOOD[0], report, GOOD[1], CLOSING]) is not None


def test_without_its_fence_nothing_is_told() -> None:
    assert feed([*GOOD, reply(HB, requests.fence(4), 0)]) is None


def test_an_empty_line_is_a_refusal() -> None:
    with pytest.raises(BoardRefusedError, match="STATE"):
        feed([GOOD[0], EmptyLine(), CLOSING])


@pytest.mark.parametrize("events", [[], GOOD[:1], GOOD[::-1], [GOOD[0], Junk(b"x")], [reply(HB, HB.ask(2)), GOOD[1]]])
def test_what_does_not_answer_the_requests_is_a_breach_of_protocol(events: list[Event]) -> None:
    with pytest.raises(BoardProtocolError):
        feed([*events, CLOSING])


def test_fences_differ_for_a_long_time_and_name_no_port() -> None:
    fences = [requests.fence(number).sub_id for number in range(requests.FENCES)]
    assert len(set(fences)) == requests.FENCES
    assert min(fences) > 6
    assert requests.fence(requests.FENCES) == requests.fence(0)
    v4.encode([*ASKED, HB.ask(2), HB.ask(3), requests.fence(239)])


def test_the_captured_minute_reports_mean() -> None:
    decoder = v4.Decoder()
    lines = [event for chunk in STREAM for event in decoder.feed(chunk) if isinstance(event, Line)]
    reports = [report for line in lines if (report := requests.parse_report(line.sensorgrams))]
    assert len(reports) == 2
    report = reports[0]
    assert re.fullmatch("0004a30b003d70c6", report.board_id)
    assert report.system_current_raw is not None
    assert None not in report.currents_raw
    assert report.failures == (None, 0, 0, 0, 0)
    assert None not in report.voltages_raw
    assert report.thermistors_raw == (None, 510, 520, 530, 540)
    assert report.temperature_c == pytest.approx(23.5, abs=0.1)
    assert report.humidity_pct == pytest.approx(41, abs=0.1)


def test_what_is_missing_from_a_minute_report_is_none() -> None:
    id_reply = Sensorgram(0xFF1A, 1, (v4.Value(v4.BYTES, b"\x00\x04"),))
    report = requests.parse_report([id_reply, Sensorgram(0xFF06, 3, (v4.unsigned(12),))])
    nothing = (None,) * 5
    assert report == requests.Report("0004", None, (None, 12, None, None, None), nothing, nothing, nothing, None, None)


@pytest.mark.parametrize("line", [GOOD[0], Line((*GOOD[0].sensorgrams, *GOOD[1].sensorgrams))])
def test_other_lines_are_no_minute_report(line: Line) -> None:
    assert requests.parse_report(line.sensorgrams) is None


def test_an_enclosure_reading_that_no_sensor_can_give_is_a_breach_of_protocol() -> None:
    id_reply = Sensorgram(0xFF1A, 1, (v4.Value(v4.BYTES, b"\x00\x04"),))
    with pytest.raises(BoardProtocolError):
        requests.parse_report([id_reply, Sensorgram(0x0002, 1, (v4.unsigned(70_000),))])


# --- Reads that survive damage ----------------------------------------------------------------------------------------


def told(matched: list[Event]) -> tuple[Sensorgram | None, ...] | None:
    """What the matcher for reads makes of these events."""
    match = requests.whole_replies_to(ASKED, FENCE)
    return next((value for value in map(match, matched) if value is not None), None)


def sensorgram_of(line: Line) -> Sensorgram:
    return line.sensorgrams[0]


@pytest.mark.parametrize("lost", [(), (0,), (1,), (0, 1)])
@pytest.mark.parametrize("instead", [[], [Junk(b"AA")], [EmptyLine()]])
def test_of_a_read_the_whole_replies_are_told_at_the_fence_and_none_for_the_others(
    lost: tuple[int, ...], instead: list[Event]
) -> None:
    events = [event for index, good in enumerate(GOOD) for event in (instead if index in lost else [good])]
    expected = tuple(None if index in lost else sensorgram_of(good) for index, good in enumerate(GOOD))
    assert told(events) is None
    assert told([*events, reply(HB, FENCE)]) == expected


def test_what_came_before_the_fence_of_another_read_is_late_and_left_aside() -> None:
    late = [*GOOD, reply(HB, requests.fence(2))]
    assert told([*late, GOOD[1], reply(HB, FENCE)]) == (None, sensorgram_of(GOOD[1]))


def test_a_minute_report_between_the_replies_to_a_read_is_left_aside() -> None:
    report = Line((sensorgram_of(GOOD[1]), sensorgram_of(GOOD[0])))
    assert told([GOOD[0], report, GOOD[1], reply(HB, FENCE)]) == tuple(map(sensorgram_of, GOOD))
