"""The one loop: alarms, their proof, and what comes before what."""

import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from wagman.config.boards import WagmanBoard
from wagman.config.schema import DeviceConfig
from wagman.fsm.alarms import KEEP, LEAST_BOOT_S, Alarm, Fired
from wagman.io.ears.tcp import TcpEar
from wagman.model.facts import Answered, Listened, Supply
from wagman.service.parts import late_s
from wagman.tasks.inbox import CAPACITY, Inbox
from wagman.tasks.loop import LOOK_AGAIN_S, LOOK_LATER_S, LOOKS, Alarms, AlarmView, drive


def virtually(main: Callable[[], Awaitable[None]]) -> None:
    """Run in virtual time."""
    trio.run(main, clock=MockClock(autojump_threshold=0))


def listened(asked_at_s: float, silent_since_s: float) -> Listened:
    return Listened(asked_at_s, silent_since_s)


class Taker:
    """A machine that remembers what it was given, and when."""

    def __init__(self, alarms: Alarms) -> None:
        self.alarms = alarms
        self.taken: list[tuple[float, Any]] = []

    async def __call__(self, item: Any) -> None:
        self.taken.append((trio.current_time(), item))
        if isinstance(item, Answered | Listened):
            self.alarms.saw(item)


async def run_for(seconds: float, inbox: Inbox[Any], alarms: Alarms, taker: Taker) -> None:
    with trio.move_on_after(seconds):
        await drive(taker, inbox, alarms, lambda: None)


def test_an_alarm_that_needs_no_proof_fires_when_it_falls_due() -> None:
    async def main() -> None:
        alarms, inbox = Alarms(), Inbox[Any]()
        taker = Taker(alarms)
        began_s = trio.current_time()
        alarms.plan({"timeout": Alarm(120)}, began_s)
        await run_for(500, inbox, alarms, taker)
        assert taker.taken == [(began_s + 120, Fired("timeout"))]

    virtually(main)


@pytest.mark.parametrize("after_s", [5, 600])
@pytest.mark.parametrize(("overdue_s", "late"), [(0, False), (60, False), (60.1, True), (9000, True)])
def test_an_alarm_is_late_when_it_is_overdue_by_more_than_a_minute_however_long_it_took(
    overdue_s: float, late: bool, after_s: float
) -> None:
    alarms = Alarms()
    alarms.plan({"timeout": Alarm(after_s)}, 0.0)
    armed = alarms.nearest()
    assert armed is not None
    assert alarms.fired(armed, after_s + overdue_s) == Fired("timeout", late=late)


@pytest.mark.parametrize(("stirred_at_s", "stirred"), [(-math.inf, False), (1009.0, False), (1011.0, True)])
def test_an_alarm_says_whether_anything_was_heard_since_it_began(stirred_at_s: float, stirred: bool) -> None:
    """What comes at once with its beginning is the beginning: switching a port on resets its timer."""
    alarms = Alarms(Answered(1180.0, "on"), Listened(1180.0, 1060.0, stirred_at_s))
    alarms.plan({"timeout": Alarm(120, proof=True, since_s=1000.0)}, 1001.0)
    assert alarms.fired(alarms.nearest() or next(iter([])), 1180.0) == Fired("timeout", "on", stirred=stirred)


@pytest.mark.parametrize(("poll_s", "every_s", "expected_s"), [(5, 10, 60), (20, 10, 60), (300, 10, 900), (5, 300, 900)])
def test_where_the_board_or_the_guest_is_asked_rarely_an_alarm_is_late_after_three_questions(
    poll_s: float, every_s: float, expected_s: float
) -> None:
    guest = DeviceConfig("gn", 1, ears=(TcpEar(tcp="gn:22", every_s=every_s),))
    assert late_s(guest, WagmanBoard(poll_s=poll_s)) == expected_s


@pytest.mark.parametrize(("asked_s", "fires"), [(None, False), (119.0, False), (120.0, True)])
def test_an_alarm_that_wants_an_answer_waits_for_one_whatever_it_says(asked_s: float | None, fires: bool) -> None:
    alarms = Alarms(None if asked_s is None else Answered(asked_s))
    alarms.plan({"timeout": Alarm(120, answered=True)}, 0.0)
    assert (alarms.nearest() is not None) == fires
    assert [view.held for view in alarms.view(130.0)] == [not fires]


