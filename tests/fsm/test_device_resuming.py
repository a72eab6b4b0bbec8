"""How a guest is taken up by a service that comes up."""

import json
from typing import Any

import pytest
from attrs import evolve

from tests.fsm.guests import GUEST, SWITCH, Story
from wagman.config.schema import DeviceConfig
from wagman.fsm import guest
from wagman.fsm.alarms import Alarm
from wagman.fsm.guest import Memory, Situation, State
from wagman.fsm.guest.booting import Relay, Starting, WillStop
from wagman.fsm.guest.halting import Halting, HaltMessage, Restarting, Stopping
from wagman.fsm.guest.inputs import Review
from wagman.fsm.guest.started import Started
from wagman.fsm.guest.stopped import Stopped
from wagman.model.errors import StoreError
from wagman.model.facts import UNTOUCHED, Beat, PowerGoal, RelayAsked, RelayOn, Term


def restored(state: State) -> State:
    return guest.restored(state.lasting()).resumed(Situation(GUEST, Memory()), 0.0, None)


def test_with_no_trusted_state_a_device_is_stopped_wanted_up_and_its_power_is_untouched() -> None:
    story = Story(state=guest.untrusted())
    story.arm(story.state.resume(Situation(GUEST, story.memory)))
    assert (story.name, story.goal, story.memory.wanted, story.due) == ("stopped", UNTOUCHED, "up", False)
    assert story.armed == {"settle": Alarm(5.0, since_s=0.0), "adopt": Alarm(90.0, proof=True, answered=True, since_s=0.0)}


def test_no_silence_is_waited_for_where_there_is_no_heartbeat_to_tell_of_it() -> None:
    story = coming_up(SWITCH)
    assert story.armed["adopt"] == Alarm(90.0, answered=True, since_s=0.0)


@pytest.mark.parametrize("verb", ["stop", "disable"])
def test_in_the_adopt_window_nobody_says_that_it_is_stopped_already(verb: str) -> None:
    assert coming_up().ask(verb).reason == "first it is seen whether it runs"


def test_a_guest_that_was_taken_over_loses_no_attempt_with_its_power() -> None:
    story = coming_up(memory=Memory(attempts=3))
    story.beat()
    story.beat(after_s=10)
    story.lose_power()
    assert (story.name, story.memory.attempts) == ("stopped", 3)


def coming_up(config: DeviceConfig = GUEST, memory: Memory = Memory()) -> Story:  # noqa: B008 - it is frozen
    story = Story(config, guest.untrusted(), memory)
    story.arm(story.state.resume(Situation(config, memory)))
    story.fire("settle")
    return story


def test_in_the_adopt_window_beats_adopt() -> None:
    story = coming_up()
    story.beat()
    story.beat(after_s=10)
    assert (story.name, story.goal) == ("started", PowerGoal("on", 1, already=True))


def test_a_start_that_an_earlier_run_has_asked_for_is_looked_at_before_it_is_stopped() -> None:
    """Nobody knows whether its power ever came on: it gets none, and loses none."""
    story = Story()
    story.turn()
    story.relay_asked()
    story.state = restored(story.state)
    assert story.ask("stop").reason == "first it is seen whether it runs"
    assert (story.name, story.goal) == ("stopped", UNTOUCHED)
    assert story.state == Stopped("asked by the operator", untouched=True, cut=0)
    assert "adopt" in story.armed
    story.fire("adopt", supply="off")
    assert (story.name, story.goal.level) == ("stopped", "off")


def left_over() -> Story:
    """A guest that an earlier run had just switched on when it was to stop."""
    story = Story()
    story.turn()
    story.relay_asked()
    story.ask("stop")
    story.state = restored(story.state)
    story.arm(guest.resume(story.state, Situation(story.config, story.memory)))
    return story


def test_a_start_that_an_earlier_run_has_given_up_is_not_repeated_but_looked_at() -> None:
    story = left_over()
    assert (story.name, story.goal.leaving) == ("will_stop", True)
    assert story.armed["timeout"] == Alarm(0.0, answered=True, since_s=story.now_s)  # not before its board was looked at
    story.fire("timeout", supply="off")
    assert (story.name, story.goal) == ("stopped", UNTOUCHED)
    assert story.state == Stopped("asked by the operator", untouched=True, cut=0)
    assert "adopt" in story.armed


