"""The description of a guest's life, sentence by sentence."""

from itertools import pairwise

import pytest
from attrs import evolve

from tests.fsm.guests import GUEST, HALT, MODEM, SWITCH, Story
from wagman.config.schema import DeviceConfig
from wagman.errors import StoreError
from wagman.events import UNTOUCHED, VERBS, PowerGoal, RelayOff, RelayOn
from wagman.fsm import device
from wagman.fsm.alarms import Alarm
from wagman.fsm.case import Case, Memory
from wagman.fsm.device_states import Restarting, Started, Starting, State, Stopped, Stopping, WillStop

PATIENT = evolve(GUEST, start_timeout_s=100.0, start_timeout_max_s=350.0)


def started() -> Story:
    story = Story()
    story.boot()
    return story


def hot() -> Story:
    story = Story()
    story.hibernation(active=True)
    return story


def restored(state: State) -> State:
    return device.restored(state.lasting())


# --- Starts, attempts and media ---------------------------------------------------------------------------------------


def test_the_start_timeout_runs_from_the_confirmed_relay_on() -> None:
    story = Story()
    story.turn()
    assert story.armed == {}
    story.wait(500)
    story.relay_asked()
    assert story.armed == {}
    story.relay_on()
    assert story.armed == {"timeout": Alarm(120.0, proof=True, since_s=500.0)}


def test_a_second_sight_of_the_relay_neither_counts_nor_prolongs() -> None:
    story = Story()
    story.turn()
    story.relay_on(after_s=1)
    story.relay_on(after_s=50)
    story.find_power()
    assert (story.memory.attempts, story.due_s("timeout")) == (1, 121.0)


def test_the_start_timeout_doubles_after_each_failed_start_up_to_its_maximum() -> None:
    story, waits = Story(PATIENT), []
    for _ in range(5):
        story.turn()
        story.relay_on()
        waits.append(story.armed["timeout"].after_s)
        story.fire("timeout")
        story.fire("backoff")
    assert waits == [100, 200, 350, 350, 350]


def test_the_start_timeout_and_the_backoff_stay_at_their_maximum_for_ever() -> None:
    case = Case(GUEST, Memory(failures=10**6))
    assert (case.start_timeout_s, case.backoff_s) == (480.0, 3600.0)


def test_the_backoff_doubles_from_a_minute_to_an_hour() -> None:
    story = Story(evolve(GUEST, recover_attempts=50))
    waits = []
    for _ in range(9):
        story.turn()
        story.relay_on()
        story.fire("timeout")
        waits.append(story.armed["backoff"].after_s)
        story.fire("backoff")
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_a_device_is_not_due_before_its_backoff_is_over() -> None:
    story = Story()
    story.turn()
    story.relay_on()
    story.fire("timeout")
    assert not story.due
    story.fire("backoff")
    assert story.due


@pytest.mark.parametrize(
    ("allowed", "recover", "media"),
    [
        (3, 3, "emmc emmc emmc sd sd sd emmc sd emmc sd"),
        (1, 1, "emmc sd emmc sd emmc"),
        (2, 0, "emmc emmc sd emmc sd emmc"),
        (1, 2, "emmc sd sd emmc sd"),
    ],
)
def test_the_primary_medium_then_the_other_then_both_in_turn(allowed: int, recover: int, media: str) -> None:
    story = Story(evolve(GUEST, allowed_attempts=allowed, recover_attempts=recover))
    for number, medium in enumerate(media.split()):
        story.fail()
        assert story.last("starting") == {
            "reason": "its turn", "attempt": number + 1, "media": medium, "recover": number >= allowed
        }  # fmt: skip


def test_the_primary_may_be_either_medium() -> None:
    assert Case(evolve(GUEST, primary="sd"), Memory(attempts=3)).medium == "emmc"


def test_a_port_without_a_selector_is_recovered_by_plain_starts() -> None:
    story = Story(evolve(GUEST, port=2, primary=None))
    for _ in range(8):
        story.fail()
        assert story.memory.media is None
        assert story.last("starting")["media"] is None
    assert story.last("starting")["recover"] is True


