"""What is measured of the guests, from what can be seen of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.figures import Comparison, Figure
from benchmarks.outcome.faults import A_DAY, script
from benchmarks.outcome.governed import Trial, run
from benchmarks.outcome.measuring import Measuring, Result
from benchmarks.outcome.policies import Alone
from benchmarks.outcome.sites import MAST, NODE, SITES, Site
from benchmarks.outcome.table import all_runs, measure
from benchmarks.scale import Scale
from wagman.fake.hardware import By
from wagman.model.facts import Plug
from wagman.simulation.profiles import befalls
from wagman.simulation.records import Messaged, RelayMoved
from wagman.simulation.script import Act, parse, render

CONFIG = Site("here", MAST).config
AI = next(each.plug for each in CONFIG.guests if each.name == "ai")


def cut(guest: str, by: By = "command", plug: Plug = AI) -> RelayMoved:
    return RelayMoved(60.0, plug, on=False, by=by, guest=guest, silent_s=0.0)


def started() -> RelayMoved:
    return RelayMoved(30.0, AI, on=True, by="command", guest="off", silent_s=0.0)


def seen(*records: RelayMoved | Messaged) -> Result:
    measuring = Measuring(CONFIG.guests, 0.0, 0.0)
    for record in records:
        measuring(record)
    return measuring.result(100.0)


@pytest.mark.parametrize(
    ("guest", "hard"), [("running", 1), ("booting", 1), ("hung", 0), ("halting", 0), ("halted", 0), ("dead", 0), ("off", 0)]
)
def test_a_hard_cut_is_one_of_a_guest_that_is_at_work(guest: str, hard: int) -> None:
    result = seen(cut(guest))
    assert (result.cycles, result.hard_cuts) == (1, hard)


def test_a_guest_that_was_asked_to_halt_is_not_cut_hard() -> None:
    assert seen(started(), Messaged(40.0, "ai", "halt"), cut("running")).hard_cuts == 0


def test_what_it_was_asked_before_it_got_its_power_does_not_count() -> None:
    assert seen(Messaged(10.0, "ai", "halt"), started(), cut("running")).hard_cuts == 1


def test_that_another_one_was_asked_does_not_count() -> None:
    assert seen(Messaged(10.0, "nas", "halt"), cut("running")).hard_cuts == 1


@pytest.mark.parametrize(("by", "cycles"), [("command", 1), ("board", 1), ("reset", 0), ("powercycle", 0), ("fault", 0)])
def test_what_a_fault_does_is_nobodys_decision(by: By, cycles: int) -> None:
    result = seen(cut("running", by))
    assert (result.cycles, result.hard_cuts) == (cycles, cycles)


def test_outlets_without_a_guest_do_not_count() -> None:
    assert seen(cut("running", plug=Plug("rail", "3"))).cycles == 0


def alone(story: str, from_s: float, quiet_s: float, site: str = MAST) -> Result:
    config = Site("here", site).config
    return run(Trial(config, Alone("nothing"), 1, parse(story)), Measuring(config.guests, from_s, quiet_s))


def test_up_is_the_part_of_the_hours_in_which_the_guests_run() -> None:
    assert alone("10 min; guest ai hang; 10 min", 600, 1200).up == pytest.approx(1 - 1 / 3, abs=0.02)


def test_what_was_before_does_not_count() -> None:
    assert alone("10 min", 300, 600).up == 1.0  # the boots are over


def test_a_hang_lasts_until_the_guest_runs_again() -> None:
    result = alone("10 min; guest ai hang; 5 min; guest ai revive; 5 min", 300, 600)
    assert result.hangs_s == pytest.approx([300], abs=11)


def test_a_hang_that_nobody_ends_lasts_to_the_end() -> None:
    assert alone("10 min; guest ai panic; 5 min", 300, 600).hangs_s == pytest.approx([300], abs=11)


def test_dead_hours_are_those_after_the_last_fault() -> None:
    result = alone("10 min; guest ai hang; 1 h; all well; 2 h", 300, 600 + 3600)
    assert result.dead_h == pytest.approx(2.0, abs=0.01)


# --- What happens -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
def test_every_story_that_fits_a_site_happens_there_sooner_or_later(site: Site) -> None:
    told = "; ".join(render(script(site.config, seed, 5.0)) for seed in range(10))
    words = ["hang", "panic", "halt", "beat=0", "flap=", "boot=", "good=", "network out"]
    words += ["fault weld", "fault hangs on", "restart"] if "rail" in site.text else ["relay", "cable out", "reset"]
    assert [word for word in words if word not in told] == []


def test_all_stories_fit_one_of_the_sites() -> None:
    assert [tale for tale in A_DAY if not any(befalls(tale, site.config) for site in SITES)] == []


def test_faults_end_before_the_quiet_begins() -> None:
    *_, well, quiet = script(CONFIG, 1, 1.0)
    assert well == Act("all well")
    assert str(quiet) == "10800 s"


# --- The tables -------------------------------------------------------------------------------------------------------

TINY = Scale(outcome_days=0.1, seeds=1)


def test_every_site_is_run_under_every_policy_with_every_seed_and_wagman_first() -> None:
    runs = all_runs(3, 1.0)
    assert len(set(runs)) == len(runs) == 2 * 5 * 3
    assert {each.policy for each in runs[:6]} == {4}


ROOT = Path(__file__).parents[2]

SAME = "from tests.outcome.test_measuring import TINY; from benchmarks.outcome import measure; print(*map(str, measure(TINY)))"


def test_the_same_seeds_make_the_same_tables_to_the_digit_in_any_process() -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    other = subprocess.run([sys.executable, "-c", SAME], env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    assert other.stdout == f"{' '.join(map(str, measure(TINY)))}\n"


def test_a_comparison_has_a_row_for_each_that_is_compared() -> None:
    figures = [Figure("a: up", 99.123, "%"), Figure("a: cuts", 3, ""), Figure("b: up", 50, "%"), Figure("b: cuts", 0, "")]
    assert Comparison("Who", figures, "Why.").markdown().splitlines() == [
        "## Who",
        "",
        "Why.",
        "",
        "| | up | cuts |",
        "|---|---|---|",
        "| a | 99.1 % | 3 |",
        "| b | 50 % | 0 |",
    ]


def test_a_wagmans_guests_come_up_by_themselves() -> None:
    assert alone("20 min", 900, 1200, NODE).up == 1.0