def test_a_start_that_an_earlier_run_has_given_up_goes_on_where_the_first_look_shows_it_on() -> None:
    story = left_over()
    story.tell(RelayOn(story.memory.cycle, story.now_s, None))
    assert (story.name, story.due_s("timeout")) == ("will_stop", story.now_s + story.config.start_timeout_s)
    story.fire("timeout")
    assert (story.name, story.messages) == ("stopping", ["shutdown"])


def test_a_start_that_an_earlier_run_has_given_up_and_that_is_wanted_again_is_not_over_at_once() -> None:
    story = left_over()
    story.ask("start")
    assert (story.name, story.goal.leaving, story.armed) == ("starting", False, {})


def test_a_start_whose_power_is_made_sure_of_has_all_of_its_time() -> None:
    story = Story()
    story.turn()
    story.relay_on()
    story.wait(100)
    story.relay_asked()
    assert story.due_s("timeout") == 100 + story.config.start_timeout_s
    assert story.memory.attempts == 1
    story.beat()
    assert story.name == "starting"
    story.beat(after_s=1)
    assert story.name == "started"


@pytest.mark.parametrize(("start_timeout_s", "patience_s"), [(120.0, 300.0), (400.0, 400.0)])
def test_a_guest_whose_power_is_made_sure_of_has_the_time_to_boot(start_timeout_s: float, patience_s: float) -> None:
    story = Story(evolve(GUEST, start_timeout_s=start_timeout_s), state=Started(stable=True))
    story.wait(50)
    story.relay_asked()
    assert story.armed == {"heartbeat": Alarm(patience_s, proof=True, in_sight=True, since_s=50.0)}


@pytest.mark.parametrize("state", [Started(), Starting(relay=Relay(cleared=True, asked=True, on=True))])
@pytest.mark.parametrize("memory", [Memory(wanted="down"), Memory(enabled=False), Memory(hibernating=True)])
def test_a_guest_that_is_not_to_run_and_was_not_asked_to_halt_yet_is_not_switched_on_once_more(
    state: State, memory: Memory
) -> None:
    assert Story(state=state, memory=memory).goal.leaving
    assert not Story(state=state).goal.leaving
    assert Story(evolve(GUEST, enabled=False), state=state).goal.leaving


def test_after_the_adopt_window_current_without_beats_leads_to_restarting() -> None:
    story = coming_up()
    story.fire("adopt", supply="on")
    assert (story.name, story.messages) == ("restarting", ["restart"])


@pytest.mark.parametrize("config", [GUEST, SWITCH])
def test_after_the_adopt_window_a_guest_of_which_nobody_knows_whether_it_runs_is_asked_to_halt_before_it_is_cut(
    config: DeviceConfig,
) -> None:
    story = coming_up(config)
    story.fire("adopt", supply="unknown")
    assert (story.name, story.messages, story.goal.level) == ("restarting", ["restart"], "untouched")
    story.halt()
    assert (story.name, story.goal) == ("starting", PowerGoal("on", 2, story.memory.media))


def test_after_the_adopt_window_one_that_should_be_off_and_may_run_is_asked_before_it_is_cut() -> None:
    story = coming_up(memory=Memory(wanted="down"))
    story.fire("adopt", supply="unknown")
    assert (story.name, story.messages, story.goal.level) == ("stopping", ["shutdown"], "untouched")
    story.halt()
    assert (story.name, story.goal) == ("stopped", PowerGoal("off", 1))


def test_a_guest_that_is_switched_on_while_it_is_asked_on_suspicion_is_asked_anew() -> None:
    story = coming_up()
    story.fire("adopt", supply="unknown")
    story.delivered()
    story.wait(50)
    story.find_power()
    assert (story.name, story.messages, story.goal) == (
        "restarting",
        ["restart"] * 2,
        PowerGoal("on", 2, already=True, leaving=True),
    )
    assert story.due_s("heartbeat") == story.now_s + 60


def test_after_the_adopt_window_neither_beats_nor_current_means_off_and_the_ordinary_way_begins() -> None:
    story = coming_up()
    story.fire("adopt")
    assert (story.name, story.goal.level, story.due) == ("stopped", "off", True)


