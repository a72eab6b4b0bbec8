"""Faults planted in the service at run time, each with a script that brings it to light."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import trio
from attrs import evolve, frozen

import wagman.service.root
from wagman.config.wagman import other_medium
from wagman.fsm import environment, outlet
from wagman.fsm.alarms import Alarm
from wagman.fsm.guest import Memory, Situation, Step, Stopped, halting, untrusted
from wagman.fsm.guest.halting import Halting
from wagman.fsm.guest.maintenance import Maintenance
from wagman.fsm.guest.started import Started
from wagman.fsm.guest.state import State, states
from wagman.fsm.scheduler import machine, situation
from wagman.fsm.scheduler import states as scheduler_states
from wagman.fsm.scheduler.inputs import Visibility
from wagman.io.board import power
from wagman.io.board.power import Power
from wagman.io.v3 import driver as driver_v3
from wagman.io.v4 import driver as driver_v4
from wagman.model.errors import StoreError
from wagman.model.facts import UNTOUCHED, PowerGoal
from wagman.service import decided
from wagman.service.decisions_file import Found
from wagman.service.recollection import Recollection
from wagman.store import SmallFile, decisions, journal, limits, pending, remembered, sqlite
from wagman.tasks.guest import Guest
from wagman.tasks.loop import Alarms

Plant = Callable[[pytest.MonkeyPatch], None]


@frozen
class Mutant:
    """What is broken, how, what brings it to light, and which promises may catch it."""

    name: str
    plant: Plant
    script: str
    caught_by: frozenset[int]
    dialect: str = "v3"
    site: str | None = None  # None: the node of these tests


MUTANTS: list[Mutant] = []


def mutant(script: str, *caught_by: int, dialect: str = "v3", site: str | None = None) -> Callable[[Plant], Plant]:
    """Register a planted fault."""

    def register(plant: Plant) -> Plant:
        name = plant.__name__.replace("_", " ")
        MUTANTS.append(Mutant(name, plant, script + "; all well; settled", frozenset(caught_by), dialect, site))
        return plant

    return register


# --- Guests are cut too early, or without a word ----------------------------------------------------------------------


@mutant("5 min; gn: stop; 15 min", 4)
def a_guest_is_never_told_to_halt(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Halting, "ask", lambda self, now, plan: Step(self, now.memory, plan))


@mutant("5 min; gn: stop; 5 min", 1, 6)
def a_stop_goes_straight_to_stopped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Started, "successors", Started.successors | {"stopped"})
    patch.setattr(Started, "on_stop", lambda self, now, reason: self.goto(states.stopped, now, reason).accept("cut"))


@mutant("5 min; guest gn halt=300; gn: stop; 10 min", 1, 6)
def silence_is_neither_awaited_nor_proved(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(halting, "silence", lambda now, since_s=None: Alarm(1.0))


@mutant("5 min; cable out; 9 s; guest gn halt=40,beat=0; 40 s; gn: stop; 2 s; cable in; 5 min", 1)
def silence_is_counted_from_a_beat_of_before_the_message_that_was_told_late(patch: pytest.MonkeyPatch) -> None:
    real = Halting.on_message_done

    def on_heartbeat(self: Any, now: Any, beat: Any) -> Any:
        return self.ask(now, {**halting.STANDING, "heartbeat": halting.silence(now, beat.at_s)})

    def on_message_done(self: Any, now: Any, done: Any) -> Any:
        step = real(self, now, done)
        return evolve(step, alarms=None) if self.message.delivered else step

    patch.setattr(Halting, "on_heartbeat", on_heartbeat)
    patch.setattr(Halting, "on_message_done", on_message_done)


@mutant("5 min; guest gn halt=300; gn: stop; 10 min", 1, 6)
def the_two_alarms_of_a_stop_are_swapped(patch: pytest.MonkeyPatch) -> None:
    real = Halting.on_message_done

    def on_message_done(self: Any, now: Any, done: Any) -> Any:
        step = real(self, now, done)
        swapped = {**(step.alarms or {}), "timeout": Alarm(now.config.stop_silence_s)}
        return evolve(step, alarms=step.alarms if self.message.delivered else swapped)

    patch.setattr(Halting, "on_message_done", on_message_done)


@mutant("5 min; gn: stop; 5 s; service freeze 7200; 20 min", 1, 6, dialect="v4")  # a v3 board would restart
def a_stop_timeout_that_nobody_saw_pass_cuts_what_the_board_started_since(patch: pytest.MonkeyPatch) -> None:
    real = Alarms.fired
    patch.setattr(Alarms, "fired", lambda self, armed, now_s: evolve(real(self, armed, now_s), late=False))


@mutant("5 min; gn: stop; 30 s; cable out; 2 h; cable in; 20 min", 1, 6)
def a_stop_fails_though_the_board_cannot_be_asked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(halting, "patience", lambda now: Alarm(now.config.stop_timeout_s))


@mutant("5 min; cable out; 7 min; cable in; 5 min", 6)
def silence_need_not_be_proved(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Alarms, "proved", lambda self, armed: True)


@mutant("5 min; board fault silent on; 20 min; board fault silent off; 5 min", 6)
def a_silent_board_proves_that_guests_are_silent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Alarms, "proved", lambda self, armed: True)


@mutant("5 min; guest gn boot=100; guest gn hang; 12 min", 1)
def a_start_is_given_up_too_early(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Situation, "start_timeout_s", property(lambda self: 20.0))


@mutant("40 min; service kill; disk wiped; service start; 5 min", 1, 4, 6)
def guests_that_run_are_not_adopted(patch: pytest.MonkeyPatch) -> None:
    real = Stopped.on_adopt
    patch.setattr(Stopped, "on_heartbeat", lambda self, now, beat: self.stay(now))
    patch.setattr(Stopped, "on_adopt", lambda self, now, fired: real(self, now, evolve(fired, supply="off")))


@mutant("5 min; board fault sensor cu dead; guest gn beat=0; service kill; disk wiped; service start; 5 min", 1, 6)
@mutant("5 min; board fault sensor cu dead; guest gn hang; service kill; disk wiped; service start; 5 min", 1)
def unknown_power_is_taken_for_none(patch: pytest.MonkeyPatch) -> None:
    real = Alarms.fired

    def fired(self: Alarms, armed: Any, now_s: float) -> Any:
        due = real(self, armed, now_s)
        return due if due.supply == "on" else evolve(due, supply="off")

    patch.setattr(Alarms, "fired", fired)


@mutant("5 min; board fault sensor cu dead; board powercycle; 20 min", 2, dialect="v4")
def unknown_power_is_taken_for_some_after_a_restart_of_the_board(patch: pytest.MonkeyPatch) -> None:
    real = driver_v4.V4Driver.hold_off

    async def hold_off(self: Any) -> None:
        await real(self)
        self.survivors, self.doubtful = self.survivors | self.doubtful, frozenset()

    patch.setattr(driver_v4.V4Driver, "hold_off", hold_off)
    patch.setattr(Power, "doubt", lambda self, number: None)


FORGETFUL = "5 min; gn: stop; 5 min; cable out; board fault eeprom; board reset; 20 min; disk slow 20; cable in; 3 min"
"""The board starts what it was told to keep off, and the guest's machine, which waits for the disk, has yet to answer to that."""