def test_an_unrecoverable_device_is_reported_once_and_goes_on_being_tried_at_the_longest_backoff() -> None:
    story = Story()
    for failures in range(1, 12):
        story.fail()
        assert story.events.count("unrecoverable") == int(failures >= 6)
    assert story.last("unrecoverable") == {"failures": 6}
    story.turn()
    story.relay_on()
    story.fire("timeout")
    assert story.armed["backoff"].after_s == 3600.0


def test_an_unrecoverable_device_waits_the_longest_backoff_at_once() -> None:
    story = Story(evolve(GUEST, allowed_attempts=1, recover_attempts=0))
    story.turn()
    story.relay_on()
    story.fire("timeout")
    assert story.events[-3:] == ["start_failed", "unrecoverable", "stopped"]
    assert story.armed["backoff"].after_s == 3600.0


def test_an_attempt_is_counted_at_relay_on_whoever_asked() -> None:
    by_wagman, by_operator, by_board = Story(), Story(), Story()
    by_wagman.turn()
    by_operator.ask("start")
    for story in (by_wagman, by_operator):
        story.relay_asked()
        assert story.memory.attempts == 0
        story.relay_on()
    by_board.find_power()
    assert [story.memory.attempts for story in (by_wagman, by_operator, by_board)] == [1, 1, 1]


def test_what_is_said_of_an_earlier_power_cycle_is_of_no_consequence() -> None:
    story = Story()
    story.turn()
    story.tell(RelayOn(1, story.memory.cycle - 1, 0.0))
    assert (story.memory.attempts, story.armed) == (0, {})


def test_each_start_is_a_power_cycle_of_its_own() -> None:
    story = Story()
    goals = []
    for _ in range(3):
        story.turn()
        goals.append(story.goal)
        story.relay_on()
        story.fire("timeout")
        goals.append(story.goal)
        story.relay_off()
        story.fire("backoff")
    assert [(goal.level, goal.cycle) for goal in goals] == [("on", 1), ("off", 1), ("on", 2), ("off", 2), ("on", 3), ("off", 3)]


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
    told_late_s = story.now_s + 40
    heard_s = told_late_s - 30
    story.now_s = heard_s
    story.beat()
    assert story.due_s("heartbeat") == heard_s + 300


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


@pytest.mark.parametrize(("apart_s", "adopted"), [(0.0, False), (9.9, False), (10.0, True), (299.0, True), (301.0, False)])
def test_a_guest_is_adopted_from_two_beats_at_least_ten_seconds_apart(apart_s: float, *, adopted: bool) -> None:
    story = Story(now_s=100.0)
    story.beat()
    story.beat(after_s=apart_s)
    assert (story.name == "started") == adopted
    assert ("adopted" in story.events) == adopted


def test_many_beats_close_together_adopt_once_they_span_ten_seconds() -> None:
    story = Story(now_s=100.0)
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


# --- Stable, or not ---------------------------------------------------------------------------------------------------


def test_attempts_return_to_zero_only_with_a_beat_at_the_end_of_stable_after() -> None:
    story = started()
    story.beat(after_s=300)
    story.beat(after_s=299.9)
    assert (story.memory.attempts, story.events[-1]) == (1, "started")
    story.beat(after_s=0.1)
    assert (story.memory.attempts, story.events[-1]) == (0, "stable")


def test_one_beat_after_a_boot_is_no_success() -> None:
    story = Story(evolve(GUEST, recover_attempts=3))
    for _ in range(3):
        story.boot()
        story.fire("heartbeat")
        story.halt()
        story.fire("backoff")
    assert (story.memory.attempts, story.memory.failures) == (3, 3)
    story.turn()
    assert story.last("starting")["media"] == "sd"


def test_a_heartbeat_lost_before_it_was_stable_is_a_failed_start_with_backoff() -> None:
    story = started()
    story.fire("heartbeat")
    assert story.memory.failures == 1
    assert story.last("heartbeat_lost") == {"stable": False, "silent_s": 300.0}
    story.halt()
    assert story.armed["backoff"].after_s == 60.0


def test_a_heartbeat_lost_once_too_often_is_reported_as_unrecoverable() -> None:
    story = Story(memory=Memory(failures=5))
    story.boot()
    story.fire("heartbeat")
    assert story.events[-3:] == ["heartbeat_lost", "unrecoverable", "stopping"]