def test_after_the_adopt_window_current_is_all_there_is_to_see_of_a_device_without_a_heartbeat() -> None:
    story = coming_up(SWITCH)
    story.fire("adopt", supply="on")
    assert story.events == ["adopted", "started"]


def test_after_the_adopt_window_a_device_that_is_not_wanted_is_stopped_in_an_orderly_way() -> None:
    story = coming_up(memory=Memory(wanted="down"))
    story.fire("adopt", supply="on")
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
    (Starting(relay=Relay(asked=True, cleared=True)), {}),
    (
        Starting(relay=Relay(asked=True, cleared=True, on=True, on_at_s=3.0)),
        {"timeout": Alarm(240.0, proof=True, in_sight=True, since_s=0.0)},
    ),
    (WillStop(relay=Relay(asked=True, cleared=True, on=True)), {"timeout": Alarm(240.0, proof=True, in_sight=True, since_s=0.0)}),
    (Started(stable=True, since_at_s=9.0), {"heartbeat": Alarm(300.0, proof=True, in_sight=True)}),
    (
        Stopping(message=HaltMessage(sending=True, recent=True)),
        {"heartbeat": Alarm(60.0, proof=True), "timeout": Alarm(600.0, answered=True), "resend": Alarm(0.0)},
    ),
    (
        Restarting(message=HaltMessage(delivered=True, recent=True)),
        {"heartbeat": Alarm(60.0, proof=True), "timeout": Alarm(600.0, answered=True), "resend": Alarm(0.0)},
    ),
]


@pytest.mark.parametrize(("state", "alarms"), ALARMS_AT_FULL_LENGTH, ids=lambda each: getattr(each, "name", ""))
def test_each_state_resumes_with_its_alarms_at_full_length(state: State, alarms: dict[str, Alarm]) -> None:
    assert restored(state).resume(Situation(GUEST, Memory(failures=1))) == alarms


@pytest.mark.parametrize("halting", [Stopping, Restarting])
def test_a_guest_that_an_earlier_run_has_told_is_told_once_more_before_its_silence_counts(halting: type[Halting]) -> None:
    """Its latest start may not be in the log, and what boots is silent: a slow disk, or an older copy of the log."""
    story = taken_up(halting("asked by the operator", message=HaltMessage(delivered=True)))
    story.fire("resend")
    assert story.messages == [halting.kind]
    story.fire("heartbeat")
    assert story.name == halting.name, "it is being told"
    story.delivered()
    story.fire("heartbeat")
    assert story.name == ("stopped" if halting is Stopping else "starting")


def test_a_resumed_stop_whose_guest_beats_is_told_again() -> None:
    story = taken_up(Stopping(message=HaltMessage(delivered=True, sending=True, recent=True)))
    story.beat()
    assert story.messages == ["shutdown"]
    story.delivered()
    story.fire("heartbeat")
    assert story.name == "stopped"


@pytest.mark.parametrize("alarm", ["heartbeat", "timeout"])
def test_a_guest_whose_message_went_with_the_service_is_asked_before_its_power_goes(alarm: str) -> None:
    story = taken_up(Stopping(message=HaltMessage(sending=True, recent=True)))
    story.fire(alarm)
    assert (story.name, story.messages) == ("stopping", ["shutdown"])
    story.halt()
    assert story.name == "stopped"


def test_no_beat_of_before_the_service_came_up_shortens_the_silence_of_a_resumed_stop() -> None:
    story = taken_up(Stopping(message=HaltMessage(delivered=True)))
    before_s = story.now_s - 50
    story.wait(20)
    story.tell(Beat(before_s))
    assert story.due_s("heartbeat") == story.now_s - 20 + 60


def taken_up(state: State) -> Story:
    story = Story(state=guest.restored(state.lasting()).resumed(Situation(GUEST, Memory()), 1000.0, 0.0), now_s=1000.0)
    story.arm(story.state.resume(Situation(GUEST, story.memory)))
    return story


def test_a_resumed_device_has_to_show_itself_for_stable_after_anew() -> None:
    story = Story(state=restored(Started(since_at_s=-5000.0)))
    story.arm(story.state.resume(Situation(GUEST, story.memory)))
    story.beat()
    assert story.events == []
    story.become_stable()


# --- What was waited already counts -----------------------------------------------------------------------------------


