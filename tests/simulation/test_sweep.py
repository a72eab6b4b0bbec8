"""Random faults of every profile: each promise holds under them, and everything settles when they end.

A few node-days here; `WAGMAN_SIMULATED_SEEDS=100` makes them twenty.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.simulation.node import node, run
from wagman.simulation.play import Scenario, play
from wagman.simulation.profiles import PROFILES, make_script
from wagman.simulation.script import Act, Wait, render

SEEDS = range(int(os.environ.get("WAGMAN_SIMULATED_SEEDS", "18")))
HOURS = 4.8

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
    name = list(PROFILES)[seed % len(PROFILES)]
    script = make_script(node(), PROFILES[name], seed, HOURS * 3600)
    outcome = play(Scenario(seed, node(), script))
    again = f"wagman simulate --days {HOURS / 24} --seed {seed} --faults {name}"
    assert outcome.violation is None, f"{outcome.violation}; again: {again}"


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
