"""What the service shows of itself."""

import pytest

from wagman.events import UNTOUCHED, PowerGoal
from wagman.io.power import STUCK_ROUNDS, Port
from wagman.status import power_status, resists

ON, OFF = PowerGoal("on", 3), PowerGoal("off", 3)


def port(goal: PowerGoal, relay: str) -> Port:
    return Port(1, 10.0, 0.0, goal=goal, relay="on" if relay == "on" else "off", cycle=3, kept=relay == "off")


@pytest.mark.parametrize(
    ("wanted", "told", "relay", "shown"),
    [
        (ON, ON, "on", {"wanted": "on", "confirmed": True}),
        (OFF, OFF, "off", {"wanted": "off", "confirmed": True}),
        (OFF, OFF, "on", {"wanted": "off", "confirmed": False}),
        (OFF, ON, "on", {"wanted": "off", "confirmed": False}),
        (ON, OFF, "off", {"wanted": "on", "confirmed": False}),
        (PowerGoal("on", 4), ON, "on", {"wanted": "on", "confirmed": False}),
        (UNTOUCHED, UNTOUCHED, "off", {"wanted": "off", "confirmed": False}),
    ],
)
def test_power_is_confirmed_for_the_goal_that_the_state_has_now_and_for_none_before(
    wanted: PowerGoal, told: PowerGoal, relay: str, shown: dict[str, object]
) -> None:
    assert power_status(wanted, port(told, relay)) == shown


def test_a_relay_is_stuck_for_the_off_that_it_resists_and_for_nothing_else() -> None:
    stuck = port(OFF, "on")
    stuck.resisted = STUCK_ROUNDS
    assert resists(OFF, stuck)
    assert not resists(PowerGoal("off", 4), stuck)
    assert not resists(OFF, port(OFF, "on"))
    stuck.goal = ON
    assert not resists(ON, stuck)
