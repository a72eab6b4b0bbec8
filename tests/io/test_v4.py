import json
import math
import random
from base64 import b64decode, b64encode
from itertools import pairwise
from pathlib import Path
from typing import Any

import crc
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from wagman.io.v4 import codec as v4
from wagman.io.v4.codec import ARRAY, BYTES, EmptyLine, Event, Junk, Line, Sensorgram, Type, Value
from wagman.model.errors import CallerError

CAPTURES = Path(__file__).parents[1] / "data" / "captures"
REQUESTS = json.loads((CAPTURES / "v4-requests.json").read_text())["entries"]
STREAM = [bytes.fromhex(chunk["hex"]) for chunk in json.loads((CAPTURES / "v4-stream-135s.json").read_text())["chunks"]]
SPLIT_REPORT = ("STOP_3_5", "STATE_3b", "up_after_f", "leading_space")  # captured in the middle of a minute report
WHOLE_REQUESTS = [
    entry
    for entry in REQUESTS
    if all(isinstance(line, list) for line in entry["request_decoded"])
    and entry["name"] not in ("no_newline", "three_padded_chunks_in_one_line")
]

UP = Sensorgram(0xFF14, 1, (v4.unsigned(7),), source_id=1)
UP_LINE = b"AAIAAAAA/xQAAQABAAQHsw==\n"
HB = Sensorgram(0xFF09, 2, (v4.unsigned(16347),), source_id=1)
HB_LINE = b64encode(HB.pack()) + b"\n"
DALLAS = crc.Calculator(crc.Configuration(width=8, polynomial=0x31, reverse_input=True, reverse_output=True))


def decode(data: bytes) -> list[Event]:
    return v4.Decoder().feed(data)


def decode_bytewise(data: bytes) -> list[Event]:
    decoder = v4.Decoder()
    return [event for byte in data for event in decoder.feed(bytes([byte]))]


def sensorgrams(events: list[Event]) -> list[Sensorgram]:
    return [sensorgram for event in events if isinstance(event, Line) for sensorgram in event.sensorgrams]


def unpack_all(data: bytes) -> list[Sensorgram]:
    found = []
    while data:
        found.append(Sensorgram.unpack(data))
        data = data[found[-1].size :]
    return found


def plain(sensorgram: Sensorgram) -> dict[str, Any]:
    """As the captures write it down."""
    items = [item for value in sensorgram.values for item in (value.items if value.type != BYTES else [value.items])]
    readable = [item.hex() if isinstance(item, bytes) else item for item in items]
    return {
        "id": f"0x{sensorgram.id:04x}" if sensorgram.id > 0xFF else f"0x{sensorgram.id:x}",
        "inst": sensorgram.instance,
        "sub_id": sensorgram.sub_id,
        "source_id": sensorgram.source_id,
        "source_inst": sensorgram.source_instance,
        "timestamp": sensorgram.timestamp,
        "value": readable[0] if len(readable) == 1 else readable,
    }


# --- CRC and values ---------------------------------------------------------------------------------------------------


@given(st.binary(max_size=64))
def test_the_crc_is_that_of_dallas(data: bytes) -> None:
    assert v4.crc8(data) == DALLAS.checksum(data)
    assert v4.crc8(data + bytes([v4.crc8(data)])) == 0


def test_the_crc_of_one_to_five() -> None:
    assert v4.crc8(bytes([1, 2, 3, 4, 5])) == 0x2A


def ints(bits: int, *, signed: bool) -> st.SearchStrategy[int]:
    low = -(1 << bits - 1) if signed else 0
    return st.integers(low, low + (1 << bits) - 1)


ITEM: dict[int, st.SearchStrategy[Any]] = {
    **{Type.INT8 + 2 * n: ints(8 * n + 8, signed=True) for n in range(4)},
    **{Type.UINT8 + 2 * n: ints(8 * n + 8, signed=False) for n in range(4)},
    Type.FLOAT16: st.floats(width=16, allow_nan=False),
    Type.FLOAT32: st.floats(width=32, allow_nan=False),
    Type.FLOAT64: st.floats(width=64, allow_nan=False),
}
LATIN = st.characters(max_codepoint=0xFF)
VALUES = st.one_of(
    st.binary(min_size=1, max_size=1).map(lambda items: Value(Type.BYTE, items)),
    st.binary(max_size=20).map(lambda items: Value(BYTES, items)),
    LATIN.map(lambda items: Value(Type.CHAR, items)),
    st.text(LATIN, max_size=20).map(lambda items: Value(ARRAY + Type.CHAR, items)),
    *(st.builds(Value, st.just(kind), st.tuples(item)) for kind, item in ITEM.items()),
    *(st.builds(Value, st.just(ARRAY + kind), st.lists(item, max_size=5).map(tuple)) for kind, item in ITEM.items()),
)
SENSORGRAMS = st.builds(
    Sensorgram,
    id=ints(16, signed=False),
    sub_id=ints(8, signed=False),
    values=st.lists(VALUES, max_size=4).map(tuple),
    timestamp=ints(32, signed=False),
    instance=ints(8, signed=False),
    source_id=ints(16, signed=False),
    source_instance=ints(8, signed=False),
)
BOARDS = st.builds(
    Sensorgram,
    id=ints(16, signed=False),
    sub_id=ints(8, signed=False),
    values=st.tuples(
        st.one_of(ints(32, signed=False).map(v4.unsigned), st.binary(max_size=8).map(lambda items: Value(BYTES, items)))
    ),
    source_id=st.sampled_from([0, 1]),
)


