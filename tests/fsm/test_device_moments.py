"""A guest's limits to the moment, what is kept of it over a restart, and what is decided while nobody can read what was."""

import pytest
from attrs import evolve

from tests.fsm.guests import GUEST, SWITCH, Story
from wagman.config.schema import DeviceConfig
from wagman.fsm import guest
from wagman.fsm.alarms import KEEP, Alarm, Fired
from wagman.fsm.guest import TERM, Memory, Situation, State
from wagman.fsm.guest.booting import HEARD_BEATS, Relay, Starting, WillStop
from wagman.fsm.guest.halting import HaltMessage, Restarting, Stopping
from wagman.fsm.guest.inputs import Message, MessageDone, Operator, Review, StartRefused, WagmanStart
from wagman.fsm.guest.machine import FORBIDDEN, UNREACHED
from wagman.fsm.guest.maintenance import Maintenance
from wagman.fsm.guest.started import Started
from wagman.fsm.guest.stopped import Stopped
from wagman.model.errors import StoreError
from wagman.model.facts import UNTOUCHED, Beat, Draft, PowerFound, PowerGoal, Supply, Term, Verb, Verdict

SOON_S = 1e-6

NOW = Situation(GUEST, Memory())
WITHHELD = evolve(NOW, withheld=True)
DISABLED = evolve(NOW, config=evolve(GUEST, enabled=False))


def no_time_left(_name: str) -> float | None:
    return None


# --- Nobody can read what was decided ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("config", "supply", "is_left_alone"), [
    (GUEST, "on", True),
    (GUEST, "unknown", True),
    (GUEST, "off", False),
    (SWITCH, "unknown", True),
    (SWITCH, "on", False),  # it has no heartbeat: that it draws current is all that can be known, and it runs
])  # fmt: skip
def test_a_guest_that_may_run_is_left_alone_as_long_as_nobody_can_read_whether_it_is_to(
    config: DeviceConfig, supply: Supply, is_left_alone: bool
) -> None:
    now = evolve(WITHHELD, config=config)
    state = evolve(guest.untrusted(), settled=True)
    step = guest.step(state, now, Fired("adopt", supply))
    assert (step.state == state and step.effects == ()) == is_left_alone
    if is_left_alone:
        assert step.alarms == state.resume(now)  # it is looked at again


def test_one_that_is_known_to_be_unwanted_is_not_left_alone() -> None:
    step = guest.step(guest.untrusted(), WITHHELD.remember(wanted="down"), Fired("adopt", "unknown"))
    assert step.state.name == "stopping"


def test_the_scheduler_is_told_why_it_may_not_start_a_guest() -> None:
    for now, words in ((WITHHELD, "what was decided about it cannot be read"), (DISABLED, "the configuration disables it")):
        step = guest.step(Stopped(cut=0, settled=True, off=True), now, WagmanStart())
        assert [effect.reason for effect in step.effects if isinstance(effect, StartRefused)] == [words]
        assert step.state.name == "stopped"


# --- The configuration forbids it, or boards would not be reached -----------------------------------------------------


@pytest.mark.parametrize("ask", [Operator("start"), Operator("restart"), Operator("enable"), Operator("stop", for_s=600.0)])
def test_what_would_have_a_guest_run_that_the_configuration_disables_is_refused(ask: Operator) -> None:
    verdict = guest.step(Stopped(cut=0), DISABLED, ask).verdict
    assert verdict == Verdict(accepted=False, state="stopped", reason=FORBIDDEN)


@pytest.mark.parametrize("verb", ["stop", "kill", "disable"])
def test_what_has_it_stopped_is_not(verb: Verb) -> None:
    verdict = guest.step(Stopped(cut=0), DISABLED, Operator(verb)).verdict
    assert verdict is not None
    assert verdict.accepted


@pytest.mark.parametrize("verb", ["stop", "kill", "disable"])
def test_who_would_cut_off_a_board_is_told_which_and_what_to_do_instead(verb: Verb) -> None:
    now = evolve(NOW, config=evolve(GUEST, leads_to=("rail", "shed")))
    verdict = guest.step(Started(), now, Operator(verb)).verdict
    assert verdict is not None
    assert verdict.reason == UNREACHED.format(boards="rail and shed", verb=verb)
    assert f"--force to {verb} it" in verdict.reason


# --- What was decided before, and is read only now --------------------------------------------------------------------

