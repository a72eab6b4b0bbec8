"""Rates, quiet hours, and which events are told."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.bridges.notify.events import at
from wagman.bridges.notify.rules import DAY_S, EVENTS, QUIET, RATE, Moment, Quiet, Rate, Rules

MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minutes: 60.0 * minutes)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("12/h", Rate(12, 3600)), ("3/10min", Rate(3, 600)), ("1/d", Rate(1, 86_400)), ("1000/1h30min", Rate(1000, 5400))],
)
def test_a_rate_is_a_number_and_a_time(text: str, rate: Rate) -> None:
    assert RATE.read(text) == rate
    assert RATE.read(RATE.show(rate).strip('"')) == rate


@pytest.mark.parametrize("text", ["", "12", "0/h", "1001/h", "12/", "/h", "12/week", "-1/h", "1.5/h", 12, None, "12/h/h", "٣/h"])
def test_what_is_no_rate_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        RATE.read(text)


def test_a_fifth_is_kept_for_what_is_critical() -> None:
    assert [Rate(most, 60).reserve for most in (1, 2, 5, 12, 1000)] == [0, 1, 1, 2, 200]


@pytest.mark.parametrize(
    "text", ["22:00", "22:00-", "24:00-07:00", "22:60-07:00", "9:00-10:00", "22:00-22:00", "22:00-07:00 ", 22, None]
)
def test_what_are_no_hours_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        QUIET.read(text)


@given(MINUTES, MINUTES)
def test_hours_read_as_they_are_shown(from_s: float, to_s: float) -> None:
    assume(from_s != to_s)
    assert QUIET.read(QUIET.show(Quiet(from_s, to_s)).strip('"')) == Quiet(from_s, to_s)
    assert QUIET.read("") is None
    assert QUIET.show(None) == '""'


@given(MINUTES, MINUTES, st.floats(0, DAY_S, exclude_max=True))
def test_quiet_hours_hold_from_one_time_of_day_to_the_other_also_over_midnight(from_s: float, to_s: float, now_s: float) -> None:
    holds = from_s <= now_s < to_s if from_s <= to_s else now_s >= from_s or now_s < to_s
    left_s = Quiet(from_s, to_s).left_s(Moment(0, now_s))
    assert (left_s > 0) is holds
    if holds:
        assert (now_s + left_s) % DAY_S == pytest.approx(to_s % DAY_S, abs=1e-6)


def test_hours_that_begin_when_they_end_are_none() -> None:
    assert Quiet(3600, 3600).left_s(at(3600)) == 0


def test_events_are_chosen_by_severity_and_by_name() -> None:
    rules = Rules(least="warning", also=("command", "device.off"), never=("link", "device.start_failed"))
    assert rules.wants("device.started", "warning")
    assert not rules.wants("device.started", "info")
    assert rules.wants("command.start", "info")
    assert rules.wants("device.off", "info")
    assert not rules.wants("device.official", "info")
    assert not rules.wants("link.down", "critical")
    assert not rules.wants("device.start_failed", "critical")
    assert not rules.wants("something.new", "unheard of")


def test_a_list_of_events_is_a_list_of_words() -> None:
    assert EVENTS.read(["link", "device.off"]) == ("link", "device.off")
    assert EVENTS.show(("link",)) == '["link"]'
    with pytest.raises(ValueError, match="list"):
        EVENTS.read("link")
