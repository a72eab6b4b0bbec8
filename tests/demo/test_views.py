"""The two ways to show the demonstration."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from wagman.config.load import loads
from wagman.demo import show
from wagman.demo.lines import Lines, line_of
from wagman.demo.settings import config_text, deviations, seconds
from wagman.demo.table import LiveTable, cells, headline

ROW: dict[str, Any] = {
    "name": "gn",
    "state": "started",
    "reason": "its turn",
    "power": {"wanted": "on", "confirmed": False},
    "media": "sd",
    "attempts": 3,
    "heartbeat_age_s": 7.6,
    "alarms": [{"name": "heartbeat", "in_s": 0, "held": True}, {"name": "stable", "in_s": 5, "held": False}],
}
STATUS: dict[str, Any] = {
    "board": {"link": "up", "blind": False, "sensors": {"temperature_c": {"value": 23.4, "state": "normal"}}},
    "wagman": {"state": "start_next_device"},
    "devices": [ROW],
}
EVENT: dict[str, Any] = {"mono_s": 3725.4, "type": "device.starting", "device": "gn", "fields": {"attempt": 2, "media": "emmc"}}


def test_an_event_is_one_line_with_its_time_and_what_happened() -> None:
    assert line_of(EVENT) == "1:02:05  gn began to start, second attempt, from emmc"


def test_a_long_sentence_is_broken_into_lines() -> None:
    stream = io.StringIO()
    Lines(stream).say("word " * 60)
    lines = stream.getvalue().splitlines()
    assert len(lines) > 1
    assert lines[0].startswith("-- word")
    assert all(line.startswith("   word") for line in lines[1:])
    assert max(map(len, lines)) <= 110


def test_a_row_shows_what_is_not_confirmed_and_what_is_held() -> None:
    assert cells(ROW) == ["gn", "started", "its turn", "on (unconfirmed)", "sd", "3", "8 s ago", "heartbeat held"]


def test_a_row_says_nothing_of_what_is_not_known() -> None:
    row = {**ROW, "reason": "", "media": None, "heartbeat_age_s": None, "alarms": []}
    assert cells(row) == ["gn", "started", "", "on (unconfirmed)", "", "3", "", ""]


def test_the_headline_says_that_the_board_cannot_be_seen_and_what_nobody_knows() -> None:
    blind = {"link": "down", "blind": True, "sensors": {"temperature_c": {"value": None, "state": "unknown"}}}
    text = headline({**STATUS, "board": blind})
    assert text.plain == "board link down   enclosure ?, unknown   wagman start_next_device"
    assert text.style == "red"
    assert headline({**STATUS, "board": {**blind, "link": "up"}}).plain.startswith("board not answering   enclosure ?")


def test_the_live_table_shows_the_guests_above_the_latest_events_and_keeps_the_story() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120, height=40)
    with LiveTable(console) as table:
        table.event(EVENT)
        table.status(STATUS)
        table.say("The cable is pulled.")
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for text in ("heartbeat held", "gn began to start", "23 °C", "The cable is pulled."):
        assert text in shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_rich_a_terminal_gets_lines_and_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(show, "find_spec", lambda name: None)
    with show.chosen_view() as view:
        assert isinstance(view, Lines)
    assert "`pip install rich`" in terminal.getvalue()


def test_with_rich_a_terminal_gets_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    with show.chosen_view() as view:
        assert isinstance(view, LiveTable)


def test_each_deviation_is_told_with_the_default() -> None:
    told = list(deviations())
    assert 'heartbeat_timeout = "1min" (default "5min")' in told
    assert "allowed_attempts = 2 (default 3)" in told
    assert seconds("heartbeat_timeout") == 60


def test_the_configuration_is_one_that_the_service_takes(tmp_path: Path) -> None:
    config = loads(config_text(tmp_path, "v3"), "demo")
    assert [guest.name for guest in config.guests] == ["gn", "cs", "x1"]
