"""The reconciler: what is wanted, what is seen, and the commands that follow."""

import math

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from wagman.fsm.outlet import Off, On, Outlet
from wagman.fsm.outlet.signs import EVIDENCE_S, GONE_S, SETTLE_S
from wagman.io.board.pace import Pace
from wagman.io.board.power import AFTER_SETTLE_S, BROWNOUT_S, UNSEEN_S, Power, SwitchOff, SwitchOn, SwitchPulse
from wagman.model.backend import Abilities
from wagman.model.facts import (
    UNTOUCHED,
    Port,
    PortFact,
    PowerFound,
    PowerGoal,
    PowerLost,
    RelayAsked,
    RelayOff,
    RelayOn,
    RelayStuck,
)

OFF_TIME_S, STAGGER_S = 10.0, 5.0


class Rig:
    """A reconciler, the facts that it told, and a clock."""

    def __init__(self, *ports: int, mute: tuple[int, ...] = ()) -> None:
        self.facts: list[tuple[Port, PortFact]] = []
        self.now_s = 1000.0
        pace = Pace(STAGGER_S, self.now_s)
        off_times_s = dict.fromkeys(ports or (1, 2), OFF_TIME_S)
        self.power = Power(off_times_s, pace, self.now_s, lambda port, fact: self.facts.append((port, fact)), mute)

    def shows(self, port: int) -> tuple[str | None, bool]:
        """The evidence that the goal is reached, and whether that counts as confirmed."""
        return self.power.ports[port].evidence, self.power.ports[port].confirmed

    def told(self) -> list[PortFact]:
        return [fact for _, fact in self.told_of()]

    def told_of(self) -> list[tuple[Port, PortFact]]:
        facts, self.facts[:] = list(self.facts), []
        return facts

    def want(self, port: int, level: str, cycle: int, **more: object) -> None:
        """The guest's machine wants this; it has taken every report."""
        taken = self.power.ports[port].reports
        self.power.want(port, PowerGoal(level, cycle, taken=taken, **more), self.now_s)  # type: ignore[arg-type]

    def next(self) -> object:
        return self.power.next(self.now_s)

    def do(self, action: object) -> None:
        assert isinstance(action, SwitchOn | SwitchOff)
        self.power.begin(action, self.now_s)
        self.now_s += 0.5
        self.power.sent(action, self.now_s)

    def poll(self, port: int, *, draws: bool, after_s: float = 5.0, is_dead: bool = False) -> None:
        self.now_s += after_s
        self.power.polled(port, self.now_s, "unknown" if is_dead else "on" if draws else "off")

    def off(self, port: int) -> None:
        """Bring the port off, with all the evidence."""
        self.do(self.next())
        self.power.seen_off(port, self.now_s)
        self.poll(port, draws=False)

    def wait(self) -> None:
        """Let the time go by until there is something to do."""
        at_s = self.next()
        self.now_s = max(self.now_s, at_s) if isinstance(at_s, float) else self.now_s


def switched_on(port: int = 1, cycle: int = 1, mute: tuple[int, ...] = ()) -> Rig:
    rig = Rig(mute=mute)
    rig.want(port, "on", cycle, cleared=True)
    rig.wait()
    rig.do(rig.next())
    rig.power.seen_on(port, rig.now_s)
    rig.told()
    return rig


def test_power_that_is_left_alone_gets_no_command() -> None:
    rig = Rig()
    rig.power.want(1, UNTOUCHED, rig.now_s)
    assert rig.next() == math.inf


def test_a_new_power_cycle_is_off_then_off_time_then_on() -> None:
    rig = Rig()
    rig.want(1, "on", 1)
    assert rig.next() == SwitchOff(1)
    rig.off(1)
    assert rig.told() == [RelayOff(0, 1000.5)]
    assert rig.next() == 1000.5 + OFF_TIME_S
    rig.wait()
    assert rig.next() == SwitchOn(1, None)


def test_after_coming_up_no_relay_goes_on_before_off_time_and_stagger_are_over() -> None:
    rig = Rig()
    rig.want(1, "on", 1, cleared=True)
    assert rig.next() == 1000 + OFF_TIME_S


def test_the_guest_is_told_before_the_command_leaves_and_again_on_evidence_only() -> None:
    rig = Rig()
    rig.want(1, "on", 1, cleared=True)
    rig.wait()
    rig.do(rig.next())
    assert rig.told() == [RelayAsked(1, 1010.0)]
    rig.power.seen_on(1, rig.now_s, "emmc")
    assert rig.told() == [RelayOn(1, rig.now_s, "emmc")]
    assert rig.shows(1)[1]
    assert rig.next() == math.inf


def test_a_relay_on_without_evidence_is_repeated_with_growing_pauses() -> None:
    rig = Rig()
    rig.want(1, "on", 1, cleared=True)
    rig.wait()
    pauses = []
    for _ in range(6):
        asked_s = rig.now_s
        rig.do(rig.next())
        rig.wait()
        pauses.append(rig.now_s - asked_s)
    assert pauses == [6.5, 12, 24, 48, 60, 60]  # the first is bound by the stagger
    assert [type(fact) for fact in rig.told()] == [RelayAsked]


def test_current_is_evidence_of_on_only_when_it_is_newer_than_the_command() -> None:
    rig = Rig()
    rig.want(1, "on", 1, cleared=True)
    rig.wait()
    rig.do(rig.next())
    rig.power.polled(1, rig.now_s, "on")
    assert not rig.shows(1)[1]
    rig.poll(1, draws=True)
    assert rig.shows(1)[1]


