"""Every outlet that can come to be, found breadth first, and what holds in each and on the way to it.

Closed under all inputs. All that happened is long ago in each node; inputs that come soon after it, or tell of before it, are
inputs of their own. Power cycles and reports are renumbered, rounds are bounded above what their limit needs. What the walk
leaves to other tests: by what it was seen (`proof`), the medium, and how long a pause is.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from attrs import define, evolve, field, frozen

from wagman.fsm.outlet import STATES, Doubted, Off, On, Outlet, PendingCommand, Signs, State, Step, Stray, Unknown
from wagman.fsm.outlet.signs import EVIDENCE_S, GONE_S, LIFE_S, PULSES, REPORT_LAG_S, SETTLE_S, STUCK_REPORT_S, STUCK_ROUNDS
from wagman.model.facts import PortFact, PowerFound, PowerGoal, PowerLost, RelayAsked, RelayOff, RelayOn, RelayStuck

NOW_S, CYCLE, REPORTS = 10_000.0, 7, 5
PULSE_S = 30.0
ASKED_S, GOAL_S, SEEN_S, BEAT_S = NOW_S - 100, NOW_S - 90, NOW_S - 80, NOW_S - 70

# --- Inputs -----------------------------------------------------------------------------------------------------------

Act = Callable[[Outlet], Step]


def goals(outlet: Outlet) -> Iterator[PowerGoal]:
    """What a guest's machine may ask for now: it counts its power cycles up, and begins none a second time."""
    state, before = outlet.state, outlet.goal.level
    latest = max(CYCLE, state.cycle or 0)
    anew = PowerGoal("on", latest + 1)
    yield from (anew, evolve(anew, cleared=True), evolve(anew, cleared=True, already=True))
    yield PowerGoal("untouched", latest + 1)
    for cycle in {latest, CYCLE}:
        yield PowerGoal("off", cycle, firm=True)
        if not (outlet.goal.firm and cycle == CYCLE):  # a kill is not taken back
            yield from (PowerGoal("off", cycle), PowerGoal("off", cycle, already=True))
    if before == "on":
        yield PowerGoal("off", CYCLE - 1)  # the start is given up
    if before == "off" or isinstance(state, Off):
        return
    if before == "on":
        yield from (PowerGoal("on", CYCLE), PowerGoal("on", CYCLE, cleared=True))
    if outlet.pending is None:
        yield PowerGoal("on", CYCLE, cleared=True, already=True)


def wants(goal: PowerGoal, outlet: Outlet) -> Step:
    return outlet.wanted(evolve(goal, taken=outlet.reports), NOW_S)


def told(method: str, *args: object, **named: object) -> Act:
    return lambda outlet: getattr(outlet, method)(*args, **named)


