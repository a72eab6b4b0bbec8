"""A guest that boards are reached through: nothing but an operator who insists leaves it without power."""

import pytest
from attrs import evolve

from tests.fsm.guests import HALT, MODEM, Story, started
from wagman.fsm.guest import Memory, Situation, State, machine, restored
from wagman.fsm.guest.inputs import Hibernation, Operator, WagmanStart, WagmanStop
from wagman.fsm.guest.stopped import Stopped
from wagman.model.facts import Beat, PowerGoal, PowerLost

ROUTER = evolve(MODEM, name="lte", hears_board=True, leads_to=("rail",))


def way() -> Story:
    story = started()
    story.config = ROUTER
    return story


@pytest.mark.parametrize("verb", ["stop", "kill", "disable"])
def test_an_operator_has_to_insist_on_its_stop(verb: str) -> None:
    story = way()
    before = (story.state, story.memory)
    refused = story.tell(Operator(verb)).verdict  # type: ignore[arg-type]
    assert refused is not None
    assert not refused.accepted
    assert "rail would not be reached" in refused.reason
    assert (story.state, story.memory) == before
    insisted = story.tell(Operator(verb, force=True)).verdict  # type: ignore[arg-type]
    assert insisted is not None
    assert insisted.accepted
    assert story.goal.level == "off"


def test_one_that_hangs_keeps_its_power_until_a_start_makes_a_new_power_cycle_of_it() -> None:
    story = way()
    story.fire("heartbeat")
    assert (story.name, story.goal) == ("stopped", PowerGoal("untouched", story.memory.cycle))
    cycle = story.memory.cycle
    story.fire("backoff")
    story.tell(WagmanStart())
    assert (story.name, story.goal) == ("starting", PowerGoal("on", cycle + 1))


def test_one_whose_start_failed_waits_for_its_next_try_with_its_power_on() -> None:
    story = Story(ROUTER, state=Stopped(settled=True, off=True))
    story.tell(WagmanStart())
    story.relay_on()
    story.fire("timeout")
    assert (story.name, story.goal.level) == ("stopped", "untouched")
    assert "backoff" in story.armed


def test_one_that_lost_its_power_is_due_at_once() -> None:
    story = Story(ROUTER, state=Stopped("its start failed", settled=True, left_on=True, cut=1, backoff_s=600.0))
    story.tell(PowerLost(story.now_s, "somebody pressed its button"))
    assert isinstance(story.state, Stopped)
    assert story.state.due(story.memory)
    story.tell(WagmanStart())
    assert story.goal.cleared


def test_one_that_is_left_on_and_beats_is_taken_over() -> None:
    story = Story(ROUTER, state=Stopped("its start failed", settled=True, left_on=True, cut=1))
    for at_s in (100.0, 120.0):
        story.now_s = at_s
        story.tell(Beat(at_s))
    assert story.name == "started"


def test_one_that_is_left_on_is_asked_to_halt_before_an_operator_who_insists_has_it_cut() -> None:
    story = Story(evolve(ROUTER, shutdown=("halt",)), state=Stopped("its start failed", settled=True, left_on=True, cut=1))
    story.tell(Operator("stop", force=True))
    assert story.name == "stopping"


def test_one_that_lost_its_power_stays_off_where_an_operator_insists() -> None:
    story = Story(ROUTER, state=Stopped("power lost", settled=True, left_on=True, off=True, cut=1))
    story.tell(Operator("stop", force=True))
    assert (story.name, story.goal.level) == ("stopped", "off")


def test_neither_heat_nor_an_order_stops_it() -> None:
    story = way()
    story.tell(Hibernation(active=True))
    story.tell(WagmanStop())
    assert story.name == "started"
    assert not story.memory.forbidden


@pytest.mark.parametrize("left_on", [False, True])
def test_whether_it_was_left_on_is_remembered(left_on: bool) -> None:
    state: State = Stopped("its start failed", left_on=left_on, cut=1)
    assert restored(state.lasting()).power(Memory(cycle=3)).level == ("untouched" if left_on else "off")


def test_what_an_operator_has_forced_down_is_no_way_any_more() -> None:
    assert Situation(ROUTER, Memory()).is_way
    assert not Situation(ROUTER, Memory(wanted="down")).is_way
    assert not machine.obstacle(Situation(ROUTER, Memory()), Operator("restart"))


LEFT_ON = Stopped("its start failed", settled=True, left_on=True, cut=1)


def test_one_that_was_left_on_is_asked_to_halt_when_an_operator_insists_on_its_stop() -> None:
    story = Story(evolve(ROUTER, shutdown=HALT), state=LEFT_ON)
    verdict = story.ask("stop", force=True)
    assert (story.name, story.state.reason, verdict.reason) == ("stopping", "asked by the operator", "it is asked to halt")


@pytest.mark.parametrize("state", [evolve(LEFT_ON, off=True), evolve(LEFT_ON, untouched=True)])
def test_one_that_is_off_or_not_known_to_be_on_stays_as_it_is(state: Stopped) -> None:
    story = Story(ROUTER, state=state)
    assert story.ask("stop", force=True).reason == "already stopped"
    assert story.state == evolve(state, left_on=False)


def test_why_it_is_stopped_is_said_when_it_has_lost_its_power() -> None:
    story = Story(ROUTER, state=LEFT_ON)
    story.tell(PowerLost(story.now_s, "somebody pressed its button"))
    assert isinstance(story.state, Stopped)
    assert (story.state.reason, story.state.off, story.last("power_lost")["why"]) == (
        "power lost",
        True,
        "somebody pressed its button",
    )


def test_a_forced_start_that_waited_for_the_adopt_window_says_who_asked_for_it() -> None:
    state = Stopped("nothing is known of it yet", settled=True, untouched=True, cut=0)
    story = Story(MODEM, state=state, memory=Memory(exempt=True, hibernating=True))
    story.arm(story.state.resume(Situation(MODEM, story.memory)))
    story.fire("adopt")
    assert (story.name, story.state.reason) == ("starting", "asked by the operator")
