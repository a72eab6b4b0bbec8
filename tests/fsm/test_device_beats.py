"""What a heartbeat proves, and what power that came or went without our doing leads to."""

import pytest
from attrs import evolve

from tests.fsm.guests import GUEST, MODEM, SWITCH, Story, started
from wagman.config.schema import DeviceConfig
from wagman.fsm import guest
from wagman.fsm.alarms import Alarm
from wagman.fsm.guest import Memory
from wagman.fsm.guest.halting import HaltMessage, Restarting
from wagman.fsm.guest.started import Started
from wagman.fsm.guest.stopped import Stopped
from wagman.model.facts import Beat, PowerGoal

# --- Beats as evidence ------------------------------------------------------------------------------------------------


def test_a_beat_from_before_the_relay_was_seen_on_starts_nothing() -> None:
    story = Story(now_s=100.0)
    story.turn()
    story.beat()
    story.relay_asked()
    story.beat(after_s=1)
    story.relay_on(after_s=1)
    story.now_s = 102.0
    story.beat()
    assert story.name == "starting"
    story.beat(after_s=0.1)
    assert story.name == "started"


def test_a_beat_arms_from_its_own_time() -> None:
    story = started()
    heard_s = story.now_s + 10
    story.wait(40)
    story.tell(Beat(heard_s))
    assert story.due_s("heartbeat") == heard_s + 300
    story.ask("stop")
    story.wait(40)
    story.tell(Beat(heard_s + 50))
    assert story.due_s("heartbeat") == heard_s + 50 + 60


def test_beats_within_settle_are_ignored() -> None:
    story = started()
    story.ask("kill")
    story.relay_off()
    story.beat(after_s=1)
    story.beat(after_s=3.5)
    assert story.name == "stopped"
    story.fire("settle")
    story.beat()
    assert story.name == "stopped"


def test_settle_runs_from_the_relay_off() -> None:
    story = Story(state=Stopped(settled=True), now_s=100.0)
    story.beat()
    story.wait(12)
    story.relay_off()
    assert story.armed == {"settle": Alarm(5.0, since_s=112.0)}
    story.beat(after_s=1)
    assert story.name == "stopped"
    story.fire("settle")
    story.beat(after_s=20)
    assert story.name == "stopped"  # the first of two: that from before the relay-off proves nothing
    story.beat(after_s=10)
    assert story.name == "started"


def test_the_answer_to_a_question_of_before_the_cut_is_no_sign_of_life_after_it() -> None:
    story = started()
    story.ask("stop")
    asked_s = story.now_s
    story.ask("kill")
    story.wait(1)
    story.relay_off()
    story.wait(20)
    story.fire("settle")
    story.tell(Beat(asked_s))
    story.tell(Beat(asked_s + 0.5))
    story.wait(12)
    story.tell(Beat(story.now_s))
    assert "unexpected_heartbeat" not in story.events
    assert story.name == "stopped"


@pytest.mark.parametrize(("apart_s", "adopted"), [(0.0, False), (9.9, False), (10.0, True), (299.0, True), (301.0, False)])
def test_a_guest_is_adopted_from_two_beats_at_least_ten_seconds_apart(apart_s: float, *, adopted: bool) -> None:
    story = Story(now_s=100.0)
    story.beat()
    story.beat(after_s=apart_s)
    assert (story.name == "started") == adopted
    assert ("adopted" in story.events) == adopted


def test_a_beat_of_a_guest_that_runs_nobody_knows_since_when_begins_its_silence_anew() -> None:
    story = Story(GUEST, Started(), now_s=100.0)
    story.beat()
    assert story.armed["heartbeat"] == Alarm(GUEST.heartbeat_timeout_s, proof=True, in_sight=True, since_s=100.0)


def test_an_adopted_guest_has_been_silent_since_its_latest_beat_however_late_that_was_told() -> None:
    story = Story(now_s=100.0)
    story.beat()
    story.wait(500)
    story.tell(Beat(180.0))
    assert story.name == "started"
    assert story.armed["heartbeat"] == Alarm(GUEST.heartbeat_timeout_s, proof=True, in_sight=True, since_s=180.0)
    story.fire("heartbeat", late=True)
    assert story.events[-2:] == ["heartbeat_lost", "stopping"]


@pytest.mark.parametrize("timeout_s", [5.0, 300.0])
def test_many_beats_close_together_adopt_once_they_span_ten_seconds(timeout_s: float) -> None:
    """However soon the guest counts as silent."""
    story = Story(evolve(GUEST, heartbeat_timeout_s=timeout_s), now_s=100.0)
    for second in range(10):
        story.beat(after_s=float(bool(second)))
        assert story.name == "stopped"
    story.beat(after_s=1.0)
    assert story.name == "started"


def test_an_adopted_guest_keeps_its_power_and_is_as_good_as_any() -> None:
    story = Story(state=Stopped(settled=True, cut=4), memory=Memory(cycle=4, media="sd"))
    story.beat()
    story.beat(after_s=10)
    assert story.goal == PowerGoal("on", 5, "sd", already=True)
    assert story.events == ["adopted", "started"]


@pytest.mark.parametrize(
    "memory",
    [Memory(wanted="down"), Memory(wanted="down", enabled=False), Memory(hibernating=True), Memory(held=True)],
    ids=["not wanted", "disabled", "hibernating", "held"],
)
def test_a_guest_that_beats_though_it_should_not_run_is_stopped_in_an_orderly_way(memory: Memory) -> None:
    story = Story(memory=memory)
    story.beat()
    story.beat(after_s=10)
    assert story.events == ["unexpected_heartbeat", "stopping"]
    assert story.messages == ["shutdown"]
    assert story.goal.level == "on"