ALWAYS: dict[str, Act] = {
    "outdated": lambda outlet: outlet.wanted(PowerGoal("off", CYCLE + 1, firm=True, taken=outlet.reports - 1), NOW_S),
    "replied": told("replied"),
    "sent on": told("sent", "on", NOW_S),
    "sent off": told("sent", "off", NOW_S),
    "sent pulse": told("sent", "pulse", NOW_S),
    "seen on": told("seen_on", NOW_S, None, "the board started it", "told"),
    "seen off": told("seen_off", NOW_S, "the board cut it"),
    "kept": told("seen_kept", NOW_S, kept=True),
    "free": told("seen_kept", NOW_S, kept=False),
    "kept, of before": told("seen_kept", ASKED_S + REPORT_LAG_S, kept=True),
    "free, of before": told("seen_kept", ASKED_S + REPORT_LAG_S, kept=False),
    "draws": told("polled", NOW_S, "on"),
    "idle": told("polled", NOW_S, "off"),
    "dead": told("polled", NOW_S, "unknown"),
    "draws, of before": told("polled", ASKED_S + SETTLE_S, "on"),
    "idle, of before": told("polled", ASKED_S + SETTLE_S, "off"),
    "idle, soon": told("polled", ASKED_S + EVIDENCE_S, "off"),
    "dead, soon": told("polled", ASKED_S + EVIDENCE_S, "unknown"),
    "idle, soon after it was seen off": told("polled", SEEN_S + SETTLE_S, "off"),
    "shown off": told("shown_off", NOW_S, "the board shows it off", "told"),
    "shown off, of before": told("shown_off", ASKED_S + SETTLE_S, "the board shows it off", "told"),
    "assumed": lambda outlet: outlet.replied().outlet.assumed(NOW_S),
    "stirred": told("stirred", NOW_S),
    "doubted": told("doubted"),
    "link up": told("link_up", NOW_S),
    "reset": told("board_reset", NOW_S, "lost", suspect=False),
    "reset, survived": told("board_reset", NOW_S, "survived", suspect=False),
    "reset, doubtful": told("board_reset", NOW_S, "doubtful", suspect=False),
    "found": told("stray", NOW_S, "the board started it again"),
    "found, perhaps": told("stray", NOW_S, "nobody knows", "unknown"),
}
HEARD: dict[str, Act] = {
    "beat": told("beat", NOW_S),
    "beat, of before": told("beat", ASKED_S),
    "kept, but just heard": told("seen_kept", BEAT_S + LIFE_S, kept=True),
}
LATER: dict[str, Act] = {
    "idle, much later": told("polled", ASKED_S + GONE_S, "off"),
    "draws, much later": told("polled", NOW_S + STUCK_REPORT_S, "on"),
}
OF_BEFORE = {name for name in (*ALWAYS, *HEARD) if name.endswith("of before")}


def inputs(outlet: Outlet, *, is_mute: bool) -> Iterator[tuple[str, Act]]:
    yield from ALWAYS.items()
    yield from (LATER if is_mute else HEARD).items()
    if not is_mute and outlet.is_stuck:
        yield "draws, much later", LATER["draws, much later"]
    for goal in goals(outlet):
        yield "wanted", partial(wants, goal)
    if (due := outlet.due) is not None and due[1] < math.inf:
        yield "leaves", told("sending", due[0], NOW_S)


# --- The search -------------------------------------------------------------------------------------------------------


def normal(outlet: Outlet) -> Outlet:
    """The outlet without what makes no difference, and all that happened long ago."""
    old, signs = outlet.goal, outlet.signs
    goal = PowerGoal(old.level, CYCLE, cleared=old.cleared, firm=old.firm, taken=REPORTS - (old.taken < outlet.reports))
    pending, state = outlet.pending and normal_pending(outlet.pending), normal_state(outlet.state, CYCLE - old.cycle)
    is_off = isinstance(state, Off) or (pending is not None and pending.level == "off")
    is_stirred = is_off and signs.stirred_at_s > max(signs.off_at_s, signs.asked_at_s + REPORT_LAG_S)
    is_heard = goal.level != "untouched" and signs.beat_at_s > outlet.goal_at_s + EVIDENCE_S
    is_reported = outlet.is_stuck and signs.stuck_at_s > -math.inf
    return Outlet(
        0.0,
        Signs(
            ASKED_S,
            ASKED_S,
            ASKED_S,
            signs.supply,
            outlet.is_mute and signs.drew,
            ASKED_S if outlet.is_mute and signs.idle_since_s < math.inf else math.inf,
            BEAT_S if is_heard else -math.inf,
            BEAT_S if is_stirred else -math.inf,
            BEAT_S if is_reported else -math.inf,
        ),
        outlet.is_mute,
        state,
        pending,
        goal,
        GOAL_S,
        REPORTS,
        pulse_s=outlet.pulse_s,
    )


def normal_state(state: State, shift: int) -> State:
    cycle = min(max((state.cycle or 0) + shift, CYCLE - 1), CYCLE + 1)
    match state:
        case Stray():
            return Stray(state.relay)
        case Off():
            return Off(cycle, state.is_kept)
        case Unknown() | On() | Doubted():
            return type(state)(cycle)
    raise AssertionError(state)


