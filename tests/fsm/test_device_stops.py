"""How a guest is stopped: told to halt, then silent, then cut."""

import math
from itertools import pairwise

import pytest
from attrs import define, evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fsm.guests import GUEST, HALT, SWITCH, Story, started
from wagman.fsm import guest
from wagman.fsm.alarms import Alarm
from wagman.fsm.guest import Memory, Situation, State
from wagman.fsm.guest.halting import Halting, HaltMessage, Stopping
from wagman.fsm.guest.inputs import MessageDone, Review
from wagman.model.catalogue import sentence_of
from wagman.model.facts import Beat, PowerGoal, RelayOff


def restored(state: State, now_s: float = 0.0) -> State:
    return guest.restored(state.lasting()).resumed(Situation(GUEST, Memory()), now_s, 0.0)


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


@pytest.mark.parametrize(("verb", "what"), [("stop", "stopped"), ("restart", "starting")])
def test_a_guest_that_fell_silent_is_told_to_have_done_so_whatever_became_of_the_message(verb: str, what: str) -> None:
    story = started()
    story.ask(verb)
    story.delivered()
    story.fire("heartbeat")
    assert story.last(what)["silent_s"] == 60


@pytest.mark.parametrize(("verb", "what"), [("stop", "stopped"), ("restart", "starting")])
def test_nothing_is_said_of_a_silence_that_nobody_heard(verb: str, what: str) -> None:
    story = started()
    story.ask(verb)
    story.delivered()
    story.fire("timeout")
    assert "silent_s" not in story.last(what)


def test_power_that_was_seen_off_is_told_once_each_time_that_it_goes_off() -> None:
    story = started()
    story.ask("stop")
    story.halt()
    assert story.events[-1] == "stopped"
    story.relay_off()
    story.relay_off()  # the board restarted, and was made to keep it off again
    assert story.events[-2:] == ["stopped", "off"]
    story.ask("start")
    story.relay_off()
    story.relay_on()
    story.beat(after_s=30)
    story.ask("restart")
    story.halt()
    story.relay_off()
    story.relay_off()
    assert story.events.count("off") == 2


def test_what_was_known_to_be_off_is_not_told_again_by_a_service_that_comes_up() -> None:
    story = started()
    story.ask("stop")
    story.halt()
    story.relay_off()
    story.state = restored(story.state)
    story.relay_off()
    assert story.events.count("off") == 1


def test_the_stop_timeout_runs_from_the_end_of_the_first_attempt_to_deliver_the_message() -> None:
    story = started()
    story.ask("stop")
    assert "timeout" not in story.armed
    story.wait(14)
    story.delivered()
    due_s = story.due_s("timeout")
    assert due_s == story.now_s + 600
    story.fire("resend")
    story.beat(after_s=20)
    story.wait(14)
    story.delivered()
    assert story.due_s("timeout") == due_s


def test_a_beat_of_before_the_message_that_is_told_after_it_does_not_shorten_the_silence() -> None:
    story = started()
    story.ask("stop")
    story.wait(2)
    story.delivered()
    told_s = story.now_s
    story.wait(20)
    story.tell(Beat(told_s - 45, "poll"))
    assert story.due_s("heartbeat") == told_s + 60


def test_the_silence_after_a_message_that_was_sent_again_is_a_whole_one() -> None:
    story = started()
    story.ask("stop")
    story.delivered()
    story.fire("resend")
    story.beat(after_s=20)
    beat_s = story.now_s
    story.wait(14)
    story.delivered()
    assert story.due_s("heartbeat") == beat_s + 14 + 60
    story.fire("resend")
    story.tell(Beat(beat_s + 1, "poll"))
    assert story.due_s("heartbeat") == beat_s + 14 + 60


def test_a_guest_is_not_cut_while_it_is_being_told_again() -> None:
    story = started()
    story.ask("stop")
    story.delivered()
    story.fire("resend")
    story.beat()
    story.fire("heartbeat")
    assert story.name == "stopping"