@mutant(FORGETFUL, 1, 6)
def power_of_unknown_origin_is_cut(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outlet.Outlet, "awaits_answer", property(lambda self: False))
    patch.setattr(outlet.State, "is_foreign", lambda self, now: False)
    patch.setattr(outlet.Stray, "is_foreign", lambda self, now: False)


@mutant("5 min; gn: stop; 5 min; guest gn halt=300; board fault power 1 on; 10 min", 1, 4, 6)
def a_report_of_a_disabled_port_is_believed_whatever_it_shows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outlet.Signs, "shows_life", lambda self, at_s: False)
    patch.setattr(outlet.Off, "off_due_s", lambda self, now: -math.inf)


@mutant("5 min; guest gn hang; 280 s; cable out; 5 s; guest gn revive; 60 s; cable in; 5 min", 6)
def an_answer_from_before_the_deadline_proves_that_a_guest_is_silent(patch: pytest.MonkeyPatch) -> None:
    real = Alarms.proved

    def proved(self: Alarms, armed: Any) -> bool:
        is_silent = self.listened is not None and self.listened.silent_since_s < armed.since_s + 1
        return real(self, armed) or (armed.spec.proof and is_silent)

    patch.setattr(Alarms, "proved", proved)


@mutant("5 min; board eeprom failures 1 40; gn: restart; 5 h", 1, 6, dialect="v4")
def a_stop_that_the_board_begins_is_put_off_too_briefly(patch: pytest.MonkeyPatch) -> None:
    real = driver_v4.V4Driver._put_stop_off

    async def put_stop_off(self: Any, number: int) -> None:
        with patch.context() as briefly:
            briefly.setattr(driver_v4, "LONGEST_GRACE_S", 20)
            await real(self, number)

    patch.setattr(driver_v4, "CLAIM_S", math.inf)
    patch.setattr(driver_v4.V4Driver, "_put_stop_off", put_stop_off)


