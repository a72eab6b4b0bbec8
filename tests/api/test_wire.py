"""JSON-RPC in lines, without I/O."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagman.api import wire
from wagman.api.wire import INVALID_PARAMS, INVALID_REQUEST, MAX_LINE_BYTES, PARSE_ERROR, Lines, Malformed, Request

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
IDS = st.none() | st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


def request(**more: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "status", **more}).encode()


# --- Lines ------------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=200), st.lists(st.integers(0, 200)))
def test_bytes_cut_anywhere_give_the_same_lines(data: bytes, cuts: list[int]) -> None:
    lines, whole = Lines(), Lines()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[begin:end] for begin, end in pairwise(edges)]
    assert [line for piece in pieces for line in lines.feed(piece)] == whole.feed(data)
    assert lines.partial == whole.partial


@given(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line)))
def test_lines_come_out_as_they_went_in(given_lines: list[bytes]) -> None:
    assert Lines().feed(b"".join(line + b"\n" for line in given_lines)) == given_lines


@pytest.mark.parametrize("piece", [1, 1000, MAX_LINE_BYTES + 1])
def test_a_line_of_64_kib_is_taken_one_byte_more_is_not_and_its_neighbours_are_not_lost(piece: int) -> None:
    fits, exceeds = b"a" * MAX_LINE_BYTES, b"b" * (MAX_LINE_BYTES + 1)
    data = b"before\n" + fits + b"\n" + exceeds + b"\nafter\n"
    lines = Lines()
    out = [line for at in range(0, len(data), piece) for line in lines.feed(data[at : at + piece])]
    assert out == [b"before", fits, None, b"after"]


def test_a_line_without_end_takes_no_more_memory_than_the_longest_one() -> None:
    lines = Lines()
    for _ in range(100):
        lines.feed(b"x" * 10_000)
        assert len(lines._kept) <= MAX_LINE_BYTES
    assert lines.partial
    assert lines.feed(b"\nnext\n") == [None, b"next"]


# --- Requests ---------------------------------------------------------------------------------------------------------


@given(st.binary())
def test_anything_is_a_message_or_says_what_is_wrong_with_it(line: bytes | None) -> None:
    message = wire.parse(line)
    for each in message if isinstance(message, list) else [message]:
        assert isinstance(each, Request | Malformed)


@given(JSON)
def test_any_json_is_a_message_or_says_what_is_wrong_with_it(value: Any) -> None:
    message = wire.parse(json.dumps(value).encode())
    for each in message if isinstance(message, list) else [message]:
        assert isinstance(each, Request | Malformed)
        if isinstance(each, Malformed):
            json.loads(wire.failure(each.id, each.error))


@given(IDS, st.text(), st.dictionaries(st.text(), JSON, max_size=3))
def test_a_request_is_read_as_it_was_meant(id_: Any, method: str, params: dict[str, Any]) -> None:
    message = wire.parse(request(id=id_, method=method, params=params))
    assert message == Request(method, params, id_)


@given(IDS, JSON)
def test_an_answer_bears_the_id_and_the_value(id_: Any, value: Any) -> None:
    answer = json.loads(wire.result(id_, value))
    assert answer == {"jsonrpc": "2.0", "id": id_, "result": value}


def test_a_request_without_id_is_a_notification_and_one_with_null_is_not() -> None:
    assert wire.parse(b'{"jsonrpc": "2.0", "method": "x"}') == Request("x", {}, None, is_notification=True)
    assert wire.parse(b'{"jsonrpc": "2.0", "method": "x", "id": null}') == Request("x", {}, None)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (None, PARSE_ERROR),
        (b"{", PARSE_ERROR),
        (b"\xff", PARSE_ERROR),
        (b"\xef\xbb\xbf{}", PARSE_ERROR),
        (b"[" * 60_000, PARSE_ERROR),
        (b"9" * 60_000, PARSE_ERROR),
        (b'{"jsonrpc": "2.0", "id": NaN, "method": "x"}', PARSE_ERROR),
        (b"5", INVALID_REQUEST),
        (b"[]", INVALID_REQUEST),
        (b"[" + b"5," * 32 + b"5]", INVALID_REQUEST),
        (request(jsonrpc="1.0"), INVALID_REQUEST),
        (request(method=5), INVALID_REQUEST),
        (request(id=True), INVALID_REQUEST),
        (request(id=[]), INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "id": 1e999, "method": "x"}', INVALID_REQUEST),
        (request(params=[1]), INVALID_PARAMS),
        (request(params=None), INVALID_PARAMS),
    ],
)
def test_what_is_no_request_gets_the_code_of_the_standard(line: bytes | None, code: int) -> None:
    message = wire.parse(line)
    assert isinstance(message, Malformed)
    assert message.error.code == code


def test_what_is_wrong_with_a_request_is_told_under_its_id() -> None:
    message = wire.parse(request(id="mine", method=None))
    assert isinstance(message, Malformed)
    assert message.id == "mine"


def test_a_batch_is_taken_apart_and_its_bad_parts_harm_no_other() -> None:
    batch = wire.parse(b"[" + request() + b", 5, " + request(method="hello") + b"]")
    assert isinstance(batch, list)
    first, second, third = batch
    assert (first, third) == (Request("status", {}, 1), Request("hello", {}, 1))
    assert isinstance(second, Malformed)


@given(JSON)
def test_a_message_is_one_line_of_ascii(value: Any) -> None:
    line = wire.line(wire.notification("event", {"event": value}))
    assert line.isascii()
    assert line.count(b"\n") == 1