def test_an_alarm_that_rests_on_silence_waits_for_ever_without_a_poll() -> None:
    async def main() -> None:
        alarms, inbox = Alarms(), Inbox[Any]()
        taker = Taker(alarms)
        alarms.plan({"heartbeat": Alarm(300, proof=True)}, trio.current_time())
        await run_for(86_400, inbox, alarms, taker)
        assert taker.taken == []
        (view,) = alarms.view(trio.current_time())
        assert view.held

    virtually(main)


@given(
    due_s=st.floats(1, 1000),
    asked_s=st.floats(0, 2000),
    silent_since_s=st.floats(-500, 2000),
)
def test_a_poll_proves_silence_only_if_asked_after_the_deadline_of_an_unbroken_silence(
    due_s: float, asked_s: float, silent_since_s: float
) -> None:
    alarms = Alarms(listened=listened(asked_s, silent_since_s))
    alarms.plan({"heartbeat": Alarm(due_s, proof=True)}, 0.0)
    proved = asked_s >= due_s and asked_s >= silent_since_s + due_s
    assert (alarms.nearest() is not None) == proved


def test_a_board_that_reset_the_ports_age_has_not_listened_long_enough() -> None:
    alarms = Alarms()
    alarms.plan({"heartbeat": Alarm(300, proof=True)}, 0.0)
    alarms.listened = listened(asked_at_s=310, silent_since_s=100)
    assert alarms.nearest() is None
    alarms.listened = listened(asked_at_s=401, silent_since_s=100)
    assert alarms.nearest() is not None


def test_a_poll_in_the_past_of_an_alarm_that_was_armed_anew_proves_nothing() -> None:
    alarms = Alarms(listened=listened(asked_at_s=310, silent_since_s=0))
    alarms.plan({"heartbeat": Alarm(300, proof=True, since_s=200)}, 310)
    assert alarms.nearest() is None


def test_what_is_queued_when_an_alarm_falls_due_is_handled_before_it() -> None:
    async def main() -> None:
        alarms, inbox = Alarms(), Inbox[Any]()
        taker = Taker(alarms)
        alarms.plan({"timeout": Alarm(10)}, trio.current_time())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_for, 20, inbox, alarms, taker)
            await trio.sleep(10)
            inbox.tell("a beat at the same instant")
        assert [item for _, item in taker.taken] == ["a beat at the same instant", Fired("timeout")]

    virtually(main)


def test_an_alarm_that_a_queued_input_re_arms_does_not_fire() -> None:
    async def main() -> None:
        alarms, inbox = Alarms(), Inbox[Any]()
        taken: list[Any] = []

        async def take(item: Any) -> None:
            taken.append(item)
            alarms.plan({"timeout": Alarm(10)}, trio.current_time())

        alarms.plan({"timeout": Alarm(10)}, trio.current_time())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(drive, take, inbox, alarms, lambda: None)
            await trio.sleep(10)
            inbox.tell("beat")
            await trio.sleep(5)
            nursery.cancel_scope.cancel()
        assert taken == ["beat"]

    virtually(main)


def test_a_flood_cannot_starve_an_alarm() -> None:
    async def main() -> None:
        alarms, inbox = Alarms(), Inbox[Any]()
        taken: list[Any] = []

        async def take(item: Any) -> None:
            taken.append(item)
            inbox.tell("more")

        alarms.plan({"timeout": Alarm(0)}, trio.current_time())
        for _ in range(10):
            inbox.tell("flood")
        with trio.move_on_after(1):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(drive, take, inbox, alarms, lambda: None)
                while Fired("timeout") not in taken and len(taken) < 1000:
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
        assert Fired("timeout") in taken

    virtually(main)


def test_a_transition_is_never_cancelled_by_an_alarm() -> None:
    async def main() -> None:
        alarms, inbox = Alarms(), Inbox[Any]()
        done: list[Any] = []

        async def take(item: Any) -> None:
            await trio.sleep(60)  # far beyond the alarm
            done.append(item)

        alarms.plan({"timeout": Alarm(10)}, trio.current_time())
        inbox.tell("slow")
        with trio.move_on_after(250):
            await drive(take, inbox, alarms, lambda: None)
        assert done == ["slow", Fired("timeout")]

    virtually(main)


