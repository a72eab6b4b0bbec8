"""Random faults of every profile: each promise holds under them, and everything settles when they end.

A few node-days here; `WAGMAN_SIMULATED_SEEDS=100` makes them twenty.
"""

import os
from multiprocessing.pool import ThreadPool

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.simulation import sweep
from tests.simulation.node import node, run
from tests.simulation.sweep import Done, main, run_seed
from wagman.simulation.script import Act, Wait, render

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
    assert run_seed(seed, DAYS, "each").broken == ""


def test_a_sweep_says_how_much_it_simulated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["2", "--days", "0.2", "--faults", "none", "--processes", "1"]) == 0
    assert "2 of 2 seeds, 0.2 node-days (0.001 years)" in capsys.readouterr().out


def test_a_sweep_says_what_broke_and_how_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Done(3600.0, "promise 1 broken; again: wagman simulate --seed 7")
    monkeypatch.setattr(sweep, "run_seed", lambda seed, **_: broken if seed == 7 else Done(3600.0))
    monkeypatch.setattr(sweep, "Pool", ThreadPool)
    assert main(["3", "--first", "6"]) == 1
    told = capsys.readouterr().out
    assert broken.broken in told
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