@given(SENSORGRAMS, st.binary(max_size=8))
def test_every_sensorgram_comes_back_from_its_bytes_whatever_follows_them(sensorgram: Sensorgram, rest: bytes) -> None:
    packed = sensorgram.pack()
    assert Sensorgram.unpack(packed + rest) == sensorgram
    assert sensorgram.size == len(packed)


@given(SENSORGRAMS, st.data())
def test_one_that_is_cut_short_is_none(sensorgram: Sensorgram, data: st.DataObject) -> None:
    packed = sensorgram.pack()
    with pytest.raises(ValueError, match="cut short"):
        Sensorgram.unpack(packed[: data.draw(st.integers(0, len(packed) - 1))])


@given(SENSORGRAMS, st.data())
def test_one_with_a_wrong_byte_is_none(sensorgram: Sensorgram, data: st.DataObject) -> None:
    packed = bytearray(sensorgram.pack())
    after_length = data.draw(st.integers(2, len(packed) - 1))
    packed[after_length] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError, match="wrong CRC"):
        Sensorgram.unpack(bytes(packed))


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (0, Type.UINT8),
        (255, Type.UINT8),
        (256, Type.UINT16),
        (65536, Type.UINT24),
        (1 << 24, Type.UINT32),
        ((1 << 32) - 1, Type.UINT32),
    ],
)
def test_unsigned_numbers_go_in_the_shortest_type(number: int, kind: Type) -> None:
    assert v4.unsigned(number) == Value(kind, (number,))
    assert Sensorgram(1, 1, (v4.unsigned(number),)).number == number


@pytest.mark.parametrize("number", [-1, 1 << 32])
def test_what_is_no_unsigned_number_is_refused(number: int) -> None:
    with pytest.raises(CallerError):
        v4.unsigned(number)


@pytest.mark.parametrize("values", [(), (Value(Type.INT8, (1,)),), (Value(BYTES, b"1"),), (v4.unsigned(1), v4.unsigned(2))])
def test_only_one_unsigned_scalar_is_a_number(values: tuple[Value, ...]) -> None:
    assert Sensorgram(1, 1, values).number is None


@pytest.mark.parametrize(
    "sensorgram",
    [
        Sensorgram(0x10000, 1),
        Sensorgram(1, 256),
        Sensorgram(1, -1),
        Sensorgram(1, 1, (Value(Type.UINT8, (256,)),)),
        Sensorgram(1, 1, (Value(Type.UINT8, (1, 2)),)),
        Sensorgram(1, 1, (Value(Type.UINT8, "x"),)),
        Sensorgram(1, 1, (Value(Type.CHAR, "€"),)),
        Sensorgram(1, 1, (Value(Type.FLOAT16, (1e6,)),)),
        Sensorgram(1, 1, (Value(0x0E, (1,)),)),
        Sensorgram(1, 1, (Value(BYTES, b"x" * 70_000),)),
    ],
)
def test_what_does_not_fit_is_refused(sensorgram: Sensorgram) -> None:
    with pytest.raises(CallerError):
        sensorgram.pack()


@pytest.mark.parametrize("body", [b"\x00", b"\x0e\x01", b"\x04", b"\x06\x01", b"\x81", b"\x81\x00\x02x", b"\x04\x07\x04"])
def test_a_body_that_is_no_row_of_values_is_none_whatever_its_crc_says(body: bytes) -> None:
    packed = UP.pack()[2:13]
    data = len(body).to_bytes(2, "big") + packed + body
    data += bytes([v4.crc8(data)])
    with pytest.raises(ValueError, match=r"unknown type|a value that is cut short"):
        Sensorgram.unpack(data)
    assert decode(b64encode(data) + b"\n") == [Junk(b64encode(data))]


def test_floats_are_in_network_order() -> None:
    packed = Sensorgram(1, 1, (Value(Type.FLOAT32, (math.pi,)),)).pack()
    assert packed[13:18].hex() == "0c40490fdb"


