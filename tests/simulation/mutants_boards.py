"""Faults planted where several boards meet, each with a script that brings it to light."""

import math
from typing import Any

import pytest
import trio
from attrs import evolve

from tests.simulation.mutants import mutant
from tests.simulation.mutants_outlet import MUTANTS
from wagman.fsm.alarms import Plan
from wagman.fsm.guest import Situation, machine
from wagman.fsm.guest.halting import Halting
from wagman.fsm.outlet import Outlet
from wagman.fsm.scheduler.inputs import Visibility
from wagman.io.board.driver import Wiring
from wagman.io.board.pace import Pace
from wagman.io.board.plain import PlainDriver
from wagman.io.board.task import Board
from wagman.io.ears.network import Network
from wagman.io.ears.silence import Silence
from wagman.model.facts import Blindness, Listened, Plug
from wagman.service import parts
from wagman.service.decided import Decided
from wagman.service.routes import Routes
from wagman.tasks.loop import Alarms

__all__ = ["MUTANTS"]


@mutant("5 min; gn: kill; gn2: kill; 5 min; gn2: start; 3 s; gn: start; 5 min", 2, site="two")
def the_stagger_is_kept_on_each_board_only(patch: pytest.MonkeyPatch) -> None:
    def board(wiring: Any, connector: Any, pace: Pace, **named: Any) -> Any:
        return Board(wiring, connector, Pace(pace.stagger_s, pace.last_on_s), **named)

    patch.setattr(parts, "Board", board)


@mutant("5 min; cable old out; 1 min; guest gn2 hang; 20 min; settled but old", 4, site="two")
def a_board_that_cannot_be_seen_stops_all_starts(patch: pytest.MonkeyPatch) -> None:
    real = Routes.board_fact

    def board_fact(self: Routes, board: str, fact: Any) -> None:
        real(self, board, fact)
        if isinstance(fact, Blindness):
            every = frozenset(each.config.name for each in self._by_plug.values())
            self._tell_supervisor(Visibility(every, fact.blind), board)

    patch.setattr(Routes, "board_fact", board_fact)


@mutant("5 min; guest gn hang; 20 min", 4, site="two")
def facts_reach_the_guest_on_the_same_port_of_another_board(patch: pytest.MonkeyPatch) -> None:
    real = Routes.port_fact

    def port_fact(self: Routes, board: str, port: Any, fact: Any) -> None:
        for plug in [each for each in self._by_plug if each.port == port] or [Plug(board, port)]:
            real(self, *plug, fact)

    patch.setattr(Routes, "port_fact", port_fact)


# --- Boards that can be asked one thing at a time ---------------------------------------------------------------------


@mutant("5 min; board rail fault notdone on; ai: stop; 5 min; board rail fault notdone off; 10 min", 3, site="plugs")
def the_reply_of_a_plug_is_believed(patch: pytest.MonkeyPatch) -> None:
    real = PlainDriver._judged

    def judged(self: PlainDriver, look: Any, outlet: Any) -> Any:
        is_told = outlet.goal.level != "untouched"
        return real(self, evolve(look, relay=outlet.goal.level, watts=None) if is_told else look, outlet)

    patch.setattr(PlainDriver, "_judged", judged)


@mutant("5 min; board rail fault stranger on; ai: kill; 5 min", 1, site="plugs")
def a_stranger_is_switched(patch: pytest.MonkeyPatch) -> None:
    async def check(self: PlainDriver) -> None:
        await trio.lowlevel.checkpoint()

    patch.setattr(PlainDriver, "_check", check)


@mutant("10 min; board rail fault stale on; ai: restart; 300 s", 1, 6, site="plugs")
def an_off_that_was_shown_ever_since_the_guest_was_started_is_taken_for_a_loss(patch: pytest.MonkeyPatch) -> None:
    real = Outlet.shown_off
    patch.setattr(Outlet, "shown_off", lambda self, *args: real(self.signed(still_off=False), *args))


