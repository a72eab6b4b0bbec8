import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.store.kit import record
from wagman.store.event import MAX_FIELDS_BYTES, Ref, clean, clock_floor, encode_fields, rfc3339

SCALARS = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text() | st.binary()
VALUES = st.recursive(SCALARS, lambda each: st.lists(each) | st.dictionaries(st.text(), each) | st.tuples(each), max_leaves=30)
HEAVY = st.integers(1, 30_000).map(lambda size: "x" * size)


@given(st.dictionaries(st.text(), VALUES | HEAVY))
def test_whatever_the_fields_hold_they_become_bounded_ascii_json(fields: Any) -> None:
    text = encode_fields(fields)
    assert len(text) <= MAX_FIELDS_BYTES
    assert text.isascii()
    assert isinstance(json.loads(text), dict)


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text(), max_size=5))
def test_fields_that_fit_come_back_as_they_were(fields: Any) -> None:
    text = encode_fields(fields)
    assert "truncated" in json.loads(text) or json.loads(text) == fields


def test_of_fields_that_are_too_large_the_small_ones_and_the_head_of_the_long_one_are_kept() -> None:
    fields = json.loads(encode_fields({"reason": "silence", "log": "x" * 100_000, "attempt": 3}))
    assert fields == {"truncated": 100_041, "reason": "silence", "log": "x" * 1024, "attempt": 3}


def test_what_json_has_no_word_for_becomes_text_or_null() -> None:
    fields = json.loads(
        encode_fields({"a": math.nan, "b": b"\xff", "c": {"z", "y"}, "d": "\udcff", "e": datetime(2026, 1, 1, tzinfo=UTC)})
    )
    assert fields == {"a": None, "b": "b'\\xff'", "c": ["y", "z"], "d": "\\udcff", "e": "2026-01-01 00:00:00+00:00"}


def test_fields_that_contain_themselves_end() -> None:
    knot: dict[str, object] = {}
    knot["again"] = knot
    assert len(encode_fields(knot)) <= MAX_FIELDS_BYTES


def test_names_are_bounded_and_can_be_written() -> None:
    assert clean("x" * 1000) == "x" * 128
    assert clean("\udcff").encode() == b"\\udcff"


def test_the_object_of_an_event_in_the_log_has_the_keys_of_the_contract() -> None:
    event = record(7, '{"attempt":1}', cause=3)
    assert event.as_json() == {
        "id": 7,
        "time": "2026-06-01T12:00:00.000Z",
        "boot_id": "boot",
        "mono_s": 0.875,
        "type": "device.started",
        "device": "gn",
        "cause": 3,
        "fields": {"attempt": 1},
    }


def test_a_provisional_event_says_so() -> None:
    shown = record(1, id=None).as_json()
    assert (shown["id"], shown["durable"]) == (None, False)


def test_an_event_of_an_unset_clock_says_so() -> None:
    assert record(1, clock_set=False).as_json()["clock"] == "unset"


@given(st.text() | st.sampled_from(["[]", "1", '{"a":1']))
def test_fields_that_are_damaged_on_the_disk_do_not_cost_the_event(stored: str) -> None:
    event = record(1, stored)
    assert event.id == 1
    json.dumps(event.as_json())


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9999, 12, 30)), st.integers(-14, 14))  # noqa: DTZ001
def test_times_are_utc_and_sort_as_text(moment: datetime, offset: int) -> None:
    local = moment.replace(tzinfo=timezone(timedelta(hours=offset)))
    text = rfc3339(local)
    assert len(text) == len("2026-06-01T12:00:00.000Z")
    assert abs(datetime.fromisoformat(text) - local) < timedelta(milliseconds=1)


def test_no_clock_that_is_right_is_earlier_than_the_installation() -> None:
    assert datetime(2024, 1, 1, tzinfo=UTC) <= clock_floor() <= datetime.now(UTC)


def test_a_ref_means_an_id_in_its_own_log_only() -> None:
    ref = Ref(5, "a")
    assert (ref.within("a"), ref.within("b"), Ref().within("a")) == (5, None, None)
