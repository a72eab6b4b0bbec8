"""Guests that come after others: what the scheduler starts, and whose stop it lets go on, and when."""

from typing import Any

from attrs import evolve

from tests.fsm.test_scheduler_sentences import Node, situation
from wagman.config.schema import WagmanConfig
from wagman.fsm.alarms import Alarm
from wagman.fsm.scheduler.inputs import Effect, GuestChanged, ReviewGuest, View

STAGGER_S = WagmanConfig().stagger_s


def node() -> Node:
    """cs comes after gn, and x1 after both."""
    return Node(evolve(situation(), after={"cs": ("gn",), "x1": ("gn", "cs")}))


def show(node: Node, name: str, state: str, **more: Any) -> list[Effect]:
    return node.tell(GuestChanged(View(name, state, **more)))


def running() -> Node:
    there = node()
    there.show_all("started")
    return there


# --- Starting ---------------------------------------------------------------------------------------------------------


def test_a_guest_is_not_started_before_those_that_it_needs_are_up() -> None:
    there = running()
    show(there, "gn", "starting")
    show(there, "cs", "stopped", due=True)
    assert there.started == []
    show(there, "gn", "started")
    assert there.started == ["cs"]


def test_it_waits_for_each_of_them() -> None:
    there = running()
    show(there, "gn", "starting")
    show(there, "cs", "starting")
    show(there, "x1", "stopped", due=True)
    show(there, "gn", "started")
    assert there.started == []
    show(there, "cs", "started")
    assert there.started == ["x1"]


def test_all_that_are_down_come_up_one_after_the_other() -> None:
    there = node()
    there.show("x1", "stopped", due=True)
    there.show("cs", "stopped", due=True)
    assert there.started == []
    there.show("gn", "stopped", due=True)
    assert [there.turn() for _ in range(3)] == ["gn", "cs", "x1"]


def test_one_that_is_not_to_run_is_not_waited_for() -> None:
    there = running()
    show(there, "gn", "stopped", wanted=False)
    show(there, "cs", "stopped", due=True)
    assert there.started == ["cs"]


def test_one_that_somebody_stops_meanwhile_is_waited_for_no_more() -> None:
    there = running()
    show(there, "gn", "starting")
    show(there, "cs", "stopped", due=True)
    show(there, "gn", "stopping", wanted=False)
    assert there.started == ["cs"]


def test_one_whose_start_has_failed_is_not_waited_for_again_before_it_has_been_up() -> None:
    there = running()
    show(there, "gn", "starting")
    show(there, "cs", "stopped", due=True)
    show(there, "gn", "stopped")  # its backoff runs
    assert there.started == ["cs"]
    show(there, "cs", "started", starts=1)
    show(there, "gn", "starting")
    show(there, "cs", "stopped", due=True, starts=1)
    assert there.started == ["cs", "cs"]
    show(there, "cs", "started", starts=2)
    show(there, "gn", "started")
    show(there, "gn", "starting")
    show(there, "cs", "stopped", due=True, starts=2)
    assert there.started == ["cs", "cs"]


def test_nobody_waits_longer_than_a_start_may_take() -> None:
    there = running()
    show(there, "gn", "starting", start_timeout_s=240.0)
    show(there, "cs", "stopped", due=True)
    assert there.armed["after:gn"] == Alarm(240.0 + STAGGER_S + 60.0)
    there.fire("after:gn")
    assert there.started == ["cs"]
    assert "after:gn" not in there.armed


def test_the_time_of_one_that_has_to_halt_first_begins_when_it_is_started() -> None:
    there = running()
    show(there, "gn", "restarting", start_timeout_s=240.0, stop_timeout_s=500.0)
    show(there, "cs", "stopped", due=True)
    assert there.armed["after:gn"] == Alarm(500.0 + 240.0 + STAGGER_S + 60.0)
    show(there, "gn", "starting", start_timeout_s=240.0, stop_timeout_s=500.0)
    assert there.armed["after:gn"] == Alarm(240.0 + STAGGER_S + 60.0)
    assert there.started == []