def test_a_beat_is_evidence_of_on_and_the_relay_went_on_before_it() -> None:
    rig = Rig()
    rig.want(1, "on", 1, cleared=True)
    rig.wait()
    rig.do(rig.next())
    rig.told()
    rig.power.beat(1, rig.now_s + 30)
    (fact,) = rig.told()
    assert isinstance(fact, RelayOn)
    assert fact.at_s < rig.now_s + 30


def test_asserting_on_sends_nothing_to_a_port_that_shows_life() -> None:
    """The service was killed between the relay-on and its evidence."""
    rig = Rig()
    rig.want(1, "on", 7, cleared=True)
    rig.poll(1, draws=True)
    assert rig.told() == [RelayOn(7, rig.now_s)]
    rig.now_s += 100
    assert rig.next() == math.inf


def test_what_was_confirmed_in_an_earlier_run_is_believed() -> None:
    rig = Rig()
    rig.want(1, "on", 3, already=True)
    rig.want(2, "off", 4, already=True)
    assert rig.shows(1)[1]
    assert rig.power.ports[2].confirmed
    assert rig.next() == math.inf
    assert rig.told() == []


def test_no_two_relay_ons_come_closer_than_the_stagger() -> None:
    rig = Rig()
    rig.want(1, "on", 1, cleared=True)
    rig.want(2, "on", 1, cleared=True)
    rig.wait()
    first_s = rig.now_s
    rig.do(rig.next())
    rig.power.seen_on(1, rig.now_s + 0.3)
    rig.wait()
    assert rig.next() == SwitchOn(2, None)
    assert rig.now_s >= first_s + 0.5 + UNSEEN_S + STAGGER_S


@given(st.permutations([1, 2, 3, 4]))
def test_those_that_asked_first_are_switched_on_first(asked: list[int]) -> None:
    rig = Rig(1, 2, 3, 4)
    for port in asked:
        rig.want(port, "on", 1, cleared=True)
        rig.now_s += 0.1
    switched = []
    for _ in asked:
        rig.wait()
        action = rig.next()
        rig.do(action)
        assert isinstance(action, SwitchOn)
        rig.power.seen_on(action.port, rig.now_s)
        switched.append(action)
    assert switched == [SwitchOn(port, None) for port in asked]


def test_what_is_to_go_off_waits_for_no_start_that_was_asked_for_before() -> None:
    rig = Rig(1, 2)
    rig.want(1, "on", 1, cleared=True)
    rig.wait()
    rig.want(2, "off", 1)
    assert rig.next() == SwitchOff(2)


def test_nor_does_one_come_closer_to_a_port_that_the_board_has_started_by_itself() -> None:
    rig = Rig()
    rig.want(2, "on", 1, cleared=True)
    rig.wait()
    rig.power.seen_on(1, rig.now_s)
    assert rig.next() == rig.now_s + STAGGER_S


def test_off_is_believed_when_the_board_said_so_and_the_current_agrees() -> None:
    rig = switched_on()
    rig.want(1, "off", 1)
    rig.do(rig.next())
    rig.poll(1, draws=False)
    assert rig.told() == []  # nobody said off
    rig.power.seen_off(1, rig.now_s)
    assert rig.told() == []
    rig.poll(1, draws=False)
    assert [type(fact) for fact in rig.told()] == [RelayOff]
    assert rig.shows(1)[1]


def test_a_port_that_was_disabled_already_is_confirmed_by_the_report() -> None:
    rig = Rig()
    rig.want(1, "off", 0)
    rig.do(rig.next())
    rig.power.seen_kept(1, kept=True, at_s=rig.now_s)
    rig.poll(1, draws=False)
    assert not rig.shows(1)[1]  # the report may have been older than the command
    rig.power.seen_kept(1, kept=True, at_s=rig.now_s + 1)
    rig.poll(1, draws=False)
    assert rig.shows(1)[1]


def test_an_off_under_way_when_a_new_power_cycle_is_wanted_is_the_off_of_that_cycle() -> None:
    rig = switched_on()
    rig.want(1, "off", 1)
    rig.do(rig.next())
    rig.want(1, "on", 2)
    rig.power.seen_off(1, rig.now_s)
    off_s = rig.now_s
    rig.poll(1, draws=False)
    assert rig.told() == [RelayOff(1, off_s)]
    assert rig.next() == off_s + OFF_TIME_S
    rig.wait()
    assert rig.next() == SwitchOn(1, None)


def test_a_start_that_is_called_off_before_it_is_carried_out_is_off_at_once() -> None:
    rig = switched_on()
    rig.want(1, "off", 1)
    rig.off(1)
    off_s = rig.power.ports[1].signs.off_at_s
    rig.want(1, "on", 2, cleared=True)
    rig.told()
    rig.want(1, "off", 1)
    assert rig.told() == [RelayOff(1, off_s)]
    rig.want(1, "off", 1, already=True)
    assert rig.told() == []


def test_a_relay_that_stays_on_is_reported_after_three_rounds_and_then_hourly() -> None:
    rig = switched_on()
    rig.want(1, "off", 1)
    stuck_at_s, rounds = [], []
    while rig.now_s < 1000 + 3 * 3600:
        action = rig.next()
        if isinstance(action, SwitchOff):
            rounds.append(action)
            rig.do(action)
            rig.power.seen_off(1, rig.now_s)
        rig.poll(1, draws=True)
        stuck_at_s += [(fact.at_s, len(rounds)) for fact in rig.told() if isinstance(fact, RelayStuck)]
    assert stuck_at_s[0][1] == 3
    assert len(stuck_at_s) == 3
    assert stuck_at_s[1][0] - stuck_at_s[0][0] >= 3600
    assert not rig.shows(1)[1]


