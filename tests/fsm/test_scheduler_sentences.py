"""The description of the scheduler, sentence by sentence."""

from typing import Any

import pytest
from attrs import define, evolve, field

from wagman.config.enclosure import Bounds, EnvironmentConfig
from wagman.config.schema import WagmanConfig
from wagman.fsm import scheduler
from wagman.fsm.alarms import Alarm, Fired, Plan
from wagman.fsm.environment import FIRST_VERDICT, RELEASE, STALE, Environment
from wagman.fsm.scheduler.inputs import (
    Effect,
    GuestChanged,
    GuestRefused,
    Hibernate,
    Input,
    Ordered,
    PowerFailed,
    StartGuest,
    StopGuest,
    View,
    Visibility,
)
from wagman.fsm.scheduler.machine import ORDER as ORDER_ALARM
from wagman.fsm.scheduler.machine import ORDER_S
from wagman.fsm.scheduler.situation import Situation
from wagman.fsm.scheduler.states import Hibernating, Normal, StartDevices, StartNextDevice, State, Step, WillHibernate
from wagman.model.errors import StoreError
from wagman.model.facts import Draft, HibernationOrder, Sample

ORDER = ("gn", "cs", "x1")
TEMPERATURE = EnvironmentConfig(samples=3, sensors={"temperature_c": Bounds(high=70.0, low=-30.0, hysteresis=5.0)})
COLD_IS_BAD = EnvironmentConfig(sensors={"temperature_c": Bounds(low=-30.0, hysteresis=5.0, low_action="hibernate")})
BLIND_TO_ALL = EnvironmentConfig()


def situation(environment: EnvironmentConfig = BLIND_TO_ALL) -> Situation:
    return Situation(WagmanConfig(), ORDER, Environment(environment), unseen=frozenset())


@define
class Node:
    """The scheduler with guests that do what they are asked, unless they are dead."""

    now: Situation = field(factory=situation)
    state: State = field(factory=StartDevices)
    armed: dict[str, Alarm] = field(factory=dict)
    dead: set[str] = field(factory=set)
    started: list[str] = field(factory=list)
    stopped: list[str] = field(factory=list)
    told: list[Hibernate] = field(factory=list)
    events: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.carry_on(scheduler.taken_up(self.state, self.now))

    def arm(self, plan: Plan) -> None:
        kept = {name: self.armed[name] for name, alarm in plan.items() if alarm is None and name in self.armed}
        self.armed = {**kept, **{name: alarm for name, alarm in plan.items() if alarm is not None}}

    def tell(self, item: Input) -> list[Effect]:
        if isinstance(item, Fired):
            del self.armed[item.name]
        return self.carry_on(scheduler.step(self.state, self.now, item))

    def carry_on(self, step: Step) -> list[Effect]:
        self.state, self.now = step.state, step.now
        self.arm(step.alarms)
        self.started += [effect.name for effect in step.effects if isinstance(effect, StartGuest)]
        self.stopped += [effect.name for effect in step.effects if isinstance(effect, StopGuest)]
        self.told += [effect for effect in step.effects if isinstance(effect, Hibernate)]
        self.events += [effect.type for effect in step.effects if isinstance(effect, Draft)]
        return list(step.effects)

    @property
    def name(self) -> str:
        return self.state.name

    def show(self, name: str, state: str, *, due: bool = False, exempt: bool = False) -> list[Effect]:
        """A guest's state has changed."""
        old = self.now.views.get(name, View(name, "stopped"))
        is_its_turn = isinstance(self.state, StartNextDevice) and self.state.device == name and state == "starting"
        starts = old.starts + (is_its_turn and old.state != state)
        return self.tell(GuestChanged(View(name, state, starts, due, exempt, self.state.hibernates)))

    def show_all(self, state: str, *, due: bool = False) -> None:
        for name in ORDER:
            self.show(name, state, due=due)

    def turn(self) -> str:
        """The guest that was asked for last starts, or fails to; then the machine goes on."""
        name = self.started[-1]
        self.show(name, "starting")
        if name in self.dead:
            self.show(name, "stopped", due=True)
        else:
            self.show(name, "started")
        return name

    def sense(self, *values: float | None, sensor: str = "temperature_c") -> None:
        for value in values:
            self.tell(Sample(sensor, value, 0.0))

    def fire(self, alarm: str) -> list[Effect]:
        assert alarm in self.armed
        return self.tell(Fired(alarm))