# --- What the board says ----------------------------------------------------------------------------------------------


def test_a_line_is_told_at_its_end() -> None:
    decoder = v4.Decoder()
    assert decoder.feed(UP_LINE[:-1]) == []
    assert decoder.feed(b"\n\n") == [Line((UP,)), EmptyLine()]


@pytest.mark.parametrize("entry", REQUESTS, ids=lambda entry: f"{entry['n']}-{entry['name']}")
def test_every_captured_reply_is_decoded_as_documented(entry: dict[str, Any]) -> None:
    events = decode(bytes.fromhex(entry["reply_hex"]))
    if entry["name"] in SPLIT_REPORT:
        told = [plain(sensorgram) for sensorgram in sensorgrams(events)]
        assert all(reply in told for line in entry["reply_decoded"] for reply in line)
        return
    lines = [event for event in events if not isinstance(event, Junk)]
    assert [[plain(one) for one in getattr(line, "sensorgrams", ())] for line in lines] == entry["reply_decoded"]
    assert len(lines) == len(events)


@pytest.mark.parametrize("entry", WHOLE_REQUESTS, ids=lambda entry: f"{entry['n']}-{entry['name']}")
def test_every_captured_request_is_decoded_as_documented_and_encoded_back(entry: dict[str, Any]) -> None:
    for text, expected in zip(bytes.fromhex(entry["request_hex"]).splitlines(), entry["request_decoded"], strict=True):
        data = b64decode(text)
        told = unpack_all(data)
        assert [plain(sensorgram) for sensorgram in told] == expected
        assert b"".join(sensorgram.pack() for sensorgram in told) == data


def test_the_captured_stream_is_whole_and_its_long_lines_are_minute_reports() -> None:
    decoder = v4.Decoder()
    events = [event for chunk in STREAM for event in decoder.feed(chunk)]
    assert all(isinstance(event, Line) for event in events)
    sizes = [len(event.sensorgrams) for event in events if isinstance(event, Line)]
    assert sizes.count(24) == 2
    assert set(sizes) == {1, 24}


def test_pieces_that_were_encoded_one_by_one_may_share_a_line() -> None:
    assert decode(UP_LINE.strip() + HB_LINE) == [Line((UP, HB))]


def test_a_line_may_end_in_a_carriage_return() -> None:
    assert decode(UP_LINE.strip() + b"\r\n") == [Line((UP,))]


def test_a_reply_that_follows_one_cut_short_is_kept() -> None:
    cut = b"AAIAAAAA/w"
    assert decode(cut + UP_LINE) == [Line((UP,)), Junk(cut + UP_LINE.strip())]


@pytest.mark.parametrize("text", [b"hello world", b"AAAA", b"<<<- sid=0 up", b"\x00", b"====", b"A" * 400])
def test_what_is_no_sensorgram_is_junk(text: bytes) -> None:
    assert decode(text + b"\n" + UP_LINE) == [Junk(text), Line((UP,))]


@pytest.mark.parametrize(
    "change",
    [{"timestamp": 1}, {"instance": 1}, {"source_id": 2}, {"source_instance": 1}, {"values": ()}, {"values": UP.values * 2}],
)
def test_what_the_board_never_sends_is_junk_whatever_its_crc_says(change: dict[str, Any]) -> None:
    text = b64encode(evolve(UP, **change).pack())
    assert decode(text + b"\n") == [Junk(text)]


@given(st.lists(BOARDS, min_size=1, max_size=6), BOARDS, st.data())
def test_damage_to_one_sensorgram_of_a_line_leaves_the_others(
    good: list[Sensorgram], bad: Sensorgram, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(good)))
    hurt = bytearray(bad.pack())
    hurt[data.draw(st.integers(0, len(hurt) - 1))] ^= data.draw(st.integers(1, 255))
    packed = [one.pack() for one in good]
    packed.insert(place, bytes(hurt))
    events = decode(b64encode(b"".join(packed)) + b"\n")
    told = sensorgrams(events)
    assert [one for one in told if one in good] == good
    assert any(isinstance(event, Junk) for event in events) or len(told) > len(good)


@given(st.lists(BOARDS, min_size=2, max_size=6), st.data())
def test_a_character_that_is_lost_or_made_up_costs_no_more_than_it_touches(good: list[Sensorgram], data: st.DataObject) -> None:
    text = b64encode(b"".join(one.pack() for one in good)).rstrip(b"=")
    at = data.draw(st.integers(0, len(text) - 1))
    instead = data.draw(st.sampled_from([b"", b"!", b"=", b"\x00", b"\xff\xff", b"AA"]))
    told = sensorgrams(decode(text[:at] + instead + text[at + 1 :] + b"\n"))
    kept = [one for one in good if one in told]
    assert len(kept) >= len(good) - 2


