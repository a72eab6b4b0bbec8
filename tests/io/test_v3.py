import json
import random
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagman.io.v3 import codec as v3
from wagman.io.v3.codec import Event, Junk, Log, Reply
from wagman.model.errors import BoardRefusedError, CallerError

CAPTURES = Path(__file__).parents[1] / "data" / "captures"
REQUESTS = json.loads((CAPTURES / "v3-requests.json").read_text())["entries"]
LOG_CHUNKS = [bytes.fromhex(chunk["hex"]) for chunk in json.loads((CAPTURES / "v3-log-150s.json").read_text())["chunks"]]

HB = b"<<<- sid=w1 hb\r\n7187\r\n7936\r\n0\r\n1\r\n2\r\n->>>\r\n"
HB_REPLY = Reply("w1", "hb", ("7187", "7936", "0", "1", "2"))
BEAT = b"log: gn heartbeat\r\n"
BEAT_LOG = Log("gn", "heartbeat")


def decode(data: bytes) -> list[Event]:
    return v3.Decoder().feed(data)


def decode_bytewise(data: bytes) -> list[Event]:
    decoder = v3.Decoder()
    return [event for byte in data for event in decoder.feed(bytes([byte]))]


def without_junk(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if not isinstance(event, Junk)]


# --- What the board says ----------------------------------------------------------------------------------------------


def test_a_reply_is_told_at_its_footer() -> None:
    decoder = v3.Decoder()
    assert decoder.feed(HB[:-1]) == []
    assert decoder.feed(HB[-1:]) == [HB_REPLY]


def test_a_log_line_inside_a_frame_is_told_at_once_and_is_none_of_its_answer() -> None:
    decoder = v3.Decoder()
    stopping = Log("gn", "stopping", inside_sid="w2")
    assert decoder.feed(b"<<<- sid=w2 stop\r\nlog: gn stopping\r\n") == [stopping]
    assert decoder.feed(b"->>>\r\n") == [Reply("w2", "stop", ())]


def test_blanks_around_the_text_of_a_log_line_are_dropped_and_those_inside_are_kept() -> None:
    assert decode(b"log: th 500 510 \r\nlog: bootlog  12  13\r\n") == [Log("th", "500 510"), Log("bootlog", "12  13")]


@pytest.mark.parametrize("entry", REQUESTS, ids=lambda entry: f"{entry['n']}-{entry['name']}")
def test_every_captured_reply_is_decoded_as_it_reads(entry: dict[str, Any]) -> None:
    replies = [event for event in decode(bytes.fromhex(entry["reply_hex"])) if isinstance(event, Reply)]
    text = "".join("\r\n".join((f"<<<- sid={reply.sid} {reply.name}", *reply.lines, "->>>", "")) for reply in replies)
    stray = "A30B003D70C62023 11 15"  # under `log off` the minute report leaves one line without its prefix
    assert text == "".join(line for line in entry["reply_text"].splitlines(keepends=True) if not line.startswith(stray))


def test_the_captured_log_is_whole_and_in_order() -> None:
    decoder = v3.Decoder()
    events = [event for chunk in LOG_CHUNKS for event in decoder.feed(chunk)]
    logs = [event for event in events if isinstance(event, Log)]
    assert [type(event) for event in events if not isinstance(event, Log)] == [Reply]
    assert logs[0] == Log("nc", "starting primary")
    assert Log("cu", "640 480 0 0 0 0") in logs
    assert b"".join(LOG_CHUNKS).count(b"log: ") == len(logs)


@pytest.mark.parametrize(
    ("noise", "junk"),
    [
        (b"\x00\xff\n", [Junk(b"\x00\xff")]),
        (b"->>>\r\n", [Junk(b"->>>")]),
        (b"rtbeat\r\n", [Junk(b"rtbeat")]),
        (b"garbage without an end", [Junk(b"garbage without an end")]),
        (b"<<<- sid=w0 u", [Junk(b"<<<- sid=w0 u")]),
        (b"<<<- sid=w0 up\r\n64", [Junk(b"<<<- sid=w0 up"), Junk(b"64")]),
        (b"<<<- sid=w0 up\r\n6414\r\n", [Junk(b"<<<- sid=w0 up\n6414")]),
        (b"<<<- sid=w0 up\r\n6\xb14\r\n->>>\r\n", [Junk(b"<<<- sid=w0 up"), Junk(b"6\xb14"), Junk(b"->>>")]),
        (b"\r\n\r\n", []),
    ],
)
def test_what_is_good_beside_noise_is_kept(noise: bytes, junk: list[Junk]) -> None:
    assert decode(HB + noise + HB) == [HB_REPLY, *junk, HB_REPLY]
    assert without_junk(decode(HB + noise + HB + BEAT)) == [HB_REPLY, HB_REPLY, BEAT_LOG]


