import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagman.config import durations


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (90, 90.0),
        (0.5, 0.5),
        ("90s", 90.0),
        ("10min", 600.0),
        ("1h30min", 5400.0),
        ("500ms", 0.5),
        ("2d", 172_800.0),
        ("1.5h", 5400.0),
        ("1d2h3min4s5ms", 93_784.005),
        ("0.1s", 0.1),
        ("100ms", 0.1),
        ("0h90s", 90.0),
        (0.1, 0.1),
        ("36500d", 3_153_600_000.0),
    ],
)
def test_a_duration_is_a_number_of_seconds_or_numbers_with_units(written: object, seconds: float) -> None:
    assert durations.parse(written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        *(True, False, None, math.nan, math.inf, -math.inf, -1, -0.5, 0, 0.0999, 10**400, 3_153_600_001, 1e25, [], {}),
        *("", "90", "s", "-1s", "+1s", "1 s", " 1s", "1s ", "1s\n", "1m", "1sec", "1S", "1e3s", ".5s", "1.s", "1_0s"),
        *("30min1h", "1s1s", "1,5h", "nan", "infs", "99ms", "٣s", "9" * 400 + "d", "36500d1ms"),
    ],
)
def test_what_is_no_duration_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="a duration from"):
        durations.parse(written)


@pytest.mark.parametrize(("text", "seconds"), [("30", 30.0), ("90s", 90.0), ("1h30min", 5400.0)])
def test_at_a_command_a_number_alone_is_seconds(text: str, seconds: float) -> None:
    assert durations.typed(text) == seconds


@pytest.mark.parametrize("text", ["0", "-1", "1.5.1", "\u0663", "soon", ""])
def test_what_is_no_duration_at_a_command_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a number of seconds"):
        durations.typed(text)


@given(st.integers(min_value=100, max_value=3_153_600_000_000))
def test_what_is_shown_reads_back_to_the_millisecond(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert durations.parse(durations.show(seconds)) == seconds


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0s"), (0.1, "100ms"), (59.9, "59s900ms"), (60, "1min"), (3600, "1h"), (90_061.001, "1d1h1min1s1ms")],
)
def test_a_duration_is_shown_in_the_longest_units_that_fit(seconds: float, shown: str) -> None:
    assert durations.show(seconds) == shown


@given(st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.text(alphabet="0123456789.dhmins ")))
def test_whatever_is_read_is_a_usable_number_of_seconds(written: object) -> None:
    try:
        seconds = durations.parse(written)
    except ValueError:
        return
    assert 0.1 <= seconds <= durations.MOST_S


@pytest.mark.parametrize(("one_s", "other_s", "shorter"), [(0.3, 3 * 0.1, False), (30, 30, False), (29.999, 30, True)])
def test_the_noise_of_binary_fractions_makes_nothing_shorter(one_s: float, other_s: float, shorter: bool) -> None:
    assert durations.is_shorter(one_s, other_s) is shorter