def running(environment: EnvironmentConfig = TEMPERATURE) -> Node:
    """All run, and the enclosure is mild."""
    node = Node(situation(environment))
    node.show_all("started")
    node.sense(20.0, 20.0, 20.0)
    assert node.name == "normal"
    return node


def hibernating() -> Node:
    node = running()
    node.sense(75.0, 75.0, 75.0)
    for name in reversed(ORDER):
        node.fire("stop")
        node.show(name, "stopping")
        node.show(name, "stopped")
    assert node.name == "hibernating"
    return node


# --- Starting ---------------------------------------------------------------------------------------------------------


def test_the_guests_are_started_one_after_the_other_in_start_order() -> None:
    node = Node(evolve(situation(), unseen=frozenset(ORDER)))
    node.show_all("stopped", due=True)
    assert node.started == []
    node.tell(Visibility(frozenset(ORDER), blind=False))
    node.fire("look")
    for name in ORDER:
        assert node.started[-1] == name
        node.turn()
    assert (node.name, node.started) == ("normal", list(ORDER))


def test_the_next_guest_is_not_asked_before_the_last_is_no_longer_starting() -> None:
    node = Node()
    node.show("gn", "stopped", due=True)
    node.show("cs", "stopped", due=True)
    assert node.started == ["gn"]
    node.show("gn", "starting")
    node.show("x1", "stopped", due=True)
    assert node.started == ["gn"]
    node.show("gn", "will_stop")
    assert node.started == ["gn", "cs"]


def test_one_dead_device_never_starves_the_others() -> None:
    node = Node(evolve(situation(), unseen=frozenset(ORDER)), dead={"gn", "cs"})
    node.show_all("stopped", due=True)
    node.tell(Visibility(frozenset(ORDER), blind=False))
    node.fire("look")
    turns = [node.turn() for _ in range(7)]
    assert turns == ["gn", "cs", "x1", "gn", "cs", "gn", "cs"]


def test_every_due_guest_has_its_turn_within_one_round_whoever_was_last() -> None:
    for cursor in (None, *ORDER, "gone"):
        node = Node(evolve(situation(), unseen=frozenset(ORDER), cursor=cursor), dead=set(ORDER))
        node.show_all("stopped", due=True)
        node.tell(Visibility(frozenset(ORDER), blind=False))
        node.fire("look")
        assert {node.turn() for _ in ORDER} == set(ORDER)
        assert node.started[0] == {"gn": "cs", "cs": "x1"}.get(str(cursor), "gn")


def test_a_board_that_takes_the_power_of_all_makes_them_start_from_the_first_in_whatever_order_they_say_so() -> None:
    node = running()
    node.now = evolve(node.now, cursor="gn")
    node.tell(PowerFailed(frozenset(ORDER)))
    for name in ("x1", "cs", "gn"):
        node.show(name, "stopped", due=True)
    for name in ORDER:
        assert node.started[-1] == name
        node.turn()
    assert node.started == list(ORDER)


def test_a_board_that_takes_the_power_of_some_leaves_the_turn_where_it_is() -> None:
    node = running()
    node.now = evolve(node.now, cursor="gn")
    node.tell(PowerFailed(frozenset({"gn", "x1"})))
    node.show("gn", "stopped", due=True)
    assert node.started == []
    node.show("x1", "stopped", due=True)
    assert node.started == ["x1"]


def test_a_board_that_restarts_again_and_again_while_the_first_guest_does_not_come_up_starves_no_other() -> None:
    node = Node()
    node.show_all("stopped", due=True)
    for _ in ORDER:
        name = node.started[-1]
        node.show(name, "starting")
        node.tell(PowerFailed(frozenset(ORDER)))
        node.show(name, "stopped", due=True)
    assert node.started == [*ORDER, "gn"]


def test_a_guest_that_is_due_first_waits_for_those_that_come_before_it_and_have_yet_to_be_seen() -> None:
    node = Node(evolve(situation(), awaited=frozenset(ORDER)))
    for name in ("gn", "cs"):
        node.tell(GuestChanged(View(name, "stopped", known=False)))
    node.show("x1", "stopped", due=True)
    node.show("cs", "stopped", due=True)
    assert node.started == []
    node.show("gn", "started")
    assert node.started == ["cs"]
    node.turn()
    assert node.started == ["cs", "x1"]