def test_a_relay_resists_by_two_readings_since_one_may_be_damaged_on_its_way() -> None:
    """What comes next on a v3 board may switch on a port that is off."""
    rig = switched_on()
    rig.want(1, "off", 1)
    rig.do(rig.next())
    rig.power.seen_off(1, rig.now_s)
    rig.poll(1, draws=True)
    assert not rig.power.ports[1].resists
    assert rig.next() == math.inf
    rig.poll(1, draws=False)
    assert [type(fact) for fact in rig.told()] == [RelayOff]


def test_a_stuck_relay_does_not_keep_its_guest_from_being_started() -> None:
    rig = switched_on()
    rig.want(1, "on", 2)
    for _ in range(3):
        action = rig.next()
        assert isinstance(action, SwitchOff)
        rig.do(action)
        rig.power.seen_off(1, rig.now_s)
        rig.poll(1, draws=True)
        rig.poll(1, draws=True)
        rig.wait()
    rig.wait()
    assert isinstance(rig.next(), SwitchOn)


def test_power_that_the_service_did_not_switch_on_is_reported_and_never_cut() -> None:
    rig = Rig()
    rig.want(1, "off", 3, already=True)
    rig.power.seen_on(1, rig.now_s)
    assert [type(fact) for fact in rig.told()] == [PowerFound]
    rig.want(1, "off", 3)
    rig.now_s += 1000
    assert rig.next() == math.inf
    rig.want(1, "on", 4, already=True)  # the guest's machine takes it over,
    rig.want(1, "off", 4)  # asks it to halt, and may then cut it
    assert rig.next() == SwitchOff(1)


def test_a_kill_cuts_power_of_unknown_origin_too_but_no_power_that_comes_on_after_it() -> None:
    rig = Rig()
    rig.power.seen_on(1, rig.now_s)
    rig.want(1, "off", 0, firm=True)
    rig.off(1)
    rig.told()
    rig.power.seen_on(1, rig.now_s)
    assert [type(fact) for fact in rig.told()] == [PowerFound]
    rig.now_s += 100
    assert rig.next() == math.inf


def test_a_kill_that_a_start_and_a_stop_have_overtaken_leaves_what_runs_to_be_asked_to_halt() -> None:
    rig = Rig()
    rig.power.seen_on(1, rig.now_s)
    rig.want(1, "off", 0, firm=True)
    rig.do(rig.next())  # and is lost
    rig.want(1, "on", 1)
    rig.want(1, "off", 0)
    rig.told()
    rig.poll(1, draws=True)
    rig.poll(1, draws=True)
    assert [type(fact) for fact in rig.told()] == [PowerFound]


def test_power_that_the_board_switched_on_again_before_its_off_could_be_seen_is_found_and_not_cut() -> None:
    rig = switched_on()
    rig.want(1, "off", 1)
    rig.do(rig.next())
    rig.told()
    rig.power.found(1, rig.now_s, "the board started it again")
    assert rig.told() == [PowerFound(rig.now_s, "the board started it again", report=1)]
    rig.now_s += 100
    assert rig.next() == math.inf


def test_power_that_went_away_by_itself_is_lost_and_not_switched_on_again_in_that_cycle() -> None:
    rig = switched_on()
    rig.power.seen_off(1, rig.now_s)
    (lost,) = rig.told()
    assert isinstance(lost, PowerLost)
    assert not lost.reset


def test_a_cut_that_the_board_reports_before_its_greeting_waits_for_what_the_greeting_says() -> None:
    """A board that browns out as it switches a port kills that port when it comes up: its restart is what is to be told."""
    rig = switched_on()
    rig.power.connected()
    rig.power.seen_off(1, rig.now_s)
    assert rig.told() == []
    rig.power.placed()
    assert [type(fact) for fact in rig.told()] == [PowerLost]


def test_a_board_reset_takes_the_power_of_all_but_the_survivors() -> None:
    rig = Rig()
    rig.want(1, "on", 1, already=True)
    rig.want(2, "on", 1, already=True)
    rig.power.board_reset(rig.now_s, survivors=frozenset({2}))
    assert rig.told() == [PowerLost(rig.now_s, "the board restarted", reset=True, report=1)]


def test_only_the_port_switched_on_last_and_just_before_is_suspected_of_a_brownout() -> None:
    rig = switched_on()
    rig.want(2, "on", 1, already=True)
    rig.power.board_reset(rig.now_s + 3)
    assert [(port, fact.suspect) for port, fact in rig.told_of() if isinstance(fact, PowerLost)] == [(1, True), (2, False)]
    late = switched_on()
    late.power.board_reset(late.now_s + 30)
    assert not any(fact.suspect for fact in late.told() if isinstance(fact, PowerLost))


def test_after_a_board_reset_a_port_that_is_to_be_off_is_kept_off_anew() -> None:
    rig = Rig(1)
    rig.want(1, "off", 1, already=True)
    rig.power.board_reset(rig.now_s)
    assert rig.told() == []
    assert rig.next() == SwitchOff(1)


def test_an_off_that_rested_on_silence_lapses_when_the_guest_was_heard_meanwhile() -> None:
    rig = switched_on()
    rig.want(1, "off", 1)
    rig.power.beat(1, rig.now_s + EVIDENCE_S + 1)
    rig.power.link_up(rig.now_s + 600)
    assert [type(fact) for fact in rig.told()] == [PowerFound]
    assert rig.next() == math.inf


def test_a_firm_off_stands_whatever_is_heard() -> None:
    rig = switched_on()
    rig.want(1, "off", 1, firm=True)
    rig.power.beat(1, rig.now_s + EVIDENCE_S + 1)
    rig.power.link_up(rig.now_s + 600)
    assert rig.told() == []
    assert rig.next() == SwitchOff(1)


