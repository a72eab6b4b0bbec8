"""Every state that a guest can come into, found breadth first, and what holds in each of them and on the way to it.

Closed under all inputs: ages are rounded to a few that make a difference, power cycles are renumbered, counters are
bounded above what their limits need, and a run leaves out one half of the outside world at a time. Nothing else is cut off.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, get_args

import pytest
from attrs import evolve, fields, frozen, has

from tests.fsm.guests import GUEST, HALT, MODEM, SWITCH
from wagman.config.schema import DeviceConfig
from wagman.fsm import guest
from wagman.fsm.alarms import Fired, Plan
from wagman.fsm.guest import STATES, TERM, Memory, Situation, State, Step
from wagman.fsm.guest.booting import Booting
from wagman.fsm.guest.halting import Halting
from wagman.fsm.guest.inputs import Hibernation, Input, Message, MessageDone, Operator, WagmanStart, WagmanStop
from wagman.fsm.guest.machine import STAND, ringing
from wagman.fsm.guest.maintenance import Maintenance
from wagman.fsm.guest.situation import BROWNOUTS
from wagman.fsm.guest.started import Started
from wagman.fsm.guest.stopped import Stopped
from wagman.model.catalogue import EVENT_TYPES
from wagman.model.facts import (
    VERBS,
    Beat,
    BoardStopping,
    Draft,
    PowerDoubted,
    PowerFound,
    PowerLost,
    RelayAsked,
    RelayOff,
    RelayOn,
    RelayStuck,
    Supply,
)

NOW_S, CYCLE = 10_000.0, 7
AGES_S = (0.0, 1.0, 20.0, 700.0)
"""Too close to adopt, far enough apart to, and too far (which is also long enough to be stable)."""

MOST = {"attempts": 1, "failures": 1, "brownouts": BROWNOUTS}
"""Beyond, a counter makes no further difference with the configurations here."""

HASTY = evolve(GUEST, allowed_attempts=1, recover_attempts=0, backoff_max_s=60.0, start_timeout_max_s=120.0)
CONFIGS = {
    "guest": HASTY,
    "switch": evolve(SWITCH, allowed_attempts=1, recover_attempts=0, backoff_max_s=60.0),
    "modem": evolve(MODEM, allowed_attempts=1, recover_attempts=0, backoff_max_s=60.0),
    "cut, but told of a restart": evolve(HASTY, shutdown=(), restart=HALT),
    "told, but cut for a restart": evolve(HASTY, restart=()),
}
HANDLED = {
    "stopped": {"settle", "backoff", "adopt"},
    "starting": {"timeout"},
    "will_stop": {"timeout"},
    "started": {"heartbeat", "stable"},
    "stopping": {"heartbeat", "timeout", "resend"},
    "restarting": {"heartbeat", "timeout", "resend"},
    "maintenance": {"heartbeat"},
}
POWER: tuple[Input, ...] = (
    RelayAsked(CYCLE, NOW_S),
    RelayOn(CYCLE, NOW_S),
    RelayOn(CYCLE - 1, NOW_S),
    RelayOff(CYCLE, NOW_S),
    PowerLost(NOW_S, "the board cut it"),
    PowerFound(NOW_S, "the board started it"),
    PowerFound(NOW_S, "the board may have started it", "unknown"),
    RelayStuck(NOW_S, 3),
    PowerDoubted(NOW_S, "the board shows it off"),
    BoardStopping(NOW_S, "the board stops it"),
)
BEATS: tuple[Input, ...] = (Beat(NOW_S), Beat(NOW_S, "control"))
ALWAYS: tuple[Input, ...] = (
    *POWER, *BEATS, *(Operator(verb) for verb in VERBS if verb != "maintenance"), WagmanStart(), MessageDone(NOW_S, CYCLE)
)  # fmt: skip
HEAT: tuple[Input, ...] = (
    *(Hibernation(active) for active in (True, False)),
    WagmanStop(),
    *(Operator(verb, force=True) for verb in ("start", "restart")),
)  # fmt: skip
BROWNOUT: tuple[Input, ...] = (PowerLost(NOW_S, "the board restarted", reset=True, suspect=True),)
FOR_A_WHILE: tuple[Input, ...] = (
    *(Operator(verb, for_s=600.0) for verb in ("stop", "maintenance")),
    Operator("maintenance"),
    Hibernation(active=True),
    WagmanStop(),
)
WORLDS = ((*ALWAYS, *HEAT), (*ALWAYS, *BROWNOUT), (*ALWAYS, *FOR_A_WHILE))
LEFT_ALONE = ("guest", "switch", "modem")
"""Whose search has the last of the worlds: it is a long one, and those that are told and cut differ in nothing that it shows."""

# --- The search -------------------------------------------------------------------------------------------------------


@frozen(cache_hash=True)
class Node:
    """A state with its memory and the names of its alarms."""

    state: State
    memory: Memory
    armed: frozenset[str]


@frozen(eq=False)
class Edge:
    """One step: where it began, what was told, where it led."""

    old: Node
    item: Input
    step: Step
    new: Node


@frozen
class Explored:
    """What a search found."""

    name: str
    config: DeviceConfig
    edges: list[Edge]
    nodes: frozenset[Node]
    taken: set[tuple[str, str]]  # the ways between states, those in passing included


def root() -> Node:
    state = guest.untrusted()
    return normal(state, Memory(cycle=CYCLE), state.resume(Situation(HASTY, Memory())))


def at_times(value: Any, of: Callable[[float], float | None]) -> Any:
    """The same value with each of its times put through `of`, also in the values that it is made of."""
    held = {each.name: getattr(value, each.name) for each in fields(type(value))}
    times = {name: of(at_s) for name, at_s in held.items() if name.endswith("_at_s") and at_s is not None}
    parts = {name: at_times(part, of) for name, part in held.items() if has(type(part))}
    return evolve(value, **times, **parts)


def aged(state: State, seconds: float) -> State:
    """The same state, `seconds` later, its ages rounded down to those that make a difference."""
    older: State = at_times(state, lambda at_s: NOW_S - max(age for age in AGES_S if age <= NOW_S - at_s + seconds))
    return older


def normal(state: State, memory: Memory, armed: Iterable[str]) -> Node:
    """The node without what makes no difference."""
    shift = CYCLE - memory.cycle
    counters = {name: min(getattr(memory, name), most) for name, most in MOST.items()}
    memory = evolve(memory, cycle=CYCLE, media=None, **counters)
    state = aged(evolve(state, reason=""), 0.0)
    if isinstance(state, Stopped):
        state = evolve(state, cut=max((state.cut or 0) + shift, CYCLE - 2))
    return Node(state, memory, frozenset(armed))


def armed_after(armed: frozenset[str], plan: Plan | None) -> frozenset[str]:
    return armed if plan is None else frozenset(name for name, alarm in plan.items() if alarm is not None or name in armed)


def told(node: Node, config: DeviceConfig, item: Input) -> Edge:
    armed = node.armed - {item.name} if isinstance(item, Fired) else node.armed
    step = guest.step(node.state, Situation(config, node.memory), item)
    after = armed_after(armed, step.alarms)
    stays = step.state is node.state and step.memory is node.memory
    return Edge(node, item, step, Node(node.state, node.memory, after) if stays else normal(step.state, step.memory, after))


def edges_from(node: Node, config: DeviceConfig, world: tuple[Input, ...]) -> Iterator[Edge]:
    for item in world:
        yield told(node, config, item)
    for seconds in AGES_S[1:] if aged(node.state, AGES_S[-1]) != node.state else ():
        yield evolve(told(evolve(node, state=aged(node.state, seconds)), config, BEATS[0]), old=node)
    for name in node.armed:
        yield told(node, config, Fired(name))
    if "timeout" in node.armed:
        yield told(node, config, Fired("timeout", late=True))
        yield told(node, config, Fired("timeout", stirred=True))
    if "heartbeat" in node.armed:
        yield told(node, config, Fired("heartbeat", late=True, stirred=True))
    if "adopt" in node.armed:
        yield from (told(node, config, Fired("adopt", supply)) for supply in get_args(Supply))


def search(config: DeviceConfig, world: tuple[Input, ...]) -> list[Edge]:
    seen, ahead, found = {root()}, [root()], list[Edge]()
    for node in ahead:
        for edge in edges_from(node, config, world):
            found.append(edge)
            if edge.new not in seen:
                seen.add(edge.new)
                ahead.append(edge.new)
    return found


@pytest.fixture(scope="module", params=CONFIGS)
def explored(request: pytest.FixtureRequest) -> Explored:
    config = CONFIGS[request.param]
    taken: set[tuple[str, str]] = set()
    real = State.check_way

    def check_way(self: State, new: State) -> None:
        taken.add((self.name, new.name))
        real(self, new)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(State, "check_way", check_way)
        worlds = WORLDS if request.param in LEFT_ALONE else WORLDS[:-1]
        found = [edge for world in worlds for edge in search(config, world)]
    return Explored(request.param, config, found, frozenset({root(), *(edge.new for edge in found)}), taken)


# --- The graph itself -------------------------------------------------------------------------------------------------


def declared(explored: Explored) -> set[tuple[str, str]]:
    ways = {(name, to) for name, state in STATES.items() for to in state.successors}
    return ways if explored.name in LEFT_ALONE else {way for way in ways if "maintenance" not in way}


def test_every_declared_transition_is_taken_and_none_other(explored: Explored) -> None:
    config = explored.config
    edges = explored.edges
    moved = {(old, new) for old, new in explored.taken if old != new}
    assert moved == declared(explored) - impossible(config)
    for edge in edges:
        old, new = edge.old.state.name, edge.new.state.name
        assert old == new or (old, new) in moved or through(edge) in moved


def impossible(config: DeviceConfig) -> set[tuple[str, str]]:
    """What cannot happen to a device that is not asked to halt but passes through, nor to one that can be heard."""
    through = {(name, {"stopping": "restarting", "restarting": "stopping"}[name]) for name in passed_through(config)}
    through |= {(name, "maintenance") for name in passed_through(config)}
    return through | {("starting", "restarting" if config.has_heartbeat else "stopping")}


def passed_through(config: DeviceConfig) -> set[str]:
    """The states that end as soon as they begin: there is no message."""
    commands = {"stopping": config.shutdown, "restarting": config.shutdown if config.restart is None else config.restart}
    return {name for name, command in commands.items() if not command}


def through(edge: Edge) -> tuple[str, str]:
    """The last leg of a step that passed through a state."""
    passed = [effect.type.partition(".")[2] for effect in edge.step.effects if isinstance(effect, Draft)]
    return passed[-2] if len(passed) > 1 else "", edge.new.state.name


def test_every_state_is_reached(explored: Explored) -> None:
    unreached = passed_through(explored.config) | (set() if explored.name in LEFT_ALONE else {"maintenance"})
    assert {node.state.name for node in explored.nodes} == STATES.keys() - unreached


# --- What holds everywhere --------------------------------------------------------------------------------------------


def test_stopped_means_off_or_untouched_and_every_other_state_means_on(explored: Explored) -> None:
    for node in explored.nodes:
        level = node.state.power(node.memory).level
        asks = isinstance(node.state, Stopped | Halting) and node.state.untouched
        untouched = asks or isinstance(node.state, Maintenance)
        assert level == ("untouched" if untouched else "off" if isinstance(node.state, Stopped) else "on")


def handles(state: State, alarm: str) -> bool:
    try:
        ringing(state, alarm)
    except AttributeError:
        return False
    return True


def test_every_state_has_a_handler_for_each_of_its_alarms_and_for_no_other() -> None:
    alarms = {alarm for handled in HANDLED.values() for alarm in handled}
    assert {name: {alarm for alarm in alarms if handles(state(), alarm)} for name, state in STATES.items()} == HANDLED
    assert alarms == set(STAND)


def test_no_alarm_is_armed_that_its_state_does_not_handle(explored: Explored) -> None:
    config = explored.config
    nodes = explored.nodes
    for node in nodes:
        assert node.armed - {TERM} <= HANDLED[node.state.name]
        assert node.state.resume(Situation(config, node.memory)).keys() <= HANDLED[node.state.name]


def test_what_is_ordered_for_a_while_ends_by_itself_in_whatever_state(explored: Explored) -> None:
    for node in explored.nodes:
        is_ordered = node.memory.term is not None
        assert (TERM in node.armed) == is_ordered == (TERM in guest.resume(node.state, Situation(explored.config, node.memory)))
        assert isinstance(node.state, Maintenance) == node.memory.maintained
    for edge in explored.edges:
        if edge.item == Fired(TERM):
            assert edge.new.memory.term is None
            assert edge.old.memory.maintained or edge.new.memory.wanted == "up"


def test_nothing_is_done_about_a_guest_in_maintenance(explored: Explored) -> None:
    for edge in explored.edges:
        if isinstance(edge.old.state, Maintenance) and isinstance(edge.new.state, Maintenance):
            assert not [each for each in edge.step.effects if isinstance(each, Message)]
            assert evolve(edge.new.memory, term=None, hibernating=False) == evolve(edge.old.memory, term=None, hibernating=False)
        elif isinstance(edge.old.state, Maintenance):
            assert edge.item in (Fired(TERM), Operator("maintenance"))
            assert edge.step.state == evolve(guest.untrusted(), reason=edge.step.state.reason)


def owed(state: State, config: DeviceConfig) -> set[str]:
    """The alarms without which a state would never be left, or would forget what it waits for."""
    match state:
        case Stopped():
            waits = {"settle": not state.settled, "backoff": state.backoff_s > 0, "adopt": state.untouched}
        case Booting():
            waits = {"timeout": state.relay.on}
        case Started():
            waits = {"heartbeat": config.has_heartbeat, "stable": not config.has_heartbeat and not state.stable}
        case Halting():
            waits = {"heartbeat": True, "timeout": state.message.delivered, "resend": state.message.recent}
        case Maintenance():
            waits = {"heartbeat": config.has_heartbeat and not state.silent}
        case _:
            raise AssertionError(state)
    return {name for name, is_so in waits.items() if is_so}


def test_every_state_has_the_alarms_that_lead_on(explored: Explored) -> None:
    config = explored.config
    nodes = explored.nodes
    for node in nodes:
        assert owed(node.state, config) <= node.armed
        if isinstance(node.state, Halting) and not node.state.message.delivered:
            assert node.state.message.sending  # the end of the delivery leads on


def test_every_state_resumes_with_the_alarms_that_lead_on(explored: Explored) -> None:
    config = explored.config
    nodes = explored.nodes
    for node in nodes:
        resumed = guest.restored(node.state.lasting()).resumed(Situation(config, node.memory), NOW_S, None)
        plan = guest.resume(resumed, Situation(config, node.memory))
        assert owed(resumed, config) <= plan.keys()
        assert node.armed - plan.keys() <= {"resend", "settle"} | ({"adopt"} if resumed == node.state else set())
        assert all(alarm is not None and (alarm.since_s is None or alarm.since_s <= NOW_S) for alarm in plan.values())


def test_every_state_comes_back_from_what_was_saved_of_it(explored: Explored) -> None:
    for node in explored.nodes:
        saved = json.loads(json.dumps(node.state.lasting()))
        assert guest.restored(saved) == at_times(node.state, lambda _: None)


def test_power_is_on_only_where_it_is_wanted_or_on_the_way_out(explored: Explored) -> None:
    for node in explored.nodes:
        if node.memory.wanted == "down":
            assert node.state.name in ("stopped", "will_stop", "stopping", "maintenance")
        if not node.memory.enabled:
            assert node.memory.wanted == "down"


def test_an_exemption_lasts_no_longer_than_the_hibernation_and_the_run(explored: Explored) -> None:
    for node in explored.nodes:
        if node.memory.exempt:
            assert node.memory.hibernating
            assert not isinstance(node.state, Stopped) or node.state.untouched


def test_a_held_device_is_not_started(explored: Explored) -> None:
    for node in explored.nodes:
        if node.memory.held:
            assert node.state.name in ("stopped", "stopping", "maintenance")


# --- What holds on the way --------------------------------------------------------------------------------------------


def cuts(edge: Edge) -> bool:
    """The step licenses that power which was left alone until then is cut."""
    before, after = edge.old.state.power(edge.old.memory), edge.step.state.power(edge.step.memory)
    if before.level == "off" or (isinstance(edge.old.state, Booting) and not edge.old.state.relay.asked and after.cycle < CYCLE):
        return False
    return (after.level == "off" and after.cycle >= CYCLE) or (after.level == "on" and after.cycle > CYCLE and not after.already)


def licence(edge: Edge, config: DeviceConfig) -> str:
    """Why power may be cut, in the words of the promise; empty where nothing allows it."""
    state = edge.old.state
    match edge.item:
        case Operator("kill"):
            return "kill"
        case PowerLost():
            return "it is gone already"
        case Fired("timeout", stirred=stirred) if not (stirred and isinstance(state, Booting)):
            return "failed start" if isinstance(state, Booting) else "stop time-out"
        case Fired("heartbeat") if isinstance(state, Halting) and state.message.delivered:
            return "silence after a message"
        case Fired("adopt", "off"):
            return "nothing runs"
    passed = {effect.type for effect in edge.step.effects if isinstance(effect, Draft)}
    return "may simply be cut" if any(f"device.{name}" in passed for name in passed_through(config)) else ""


def test_power_is_cut_only_for_the_reasons_that_were_promised(explored: Explored) -> None:
    config = explored.config
    edges = explored.edges
    reasons = {(edge.old.state.name, licence(edge, config)) for edge in edges if cuts(edge)}
    assert {reason for _, reason in reasons} >= {"kill", "failed start", "it is gone already", "nothing runs"} - (
        set() if config.has_heartbeat else {"failed start"}
    )
    assert not {state for state, reason in reasons if not reason}


def test_a_stop_timeout_that_nobody_saw_pass_cuts_nobody_who_can_be_asked(explored: Explored) -> None:
    for edge in explored.edges:
        if edge.item == Fired("timeout", late=True) and isinstance(edge.old.state, Halting):
            assert cuts(edge) == (not edge.old.state.command(explored.config))


def test_a_silence_that_nobody_saw_begin_cuts_nobody_who_can_be_asked_and_was_heard_since(explored: Explored) -> None:
    for edge in explored.edges:
        if edge.item == Fired("heartbeat", late=True, stirred=True) and isinstance(edge.old.state, Halting):
            assert not cuts(edge) or not edge.old.state.command(explored.config)


def test_the_wagmans_start_is_carried_out_exactly_where_it_is_due(explored: Explored) -> None:
    for edge in explored.edges:
        if isinstance(edge.item, WagmanStart):
            due = isinstance(edge.old.state, Stopped) and edge.old.state.due(edge.old.memory)
            assert (edge.new.state.name == "starting" and edge.new != edge.old and edge.old.state.name == "stopped") == due
            assert due or edge.new == edge.old


def test_every_command_is_answered_and_a_refusal_changes_nothing(explored: Explored) -> None:
    for edge in explored.edges:
        if isinstance(edge.item, Operator):
            assert edge.step.verdict is not None
            assert edge.step.verdict.state == edge.new.state.name
            if not edge.step.verdict.accepted:
                assert (edge.new, edge.step.effects) == (edge.old, ())


def test_no_message_is_sent_that_there_is_none_of(explored: Explored) -> None:
    config = explored.config
    edges = explored.edges
    kinds = {effect.kind for edge in edges for effect in edge.step.effects if isinstance(effect, Message)}
    restart = config.shutdown if config.restart is None else config.restart
    assert kinds == {kind for kind, command in (("shutdown", config.shutdown), ("restart", restart)) if command}


def test_a_power_cycle_is_never_taken_back(explored: Explored) -> None:
    for edge in explored.edges:
        assert 0 <= edge.step.memory.cycle - edge.old.memory.cycle <= 2  # 2: found running, and restarted at once
        assert all(getattr(edge.step.memory, name) >= 0 for name in MOST)


def test_every_event_is_written_down_with_all_its_fields(explored: Explored) -> None:
    told = [effect for edge in explored.edges for effect in edge.step.effects if isinstance(effect, Draft)]
    assert not {(each.type, name) for each in told for name in each.fields if name not in EVENT_TYPES[each.type].fields}


# --- It always goes on ------------------------------------------------------------------------------------------------


def leads_on(edge: Edge, config: DeviceConfig) -> bool:
    """A step of an undisturbed world: the board carries out what is wanted, the guest boots and beats."""
    state, item = edge.old.state, edge.item
    match item:
        case WagmanStart() | MessageDone():
            return True
        case Fired():
            return item.supply == "off" or item.name != "adopt"
        case RelayAsked() | RelayOn():
            return isinstance(state, Booting) and item.cycle == CYCLE
        case RelayOff():
            return isinstance(state, Stopped)
        case Beat():
            return isinstance(state, Booting) and config.has_heartbeat
    return False


def coming_to(explored: Explored, goals: set[str]) -> set[Node]:
    """The nodes from which an undisturbed world leads to one of these states."""
    back = defaultdict[Node, set[Node]](set)
    for edge in explored.edges:
        if leads_on(edge, explored.config):
            back[edge.new].add(edge.old)
    ahead = [node for node in explored.nodes if node.state.name in goals]
    reached = set(ahead)
    for node in ahead:
        ahead += back[node] - reached
        reached |= back[node]
    return reached


def test_a_healthy_wanted_device_can_always_come_to_be_started(explored: Explored) -> None:
    cool = {node for node in explored.nodes if not node.memory.hibernating}
    wanted = {node for node in cool if Situation(explored.config, node.memory).welcome}
    assert not wanted - coming_to(explored, {"started"})


def test_a_device_that_is_not_wanted_can_always_come_to_be_stopped(explored: Explored) -> None:
    unwanted = {node for node in explored.nodes if node.memory.wanted == "down"}
    assert not unwanted - coming_to(explored, {"stopped"})
