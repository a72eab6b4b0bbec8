"""What is told, when, and how much of it."""

import json
import math
from collections.abc import Sequence
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.bridges.notify.events import at, began, ended, event, problem
from wagman.bridges.notify.plan import MOST_KINDS, MOST_STANDING, MOST_UNWRITTEN, URGENT_GATHER_S, Digest, Plan
from wagman.bridges.notify.rules import DAY_S, Quiet, Rate, Rules

ALL = Rules(least="info", gather_s=30, repeat_s=3600, most=Rate(10, 3600))
NIGHT = Quiet(22 * 3600, 7 * 3600)

TYPES = ("device.start_failed", "device.started", "link.down", "link.up", "service.started", "test.event")
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 1.0, 10.0, 45.0, 700.0]) | st.floats(0, 2000),
        st.one_of(
            st.tuples(st.just("event"), st.sampled_from(TYPES), st.sampled_from(["gn", "cs", None])),
            st.tuples(st.just("began"), st.sampled_from("abc"), st.sampled_from(["critical", "warning"])),
            st.tuples(st.just("ended"), st.sampled_from("abc"), st.none()),
        ),
    ),
    max_size=60,
)
RULES = st.builds(
    Rules,
    least=st.sampled_from(["info", "warning", "critical"]),
    gather_s=st.sampled_from([0.1, 30.0, 600.0]),
    repeat_s=st.sampled_from([0.0, 60.0, 3600.0]),
    most=st.builds(Rate, st.integers(1, 8), st.sampled_from([60.0, 3600.0])),
    quiet=st.sampled_from([None, NIGHT, Quiet(7 * 3600, 8 * 3600 + 900), Quiet(8 * 3600 + 60, 9 * 3600)]),
)


def happening(number: int, what: tuple[str, Any, Any], now_s: float) -> dict[str, Any]:
    kind, name, more = what
    if kind == "event":
        return event(number, name, more, at_s=now_s)
    return began(number, name, more) if kind == "began" else ended(number, name)


def again(plan: Plan) -> Plan:
    """The plan, as a new process has it from the file."""
    fresh = Plan(plan.rules)
    fresh.restore(json.loads(json.dumps(plan.saved())))
    assert fresh == plan
    return fresh


def run_dry(plan: Plan, now_s: float) -> list[tuple[float, Digest]]:
    """What is told if nothing happens any more."""
    told = list[tuple[float, Digest]]()
    while not math.isinf(due_s := plan.due_s(at(now_s))):
        now_s = max(now_s, due_s) + 1e-3
        told += due(plan, now_s)
    return told


def due(plan: Plan, now_s: float) -> list[tuple[float, Digest]]:
    """What was to be told by now; where quiet hours have begun since that was known, it is later."""
    digest = plan.next(at(now_s))
    if digest is None:
        assert plan.rules.quiet is not None
        assert plan.rules.quiet.left_s(at(now_s)) > 0
        assert plan.due_s(at(now_s)) > now_s
        return []
    return [(now_s, digest)]


def tell(plan: Plan, steps: Sequence[tuple[float, tuple[str, Any, Any]]]) -> list[tuple[float, Digest]]:
    """All that is told while that happens, and after; digests are asked for as soon as they are due."""
    told, now_s = list[tuple[float, Digest]](), 8 * 3600.0
    for number, (pause_s, what) in enumerate(steps, 1):
        end_s = now_s + pause_s
        while (due_s := plan.due_s(at(now_s))) < end_s:
            now_s = max(now_s, due_s) + 1e-3
            told += due(plan, now_s)
        now_s = max(now_s, end_s)
        plan.take(happening(number, what, now_s), at(now_s))
    return told + run_dry(plan, now_s)


# --- For whatever happens ---------------------------------------------------------------------------------------------


@given(RULES, STEPS)
def test_every_event_that_is_wanted_is_told_once_and_no_other(rules: Rules, steps: Any) -> None:
    told = tell(Plan(rules), steps)
    events = sum(entry.count for _, digest in told for entry in digest.entries if not entry.is_problem)
    types = [what[1] for _, what in steps if what[0] == "event"]
    assert events == sum(rules.wants(type_, of(type_)) for type_ in types)
    assert all(digest.left_out == 0 for _, digest in told)


