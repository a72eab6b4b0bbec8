"""One seed, one history: whatever the process, its hash seed, and the directory that the files are in."""

import json
import subprocess
import sys

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.node import node, run
from wagman.simulation.play import Scenario, play
from wagman.simulation.profiles import PROFILES, make_script

COMMAND = [sys.executable, "-m", "wagman", "simulate", "--days", "0.02", "--seed", "7", "--json"]


def digest(hash_seed: str) -> str:
    done = subprocess.run(COMMAND, env={"PYTHONHASHSEED": hash_seed}, capture_output=True, check=True)
    return str(json.loads(done.stdout)["log_sha256"])


def test_processes_with_different_hash_seeds_live_the_same_history() -> None:
    assert digest("1") == digest("2")


@pytest.mark.parametrize("profile", ["everything", "service"])
def test_a_seed_gives_the_same_events_in_the_same_order_twice(profile: str) -> None:
    def history() -> str:
        return play(Scenario(3, node(), make_script(node(), PROFILES[profile], 3, 3600))).log_sha256

    assert history() == history()


def test_the_directory_of_a_run_is_no_part_of_its_history() -> None:
    script = "1 min; config broken; service kill; disk truncated 50; service start; 1 min"
    assert run(script).log_sha256 == run(script).log_sha256


def test_another_seed_gives_another_history() -> None:
    script = "cable late 2; 10 min"
    assert run(script, seed=1).log_sha256 != run(script, seed=2).log_sha256


@given(seed=st.integers(0, 2**32))
@settings(max_examples=5, deadline=None)
def test_a_run_leaves_nothing_behind_that_changes_the_next(seed: int) -> None:
    first = run("5 min; gn: stop; 2 min", seed=seed)
    run("3 min; service crash wagman; board reset; 2 min", seed=seed + 1)
    assert run("5 min; gn: stop; 2 min", seed=seed) == first


def test_the_switch_for_tests_is_put_back() -> None:
    core = trio._core._run
    before = core._ALLOW_DETERMINISTIC_SCHEDULING, core._r.getstate()
    run("1 min")
    assert (core._ALLOW_DETERMINISTIC_SCHEDULING, core._r.getstate()) == before
