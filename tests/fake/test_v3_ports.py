"""What the v3 firmware does with its ports, a sentence at a time."""

import itertools
from typing import Any

import pytest

from tests.fake.bench import SILENT, Bench, bench
from wagman.fake.eeprom import Eeprom
from wagman.fake.guests import GuestSpec
from wagman.fake.hardware import RelayChange

PASS_S = 0.33


def formatted(**changes: Any) -> Eeprom:
    eeprom = Eeprom()
    eeprom.format()
    for name, value in changes.items():
        setattr(eeprom, name, value)
    return eeprom


def rebooted_with(eeprom: Eeprom, run_s: float = 30.0, **guests: GuestSpec) -> Bench:
    """A board that has just come up with this EEPROM."""
    made = bench(0, **guests)
    for name, value in eeprom.as_dict().items():
        setattr(made.board.eeprom, name, value)
    made.run(run_s)
    return made


# --- Boot and automatic start -----------------------------------------------------------------------------------------


def test_the_node_controller_is_started_in_the_first_pass_and_the_enabled_guests_about_60_and_120_s_later() -> None:
    board = bench(200)
    nc, gn, cs = (board.times_of(f"log: {name} starting primary") for name in ("nc", "gn", "cs"))
    assert len(nc) == len(gn) == len(cs) == 1
    assert gn[0] - nc[0] == pytest.approx(61, abs=1)
    assert cs[0] - gn[0] == pytest.approx(60.3, abs=1)
    assert [board.relay(port) for port in range(5)] == [True, True, True, False, False]


def test_a_fresh_eeprom_enables_ports_0_to_2() -> None:
    board = bench(80)
    assert "log: enabled 1 1 1 0 0 " in [line for _at_s, line in board.lines()]


def test_port_0_is_enabled_whatever_the_eeprom_says() -> None:
    board = rebooted_with(formatted(enabled=[False] * 5))
    assert board.relay(0)


def test_the_lowest_stopped_port_is_started_first() -> None:
    board = bench(70)
    board.ask("enable 4")
    board.ask("enable 3")
    board.run(180)
    starts = [line for _at_s, line in board.lines() if "starting" in line]
    assert starts[1:4] == ["log: gn starting primary", "log: cs starting primary", "log: x1 starting primary"]


def test_an_automatic_start_restarts_the_shared_timer() -> None:
    board = bench(300, others=SILENT)
    gn, cs = board.times_of("log: gn starting primary"), board.times_of("log: cs starting primary")
    assert cs[0] - gn[0] > 60


def test_a_refused_start_request_restarts_the_shared_timer_too() -> None:
    board = bench(60)
    board.ask("start 0")  # it runs already
    board.run(55)
    assert not board.relay(1)
    board.run(7)
    assert board.relay(1)


def test_enable_makes_a_port_a_candidate_at_once_when_the_timer_has_run_out() -> None:
    board = bench(220)  # all are started, nothing has been started for more than 60 s
    board.ask("enable 3", wait_s=1.5)
    assert board.relay(3)


def test_only_an_automatic_start_logs_the_boots() -> None:
    board = bench(80)
    assert len([line for _at_s, line in board.lines() if line.startswith("log: bootlog")]) == 1
    board.ask("start 2")
    assert board.relay(2)
    assert len([line for _at_s, line in board.lines() if line.startswith("log: bootlog")]) == 1


def test_the_boot_log_shows_eight_boots_and_three_differences_and_marks_hasty_ones() -> None:
    log = [1_700_000_000 + 100 * index for index in range(8)]
    eeprom = formatted(boot_logs=[[], log, [], [], []], magic=True)
    board = rebooted_with(eeprom, 100)
    said = [line for _at_s, line in board.lines()]
    boots = next(line for line in said if line.startswith("log: bootlog"))
    assert boots.startswith("log: bootlog  1700000100 1700000200 ")
    assert len(boots.split()) == 2 + 8
    assert "log: bootdt  100 100 100 !" in said


def test_slow_boots_are_not_marked() -> None:
    eeprom = formatted(boot_logs=[[], [1_600_000_000, 1_600_001_000, 1_600_002_000], [], [], []])
    board = rebooted_with(eeprom, 100)
    line = next(line for _at_s, line in board.lines() if line.startswith("log: bootdt"))
    assert line.startswith("log: bootdt  1000 1000 ")
    assert "!" not in line