def of(type_: str) -> str:
    return {"device.start_failed": "warning", "link.down": "warning"}.get(type_, "info")


@given(RULES, STEPS)
def test_never_are_there_more_messages_than_are_allowed(rules: Rules, steps: Any) -> None:
    times = [now_s for now_s, _ in tell(Plan(rules), steps)]
    most, per_s = rules.most
    assert all(later - earlier > per_s for earlier, later in zip(times, times[most:], strict=False))


@given(RULES, STEPS)
def test_in_quiet_hours_nothing_is_told_but_with_what_is_critical(rules: Rules, steps: Any) -> None:
    for now_s, digest in tell(Plan(rules), steps):
        assert digest.entries
        if rules.quiet is not None and rules.quiet.left_s(at(now_s)) > 0:
            assert all(entry.is_urgent for entry in digest.entries)


@given(RULES, STEPS)
def test_the_same_event_about_the_same_guest_is_not_told_again_too_soon(rules: Rules, steps: Any) -> None:
    told = dict[str, float]()
    for now_s, digest in tell(Plan(rules), steps):
        keys = [entry.key for entry in digest.entries]
        assert len(keys) == len(set(keys))
        for entry in digest.entries:
            if not entry.is_problem:
                assert now_s - told.get(entry.key, -math.inf) >= rules.repeat_s
                told[entry.key] = now_s


@given(RULES, STEPS)
def test_what_was_said_last_of_a_problem_is_true(rules: Rules, steps: Any) -> None:
    """Of each problem that is told at all, people know in the end whether it stands."""
    plan = Plan(rules)
    stands = dict[str, bool]()
    for _, digest in tell(plan, steps):
        stands |= {entry.key: not entry.is_over for entry in digest.entries if entry.is_problem}
    assert {key for key, is_so in stands.items() if is_so} == plan.standing.keys()


@given(RULES, STEPS, st.data())
def test_a_restart_at_any_time_changes_nothing(rules: Rules, steps: Any, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(steps)))
    plan, now_s = Plan(rules), 8 * 3600.0
    for number, (pause_s, what) in enumerate(steps[:cut], 1):
        now_s += pause_s
        plan.next(at(now_s))
        plan.take(happening(number, what, now_s), at(now_s))
    restarted = again(plan)
    assert run_dry(restarted, now_s) == run_dry(plan, now_s)


@given(st.lists(st.floats(-5000, 5000), max_size=30))
def test_a_clock_that_jumps_holds_nothing_up_for_longer_than_it_would_anyhow(jumps: list[float]) -> None:
    rules = evolve(ALL, most=Rate(2, 600.0), repeat_s=600)
    plan, now_s = Plan(rules), 1e6
    for number, jump_s in enumerate(jumps, 1):
        now_s += jump_s
        plan.take(event(number), at(now_s))
        plan.next(at(now_s))
    if plan.pending:
        assert plan.due_s(at(now_s)) - now_s <= 630


def test_a_clock_that_is_set_back_holds_nothing_up_for_what_was_told_long_ago() -> None:
    """A board computer without a battery comes up years ago; what was sent in the days before has used up nothing."""
    plan = Plan(evolve(ALL, gather_s=30, repeat_s=3600, most=Rate(2, 3600)))
    for day in range(20, 22):
        plan.take(event(day), at(day * DAY_S))
        assert plan.next(at(day * DAY_S + 60))
    plan.take(began(22, "fan:1"), at(0))
    plan.take(event(23), at(0))
    assert plan.due_s(at(0)) == URGENT_GATHER_S
    digest = plan.next(at(30))
    assert digest is not None
    assert [entry.severity for entry in digest.entries] == ["critical", "warning"]


# --- A storm ----------------------------------------------------------------------------------------------------------