@mutant("5 min; gn: stop; 3 min", 1, 6)
def a_guest_that_was_told_nothing_is_cut_by_the_grace_of_the_board(patch: pytest.MonkeyPatch) -> None:
    a_stop_goes_straight_to_stopped(patch)

    async def switch_off(self: Any, action: Any) -> None:
        await self._do("stop", str(action.port), "60")

    patch.setattr(driver_v3.V3Driver, "switch_off", switch_off)


# --- Power ------------------------------------------------------------------------------------------------------------


@mutant("5 min; gn: stop; cs: stop; x1: stop; 5 min; gn: start; cs: start; x1: start; 5 min", 2)
def the_stagger_is_not_kept(patch: pytest.MonkeyPatch) -> None:
    real = Power.__attrs_post_init__

    def init(self: Power[int]) -> None:
        real(self)
        self.pace.stagger_s = -math.inf

    patch.setattr(Power, "__attrs_post_init__", init)


@mutant("5 min; gn: restart; 5 min", 2)
def the_off_time_is_not_kept(patch: pytest.MonkeyPatch) -> None:
    real = Power.__attrs_post_init__

    def init(self: Power[int]) -> None:
        real(self)
        self.off_times_s = dict.fromkeys(self.off_times_s, 0.0)

    patch.setattr(Power, "__attrs_post_init__", init)


@mutant("20 min; gn: stop; 5 min; 2 s; board fault drop 3; gn: start; 20 min", 4)
def a_lost_start_is_not_repeated(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outlet.PendingCommand, "pause_s", property(lambda self: math.inf))


@mutant("5 min; gn: stop; 61 s; board fault drop 3; 5 min", 3, 4)
def a_reply_counts_as_evidence(patch: pytest.MonkeyPatch) -> None:
    real = Power.sent

    def sent(self: Power[int], action: Any, now_s: float) -> None:
        real(self, action, now_s)
        if isinstance(action, power.SwitchOff):
            self.ports[action.port] = evolve(self.ports[action.port], state=outlet.Off(0, is_kept=True), pending=None)

    patch.setattr(Power, "sent", sent)
    patch.setattr(outlet.Outlet, "stray", lambda self, *_: outlet.Step(self))
    patch.setattr(Stopped, "on_heartbeat", lambda self, now, beat: self.stay(now))


@mutant("5 min; gn: kill; 5 min", 4)
def a_kill_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(State, "on_kill", lambda self, now: self.stay(now.remember(wanted="up")).accept("as you like"))


@mutant("5 min; gn: stop; 5 min", 3, 4)
def stopped_does_not_ask_for_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Stopped, "power", lambda self, memory: UNTOUCHED)


@mutant("5 min; x1: restart; 5 min", 4)
def the_selector_of_the_controller_is_not_put_back(patch: pytest.MonkeyPatch) -> None:
    async def nothing(self: Any) -> None: ...

    patch.setattr(driver_v3.V3Driver, "_restore_selector", nothing)


# --- Counting ---------------------------------------------------------------------------------------------------------


DEAD_PRIMARY = "5 min; guest gn good=sd; guest gn hang; 50 min"
DEAD = "5 min; guest gn dies; guest gn hang; 4 h"


@mutant(DEAD_PRIMARY, 5)
def recovery_goes_on_from_the_primary(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Situation, "medium", property(lambda self: self.config.primary))


@mutant("5 min; gn: restart; 5 min", 5)
def every_start_is_a_recovery(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Situation, "medium", property(lambda self: self.config.primary and other_medium(self.config.primary)))


@mutant(DEAD_PRIMARY, 5)
def attempts_are_not_counted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Situation, "counted_attempt", lambda self: self)


@mutant("5 min; guest gn hang; 30 min; gn: restart; 5 min; gn: restart; 5 min", 5)
def attempts_are_not_reset(patch: pytest.MonkeyPatch) -> None:
    real = Started.on_stable

    def on_stable(self: Any, now: Any, fired: Any = None) -> Any:
        stable = real(self, now, fired)
        return evolve(stable, memory=evolve(stable.memory, attempts=now.memory.attempts))

    patch.setattr(Started, "on_stable", on_stable)