def normal_pending(pending: PendingCommand) -> PendingCommand:
    """Rounds count up to where a relay is stuck, or a pulse is believed; those of a relay-on make no difference."""
    if pending.level == "on":
        return PendingCommand("on")
    if pending.level == "pulse":
        return PendingCommand("pulse", min(pending.round, PULSES), pending.has_replied)
    resisted = STUCK_ROUNDS if pending.is_stuck else 0
    seen_at_s = None if pending.seen_at_s is None else SEEN_S
    return PendingCommand("off", min(pending.round, STUCK_ROUNDS), False, seen_at_s, pending.drew_still, resisted)


@frozen(eq=False)
class Edge:
    """One step: what the outlet was, what it was told, what came of it."""

    old: Outlet
    name: str
    facts: tuple[PortFact, ...]
    new: Outlet  # as the step left it

    def fact(self, *kinds: type[PortFact]) -> bool:
        return any(isinstance(fact, kinds) for fact in self.facts)


Rule = Callable[[Edge], bool]
RULES: list[Rule] = []


def rule(holds: Rule) -> Rule:
    """Something that holds on each edge."""
    RULES.append(holds)
    return holds


@define
class Explored:
    """What a search found."""

    nodes: dict[Outlet, None] = field(factory=dict)
    moves: set[tuple[str, str]] = field(factory=set)
    broken: dict[str, Edge] = field(factory=dict)  # by the name of the rule, the first edge on which it does not hold


def search(*, is_mute: bool, is_way: bool = False) -> Explored:
    root = normal(evolve(Outlet.new(0.0, is_mute=is_mute), pulse_s=PULSE_S if is_way else 0.0))
    found = Explored({root: None})
    ahead = [root]
    for node in ahead:
        for name, act in inputs(node, is_mute=is_mute):
            step = act(node)
            take(found, Edge(node, name, step.facts, step.outlet))
            if step.outlet is not node and (new := normal(step.outlet)) not in found.nodes:
                found.nodes[new] = None
                ahead.append(new)
    return found


def take(found: Explored, edge: Edge) -> None:
    found.moves.add((edge.old.state.name, edge.new.state.name))
    for holds in RULES:
        if not holds(edge):
            found.broken.setdefault(holds.__name__, edge)


@pytest.fixture(scope="module", params=["heartbeat", "mute", "way"])
def explored(request: pytest.FixtureRequest) -> Explored:
    return search(is_mute=request.param == "mute", is_way=request.param == "way")


# --- What holds on the way --------------------------------------------------------------------------------------------


@rule
def reports_are_numbered(edge: Edge) -> bool:
    numbers = [fact.report for fact in edge.facts if isinstance(fact, PowerLost | PowerFound)]
    return numbers == list(range(edge.old.reports + 1, edge.new.reports + 1))


@rule
def what_was_decided_before_the_latest_report_changes_nothing(edge: Edge) -> bool:
    return edge.name != "outdated" or edge.new is edge.old


@rule
def a_reading_from_before_the_command_changes_nothing(edge: Edge) -> bool:
    is_same = (edge.new.state, edge.new.pending) == (edge.old.state, edge.old.pending)
    return edge.name not in OF_BEFORE or (is_same and not edge.facts)


@rule
def a_reply_is_no_evidence(edge: Edge) -> bool:
    return edge.name not in ("replied", "sent on", "sent off", "sent pulse") or (
        edge.new.state == edge.old.state and not edge.facts
    )


@rule
def on_is_told_only_of_what_shows_it_in_the_power_cycle_that_is_wanted(edge: Edge) -> bool:
    if not edge.fact(RelayOn):
        return True
    shows_it = edge.name in ("seen on", "draws", "draws, much later", "beat", "assumed")
    is_so = edge.new.is_reached and (edge.new.confirmed or edge.name == "assumed")
    return shows_it and edge.old.awaits_on and edge.new.state.cycle == edge.new.goal.cycle and is_so