def test_an_off_of_an_earlier_run_lapses_where_something_runs() -> None:
    rig = Rig()
    rig.want(1, "off", 5)
    rig.poll(1, draws=True)
    rig.power.link_up(rig.now_s)
    assert [type(fact) for fact in rig.told()] == [PowerFound]


def test_an_off_that_was_decided_before_anything_was_known_of_the_board_lapses_when_it_is_first_seen_and_not_later() -> None:
    for how, told in (({"is_first": True}, [PowerFound]), ({"is_first": False}, []), ({}, [])):
        rig = switched_on()
        rig.want(1, "off", 1)
        rig.power.link_up(rig.now_s, **how)
        assert [type(fact) for fact in rig.told()] == told


def test_each_board_hears_that_the_relay_on_of_another_one_has_ended() -> None:
    pace, told, board = Pace(5.0, 0.0), list[str](), object()
    pace.tell_when_free(lambda: told.append("the first"))
    pace.tell_when_free(lambda: told.append("the second"))
    pace.begin(board)
    pace.end(object())
    assert told == []
    pace.end(board)
    assert told == ["the first", "the second"]


def test_a_withdrawn_start_that_comes_on_all_the_same_is_reported_not_cut() -> None:
    rig = Rig()
    rig.want(1, "on", 5, cleared=True)
    rig.wait()
    rig.do(rig.next())
    rig.told()
    rig.want(1, "off", 4)  # decided before anybody knew that the command had left
    assert rig.next() == math.inf
    rig.poll(1, draws=True)
    assert [type(fact) for fact in rig.told()] == [PowerFound]


def test_that_an_earlier_power_cycle_has_ended_says_nothing_of_a_start_that_was_withdrawn() -> None:
    """Its guest's machine had asked for the off of that cycle again, and heard of it after the next relay-on had left."""
    rig = Rig()
    rig.want(1, "on", 5, cleared=True)
    rig.wait()
    rig.do(rig.next())
    rig.told()
    rig.want(1, "off", 4)
    rig.want(1, "off", 4, already=True)
    assert not rig.shows(1)[1]
    rig.poll(1, draws=False, is_dead=True, after_s=EVIDENCE_S + 2)
    assert [(type(fact), getattr(fact, "supply", None)) for fact in rig.told()] == [(PowerFound, "unknown")]


def test_a_withdrawn_start_that_did_not_happen_is_kept_off() -> None:
    rig = Rig()
    rig.want(1, "on", 5, cleared=True)
    rig.wait()
    rig.do(rig.next())
    rig.want(1, "off", 4)
    rig.poll(1, draws=False)
    rig.poll(1, draws=False)
    assert isinstance(rig.next(), SwitchOff)


def test_a_port_that_the_board_has_disabled_has_lost_its_power() -> None:
    rig = switched_on()
    rig.power.seen_kept(1, kept=True, at_s=rig.now_s + 60)
    assert [type(fact) for fact in rig.told()] == [PowerLost]


def test_an_off_that_is_under_way_when_its_guest_is_taken_over_is_a_loss_of_power_and_switches_nothing_on() -> None:
    rig = switched_on()
    rig.want(1, "off", 1)
    rig.do(rig.next())
    rig.want(1, "on", 2, already=True)
    rig.power.seen_off(1, rig.now_s)
    assert [type(fact) for fact in rig.told()] == [PowerLost]
    assert rig.next() == math.inf


def test_a_port_that_is_off_but_enabled_again_is_kept_off_anew() -> None:
    rig = Rig()
    rig.want(1, "off", 1, already=True)
    rig.poll(1, draws=False)
    rig.power.seen_kept(1, kept=False, at_s=rig.now_s + 60)
    assert rig.next() == SwitchOff(1)


def test_an_outlet_that_comes_on_while_it_is_to_be_kept_off_anew_is_reported_and_not_just_cut() -> None:
    rig = Rig(1)
    rig.want(1, "off", 1, already=True)
    rig.power.board_reset(rig.now_s)
    rig.do(rig.next())
    rig.poll(1, draws=True)
    assert rig.told() == []  # one reading may be damaged on its way
    rig.poll(1, draws=True)
    assert [type(fact) for fact in rig.told()] == [PowerFound]
    rig.now_s += 100
    assert rig.next() == math.inf


def test_a_port_that_is_enabled_again_and_whose_current_nobody_can_read_is_reported_and_not_just_cut() -> None:
    rig = Rig()
    rig.want(1, "off", 1, already=True)
    rig.poll(1, draws=False, is_dead=True)
    rig.power.seen_kept(1, kept=False, at_s=rig.now_s + 60)
    (found,) = rig.told()
    assert isinstance(found, PowerFound)
    assert found.supply == "unknown"
    assert rig.next() == math.inf
    rig.want(1, "untouched", 2)  # the guest's machine asks it to halt
    assert rig.next() == math.inf
    rig.poll(1, draws=False, is_dead=True)
    assert rig.told() == []
    rig.want(1, "off", 2)
    assert rig.next() == SwitchOff(1)


def test_an_off_of_before_the_service_came_up_is_not_carried_out_where_nobody_knows_whether_something_runs() -> None:
    rig = Rig()
    rig.want(1, "off", 1)
    rig.poll(1, draws=False, is_dead=True)
    rig.power.link_up(rig.now_s)
    assert [getattr(fact, "supply", None) for fact in rig.told()] == ["unknown"]
    assert rig.next() == math.inf


