"""An event that is told by what differs from the one before it comes back as it was; whatever cannot be told so is in full."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fleet_mix import mix
from tests.bridges.fleet.kit import event
from wagman.bridges.fleet.payloads import PayloadError, events_of, packed, written
from wagman.bridges.fleet.shorthand import Shorthand, in_full
from wagman.bridges.fleet.uplink import MOST_BATCH_BYTES, Uplink
from wagman.client.following import Happened, Place

WORDS = st.text(max_size=5)
TIMES = st.datetimes().map(lambda at: f"{at.isoformat(timespec='milliseconds')}Z") | WORDS
MONO = st.floats(0, 1e9).map(lambda seconds: round(seconds, 3)) | st.floats(allow_nan=False, allow_infinity=False)
EVENTS = st.fixed_dictionaries(
    {
        "id": st.integers(1, 9) | st.integers(1, 2**62),
        "time": TIMES,
        "boot_id": st.sampled_from(("one", "two")),
        "mono_s": MONO,
        "type": WORDS,
        "device": st.none() | WORDS,
        "cause": st.none() | st.integers(1, 2**62),
        "fields": st.dictionaries(WORDS, st.integers() | WORDS, max_size=2),
    },
    optional={"clock": st.just("unset")},
)


def successive(events: list[Any]) -> list[Any]:
    """Mostly, as in a log."""
    return [{**each, "id": number} if each["id"] < 10 else each for number, each in enumerate(events, 5)]


def entries(events: list[Any]) -> list[Any]:
    shorthand = Shorthand()
    return [json.loads(written(shorthand.entry(each))) for each in events]


@given(st.lists(EVENTS, max_size=6).map(successive))
def test_each_event_comes_back_as_it_was(events: list[Any]) -> None:
    assert in_full(entries(events)) == events


@given(st.lists(st.recursive(st.none() | st.booleans() | st.integers() | WORDS, st.lists, max_leaves=8) | EVENTS, max_size=6))
def test_whatever_comes_is_read_or_refused(found: list[Any]) -> None:
    message = {"v": 1, "log": "a", "first": 1, "last": 9, "events": found}
    try:
        read = events_of(packed(message, deflate=False))["events"]
    except PayloadError:
        return
    assert all(isinstance(each, dict) for each in read)


def test_the_first_of_a_message_is_in_full_and_what_follows_is_short() -> None:
    first, *rest = entries([event(number) for number in range(7, 10)])
    assert first["id"] == 7
    assert rest == [["device.started", "gn", None, 0, {"log": ""}, 1000], ["device.started", "gn", None, 0, {"log": ""}, 1000]]


@pytest.mark.parametrize(
    "wrong", [[[]], [["a", None, None, 0, {}]], [{}, ["a", None, None, 0, {}]], [1, ["a", None, None, 0, {}]]]
)
def test_a_short_one_with_nothing_before_it_is_none(wrong: list[Any]) -> None:
    with pytest.raises(ValueError, match="no event to tell it by"):
        in_full(wrong)


@pytest.mark.parametrize(
    "entry", [["a", None, None, True, {}], ["a", None, 1.5, 0, {}], ["a", None, None, 10**17, {}], ["a"], [1] * 7]
)
def test_one_that_says_nonsense_is_refused(entry: list[Any]) -> None:
    message = {"v": 1, "log": "a", "first": 1, "last": 2, "events": [event(1), entry]}
    with pytest.raises(PayloadError):
        events_of(packed(message, deflate=True))


def test_a_message_that_would_be_too_long_ends_before_the_event_and_the_next_begins_in_full() -> None:
    uplink = Uplink(Place("log-1", 0), batch=1000)
    sent = []
    for number in range(1, 9):
        uplink.take(Happened(event(number, text="x" * (MOST_BATCH_BYTES // 3)), "log-1"))
        while (message := uplink.next()) is not None:
            sent.append(message.payload)
    sent.append(uplink.next(is_due=True).payload)  # type: ignore[union-attr]
    batches = [[each["id"] for each in events_of(payload)["events"]] for payload in sent]
    assert batches == [[1, 2], [3, 4], [5, 6], [7, 8]]


def test_an_event_of_the_real_mix_is_sixteen_bytes_at_most() -> None:
    events = mix(6)
    assert len(events) > 400
    uplink, size = Uplink(Place("log-1", 0)), 0
    for each in events:
        uplink.take(Happened(each, "log-1"))
        while (message := uplink.next()) is not None:
            size += len(message.payload)
            uplink.acknowledged(message.number)
    size += len(uplink.next(is_due=True).payload)  # type: ignore[union-attr]
    assert size / len(events) <= 16