def test_a_storm_of_a_thousand_events_within_a_minute_is_at_most_the_configured_number_of_messages() -> None:
    plan = Plan(evolve(ALL, gather_s=1, repeat_s=0, most=Rate(5, 3600)))
    told = list[Digest]()
    for number in range(1000):
        now = at(36_000 + number * 0.06)
        plan.take(event(number, TYPES[number % 4], f"g{number % 50}"), now)
        told += filter(None, [plan.next(now)])
    assert len(told) == 4  # the fifth is kept for what is critical
    [(late_s, last)] = run_dry(plan, 36_060)
    assert late_s >= 36_000 + 3600
    assert sum(digest.things for digest in (*told, last)) == 1000


def test_what_is_critical_has_room_even_in_a_storm() -> None:
    plan = Plan(evolve(ALL, gather_s=1, repeat_s=0, most=Rate(5, 3600)))
    for number in range(200):
        plan.take(event(number, device=f"g{number}"), at(number))
        plan.next(at(number))
    plan.take(began(200, "a"), at(200))
    assert plan.due_s(at(200)) == 201
    digest = plan.next(at(201))
    assert digest is not None
    assert digest.entries[0].key == "problem a"


def test_of_what_finds_no_room_the_number_is_told_and_what_is_critical_finds_it() -> None:
    plan = Plan(ALL)
    for number in range(MOST_KINDS + 5):
        plan.take(event(number, device=f"g{number}"), at(0))
    plan.take(began(1000, "a"), at(0))
    digest = plan.next(at(60))
    assert digest is not None
    assert len(digest.entries) == MOST_KINDS
    assert digest.entries[0].key == "problem a"
    assert digest.things == MOST_KINDS + 6


def test_what_is_remembered_is_bounded() -> None:
    plan = Plan(ALL)
    for number in range(MOST_STANDING + MOST_UNWRITTEN):
        plan.take(began(None, f"p{number}") | {"mono_s": float(number)}, at(0))
    assert len(plan.standing) == MOST_STANDING
    assert len(plan.unwritten) == MOST_UNWRITTEN
    assert len(plan.pending) == MOST_KINDS


# --- Gathered and collapsed -------------------------------------------------------------------------------------------


def test_what_happens_at_the_same_time_is_one_message_the_gravest_first() -> None:
    plan = Plan(ALL)
    plan.take(event(1, "device.started"), at(0))
    plan.take(event(2, device="cs"), at(10))
    assert plan.next(at(29)) is None
    digest = plan.next(at(30))
    assert digest is not None
    assert [entry.key for entry in digest.entries] == ["device.start_failed cs", "device.started gn"]
    assert digest.rank == 1
    assert plan.due_s(at(31)) == math.inf


def test_what_is_critical_waits_five_seconds() -> None:
    plan = Plan(ALL)
    plan.take(event(1), at(0))
    plan.take(began(2, "a"), at(1))
    assert plan.due_s(at(1)) == 1 + URGENT_GATHER_S
    digest = plan.next(at(6))
    assert digest is not None
    assert [entry.key for entry in digest.entries] == ["problem a", "device.start_failed gn"]


def test_a_repeat_is_held_back_and_then_told_with_its_count() -> None:
    plan = Plan(ALL)
    plan.take(event(1), at(0))
    assert plan.next(at(30)) is not None
    for number in range(2, 12):
        plan.take(event(number), at(60 * number))
        assert plan.next(at(60 * number + 59)) is None
    digest = plan.next(at(3630))
    assert digest is not None
    [entry] = digest.entries
    assert (entry.count, entry.first, entry.last) == (10, "2026-01-01T00:00:02.000Z", "2026-01-01T00:00:11.000Z")


def test_a_problem_that_came_and_went_before_anybody_was_told_is_told_as_over() -> None:
    plan = Plan(ALL)
    plan.take(began(1, "a"), at(0))
    plan.take(ended(2, "a"), at(2))
    [(_, digest)] = run_dry(plan, 2)
    [entry] = digest.entries
    assert entry.is_over
    assert entry.text == "it is not fed (over after 1 min 30 s)"


# --- Problems ---------------------------------------------------------------------------------------------------------