@mutant("5 min; gn: restart; 5 min", 5)
def the_medium_that_is_announced_is_not_selected(patch: pytest.MonkeyPatch) -> None:
    real = driver_v3.V3Driver.switch_on

    async def switch_on(self: Any, action: Any) -> None:
        await real(self, evolve(action, media=action.media and other_medium(action.media)))

    patch.setattr(driver_v3.V3Driver, "switch_on", switch_on)


@mutant(DEAD, 9)
def there_is_no_backoff(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Situation, "backoff_s", property(lambda self: 0.0))


@mutant(DEAD, 9)
def backoff_does_not_grow(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Situation, "backoff_s", property(lambda self: self.config.backoff_min_s))


@mutant("5 min; guest gn dies; guest gn hang; 3 h; service kill; service start; 30 min; service kill; service start; 30 min", 9)
def backoff_does_not_outlive_the_service(patch: pytest.MonkeyPatch) -> None:
    real = Guest.restore

    def restore(self: Guest, saved: Any, *rest: Any) -> bool:
        done = real(self, saved, *rest)
        if isinstance(self.state, Stopped):
            self.state = evolve(self.state, backoff_s=0.0)
        return done

    patch.setattr(Guest, "restore", restore)


@mutant("5 min; guest gn dies; guest gn hang; 3 h; 2 h", 4)
def failures_end_all_tries_of_everybody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(situation.Situation, "next_due", property(lambda self: None))


# --- The scheduler -----------------------------------------------------------------------------------------------

HOT = "5 min; board temp 80; 40 min"


@mutant(HOT, 8)
def heat_is_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(environment.Environment, "hot", property(lambda self: False))


@mutant("5 min; board temp 80; 2 min; gn: kill; 40 min", 8)
def guests_are_started_in_the_heat(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(environment.Environment, "hot", property(lambda self: False))
    patch.setattr(environment.Environment, "starts_allowed", property(lambda self: True))


@mutant(HOT, 8)
def nobody_is_stopped_on_the_way_down(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(scheduler_states.Forbidding, "on_stop", lambda self, now: self.stay(now))


@mutant(HOT, 8)
def only_one_is_stopped_on_the_way_down(patch: pytest.MonkeyPatch) -> None:
    def next_stop(self: situation.Situation, names: frozenset[str]) -> Any:
        return next((view for view in self.unstopped(names) if view.name == "x2"), None)

    patch.setattr(situation.Situation, "next_stop", next_stop)


@mutant(HOT, 4)
def hibernation_never_ends(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(environment.Environment, "calm", property(lambda self: False))


@mutant("board powercycle; 20 min", 2)
def two_guests_are_started_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        scheduler_states.StartNextDevice, "on_guest_changed", lambda self, now, *_: self.goto(scheduler_states.StartDevices, now)
    )


@mutant("5 min; board powercycle; 30 min", 4)
def blindness_never_ends(patch: pytest.MonkeyPatch) -> None:
    real = machine.react

    def react(state: Any, now: Any, item: Any) -> Any:
        if isinstance(item, Visibility):
            item = evolve(item, blind=True)
        return real(state, now, item)

    patch.setattr(machine, "react", react)


# --- Coming up, and staying up ----------------------------------------------------------------------------------------


@mutant("5 min; guest gn halt=0; gn: stop; 20 s; service kill; service start; 30 min", 4)
def a_stop_is_not_taken_up_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Halting, "resume", lambda self, now: {})
    patch.setattr(Halting, "on_heartbeat", lambda self, now, beat: self.stay(now))


@mutant("5 min; gn: stop; 5 min; service kill; service start; 10 min", 4, 11)
def what_is_wanted_does_not_outlive_the_service(patch: pytest.MonkeyPatch) -> None:
    real = Guest.saved
    patch.setattr(Guest, "saved", lambda self: {**real(self), "memory": {**real(self)["memory"], "wanted": "up"}})


@mutant("5 min; gn: disable; 5 min; service kill; service start; 10 min", 4, 11)
def memory_is_not_written(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pending, "memory_of", lambda units: {})
    patch.setattr(SmallFile, "keep", lambda self, text: None)


@mutant("5 min; service crash gn; 5 min", 10)
def a_crash_ends_the_service(patch: pytest.MonkeyPatch) -> None:
    async def contained(name: str, run: Any, *_: Any) -> None:
        await run()

    patch.setattr(wagman.service.root, "contained", contained)


@mutant("5 min; service crash gn; 5 min", 10)
def a_crash_loses_the_state(patch: pytest.MonkeyPatch) -> None:
    real = Guest.run

    async def run(self: Guest) -> None:
        if self.progress_s:
            self.state = untrusted()
        await real(self)

    patch.setattr(Guest, "run", run)


@mutant("5 min; gn: restart; 10 min", 10)
def a_message_crashes_its_task(patch: pytest.MonkeyPatch) -> None:
    async def deliver(self: Guest, message: object) -> None:
        await trio.lowlevel.checkpoint()
        raise KeyError(message)

    patch.setattr(Guest, "_deliver", deliver)


# --- What was decided -------------------------------------------------------------------------------------------------


DISABLED = "5 min; x1: disable; gn: stop; 5 min; "


@mutant("5 min; gn: stop for 7200; 5 min; service kill; service start; 20 min", 11)
def what_is_left_of_a_time_is_over_with_the_service(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Guest, "_left", lambda self, term, kept: None if term is None else evolve(term, left_s=0.0))


@mutant("5 min; gn: maintenance for 7200; 1 min; guest gn hang; 20 min", 1, 11)
def a_guest_in_maintenance_is_cut_where_it_is_silent(patch: pytest.MonkeyPatch) -> None:
    def power(self: Maintenance, memory: Memory) -> PowerGoal:
        return PowerGoal("off", memory.cycle) if self.silent else UNTOUCHED

    patch.setattr(Maintenance, "power", power)


@mutant("5 min; gn: stop; 5 min; gn: maintenance for 7200; 10 min", 11)
def a_guest_in_maintenance_is_given_power(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Maintenance, "power", lambda self, memory: PowerGoal("on", memory.cycle + 1, memory.media))


@mutant(DISABLED + "service kill; disk wiped; service start; 10 min", 11)
def what_lies_beside_the_log_is_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SmallFile, "read", lambda self: None)