@pytest.mark.parametrize("supply", ["on", "unknown"])
def test_nor_is_the_off_that_was_to_go_before_a_start(supply: str) -> None:
    rig = Rig()
    rig.want(1, "on", 2)
    rig.poll(1, draws=supply == "on", is_dead=supply == "unknown")
    rig.power.link_up(rig.now_s)
    assert [getattr(fact, "supply", None) for fact in rig.told()] == [supply]
    assert rig.next() == math.inf


def test_a_report_is_answered_also_by_the_goal_that_was_there_before_it() -> None:
    rig = Rig()
    rig.want(1, "on", 2, cleared=True)
    rig.power.found(1, rig.now_s, "nobody knows", "unknown")
    assert rig.next() == math.inf
    rig.want(1, "on", 2, cleared=True)
    rig.wait()
    assert rig.next() == SwitchOn(1, None)


def test_a_start_that_is_wanted_is_not_reported_again_with_each_poll_while_it_waits_for_its_turn() -> None:
    rig = Rig()
    rig.want(1, "on", 2, cleared=True)
    rig.power.found(1, rig.now_s, "nobody knows", "unknown")
    rig.want(1, "on", 2, cleared=True)
    rig.told()
    rig.poll(1, draws=False, is_dead=True, after_s=EVIDENCE_S + 2)
    assert rig.told() == []
    rig.wait()
    assert rig.next() == SwitchOn(1, None)


def test_a_start_that_was_withdrawn_and_may_have_come_on_is_reported_where_nobody_can_see_it() -> None:
    rig = Rig()
    rig.want(1, "on", 2, cleared=True)
    rig.wait()
    rig.do(rig.next())
    rig.told()
    rig.want(1, "off", 1)
    rig.poll(1, draws=False, is_dead=True, after_s=EVIDENCE_S + 2)
    assert [(type(fact), getattr(fact, "supply", None)) for fact in rig.told()] == [(PowerFound, "unknown")]
    assert rig.next() == math.inf


def test_a_port_of_which_nobody_knows_whether_it_is_still_on_is_switched_on_once_more_in_its_turn_and_never_off() -> None:
    rig = Rig(1, 2)
    for port in (1, 2):
        rig.want(port, "on", 1, already=True)
    rig.power.board_reset(rig.now_s, doubtful=frozenset({1, 2}))
    assert rig.told() == []
    assert not rig.shows(1)[1]
    rig.wait()
    rig.do(rig.next())
    first_s = rig.now_s
    rig.power.seen_on(1, rig.now_s)
    assert [type(fact) for fact in rig.told()] == [RelayAsked, RelayOn]
    assert rig.shows(1)[1]
    rig.wait()
    assert rig.next() == SwitchOn(2, None)
    assert rig.now_s >= first_s + STAGGER_S


def test_what_was_just_switched_on_when_the_board_restarted_is_not_cut_because_its_guest_has_yet_to_hear_of_that() -> None:
    rig = Rig(1)
    rig.want(1, "on", 1)
    rig.off(1)
    rig.wait()
    rig.do(rig.next())
    rig.power.board_reset(rig.now_s, survivors=frozenset({1}))
    rig.wait()
    assert rig.next() == SwitchOn(1, None)


@pytest.mark.parametrize("sign", ["beat", "current"])
def test_a_guest_that_shows_life_after_the_board_restarted_is_on_and_gets_no_command(sign: str) -> None:
    rig = Rig(1)
    rig.want(1, "on", 1, already=True)
    rig.power.board_reset(rig.now_s, doubtful=frozenset({1}))
    rig.want(1, "on", 1, already=True, media="sd")  # whatever its state says: it is no evidence
    assert not rig.shows(1)[1]
    rig.now_s += 3
    if sign == "beat":
        rig.power.beat(1, rig.now_s)
    else:
        rig.poll(1, draws=True)
    assert rig.shows(1)[1]
    assert rig.shows(1)[0] == "sensed"
    assert rig.next() == math.inf


# --- What shows it ----------------------------------------------------------------------------------------------------


def test_power_is_assumed_once_the_board_has_replied_and_told_once_it_says_so_and_sensed_once_it_shows() -> None:
    rig = Rig()
    rig.want(1, "on", 1, cleared=True)
    assert rig.shows(1)[0] is None
    rig.wait()
    action = rig.next()
    rig.do(action)
    assert rig.shows(1)[0] is None
    assert isinstance(action, SwitchOn)
    rig.power.replied(action)
    assert rig.shows(1) == ("assumed", False)
    rig.power.seen_on(1, rig.now_s)
    assert rig.shows(1) == ("told", True)
    rig.poll(1, draws=True)
    assert rig.shows(1)[0] == "sensed"
    rig.poll(1, draws=False, is_dead=True)
    assert rig.shows(1)[0] == "told"
    rig.power.beat(1, rig.now_s)
    assert rig.shows(1)[0] == "sensed"


@pytest.mark.parametrize(("drew", "is_dead", "evidence"), [(True, False, "sensed"), (True, True, "told"), (False, False, "told")])
def test_an_off_is_sensed_where_a_current_has_gone_with_it(drew: bool, is_dead: bool, evidence: str) -> None:
    rig = switched_on()
    rig.poll(1, draws=drew)
    rig.want(1, "off", 1)
    rig.do(rig.next())
    rig.power.seen_off(1, rig.now_s)
    rig.poll(1, draws=False, is_dead=is_dead)
    assert rig.shows(1)[1]
    assert rig.shows(1)[0] == evidence


def test_what_showed_an_outlet_off_does_not_show_it_on() -> None:
    rig = switched_on()
    rig.want(1, "off", 1)
    rig.off(1)
    assert rig.shows(1) == ("told", True)
    rig.want(1, "on", 2, already=True)  # its guest was heard, and is taken over
    assert rig.shows(1) == (None, True)


