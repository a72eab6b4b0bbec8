"""Words for people."""

import os
import pty
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wagman.model.words
from wagman.cli import text
from wagman.cli.problems import problem_lines
from wagman.cli.progress import Progress


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (-1, "0.0 s"),
        (0.44, "0.4 s"),
        (41, "41 s"),
        (60, "1 min"),
        (297, "4 min 57 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (7500, "2 h 5 min"),
        (266_460, "3 d 2 h"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float, words: str) -> None:
    assert wagman.model.words.duration(seconds) == words


@pytest.mark.parametrize(("seconds", "cell"), [(None, "-"), (3.4, "3s"), (297, "4m57s"), (7500, "2h05m"), (266_460, "3d02h")])
def test_durations_in_columns_are_short(seconds: float | None, cell: str) -> None:
    assert text.short(seconds) == cell


@pytest.mark.parametrize(("number", "words"), [(0, "0 guests"), (1, "1 guest"), (2, "2 guests"), (100_000, "100000 guests")])
def test_one_of_them_is_not_several(number: int, words: str) -> None:
    assert wagman.model.words.counted(number, "guest") == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "first"), (10, "tenth"), (11, "11th"), (12, "12th"), (21, "21st"), (22, "22nd"), (103, "103rd"), (111, "111th")],
)
def test_ordinals(number: int, words: str) -> None:
    assert wagman.model.words.ordinal(number) == words


@given(st.text())
def test_nothing_that_a_terminal_would_obey_passes(given_text: str) -> None:
    assert wagman.model.words.plain(given_text).isprintable()


@given(st.floats(0, 1e9))
def test_every_duration_has_words(seconds: float) -> None:
    assert 1 <= len(wagman.model.words.duration(seconds).split()) <= 4
    assert text.short(seconds)


@given(st.lists(st.tuples(st.text("ab", max_size=9), st.text("cd", max_size=9), st.text("ef ", max_size=200)), min_size=1))
def test_a_table_stays_within_80_columns_and_loses_no_word(rows: list[tuple[str, str, str]]) -> None:
    lines = text.table(rows)
    assert max(map(len, lines)) <= 80 or any(len(word) > 40 for row in rows for word in row[2].split())
    assert "".join("".join(lines).split()) == "".join("".join(row).replace(" ", "") for row in rows)


@pytest.mark.parametrize("others", [10, 58, 59, 70], ids=str)
def test_a_table_fits_80_columns_whatever_its_last_column_says(others: int) -> None:
    words = "disabled in the file, relay stuck, cannot be asked to halt, 2 failed, start in 4m57s"
    lines = text.table([("NAME", "NOTES"), ("x" * others, words)])
    assert max(map(len, lines)) <= text.WIDTH
    assert " ".join(" ".join(lines).split()) == f"NAME NOTES {'x' * others} {words}"


def test_what_is_short_stays_beside_its_row() -> None:
    rows = [("x" * 60, "NOTES"), ("y", "locked out")]
    assert text.table(rows) == [f"{'x' * 60}  NOTES", f"{'y'.ljust(60)}  locked out"]


def test_a_line_of_progress_on_a_terminal_that_is_gone_takes_no_command_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        progress = Progress()
        progress.show("waits")
        os.close(leader)
        progress.show("waits for more")
        progress.clear()


# --- Problems ---------------------------------------------------------------------------------------------------------


def test_what_to_do_about_a_problem_stays_in_one_line_so_that_a_command_in_it_can_be_copied() -> None:
    do = "let the service's user open it: ls -lL /dev/waggle_sysmon shows who may; wagman install-service puts the rule in place"
    status: Any = {"problems": [{"severity": "critical", "text": "the board " + "cannot " * 12, "for_s": None, "do": do}]}
    *wrapped, last = problem_lines(status)
    assert (len(wrapped), last) == (2, f"{'':10}do: {do}")
    assert max(map(len, wrapped)) <= text.WIDTH