def test_the_wait_for_those_that_come_first_is_bounded() -> None:
    node = Node(evolve(situation(), awaited=frozenset(ORDER)))
    assert ORDER_ALARM not in node.armed
    node.show("cs", "stopped", due=True)
    assert node.armed[ORDER_ALARM] == Alarm(ORDER_S)
    node.show("x1", "stopped", due=True)
    node.fire(ORDER_ALARM)
    assert node.started == ["cs"]
    assert ORDER_ALARM not in node.armed


def test_normal_looks_every_minute() -> None:
    node = running()
    node.show("gn", "stopped")
    assert (node.name, node.started) == ("normal", [])
    node.show("gn", "stopped", due=True)  # its backoff is over: no news of a stop
    assert (node.name, node.started) == ("normal", [])
    assert node.armed["look"] == Alarm(60.0)
    node.fire("look")
    assert node.started == ["gn"]


def test_a_due_guest_that_stops_is_started_at_once() -> None:
    node = running()
    node.show("cs", "stopped", due=True)
    assert node.started == ["cs"]


def test_nothing_is_due_while_blind() -> None:
    node = running()
    node.tell(Visibility(frozenset(ORDER), blind=True))
    node.show("cs", "stopped", due=True)
    node.fire("look")
    assert node.started == []
    node.tell(Visibility(frozenset(ORDER), blind=False))
    node.fire("look")
    assert node.started == ["cs"]


def test_a_board_that_cannot_be_seen_holds_up_its_own_guests_only() -> None:
    node = running()
    node.tell(Visibility(frozenset({"gn"}), blind=True))
    node.show("gn", "stopped", due=True)
    assert node.started == []
    node.show("cs", "stopped", due=True)
    assert node.started == ["cs"]
    node.tell(Visibility(frozenset({"gn"}), blind=False))
    node.turn()
    assert node.started == ["cs", "gn"]


def test_a_start_is_one_to_recover_where_the_guest_says_so() -> None:
    node = running()
    effects = node.tell(GuestChanged(View("cs", "stopped", due=True, recover=True)))
    assert StartGuest("cs", recover=True) in effects
    assert Draft("wagman.start_next_device", "cs", {"recover": True}) in effects


def test_a_start_that_does_not_end_is_given_up_after_its_timeout_the_stagger_and_a_minute() -> None:
    node = running()
    node.tell(GuestChanged(View("cs", "stopped", due=True, start_timeout_s=240.0)))
    assert node.armed["guard"] == Alarm(240.0 + 5.0 + 60.0)
    node.fire("guard")
    assert (node.name, node.events[-2:]) == ("normal", ["wagman.start_stalled", "wagman.normal"])


def test_a_refused_start_is_told_and_the_next_guest_has_its_turn() -> None:
    node = running()
    node.show("cs", "stopped", due=True)
    node.show("gn", "stopped", due=True)
    effects = node.tell(GuestRefused("cs", "it is disabled"))
    assert Draft("wagman.start_refused", "cs", {"reason": "it is disabled"}) in effects
    assert node.started == ["cs", "gn"]


def test_a_refused_start_is_not_asked_for_again_at_once_but_at_the_next_look() -> None:
    node = running()
    node.show("cs", "stopped", due=True)
    node.tell(GuestRefused("cs", "its inbox is full"))
    assert (node.name, node.started) == ("normal", ["cs"])
    node.fire("look")
    assert node.started == ["cs", "cs"]


def test_a_refused_start_is_asked_for_again_when_the_guest_has_changed() -> None:
    node = running()
    node.show("cs", "stopped", due=True)
    node.tell(GuestRefused("cs", "it is starting"))
    node.show("cs", "starting")
    node.show("cs", "stopped", due=True)
    assert node.started == ["cs", "cs"]


def test_the_news_of_before_the_start_do_not_end_the_wait_for_it() -> None:
    node = running()
    node.show("cs", "stopped", due=True)
    node.show("cs", "stopped")
    assert node.name == "start_next_device"
    node.show("cs", "starting")
    assert node.name == "start_next_device"


# --- Hibernation ------------------------------------------------------------------------------------------------------


def test_an_abnormal_environment_is_handled_in_every_state() -> None:
    for state in (StartDevices(), StartNextDevice("gn", 0), Normal()):
        node = running()
        node.state = state
        node.sense(75.0, 75.0, 75.0)
        assert node.name == "will_hibernate"
        assert node.told == [Hibernate(active=True)]