@mutant(DISABLED + "service kill; disk truncated 50; service start; 10 min", 11)
def nothing_is_kept_beside_the_log(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SmallFile, "keep", lambda self, text: None)


@mutant(DISABLED + "service kill; disk barred all; service start; 50 min; disk ok; 5 min", 11)
def a_memory_that_cannot_be_read_counts_like_one_that_never_was(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Recollection, "_judge", lambda self, loaded, found: None)


@mutant(DISABLED + "config rename x1 modem; service stop; 1 s; service start; 10 min", 11)
def a_table_that_is_renamed_is_a_new_guest(patch: pytest.MonkeyPatch) -> None:
    real = decisions.compare
    patch.setattr(decided, "compare", lambda before, config: evolve(real(before, config), renamed=()))


BACK_ELSEWHERE = (
    "config set device.x1.port 4; config set device.x2.port 3; service stop; service start; 5 min;"
    "config well; config drop x1; service stop; service start; 5 min; config well; service stop; service start; 10 min"
)
"""x1 and x2 have changed places, x1 is taken out while they change back, and comes back."""


@mutant(DISABLED + BACK_ELSEWHERE, 4, 11)
def a_table_that_is_gone_is_forgotten_where_another_has_its_port(patch: pytest.MonkeyPatch) -> None:
    real = decisions.without_tables

    def without_tables(before: Any, tables: Any, names: Any) -> Any:
        alone = {each.name for each in tables.left}
        return {name: entry for name, entry in real(before, tables, names).items() if name in alone}

    patch.setattr(decided, "without_tables", without_tables)


@mutant(DISABLED + "config set device.x1.port 4; config set device.x2.port 3; service stop; 1 s; service start; 10 min", 4, 11)
def a_table_that_is_moved_is_a_new_guest(patch: pytest.MonkeyPatch) -> None:
    real = Guest.restore

    def restore(self: Guest, *args: Any) -> bool:
        done = real(self, *args)
        if not done:
            self.memory = Memory()
        return done

    patch.setattr(Guest, "restore", restore)
    patch.setattr(Guest, "merge", lambda self, *past: None)


@mutant("5 min; gn: stop; 5 min; config set device.gn.enabled false; 1 min; gn: stop; 10 s; gn: start; 5 min", 11)
def the_configuration_cannot_disable(patch: pytest.MonkeyPatch) -> None:
    real = Guest.now.fget  # type: ignore[attr-defined]
    patch.setattr(Guest, "now", property(lambda self: evolve(real(self), config=evolve(self.config, enabled=True))))