def test_the_mean_divides_by_the_boots_and_not_by_the_gaps() -> None:
    eeprom = formatted(boot_logs=[[], [1_600_000_000, 1_600_000_290, 1_600_000_580], [], [], []])
    board = rebooted_with(eeprom, 100)
    assert any(line.startswith("log: bootdt  290 290 ") and line.endswith(" !") for _at_s, line in board.lines())


def test_a_first_boot_has_no_differences() -> None:
    board = bench(80)
    assert not any(line.startswith("log: bootdt") for _at_s, line in board.lines())


# --- start ------------------------------------------------------------------------------------------------------------


def test_start_is_executed_after_its_reply_frame() -> None:
    board = bench()
    assert board.ask("start 1") == ""
    said = "\n".join(line for _at_s, line in board.lines())
    assert "<<<- sid=ask start\n->>>\nlog: gn starting primary" in said
    assert board.relay(1)


@pytest.mark.parametrize("state", ["disabled", "started", "stopping"])
def test_start_is_refused_silently_unless_stopped(state: str) -> None:
    board = bench()
    if state == "disabled":
        board.ask("disable 1")
    else:
        board.ask("start 1")
    if state == "stopping":
        board.ask("stop 1")
    before = len(board.changes(1))
    assert board.ask("start 1") == ""
    assert len(board.changes(1)) == before


def test_of_two_starts_before_the_next_pass_only_the_last_is_carried_out() -> None:
    board = bench()
    board.send("@1 start 1", "@2 start 2")
    board.run(3)
    assert (board.relay(1), board.relay(2)) == (False, True)


@pytest.mark.parametrize(("port", "blocked_s"), [(1, 0.598), (0, 0.748)])
def test_a_start_blocks_the_board(port: int, blocked_s: float) -> None:
    board = bench()
    if port == 0:
        board.ask("disable 0")
    board.send(f"@1 start {port}")
    board.run(0.4)
    board.send("@2 boots")
    board.run(2)
    (started_s,) = board.times_of(f"log: {'nc' if port == 0 else 'gn'} starting primary")[-1:]
    (answered_s,) = board.times_of("<<<- sid=2 boots")
    assert answered_s - started_s == pytest.approx(blocked_s + 5 * 0.0257, abs=0.01)


# --- stop -------------------------------------------------------------------------------------------------------------


def stopping(grace: str = "", run_s: float = 0.0) -> Bench:
    board = bench()
    board.ask("start 1")
    board.send(f"@s stop 1 {grace}")
    board.run(run_s)
    return board


def test_stop_logs_at_once_and_every_10_s_and_then_cuts_the_power() -> None:
    board = stopping(run_s=70)
    stops = board.times_of("log: gn stopping")
    assert [at_s - stops[0] for at_s in stops] == pytest.approx([0, 10, 20, 30, 40, 50], abs=5 * PASS_S)
    (timed_out_s,) = board.times_of("log: gn stop timeout")
    assert timed_out_s - stops[0] == pytest.approx(60, abs=PASS_S)
    assert board.times_of("log: gn killing") == [timed_out_s]
    assert board.changes(1) == [(True, "command"), (False, "command")]


def test_stop_is_only_accepted_when_started() -> None:
    board = bench()
    assert board.ask("stop 1") == ""
    assert board.ask("stop 3") == ""
    assert not board.times_of("log: gn stopping")
    assert not board.times_of("log: x1 stopping")


def test_an_accepted_stop_logs_inside_its_frame() -> None:
    board = bench()
    board.ask("start 1")
    assert board.ask("stop 1") == "log: gn stopping"


def test_a_stop_cannot_be_cancelled() -> None:
    board = stopping(run_s=5)
    for command in ("start 1", "ping 1"):
        board.ask(command)
    board.run(60)
    assert not board.relay(1)


