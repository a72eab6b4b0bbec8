"""What `--for` and `--on-behalf` take, and what the service takes of it."""

from argparse import ArgumentTypeError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagman.api import params
from wagman.cli import main
from wagman.cli.actions import lasting
from wagman.cli.outcome import USAGE
from wagman.config import durations
from wagman.model.asked import MAX_FOR_S, MAX_NAME_CHARS


@given(st.integers(min_value=100, max_value=MAX_FOR_S * 1000))
def test_a_time_as_it_is_shown_is_taken_and_means_the_same(milliseconds: int) -> None:
    for_s = milliseconds / 1000
    assert lasting(durations.show(for_s)) == pytest.approx(for_s, abs=1e-6)
    assert params.FOR_S.read(for_s) == for_s


@given(st.integers(min_value=1, max_value=MAX_FOR_S))
def test_a_bare_number_is_seconds(seconds: int) -> None:
    assert lasting(str(seconds)) == seconds


@given(st.text() | st.text(alphabet="0123456789.dhmins -"))
def test_whatever_is_typed_is_a_time_or_refused_in_words(text: str) -> None:
    said, for_s = "", 1.0
    try:
        for_s = lasting(text)
    except ArgumentTypeError as error:
        said = str(error)
    assert 0 < for_s <= MAX_FOR_S
    assert not said or "write 10min, 2h" in said or "366 d is the longest" in said


@given(st.none() | st.booleans() | st.text() | st.floats(max_value=0) | st.floats(min_value=MAX_FOR_S, exclude_min=True))
def test_what_is_no_time_is_refused_by_the_service(value: object) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        params.FOR_S.read(value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("stop gn --for 400d", "--for: '400d' is too long: 366 d is the longest"),
        ("maintenance gn --for 31622401", "--for: '31622401' is too long: 366 d is the longest"),
        ("start gn --on-behalf ", "--on-behalf: '' is no name: write 1 to 64 printable characters"),
        (f"start gn --on-behalf {'x' * (MAX_NAME_CHARS + 1)}", "xx' is no name"),
        ("start gn --on-behalf \x1b[2J", "is no name"),
    ],
)
def test_what_the_service_would_refuse_makes_no_sense_as_a_command_line(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words.split(" "), "--socket", "/nowhere"]) == USAGE
    assert said in capsys.readouterr().err