def test_a_message_of_an_earlier_power_cycle_tells_nothing_to_this_one() -> None:
    story = started()
    story.ask("stop")
    old = MessageDone(story.now_s + 100, story.memory.cycle)
    story.ask("kill")
    story.ask("start")
    story.relay_on(after_s=1)
    story.beat(after_s=30)
    story.ask("stop")
    story.tell(old)
    assert "timeout" not in story.armed
    story.fire("heartbeat")
    assert story.name == "stopping"


@define
class Witness:
    """A stop, and what a bystander knows of it: when the guest was heard last, and when it was told last."""

    story: Story
    heard_s: float
    told_s: float = -math.inf

    def beat(self, late_s: float) -> None:
        at_s = self.story.now_s - late_s
        if at_s >= self.heard_s:  # the guest's task takes no other
            self.heard_s = at_s
            self.story.tell(Beat(at_s, "poll"))

    def delivered(self, _late_s: float) -> None:
        if isinstance(self.story.state, Halting) and self.story.state.message.sending:
            self.story.delivered()
            self.told_s = self.story.now_s

    def resend(self, _late_s: float) -> None:
        if "resend" in self.story.armed:
            self.story.fire("resend")

    def stop(self, _late_s: float) -> None:
        self.story.ask("stop")

    def restart(self, _late_s: float) -> None:
        self.story.ask("restart")

    def resume(self, _late_s: float) -> None:
        self.story.state = restored(self.story.state, self.story.now_s)
        self.story.arm(self.story.state.resume(Situation(GUEST, self.story.memory)))

    def alarm(self, _late_s: float) -> None:
        self.story.fire("heartbeat")
        if not isinstance(self.story.state, Halting):
            assert self.story.now_s >= max(self.told_s, self.heard_s) + 60
            assert self.told_s > -math.inf


WITNESSED = st.sampled_from(["beat", "delivered", "alarm"] * 3 + ["stop", "restart", "resend", "resume"])


@settings(max_examples=400)
@given(st.lists(st.tuples(st.floats(0.0, 50.0), WITNESSED, st.floats(0.0, 90.0)), max_size=30))
def test_power_goes_only_a_whole_silence_after_the_latest_message_and_the_latest_beat(
    steps: list[tuple[float, str, float]],
) -> None:
    """Beats are told up to 90 s late; the service may come up anew in between."""
    story = started()
    story.ask("stop")
    witness = Witness(story, story.now_s)
    for after_s, what, late_s in steps:
        story.wait(after_s)
        getattr(witness, what)(late_s)
        if not isinstance(story.state, Halting):
            return


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


def test_no_stop_fails_while_the_board_cannot_be_asked() -> None:
    story = started()
    story.ask("stop")
    story.delivered()
    assert story.armed["timeout"].answered


@pytest.mark.parametrize("verb", ["stop", "restart"])
def test_a_guest_whose_stop_timeout_nobody_saw_pass_is_asked_again_and_has_all_of_its_time(verb: str) -> None:
    story = started()
    story.ask(verb)
    story.delivered()
    story.fire("resend")
    name = story.name
    story.wait(7200)
    story.fire("timeout", late=True)
    assert (story.name, len(story.messages)) == (name, 2)
    story.wait(14)
    story.delivered()
    assert story.due_s("timeout") == story.now_s + 600
    story.fire("timeout")
    assert story.events[-2] == "stop_failed"


def test_a_silence_that_was_proved_late_is_one() -> None:
    story = started()
    story.ask("stop")
    story.delivered()
    story.wait(7200)
    story.fire("heartbeat", late=True)
    assert story.name == "stopped"


def test_a_guest_that_was_heard_while_nobody_looked_is_asked_again_before_a_silence_that_was_proved_late_cuts_it() -> None:
    story = started()
    story.ask("stop")
    story.delivered()
    story.fire("resend")
    story.wait(7200)
    story.fire("heartbeat", late=True, stirred=True)
    assert (story.name, story.messages) == ("stopping", ["shutdown", "shutdown"])
    story.wait(14)
    story.delivered()
    assert story.due_s("heartbeat") == story.now_s + GUEST.stop_silence_s
    story.fire("heartbeat", late=True)
    assert story.name == "stopped"


