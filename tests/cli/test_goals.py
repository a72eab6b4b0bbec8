"""What a command waits for, decided on evidence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagman.cli.goals import CODES, DOWN, HEARD_OFF, UP, Moment, Outcome, Pursuit, exit_code, sentence

BEGAN = Moment("boot-1", 100.0, 5.0)
NOW = Moment("boot-1", 141.0, 7.0)

NOT_KEPT = "NOT KEPT, for the disk has not taken it: a restart may forget it"


def pursuit(verb: str = "start", state: str = "starting", event_id: int | None = 10) -> Pursuit:
    return Pursuit(verb, "gn", {"accepted": True, "state": state, "reason": "so be it", "event_id": event_id}, BEGAN)


def event(what: str, **more: Any) -> Any:
    return {"id": 11, "boot_id": "boot-1", "mono_s": 141.0, "type": f"device.{what}", "device": "gn", "fields": {}, **more}


def status(state: str = "stopped", wagman: str = "normal", **more: Any) -> Any:
    row = {
        "name": "gn",
        "state": state,
        "wanted": "up",
        "enabled": True,
        "power": {"wanted": "off", "confirmed": True, "evidence": "told"},
        "media": "emmc",
        "attempts": 1,
        "failures": 0,
        **more,
    }
    return {"devices": [row], "wagman": {"state": wagman}}


def decided(subject: Pursuit) -> Outcome:
    assert subject.outcome is not None
    return subject.outcome


@pytest.mark.parametrize(
    ("verb", "state", "what", "text"),
    [
        (
            "stop",
            "stopped",
            "off",
            f"power is off, {NOT_KEPT}",
        ),
        ("stop", "stopping", "relay_stuck", f"stuck: it stays on; {NOT_KEPT}"),
        ("start", "starting", "started", f"gn: started after 41 s, {NOT_KEPT}"),
        ("start", "starting", "start_failed", f"again by itself; {NOT_KEPT}"),
        ("start", "started", "started", f"gn: already started; {NOT_KEPT}"),
    ],
)
def test_that_a_restart_will_forget_it_is_told_whatever_comes_of_it(verb: str, state: str, what: str, text: str) -> None:
    reason = f"it is asked to halt; {NOT_KEPT}"
    subject = Pursuit(verb, "gn", {"accepted": True, "state": state, "reason": reason, "event_id": 10}, BEGAN)
    subject.heard(event(what), NOW)
    assert text in sentence(verb, decided(subject))


def test_while_a_guest_halts_the_time_until_its_power_is_cut_is_told() -> None:
    subject = pursuit("stop", "stopping")
    alarms = [{"name": "heartbeat", "in_s": 5.0, "held": False}, {"name": "timeout", "in_s": 559.0, "held": False}]
    subject.seen(status("stopping", wanted="down", alarms=alarms), NOW)
    later = NOW._replace(mono_s=NOW.mono_s + 60.0)
    assert subject.waiting(later) == "gn: stopping, 1 min 41 s, its power is cut in 8 min 19 s at most"
    assert subject.waiting(later, is_seen=False) == "gn: stopping, 1 min 41 s", "nothing is cut by a board that cannot be seen"
    assert subject.waiting(NOW._replace(mono_s=NOW.mono_s + 600.0)) == "gn: stopping, 10 min 41 s"


def test_the_time_for_a_start_is_not_taken_for_that_of_a_halt() -> None:
    subject = pursuit()
    subject.seen(status("starting", alarms=[{"name": "timeout", "in_s": 559.0, "held": False}]), NOW)
    assert subject.waiting(NOW) == "gn: starting, 41 s"


# --- Going up ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", UP)
def test_up_is_reached_when_the_device_is_started(verb: str) -> None:
    subject = pursuit(verb)
    subject.heard(event("starting"), NOW)
    assert subject.outcome is None
    subject.heard(event("started", fields={"media": "sd", "attempt": 2}), NOW)
    assert decided(subject) == Outcome("gn", "done", "started", 41.0, "sd", 2)
    assert sentence("start", decided(subject)) == "gn: started after 41 s, from sd, second attempt"


def test_the_first_failed_start_ends_the_wait() -> None:
    subject = pursuit()
    subject.heard(event("start_failed", fields={"media": "emmc", "attempt": 1}), NOW)
    assert decided(subject).code == 1
    text = "gn: start failed after 41 s, from emmc: it is tried again by itself; see wagman why gn"
    assert sentence("start", decided(subject)) == text


def test_a_start_of_what_is_started_is_done_at_once() -> None:
    assert sentence("start", decided(pursuit(state="started"))) == "gn: already started"


def test_a_restart_waits_even_if_the_device_still_shows_started() -> None:
    assert pursuit("restart", state="started").outcome is None


def test_what_happened_before_the_command_or_to_another_device_decides_nothing() -> None:
    subject = pursuit()
    subject.heard(event("started", id=9), NOW)
    subject.heard(event("started", id=10), NOW)
    subject.heard(event("started", device="cs"), NOW)
    assert subject.outcome is None
    subject.heard(event("started", id=None), NOW)
    assert decided(subject).outcome == "done"


def test_the_status_is_evidence_too_where_an_event_was_missed() -> None:
    subject = pursuit()
    subject.seen(status("starting"), NOW)
    assert subject.outcome is None
    subject.seen(status("started", attempts=3), NOW)
    assert decided(subject) == Outcome("gn", "done", "started", 41.0, "emmc", 3)


def test_a_failure_that_only_the_status_tells_of_counts() -> None:
    subject = pursuit()
    subject.seen(status("starting", failures=2), NOW)
    subject.seen(status("stopped", failures=2), NOW)
    assert subject.outcome is None
    subject.seen(status("stopped", failures=3), NOW)
    assert decided(subject).outcome == "failed"


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (status(wanted="down"), 1),
        (status(held=True), 1),
        (status(wanted="down", enabled=False), 4),
        (status(wagman="hibernating"), 4),
        (status(wagman="will_hibernate"), 4),
    ],
)
def test_what_makes_the_start_hopeless_ends_the_wait(seen: Any, code: int) -> None:
    subject = pursuit()
    subject.seen(seen, NOW)
    assert decided(subject).code == code


def test_a_start_that_is_under_way_while_hibernating_was_forced_and_is_waited_for() -> None:
    subject = pursuit()
    subject.seen(status("starting", wagman="hibernating"), NOW)
    assert subject.outcome is None


def test_lost_power_is_no_end_it_is_started_again() -> None:
    subject = pursuit()
    subject.heard(event("stopped", fields={"reason": "power lost"}), NOW)
    subject.seen(status("stopped"), NOW)
    assert subject.outcome is None


def test_a_brownout_ends_the_wait() -> None:
    subject = pursuit()
    subject.heard(event("brownout"), NOW)
    assert decided(subject).code == 1


# --- Going down -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", DOWN)
def test_down_is_stopped_and_power_confirmed_off(verb: str) -> None:
    subject = pursuit(verb, "stopping")
    subject.heard(event("stopped"), NOW)
    subject.seen(status("stopped", wanted="down", power={"wanted": "off", "confirmed": False}), NOW)
    subject.seen(status("stopping", wanted="down"), NOW)
    assert subject.outcome is None
    subject.seen(status("stopped", wanted="down"), NOW)
    assert decided(subject).code == 0
    assert sentence(verb, decided(subject)).endswith("after 41 s, power is off")


@pytest.mark.parametrize("verb", DOWN)
def test_down_is_reached_when_the_power_of_what_is_stopped_was_seen_off(verb: str) -> None:
    subject = pursuit(verb, "stopping")
    subject.heard(event("stopped"), NOW)
    assert subject.outcome is None
    subject.heard(event("off"), NOW)
    assert decided(subject) == Outcome("gn", "done", "stopped", 41.0)


def test_power_that_goes_off_for_a_new_start_is_no_stop() -> None:
    subject = pursuit("stop", "stopping")
    subject.heard(event("restarting"), NOW)
    subject.heard(event("starting"), NOW)
    subject.heard(event("off"), NOW)
    assert subject.outcome is None
    assert subject.state == "starting"


def test_a_guest_that_did_not_halt_in_time_is_told_of() -> None:
    subject = pursuit("stop", "stopping")
    subject.heard(event("stop_failed"), NOW)
    subject.seen(status("stopped", wanted="down"), NOW)
    assert sentence("stop", decided(subject)) == "gn: stopped after 41 s, power is off, it did not halt in time, and was cut"


def test_an_off_that_nothing_shows_is_told_as_such() -> None:
    subject = pursuit("stop", "stopping")
    subject.heard(event("stopped"), NOW)
    subject.heard(event("off", fields={"evidence": "assumed"}), NOW)
    expected = "gn: stopped after 41 s, power is off, as its board replied, which can show nothing"
    assert sentence("stop", decided(subject)) == expected


def test_a_stop_for_a_while_that_is_over_before_the_guest_was_off_is_no_command_of_another() -> None:
    subject = pursuit("stop", "stopping")
    subject.heard(event("stop_over"), NOW)
    subject.seen(status("stopping", wanted="up"), NOW)
    text = "gn: stop failed after 41 s: the time that it was to be off for was over before it was off; see wagman why gn"
    assert (sentence("stop", decided(subject)), decided(subject).code) == (text, 1)


def test_a_relay_that_is_stuck_ends_the_wait() -> None:
    subject = pursuit("stop", "stopping")
    subject.heard(event("relay_stuck"), NOW)
    assert decided(subject).code == 1


def test_a_relay_that_was_reported_as_stuck_before_ends_the_wait_too() -> None:
    subject = pursuit("kill", "stopped")
    subject.seen(status("stopped", wanted="down", power={"wanted": "off", "confirmed": False}, relay_stuck=True), NOW)
    assert decided(subject).code == 1


def test_a_guest_that_is_heard_though_its_outlet_is_off_ends_the_wait_which_no_cut_would() -> None:
    subject = pursuit("stop", "stopping")
    subject.seen(status("stopping", wanted="down", power={"wanted": "on", "confirmed": True}, heard_off=True), NOW)
    assert (decided(subject).code, decided(subject).reason) == (1, HEARD_OFF)


def test_somebody_who_starts_it_meanwhile_ends_the_wait() -> None:
    subject = pursuit("stop", "stopping")
    subject.seen(status("starting", wanted="up"), NOW)
    assert decided(subject).code == 1


# --- Without a goal ---------------------------------------------------------------------------------------------------


def test_enable_is_done_when_it_is_accepted() -> None:
    assert sentence("enable", decided(pursuit("enable", "stopped"))) == "gn: so be it"


def test_giving_up_is_an_outcome_and_changes_none() -> None:
    subject = pursuit()
    subject.give_up("timed_out", "timed out", NOW)
    subject.give_up("unreachable", "gone", NOW)
    assert decided(subject).code == 5
    assert sentence("start", decided(subject)) == "gn: timed out: it is starting, and goes on; see wagman status gn"


def test_the_services_clock_counts_and_after_a_restart_of_the_service_ours() -> None:
    assert pursuit().waited_s(NOW) == 41.0
    assert pursuit().waited_s(Moment("boot-2", 3.0, 8.0)) == 3.0


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([], 0),
        (["done", "accepted"], 0),
        (["timed_out", "done"], 5),
        (["timed_out", "unreachable"], 3),
        (["timed_out", "failed", "unreachable"], 1),
        (["timed_out", "failed", "refused", "done"], 4),
    ],
)
def test_of_several_devices_the_gravest_exit_code_counts(outcomes: list[str], code: int) -> None:
    assert exit_code([Outcome("gn", each) for each in outcomes]) == code


KINDS = [
    "starting",
    "started",
    "start_failed",
    "stopping",
    "stopped",
    "stop_failed",
    "restarting",
    "will_stop",
    "brownout",
    "relay_stuck",
]
EVENTS = st.builds(
    lambda kind, number, device: event(kind, id=number, device=device),
    st.sampled_from(KINDS),
    st.none() | st.integers(1, 20),
    st.sampled_from(["gn", "cs"]),
)
STATUSES = st.builds(
    status,
    st.sampled_from(["stopped", "starting", "started", "stopping", "restarting", "will_stop"]),
    st.sampled_from(["normal", "will_hibernate", "hibernating"]),
    wanted=st.sampled_from(["up", "down"]),
    enabled=st.booleans(),
    failures=st.integers(0, 3),
    power=st.fixed_dictionaries({"wanted": st.sampled_from(["on", "off"]), "confirmed": st.booleans()}),
)


@given(st.sampled_from(UP + DOWN), st.lists(EVENTS | STATUSES))
def test_whatever_is_heard_the_first_decision_stands_and_done_rests_on_evidence(verb: str, evidence: list[Any]) -> None:
    subject = pursuit(verb, "restarting")
    for each in evidence:
        before = subject.outcome
        if "devices" in each:
            subject.seen(each, NOW)
        else:
            subject.heard(each, NOW)
        if before is not None:
            assert subject.outcome == before
        elif subject.outcome is not None:
            assert subject.outcome.outcome in CODES
            assert sentence(verb, subject.outcome).startswith("gn: ")
            if subject.outcome.outcome == "done":
                assert supports(verb, each)


def supports(verb: str, evidence: dict[str, Any]) -> bool:
    if "devices" not in evidence:
        return verb in UP and evidence["type"] == "device.started"
    (row,) = evidence["devices"]
    is_off = row["state"] == "stopped" and row["power"]["wanted"] == "off" and row["power"]["confirmed"]
    return bool(row["state"] == "started" if verb in UP else is_off)