def restart(story: Story, away_s: float, *, is_known: bool = True) -> None:
    """The service goes, and comes up `away_s` later."""
    kept = story.state.left_off(story.now_s, lambda name: story.due_s(name) - story.now_s if name in story.armed else None)
    story.wait(away_s)
    case = Situation(story.config, story.memory)
    story.state = guest.restored(kept.lasting()).resumed(case, story.now_s, away_s if is_known else None)
    story.arm(story.state.resume(case))


def test_a_start_is_given_up_though_the_service_is_restarted_again_and_again() -> None:
    story = Story()
    story.turn()
    story.relay_on(after_s=1)
    on_s = story.now_s
    for _ in range(3):
        story.wait(20)
        restart(story, 2)
    assert story.due_s("timeout") == on_s + 120
    story.ask("stop")
    assert story.due_s("timeout") == on_s + 120


@pytest.mark.parametrize("stopped", [False, True])
def test_a_guest_that_booted_in_an_earlier_run_is_asked_to_halt_before_its_start_is_given_up(stopped: bool) -> None:
    """It may have come up, and fallen silent, while nobody was there."""
    story = Story()
    story.turn()
    story.relay_on(after_s=1)
    if stopped:
        story.ask("stop")
    restart(story, 2)
    restart(story, 2)  # a guest that is taken up twice was not listened to all the time, either
    story.fire("timeout")
    assert (story.name, story.messages) == ("stopping", ["shutdown"])
    story.delivered()
    story.fire("heartbeat")
    assert story.name == "stopped"
    assert ("backoff" in story.armed) == (not stopped)


def test_a_start_that_had_not_come_on_is_not_taken_for_one_of_before() -> None:
    story = Story()
    story.turn()
    restart(story, 2)
    story.relay_on(after_s=1)
    story.fire("timeout")
    assert story.name == "stopped"


@pytest.mark.parametrize(("seen_after_s", "name"), [(1, "stopped"), (10, "stopped"), (11, "stopping"), (3600, "stopping")])
def test_a_guest_whose_relay_was_seen_on_late_is_asked_to_halt_before_its_start_is_given_up(
    seen_after_s: float, name: str
) -> None:
    """It may have come up, and fallen silent, before anybody could see that it has power."""
    story = Story()
    story.turn()
    story.relay_on(after_s=seen_after_s)
    story.fire("timeout")
    assert story.name == name


def test_a_relay_that_an_earlier_run_asked_for_may_have_been_on_for_long() -> None:
    story = Story()
    story.turn()
    story.tell(RelayAsked(story.memory.cycle, story.now_s))
    restart(story, 2)
    story.tell(RelayOn(story.memory.cycle, story.now_s))
    story.fire("timeout")
    assert story.name == "stopping"


@pytest.mark.parametrize("turn", [False, True])
def test_a_guest_that_was_found_switched_on_is_asked_to_halt_before_its_start_is_given_up(turn: bool) -> None:
    """Nobody knows since when it runs."""
    story = Story()
    if turn:
        story.turn()
    story.find_power()
    assert story.name == "starting"
    story.fire("timeout")
    assert story.name == "stopping"


def test_a_guest_that_boots_while_nobody_is_there_gets_the_time_to_be_heard() -> None:
    story = Story()
    story.turn()
    story.relay_on(after_s=1)
    restart(story, 3600)
    assert story.due_s("timeout") == story.now_s + 3 * GUEST.beat_interval_s


def test_of_a_start_only_what_was_waited_before_counts_where_the_controller_was_down() -> None:
    story = Story()
    story.turn()
    story.relay_on(after_s=1)
    story.wait(40)
    restart(story, 3600, is_known=False)
    assert story.due_s("timeout") == story.now_s + 80


def test_a_guest_becomes_stable_though_the_service_is_restarted_again_and_again() -> None:
    story = Story()
    story.boot()
    for _ in range(6):
        story.beat(after_s=100)
        restart(story, 2)
    story.beat(after_s=1)
    assert story.events[-1] == "stable"


@pytest.mark.parametrize(("away_s", "is_known"), [(301.0, True), (2.0, False)])
def test_a_guest_that_may_have_been_silent_for_too_long_meanwhile_has_to_show_itself_anew(away_s: float, is_known: bool) -> None:
    story = Story()
    story.boot()
    story.beat(after_s=590)
    restart(story, away_s, is_known=is_known)
    story.beat(after_s=20)
    assert "stable" not in story.events
    story.become_stable()