def test_a_guest_that_was_heard_before_it_fell_silent_in_time_is_cut() -> None:
    story = started()
    story.ask("stop")
    story.delivered()
    story.fire("heartbeat", stirred=True)
    assert story.name == "stopped"


def test_a_device_without_a_heartbeat_is_asked_again_before_it_is_cut_late() -> None:
    story = Story(SWITCH)
    story.turn()
    story.relay_on()
    story.ask("stop")
    story.delivered()
    story.fire("resend")
    story.wait(7200)
    story.fire("heartbeat", late=True)
    assert (story.name, story.messages) == ("stopping", ["shutdown", "shutdown"])


def test_a_guest_that_was_asked_just_now_is_not_asked_at_once_again_when_its_stop_timeout_is_late() -> None:
    story = started()
    story.ask("stop")
    story.delivered()
    story.fire("resend")
    story.beat(after_s=7200)
    story.delivered()
    story.fire("timeout", late=True)
    assert story.messages == ["shutdown", "shutdown"]
    assert story.due_s("timeout") == story.now_s + 600


def test_a_late_stop_goes_on_where_the_configuration_has_lost_its_message() -> None:
    story = Story(
        evolve(GUEST, shutdown=()),
        restored(Stopping(message=HaltMessage(delivered=True))),
        armed={"timeout": Alarm(600.0, since_s=0.0)},
    )
    story.fire("timeout", late=True)
    assert story.name == "stopped"


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
    story.tell(RelayOff(1, story.now_s))
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


def test_a_restart_ends_in_stopped_where_those_that_it_needs_have_gone_down_meanwhile() -> None:
    story = started()
    story.ask("restart")
    story.waits_for = ("x1",)
    story.halt()
    assert (story.name, story.last("stopped")["reason"]) == ("stopped", "it is started after x1")
    assert story.due


@pytest.mark.parametrize("verb", ["stop", "disable"])
def test_a_stop_waits_for_those_that_need_it(verb: str) -> None:
    story = started()
    story.leaning = ("gn", "cs")
    verdict = story.ask(verb)
    assert (verdict.accepted, verdict.reason) == (True, "it is asked to halt after gn and cs")
    assert (story.name, story.messages, story.memory.wanted) == ("started", [], "down")
    story.tell(Review())
    assert story.name == "started"
    story.leaning = ()
    story.tell(Review())
    assert (story.name, story.messages) == ("stopping", ["shutdown"])
    assert story.last("stopping")["reason"] == "an operator decided so before"


def test_a_kill_waits_for_nobody_and_neither_does_the_end_of_one_that_hangs() -> None:
    for last in ("kill", "hang"):
        story = started()
        story.leaning = story.waits_for = ("gn",)
        if last == "kill":
            story.ask("kill")
        else:
            story.fire("heartbeat")
        assert story.name == ("stopped" if last == "kill" else "stopping")


def test_a_device_without_a_heartbeat_is_cut_stop_silence_after_its_message() -> None:
    story = Story(SWITCH)
    story.turn()
    story.relay_on()
    story.ask("stop")
    story.wait(10)
    story.delivered()
    assert story.armed["heartbeat"] == Alarm(60.0, since_s=10.0, answered=True)
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
    story = Story(evolve(GUEST, shutdown=()), restored(Stopping(message=HaltMessage(delivered=True))))
    story.beat()
    assert (story.name, story.messages) == ("stopping", [])


def test_an_off_that_its_board_cannot_show_is_not_told_as_seen() -> None:
    told = []
    for assumed in (False, True):
        story = started()
        story.ask("stop")
        story.halt()
        story.tell(RelayOff(story.memory.cycle, story.now_s, assumed))
        (draft,) = (draft for draft in story.drafts if draft.type == "device.off")
        told.append((dict(draft.fields), sentence_of({"type": draft.type, "device": draft.device, "fields": draft.fields})))
    assert told == [
        ({}, "the power of gn was seen off"),
        ({"evidence": "assumed"}, "the power of gn counts as off: its board has replied, and can show nothing"),
    ]