LEFT_ALONE = NOW.remember(term=Term("maintenance", 600.0))


def test_a_maintenance_that_was_decided_before_begins_and_answers_nobody() -> None:
    step = guest.step(Started(), LEFT_ALONE, Review())
    assert step.state == Maintenance("an operator decided so before")
    assert step.memory == LEFT_ALONE.memory
    assert step.verdict is None


def test_a_maintenance_that_goes_on_is_not_begun_again() -> None:
    state = Maintenance("asked by the operator, for 2 h", silent=True)
    step = guest.step(state, LEFT_ALONE, Review())
    assert (step.state, step.effects) == (state, ())


@pytest.mark.parametrize(
    ("enabled", "reason"), [(False, "disabled in the configuration"), (True, "an operator decided so before")]
)
def test_a_guest_that_must_not_run_is_asked_to_halt_and_told_who_decided_it(enabled: bool, reason: str) -> None:
    now = evolve(NOW, config=evolve(GUEST, enabled=enabled)).remember(wanted="down" if enabled else "up")
    step = guest.step(Started(), now, Review())
    assert (step.state.name, step.verdict) == ("stopping", None)
    assert next(effect for effect in step.effects if hasattr(effect, "fields")).fields["reason"] == reason


# --- What is kept over a restart --------------------------------------------------------------------------------------


def test_nothing_is_known_of_a_guest_of_which_nothing_was_kept() -> None:
    state = guest.untrusted()
    assert state == Stopped("nothing is known of it yet", untouched=True, cut=0)
    assert state.power(Memory()) == UNTOUCHED


def test_nothing_may_be_cut_before_it_is_known_which_power_cycle_has_ended() -> None:
    assert Stopped().power(Memory(cycle=7)) == PowerGoal("off", 0)
    assert Stopped(cut=7).power(Memory(cycle=7)) == PowerGoal("off", 7)


@pytest.mark.parametrize("state", [Started(), Stopped(cut=0), Maintenance()])
def test_an_order_for_a_while_goes_on_with_what_is_left_of_it(state: State) -> None:
    assert guest.resume(state, LEFT_ALONE)[TERM] == Alarm(600.0)
    assert TERM not in guest.resume(state, NOW)


@pytest.mark.parametrize(("now_s", "kept_s"), [(100.5, 0.5), (100.0, 0.0), (99.0, 0.0)])
def test_how_long_it_had_been_up_is_kept_to_the_moment_and_never_less_than_nothing(now_s: float, kept_s: float) -> None:
    assert Started(since_at_s=100.0).left_off(now_s, no_time_left) == Started(since_at_s=100.0, up_s=kept_s)
    assert Started().left_off(now_s, no_time_left) == Started(up_s=0.0)
    booting = Starting(relay=Relay(on=True, on_at_s=100.0))
    assert isinstance(kept := booting.left_off(now_s, no_time_left), Starting)
    assert kept.relay.waited_s == kept_s


@pytest.mark.parametrize(("up_s", "away_s", "since_s"), [
    (0.5, 10.0, 989.5),
    (0.0, 10.0, None),
    (50.0, GUEST.heartbeat_timeout_s, 950.0 - GUEST.heartbeat_timeout_s),
    (50.0, GUEST.heartbeat_timeout_s + SOON_S, None),
    (50.0, None, None),
])  # fmt: skip
def test_how_long_it_has_been_up_is_known_if_it_was_and_cannot_have_been_silent_for_too_long(
    up_s: float, away_s: float | None, since_s: float | None
) -> None:
    resumed = Started(up_s=up_s).resumed(NOW, 1000.0, away_s)
    assert isinstance(resumed, Started)
    assert resumed.since_at_s == since_s


@pytest.mark.parametrize(("away_s", "left_s"), [(None, 60.0), (20.0, 40.0), (60.0, 0.0), (90.0, 0.0)])
def test_a_wait_for_the_next_try_goes_on_with_what_is_left_and_the_first_beats_are_not_believed(
    away_s: float | None, left_s: float
) -> None:
    stopped = Stopped(cut=0, settled=True, backoff_s=60.0)
    assert stopped.resumed(NOW, 1000.0, away_s) == evolve(stopped, settled=False, backoff_s=left_s)