@mutant(
    "5 min; service stop; disk copied; service start; 5 min; gn: disable; 5 min;"
    "service stop; disk restored; service start; 5 min",
    11,
)
def an_older_log_counts_more_than_a_later_decision(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decided, "known_before", lambda log, kept, names: {})


@mutant(DISABLED + "config rename x1 modem; service stop; 1 s; disk muddled; service start; 10 min", 11)
def a_log_tells_only_of_the_tables_that_there_are(patch: pytest.MonkeyPatch) -> None:
    real = remembered.known_before

    def known_before(log: Any, kept: Any, names: Any) -> Any:
        return {name: entry for name, entry in real(log, kept, names).items() if name in names or name in kept.entries}

    patch.setattr(decided, "known_before", known_before)


@mutant(
    "5 min; service stop; disk copied; service start; 5 min; gn: stop; 5 min;"
    "service stop; disk restored beside; service start; 10 min",
    4,
    11,
)
def an_older_file_beside_the_log_counts_more_than_the_log(patch: pytest.MonkeyPatch) -> None:
    real = remembered.known_before
    patch.setattr(decided, "known_before", lambda log, kept, names: {**real(log, kept, names), **kept.entries})


@mutant(
    "5 min; service stop; disk copied; service start; 5 min; x1: disable; 5 min; config rename x1 modem; service stop;"
    "service start; 5 min; service stop; disk restored; config well; service start; 10 min",
    4,
    11,
)
def a_table_that_was_taken_over_comes_back_with_an_older_log(patch: pytest.MonkeyPatch) -> None:
    real = remembered.known_before
    patch.setattr(decided, "known_before", lambda log, kept, names: real(evolve(log, run=0), evolve(kept, run=0), names))


@mutant(DISABLED + "service kill; disk foreign; service start; 10 min", 11)
def a_log_of_another_program_hides_what_lies_beside_it(patch: pytest.MonkeyPatch) -> None:
    real = Recollection.take_up

    async def take_up(self: Any, loaded: Any, found: Any) -> None:
        await real(self, loaded, found if loaded.trusted else Found())

    patch.setattr(Recollection, "take_up", take_up)


# --- The log ----------------------------------------------------------------------------------------------------------


@mutant("5 min; service kill; service start; 10 min", 7)
def events_are_shown_and_not_written(patch: pytest.MonkeyPatch) -> None:
    def write(self: Any, conn: Any, batch: Any) -> Any:
        return limits.Extent(self._held.first_id, self._held.last_id + len(batch.events))

    patch.setattr(sqlite.Store, "_write", write)


@mutant("5 min; gn: restart; 10 min", 7)
def events_are_shown_twice(patch: pytest.MonkeyPatch) -> None:
    real = journal.Journal._show

    def show(self: Any, waiting: Any, event: Any) -> None:
        real(self, waiting, event)
        self.tell(event)

    patch.setattr(journal.Journal, "_show", show)


@mutant("5 min; service kill; service start; 10 min", 7)
def events_are_written_under_other_names(patch: pytest.MonkeyPatch) -> None:
    real = sqlite._insert
    patch.setattr(
        sqlite, "_insert", lambda conn, batch: real(conn, evolve(batch, events=[evolve(r, type="x") for r in batch.events]))
    )


@mutant("5 min; disk full; gn: restart; 5 min; disk ok; 10 min; service kill; service start; 5 min", 7)
def what_waited_for_the_disk_is_lost(patch: pytest.MonkeyPatch) -> None:
    real = journal.Journal._break

    def broken(self: Any, error: StoreError) -> None:
        real(self, error)
        self.ring.flight.clear()
        self.ring.take()

    patch.setattr(journal.Journal, "_break", broken)


@mutant("5 min; gn: restart; 10 min; service kill; service start; 5 min", 7)
def events_are_shown_before_they_are_written(patch: pytest.MonkeyPatch) -> None:
    real = journal.Journal._queue

    def queue(self: Any, unit: Any) -> Any:
        self._show_provisionally(unit)
        return real(self, unit)

    patch.setattr(journal.Journal, "_queue", queue)


@mutant("disk full; 20 min; disk ok; 5 min; service kill; service start; 5 min", 7)
def ids_are_skipped(patch: pytest.MonkeyPatch) -> None:
    real = pending.batch_of

    def batch_of(*args: Any) -> Any:
        made = real(*args)
        return evolve(made, events=[evolve(r, id=(r.id or 0) + 5) for r in made.events])

    patch.setattr(journal, "batch_of", batch_of)
    patch.setattr(sqlite.Store, "_holds", lambda self, conn, batch: False)