def test_a_log_line_that_runs_into_a_damaged_one_is_kept_and_the_frame_around_it_is_not() -> None:
    assert decode(b"<<<- sid=w1 up\r\n64log: gn heartbeat\r\n->>>\r\n") == [
        Junk(b"<<<- sid=w1 up"),
        Junk(b"64"),
        BEAT_LOG,
        Junk(b"->>>"),
    ]


@pytest.mark.parametrize("length", range(v3.MAX_LINE - 12, v3.MAX_LINE + 4))
def test_a_frame_at_the_end_of_an_overlong_line_is_kept(length: int) -> None:
    events = decode(b"x" * length + HB)
    assert events.pop() == HB_REPLY
    assert b"".join(event.data for event in events if isinstance(event, Junk)) == b"x" * length


def test_the_tail_of_an_overlong_line_inside_a_frame_is_no_payload() -> None:
    events = decode(b"<<<- sid=w1 up\r\n" + b"x" * 300 + b"\r\n->>>\r\n")
    assert without_junk(events) == []


def test_a_frame_that_never_ends_is_given_up() -> None:
    events = decode(b"<<<- sid=w1 up\r\n" + b"1\r\n" * v3.MAX_FRAME_LINES + b"->>>\r\n" + HB)
    assert without_junk(events) == [HB_REPLY]


def test_the_decoder_holds_little_whatever_comes() -> None:
    decoder = v3.Decoder()
    decoder.feed(b"<<<- sid=w1 up\r\n" + b"x" * 100_000 + b"<<<- sid=w1 up\r\n" + b"1\r\n" * 63 + b"y" * 255)
    assert len(decoder._buffer) <= v3.MAX_LINE
    assert decoder._frame is not None
    assert len(decoder._frame.raw) <= v3.MAX_FRAME_LINES


PIECES = st.sampled_from(
    [
        HB,
        BEAT,
        b"<<<- sid=",
        b"->>>",
        b"log: ",
        b"\r\n",
        b"\n",
        b"\x00",
        b"\xff",
        b"x" * 90,
        b"7187",
        b"<<<- sid=a b\r\n",
        b"og: gn",
    ]
)
NOISE = st.lists(PIECES | st.binary(max_size=8), max_size=12).map(b"".join)


@given(NOISE)
def test_one_byte_at_a_time_equals_all_at_once(data: bytes) -> None:
    assert decode_bytewise(data) == decode(data)


@given(NOISE, NOISE)
def test_a_frame_and_a_beat_survive_any_noise_around_them(before: bytes, after: bytes) -> None:
    events = decode(before + HB + BEAT + after)
    assert HB_REPLY in events
    assert BEAT_LOG in events


@given(NOISE)
def test_no_byte_is_told_that_did_not_come(data: bytes) -> None:
    text = data.decode("latin-1")
    for event in decode(data):
        match event:
            case Junk(data=junk):
                assert all(line in data for line in junk.split(b"\n"))
            case Log(topic=topic):
                assert topic in text
            case Reply(sid=sid, name=name):
                assert f"<<<- sid={sid} {name}" in text


def test_a_hundred_thousand_random_inputs_raise_nothing_and_lose_no_frame() -> None:
    rng = random.Random(3)
    alphabet = b"\x00\xff\r\n\n <>-@0log: sid=heartbeat"
    for _ in range(100_000):
        noise = bytes(rng.choices(alphabet, k=rng.randrange(12)))
        assert HB_REPLY in decode(noise + HB)


# --- Who is answered --------------------------------------------------------------------------------------------------


def test_a_reply_belongs_to_the_request_of_its_sid_and_its_command() -> None:
    match = v3.reply_to("w1", "hb", tuple)
    assert match(HB_REPLY) == HB_REPLY.lines
    assert match(Reply("w2", "hb", ("1",))) is None
    assert match(Reply("w1", "cu", ("1",))) is None
    assert match(BEAT_LOG) is None
    assert match(Junk(b"w1 hb")) is None


@pytest.mark.parametrize("text", ["invalid command", "invalid media", "invalid mode"])
def test_what_the_board_calls_invalid_is_refused(text: str) -> None:
    with pytest.raises(BoardRefusedError, match=text):
        v3.reply_to("w1", "bs", tuple)(Reply("w1", "bs", (text,)))


def test_a_raw_command_gets_the_frame_whatever_is_in_it() -> None:
    reply = Reply("w1", "bogus", ("invalid command",))
    assert v3.frame_of("w1", "bogus")(reply) == reply


# --- What we say ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        *("hb", "cu 1", "start 0", "stop 1", "stop 4 0", "stop 1 32767", "ping 0", "enable 3", "disable 3 4", "bs 1", "bs 1 sd"),
        *("bs 1 usb", "watch 2 hb f", "log on", "date", "date 2023 11 15 00 00 20", "date 2026 1 2 3 4 5", "reset", "reset 5"),
        *("eereset", "blf", "blf sd", "bogus", "UP", "stop!"),
    ],
)
def test_a_sound_command_is_sent_as_one_line_with_its_sid(line: str) -> None:
    assert v3.encode("w1", line.split()) == f"@w1 {line}\n".encode()