def test_what_an_earlier_run_of_the_service_saw_is_confirmed_and_shown_by_nothing_yet() -> None:
    rig = Rig()
    rig.want(1, "off", 1, already=True)
    assert rig.shows(1) == (None, True)
    rig.power.seen_kept(1, kept=True, at_s=rig.now_s + 60)
    assert rig.shows(1)[0] == "told"


def test_a_guest_without_a_heartbeat_that_stops_to_draw_current_has_lost_its_power() -> None:
    rig = switched_on(mute=(1,))
    rig.poll(1, draws=True)
    rig.poll(1, draws=False)
    rig.poll(1, draws=False, after_s=GONE_S - 1)
    assert rig.told() == []
    rig.poll(1, draws=False, after_s=1)
    assert rig.told() == [PowerLost(rig.now_s, "it draws no current any more", report=1)]


def test_a_current_that_comes_back_or_is_not_known_or_never_was_there_is_no_loss_of_power() -> None:
    for seen in ({"draws": True}, {"draws": False, "is_dead": True}):
        rig = switched_on(mute=(1,))
        rig.poll(1, draws=True)
        rig.poll(1, draws=False)
        rig.poll(1, **seen)
        rig.poll(1, draws=False, after_s=GONE_S)
        assert rig.told() == []
    rig = switched_on(mute=(1,))
    for _ in range(3):
        rig.poll(1, draws=False, after_s=GONE_S)
    assert rig.told() == []


@pytest.mark.parametrize("polled_meanwhile", [True, False])
def test_the_current_that_a_guest_drew_in_an_earlier_power_cycle_says_nothing_of_this_one(polled_meanwhile: bool) -> None:
    rig = switched_on(mute=(1,))
    rig.poll(1, draws=True)
    rig.want(1, "on", 2)
    rig.off(1)
    if polled_meanwhile:
        rig.poll(1, draws=False, after_s=GONE_S)
    rig.wait()
    rig.do(rig.next())
    rig.power.seen_on(1, rig.now_s)
    rig.told()
    for _ in range(3):
        rig.poll(1, draws=False, after_s=GONE_S)
    assert rig.told() == []


def test_a_guest_that_has_a_heartbeat_is_judged_by_that() -> None:
    rig = switched_on()
    rig.poll(1, draws=True)
    for _ in range(3):
        rig.poll(1, draws=False, after_s=GONE_S)
    assert rig.told() == []


@pytest.mark.parametrize("port", [0, 4])
def test_ports_without_a_guest_are_of_no_concern(port: int) -> None:
    rig = Rig()
    for see in (rig.power.seen_on, rig.power.seen_off, rig.power.beat):
        see(port, rig.now_s)
    rig.power.doubt(port)
    rig.power.seen_kept(port, kept=True, at_s=rig.now_s)
    rig.power.polled(port, rig.now_s, "on")
    assert rig.told() == []


GOALS = st.builds(
    PowerGoal,
    st.sampled_from(["on", "off", "untouched"]),
    st.integers(0, 4),
    already=st.booleans(),
    cleared=st.booleans(),
    firm=st.booleans(),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("want"), st.sampled_from([1, 2]), GOALS),
        st.tuples(st.sampled_from(["seen_on", "seen_off", "beat"]), st.sampled_from([1, 2])),
        st.tuples(st.sampled_from(["poll", "kept"]), st.sampled_from([1, 2]), st.booleans()),
        st.tuples(st.sampled_from(["reset", "link_up", "act", "act", "act"])),
        st.tuples(st.just("wait"), st.floats(0.1, 100)),
    ),
    max_size=60,
)


def is_foreign(outlet: Outlet) -> bool:
    return outlet.relay != "off" and outlet.state.is_foreign(outlet)


def play(rig: Rig, step: tuple[object, ...]) -> list[object]:  # noqa: C901 - one flat match
    """Carry out one step; return the commands that left."""
    match step:
        case "want", int(port), PowerGoal() as goal:
            rig.power.want(port, evolve(goal, taken=rig.power.ports[port].reports), rig.now_s)
        case ("seen_on" | "seen_off" | "beat") as what, int(port):
            getattr(rig.power, what)(port, rig.now_s)
        case "poll", int(port), bool(draws):
            rig.power.polled(port, rig.now_s, "on" if draws else "off")
        case "kept", int(port), bool(kept):
            rig.power.seen_kept(port, kept=kept, at_s=rig.now_s)
        case ("reset",):
            rig.power.board_reset(rig.now_s)
        case ("link_up",):
            rig.power.link_up(rig.now_s)
        case "wait", float(seconds):
            rig.now_s += seconds
        case ("act",):
            action = rig.next()
            if not isinstance(action, float):
                rig.do(action)
                return [action]
    return []


@given(STEPS)
def test_whatever_happens_relay_ons_keep_their_distance_and_no_foreign_power_is_cut(steps: list[tuple[object, ...]]) -> None:
    rig = Rig()
    on_s, off_s = -math.inf, {1: 1000.0, 2: 1000.0}
    for step in steps:
        before_s, unowned = rig.now_s, {number: is_foreign(port) for number, port in rig.power.ports.items()}
        for action in play(rig, step):
            if isinstance(action, SwitchOn):
                assert before_s - on_s >= STAGGER_S
                assert before_s - off_s[action.port] >= OFF_TIME_S
                on_s = before_s
            elif isinstance(action, SwitchOff):
                off_s[action.port] = before_s
                assert rig.power.ports[action.port].goal.level == "on" or not unowned[action.port]


# --- What the board is told, and when it is looked at -----------------------------------------------------------------


def ways(*, way: int = 1) -> Rig:
    """Two ports; through one of them a board is reached."""
    rig = Rig(1, 2)
    rig.power.configure({1: OFF_TIME_S, 2: OFF_TIME_S}, (), ways=(way,))
    return rig