def test_a_device_that_was_stable_and_stops_unasked_is_due_at_once() -> None:
    story = started()
    story.become_stable()
    story.fire("heartbeat")
    assert story.memory.failures == 0
    story.halt()
    assert story.due


def test_a_stable_recovery_clears_the_attempts_so_that_the_next_boot_is_from_the_primary() -> None:
    story = Story()
    for _ in range(6):
        story.fail()
    story.turn()
    story.relay_on()
    story.fire("timeout")
    story.fire("backoff")
    story.boot()
    assert story.memory.media == "sd"
    story.become_stable()
    assert story.memory == Memory(cycle=8, media="sd")
    story.ask("restart")
    story.halt()
    assert story.last("starting")["media"] == "emmc"


def test_a_device_without_a_heartbeat_counts_as_started_once_its_relay_is_on_and_is_stable_by_time() -> None:
    story = Story(SWITCH)
    story.turn()
    story.relay_on()
    assert (story.name, story.armed) == ("started", {"stable": Alarm(600.0, since_s=0.0)})
    story.fire("stable")
    assert (story.memory.attempts, story.armed) == (0, {})


# --- The operator -----------------------------------------------------------------------------------------------------


def test_an_operators_start_in_stopped_clears_attempts_and_backoff() -> None:
    story = Story()
    for _ in range(7):
        story.fail()
    story.turn()
    story.relay_on()
    story.fire("timeout")
    assert story.ask("start").accepted
    assert (story.name, story.armed) == ("starting", {})
    assert story.memory == Memory(cycle=9, media="emmc")


def test_the_wagmans_start_clears_nothing() -> None:
    story = Story(memory=Memory(attempts=4, failures=4))
    story.turn()
    assert (story.memory.attempts, story.memory.failures) == (4, 4)


@pytest.mark.parametrize(
    ("memory", "state", "words"),
    [
        (Memory(wanted="down"), Stopped(), "not wanted"),
        (Memory(enabled=False), Stopped(), "disabled"),
        (Memory(hibernating=True), Stopped(), "environment"),
        (Memory(held=True), Stopped(), "brownouts"),
        (Memory(), Stopped(untouched=True), "not known"),
        (Memory(), Stopped(backoff_s=1.0), "not due"),
        (Memory(), Started(), "started"),
    ],
)
def test_the_wagmans_start_is_checked_again_when_it_is_handled(memory: Memory, state: State, words: str) -> None:
    story = Story(state=state, memory=memory)
    step = story.turn()
    assert (step.state, step.memory) == (state, memory)
    assert len(story.refusals) == 1
    assert words in story.refusals[0]


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_is_answered_in_every_state_with_the_state_that_it_led_to(verb: str) -> None:
    for state in (Stopped(), Starting(), WillStop(asked=True), Started(), Stopping(), Restarting()):
        story = Story(state=state)
        verdict = story.ask(verb)
        assert verdict.accepted
        assert verdict.state == story.name
        assert verdict.reason


@pytest.mark.parametrize("verb", VERBS)
def test_a_command_sets_wanted_before_the_state_is_asked(verb: str) -> None:
    wanted = {"stop": "down", "kill": "down", "disable": "down", "start": "up", "restart": "up"}
    for before in ("up", "down"):
        for state in (Stopped(), Starting(), WillStop(asked=True), Started(), Stopping(), Restarting()):
            story = Story(state=state, memory=Memory(wanted=before))
            story.ask(verb)
            assert story.memory.wanted == wanted.get(verb, before)


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_a_refused_command_changes_nothing_and_says_why(verb: str) -> None:
    for memory, word in ((Memory(wanted="down", enabled=False), "disabled"), (Memory(hibernating=True), "hibernating")):
        for state in (Stopped(), Starting(), WillStop(asked=True), Started(), Stopping(), Restarting()):
            story = Story(state=state, memory=memory)
            verdict = story.ask(verb)
            assert not verdict.accepted
            assert word in verdict.reason
            assert (story.state, story.memory, story.drafts, story.messages) == (state, memory, [], [])


def test_force_does_not_start_a_disabled_device() -> None:
    assert not Story(memory=Memory(wanted="down", enabled=False)).ask("start", force=True).accepted


