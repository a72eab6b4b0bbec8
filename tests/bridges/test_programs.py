"""What the programs on the socket have in common as programs."""

import argparse

import pytest

from wagman.bridges.programs import duration, leaves, say


def test_of_a_group_of_errors_each_is_told_however_deep_it_lies() -> None:
    first, second, third = OSError("one"), ValueError("two"), KeyError("three")
    group = BaseExceptionGroup("all", [first, BaseExceptionGroup("some", [second, BaseExceptionGroup("few", [third])])])
    assert list(leaves(group)) == [first, second, third]
    assert list(leaves(first)) == [first]


def test_a_line_for_the_journal_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("it says \x1b[31m\nmore")
    out = capsys.readouterr().out
    assert (out.count("\n"), out[-1]) == (1, "\n")
    assert "\x1b" not in out


def test_a_time_of_the_command_line_is_in_seconds_or_refused_in_words() -> None:
    assert duration("2min") == 120.0
    with pytest.raises(argparse.ArgumentTypeError, match="'soon' is not"):
        duration("soon")