@pytest.mark.parametrize("length", [v4.MAX_LINE - 40, v4.MAX_LINE - 20, v4.MAX_LINE - 1, v4.MAX_LINE, 3 * v4.MAX_LINE - 7])
def test_a_reply_at_the_end_of_an_overlong_line_is_kept(length: int) -> None:
    assert sensorgrams(decode(b"x" * length + UP_LINE)) == [UP]
    assert sensorgrams(decode(UP_LINE.strip() + b"x" * length + UP_LINE)) == [UP, UP]


def test_a_reply_at_the_edge_of_an_overlong_line_is_told_once() -> None:
    for gap in range(80):
        text = b"x" * (v4.MAX_LINE - gap) + UP_LINE.strip() + b"x" * 100 + b"\n"
        assert sensorgrams(decode(text)) == [UP]


def test_the_end_of_an_overlong_line_is_no_empty_line() -> None:
    even = b64encode(Sensorgram(1, 1, (v4.unsigned(1 << 16),)).pack())
    assert len(even) == 24
    assert EmptyLine() not in decode(b"x" * (v4.MAX_LINE - len(even)) + even + b"\n")


def test_a_foreign_character_hides_nothing_that_can_still_be_read() -> None:
    text = UP_LINE.strip().replace(b"A", b"!", 1)
    assert decode(text + b"\n") == [Line((UP,)), Junk(text)]


def test_a_sensorgram_inside_another_is_part_of_its_value() -> None:
    outer = Sensorgram(0xFF1A, 1, (Value(BYTES, UP.pack()),), source_id=1)
    assert decode(b64encode(outer.pack()) + b"\n") == [Line((outer,))]


def test_the_decoder_holds_little_whatever_comes() -> None:
    decoder = v4.Decoder()
    decoder.feed(b"A" * 100_000)
    assert len(decoder._buffer) <= v4.MAX_LINE


NOISE = st.lists(
    st.sampled_from(
        [UP_LINE, HB_LINE, UP_LINE.strip(), UP_LINE[:9], UP_LINE[7:], b"\n", b"\r\n", b"=", b"A" * 300, b"\x00", b"!"]
    )
    | st.binary(max_size=8),
    max_size=10,
).map(b"".join)


@given(NOISE)
def test_one_byte_at_a_time_equals_all_at_once(data: bytes) -> None:
    assert decode_bytewise(data) == decode(data)


@given(NOISE, NOISE)
def test_a_reply_survives_any_noise_around_it(before: bytes, after: bytes) -> None:
    assert HB in sensorgrams(decode(before + b"\n" + HB_LINE + after))


def test_a_hundred_thousand_random_inputs_raise_nothing_and_lose_no_reply_beside_them() -> None:
    rng = random.Random(4)
    alphabet = b"\x00\xff\r=!AAAAAAAAQBwxyz/+09"
    for _ in range(100_000):
        noise = bytes(rng.choices(alphabet, k=rng.randrange(12)))
        assert UP in sensorgrams(decode(noise + b"\n"[: rng.randrange(2)] + UP_LINE))


# --- What we say ------------------------------------------------------------------------------------------------------


def test_a_request_line_holds_up_to_128_characters() -> None:
    asked = Sensorgram(0xC002, 1)
    assert len(v4.encode([asked] * 6)) == 112 + 1
    with pytest.raises(CallerError):
        v4.encode([asked] * 7)


def test_an_empty_request_line_is_refused() -> None:
    with pytest.raises(CallerError):
        v4.encode([])


@given(st.lists(st.integers(0, 2**32 - 1).map(lambda number: Sensorgram(0xC008, 1, (v4.unsigned(number),))), max_size=40))
def test_any_number_of_requests_takes_as_few_lines_as_the_board_accepts(asked: list[Sensorgram]) -> None:
    lines = v4.encode_all(asked).split(b"\n")[:-1] if asked else []
    assert all(len(line) <= v4.MAX_REQUEST for line in lines)
    packed = [b64decode(line) for line in lines]
    assert b"".join(packed) == b"".join(each.pack() for each in asked)
    for line, after in pairwise(packed):
        assert len(line) + Sensorgram.unpack(after).size > v4.MAX_REQUEST * 6 // 8


@given(st.integers(0, 2**32 - 1), st.binary(max_size=20))
def test_the_size_of_a_sensorgram_is_what_it_packs_into(number: int, data: bytes) -> None:
    for value in (v4.unsigned(number), Value(BYTES, data)):
        asked = Sensorgram(1, 1, (value,))
        assert asked.size == len(asked.pack())