@mutant("330 s; service kill; board rail restart warm; service start; 5 min", 1, 6, site="plugs")
def a_board_that_restarted_is_switched_before_a_look_at_it_counts(patch: pytest.MonkeyPatch) -> None:
    async def settle(self: Board, driver: Any) -> None:
        await trio.lowlevel.checkpoint()

    patch.setattr(Board, "_settle", settle)


@mutant("5 min; network out; 20 min; network in; 5 min", 6, site="plugs")
def silence_on_a_network_needs_no_witness(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Network, "shown_at_s", lambda self, after_s: after_s)


@mutant("10 min; ai: kill; 1 min; network out; ai: start; 8 min; guest ai beat=0; network in; 12 min", 1, site="plugs")
def a_guest_cannot_have_come_up_while_the_network_was_out(patch: pytest.MonkeyPatch) -> None:
    real = Silence.unanswered

    def unanswered(self: Silence, *times: Any, **how: Any) -> Listened | None:
        proved = real(self, *times, **how)
        return proved and evolve(proved, stirred_at_s=-math.inf)

    patch.setattr(Silence, "unanswered", unanswered)


OLDER_LOG = (
    "service stop; disk copied; 1 s; service start; 2 min; network out; 1 min; service stop; disk restored; 1 s; service start"
)


@mutant(f"5 min; ai: restart; 20 s; {OLDER_LOG}; 15 min; network in", 1, 6, site="plugs")
def the_word_of_an_earlier_run_is_enough_when_a_stop_times_out(patch: pytest.MonkeyPatch) -> None:
    real = Halting.resumed

    def resumed(self: Halting, *times: Any) -> Any:
        state = real(self, *times)
        assert isinstance(state, Halting)
        return state.told(taken_up_at_s=None)

    patch.setattr(Halting, "resumed", resumed)


@mutant("5 min; cable rail out; guest ai beat=0; 2 min; board rail restart cold; 4 min; cable rail in; 10 min", 6, site="plugs")
def a_silence_counts_while_the_board_cannot_be_seen(patch: pytest.MonkeyPatch) -> None:
    real = Alarms.plan

    def plan(self: Alarms, plan: Plan | None, now_s: float) -> None:
        real(self, plan and {name: alarm and evolve(alarm, in_sight=False) for name, alarm in plan.items()}, now_s)

    patch.setattr(Alarms, "plan", plan)


@mutant(
    "5 min; pump: stop; 3 min; pump: start; 1 min; pump: stop; 2 min; service stop; disk barred log; disk undecided; 1 s; "
    "service start; 3 min; pump: start; 2 min; service kill; 1 s",
    4,
    site="plugs",
)
def what_is_decided_without_a_memory_counts_less_than_what_is_in_it(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Decided, "leap", lambda self: None)


ANEW = "7 min; cable out; gn: stop; 24 min; service kill; service start; 39 min; guest gn halt; 83 s; cable in; 10 min"
"""The board starts a guest once more, which was told to halt before and falls silent, and nobody sees any of it."""


@mutant(ANEW, 1, site="one")
def what_was_heard_while_nobody_looked_is_no_sign_of_life(patch: pytest.MonkeyPatch) -> None:
    real = Halting.on_silence
    patch.setattr(Halting, "on_silence", lambda self, now, fired: real(self, now, evolve(fired, stirred=False)))


# --- What boards are reached through ----------------------------------------------------------------------------------

HUNG = "5 min; guest lte hang; 25 min"


@mutant(HUNG, 12, site="ways")
def a_way_is_switched_off_by_one_command_and_on_by_another(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Wiring, "ways", property(lambda self: []))


@mutant("5 min; guest lte good=; lte: restart; 25 min", 12, site="ways")
def a_way_is_left_off_until_its_next_try(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Situation, "is_way", property(lambda self: False))


@mutant("5 min; lte: stop; 10 min", 12, site="ways")
def an_operator_shuts_the_way_without_insisting(patch: pytest.MonkeyPatch) -> None:
    real = machine.obstacle
    patch.setattr(machine, "obstacle", lambda now, ask: "" if now.config.leads_to else real(now, ask))
