"""Which late cuts the truth of the simulation allows: those of a command that was allowed when it was sent, and no others."""

from typing import Any

import pytest

from tests.fsm.guests import GUEST
from wagman.model.facts import Plug
from wagman.simulation.records import Answered, Asked, RelayMoved, Sent
from wagman.simulation.scene_port import LATE_SWITCH_S, SLACK_S, UNSEEN_OFF_S, Port

PLUG = Plug("board", 1)
KILL = Asked(100.0, "kill", "gn")


def killed(*, accepted: bool = True) -> Port:
    port = Port(GUEST, GUEST)
    port.asks(KILL)
    port.answered(Answered(100.0, KILL, {"accepted": accepted, "reason": ""}))
    return port


def is_cut(port: Port, at_s: float = 110.0) -> Port:
    port.is_being_cut(Sent(at_s, "disable", PLUG))
    return port


def on(at_s: float, request: str | None) -> RelayMoved:
    by: Any = "command" if request else "fault"
    return RelayMoved(at_s, PLUG, on=True, by=by, guest="off", silent_s=0.0, request=request)


def test_a_kill_allows_what_it_sends_for_as_long_as_that_may_be_late() -> None:
    port = is_cut(killed())
    assert port.was_allowed(110.0 + LATE_SWITCH_S + SLACK_S)
    assert not port.was_allowed(111.0 + LATE_SWITCH_S + SLACK_S)


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_a_kill_that_was_refused_or_that_a_start_has_overtaken_allows_nothing(verb: str) -> None:
    assert not is_cut(killed(accepted=False)).was_allowed(110.0)
    port = killed()
    port.asks(Asked(105.0, verb, "gn"))
    assert not is_cut(port).was_allowed(110.0)


def test_a_kill_allows_no_cut_of_power_that_came_on_by_itself_after_it() -> None:
    port = killed()
    port.comes_on(on(105.0, None))
    assert not is_cut(port).was_allowed(110.0)
    port = killed()
    port.comes_on(on(105.0, "1 on"))  # a start of before, carried out late
    assert is_cut(port).was_allowed(110.0)


@pytest.mark.parametrize(("after_s", "is_allowed"), [(UNSEEN_OFF_S, True), (UNSEEN_OFF_S + 0.1, False)])
def test_power_that_comes_back_counts_as_an_off_that_was_not_done_only_before_a_look(after_s: float, is_allowed: bool) -> None:
    port = is_cut(killed())
    port.comes_on(on(110.0 + after_s, None))
    assert port.was_allowed(115.0) == is_allowed