def test_a_device_without_a_heartbeat_becomes_stable_though_the_service_is_restarted_again_and_again() -> None:
    story = Story(SWITCH)
    story.turn()
    story.relay_on(after_s=1)
    on_s = story.now_s
    for _ in range(3):
        story.wait(100)
        restart(story, 2)
    assert story.armed["stable"] == Alarm(600.0, answered=True, since_s=on_s)


def test_a_resumed_switch_that_was_stable_has_nothing_to_wait_for() -> None:
    assert restored(Started(stable=True)).resume(Situation(SWITCH, Memory())) == {}
    assert restored(Started()).resume(Situation(SWITCH, Memory())) == {"stable": Alarm(600.0, answered=True)}


def test_what_was_saved_keeps_no_times_of_the_old_clock() -> None:
    for state in (Stopped(beat_at_s=1.0), Starting(relay=Relay(on=True, on_at_s=1.0)), Started(since_at_s=1.0)):
        assert not any(name.endswith("_at_s") for name in state.lasting())


SAVED_BY_0_1_0 = {
    '{"name": "stopped", "reason": "killed", "untouched": false, "cut": 7, "firm": true, "off": true, "backoff_s": 6.0,'
    ' "settled": true}': Stopped("killed", cut=7, firm=True, off=True, backoff_s=6.0, settled=True),
    '{"name": "starting", "reason": "its turn", "cleared": true, "asked": false, "on": false}': Starting(
        "its turn", relay=Relay(cleared=True)
    ),
    '{"name": "will_stop", "reason": "asked", "cleared": true, "asked": true, "on": true}': WillStop(
        "asked", relay=Relay(cleared=True, asked=True, on=True)
    ),
    '{"name": "started", "reason": "", "stable": true, "adopted": false}': Started(stable=True),
    '{"name": "stopping", "reason": "lost", "failed": true, "delivered": true, "sending": false, "recent": true}': Stopping(
        "lost", failed=True, message=HaltMessage(delivered=True, recent=True)
    ),
    '{"name": "restarting", "reason": "asked", "failed": false, "delivered": false, "sending": true, "recent": true}': Restarting(
        "asked", message=HaltMessage(sending=True, recent=True)
    ),
}


def test_the_states_that_version_0_1_0_saved_are_taken_up_and_are_saved_under_the_same_names() -> None:
    assert {state.name for state in SAVED_BY_0_1_0.values()} == guest.STATES.keys() - {"maintenance"}
    for text, state in SAVED_BY_0_1_0.items():
        saved = json.loads(text)
        assert guest.restored(saved) == state
        # Names that 0.1.0 does not know are left out, for it trusts no state that has some; so is what is as in a new state.
        assert state.lasting().items() <= saved.items()


def test_the_memory_is_saved_as_version_0_1_0_knows_it_unless_something_is_ordered_for_a_while() -> None:
    known = {"wanted", "enabled", "attempts", "failures", "cycle", "media"}
    known |= {"hibernating", "exempt", "brownouts", "held", "unrecoverable"}
    assert Memory().lasting().keys() == known
    ordered = Memory(term=Term("stop", 60.0))
    assert Memory.restored(ordered.lasting()) == ordered


@pytest.mark.parametrize(
    "saved", ["abc", {}, {"name": "asleep"}, {"reason": "x"}, {"name": "started", "mood": "good"}, {"name": ["started"]}]
)
def test_what_is_no_state_is_not_trusted(saved: Any) -> None:
    with pytest.raises(StoreError):
        guest.restored(saved)


@pytest.mark.parametrize(
    ("memory", "recalled", "firm"),
    [
        (Memory(), True, False),
        (Memory(), False, True),
        (Memory(wanted="down"), True, True),
        (Memory(enabled=False), True, True),
    ],
)
def test_a_firm_cut_of_an_older_memory_is_none_where_a_later_decision_wants_the_guest_up(
    memory: Memory, *, recalled: bool, firm: bool
) -> None:
    story = Story(state=Stopped(firm=True, cut=4), memory=memory)
    story.tell(Review(recalled=recalled))
    assert story.goal == PowerGoal("off", 4, firm=firm)