def test_a_plan_is_complete_what_it_does_not_name_is_gone_and_keep_keeps_the_deadline() -> None:
    alarms = Alarms()
    alarms.plan({"a": Alarm(10), "b": Alarm(20)}, 0.0)
    alarms.plan({"b": KEEP, "c": Alarm(5), "never armed": KEEP}, 12.0)
    assert {view.name: view.in_s for view in alarms.view(12.0)} == {"b": 8, "c": 5}
    alarms.plan(None, 13.0)
    assert alarms.remaining_s("b", 13.0) == 7
    assert alarms.remaining_s("a", 13.0) is None


def test_a_late_told_beat_arms_from_its_own_time() -> None:
    alarms = Alarms()
    alarms.plan({"heartbeat": Alarm(300, since_s=50)}, 200.0)
    assert alarms.remaining_s("heartbeat", 200.0) == 150


def test_each_turn_is_progress() -> None:
    async def main() -> None:
        alarms, inbox, turns = Alarms(), Inbox[Any](), []
        inbox.tell(1)
        inbox.tell(2)
        with trio.move_on_after(1):
            await drive(Taker(alarms), inbox, alarms, lambda: turns.append(trio.current_time()))
        assert len(turns) == 3

    virtually(main)


# --- The inbox --------------------------------------------------------------------------------------------------------


def test_a_full_inbox_refuses_requests_and_coalesces_facts() -> None:
    inbox = Inbox[Any]()
    assert all(inbox.ask(number) for number in range(CAPACITY))
    assert not inbox.ask("refused")
    inbox.tell(1.5)
    inbox.tell("kind a")
    inbox.tell(2.5)  # takes the place of 1.5, and is the latest now
    assert not inbox.ask("still refused, the facts would be overtaken")
    assert [inbox.take() for _ in range(inbox.waiting)] == [*range(CAPACITY), "kind a", 2.5]
    assert inbox.ask("room again")


@given(st.lists(st.one_of(st.integers(), st.floats(allow_nan=False), st.text()), max_size=200))
def test_the_latest_fact_of_each_kind_is_never_lost(facts: list[object]) -> None:
    inbox = Inbox[Any]()
    for fact in facts:
        inbox.tell(fact)
    out = [inbox.take() for _ in range(inbox.waiting)]
    assert {type(fact): fact for fact in out} == {type(fact): fact for fact in facts}
    assert len(out) <= CAPACITY + 3


def test_an_empty_inbox_says_so() -> None:
    inbox = Inbox[Any]()
    try:
        inbox.take()
    except trio.WouldBlock:
        return
    raise AssertionError("took something out of nothing")


def test_nothing_waiting_is_no_alarm() -> None:
    alarms = Alarms()
    assert alarms.nearest() is None
    alarms.plan({"late": Alarm(math.inf)}, 0.0)
    assert alarms.fired(alarms.nearest() or next(iter([])), 0.0) == Fired("late")
    assert alarms.nearest() is None


# --- Who waits for a proof asks for it --------------------------------------------------------------------------------


class Asked:
    """Whoever is asked for a look: a board or an ear that answers `takes_s` later, or not at all."""

    def __init__(self, inbox: Inbox[Any], *, silent_since_s: float = 0.0, answers: bool = True) -> None:
        self.inbox, self.silent_since_s, self.answers = inbox, silent_since_s, answers
        self.at_s: list[float] = []

    def __call__(self) -> None:
        self.at_s.append(trio.current_time())
        if self.answers:
            self.inbox.tell(listened(trio.current_time(), self.silent_since_s))


async def run_asking(seconds: float, alarms: Alarms, taker: Taker, asked: Asked) -> None:
    with trio.move_on_after(seconds):
        await drive(taker, asked.inbox, alarms, lambda: None, asked)


