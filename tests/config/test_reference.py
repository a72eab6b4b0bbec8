"""The reference page is made from the classes, and says all of them."""

import sys
from pathlib import Path

import pytest

from wagman.config import reference
from wagman.config.reference import SECTIONS
from wagman.config.schema import Bounds, DeviceConfig, settings


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "configuration.md"
    monkeypatch.setattr(reference, "PAGE", path)
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["reference", *arguments])
    return reference.main()


def test_every_key_has_its_row() -> None:
    rows = {line.split("|")[1].strip(" `") for line in reference.page().splitlines() if line.startswith("| `")}
    classes = [*(section for _, section, _ in SECTIONS), Bounds, DeviceConfig]
    assert rows == {key for section in classes for key in settings(section)}


def test_a_page_that_was_just_written_is_not_stale(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch) == 0
    assert run(monkeypatch, "--check") == 0
    assert page.read_text(encoding="utf-8") == reference.page()


@pytest.mark.parametrize("content", [None, "something else\n"])
def test_a_missing_or_changed_page_is_stale(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    if content is not None:
        page.write_text(content, encoding="utf-8")
    assert run(monkeypatch, "--check") == 1
    assert capsys.readouterr().err == "configuration.md is stale: run python -m wagman.config.reference\n"


def test_defaults_are_shown_as_one_would_write_them() -> None:
    rows = reference.page().splitlines()
    for start in (
        "| `port` | *required* | a whole number from 0 to 4 |",
        '| `start_timeout` | `"2min"` (seed) | [a duration](#durations) |',
        "| `heartbeat` | `true` (chosen) | true or false |",
        "| `shutdown` | none |",
    ):
        assert any(row.startswith(start) for row in rows), start
