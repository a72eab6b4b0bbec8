"""Whatever runs on this machine, the doctor sees none of it."""

import os
from pathlib import Path

import pytest

from tests.cli.doctor.kit import Node
from wagman.doctor import under, unit


@pytest.fixture(autouse=True)
def no_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever runs on this machine."""
    monkeypatch.setattr(unit, "SYSTEMD", tmp_path / "no-systemd")
    monkeypatch.setattr(under, "account_of", lambda _: None)


@pytest.fixture
def node(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Node:
    for place in (tmp_path, *tmp_path.parents):
        if place.stat().st_uid == os.geteuid() and place != Path("/"):
            place.chmod(place.stat().st_mode | 0o755)
    return Node(tmp_path, capsys)