def test_an_alarm_that_falls_due_without_its_proof_asks_for_it_and_fires_by_what_is_seen() -> None:
    async def main() -> None:
        alarms, inbox, began_s = Alarms(), Inbox[Any](), trio.current_time()
        taker, asked = Taker(alarms), Asked(inbox, silent_since_s=began_s)
        alarms.plan({"heartbeat": Alarm(60, proof=True)}, began_s)
        await run_asking(500, alarms, taker, asked)
        assert [at_s - began_s for at_s in asked.at_s] == [pytest.approx(60 + LOOK_LATER_S)]
        fired_s, fired = taker.taken[-1]
        assert fired_s - began_s == pytest.approx(60 + LOOK_LATER_S)
        assert fired.name == "heartbeat"

    virtually(main)


def test_it_asks_as_late_as_it_can_be_proved_by_what_was_heard() -> None:
    async def main() -> None:
        alarms, inbox, began_s = Alarms(), Inbox[Any](), trio.current_time()
        taker, asked = Taker(alarms), Asked(inbox, silent_since_s=began_s + 3)
        alarms.plan({"heartbeat": Alarm(60, proof=True)}, began_s)
        alarms.saw(listened(began_s + 10, began_s + 3))
        await run_asking(500, alarms, taker, asked)
        assert [at_s - began_s for at_s in asked.at_s] == [pytest.approx(63 + LOOK_LATER_S)]

    virtually(main)


def test_where_nothing_is_proved_it_asks_a_few_times_and_no_more() -> None:
    async def main() -> None:
        alarms, inbox, began_s = Alarms(), Inbox[Any](), trio.current_time()
        taker, asked = Taker(alarms), Asked(inbox, answers=False)
        alarms.plan({"heartbeat": Alarm(60, proof=True), "timeout": Alarm(70, answered=True)}, began_s)
        await run_asking(5000, alarms, taker, asked)
        assert len(asked.at_s) == 2 * LOOKS
        assert taker.taken == []

    virtually(main)


def test_an_alarm_that_is_armed_anew_asks_anew_and_one_that_needs_no_proof_never_does() -> None:
    async def main() -> None:
        alarms, inbox, began_s = Alarms(), Inbox[Any](), trio.current_time()
        taker, asked = Taker(alarms), Asked(inbox, answers=False)
        alarms.plan({"backoff": Alarm(5), "heartbeat": Alarm(60, proof=True)}, began_s)
        await run_asking(100, alarms, taker, asked)
        alarms.plan({"heartbeat": Alarm(60, proof=True)}, trio.current_time())
        await run_asking(100, alarms, taker, asked)
        assert len(asked.at_s) == 2 * LOOKS

    virtually(main)


# --- What an operator is shown of them --------------------------------------------------------------------------------


def test_an_alarm_that_is_held_says_what_it_waits_for() -> None:
    alarms = Alarms()
    alarms.plan({"heartbeat": Alarm(60, proof=True), "adopt": Alarm(30, answered=True), "backoff": Alarm(90)}, 0.0)
    assert list(alarms.view(20.0)) == [
        AlarmView("adopt", 10.0, held=False),
        AlarmView("heartbeat", 40.0, held=False),
        AlarmView("backoff", 70.0, held=False),
    ]
    assert list(alarms.view(90.0)) == [
        AlarmView("adopt", 0.0, held=True, waits_for="answer"),
        AlarmView("heartbeat", 0.0, held=True, waits_for="silence"),
        AlarmView("backoff", 0.0, held=False),
    ]


def test_what_is_left_of_an_alarm_is_never_negative_and_none_where_it_does_not_run() -> None:
    alarms = Alarms()
    alarms.plan({"timeout": Alarm(60)}, 0.0)
    assert [alarms.remaining_s("timeout", now_s) for now_s in (0.0, 59.5, 60.0, 61.0)] == [60.0, 0.5, 0.0, 0.0]
    assert alarms.remaining_s("backoff", 0.0) is None


def test_an_alarm_that_wants_silence_and_an_answer_takes_no_answer_for_silence_but_that_the_power_is_off() -> None:
    cases: tuple[tuple[Supply, bool], ...] = (("on", False), ("unknown", False), ("off", True))
    for supply, is_proved in cases:
        alarms = Alarms()
        alarms.plan({"adopt": Alarm(60, proof=True, answered=True)}, 0.0)
        alarms.saw(Answered(60.0, supply))
        assert (alarms.nearest() is not None) == is_proved, supply