def test_guests_are_stopped_one_by_one_in_reverse_start_order() -> None:
    node = running()
    node.sense(75.0, 75.0, 75.0)
    assert (node.stopped, node.armed["stop"]) == ([], Alarm(30.0))
    for count in range(1, 4):
        node.fire("stop")
        assert len(node.stopped) == count
        node.show(node.stopped[-1], "stopping")
        assert node.armed["stop"] == Alarm(30.0)
    assert node.stopped == ["x1", "cs", "gn"]
    node.fire("stop")
    assert len(node.stopped) == 3  # each has been asked


def test_a_guest_that_has_not_heard_its_stop_is_asked_again() -> None:
    node = running()
    node.sense(75.0, 75.0, 75.0)
    node.fire("stop")
    node.fire("stop")
    assert node.stopped == ["x1", "x1"]


@pytest.mark.parametrize("state", ["stopping", "will_stop"])
def test_a_guest_that_is_on_its_way_down_is_not_asked_but_waited_for(state: str) -> None:
    node = running()
    node.show("gn", "stopped")
    node.show("cs", "stopped")
    node.show("x1", state)
    node.sense(75.0, 75.0, 75.0)
    node.fire("stop")
    assert (node.name, node.stopped) == ("will_hibernate", [])


@pytest.mark.parametrize("state", ["starting", "started", "restarting"])
def test_whatever_has_power_and_was_not_asked_is_stopped(state: str) -> None:
    node = running()
    node.show("x1", state)
    node.sense(75.0, 75.0, 75.0)
    node.fire("stop")
    assert node.stopped == ["x1"]


def test_the_environment_turning_normal_ends_the_way_down() -> None:
    node = running()
    node.sense(75.0, 75.0, 75.0)
    node.fire("stop")
    node.sense(20.0, 20.0, 20.0)
    assert (node.name, node.told[-1]) == ("normal", Hibernate(active=False))


def test_when_all_are_stopped_it_hibernates_for_at_least_the_minimum() -> None:
    node = hibernating()
    assert node.armed["minimum"] == Alarm(900.0)
    node.sense(20.0, 20.0, 20.0)
    assert node.name == "hibernating"
    node.fire("minimum")
    assert node.name == "normal"
    assert node.told[-1] == Hibernate(active=False)


def test_after_the_minimum_it_goes_on_until_the_environment_is_normal() -> None:
    node = hibernating()
    node.fire("minimum")
    assert node.name == "hibernating"
    node.sense(20.0, 20.0, 20.0)
    assert node.name == "normal"


def test_hibernating_resets_the_cursor_to_the_first_device() -> None:
    node = running()
    node.show("gn", "stopped", due=True)
    node.turn()
    node.sense(75.0, 75.0, 75.0)
    for name in ORDER:
        node.show(name, "stopped")
    assert node.name == "hibernating"
    assert node.now.cursor is None


def test_nothing_is_started_while_hibernating() -> None:
    for node in (hibernating(), running()):
        node.sense(75.0, 75.0, 75.0)
        node.show_all("stopped", due=True)
        for _ in range(5):
            node.fire("stop")
        assert node.started == []


def test_a_guest_that_runs_while_hibernating_is_stopped() -> None:
    node = hibernating()
    node.show("cs", "started")
    node.fire("stop")
    assert node.stopped[-1] == "cs"
    assert len(node.stopped) == 4


def test_a_guest_that_was_forced_up_is_spared_and_does_not_hold_up_the_rest() -> None:
    node = running()
    node.show("cs", "started", exempt=True)
    node.sense(75.0, 75.0, 75.0)
    node.show("gn", "stopped")
    node.show("x1", "stopped")
    assert node.name == "hibernating"
    node.fire("stop")
    assert node.stopped == []


def test_a_guest_that_has_not_heard_whether_guests_may_run_is_told() -> None:
    node = hibernating()
    effects = node.tell(GuestChanged(View("cs", "stopped", hibernating=False)))
    assert effects == [Hibernate(active=True, name="cs")]
    node = running()
    effects = node.tell(GuestChanged(View("cs", "started", hibernating=True)))
    assert effects == [Hibernate(active=False, name="cs")]


# --- The environment --------------------------------------------------------------------------------------------------