def test_the_power_is_cut_even_if_the_guest_is_not_down() -> None:
    board = bench(gn=GuestSpec(boot_s=5, beat_s=4))
    board.ask("start 1")
    board.run(20)
    board.ask("stop 1 3")
    board.run(5)
    assert not board.relay(1)
    assert [(cut.port, cut.state, cut.by) for cut in board.board.hardware.dirty_cuts] == [(1, "running", "command")]


def test_a_second_stop_changes_the_deadline_measured_from_the_start_of_stopping() -> None:
    board = stopping(run_s=20)
    board.ask("stop 1 30")
    board.run(13)
    stops, (killed_s,) = board.times_of("log: gn stopping"), board.times_of("log: gn killing")
    assert killed_s - stops[0] == pytest.approx(30, abs=PASS_S)


def test_stop_with_0_seconds_kills_within_a_pass() -> None:
    board = stopping(run_s=5)
    asked_s = board.now_s
    board.send("@0 stop 1 0")
    board.run(3)
    (killed_s,) = board.times_of("log: gn killing")
    assert killed_s - asked_s < 2 * PASS_S


def test_a_refused_stop_leaves_its_grace_for_the_next_heartbeat_timeout() -> None:
    board = bench()
    board.ask("stop 1 5")  # not started: refused, but remembered
    board.ask("start 1")
    board.run(3610)
    (timed_out_s,) = board.times_of("log: gn heartbeat timeout")
    (killed_s,) = board.times_of("log: gn killing")
    assert killed_s - timed_out_s == pytest.approx(5, abs=2 * PASS_S)


def test_after_a_kill_by_timeout_the_grace_is_60_s_again() -> None:
    board = stopping("5", run_s=8)
    assert not board.relay(1)
    board.run(62)  # started again by itself
    board.run(3665)
    timed_out_s, killed_s = board.times_of("log: gn heartbeat timeout")[0], board.times_of("log: gn killing")[1]
    assert killed_s - timed_out_s == pytest.approx(60, abs=2 * PASS_S)


def test_a_stopped_port_is_started_again_60_s_after_the_kill() -> None:
    board = stopping("0", run_s=64)
    (killed_s,) = board.times_of("log: gn killing")
    assert board.times_of("log: gn starting primary")[-1] - killed_s == pytest.approx(60.8, abs=0.6)


def test_a_grace_beyond_16_bits_is_49_days() -> None:
    board = stopping("40000", run_s=45_000)
    assert board.relay(1)


# --- disable and enable -----------------------------------------------------------------------------------------------


def test_disable_cuts_power_at_once_and_for_good() -> None:
    board = bench()
    board.ask("start 1")
    assert board.ask("disable 1") == "log: gn killing"
    assert board.changes(1) == [(True, "command"), (False, "command")]
    board.board.reset()
    board.run(300)
    assert not board.relay(1)
    assert board.board.eeprom.enabled[1] is False


def test_disable_0_cuts_the_node_controller_too_but_it_comes_back() -> None:
    board = bench(35)
    board.ask("disable 0")
    assert not board.relay(0)
    board.run(57)
    assert not board.relay(0)
    board.run(5)
    assert board.relay(0)
    assert board.board.eeprom.enabled[0]


def test_disable_takes_several_ports_skips_bad_ones_and_takes_its_time() -> None:
    board = bench(200)
    asked_s = board.now_s
    assert board.ask("disable 1 9 2", wait_s=3) == "log: gn killing\nlog: cs killing"
    assert not board.relay(1)
    assert not board.relay(2)
    assert board.times_of("->>>")[-1] - asked_s == pytest.approx(1.2, abs=0.3)


def test_disable_of_a_disabled_port_only_resets_its_age() -> None:
    board = bench(30)
    assert board.ask("disable 3") == ""
    assert board.ages_s()[3] < 3


def test_enable_persists_and_leaves_the_relay_alone() -> None:
    board = bench()
    board.ask("enable 3")
    assert not board.relay(3)
    assert board.board.eeprom.enabled[3]


def test_enable_on_a_running_port_makes_the_firmware_believe_it_is_off() -> None:
    board = bench()
    board.ask("start 1")
    board.ask("enable 1")
    assert board.relay(1)
    assert board.ask("stop 1") == ""  # stopped, it believes
    board.run(62)  # "started" again, without a power cycle
    assert board.board.eeprom.attempts[1] == 2
    assert board.changes(1) == [(True, "command")]