def test_a_disabled_device_is_stopped_in_an_orderly_way_and_refuses_start_until_it_is_enabled() -> None:
    story = started()
    story.ask("disable")
    assert (story.name, story.messages) == ("stopping", ["shutdown"])
    story.halt()
    assert not story.ask("start").accepted
    assert story.ask("enable").accepted
    assert not story.due  # it is enabled, and still not wanted
    assert story.ask("start").accepted


def test_kill_is_relay_off_now_from_any_state() -> None:
    for state in (Stopped(untouched=True), Stopped(), Starting(), WillStop(asked=True), Started(), Stopping(), Restarting()):
        story = Story(state=state, memory=Memory(cycle=5))
        assert story.ask("kill").accepted
        assert story.goal == PowerGoal("off", 5, firm=True)
        assert story.messages == []
        assert story.last("stopped")["reason"] == "killed by the operator"


def test_starts_and_stops_under_way_are_accepted_without_a_second_effect() -> None:
    for state, verb in ((Starting(), "start"), (Restarting(), "start"), (Stopping(), "stop"), (WillStop(asked=True), "stop")):
        story = Story(state=state)
        assert story.ask(verb).accepted
        assert (story.state, story.drafts, story.messages) == (state, [], [])


def test_started_and_stopped_are_broadcast_again_when_asked_for() -> None:
    story = started()
    story.ask("start")
    assert story.events[-1] == "started"
    story.ask("kill")
    story.ask("stop")
    assert story.events[-2:] == ["stopped", "stopped"]
    assert story.last("stopped")["reason"] == "killed by the operator"


# --- WillStop ---------------------------------------------------------------------------------------------------------


def test_a_start_is_taken_back_freely_before_the_relay_is_asked() -> None:
    story = Story(memory=Memory(cycle=4))
    story.turn()
    story.ask("stop")
    assert story.goal == PowerGoal("off", 4)


def test_a_booting_file_system_is_not_cut_off() -> None:
    story = Story()
    story.turn()
    story.relay_asked()
    story.ask("stop")
    assert (story.name, story.goal.level) == ("will_stop", "on")
    story.relay_on()
    story.beat(after_s=30)
    assert (story.name, story.messages) == ("stopping", ["shutdown"])


def test_back_to_starting_keeps_the_deadline_and_the_relay() -> None:
    story = Story()
    story.turn()
    story.relay_on(after_s=1)
    before, goal = story.armed, story.goal
    story.wait(50)
    story.ask("stop")
    story.wait(20)
    story.ask("start")
    assert (story.name, story.armed, story.goal) == ("starting", before, goal)
    story.fire("timeout")
    assert story.memory.failures == 1


def test_a_start_that_was_given_up_is_not_counted_as_failed() -> None:
    story = Story()
    story.turn()
    story.relay_on()
    story.ask("stop")
    story.fire("timeout")
    assert (story.name, story.memory.failures) == ("stopped", 0)
    assert story.events == ["starting", "will_stop", "stopped"]


# --- Stopping and Restarting ------------------------------------------------------------------------------------------


def test_power_goes_only_after_the_message_and_then_the_whole_silence() -> None:
    story = started()
    story.ask("stop")
    story.wait(200)
    story.fire("heartbeat")
    assert story.name == "stopping"  # still being told
    story.delivered()
    assert story.due_s("heartbeat") == story.now_s + 60
    story.beat(after_s=59)
    assert story.due_s("heartbeat") == story.now_s + 60
    story.fire("heartbeat")
    assert (story.name, story.goal) == ("stopped", PowerGoal("off", 1))


@pytest.mark.parametrize("ok", [True, False])
def test_the_stop_timeout_runs_from_the_end_of_the_first_attempt_to_deliver_the_message(*, ok: bool) -> None:
    story = started()
    story.ask("stop")
    assert "timeout" not in story.armed
    story.wait(14)
    story.delivered(ok=ok)
    due_s = story.due_s("timeout")
    assert due_s == story.now_s + 600
    story.fire("resend")
    story.beat(after_s=20)
    story.wait(14)
    story.delivered(ok=ok)
    assert story.due_s("timeout") == due_s