def test_no_start_before_the_first_verdict() -> None:
    node = Node(situation(TEMPERATURE))
    node.show("gn", "stopped", due=True)
    node.sense(20.0, 20.0)
    node.fire("look")
    assert node.started == []
    node.sense(20.0)
    node.fire("look")
    assert node.started == ["gn"]


def test_the_first_verdict_is_waited_for_five_minutes_at_most() -> None:
    node = Node(situation(TEMPERATURE))
    assert node.armed[FIRST_VERDICT] == Alarm(300.0)
    node.show("gn", "stopped", due=True)
    node.fire(FIRST_VERDICT)
    node.fire("look")
    assert node.started == ["gn"]


def test_an_unknown_sensor_is_a_verdict_too_and_starts_go_on() -> None:
    node = Node(situation(TEMPERATURE))
    node.show("gn", "stopped", due=True)
    node.sense(None, None, None)
    node.fire("look")
    assert (node.started, node.events.count("environment.unknown")) == (["gn"], 1)


def test_low_makes_starts_wait_and_stops_nothing() -> None:
    node = running()
    node.sense(-30.0, -30.0, -30.0)
    node.show("gn", "stopped", due=True)
    node.fire("look")
    assert (node.name, node.started, node.stopped) == ("normal", [], [])
    node.sense(-24.0, -24.0, -24.0)
    node.fire("look")
    assert node.started == ["gn"]


def test_low_hibernates_where_it_is_configured_to() -> None:
    node = running(COLD_IS_BAD)
    node.sense(-30.0, -30.0, -30.0)
    assert node.name == "will_hibernate"


def test_an_unknown_sensor_changes_nothing_and_is_reported_once() -> None:
    node = running()
    node.sense(*[None] * 9)
    node.fire(STALE + "temperature_c")
    assert (node.name, node.events.count("environment.unknown")) == ("normal", 1)
    node = hibernating()
    node.fire("minimum")
    node.sense(*[None] * 9)
    assert (node.name, node.events.count("environment.unknown")) == ("hibernating", 1)


def test_unknown_for_six_hours_while_hibernating_releases_the_guests() -> None:
    node = hibernating()
    node.fire("minimum")
    assert RELEASE not in node.armed
    node.sense(None, None, None)
    assert node.armed[RELEASE] == Alarm(21_600.0)
    node.fire("stop")
    assert RELEASE in node.armed
    node.fire(RELEASE)
    assert node.events[-2:] == ["environment.released", "wagman.normal"]
    node.show("gn", "stopped", due=True)
    node.fire("look")
    assert node.started == ["gn"]


def test_a_sensor_that_tells_again_ends_the_wait_for_the_release() -> None:
    node = hibernating()
    node.sense(None, None, None)
    node.sense(75.0, 75.0, 75.0)
    assert RELEASE not in node.armed
    node.sense(None, None, None)
    assert node.armed[RELEASE] == Alarm(21_600.0)


def test_after_a_release_heat_that_is_seen_counts_again() -> None:
    node = hibernating()
    node.fire("minimum")
    node.sense(None, None, None)
    node.fire(RELEASE)
    node.sense(75.0, 75.0, 75.0)
    assert node.state.hibernates


def test_a_sensor_that_does_not_tell_for_long_is_unknown() -> None:
    node = running()
    assert node.armed[STALE + "temperature_c"] == Alarm(180.0)
    node.fire(STALE + "temperature_c")
    assert node.events[-1] == "environment.unknown"
    node.sense(20.0)
    assert node.armed[STALE + "temperature_c"] == Alarm(180.0)


def test_a_reading_that_failed_keeps_no_sensor_alive() -> None:
    node = running()
    del node.armed[STALE + "temperature_c"]
    node.sense(None)
    assert STALE + "temperature_c" not in node.armed


# --- Coming up --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "alarms"),
    [
        (StartDevices(), {"look": Alarm(60.0)}),
        (StartNextDevice("gn", 7), {"guard": Alarm(65.0)}),  # the guest has not shown itself yet
        (Normal(), {"look": Alarm(60.0)}),
        (WillHibernate(), {"stop": Alarm(30.0), RELEASE: Alarm(21_600.0)}),
        (Hibernating(), {"stop": Alarm(30.0), "minimum": Alarm(900.0), RELEASE: Alarm(21_600.0)}),
        (Hibernating(rested=True), {"stop": Alarm(30.0), RELEASE: Alarm(21_600.0)}),
    ],
)
def test_each_state_resumes_with_its_alarms_at_full_length(state: State, alarms: dict[str, Alarm]) -> None:
    environment = {FIRST_VERDICT: Alarm(300.0), STALE + "temperature_c": Alarm(180.0)}
    assert scheduler.taken_up(scheduler.restored(state.lasting()), situation(TEMPERATURE)).alarms == alarms | environment