def test_a_heartbeat_turns_an_enabled_running_port_back_to_started() -> None:
    board = bench(gn=GuestSpec(boot_s=5, beat_s=4))
    board.ask("start 1")
    board.run(10)
    board.ask("enable 1")
    board.run(8)
    assert board.ask("stop 1") == "log: gn stopping"


# --- Heartbeats -------------------------------------------------------------------------------------------------------


def test_a_guest_toggling_once_a_second_shows_up_every_8_s() -> None:
    board = bench(gn=GuestSpec(boot_s=10, beat_s=8))
    board.ask("start 1")
    board.run(100)
    beats = board.times_of("log: gn heartbeat")
    gaps = [after - before for before, after in itertools.pairwise(beats)]
    assert len(gaps) >= 10
    assert all(7.8 < gap < 8.3 for gap in gaps)


def test_edges_closer_than_a_sample_are_missed() -> None:
    board = bench(gn=GuestSpec(boot_s=10, beat_s=0.5))
    board.ask("start 1")
    board.run(40)
    beats = board.times_of("log: gn heartbeat")
    assert min(after - before for before, after in itertools.pairwise(beats)) > 1.9


def test_edges_collected_before_a_power_off_complete_a_beat_just_after_the_next_power_on() -> None:
    board = bench(gn=GuestSpec(boot_s=40, beat_s=8))
    board.ask("start 1")
    board.run_until(board.times_of("log: gn starting primary")[0] + 40 + 6.5)  # six edges beyond the first beat
    board.ask("disable 1")
    board.ask("enable 1")
    board.ask("start 1")
    started_s = board.times_of("log: gn starting primary")[-1]
    board.run(60)
    first_s = next(at_s for at_s in board.times_of("log: gn heartbeat") if at_s > started_s)
    assert first_s - started_s < 36  # a fresh guest needs 40 s for its eight edges


def test_a_board_reset_forgets_collected_edges() -> None:
    board = bench(nc=GuestSpec(boot_s=10, beat_s=8))
    board.run(30)
    board.board.reset()
    board.run(45)
    up_s = board.ttys()[-1][0]
    first_s = next(at_s for at_s in board.times_of("log: nc heartbeat") if at_s > up_s)
    assert first_s - (up_s + 7.8) == pytest.approx(7.8, abs=1)


def test_ping_is_a_heartbeat() -> None:
    board = bench(30)
    assert board.ask("ping 1") == "log: gn heartbeat"
    assert board.ages_s()[1] < 3


def test_a_ping_to_a_stopped_port_makes_it_started_without_power_and_ends_its_automatic_start() -> None:
    board = bench(30)
    board.ask("ping 1")
    board.run(300)
    assert not board.relay(1)
    assert board.relay(2)
    assert board.ask("stop 1") == "log: gn stopping"


def test_a_ping_to_a_disabled_port_has_no_visible_effect() -> None:
    board = bench(30)
    assert board.ask("ping 3") == "log: x1 heartbeat"
    assert board.ask("stop 3") == ""
    board.run(200)
    assert not board.relay(3)


def test_a_ping_while_stopping_only_resets_the_timer() -> None:
    board = stopping(run_s=20)
    assert board.ask("ping 1") == "log: gn heartbeat"
    assert board.ages_s()[1] < 3
    board.run(40)
    assert not board.relay(1)


def test_an_age_counts_from_the_last_heartbeat_or_state_change_and_goes_on_for_stopped_and_disabled_ports() -> None:
    board = bench(40)
    ages = board.ages_s()
    assert ages[1:] == pytest.approx([40.2 - 10.65] * 4, abs=0.5)
    assert ages[0] == pytest.approx(ages[1] - 0.748, abs=0.1)
    board.ask("start 1")
    assert board.ages_s()[1] < 2
    board.run(40)
    assert board.ages_s()[3] == pytest.approx(ages[3] + 46, abs=2)


# --- The one hour -----------------------------------------------------------------------------------------------------


