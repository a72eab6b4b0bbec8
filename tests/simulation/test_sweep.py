"""Random faults of every profile: each promise holds under them, and everything settles when they end.

A few node-days here; `WAGMAN_SIMULATED_SEEDS=100` makes them twenty.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.simulation.node import node, run
from tests.simulation.sweep import main, task
from wagman.simulation import seeds
from wagman.simulation.promises import Violation
from wagman.simulation.script import Act, Wait, render
from wagman.simulation.seeds import Done, Task, simulate

SEEDS = range(int(os.environ.get("WAGMAN_SIMULATED_SEEDS", "18")))
DAYS = 0.2

NAMES = st.sampled_from([guest.name for guest in node().guests])
VERBS = st.sampled_from(["start", "stop", "restart", "kill", "enable", "disable", "force start", "heartbeat"])
GUEST_FATES = ["hang", "halt", "revive", "good=sd", "good=", "ignore=1", "boot=200", "flap=60", "halt=300"]
WORLD = [
    "cable out",
    "cable in",
    "cable late 2",
    "cable pieces",
    "board reset",
    "board powercycle",
    "board fault silent on",
    "board fault silent off",
    "board fault slow 3",
    "board fault drop 2",
    "board fault sid 2",
    "board fault eeprom",
    "board fault lose 0.01 both",
    "board fault corrupt 0.003 out",
    "board fault flood 200",
    "board fault sensor cu dead",
    "board fault sensor env dead",
    "board temp 80",
    "board temp 20",
    "service kill",
    "service start",
    "service stop",
    "service freeze 400",
    "clock 86400",
    "clock -86400",
    "disk full",
    "disk slow 20",
    "disk ok",
    "disk flipped 200",
    "disk truncated 30",
    "disk wiped",
    "message lost",
    "message ok",
]
STEPS = st.one_of(
    st.builds("{}: {}".format, NAMES, VERBS),
    st.builds("guest {} {}".format, NAMES, st.sampled_from(GUEST_FATES)),
    st.sampled_from(WORLD),
).map(Act)
WAITS = st.sampled_from([1, 7, 30, 61, 120, 330, 700]).map(lambda seconds: Wait(float(seconds)))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_promise_holds_under_random_faults_and_all_settles(seed: int) -> None:
    done = simulate(task(seed, DAYS, "each"))
    assert done.violation is None, done.line


def test_a_sweep_says_how_much_it_simulated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["2", "--days", "0.2", "--faults", "none", "--processes", "1"]) == 0
    assert "2 of 2 seeds, 0.2 node-days (0.001 years)" in capsys.readouterr().out


def test_a_sweep_says_what_broke_and_how_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Violation(1, 60.0, "gn was cut")

    def some_break(each: Task) -> Done:
        return Done(each.seed, each.asked.again(each.seed), 3600.0, 1.0, "", broken if each.seed == 7 else None)

    monkeypatch.setattr(seeds, "simulate", some_break)
    assert main(["3", "--first", "6", "--faults", "cable", "--processes", "1"]) == 1
    told = capsys.readouterr().out
    assert "gn was cut" in told
    assert "again: wagman simulate --days 0.4 --seed 7 --faults cable --site one" in told
    assert "seed 6" not in told
    assert "1 broken" in told


@given(st.lists(STEPS | WAITS, max_size=25), st.integers(0, 2**16))
@settings(
    max_examples=int(os.environ.get("WAGMAN_SIMULATED_EXAMPLES", "25")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
def test_any_sequence_of_steps_keeps_the_promises(steps: list[Act | Wait], seed: int) -> None:
    script = [Wait(700.0), *steps, Act("all well"), Act("settled")]
    assert run(render(script), seed=seed).violation is None