@pytest.mark.parametrize("board_first", [True, False])
def test_a_silence_counts_once_the_board_was_seen_after_the_deadline(*, board_first: bool) -> None:
    alarms = Alarms()
    alarms.plan({"heartbeat": Alarm(60, proof=True, in_sight=True)}, 0.0)
    alarms.saw(Answered(0.0, "on"))
    early, seen, silent = Answered(59.9, "on"), Answered(60.0, "on"), listened(60.0, 0.0)
    for sight in (early, *((seen, silent) if board_first else (silent, seen))):
        assert alarms.nearest() is None
        assert alarms.needs(sight) == (sight is not early)
        alarms.saw(sight)
    assert alarms.nearest() is not None
    assert not alarms.needs(seen)
    assert not alarms.needs(silent)


def test_a_silence_that_is_proved_while_the_board_cannot_be_seen_waits_for_its_answer_and_asks_for_looks() -> None:
    alarms = Alarms()
    alarms.plan({"heartbeat": Alarm(60, proof=True, in_sight=True)}, 0.0)
    alarms.saw(Answered(10.0, "on"))
    assert list(alarms.view(70.0)) == [AlarmView("heartbeat", 0.0, held=True, waits_for="silence")]
    alarms.saw(listened(60.0, 0.0))
    assert list(alarms.view(70.0)) == [AlarmView("heartbeat", 0.0, held=True, waits_for="answer")]
    assert alarms.next_look_s() == 60.0 + LOOK_LATER_S


def test_what_an_ear_proved_before_the_board_came_into_sight_is_proved_anew() -> None:
    alarms = Alarms()
    alarms.plan({"heartbeat": Alarm(60, proof=True, in_sight=True)}, 0.0)
    alarms.saw(Answered(0.0, "on"))
    alarms.saw(listened(60.0, 0.0))
    alarms.saw(Answered(400.0, "on"))
    assert alarms.nearest() is None
    assert list(alarms.view(400.0)) == [AlarmView("heartbeat", 0.0, held=True, waits_for="silence")]
    alarms.saw(listened(399.0, 0.0))
    assert alarms.nearest() is not None


def test_a_board_is_in_sight_as_long_as_it_never_went_unanswered_for_longer_than_it_may() -> None:
    alarms = Alarms(late_s=60.0)
    for asked_at_s, from_s in ((100.0, 100.0), (160.0, 100.0), (220.0, 100.0), (280.1, 280.1)):
        alarms.saw(Answered(asked_at_s, "on"))
        assert alarms.in_sight_from_s == from_s


@pytest.mark.parametrize(("before_s", "counts"), [(LOOK_AGAIN_S, True), (LOOK_AGAIN_S + 1e-6, False)])
def test_what_an_ear_proved_just_before_the_board_came_into_sight_counts(before_s: float, *, counts: bool) -> None:
    """A round of questions to the board and one to the guest take a moment each."""
    alarms = Alarms()
    alarms.plan({"heartbeat": Alarm(60, proof=True, in_sight=True)}, 0.0)
    alarms.saw(listened(400.0 - before_s, 0.0))
    alarms.saw(Answered(400.0, "on"))
    assert (alarms.nearest() is not None) == counts


def test_what_fires_says_what_the_latest_answer_showed() -> None:
    alarms = Alarms()
    alarms.plan({"adopt": Alarm(60, answered=True)}, 0.0)
    alarms.saw(Answered(60.0, "on"))
    armed = alarms.nearest()
    assert armed is not None
    assert alarms.fired(armed, 60.0) == Fired("adopt", "on")
    assert alarms.nearest() is None


@pytest.mark.parametrize(("after_s", "is_stirred"), [(LEAST_BOOT_S, False), (LEAST_BOOT_S + 1e-6, True)])
def test_what_was_heard_counts_as_a_sign_of_life_no_sooner_than_a_guest_can_boot(after_s: float, is_stirred: bool) -> None:
    alarms = Alarms()
    alarms.plan({"timeout": Alarm(60)}, 100.0)
    alarms.saw(Listened(160.0, 100.0, 100.0 + after_s))
    armed = alarms.nearest()
    assert armed is not None
    assert alarms.fired(armed, 160.0).stirred == is_stirred