def test_an_hour_without_heartbeat_stops_kills_and_restarts_a_port() -> None:
    board = bench()
    board.ask("start 1")
    started_s = board.times_of("log: gn starting primary")[0]
    board.run(3600 + 200)
    (timed_out_s,) = board.times_of("log: gn heartbeat timeout")
    (killed_s,) = board.times_of("log: gn killing")
    assert timed_out_s - started_s == pytest.approx(3600.6, abs=PASS_S)
    assert killed_s - timed_out_s == pytest.approx(60, abs=PASS_S)
    assert board.ask("fc").split() == ["1", "1", "1", "0", "0"]  # nc and cs are as silent
    assert board.changes(1)[:3] == [(True, "command"), (False, "board"), (True, "board")]


def test_heartbeats_keep_a_port_for_a_day() -> None:
    board = bench(86_400, others=GuestSpec())
    assert not [line for _at_s, line in board.lines() if "timeout" in line]


def test_ports_3_and_4_are_not_watched_by_default_and_watch_changes_that() -> None:
    board = bench()
    board.ask("enable 3 4")
    board.ask("start 3")
    board.ask("start 4")
    board.ask("watch 4 hb t")
    board.run(3700)
    assert not board.times_of("log: x1 heartbeat timeout")
    assert board.times_of("log: x2 heartbeat timeout")


@pytest.mark.parametrize("word", ["f", "true", "on"])
def test_anything_but_t_switches_watching_off(word: str) -> None:
    board = bench()
    board.ask("start 1")
    board.ask(f"watch 1 hb {word}")
    board.run(3700)
    assert not board.times_of("log: gn heartbeat timeout")


def test_watch_is_forgotten_at_a_reset() -> None:
    board = bench()
    board.ask("watch 0 hb f")
    board.board.reset()
    board.run(3700)
    assert board.times_of("log: nc heartbeat timeout")


def test_the_failure_counter_is_kept_over_resets_and_only_lost_with_the_eeprom() -> None:
    board = rebooted_with(formatted(failures=[0, 7, 0, 0, 0]))
    board.board.reset()
    board.run(40)
    assert board.ask("fc").split() == ["0", "7", "0", "0", "0"]
    board.ask("eereset")
    board.board.reset()
    board.run(40)
    assert board.ask("fc").split() == ["0"] * 5


def test_watching_the_current_takes_a_third_word_that_is_neither_hb_nor_cu() -> None:
    board = bench()
    board.ask("start 1")
    board.ask("watch 1 cu t")
    board.run(30)
    assert not [line for _at_s, line in board.lines() if "current" in line]
    board.ask("watch 1 xx t")
    board.run(35)
    levels = board.times_of("log: gn current stressed")
    assert len(levels) == 3
    assert levels[1] - levels[0] == pytest.approx(10.2, abs=0.4)


@pytest.mark.parametrize(("guest", "level"), [(GuestSpec(good=()), "stressed"), (GuestSpec(boot_s=2.2, halt_s=1), "low")])
def test_current_levels_follow_the_guest(guest: GuestSpec, level: str) -> None:
    board = bench(gn=guest)
    board.ask("start 1")
    board.ask("watch 1 xx t")
    board.run(5)
    board.board.hardware.guests[1].halt(board.now_s)
    board.board.poke()
    board.run(20)
    assert board.times_of(f"log: gn current {level}")


# --- Unmanaged --------------------------------------------------------------------------------------------------------


def test_a_port_with_1024_failures_is_cycled_every_4_hours_instead_of_being_watched() -> None:
    board = rebooted_with(formatted(failures=[0, 1024, 0, 0, 0]))
    board.ask("start 1")
    board.run(4 * 3600 + 130)
    assert not board.times_of("log: gn heartbeat timeout")
    (switched_s,) = board.times_of("log: gn unmanaged switch")
    starts = [at_s for at_s, line in board.lines() if line.startswith("log: gn starting")]
    assert switched_s - starts[0] == pytest.approx(4 * 3600, abs=2)
    assert len(starts) == 2


def test_the_unmanaged_switch_stays_with_the_medium_it_has() -> None:
    board = rebooted_with(formatted(failures=[0, 1024, 0, 0, 0]))
    board.ask("start 1")
    medium = board.board.hardware.selectors[1]
    board.run(4 * 3600 + 130)
    assert board.board.hardware.selectors[1] == medium == "emmc"