@rule
def off_is_told_only_where_the_board_said_so_and_no_current_says_otherwise(edge: Edge) -> bool:
    if not edge.fact(RelayOff):
        return True
    if edge.name.startswith("wanted"):
        return edge.old.state.is_kept  # a start was called off
    if edge.name in ("shown off", "assumed"):
        return edge.old.is_switching("off") and not (edge.name == "assumed" and edge.new.confirmed)
    is_said = edge.old.pending is not None and edge.old.pending.seen_at_s is not None
    return is_said and edge.name.startswith(("idle", "dead")) and edge.name != "idle, soon after it was seen off"


@rule
def off_is_believed_only_where_that_is_told_or_was_before(edge: Edge) -> bool:
    begins = edge.new.state.is_kept and not edge.old.state.is_kept
    return not begins or edge.fact(RelayOff) or edge.name.startswith("wanted")


@rule
def what_is_not_off_any_more_was_switched_on_or_is_reported_or_taken_over(edge: Edge) -> bool:
    ends = edge.old.relay == "off" and edge.new.relay != "off"
    return not ends or edge.fact(RelayAsked, PowerFound) or edge.name.startswith("wanted")


@rule
def a_loss_of_power_ends_what_was_asked_for_and_nothing_keeps_it_off(edge: Edge) -> bool:
    ends = edge.new.relay == "off" and not edge.new.state.is_kept and edge.new.pending is None
    return not edge.fact(PowerLost) or (ends and edge.old.relay != "off")


@rule
def found_power_is_stray_and_ends_what_was_asked_for(edge: Edge) -> bool:
    found = [fact.supply for fact in edge.facts if isinstance(fact, PowerFound)]
    is_so = isinstance(edge.new.state, Stray) and found == [edge.new.relay] and edge.new.pending is None
    return not found or is_so


@rule
def a_cut_that_nobody_asked_for_is_reported(edge: Edge) -> bool:
    is_asked = edge.old.is_switching("off") or edge.old.relay == "off"
    is_awaited = edge.old.is_switching("on") or edge.old.is_switching("pulse")
    is_unseen = edge.name == "shown off" and (isinstance(edge.old.state, Unknown) or is_awaited)
    # A board that has shown it off ever since it was told to go on shows what was: the guest was heard.
    is_no_news = edge.name == "shown off" and edge.old.signs.still_off
    return edge.name not in ("seen off", "shown off") or is_asked or is_unseen or is_no_news or edge.fact(PowerLost)


@rule
def a_restart_of_the_board_leaves_nothing_asked_for_and_nothing_kept_off(edge: Edge) -> bool:
    return not edge.name.startswith("reset") or (edge.new.pending is None and not edge.new.state.is_kept)


@rule
def a_power_cycle_is_begun_once_unless_it_is_doubted(edge: Edge) -> bool:
    """Or the board restarted before there was evidence: then nobody waits for it any more."""
    if not edge.fact(RelayAsked):
        return True
    is_again = edge.old.state.cycle == edge.new.goal.cycle
    return not edge.old.is_switching("on") and (not is_again or isinstance(edge.old.state, Doubted | Unknown))


@rule
def a_relay_is_stuck_by_two_readings_of_a_third_round_and_reported_once_an_hour(edge: Edge) -> bool:
    if not edge.fact(RelayStuck):
        return True
    pending, is_reported = edge.old.pending, edge.old.signs.stuck_at_s > -math.inf
    is_so = pending is not None and pending.drew_still and pending.round >= STUCK_ROUNDS
    return is_so and edge.name == ("draws, much later" if is_reported else edge.name) and edge.name.startswith("draws")


@rule
def a_firm_off_is_not_taken_back_when_the_link_comes_up(edge: Edge) -> bool:
    return edge.name != "link up" or not edge.old.goal.firm or edge.new == edge.old


@rule
def one_that_shows_life_is_not_lost_by_a_report(edge: Edge) -> bool:
    shows = edge.old.signs.supply == "on" or (edge.name.endswith("heard") and edge.old.signs.beat_at_s > -math.inf)
    return not edge.name.startswith("kept") or not shows or not edge.fact(PowerLost)


@pytest.mark.parametrize("holds", RULES, ids=lambda each: each.__name__)
def test_on_every_way(holds: Rule, explored: Explored) -> None:
    edge = explored.broken.get(holds.__name__)
    assert edge is None