def test_a_guest_that_booted_meanwhile_is_heard_for_some_beats_however_little_is_left_of_its_time() -> None:
    short = evolve(NOW, config=evolve(GUEST, start_timeout_s=1.0, start_timeout_max_s=1.0))
    assert HEARD_BEATS * GUEST.beat_interval_s > 1.0
    resumed = Starting(relay=Relay(cleared=True, asked=True, on=True, waited_s=50.0)).resumed(short, 1000.0, None)
    assert isinstance(resumed, Starting)
    assert resumed.relay.on_at_s == 1000.0


# --- Limits -----------------------------------------------------------------------------------------------------------


def test_a_beat_from_the_moment_of_the_cut_is_an_answer_from_before_it() -> None:
    state = Stopped(cut=0, settled=True, off=True, off_at_s=100.0)
    assert guest.step(state, NOW, Beat(100.0)).state == state
    assert guest.step(state, NOW, Beat(100.0 + SOON_S)).state == evolve(state, beat_at_s=100.0 + SOON_S)


def test_two_beats_of_a_guest_that_should_be_off_count_as_one_after_the_other_within_the_time_out() -> None:
    state = Stopped(cut=0, settled=True, off=True, beat_at_s=100.0)
    last_s = 100.0 + GUEST.heartbeat_timeout_s
    assert guest.step(state, NOW, Beat(last_s)).state.name == "started"
    assert guest.step(state, NOW, Beat(last_s + SOON_S)).state == evolve(state, beat_at_s=last_s + SOON_S)


# --- A stop while it boots --------------------------------------------------------------------------------------------


def test_a_stop_while_it_boots_waits_no_longer_than_the_start_would_have() -> None:
    story = Story()
    story.ask("start")
    story.relay_on()
    due_s = story.due_s("timeout")
    story.wait(20)
    story.ask("stop", for_s=600.0)
    assert story.name == "will_stop"
    assert story.due_s("timeout") == due_s


def test_why_it_is_to_stop_is_said_again_when_it_does() -> None:
    state = WillStop("the environment forbids that it runs", relay=Relay(cleared=True, asked=True, on=True, on_at_s=0.0))
    for item in (Beat(10.0), Fired("timeout", stirred=True), Fired("timeout", supply="on")):
        assert guest.step(state, NOW.remember(wanted="down"), item).state.reason == state.reason
    assert guest.step(state, NOW, Fired("timeout")).state.reason == state.reason


# --- Asked to halt ----------------------------------------------------------------------------------------------------


def test_a_message_says_of_which_power_cycle_it_is() -> None:
    step = guest.step(Started(), NOW.remember(cycle=7), Operator("stop"))
    assert [effect for effect in step.effects if isinstance(effect, Message)] == [Message("shutdown", 7)]


@pytest.mark.parametrize(("message", "is_asked", "becomes"), [
    # It went out just now: it is not sent twice, and counts as delivered.
    (HaltMessage(recent=True), False, HaltMessage(recent=True, delivered=True)),
    # It is on its way: nobody knows yet.
    (HaltMessage(recent=True, sending=True), False, HaltMessage(recent=True, sending=True)),
    (HaltMessage(), True, HaltMessage(recent=True, sending=True)),
])  # fmt: skip
def test_a_guest_that_was_never_asked_is_asked_when_its_time_is_over_and_gets_all_of_it_again(
    message: HaltMessage, is_asked: bool, becomes: HaltMessage
) -> None:
    step = guest.step(Stopping("asked by the operator", message=message), NOW, Fired("timeout"))
    assert step.state == Stopping("asked by the operator", message=becomes)
    assert any(isinstance(effect, Message) for effect in step.effects) == is_asked
    assert step.alarms is not None
    assert step.alarms["timeout"] == Alarm(GUEST.stop_timeout_s, answered=step.alarms["timeout"].answered)  # type: ignore[union-attr]
    assert step.alarms["resend"] == (Alarm(GUEST.shutdown_resend_s) if is_asked else KEEP)


def test_a_service_that_comes_up_sends_nothing_of_before_and_counts_silence_from_then() -> None:
    state = Stopping(message=HaltMessage(sending=True, recent=True, delivered=True))
    taken_up = Stopping(message=HaltMessage(delivered=True, told_at_s=1000.0, taken_up_at_s=1000.0))
    assert state.resumed(NOW, 1000.0, None) == taken_up
    assert taken_up.resumed(NOW, 1001.0, 0.0) == Stopping(
        message=HaltMessage(delivered=True, told_at_s=1001.0, taken_up_at_s=1000.0)
    ), "a task that begins anew makes no answer of it"


