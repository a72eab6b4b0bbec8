"""Every state that the scheduler can come into with two guests, found breadth first, and what holds there.

A guest is abstract: any of its states may follow any other. Its starts are counted from before the one that it was asked for.
What fails is split over two searches: the sensor in one, the board and the guests' inboxes in the other. A third has an operator
order that the guests hibernate, where nothing fails.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator

import pytest
from attrs import evolve, field, frozen

from wagman.config.enclosure import Bounds, EnvironmentConfig
from wagman.config.schema import WagmanConfig
from wagman.fsm.alarms import Fired
from wagman.fsm.environment import FIRST_VERDICT, RELEASE, STALE, Environment
from wagman.fsm.scheduler.inputs import (
    GuestChanged,
    GuestRefused,
    Hibernate,
    Input,
    Ordered,
    StartGuest,
    StopGuest,
    View,
    Visibility,
)
from wagman.fsm.scheduler.machine import restored, step, taken_up
from wagman.fsm.scheduler.situation import Situation
from wagman.fsm.scheduler.states import STATES, Forbidding, Hibernating, StartDevices, StartNextDevice, State, Step
from wagman.model.catalogue import EVENT_TYPES
from wagman.model.facts import Draft, HibernationOrder, Sample

ORDER = ("gn", "cs")
SENSOR = "temperature_c"
CONFIG = EnvironmentConfig(samples=1, sensors={SENSOR: Bounds(high=70.0, low=-30.0, hysteresis=5.0)})
HANDLED = {
    "start_devices": {"look"},
    "start_next_device": {"guard"},
    "normal": {"look"},
    "will_hibernate": {"stop"},
    "hibernating": {"stop", "minimum"},
}
ENVIRONMENT_ALARMS = {FIRST_VERDICT, RELEASE, STALE + SENSOR}
FEW = (("stopped", True, False), ("stopped", False, False), ("started", False, False))
LOOKS = {"gn": (*FEW, ("starting", False, False), ("started", False, True), ("stopping", False, False)), "cs": FEW}
"""What may be seen of a guest: its state, whether it is due, whether it was forced up. One has few states, for the numbers."""
PLAIN = (("stopped", False), ("started", False))
ORDERS = (None, HibernationOrder("storm"), HibernationOrder("storm", keep=frozenset({"cs"})))

Key = tuple[object, ...]


@frozen(eq=False)
class Node:
    """A state with what it sees and the names of its alarms."""

    state: State
    now: Situation
    armed: frozenset[str]
    key: Key = field(init=False)  # what tells it from others

    @key.default
    def _distinctive(self) -> Key:
        views, environment = tuple(self.now.views[name] for name in ORDER), self.now.environment
        sensor = environment.sensors[SENSOR]
        seen = (
            self.now.unseen,
            self.now.cursor,
            self.now.passed,
            self.now.hibernation,
            environment.waited,
            sensor.verdict,
            sensor.known,
        )
        return (self.state, views, seen, self.armed)


@frozen(eq=False)
class Edge:
    """One step."""

    old: Node
    item: Input
    step: Step
    new: Node


def root(*, blind: bool) -> Node:
    views = {name: View(name, "stopped") for name in ORDER}
    now = Situation(WagmanConfig(), ORDER, Environment(CONFIG), views, frozenset(ORDER) if blind else frozenset())
    return Node(StartDevices(), now, frozenset(taken_up(StartDevices(), now).alarms))


def normal(state: State, now: Situation, armed: frozenset[str]) -> Node:
    """The node with starts counted anew: 0, or 1 where the awaited guest has carried out the start it was asked for."""
    target = state if isinstance(state, StartNextDevice) else None
    views = {}
    for name, view in now.views.items():
        carried_out = target is not None and target.device == name and view.starts >= target.number
        views[name] = evolve(view, starts=int(carried_out))
    return Node(evolve(target, number=1) if target else state, evolve(now, views=views), armed)


def told(node: Node, item: Input) -> Edge:
    armed = node.armed - {item.name} if isinstance(item, Fired) else node.armed
    result = step(node.state, node.now, item)
    after = frozenset(name for name, alarm in result.alarms.items() if alarm is not None or name in armed)
    return Edge(node, item, result, normal(result.state, result.now, after))


def told_of_sensor(item: Input) -> bool:
    """The sensor may fail; the board answers, and no guest refuses."""
    return not isinstance(item, Visibility | GuestRefused | Ordered) and item != Fired(FIRST_VERDICT)


def told_of_board(item: Input) -> bool:
    """The sensor tells either of heat or of none, and nobody is forced up."""
    if isinstance(item, GuestChanged):
        return not item.view.exempt
    if isinstance(item, Sample):
        return item.value in (20.0, 75.0)
    return item != Fired(STALE + SENSOR) and not isinstance(item, Ordered)


def told_of_orders(item: Input) -> bool:
    """An operator orders; all else is heat, or none, and that one guest stops, is due, starts, while the other stops or runs."""
    if isinstance(item, GuestChanged):
        view = item.view
        return (view.state, view.due) in ((*PLAIN, ("stopped", True), ("starting", False)) if view.name == "cs" else PLAIN)
    return isinstance(item, Ordered) or (told_of_sensor(item) and told_of_board(item))


def inputs(node: Node) -> Iterator[Input]:
    for name in ORDER:
        old, forbidden = node.now.views[name], name in node.state.forbidden(node.now)
        for state, due, exempt in LOOKS[name]:
            for starts in {old.starts, int(name == node.state.target)}:
                yield GuestChanged(View(name, state, starts, due, exempt and forbidden, forbidden))
        yield GuestRefused(name, "its inbox is full")
    yield from (Sample(SENSOR, value, 0.0) for value in (75.0, 20.0, -40.0, None))
    yield from (Visibility(frozenset(names), blind) for names in (ORDER, ORDER[:1]) for blind in (True, False))
    yield from map(Ordered, ORDERS)
    yield from map(Fired, sorted(node.armed))


def search(first: Node, possible: Callable[[Input], bool]) -> list[Edge]:
    seen, ahead, edges = {first.key}, [first], list[Edge]()
    for node in ahead:
        for item in filter(possible, inputs(node)):
            edge = told(node, item)
            edges.append(edge)
            if edge.new.key not in seen:
                seen.add(edge.new.key)
                ahead.append(edge.new)
    return edges


@frozen
class Explored:
    """What a search found."""

    nodes: list[Node]
    edges: list[Edge]
    taken: set[tuple[str, str]]


@pytest.fixture(scope="module")
def explored() -> Explored:
    taken: set[tuple[str, str]] = set()
    real = State.check_way

    def check_way(self: State, to: State) -> None:
        taken.add((self.name, to.name))
        real(self, to)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(State, "check_way", check_way)
        failing = [search(root(blind=False), told_of_sensor), search(root(blind=True), told_of_board)]
        searches = [*failing, search(root(blind=False), told_of_orders)]
    nodes = {edge.new.key: edge.new for edges in searches for edge in edges}
    return Explored([*nodes.values()], [edge for edges in searches for edge in edges], taken)


# --- The graph itself -------------------------------------------------------------------------------------------------


def test_every_declared_transition_is_taken_and_none_other(explored: Explored) -> None:
    moved = {(old, new) for old, new in explored.taken if old != new}
    assert moved == {(name, to) for name, state in STATES.items() for to in state.successors}
    legs = moved | {(old, new) for old, by in moved for back, new in moved if by == back}  # in passing
    assert {(edge.old.state.name, edge.new.state.name) for edge in explored.edges} <= legs | {(name, name) for name in STATES}


def test_every_state_is_reached(explored: Explored) -> None:
    assert {node.state.name for node in explored.nodes} == STATES.keys()


# --- What holds everywhere --------------------------------------------------------------------------------------------


def test_every_state_has_its_alarms_and_no_other(explored: Explored) -> None:
    for node in explored.nodes:
        own = node.armed - ENVIRONMENT_ALARMS
        assert own <= HANDLED[node.state.name]
        assert own == node.state.plan(node.now).keys()


def test_the_release_is_awaited_exactly_where_doubt_keeps_guests_down(explored: Explored) -> None:
    for node in explored.nodes:
        cold = any(sensor.cold for sensor in node.now.environment.sensors.values())
        assert (RELEASE in node.armed) == (node.now.environment.doubtful and (node.state.by_heat or cold))


def test_in_a_hot_enclosure_guests_are_on_their_way_down_in_whatever_state(explored: Explored) -> None:
    for node in explored.nodes:
        assert node.state.hibernates or not node.now.environment.hot
        if isinstance(node.state, Hibernating) and node.state.rested and node.state.heated:
            assert not node.now.environment.calm


def test_what_an_operator_ordered_holds_in_whatever_state_and_heat_beside_it(explored: Explored) -> None:
    for node in explored.nodes:
        forbidden, state = node.state.forbidden(node.now), node.state
        if node.now.hibernation is not None:
            assert forbidden >= set(ORDER) - node.now.hibernation.keep
        if isinstance(state, Forbidding):
            assert state.heated or node.now.hibernation is not None
            assert forbidden == (set(ORDER) if state.heated else set(ORDER) - node.now.kept)


def test_every_state_comes_back_from_what_was_saved_of_it(explored: Explored) -> None:
    for node in explored.nodes:
        state = restored(json.loads(json.dumps(node.state.lasting())))
        assert state == (evolve(node.state, number=0) if isinstance(node.state, StartNextDevice) else node.state)
        assert taken_up(state, node.now).alarms.keys() >= node.armed


# --- What holds on the way --------------------------------------------------------------------------------------------


def test_a_guest_is_started_only_where_it_is_due_and_the_world_allows_it(explored: Explored) -> None:
    for edge in explored.edges:
        starts = [effect.name for effect in edge.step.effects if isinstance(effect, StartGuest)]
        assert len(starts) <= 1
        for name in starts:
            now = edge.step.now
            assert now.views[name].due
            assert now.environment.starts_allowed
            assert name not in now.unseen
            if isinstance(edge.new.state, Forbidding):  # an order that lets it run is all that keeps the others down
                assert name not in edge.new.state.forbidden(now)
                assert not [view for view in now.views.values() if view.state == "starting"]
            else:
                assert now.cursor == name
                assert isinstance(edge.new.state, StartNextDevice)


def test_one_guest_is_started_at_a_time(explored: Explored) -> None:
    for edge in explored.edges:
        waiting = edge.old.state
        if isinstance(waiting, StartNextDevice) and any(isinstance(effect, StartGuest) for effect in edge.step.effects):
            view = edge.step.now.views[waiting.device]
            over = view.starts >= waiting.number and view.state != "starting"
            given_up = isinstance(edge.item, GuestRefused) or edge.item == Fired("guard")
            assert over or given_up


def test_no_guest_is_asked_twice_without_news_of_it_or_a_look(explored: Explored) -> None:
    for edge in explored.edges:
        if isinstance(edge.item, GuestRefused) or edge.item == Fired("guard"):
            assert StartGuest(getattr(edge.old.state, "device", ""), recover=False) not in edge.step.effects


def test_only_what_the_environment_or_an_order_forbids_is_stopped(explored: Explored) -> None:
    for edge in explored.edges:
        stops = [effect.name for effect in edge.step.effects if isinstance(effect, StopGuest)]
        assert len(stops) <= 1
        for name in stops:
            assert name in edge.old.state.forbidden(edge.old.now)
            assert edge.item == Fired("stop")
            assert edge.old.now.views[name].state not in ("stopped", "stopping")
            assert not edge.old.now.views[name].exempt


def test_all_guests_hear_of_every_change_of_what_they_may(explored: Explored) -> None:
    for edge in explored.edges:
        before, after = edge.old.state.forbidden(edge.old.now), edge.new.state.forbidden(edge.new.now)
        news = [effect for effect in edge.step.effects if isinstance(effect, Hibernate)]
        told = {name: each.active for each in news for name in (ORDER if each.name is None else (each.name,))}
        assert told == {name: name in after for name in before ^ after}


def test_every_event_is_written_down_with_all_its_fields(explored: Explored) -> None:
    told = [effect for edge in explored.edges for effect in edge.step.effects if isinstance(effect, Draft)]
    assert not {(each.type, name) for each in told for name in each.fields if name not in EVENT_TYPES[each.type].fields}


# --- It always goes on ------------------------------------------------------------------------------------------------


def test_from_everywhere_a_mild_world_leads_to_normal(explored: Explored) -> None:
    back = defaultdict[Key, set[Key]](set)
    for edge in explored.edges:
        mild = isinstance(edge.item, Sample) and edge.item.value == 20.0
        if mild or edge.item in (Fired("guard"), Fired("minimum"), Fired("look"), Ordered(None)):
            back[edge.new.key].add(edge.old.key)
    ahead = [node.key for node in explored.nodes if node.state.name == "normal"]
    reached = set(ahead)
    for key in ahead:
        ahead += back[key] - reached
        reached |= back[key]
    assert len(reached) == len(explored.nodes)