def test_at_most_one_message_per_shutdown_resend() -> None:
    story = started()
    story.ask("stop")
    story.delivered()
    sent_s = [story.now_s]
    for _ in range(60):
        story.wait(1)
        if "resend" in story.armed and story.now_s >= story.due_s("resend"):
            story.fire("resend")
        story.beat()
        if len(story.messages) > len(sent_s):
            sent_s.append(story.now_s)
            story.delivered()
    assert [later - earlier for earlier, later in pairwise(sent_s)] == [10.0] * 6


def test_no_message_while_one_is_on_its_way() -> None:
    story = started()
    story.ask("stop")
    story.fire("resend")
    story.beat(after_s=5)
    assert story.messages == ["shutdown"]
    story.delivered()
    story.beat(after_s=5)
    assert story.messages == ["shutdown", "shutdown"]


def test_a_guest_that_does_not_stop_is_cut_at_the_stop_timeout() -> None:
    story = started()
    story.ask("stop")
    story.delivered()
    story.fire("timeout")
    assert story.events[-2:] == ["stop_failed", "stopped"]
    assert story.goal == PowerGoal("off", 1, firm=True)


def test_a_start_while_stopping_keeps_both_deadlines_and_says_that_power_comes_back() -> None:
    story = started()
    story.ask("stop")
    story.delivered()
    story.fire("resend")
    before = dict(story.armed)
    story.wait(5)
    story.ask("start")
    assert {name: story.armed[name] for name in before} == before
    assert story.messages == ["shutdown", "restart"]
    story.ask("stop")
    assert {name: story.armed[name] for name in before} == before
    assert story.name == "stopping"


def test_a_restart_is_a_new_power_cycle_with_an_off_before_it() -> None:
    story = started()
    story.ask("restart")
    assert (story.name, story.messages) == ("restarting", ["restart"])
    story.halt()
    assert story.goal == PowerGoal("on", 2, "emmc")
    story.tell(RelayOff(1, 1, story.now_s))
    assert story.goal == PowerGoal("on", 2, "emmc", cleared=True)


def test_a_restart_that_does_not_stop_is_power_cycled_at_the_stop_timeout() -> None:
    story = started()
    story.ask("restart")
    story.delivered()
    story.fire("timeout")
    assert story.events[-2:] == ["stop_failed", "starting"]


def test_a_restart_ends_in_stopped_where_the_environment_has_come_to_forbid_it() -> None:
    story = started()
    story.ask("restart")
    story.hibernation(active=True)
    story.halt()
    assert story.name == "stopped"


def test_a_device_without_a_heartbeat_is_cut_stop_silence_after_its_message() -> None:
    story = Story(SWITCH)
    story.turn()
    story.relay_on()
    story.ask("stop")
    story.wait(10)
    story.delivered()
    assert story.armed["heartbeat"] == Alarm(60.0, since_s=10.0)
    story.fire("heartbeat")
    assert story.name == "stopped"


def test_shutdown_empty_says_that_the_device_may_simply_be_cut() -> None:
    story = Story(evolve(GUEST, shutdown=()))
    story.boot()
    story.ask("stop")
    assert (story.name, story.messages) == ("stopped", [])
    assert story.goal == PowerGoal("off", 1, firm=True)


def test_a_stop_while_restarting_cuts_at_once_where_shutdown_is_empty() -> None:
    story = Story(evolve(GUEST, shutdown=(), restart=HALT))
    story.boot()
    story.ask("restart")
    assert story.messages == ["restart"]
    story.ask("stop")
    assert (story.name, story.messages) == ("stopped", ["restart"])


def test_a_restart_while_stopping_cuts_at_once_where_restart_is_empty() -> None:
    story = Story(evolve(GUEST, restart=()))
    story.boot()
    story.ask("stop")
    story.ask("restart")
    assert (story.name, story.goal.cycle, story.messages) == ("starting", 2, ["shutdown"])


def test_no_message_is_sent_again_where_the_configuration_has_lost_it() -> None:
    story = Story(evolve(GUEST, shutdown=()), restored(Stopping()))
    story.beat()
    assert (story.name, story.messages) == ("stopping", [])


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
    story = Story(state=Restarting(delivered=True), memory=Memory(brownouts=2))
    story.lose_power(suspect=True)
    assert (story.name, story.memory.held) == ("stopped", True)
    assert story.events == ["power_lost", "brownout", "stopped"]


