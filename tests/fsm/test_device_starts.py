"""How a guest is started, and what is tried when that fails."""

import pytest
from attrs import evolve

from tests.fsm.guests import GUEST, SWITCH, Story, started
from wagman.fsm.alarms import Alarm
from wagman.fsm.guest import Memory, Situation
from wagman.model.facts import PowerGoal, RelayOn

PATIENT = evolve(GUEST, start_timeout_s=100.0, start_timeout_max_s=350.0)


# --- Starts, attempts and media ---------------------------------------------------------------------------------------


def test_the_start_timeout_runs_from_the_confirmed_relay_on() -> None:
    story = Story()
    story.turn()
    assert story.armed == {}
    story.wait(500)
    story.relay_asked()
    assert story.armed == {}
    story.relay_on()
    assert story.armed == {"timeout": Alarm(120.0, proof=True, in_sight=True, since_s=500.0)}


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
    case = Situation(GUEST, Memory(failures=10**6))
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
    assert Situation(evolve(GUEST, primary="sd"), Memory(attempts=3)).medium == "emmc"


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
    story.tell(RelayOn(story.memory.cycle - 1, 0.0))
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
    assert (story.name, story.armed) == ("started", {"stable": Alarm(600.0, answered=True, since_s=0.0)})
    story.fire("stable")
    assert (story.memory.attempts, story.armed) == (0, {})


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
    assert (story.name, story.goal.level, story.goal.leaving) == ("will_stop", "on", False)  # a relay-on that is lost is repeated
    story.relay_on()
    assert (story.goal.level, story.goal.leaving) == ("on", True)  # and no other follows
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