def test_a_task_that_comes_back_in_the_cold_waits_for_the_release_anew() -> None:
    node = running()
    node.sense(-40.0, -40.0, -40.0, None, None, None)
    assert Node(node.now, node.state).armed[RELEASE] == Alarm(21_600.0)


def test_a_resumed_hibernation_is_not_ended_by_what_is_not_known_yet() -> None:
    node = Node(situation(TEMPERATURE), Hibernating(rested=True))
    node.sense(20.0, 20.0)
    node.fire("stop")
    assert node.name == "hibernating"
    node.sense(20.0)
    assert node.name == "normal"


@pytest.mark.parametrize("state", [WillHibernate(), Hibernating(), Hibernating(rested=True)])
def test_a_resumed_hibernation_ends_where_no_sensor_is_left_to_tell(state: State) -> None:
    node = Node(situation(BLIND_TO_ALL), state)
    for alarm in ("stop", "minimum"):
        if alarm in node.armed:
            node.fire(alarm)
    assert node.name == "normal"


def test_a_resumed_start_is_over_when_its_guest_shows_itself() -> None:
    node = Node(state=scheduler.restored(StartNextDevice("gn", 7).lasting()))
    node.show("gn", "starting")
    assert node.name == "start_next_device"
    node.show("gn", "started")
    assert node.name == "normal"


def test_a_resumed_start_has_all_of_its_time_from_when_its_guest_shows_itself() -> None:
    node = Node(state=scheduler.restored(StartNextDevice("gn", 7).lasting()))
    node.tell(GuestChanged(View("gn", "starting", start_timeout_s=240.0)))
    assert node.armed["guard"] == Alarm(240.0 + 65.0)
    del node.armed["guard"]
    node.tell(GuestChanged(View("gn", "starting", start_timeout_s=240.0, exempt=True)))
    assert "guard" not in node.armed  # it is not begun again


def test_guests_that_have_not_shown_themselves_are_not_taken_for_down() -> None:
    node = Node(situation(TEMPERATURE), WillHibernate())
    node.show("gn", "stopped")
    node.fire("stop")
    assert node.name == "will_hibernate"
    node.show("cs", "started")
    node.show("x1", "stopped")
    assert node.name == "will_hibernate"
    node.show("cs", "stopped")
    assert node.name == "hibernating"


def test_a_resumed_way_into_hibernation_takes_no_guest_down_where_no_sensor_is_left_to_tell() -> None:
    node = Node(situation(BLIND_TO_ALL), WillHibernate())
    node.show_all("started")
    assert (node.name, node.stopped, node.told) == ("normal", [], [Hibernate(active=False)])


def reconfigured(node: Node, environment: EnvironmentConfig) -> None:
    now = evolve(node.now, environment=node.now.environment.reconfigured(environment))
    node.armed = {}
    node.carry_on(scheduler.taken_up(node.state, now))


def test_a_verdict_that_stands_counts_for_what_the_new_configuration_makes_of_it() -> None:
    node = running()
    node.sense(-40.0, -40.0, -40.0)
    assert node.name == "normal"
    reconfigured(node, COLD_IS_BAD)
    assert (node.name, "stop" in node.armed) == ("will_hibernate", True)
    reconfigured(node, TEMPERATURE)
    assert node.name == "normal"
    assert node.armed["look"] == Alarm(60.0)


def test_a_resumed_start_of_a_guest_that_is_gone_stalls_and_is_over() -> None:
    node = Node(state=scheduler.restored(StartNextDevice("gone", 7).lasting()))
    node.fire("guard")
    assert node.name == "normal"


@pytest.mark.parametrize("saved", ["abc", {}, {"name": "asleep"}, {"name": "normal", "mood": "good"}, {"name": ["normal"]}])
def test_what_is_no_state_is_not_trusted(saved: Any) -> None:
    with pytest.raises(StoreError):
        scheduler.restored(saved)


