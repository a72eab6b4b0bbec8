"""What the operator and the environment may ask of a guest."""

import pytest
from attrs import evolve

from tests.fsm.guests import GUEST, Story, started
from wagman.fsm.guest import Memory, State
from wagman.fsm.guest.booting import Relay, Starting, WillStop
from wagman.fsm.guest.halting import Restarting, Stopping
from wagman.fsm.guest.machine import FORBIDDEN
from wagman.fsm.guest.started import Started
from wagman.fsm.guest.stopped import Stopped
from wagman.model.facts import VERBS, PowerGoal


def hot() -> Story:
    story = Story()
    story.hibernation(active=True)
    return story


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


def test_a_start_waits_for_those_that_it_needs_and_its_counts_are_cleared_at_once() -> None:
    story = Story(state=Stopped(backoff_s=60.0), memory=Memory(attempts=4, failures=4), waits_for=("x1", "cs"))
    verdict = story.ask("start")
    assert (verdict.accepted, verdict.reason) == (True, "it is started after x1 and cs")
    assert (story.name, story.due, story.memory) == ("stopped", True, Memory())
    story.turn()
    assert (story.name, story.last("starting")["reason"]) == ("starting", "its turn")


def test_a_forced_start_waits_for_nobody() -> None:
    story = Story(waits_for=("x1",))
    story.ask("start", force=True)
    assert story.name == "starting"


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


def test_what_the_configuration_disables_gets_neither_its_turn_nor_what_an_operator_asks_for() -> None:
    """Only the file can enable it again."""
    story = Story(config=evolve(GUEST, enabled=False))
    story.turn()
    assert story.refusals == ["the configuration disables it"]
    verdict = story.ask("start")
    assert (verdict.accepted, verdict.reason) == (False, FORBIDDEN)
    assert story.name == "stopped"


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_is_answered_in_every_state_with_the_state_that_it_led_to(verb: str) -> None:
    for state in (Stopped(), Starting(), WillStop(relay=Relay(asked=True)), Started(), Stopping(), Restarting()):
        story = Story(state=state)
        verdict = story.ask(verb, for_s=60.0 if verb == "maintenance" else None)
        assert verdict.accepted
        assert verdict.state == story.name
        assert verdict.reason


@pytest.mark.parametrize("verb", VERBS)
def test_a_command_sets_wanted_before_the_state_is_asked(verb: str) -> None:
    wanted = {"stop": "down", "kill": "down", "disable": "down", "start": "up", "restart": "up"}
    for before in ("up", "down"):
        for state in (Stopped(), Starting(), WillStop(relay=Relay(asked=True)), Started(), Stopping(), Restarting()):
            story = Story(state=state, memory=Memory(wanted=before))
            story.ask(verb)
            assert story.memory.wanted == wanted.get(verb, before)


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_a_refused_command_changes_nothing_and_says_why(verb: str) -> None:
    for memory, word in ((Memory(wanted="down", enabled=False), "disabled"), (Memory(hibernating=True), "hibernating")):
        for state in (Stopped(), Starting(), WillStop(relay=Relay(asked=True)), Started(), Stopping(), Restarting()):
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
    for state in (
        Stopped(untouched=True),
        Stopped(),
        Starting(),
        WillStop(relay=Relay(asked=True)),
        Started(),
        Stopping(),
        Restarting(),
    ):
        story = Story(state=state, memory=Memory(cycle=5))
        assert story.ask("kill").accepted
        assert story.goal == PowerGoal("off", 5, firm=True)
        assert story.messages == []
        assert story.last("stopped")["reason"] == "killed by the operator"


def test_starts_and_stops_under_way_are_accepted_without_a_second_effect() -> None:
    for state, verb in (
        (Starting(), "start"),
        (Restarting(), "start"),
        (Stopping(), "stop"),
        (WillStop(relay=Relay(asked=True)), "stop"),
    ):
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