def test_what_was_told_in_this_run_is_not_taken_for_hearsay_by_a_task_that_begins_anew() -> None:
    told = Stopping(message=HaltMessage(delivered=True, told_at_s=5.0)).resumed(NOW, 6.0, 0.0)
    assert told == Stopping(message=HaltMessage(delivered=True, told_at_s=6.0))
    assert "resend" not in told.resume(NOW)
    assert guest.step(told, NOW, Fired("heartbeat")).state.name == "stopped"


@pytest.mark.parametrize("alarm", ["heartbeat", "timeout"])
@pytest.mark.parametrize("config", [GUEST, SWITCH])
def test_the_word_of_an_earlier_run_is_not_enough_for_it_may_be_from_before_the_guests_latest_start(
    config: DeviceConfig, alarm: str
) -> None:
    now = evolve(NOW, config=config)
    taken_up = Stopping("asked by the operator", message=HaltMessage(delivered=True)).resumed(now, 1000.0, 60.0)
    again = guest.step(taken_up, now, Fired(alarm))
    assert again.state == Stopping(
        "asked by the operator", message=HaltMessage(sending=True, recent=True, told_at_s=1000.0, taken_up_at_s=1000.0)
    )
    assert [effect for effect in again.effects if isinstance(effect, Message)] == [Message("shutdown", 0)]
    told = guest.step(again.state, now, MessageDone(1602.0, 0)).state
    assert told == Stopping("asked by the operator", message=HaltMessage(delivered=True, recent=True, told_at_s=1602.0))
    assert guest.step(told, now, Fired(alarm)).state.name == "stopped"


@pytest.mark.parametrize(("config", "silent_s"), [(GUEST, GUEST.stop_silence_s), (SWITCH, None)])
def test_only_of_a_guest_that_can_be_heard_it_is_said_that_it_fell_silent(config: DeviceConfig, silent_s: float | None) -> None:
    state = Stopping("asked by the operator", message=HaltMessage(delivered=True))
    step = guest.step(state, evolve(NOW, config=config).remember(wanted="down"), Fired("heartbeat"))
    (event,) = (effect for effect in step.effects if isinstance(effect, Draft))
    assert (step.state.name, event.fields.get("silent_s")) == ("stopped", silent_s)


@pytest.mark.parametrize(("alarm", "firm"), [("heartbeat", False), ("timeout", True)])
def test_a_restart_that_waits_for_others_ends_in_stopped_as_firmly_as_it_was_cut(alarm: str, firm: bool) -> None:
    now = evolve(NOW, waits_for=("cs",)).remember(cycle=7)
    step = guest.step(Restarting(message=HaltMessage(delivered=True)), now, Fired(alarm))
    assert step.state == Stopped("it is started after cs", cut=7, firm=firm)


def test_one_that_is_switched_on_while_it_is_asked_after_a_failed_start_has_its_backoff_due_all_the_same() -> None:
    state = Stopping("its start failed", untouched=True, failed=True, message=HaltMessage(delivered=True))
    step = guest.step(state, NOW.remember(wanted="down"), PowerFound(10.0, "somebody pressed its button"))
    assert isinstance(step.state, Stopping)
    assert (step.state.failed, step.state.untouched, step.memory.cycle) == (True, False, 1)


# --- A start that waits for others ------------------------------------------------------------------------------------


def test_a_start_that_waits_for_others_ends_the_wait_for_the_next_try() -> None:
    story = Story(state=Stopped(cut=0, backoff_s=60.0, off=True), waits_for=("cs",))
    story.arm({"settle": Alarm(5.0), "backoff": Alarm(60.0)})
    assert story.ask("start").reason == "it is started after cs"
    assert set(story.armed) == {"settle"}


def test_what_is_left_of_a_wait_however_little_is_waited_for() -> None:
    assert Stopped(cut=0, backoff_s=0.5).resume(NOW)["backoff"] == Alarm(0.5)
    assert "backoff" not in Stopped(cut=0).resume(NOW)


def test_what_is_no_state_is_shown_as_it_was_saved() -> None:
    with pytest.raises(StoreError, match=r"what was saved of a guest is no state of it: \{'name': 'asleep'\}"):
        guest.restored({"name": "asleep"})
