"""The service's log lines."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import TextIO

import pytest

from wagman.logs import complain, event_logger, is_journal
from wagman.store import Event


def event(type_: str) -> Event:
    return Event(7, "2026-11-22T00:00:00.000Z", "boot", 1.5, type_, "gn", 3, {"reason": "its\nturn"})


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[TextIO, int]]:
    """A stream that leads to the journal, and where its lines come out."""
    reading, writing = os.pipe()
    found = os.fstat(writing)
    monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
    with os.fdopen(writing, "w") as stream:
        yield stream, reading
    os.close(reading)


def test_a_line_for_the_journal_begins_with_its_priority(pipe: tuple[TextIO, int]) -> None:
    stream, end = pipe
    write = event_logger(stream)
    write(event("device.started"))
    write(event("device.start_failed"))
    stream.flush()
    lines = os.read(end, 10_000).decode().splitlines()
    assert [line[:3] for line in lines] == ["<6>", "<4>"]
    assert [json.loads(line[3:])["type"] for line in lines] == ["device.started", "device.start_failed"]
    assert json.loads(lines[0][3:])["fields"] == {"reason": "its\nturn"}


@pytest.mark.parametrize("type_", ["service.task_stuck", "service.config_refused", "controller.unfed", "controller.going_down"])
def test_what_calls_for_attention_is_a_warning(pipe: tuple[TextIO, int], type_: str) -> None:
    stream, end = pipe
    event_logger(stream)(event(type_))
    stream.flush()
    assert os.read(end, 10_000).startswith(b"<4>")


def test_elsewhere_a_line_is_json_and_nothing_else() -> None:
    stream = io.StringIO()
    event_logger(stream)(event("device.start_failed"))
    assert json.loads(stream.getvalue())["id"] == 7


def test_a_person_is_shown_no_ids_of_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    event_logger(stream)(event("device.start_failed"))
    assert "device.start_failed" in stream.getvalue()
    assert "gn" in stream.getvalue()
    assert "boot" not in stream.getvalue()


def test_only_a_terminal_pays_for_what_makes_lines_pretty() -> None:
    script = "import sys, wagman.daemon, wagman.logs; wagman.logs.standard_logger(); print('structlog' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert said.stdout == "False\n"


def test_a_journal_is_known_by_its_device_and_inode(pipe: tuple[TextIO, int], monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_journal(pipe[0])
    assert not is_journal(io.StringIO())
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    assert not is_journal(pipe[0])
    monkeypatch.delenv("JOURNAL_STREAM")
    assert not is_journal(pipe[0])


def test_why_the_service_ends_is_an_error_on_each_of_its_lines(pipe: tuple[TextIO, int], monkeypatch: pytest.MonkeyPatch) -> None:
    stream, end = pipe
    monkeypatch.setattr(sys, "stderr", stream)
    complain("one\ntwo")
    stream.flush()
    assert os.read(end, 10_000) == b"<3>wagman: one\n<3>wagman: two\n"


def test_by_hand_it_is_said_without_marks(capsys: pytest.CaptureFixture[str]) -> None:
    complain("one")
    assert capsys.readouterr().err == "wagman: one\n"