def test_a_problem_is_told_when_it_begins_changes_and_ends() -> None:
    plan = Plan(ALL)
    said = []
    for number, each in enumerate(
        [began(1, "a"), began(2, "a"), began(3, "a", text="it is worse"), ended(4, "a"), ended(5, "a")]
    ):
        plan.take(each, at(100 * number))
        said += [entry.text for _, digest in run_dry(plan, 100.0 * number) for entry in digest.entries]
    assert said == ["it is not fed", "it is worse", "it is not fed (over after 1 min 30 s)"]


def test_the_end_of_what_was_not_told_is_not_told_either() -> None:
    plan = Plan(evolve(ALL, least="critical"))
    plan.take(began(1, "a", "warning"), at(0))
    plan.take(ended(2, "a"), at(10))
    assert not plan.pending


def test_where_events_are_missing_what_stands_is_compared_with_what_was_told() -> None:
    plan = Plan(ALL)
    plan.take(began(1, "a"), at(0))
    plan.take(began(2, "b"), at(0))
    plan.began(problem("notify:away"), at(0))
    run_dry(plan, 0)
    plan.stand([problem("b"), problem("c")], at(100))
    told = {entry.key: entry.text for entry in plan.pending.values()}
    assert told == {"problem a": "it is not fed (when it ended was not seen)", "problem c": "it is not fed"}
    assert plan.own == {"notify:away"}


def test_a_problem_of_its_own_ends_once() -> None:
    plan = Plan(ALL)
    plan.ended("notify:away", "it is back", at(0))
    assert not plan.pending
    plan.began(problem("notify:away"), at(0))
    plan.began(problem("notify:away"), at(1))
    plan.ended("notify:away", "it is back", at(2))
    plan.ended("notify:away", "it is back", at(3))
    assert [(entry.text, entry.count) for entry in plan.pending.values()] == [("it is back", 2)]
    assert plan.own == set()


# --- Events without an id ---------------------------------------------------------------------------------------------


def test_an_event_that_comes_without_an_id_and_then_with_one_is_told_once_even_over_a_restart() -> None:
    plan = Plan(evolve(ALL, repeat_s=0))
    plan.take(event(None, at_s=5), at(5))
    plan.take(event(None, at_s=5), at(5))
    plan = again(plan)
    plan.take(event(7, at_s=5), at(9))
    plan.take(event(8, at_s=6), at(9))
    assert sum(digest.things for _, digest in run_dry(plan, 9)) == 2


def test_two_problems_that_begin_in_the_same_moment_are_two() -> None:
    plan = Plan(ALL)
    for id_ in "ab":
        plan.take(began(None, id_) | {"mono_s": 1.0}, at(0))
    assert plan.pending.keys() == {"problem a", "problem b"}


def test_what_was_told_is_not_told_again_because_of_a_restart() -> None:
    plan = Plan(ALL)
    plan.take(event(1), at(0))
    assert plan.next(at(30)) is not None
    plan = again(plan)
    plan.take(event(2), at(60))
    assert plan.due_s(at(60)) == 3630


def test_what_calls_for_nobody_is_told_to_nobody_who_wants_no_more_than_that() -> None:
    notice = {"id": "maintenance:gn", "severity": "notice", "text": "gn is in maintenance", "do": "", "device": "gn"}
    plan = Plan(Rules())
    plan.stand([notice], at(0))
    assert not plan.pending
    plan = Plan(ALL)
    plan.stand([notice], at(0))
    assert [entry.severity for entry in plan.pending.values()] == ["info"]


def test_what_is_missing_is_told() -> None:
    plan = Plan(ALL)
    plan.missed("the log was replaced", at(0))
    [entry] = plan.pending.values()
    assert entry.text == "not everything could be told: the log was replaced"
    assert entry.severity == "warning"


@pytest.mark.parametrize("damage", ["pending", "told", "sent", "standing", "seen_s", "left_out", "unwritten"])
def test_what_lacks_a_part_is_not_taken_up(damage: str) -> None:
    saved = Plan(ALL).saved()
    del saved[damage]
    with pytest.raises(KeyError):
        Plan(ALL).restore(saved)