def on(rig: Rig, port: int) -> None:
    """The port is on, by evidence, in its first power cycle."""
    rig.power.seen_on(port, rig.now_s)
    rig.want(port, "on", 1, already=True, cleared=True)
    rig.told()


def test_a_new_power_cycle_of_a_way_is_one_pulse_of_its_off_time_and_of_others_an_off_and_an_on() -> None:
    rig = ways()
    for port in (1, 2):
        on(rig, port)
    rig.now_s += 60
    rig.want(1, "on", 2)
    assert rig.next() == SwitchPulse(1, OFF_TIME_S)
    rig.want(1, "on", 1, already=True, cleared=True)
    rig.want(2, "on", 2)
    assert rig.next() == SwitchOff(2)


def test_a_pulse_waits_for_no_off_time_but_for_its_turn() -> None:
    rig = ways()
    on(rig, 1)
    on(rig, 2)
    rig.want(1, "on", 2)
    assert rig.power.turn_s(1, "pulse") == rig.now_s + STAGGER_S
    assert rig.power.turn_s(2, "on") == rig.now_s + OFF_TIME_S
    assert rig.next() == rig.now_s + STAGGER_S


def test_after_a_pulse_the_next_relay_on_keeps_its_distance_from_the_end_of_the_pulse() -> None:
    rig = ways()
    on(rig, 1)
    rig.now_s += 60
    pulse = SwitchPulse(1, OFF_TIME_S)
    rig.power.begin(pulse, rig.now_s)
    assert (rig.power.last_on_port, rig.power.last_on_s) == (1, rig.now_s + OFF_TIME_S)
    rig.power.sent(pulse, rig.now_s)
    assert rig.power.last_on_s == rig.now_s + OFF_TIME_S + UNSEEN_S
    assert rig.power.turn_s(2, "on") == rig.now_s + OFF_TIME_S + UNSEEN_S + STAGGER_S


def test_an_on_names_the_medium_and_an_off_none_and_is_nobodys_turn() -> None:
    rig = Rig(1)
    rig.now_s += 60
    rig.want(1, "on", 1, cleared=True, media="sd")
    assert rig.next() == SwitchOn(1, "sd")
    before_s = rig.power.last_on_s
    rig.power.sent(SwitchOff(1), rig.now_s + 60)
    assert rig.power.last_on_s == before_s


def test_a_board_is_looked_at_when_it_can_show_the_effect_and_once_more_when_its_meters_can() -> None:
    rig = Rig(1)
    rig.now_s += 60
    rig.power.adapt(Abilities(settle_s=10.0, meter_settle_s=40.0))
    assert rig.power.look_s(rig.now_s) == math.inf
    rig.want(1, "on", 1, cleared=True)
    action = rig.next()
    assert isinstance(action, SwitchOn)
    rig.power.begin(action, rig.now_s)
    left_s = rig.now_s
    assert rig.power.look_s(left_s) == left_s + 10.0 + AFTER_SETTLE_S
    assert rig.power.look_s(left_s + 10.0 + AFTER_SETTLE_S) == left_s + 40.0 + AFTER_SETTLE_S
    assert rig.power.look_s(left_s + 40.0 + AFTER_SETTLE_S) == math.inf
    assert rig.power.shown_from_s() == left_s + 10.0 + AFTER_SETTLE_S


def test_a_board_that_shows_effects_at_once_is_asked_for_no_look() -> None:
    rig = Rig(1)
    rig.now_s += 60
    rig.power.adapt(Abilities(settle_s=SETTLE_S, meter_settle_s=0.0))
    rig.want(1, "on", 1, cleared=True)
    action = rig.next()
    assert isinstance(action, SwitchOn)
    rig.power.begin(action, rig.now_s)
    assert rig.power.look_s(rig.now_s) == math.inf


def test_what_a_board_did_by_itself_is_told_in_plain_words() -> None:
    rig = Rig(1)
    rig.power.seen_on(1, rig.now_s)
    rig.want(1, "on", 1, already=True, cleared=True)
    rig.power.seen_off(1, rig.now_s + 60)
    found, lost = rig.told()
    assert isinstance(found, PowerFound)
    assert isinstance(lost, PowerLost)
    assert (found.why, lost.why) == ("the board started it", "the board cut it")
    rig.power.seen_on(1, rig.now_s + 70, why="somebody pressed its button", shown="sensed")
    (found,) = rig.told()
    assert isinstance(found, PowerFound)
    assert (found.why, rig.power.ports[1].state.proof) == ("somebody pressed its button", "sensed")


def test_after_a_restart_of_the_board_only_what_was_on_and_is_no_survivor_has_lost_its_power() -> None:
    rig = Rig(1, 2, 3, 4)
    for port in (1, 2, 3):
        on(rig, port)
    rig.power.ports[4] = evolve(rig.power.ports[4], state=Off(0, is_kept=True))
    lost = rig.power.board_reset(rig.now_s + 120, survivors=frozenset({2}), doubtful=frozenset({3}))
    assert lost == {1}
    assert [port for port, fact in rig.told_of() if isinstance(fact, PowerLost)] == [1]
    assert not rig.power.ports[2].is_doubtful
    assert rig.power.ports[3].is_doubtful


@pytest.mark.parametrize(("after_s", "is_suspect"), [(BROWNOUT_S, True), (BROWNOUT_S + 1e-6, False)])
def test_a_restart_so_soon_after_a_relay_on_is_blamed_on_that_port(after_s: float, is_suspect: bool) -> None:
    rig = Rig(1, 2)
    on(rig, 1)
    on(rig, 2)
    rig.power.last_on_port = 1
    rig.power.board_reset(rig.power.last_on_s + after_s)
    suspects = {port: fact.suspect for port, fact in rig.told_of() if isinstance(fact, PowerLost)}
    assert suspects == {1: is_suspect, 2: False}