def test_a_guest_without_power_that_claims_to_be_alive_is_not_believed() -> None:
    story = Story(state=Stopped(settled=True, off=True))
    story.beat(source="control")
    story.beat(after_s=20, source="control")
    assert story.name == "stopped"


def test_a_kill_stands_even_if_the_guest_beats_before_its_power_is_cut() -> None:
    story = started()
    story.ask("kill")
    story.fire("settle")
    story.beat(after_s=10, source="control")
    story.beat(after_s=10)
    assert story.goal == PowerGoal("off", 1, firm=True)


def test_an_off_that_rests_on_silence_is_taken_back_by_beats() -> None:
    story = started()
    story.fire("heartbeat")
    story.halt()
    story.fire("settle")
    story.beat()
    story.beat(after_s=10)
    assert story.name == "started"


@pytest.mark.parametrize("config", [SWITCH, MODEM])
def test_beats_of_a_device_that_has_none_say_nothing(config: DeviceConfig) -> None:
    story = Story(config)
    story.beat()
    story.beat(after_s=10)
    assert story.name == "stopped"


# --- Lost and found power ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["", "stop"])
def test_a_start_that_loses_its_power_is_not_counted(verb: str) -> None:
    story = Story(memory=Memory(attempts=1, failures=1))
    story.turn()
    story.relay_on()
    if verb:
        story.ask(verb)
    story.lose_power()
    assert (story.memory.attempts, story.memory.failures) == (1, 1)
    assert story.due == (verb == "")


def test_a_started_device_that_loses_its_power_is_due_at_once_and_counts_nothing() -> None:
    story = started()
    story.lose_power()
    assert (story.name, story.due, story.memory.attempts, story.memory.failures) == ("stopped", True, 0, 0)
    assert story.events[-2:] == ["power_lost", "stopped"]


def test_lost_power_ends_stopping_in_stopped_and_restarting_in_starting() -> None:
    story = started()
    story.ask("stop")
    story.lose_power()
    assert story.name == "stopped"
    story = started()
    story.ask("restart")
    story.lose_power()
    assert story.name == "starting"


def test_the_attempts_never_become_less_than_none() -> None:
    story = Story()
    story.beat()
    story.beat(after_s=10)
    story.lose_power()
    assert story.memory.attempts == 0


def brown_out(story: Story, times: int) -> None:
    for _ in range(times):
        story.turn()
        story.relay_on(after_s=1)
        story.lose_power(suspect=True)


def test_three_board_resets_right_after_its_relay_on_hold_a_device_until_an_operator_starts_it() -> None:
    story = Story()
    brown_out(story, 2)
    assert (story.due, story.events.count("brownout")) == (True, 0)
    brown_out(story, 1)
    assert (story.due, story.events.count("brownout")) == (False, 1)
    assert story.last("brownout") == {"resets": 3}
    story.turn()
    assert (story.name, len(story.refusals)) == ("stopped", 1)
    story.ask("start")
    assert (story.name, story.memory.held, story.memory.brownouts) == ("starting", False, 0)


def test_other_losses_of_power_are_no_brownouts() -> None:
    story = Story()
    for _ in range(5):
        story.turn()
        story.relay_on()
        story.lose_power()
    assert (story.due, story.memory.brownouts) == (True, 0)


def test_a_stable_run_forgets_the_brownouts() -> None:
    story = Story()
    brown_out(story, 2)
    story.boot()
    story.become_stable()
    assert story.memory.brownouts == 0


def test_a_brownout_while_restarting_holds_the_device_too() -> None:
    story = Story(state=Restarting(message=HaltMessage(delivered=True)), memory=Memory(brownouts=2))
    story.lose_power(suspect=True)
    assert (story.name, story.memory.held) == ("stopped", True)
    assert story.events == ["power_lost", "brownout", "stopped"]


def test_a_brownout_before_the_port_is_known_holds_the_device_too() -> None:
    story = Story(state=guest.untrusted(), memory=Memory(brownouts=2))
    story.lose_power(suspect=True)
    assert (story.due, story.memory.held) == (False, True)


def test_an_operators_start_ends_the_hold_while_the_device_is_stopping_too() -> None:
    story = Story(memory=Memory(held=True, brownouts=3))
    story.find_power()
    assert story.name == "stopping"
    story.ask("start")
    story.delivered()
    story.fire("heartbeat")
    story.relay_on()
    story.fire("timeout")
    story.fire("backoff")
    assert story.due


def test_power_that_came_on_by_itself_is_taken_over_and_never_cut() -> None:
    story = Story(state=Stopped(cut=3, off=True), memory=Memory(cycle=3))
    story.find_power()
    assert story.events == ["adopted", "starting"]
    assert story.goal == PowerGoal("on", 4, already=True, cleared=True)
    assert story.armed == {"timeout": Alarm(120.0, proof=True, in_sight=True, since_s=0.0)}


def test_power_that_came_on_by_itself_where_none_is_wanted_is_ended_in_an_orderly_way() -> None:
    story = Story(memory=Memory(wanted="down", cycle=3))
    story.find_power()
    assert (story.events, story.messages) == (["unexpected_power", "stopping"], ["shutdown"])
    assert story.goal.level == "on"


def test_a_device_that_the_board_itself_begins_to_stop_is_restarted_in_an_orderly_way() -> None:
    story = started()
    story.board_stops()
    assert (story.name, story.messages) == ("restarting", ["restart"])