def test_1023_failures_are_still_managed() -> None:
    board = rebooted_with(formatted(failures=[0, 1023, 0, 0, 0]))
    board.ask("start 1")
    board.run(3700)
    assert board.times_of("log: gn heartbeat timeout")


# --- Media ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("failures", "medium"), [(0, "emmc"), (2, "emmc"), (3, "sd"), (4, "emmc"), (7, "sd")])
def test_each_fourth_failure_makes_the_next_start_a_secondary_one(failures: int, medium: str) -> None:
    board = rebooted_with(formatted(failures=[0, failures, 0, 0, 0]))
    board.ask("start 1")
    assert board.board.hardware.guests[1].medium == medium
    assert board.times_of(f"log: gn starting {'primary' if medium == 'emmc' else 'secondary'}")


def test_a_forced_medium_moves_the_line_at_once_and_counts_for_one_start() -> None:
    board = bench()
    assert board.ask("bs 1 sd") == "set sd"
    assert board.board.hardware.selectors[1] == "sd"
    board.ask("start 1")
    assert board.board.hardware.guests[1].medium == "sd"
    assert board.times_of("log: gn starting secondary")
    assert board.ask("bs 1") == "emmc"


def test_a_forced_medium_is_forgotten_at_a_reset() -> None:
    board = bench()
    board.ask("bs 1 sd")
    board.board.reset()
    board.run(40)
    assert board.ask("bs 1") == "emmc"


def test_before_the_first_start_bs_goes_by_odd_attempts_and_the_start_does_not() -> None:
    board = rebooted_with(formatted(attempts=[0, 1, 0, 0, 0]))
    assert board.ask("bs 1") == "sd"
    board.ask("start 1")
    assert board.board.hardware.guests[1].medium == "emmc"


def test_ports_without_a_selector_drive_the_node_controllers() -> None:
    board = bench()
    board.ask("enable 3")
    board.ask("start 3")
    assert board.board.hardware.selectors == ["sd", "emmc"]
    board.ask("start 2")
    assert board.board.hardware.selectors == ["emmc", "emmc"]
    board.ask("bs 2 sd")
    assert board.board.hardware.selectors == ["sd", "emmc"]


# --- Relays and resets ------------------------------------------------------------------------------------------------


def test_a_board_reset_drops_all_relays_but_the_node_controllers() -> None:
    board = bench(200)
    board.board.reset()
    assert [board.relay(port) for port in range(5)] == [True, False, False, False, False]
    assert board.changes(1)[-1] == (False, "reset")


def test_a_powercycle_drops_them_all() -> None:
    board = bench(200)
    board.board.powercycle()
    assert not any(board.relay(port) for port in range(5))
    assert board.changes(0)[-1] == (False, "powercycle")


def interrupted_while_starting(port: int = 1) -> Bench:
    board = bench()
    board.send(f"@s start {port}")
    board.run(0.8)
    assert board.board.eeprom.journal[port] == "turning_on"
    return board


@pytest.mark.parametrize("how", ["powercycle", "brownout"])
def test_a_port_whose_switching_cost_the_board_its_power_is_disabled(how: str) -> None:
    board = interrupted_while_starting()
    board.board.powercycle() if how == "powercycle" else board.board.reset("BORF")
    board.run(30)
    assert board.times_of("log: gn killing")
    assert board.board.eeprom.enabled[1] is False
    board.run(300)
    assert not board.relay(1)


def test_after_a_watchdog_reset_it_is_only_killed() -> None:
    board = interrupted_while_starting()
    board.board.reset()
    board.run(30)
    assert board.times_of("log: gn killing")
    assert board.board.eeprom.enabled[1]
    board.run(120)
    assert board.relay(1)


def test_the_relay_log_says_when_which_why() -> None:
    board = bench()
    board.ask("start 1")
    first, second = board.board.hardware.relay_log
    assert first == RelayChange(first.board_s, 0, on=True, by="board")
    assert first.board_s == pytest.approx(10.79, abs=0.01)
    assert (second.port, second.on, second.by) == (1, True, "command")