def test_a_brownout_before_the_port_is_known_holds_the_device_too() -> None:
    story = Story(state=device.untrusted(), memory=Memory(brownouts=2))
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
    assert story.armed == {"timeout": Alarm(120.0, proof=True, since_s=0.0)}


def test_power_that_came_on_by_itself_where_none_is_wanted_is_ended_in_an_orderly_way() -> None:
    story = Story(memory=Memory(wanted="down", cycle=3))
    story.find_power()
    assert (story.events, story.messages) == (["unexpected_power", "stopping"], ["shutdown"])
    assert story.goal.level == "on"


def test_a_device_that_the_board_itself_begins_to_stop_is_restarted_in_an_orderly_way() -> None:
    story = started()
    story.board_stops()
    assert (story.name, story.messages) == ("restarting", ["restart"])


# --- Hibernation ------------------------------------------------------------------------------------------------------


def test_a_start_while_hibernating_is_refused_unless_forced() -> None:
    story = hot()
    assert not story.ask("start").accepted
    assert story.ask("start", force=True).accepted
    assert story.name == "starting"
    assert story.memory.exempt


def test_a_forced_start_exempts_from_the_wagmans_stop() -> None:
    story = hot()
    story.ask("start", force=True)
    story.relay_on()
    story.told_down()
    assert story.name == "starting"
    story.beat(after_s=30)
    story.told_down()
    assert story.name == "started"


def test_an_exemption_ends_when_the_environment_is_normal() -> None:
    story = hot()
    story.ask("start", force=True)
    story.hibernation(active=False)
    story.hibernation(active=True)
    assert story.memory.forbidden


def test_an_exemption_ends_when_the_device_is_stopped() -> None:
    story = hot()
    story.ask("start", force=True)
    story.ask("stop")
    assert story.memory.forbidden


def test_force_outside_of_hibernation_exempts_from_nothing() -> None:
    story = Story()
    story.ask("start", force=True)
    story.hibernation(active=True)
    assert story.memory.forbidden


def test_the_wagmans_stop_does_not_change_what_is_wanted() -> None:
    story = started()
    story.hibernation(active=True)
    story.told_down()
    story.halt()
    assert (story.memory.wanted, story.due) == ("up", False)
    story.hibernation(active=False)
    assert story.due


def test_the_wagmans_stop_leaves_what_is_off_alone() -> None:
    story = Story()
    story.told_down()
    assert (story.name, story.drafts) == ("stopped", [])


# --- Coming up --------------------------------------------------------------------------------------------------------


def test_with_no_trusted_state_a_device_is_stopped_wanted_up_and_its_power_is_untouched() -> None:
    story = Story(state=device.untrusted())
    story.arm(story.state.resume(Case(GUEST, story.memory)))
    assert (story.name, story.goal, story.memory.wanted, story.due) == ("stopped", UNTOUCHED, "up", False)
    assert story.armed == {"settle": Alarm(5.0, since_s=0.0), "adopt": Alarm(90.0, proof=True, since_s=0.0)}


def coming_up(config: DeviceConfig = GUEST, memory: Memory = Memory()) -> Story:  # noqa: B008 - it is frozen
    story = Story(config, device.untrusted(), memory)
    story.arm(story.state.resume(Case(config, memory)))
    story.fire("settle")
    return story


def test_in_the_adopt_window_beats_adopt() -> None:
    story = coming_up()
    story.beat()
    story.beat(after_s=10)
    assert (story.name, story.goal) == ("started", PowerGoal("on", 1, already=True))


def test_after_the_adopt_window_current_without_beats_leads_to_restarting() -> None:
    story = coming_up()
    story.fire("adopt", draws_current=True)
    assert (story.name, story.messages) == ("restarting", ["restart"])


def test_after_the_adopt_window_neither_beats_nor_current_means_off_and_the_ordinary_way_begins() -> None:
    story = coming_up()
    story.fire("adopt")
    assert (story.name, story.goal.level, story.due) == ("stopped", "off", True)


