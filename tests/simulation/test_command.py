"""`wagman simulate`: what it prints, what it ends with."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from wagman.cli import main
from wagman.fsm.guest import State
from wagman.simulation.script import parse


def simulate(*words: str) -> int:
    return main(["simulate", *words])


def test_a_run_in_which_every_promise_held_ends_with_0_and_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate("--days", "0.02", "--seed", "5", "--faults", "cable") == 0
    told = capsys.readouterr().out
    assert "every promise held" in told
    assert all(name in told for name in ("gn", "cs", "x1", "x2", "log sha256"))


def test_as_json_it_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate("--days", "0.02", "--seed", "5", "--faults", "none", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["violation"] is None
    assert len(document["log_sha256"]) == 64
    assert document["devices"]["gn"]["availability"] > 0.8
    assert document["events"]["device.started"] == 4


def test_a_timeline_that_cannot_be_written_is_told_before_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "gone" / "timeline.svg"
    assert simulate("--days", "1", "--timeline", str(place)) == 2
    assert capsys.readouterr().err == f"wagman: [Errno 2] No such file or directory: '{place}'\n"


def test_the_timeline_is_a_picture(tmp_path: Path) -> None:
    picture = tmp_path / "run.svg"
    assert simulate("--days", "0.02", "--faults", "service", "--timeline", str(picture)) == 0
    assert ET.parse(picture).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_a_broken_promise_ends_with_1_the_shortest_trace_and_the_command_that_does_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(State, "on_kill", lambda self, now: self.stay(now.remember(wanted="up")).accept("as you like"))
    story = tmp_path / "story"
    story.write_text("10 min; cable late 1; cable late 0; gn: kill; 5 min; board fault drop 1; all well; settled")
    assert simulate("--script", str(story), "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert document["violation"]["promise"] == 4
    assert [str(item) for item in parse(document["violation"]["trace"]) if not str(item).endswith(" s")] == [
        "gn: kill",
        "settled",
    ]
    assert str(story) in document["replay"]


@pytest.mark.parametrize(
    "words", [["--faults", "nonsense"], ["--config", "/nowhere/wagman.toml"], ["--script", "/nowhere/story"]], ids=lambda w: w[0]
)
def test_a_request_that_makes_no_sense_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(*words) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_on_a_terminal_it_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert simulate("--days", "0.02", "--faults", "none") == 0
    said = capsys.readouterr().err.split("\r\x1b[K")
    assert any("100%" in words for words in said)
    assert said[-1] == ""