@pytest.mark.parametrize(
    "line",
    [
        *("start", "start 5", "start 1 2", "start x", "start -1", "start 01", "start 1x", "start 0x1", "start 257"),
        *("stop", "stop x", "stop 1 2 3", "stop 1 x", "stop 1 32768", "stop 1 40000", "stop 1 -1", "stop 9"),
        *("ping", "ping gn", "ping 256", "enable", "enable 9", "enable 1 x", "disable", "disable x", "disable 0 5"),
        *("bs", "bs 9", "bs 1 sd now", "watch", "watch 2", "watch 2 cu t", "watch 2 x t", "watch 2 hb x", "log", "log maybe"),
        *(
            "date 2023 11",
            "date 2023 13 1 0 0 0",
            "date 2023 11 15 24 0 0",
            "date 1 2 3 4 5 6",
            "reset 40000",
            "reset x",
            "reset 1 2",
        ),
        *("bogus 99999", "stop 1 " + "9" * 5000, "@a up", "up @abc"),
    ],
)
def test_a_command_that_the_board_would_misread_is_refused(line: str) -> None:
    with pytest.raises(CallerError):
        v3.encode("w1", line.split())


@pytest.mark.parametrize("words", [[], [""], ["up", ""], ["up date"], ["up\n"], ["u\x00p"], ["u\tp"], ["sé"], ["@"], ["٣"]])
def test_what_is_no_word_is_refused(words: list[str]) -> None:
    with pytest.raises(CallerError):
        v3.encode("w1", words)


@pytest.mark.parametrize("sid", ["", " ", "a b", "@a", "a\n", "é", "x" * 17])
def test_an_odd_sid_is_refused(sid: str) -> None:
    with pytest.raises(CallerError):
        v3.encode(sid, ["up"])


def test_a_request_may_have_78_characters_and_no_more() -> None:
    assert len(v3.encode("w1", ["x" * 74])) == 78 + 1
    with pytest.raises(CallerError):
        v3.encode("w1", ["x" * 75])


def test_a_request_may_have_eight_words_the_sid_included() -> None:
    assert v3.encode("w1", ["bogus", *"123456"]).count(b" ") == 7
    with pytest.raises(CallerError):
        v3.encode("w1", ["bogus", *"1234567"])


@given(st.text(max_size=20), st.lists(st.text(max_size=12), max_size=9))
def test_whatever_is_asked_for_is_one_safe_line_or_refused(sid: str, words: list[str]) -> None:
    try:
        line = v3.encode(sid, words)
    except CallerError:
        return
    assert line.endswith(b"\n")
    assert line.isascii()
    assert line[:-1].decode().isprintable()
    assert line.startswith(b"@")
    assert line.decode().split() == [f"@{sid}", *words]


def test_sids_that_were_used_are_not_kept() -> None:
    sids = v3.sids()
    next(sids)
    tracemalloc.start()
    try:
        for _ in range(10_000):
            next(sids)
        held_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held_bytes < 10_000


def test_sids_are_short_and_differ_for_a_long_time() -> None:
    sids = v3.sids("b")
    seen = [next(sids) for _ in range(0x10000)]
    assert len(set(seen)) == len(seen)
    assert max(map(len, seen)) == 5
    assert next(sids) == seen[0]
    assert v3.encode(seen[-1], ["date", "2023", "11", "15", "00", "00", "20"])


def test_the_resync_overflows_the_boards_buffer_on_its_own_and_is_blank() -> None:
    assert v3.RESYNC.strip() == b""
    assert v3.RESYNC.index(b"\n") >= 80
    assert v3.RESYNC.endswith(b"\n")


# --- What may be said when --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["start 1", "stop 1", "enable 1", "reset", "eereset", "date 2026 1 2 3 4 5", "bogus"])
def test_what_does_something_else_the_second_time_is_not_repeated(line: str) -> None:
    assert not v3.is_repeatable(line.split())


@pytest.mark.parametrize("line", ["hb", "cu", "bs 1 sd", "disable 1", "ping 0", "date", "log on"])
def test_what_does_the_same_twice_is_repeated(line: str) -> None:
    assert v3.is_repeatable(line.split())


@pytest.mark.parametrize(
    "line",
    [*("start 1", "stop 1", "enable 1", "disable 1", "reset", "eereset", "bs 1", "blf", "watch 1 hb f", "ping 1", "log off")],
)
def test_what_would_fight_the_service_is_known(line: str) -> None:
    assert v3.fights_service(line.split())


@pytest.mark.parametrize("line", ["hb", "cu", "ver", "log on", "date"])
def test_what_only_asks_does_not_fight_the_service(line: str) -> None:
    assert not v3.fights_service(line.split())