def test_after_the_adopt_window_current_is_all_there_is_to_see_of_a_device_without_a_heartbeat() -> None:
    story = coming_up(SWITCH)
    story.fire("adopt", draws_current=True)
    assert story.events == ["adopted", "started"]


def test_after_the_adopt_window_a_device_that_is_not_wanted_is_stopped_in_an_orderly_way() -> None:
    story = coming_up(memory=Memory(wanted="down"))
    story.fire("adopt", draws_current=True)
    assert (story.name, story.messages) == ("stopping", ["shutdown"])


def test_a_start_in_the_adopt_window_waits_for_what_it_shows() -> None:
    story = coming_up(memory=Memory(wanted="down"))
    assert story.ask("start").accepted
    assert story.goal == UNTOUCHED
    story.fire("adopt")
    assert story.due


def test_a_forced_start_in_the_adopt_window_is_not_forgotten() -> None:
    story = coming_up(memory=Memory(hibernating=True))
    assert story.ask("start", force=True).accepted
    story.fire("adopt")
    assert (story.name, story.memory.exempt) == ("starting", True)


def test_a_kill_in_the_adopt_window_ends_what_was_forced() -> None:
    story = coming_up(memory=Memory(hibernating=True))
    story.ask("start", force=True)
    story.ask("kill")
    assert not story.ask("start").accepted


ALARMS_AT_FULL_LENGTH = [
    (Stopped(settled=True), {"settle": Alarm(5.0)}),
    (Stopped(backoff_s=40.0), {"settle": Alarm(5.0), "backoff": Alarm(40.0)}),
    (Starting(), {}),
    (Starting(asked=True, cleared=True), {}),
    (Starting(asked=True, cleared=True, on=True, on_at_s=3.0), {"timeout": Alarm(240.0, proof=True)}),
    (WillStop(asked=True, cleared=True, on=True), {"timeout": Alarm(240.0, proof=True)}),
    (Started(stable=True, since_at_s=9.0), {"heartbeat": Alarm(300.0, proof=True)}),
    (Stopping(sending=True, recent=True), {"heartbeat": Alarm(60.0, proof=True), "timeout": Alarm(600.0)}),
    (Restarting(delivered=True, recent=True), {"heartbeat": Alarm(60.0, proof=True), "timeout": Alarm(600.0)}),
]


@pytest.mark.parametrize(("state", "alarms"), ALARMS_AT_FULL_LENGTH, ids=lambda each: getattr(each, "name", ""))
def test_each_state_resumes_with_its_alarms_at_full_length(state: State, alarms: dict[str, Alarm]) -> None:
    assert restored(state).resume(Case(GUEST, Memory(failures=1))) == alarms


def test_a_resumed_stop_is_taken_as_delivered_and_a_guest_that_beats_is_told_again() -> None:
    story = Story(state=restored(Stopping(sending=True, recent=True)))
    story.arm(story.state.resume(Case(GUEST, story.memory)))
    story.beat()
    assert story.messages == ["shutdown"]
    story.fire("heartbeat")
    assert story.name == "stopped"


def test_a_resumed_device_has_to_show_itself_for_stable_after_anew() -> None:
    story = Story(state=restored(Started(since_at_s=-5000.0)))
    story.arm(story.state.resume(Case(GUEST, story.memory)))
    story.beat()
    assert story.events == []
    story.become_stable()


def test_a_resumed_switch_that_was_stable_has_nothing_to_wait_for() -> None:
    assert restored(Started(stable=True)).resume(Case(SWITCH, Memory())) == {}
    assert restored(Started()).resume(Case(SWITCH, Memory())) == {"stable": Alarm(600.0)}


def test_what_was_saved_keeps_no_times_of_the_old_clock() -> None:
    for state in (Stopped(beat_at_s=1.0), Starting(on=True, on_at_s=1.0), Started(since_at_s=1.0)):
        assert not any(name.endswith("_at_s") for name in state.lasting())


@pytest.mark.parametrize(
    "saved", [{}, {"name": "asleep"}, {"reason": "x"}, {"name": "started", "mood": "good"}, {"name": ["started"]}]
)
def test_what_is_no_state_is_not_trusted(saved: dict[str, object]) -> None:
    with pytest.raises(StoreError):
        device.restored(saved)