def test_the_time_of_one_that_waits_for_its_own_turn_does_not_run() -> None:
    there = node()
    there.show("x1", "stopped", due=True)
    there.show("cs", "stopped", due=True)
    there.show("gn", "stopped", due=True)
    assert there.started == ["gn"]
    assert not any(name.startswith("after:") for name in there.armed if name != "after:gn")


# --- Stopping ---------------------------------------------------------------------------------------------------------


def test_a_guest_that_is_to_stop_is_let_go_once_those_that_need_it_are_down() -> None:
    there = running()
    show(there, "cs", "stopping", wanted=False)
    assert not any(isinstance(each, ReviewGuest) for each in show(there, "gn", "started", wanted=False, leaving=True))
    assert there.now.leaning("gn") == ("cs",)
    assert ReviewGuest("gn", "cs") in show(there, "cs", "stopped", wanted=False)


def test_those_that_run_on_hold_up_no_stop() -> None:
    there = running()
    assert ReviewGuest("gn") in show(there, "gn", "started", wanted=False, leaving=True)


def test_nobody_waits_longer_than_a_stop_may_take() -> None:
    there = running()
    show(there, "cs", "stopping", wanted=False, stop_timeout_s=600.0, start_timeout_s=120.0)
    show(there, "gn", "started", wanted=False, leaving=True)
    assert there.armed["before:cs"] == Alarm(600.0 + 120.0 + 60.0)
    assert ReviewGuest("gn") in there.fire("before:cs")
    assert "before:cs" not in there.armed


def test_in_the_heat_those_that_others_need_are_stopped_after_them() -> None:
    there = running()
    for name in ("gn", "cs", "x1"):
        show(there, name, "started", wanted=False)
    now = there.now
    assert (now.leaning("gn"), now.leaning("cs"), now.leaning("x1")) == (("cs", "x1"), ("x1",), ())
    asked = now.next_stop(frozenset(now.order))
    assert asked is not None
    assert asked.name == "x1"


def lingers() -> Node:
    """cs did not stop in its time, and nobody waits for its end any more."""
    there = running()
    show(there, "cs", "stopping", wanted=False)
    show(there, "gn", "started", wanted=False, leaving=True)
    there.fire("before:cs")
    assert there.now.lingering == {"cs"}
    return there


def test_a_guest_that_did_not_stop_in_its_time_is_waited_for_again_once_it_was_down_or_is_to_run_again() -> None:
    there = lingers()
    show(there, "cs", "stopping", wanted=False, starts=1)
    assert there.now.lingering == {"cs"}
    show(there, "cs", "stopped", wanted=False)
    assert there.now.lingering == frozenset()
    there = lingers()
    show(there, "cs", "restarting", wanted=True)
    assert there.now.lingering == frozenset()


def test_a_start_that_goes_on_or_is_to_be_ended_has_not_failed() -> None:
    for state in ("starting", "will_stop"):
        there = running()
        show(there, "gn", "starting")
        show(there, "gn", state, starts=1)
        assert there.now.overdue == frozenset()
    show(there := running(), "gn", "starting")
    show(there, "gn", "stopping")
    assert there.now.overdue == {"gn"}


def test_nobody_waits_for_the_end_of_a_guest_in_maintenance() -> None:
    there = running()
    show(there, "cs", "maintenance", wanted=False)
    assert there.now.leaning("gn") == ()
    assert ReviewGuest("gn") in show(there, "gn", "started", wanted=False, leaving=True)


def test_a_guest_that_others_need_is_not_the_next_to_stop_before_them() -> None:
    there = running()
    for name in ("gn", "cs"):
        show(there, name, "started", wanted=False)
    show(there, "x1", "stopping", wanted=False)
    assert there.now.next_stop(frozenset(there.now.order)) is None
    show(there, "x1", "stopped", wanted=False)
    asked = there.now.next_stop(frozenset(there.now.order))
    assert asked is not None
    assert asked.name == "cs"