def test_only_the_reading_of_a_sound_meter_is_believed_at_once() -> None:
    for is_sound, is_found in ((False, False), (True, True)):
        rig = Rig(1)
        rig.want(1, "off", 0, already=True)
        rig.power.ports[1] = evolve(rig.power.ports[1], state=Off(0, is_kept=True))
        rig.power.polled(1, rig.now_s + 60, "on", "told", is_sound=is_sound)
        assert any(isinstance(fact, PowerFound) for fact in rig.told()) == is_found


def test_a_port_that_nobody_knows_of_any_more_is_made_sure_of() -> None:
    rig = Rig(1, 2)
    on(rig, 1)
    on(rig, 2)
    rig.power.doubt(2)
    assert [rig.power.ports[port].is_doubtful for port in (1, 2)] == [False, True]


def test_a_board_without_outlets_has_nothing_to_wait_for() -> None:
    empty = Power[int]({}, Pace(STAGGER_S, 0.0), 0.0, lambda _port, _fact: None)
    assert (empty.shown_from_s(), empty.next(0.0), empty.look_s(0.0)) == (-math.inf, math.inf, math.inf)
    empty.adapt(Abilities(settle_s=10.0, meter_settle_s=40.0))
    assert (empty.settle_s, empty.meter_settle_s) == (10.0, 40.0)


def test_two_boards_take_turns_and_one_whose_relay_on_is_under_way_has_the_other_wait() -> None:
    pace, told = Pace(STAGGER_S, 0.0), (lambda _port, _fact: None)
    one, other = (Power({1: OFF_TIME_S}, pace, 0.0, told) for _ in range(2))
    action = SwitchOn(1, None)
    one.begin(action, 100.0)
    assert (one.turn_s(1, "on"), other.turn_s(1, "on")) == (100.0 + STAGGER_S, math.inf)
    one.sent(action, 101.0)
    assert other.turn_s(1, "on") == 101.0 + UNSEEN_S + STAGGER_S


def test_what_kind_of_guest_a_port_has_is_known_from_the_beginning() -> None:
    power = Power({1: 10.0, 2: 20.0}, Pace(STAGGER_S, 0.0), 0.0, lambda _port, _fact: None, mute=(1,), ways=(2,))
    assert [(port.is_mute, port.pulse_s) for port in power.ports.values()] == [(True, 0.0), (False, 20.0)]


def test_a_port_that_is_left_counts_as_on_and_nothing_is_wanted_of_it() -> None:
    rig = Rig(1, 2)
    rig.power.adapt(Abilities(settle_s=7.0))
    rig.power.leave(1)
    assert rig.power.ports[1] == evolve(Outlet.new(rig.power.now_s, is_mute=True), state=On(0), settle_s=7.0)
    assert rig.power.off_times_s == {1: 0.0, 2: OFF_TIME_S}
    rig.now_s += 60
    assert rig.next() == math.inf


def test_a_start_is_taken_back_once_its_guest_is_to_be_off() -> None:
    rig = Rig(1)
    rig.want(1, "on", 1, cleared=True)
    assert not rig.power.is_taken_back(1)
    rig.want(1, "off", 1)
    assert rig.power.is_taken_back(1)


def test_a_look_and_a_reply_are_taken_for_the_port_that_they_are_about() -> None:
    rig = Rig(1, 2)
    on(rig, 1)
    on(rig, 2)
    rig.power.polled(2, rig.now_s + 50, "on", "told", is_sound=True)
    rig.power.shown_off(2, rig.now_s + 60, "the board shows it off", "told")
    assert [(port, type(fact), fact.why) for port, fact in rig.told_of() if isinstance(fact, PowerLost)] == [
        (2, PowerLost, "the board shows it off")
    ]
    rig.now_s += 120
    rig.want(1, "off", 1)
    action = rig.next()
    assert action == SwitchOff(1)
    rig.do(action)
    rig.power.replied(SwitchOff(1))
    rig.power.assumed(1, rig.now_s + 60)
    assert rig.power.ports[1].state == Off(1, is_kept=True, proof="assumed")
    rig.power.found(1, rig.now_s + 70, "somebody pressed its button", "unknown")
    (found,) = (fact for port, fact in rig.told_of() if isinstance(fact, PowerFound) and port == 1)
    assert (found.why, found.supply) == ("somebody pressed its button", "unknown")


def test_a_reading_says_how_it_was_made() -> None:
    rig = switched_on()
    rig.power.polled(1, rig.now_s + 60, "on", "told")
    assert rig.shows(1) == ("told", True)


def test_what_may_have_been_started_while_nobody_looked_is_told_with_the_time_of_the_first_look() -> None:
    rig = Rig(1)
    rig.want(1, "off", 1)
    rig.power.polled(1, rig.now_s + 5, "on")
    rig.told()
    rig.power.link_up(rig.now_s + 5)
    (found,) = rig.told()
    assert isinstance(found, PowerFound)
    assert (found.at_s, found.supply) == (rig.now_s + 5, "on")


def test_an_off_is_known_by_what_has_shown_it() -> None:
    rig = Rig(1)
    on(rig, 1)
    rig.now_s += 60
    rig.want(1, "off", 1)
    rig.do(rig.next())
    rig.power.shown_off(1, rig.now_s + 60, "the board shows it off", "told")
    assert rig.power.ports[1].state == Off(1, is_kept=True, proof="told")