def test_what_version_0_1_0_kept_of_a_start_is_taken_up_and_what_is_kept_is_what_it_can_read() -> None:
    assert scheduler.restored({"name": "start_next_device", "device": "gn", "changes": 4}) == StartNextDevice("gn")
    assert StartNextDevice("gn", 7).lasting() == {"name": "start_next_device", "device": "gn"}


# --- By order ---------------------------------------------------------------------------------------------------------


def ordered_but(*kept: str, environment: EnvironmentConfig = TEMPERATURE) -> Node:
    """All run, the enclosure is mild, and an operator has ordered a hibernation that keeps these up."""
    node = running(environment)
    node.tell(Ordered(HibernationOrder("storm", keep=frozenset(kept))))
    return node


def stops(effects: list[Effect]) -> list[StopGuest]:
    return [effect for effect in effects if isinstance(effect, StopGuest)]


def test_a_guest_is_told_whether_heat_or_an_order_takes_it_down() -> None:
    assert stops(ordered_but("cs").fire("stop")) == [StopGuest("x1", by_order=True)]
    hot = ordered_but("cs")
    hot.sense(75.0, 75.0, 75.0)
    assert stops(hot.fire("stop")) == [StopGuest("x1", by_order=False)]


def test_guests_that_an_order_keeps_are_started_one_at_a_time_and_to_recover_where_they_say_so() -> None:
    node = ordered_but("gn", "cs")
    node.show("x1", "stopped")
    node.show("gn", "starting")
    node.tell(GuestChanged(View("cs", "stopped", due=True, recover=True)))
    assert StartGuest("cs", recover=True) not in node.fire("stop")
    node.show("gn", "started")
    assert StartGuest("cs", recover=True) in node.fire("stop")


def test_guests_that_an_order_keeps_wait_for_the_enclosure_as_all_others_do() -> None:
    node = ordered_but("gn", "cs")
    node.show("x1", "stopped")
    node.sense(-40.0, -40.0, -40.0)
    node.show("cs", "stopped", due=True)
    node.fire("stop")
    assert node.started == []
    node.sense(20.0, 20.0, 20.0)
    node.fire("stop")
    assert node.started == ["cs"]


def test_of_heat_that_is_over_the_order_is_what_is_left() -> None:
    node = ordered_but("cs")
    node.sense(75.0, 75.0, 75.0)
    node.sense(20.0, 20.0, 20.0)
    assert node.state == WillHibernate(heated=False)


def test_heat_that_comes_while_it_hibernates_by_order_has_its_whole_minimum() -> None:
    node = ordered_but()
    for name in ORDER:
        node.show(name, "stopped")
    assert node.state == Hibernating(heated=False)
    node.state = Hibernating(heated=False, rested=True)
    node.sense(75.0, 75.0, 75.0)
    assert node.state == Hibernating(heated=True, rested=False)


@pytest.mark.parametrize("state", ["started", "stopping", "restarting"])
def test_a_board_that_takes_the_power_of_guests_of_which_one_had_come_up_makes_them_start_from_the_first(state: str) -> None:
    node = running()
    node.show("gn", "stopped")
    node.show("cs", "starting")
    node.show("x1", state)
    node.now = evolve(node.now, cursor="gn")
    node.tell(PowerFailed(frozenset(ORDER)))
    assert node.now.cursor is None


@pytest.mark.parametrize("state", ["starting", "will_stop"])
def test_if_none_had_come_up_the_turn_stays_where_it_is(state: str) -> None:
    node = running()
    node.show("gn", "stopped")
    node.show("cs", "stopped")
    node.show("x1", state)
    node.now = evolve(node.now, cursor="gn")
    node.tell(PowerFailed(frozenset(ORDER)))
    assert node.now.cursor == "gn"


def test_what_is_no_state_is_shown_as_it_was_saved() -> None:
    with pytest.raises(StoreError, match=r"what was saved of the scheduler is no state of it: \{'name': 'asleep'\}"):
        scheduler.restored({"name": "asleep"})


def test_a_guest_that_is_known_again_on_the_way_down_starts_nothing() -> None:
    node = running()
    node.sense(75.0, 75.0, 75.0)
    node.tell(PowerFailed(frozenset({"gn"})))
    node.show("gn", "stopped", due=True)
    assert (node.name, node.started, node.now.awaited) == ("will_hibernate", [], frozenset())
