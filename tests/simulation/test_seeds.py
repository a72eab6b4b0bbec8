"""`wagman simulate --seeds`: many seeds at once, a line for each, and how far it is."""

import json
import os
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from wagman.cli import main
from wagman.simulation import seeds
from wagman.simulation.asked import Asked
from wagman.simulation.cores import cores, spread
from wagman.simulation.promises import Violation
from wagman.simulation.seeds import Done, Tally, Task, simulate


def many(*words: str) -> int:
    return main(["simulate", "--days", "0.01", "--faults", "cable", *words])


@pytest.fixture
def seed_3_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def pretend(task: Task) -> Done:
        broken = Violation(4, 600.0, "gn is down") if task.seed == 3 else None
        return Done(task.seed, task.asked.again(task.seed), 86_400.0, 20.0, "0" * 64, broken)

    monkeypatch.setattr(seeds, "simulate", pretend)


def test_each_seed_has_a_line_and_the_last_line_counts_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert many("--seeds", "4..6", "--jobs", "2") == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert sorted(line.partition(" (")[0] for line in lines) == [f"seed {seed}: every promise held" for seed in (4, 5, 6)]
    assert last.startswith("3 of 3 seeds, 0.")
    assert last.endswith("0 broken")


def test_a_seed_has_the_same_history_alone_and_among_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert many("--seeds", "4..5", "--jobs", "2", "--json") == 0
    among = {each["seed"]: each["log_sha256"] for each in json.loads(capsys.readouterr().out)["seeds"]}
    assert many("--seed", "5", "--json") == 0
    assert among[5] == json.loads(capsys.readouterr().out)["log_sha256"]
    assert among[4] != among[5]


@pytest.mark.usefixtures("seed_3_breaks")
def test_a_seed_that_breaks_ends_it_with_1_and_is_named_with_the_command_that_shows_it_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert many("--site", "plugs", "--seeds", "2..4", "--jobs", "1") == 1
    told = capsys.readouterr().out
    assert "seed 3: promise 4" in told
    assert "gn is down" in told
    assert "again: wagman simulate --days 0.01 --seed 3 --faults cable --site plugs" in told
    assert told.count("again:") == 1
    assert "3 of 3 seeds, 3.0 node-days" in told


@pytest.mark.usefixtures("seed_3_breaks")
def test_as_json_they_are_one_document_in_the_order_of_the_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    assert many("--seeds", "2..4", "--jobs", "1", "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["broken"], document["days"]) == (1, 3.0)
    assert [each["seed"] for each in document["seeds"]] == [2, 3, 4]
    assert [each["violation"] and each["violation"]["promise"] for each in document["seeds"]] == [None, 4, None]
    assert document["seeds"][1]["replay"] == "wagman simulate --days 0.01 --seed 3 --faults cable"


@pytest.mark.parametrize("text", ["7", "7..", "..7", "7..6", "a..b", "-1..3", "1..2..3"])
def test_what_are_no_seeds_is_refused_with_an_example(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert many(f"--seeds={text}") == 2
    assert capsys.readouterr().err == f"wagman: --seeds {text}: write the first and the last one, such as 1..100\n"


def test_one_seed_is_as_good_a_range_as_any(capsys: pytest.CaptureFixture[str]) -> None:
    assert many("--seeds", "5..5", "--jobs", "1") == 0
    assert "1 of 1 seed," in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--faults", "nonsense"], ["--config", "/nowhere/wagman.toml"], ["--timeline", "run.svg"]])
def test_a_request_that_makes_no_sense_is_told_once_and_ends_with_2(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", "--seeds", "1..50", *words]) == 2
    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert told.out == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_jobs_are_a_whole_number_above_0(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert many("--seeds", "1..2", f"--jobs={text}") == 2
    assert "whole number above 0" in capsys.readouterr().err


def test_seed_and_seeds_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert many("--seed", "1", "--seeds", "1..2") == 2
    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.usefixtures("seed_3_breaks")
def test_on_a_terminal_it_says_how_far_it_is_and_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    many("--seeds", "2..4", "--jobs", "1")
    said = capsys.readouterr().err.split("\r\x1b[K")
    assert "0 of 3 seeds" in said
    assert "2 of 3 seeds, 1 broken; about 0 s to go" in said
    assert said[-1] == ""


@pytest.mark.usefixtures("seed_3_breaks")
def test_elsewhere_it_says_nothing_but_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    many("--seeds", "2..4", "--jobs", "1")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("now_s", "text"), [(160.0, "about 60 s to go"), (1300.0, "about 20 min to go")])
def test_what_is_left_is_reckoned_from_what_the_others_took(now_s: float, text: str) -> None:
    tally = Tally(4, 100.0, done=2)
    assert tally.outlook(now_s) == f"2 of 4 seeds, 0 broken; {text}"


def test_of_a_node_that_is_configured_the_command_names_the_file() -> None:
    asked = Asked(2.0, config="/etc/my node.toml", script="story.txt")
    assert asked.again(9) == "wagman simulate --days 2 --seed 9 --config '/etc/my node.toml' --script story.txt"


# --- Processes --------------------------------------------------------------------------------------------------------


def _pid(_item: int) -> int:
    return os.getpid()


def _dies(_item: int) -> int:
    os._exit(9)


def _fails(item: int) -> int:
    raise ValueError(f"a defect with {item}")


def test_one_process_is_this_one() -> None:
    assert set(spread(_pid, range(3), 1)) == {os.getpid()}


def test_several_processes_are_others() -> None:
    pids = set(spread(_pid, range(20), 2))
    assert os.getpid() not in pids
    assert 1 <= len(pids) <= 2


def test_a_process_that_is_killed_is_noticed() -> None:
    with pytest.raises(BrokenProcessPool):
        list(spread(_dies, range(3), 2))


@pytest.mark.parametrize("processes", [1, 2])
def test_what_fails_in_a_process_fails_here(processes: int) -> None:
    with pytest.raises(ValueError, match="a defect with"):
        list(spread(_fails, range(3), processes))


def test_only_the_cores_that_this_process_may_use_count() -> None:
    assert cores() == len(os.sched_getaffinity(0))


def test_what_a_seed_makes_is_known_by_its_own_digest() -> None:
    done = simulate(Task(5, Asked(0.01, "none")))
    assert done.violation is None
    assert len(done.log_sha256) == 64
    assert done.line.startswith("seed 5: every promise held (0.01 days in ")