@rule
def a_way_is_switched_off_and_on_by_one_command_unless_it_is_to_be_off(edge: Edge) -> bool:
    is_way = edge.old.pulse_s > 0
    due = edge.new.due
    return due is None or (due[0] != "off" or edge.new.goal.level == "off" if is_way else due[0] != "pulse")


@rule
def a_pulse_that_nobody_replied_to_shows_nothing_before_it_was_repeated(edge: Edge) -> bool:
    pending = edge.old.pending
    is_lost = pending is not None and pending.level == "pulse" and not pending.has_replied and pending.round < PULSES
    return not (is_lost and edge.name in ("draws", "idle", "dead", "draws, much later")) or not edge.fact(RelayOn)


@rule
def a_pulse_is_repeated_a_few_times_only(edge: Edge) -> bool:
    pending = edge.new.pending
    return pending is None or pending.level != "pulse" or pending.round <= PULSES


# --- What holds everywhere --------------------------------------------------------------------------------------------


def test_every_declared_transition_is_taken_and_none_other(explored: Explored) -> None:
    declared = {(name, to) for name, state in STATES.items() for to in state.successors}
    assert {(old, new) for old, new in explored.moves if old != new} == declared


def test_nothing_is_due_where_the_goal_is_reached(explored: Explored) -> None:
    assert not [node for node in explored.nodes if node.confirmed and node.due is not None]


def test_until_a_report_is_answered_nothing_is_due_but_an_off_of_what_is_off(explored: Explored) -> None:
    for node in explored.nodes:
        if node.goal.taken < node.reports and node.due is not None:
            assert (node.relay, node.due[0], node.goal.level) == ("off", "off", "off")


def test_no_off_is_due_of_power_that_the_goal_may_not_cut(explored: Explored) -> None:
    for node in explored.nodes:
        if node.due is None or node.due[0] == "on" or node.relay == "off":
            continue
        assert node.goal.level != "untouched"
        if isinstance(node.state, Stray):  # its guest has heard of that, and does not rest on silence, or begins anew
            assert node.goal.taken == node.reports
            assert node.goal.firm or node.goal.level == "on"
        else:
            assert (node.state.cycle or 0) <= CYCLE


def test_a_relay_on_waits_for_its_evidence_only_where_it_is_wanted_and_unknown(explored: Explored) -> None:
    for node in explored.nodes:
        if node.is_switching("on"):
            assert isinstance(node.state, Unknown | Doubted)
            assert (node.goal.level, node.state.cycle) == ("on", CYCLE)


def test_one_level_is_never_reached_while_the_other_is_asked_for(explored: Explored) -> None:
    assert not [node for node in explored.nodes if node.confirmed and node.is_switching("on")]


# --- It always goes on ------------------------------------------------------------------------------------------------


def undisturbed(node: Outlet) -> Outlet:
    """What comes of it on a board that does as it is told."""
    for _ in range(8):
        if node.pending is None and node.due is not None and node.due[1] < math.inf:
            node = normal(node.sending(node.due[0], NOW_S).outlet)
        if node.is_switching("on") or node.is_switching("pulse"):
            node = normal(node.seen_on(NOW_S, None, "", "told").outlet)
        elif node.is_switching("off"):
            node = normal(node.seen_off(NOW_S, "").outlet)
        node = normal(node.polled(NOW_S, "off").outlet)
    return node


def test_where_current_flows_although_it_should_not_that_is_reported_or_another_off_is_due(explored: Explored) -> None:
    for node in explored.nodes:
        if node.goal.level == "off" and not node.awaits_answer:
            after = node
            for _ in range(3):
                after = normal(after.polled(NOW_S, "on").outlet)
            assert after.awaits_answer or (after.due is not None and after.due[1] < math.inf), node


def test_on_a_board_that_does_as_it_is_told_every_goal_is_reached(explored: Explored) -> None:
    for node in explored.nodes:
        if node.goal.level != "untouched" and not node.awaits_answer:
            assert undisturbed(node).confirmed, node
