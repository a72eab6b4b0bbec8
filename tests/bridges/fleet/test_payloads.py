"""What goes over the broker is read back as it was, and whatever else comes is no message."""

import json
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridges.fleet.kit import event
from wagman.bridges.fleet import payloads
from wagman.bridges.fleet.payloads import (
    MOST_BYTES,
    PayloadError,
    absent,
    events_of,
    given_of,
    id_of,
    online_of,
    opened,
    order_of,
    packed,
    resend_of,
    status_of,
)

WORDS = st.text(max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda more: st.lists(more, max_size=3) | st.dictionaries(WORDS, more, max_size=3),
    max_leaves=4,
)
READERS = (events_of, online_of, status_of, resend_of, given_of, order_of, opened)


@given(st.dictionaries(WORDS, JSON, max_size=3), st.booleans())
def test_a_message_is_read_back_as_it_was(message: dict[str, object], deflate: bool) -> None:
    assert opened(packed(message, deflate=deflate)) == message


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()) | st.binary().map(zlib.compress))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    for reader in READERS:
        with suppress(PayloadError):
            reader(data)
    id_of(data)


KEYS = ("log", "first", "last", "events", "gap", "past", "devices", "problems")
KEYS_OF_ORDERS = ("id", "do", "device", "until", "force", "node", "order", "signature")


@given(st.dictionaries(st.sampled_from((*KEYS, *KEYS_OF_ORDERS)), JSON, max_size=6))
def test_the_right_keys_with_wrong_values_are_read_or_refused(message: dict[str, object]) -> None:
    test_whatever_comes_is_read_or_refused.hypothesis.inner_test(json.dumps(message).encode())  # type: ignore[attr-defined]


def test_what_unpacks_to_too_much_is_refused() -> None:
    with pytest.raises(PayloadError, match="more than"):
        opened(zlib.compress(b"{" + b" " * MOST_BYTES + b"}"))


def test_an_event_of_a_log_has_an_id_and_others_have_none() -> None:
    for log, number, is_right in (("a", 1, True), (None, None, True), ("a", None, False), (None, 1, False)):
        data = packed({"v": 1, "log": log, "first": 1, "last": 1, "events": [event(number)]}, deflate=True)
        if is_right:
            assert events_of(data)["events"]
        else:
            with pytest.raises(PayloadError):
                events_of(data)


@pytest.mark.parametrize("deflate", [True, False])
def test_half_a_surrogate_that_comes_is_refused(deflate: bool) -> None:
    text = '{"a":["\\ud800"]}'
    with pytest.raises(PayloadError, match="characters"):
        opened(zlib.compress(text.encode()) if deflate else text.encode())


@pytest.mark.parametrize("data", [b'{"a":"\xed\xa0\x80"}', '{"a":"\\ud800"}'.encode("utf-16-le"), b"{\xff}"])
def test_what_is_no_utf_8_is_refused(data: bytes) -> None:
    with pytest.raises(PayloadError):
        opened(data)
    with pytest.raises(PayloadError):
        opened(zlib.compress(data))


def test_a_message_that_does_not_say_of_which_log_it_is_is_none() -> None:
    found = absent((None, 0, 0), "")
    status_of(packed(found, deflate=False))
    del found["log"]  # type: ignore[misc] # that is what is tried
    with pytest.raises(PayloadError):
        status_of(packed(found, deflate=False))
    with pytest.raises(PayloadError):
        events_of(packed({"v": 1, "first": 1, "last": 0, "events": []}, deflate=False))


def test_half_a_surrogate_is_no_reason_to_send_nothing() -> None:
    assert opened(packed({"text": "\ud800"}, deflate=False)) == {"text": "?"}


def test_each_message_has_its_shape() -> None:
    assert set(payloads.MESSAGES) == {"online", "status", "events", "resend", "do", "done"}
