"""The board task on plugs, in virtual time: what is believed of switches that people can buy, whatever is wrong with them.

The rail is `wagman.fake.plain`; its faults are those that were told of real ones. What holds for all boards: `test_board.py`.
"""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any, cast

import pytest
import trio
from attrs import define, evolve, field
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from wagman.config.boards import PlainBoard
from wagman.config.schema import DeviceConfig
from wagman.fake.guests import Guest, GuestSpec
from wagman.fake.plain import (
    FakePlugs,
    Flaky,
    Hangs,
    Late,
    MeterLies,
    Neighbour,
    NotDone,
    PendingLost,
    Refuses,
    Replayed,
    ReplyLost,
    Stale,
    Stranger,
)
from wagman.fake.plain.plugs import METERED
from wagman.fsm.outlet.signs import EVIDENCE_S, SETTLE_S
from wagman.io.board.driver import Wiring
from wagman.io.board.pace import Pace
from wagman.io.board.plain import CALL_S, METER_WAITS, Plain, answer_of
from wagman.io.board.power import Power
from wagman.io.board.task import Board
from wagman.model.backend import MOST_FIRMWARE_CHARS, Abilities, Backend, Identity, Look
from wagman.model.errors import BoardRefusedError, CallerError, LinkGoneError
from wagman.model.facts import (
    Answered,
    Blindness,
    BoardRestarted,
    Draft,
    PowerFound,
    PowerGoal,
    PowerLost,
    RelayAsked,
    RelayOff,
    RelayOn,
    RelayStuck,
)
from wagman.service.health import HEALTHY_S

POLL_S = 10.0
ON = partial(PowerGoal, "on", cleared=True)
OFF = partial(PowerGoal, "off", firm=True)
TOLD = evolve(METERED, meter_w=None)
SENSED = evolve(TOLD, readback="sensed")
BLACK = evolve(TOLD, readback="none")
SLOW = evolve(TOLD, settle_s=15.0)

WIRING = Wiring(
    PlainBoard(name="rail", poll_s=POLL_S),
    (
        DeviceConfig("gn", "1", shutdown=("halt",)),
        DeviceConfig("cs", "2", shutdown=("halt",)),
        DeviceConfig("lamp", "3", shutdown=(), hears_board=False),
    ),
)

Fault = Callable[[Backend, Random, trio.Nursery], Flaky]


class Watched(Flaky):
    """Remembers each command that leaves."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner, Random(0))
        self.sent: list[tuple[float, str, bool]] = []
        self.is_closed = False

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self.is_closed = True

    async def switch(self, port: str, *, on: bool) -> None:
        self.sent.append((trio.current_time(), port, on))
        await super().switch(port, on=on)


@define
class Rig:
    """A board task on a rail, and all that it told."""

    plugs: FakePlugs
    faults: list[Any]
    backend: Watched
    known: Identity | None = None
    facts: list[tuple[str | None, Any]] = field(factory=list)  # with the port that each is about
    listen: Callable[[Any], None] = lambda _fact: None
    board: Board = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.board = Board(
            WIRING,
            Plain("plug", self.backend),
            Pace(5.0, trio.current_time()),
            tell=self.hear,
            tell_board=partial(self.hear, None),
            healthy=lambda: True,
            remember=lambda _identity: None,
            known=self.known,
        )

    def hear(self, port: str | None, fact: Any) -> None:
        self.facts.append((port, fact))
        self.listen(fact)

    def want(self, port: str, goal: PowerGoal) -> None:
        """The guest's machine wants this; it has taken every report."""
        self.board.want(port, evolve(goal, taken=self.outlet(port).reports))

    def is_blind(self) -> bool:
        return self.board.blind

    def outlet(self, port: str) -> Any:
        return self.board.power.ports[port]

    def contact(self, port: str) -> bool:
        return self.plugs.outlets[port].relay.on

    def told(self, kind: type, port: str | None = None) -> list[Any]:
        return [fact for of, fact in self.facts if isinstance(fact, kind) and port in (None, of)]

    def notices(self, type_: str) -> list[Draft]:
        return [fact for fact in self.told(Draft) if fact.type == type_]

    def moves(self, port: str) -> list[tuple[bool, str]]:
        return [(change.on, change.by) for change in self.plugs.relay_log if change.port == port]

    def sent(self, port: str) -> list[tuple[float, bool]]:
        return [(at_s, on) for at_s, to, on in self.backend.sent if to == port]

    async def switched_on(self, port: str = "1") -> None:
        self.want(port, ON(1))
        await trio.sleep(90)
        assert self.outlet(port).confirmed
        self.backend.sent.clear()
        self.facts.clear()


def with_rig(
    main: Callable[[Rig], Awaitable[None]],
    *faults: Fault,
    abilities: Abilities = METERED,
    settle_s: float | None = None,
    **more: Any,
) -> None:
    """Run `main` beside the task, on a rail with these abilities and faults."""

    async def run() -> None:
        rng = Random(1)
        changed = abilities if settle_s is None else evolve(abilities, settle_s=settle_s)
        plugs = FakePlugs({str(port): Guest(f"guest {port}", GuestSpec(boot_s=30)) for port in (1, 2, 3)}, changed)
        async with trio.open_nursery() as nursery:
            plugs.nursery = nursery
            backend: Backend = plugs
            made: list[Flaky] = []
            for fault in faults:
                backend = fault(backend, rng, nursery)
                made.append(backend)
            rig = Rig(plugs, made, Watched(backend), **more)
            await nursery.start(rig.board.run)
            await main(rig)
            nursery.cancel_scope.cancel()

    trio.run(run, clock=MockClock(autojump_threshold=0))


def fault(kind: Any, **more: Any) -> Fault:
    def make(backend: Backend, rng: Random, nursery: trio.Nursery) -> Flaky:
        made: Flaky = kind(backend, rng, **more, **({"nursery": nursery} if issubclass(kind, Late) else {}))
        return made

    return make


# --- What a board says of itself --------------------------------------------------------------------------------------


def test_a_board_that_says_a_book_about_its_firmware_is_cut_short() -> None:
    assert Identity("a", 1, "1.4.4").firmware == "1.4.4"
    assert Identity("a", 1, "x" * 30_000).firmware == "x" * MOST_FIRMWARE_CHARS


# --- A port that the board does not have ------------------------------------------------------------------------------


class HasNoSuchPort(Flaky):
    """Tells nothing of the first port, and refuses to switch it."""

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        return {port: look for port, look in (await super().look(ports)).items() if port != "1"}

    async def switch(self, port: str, *, on: bool) -> None:
        if port == "1":
            raise BoardRefusedError("there is no outlet 1")
        await super().switch(port, on=on)


def test_a_guest_on_a_port_that_the_board_does_not_have_is_not_found_anew_with_each_refusal() -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(30)
        rig.want("1", PowerGoal("off", 1))  # which rests on silence
        await trio.sleep(600)
        assert not rig.is_blind()
        assert len(rig.sent("1")) > 5  # it goes on trying
        assert not rig.outlet("1").confirmed
        assert rig.told(PowerFound, "1") == []
        await rig.switched_on("2")  # and another guest does not wait for it

    with_rig(main, fault(HasNoSuchPort), abilities=TOLD)


class SaysNo(Flaky):
    """Refuses to be looked at, so many times; after the last one something happens."""

    left = 0
    then: Callable[[], None] = staticmethod(lambda: None)

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        if self.left > 0:
            self.left -= 1
            if self.left == 0:
                self.then()
            raise BoardRefusedError("not now")
        return await super().look(ports)


@pytest.mark.parametrize(("refusals", "restarts", "times"), [(1, False, 0), (1, True, 1), (3, False, 1)])
def test_outlets_are_looked_at_anew_after_a_restart_or_where_nobody_could_look_and_not_after_a_no(
    refusals: int, restarts: bool, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plainly, anew = Power.link_up, list[float]()

    def link_up(self: Power[str], at_s: float, *, is_first: bool = False) -> None:
        anew.append(at_s)
        plainly(self, at_s, is_first=is_first)

    monkeypatch.setattr(Power, "link_up", link_up)

    async def main(rig: Rig) -> None:
        await trio.sleep(30)
        anew.clear()
        rig.faults[0].left = refusals
        if restarts:
            rig.faults[0].then = partial(rig.plugs.restart, cold=False)
        await trio.sleep(120)
        assert not rig.is_blind()
        assert len(anew) == times

    with_rig(main, fault(SaysNo))


# --- On and off -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("abilities", "evidence"), [(METERED, "sensed"), (TOLD, "told"), (SENSED, "sensed")], ids=["metered", "told", "sensed"]
)
def test_a_power_cycle_is_one_command_to_each_side_and_is_confirmed_by_what_is_shown(abilities: Abilities, evidence: str) -> None:
    async def main(rig: Rig) -> None:
        rig.want("1", ON(1))
        await trio.sleep(60)
        assert [fact.cycle for fact in rig.told(RelayOn, "1")] == [1]
        assert (rig.outlet("1").confirmed, rig.outlet("1").evidence) == (True, evidence)
        rig.want("1", OFF(1))
        await trio.sleep(60)
        assert [fact.cycle for fact in rig.told(RelayOff, "1")] == [1]
        assert (rig.outlet("1").confirmed, rig.outlet("1").evidence) == (True, evidence)
        assert [on for _, on in rig.sent("1")] == [True, False]
        assert rig.moves("1") == [(True, "command"), (False, "command")]

    with_rig(main, abilities=abilities)


def test_without_a_wish_nothing_is_switched_and_nothing_is_reported() -> None:
    async def main(rig: Rig) -> None:
        rig.plugs.set("1", "fault", on=True)
        await trio.sleep(600)
        assert rig.backend.sent == []
        assert {fact.supply for fact in rig.told(Answered, "1")} == {"on"}
        assert {fact.supply for fact in rig.told(Answered, "2")} == {"off"}
        assert rig.told(PowerFound) == rig.told(PowerLost) == []

    with_rig(main)


def test_a_reading_within_the_settle_time_may_be_from_before_the_command() -> None:
    """The controller in front of the switch shows what was 12 s ago."""

    async def main(rig: Rig) -> None:
        await rig.switched_on()
        rig.want("1", OFF(1))
        await trio.sleep(0.1)
        off_s = trio.current_time()
        await trio.sleep(60)
        (off,) = rig.told(RelayOff, "1")
        assert off.at_s >= off_s + 15
        assert rig.told(PowerFound) == rig.told(PowerLost) == []
        assert len(rig.sent("1")) == 1  # what was shown meanwhile had nobody send it again

    with_rig(main, fault(Stale, age_s=12.0), abilities=SLOW)


def test_a_command_is_repeated_until_the_board_shows_it_and_the_board_has_its_time_between_rounds() -> None:
    async def main(rig: Rig) -> None:
        rig.want("1", ON(1))
        await trio.sleep(300)
        times = [at_s for at_s, _ in rig.sent("1")]
        assert len(times) > 3
        assert all(later - earlier >= 15 + EVIDENCE_S - SETTLE_S for earlier, later in pairwise(times))
        rig.faults[0].share = 0.0
        await trio.sleep(90)
        assert rig.outlet("1").confirmed

    with_rig(main, fault(NotDone), abilities=SLOW)


def test_off_while_an_on_is_awaited_is_no_loss_of_power() -> None:
    async def main(rig: Rig) -> None:
        rig.want("1", ON(1))
        await trio.sleep(120)
        assert rig.told(PowerLost) == rig.told(RelayOn) == []
        rig.faults[0].share = 0.0
        await trio.sleep(90)
        assert len(rig.told(RelayOn, "1")) == 1
        assert rig.moves("1") == [(True, "command")]

    with_rig(main, fault(NotDone))


def test_an_ok_that_was_not_done_is_found_by_looking_and_told_as_a_stuck_relay_after_three_rounds() -> None:
    async def main(rig: Rig) -> None:
        await rig.switched_on()
        rig.faults[0].share = 1.0
        rig.want("1", OFF(1))
        await trio.sleep(300)
        assert not rig.outlet("1").confirmed
        assert len(rig.told(RelayStuck, "1")) == 1
        rig.faults[0].share = 0.0
        await trio.sleep(120)
        assert rig.outlet("1").confirmed
        assert not rig.contact("1")

    with_rig(main, lambda backend, rng, _: NotDone(backend, rng, share=0.0), abilities=TOLD)


def test_what_is_done_though_the_reply_is_lost_is_done() -> None:
    async def main(rig: Rig) -> None:
        await rig.switched_on()
        rig.want("1", OFF(1))
        await trio.sleep(60)
        assert rig.outlet("1").confirmed
        assert rig.moves("1") == [(True, "command"), (False, "command")]

    with_rig(main, fault(ReplyLost))


def test_an_off_that_is_refused_because_it_is_off_is_done() -> None:
    async def main(rig: Rig) -> None:
        rig.want("1", OFF(0))
        await trio.sleep(60)
        assert rig.outlet("1").confirmed
        assert len(rig.sent("1")) == 1
        assert not rig.is_blind()

    with_rig(main, fault(Refuses))


def test_a_command_that_is_done_11_s_late_is_one_power_cycle() -> None:
    async def main(rig: Rig) -> None:
        rig.want("1", ON(1))
        await trio.sleep(60)
        assert len(rig.told(RelayOn, "1")) == 1
        assert len(rig.sent("1")) == 1
        assert rig.told(PowerFound) == rig.told(PowerLost) == []

    with_rig(main, fault(Late, most_s=11.0), abilities=SLOW)


def test_an_off_that_was_accepted_and_lost_because_an_on_was_pending_is_sent_again() -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(20)
        rig.want("1", ON(1))
        await trio.sleep(0.5)
        assert rig.faults[0].pending == {"1"}
        rig.want("1", OFF(1))
        await trio.sleep(120)
        assert rig.outlet("1").confirmed
        assert not rig.contact("1")
        assert [on for _, on in rig.sent("1")][:3] == [True, False, False]

    with_rig(main, fault(PendingLost, most_s=11.0), abilities=SLOW)


class Slow(Flaky):
    """Takes its time to say who it is."""

    async def greet(self) -> Identity:
        await trio.sleep(3.0)
        return await super().greet()


def test_a_start_that_was_taken_back_before_it_could_leave_does_not_leave() -> None:
    async def main(rig: Rig) -> None:
        asked = trio.Event()
        rig.want("1", ON(1))
        rig.listen = lambda fact: asked.set() if isinstance(fact, RelayAsked) else None
        await asked.wait()
        rig.want("1", OFF(1))
        await trio.sleep(60)
        assert rig.outlet("1").confirmed
        assert rig.moves("1") == []
        assert True not in [on for _, on in rig.sent("1")]

    with_rig(main, fault(Slow))


# --- What is no evidence ----------------------------------------------------------------------------------------------


class Mute(Flaky):
    """It does not tell of port 1, and its meter tells nothing of port 2."""

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        looks = await super().look(ports)
        if not self.shows:
            return looks
        return {port: evolve(look, watts=None) if port == "2" else look for port, look in looks.items() if port != "1"}


def silent_later(backend: Backend, rng: Random, _: trio.Nursery) -> Flaky:
    return Mute(backend, rng, share=0.0)


def test_a_port_that_is_not_told_of_is_not_off() -> None:
    async def main(rig: Rig) -> None:
        await rig.switched_on()
        rig.faults[0].share = 1.0
        await trio.sleep(600)
        assert rig.told(PowerLost) == []
        assert {fact.supply for fact in rig.told(Answered, "1")} == {"unknown"}
        rig.want("1", OFF(1))
        await trio.sleep(600)
        assert not rig.outlet("1").confirmed
        assert len(rig.sent("1")) > 3  # and it is said again
        rig.faults[0].share = 0.0
        await trio.sleep(120)
        assert rig.outlet("1").confirmed

    with_rig(main, silent_later)


def test_an_off_waits_for_a_meter_that_tells_nothing_but_not_for_ever_and_is_sent_once() -> None:
    async def main(rig: Rig) -> None:
        await rig.switched_on("2")
        rig.faults[0].share = 1.0
        rig.want("2", OFF(1))
        await trio.sleep(METER_WAITS * METERED.meter_settle_s - 10)
        assert not rig.outlet("2").confirmed
        await trio.sleep(30)
        assert (rig.outlet("2").confirmed, rig.outlet("2").evidence) == (True, "told")
        assert len(rig.sent("2")) == 1

    with_rig(main, silent_later)


class Zero(Flaky):
    """Its meter does not see what draws little (a strip with 17 mA showed 0 W: Home Assistant's `power_strip_gen4.json`)."""

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        return {port: evolve(look, watts=0.0) if self.shows else look for port, look in (await super().look(ports)).items()}


def test_a_meter_that_shows_nothing_is_no_guest_without_power() -> None:
    async def main(rig: Rig) -> None:
        await rig.switched_on("3")
        rig.faults[0].share = 1.0
        await trio.sleep(3600)
        assert rig.told(PowerLost) == []
        assert {fact.supply for fact in rig.told(Answered, "3")} == {"on"}

    with_rig(main, lambda backend, rng, _: Zero(backend, rng, share=0.0))


def test_a_welded_relay_that_reads_off_is_never_confirmed_while_it_draws_and_is_told_of() -> None:
    async def main(rig: Rig) -> None:
        await rig.switched_on()
        rig.plugs.weld("1")
        rig.want("1", OFF(1))
        for _ in range(100):
            await trio.sleep(10)
            assert not rig.outlet("1").confirmed
        assert rig.told(RelayStuck, "1")
        assert rig.told(RelayOff, "1") == []
        rig.plugs.mend("1")
        await trio.sleep(120)
        assert rig.outlet("1").confirmed

    with_rig(main)


def test_a_meter_that_lies_for_45_s_hides_no_welded_relay_where_the_settle_time_is_longer() -> None:
    async def main(rig: Rig) -> None:
        rig.want("1", ON(1))
        await trio.sleep(180)
        rig.plugs.weld("1")
        rig.want("1", OFF(1))
        await trio.sleep(900)
        assert rig.told(RelayOff, "1") == []
        assert rig.told(RelayStuck, "1")

    with_rig(main, fault(MeterLies), settle_s=60.0)


# --- Power that moves by itself ---------------------------------------------------------------------------------------


def test_a_retained_command_that_is_replayed_is_power_found_or_lost_and_nothing_is_cut() -> None:
    async def main(rig: Rig) -> None:
        await rig.switched_on("2")
        rig.want("1", OFF(0))
        await trio.sleep(60)
        await rig.faults[0].reconnect()
        await trio.sleep(30)
        assert len(rig.told(PowerFound, "1")) == 1
        (lost,) = rig.told(PowerLost, "2")
        assert not lost.reset
        assert "switched by command" in lost.why
        await trio.sleep(300)
        assert rig.moves("1") == [(True, "command")]  # found, and left to the guest's machine

    with_rig(main, fault(Replayed, retained={"1": True, "2": False}))


def test_a_command_that_switches_the_neighbour_is_not_confirmed_and_the_neighbour_is_told_of() -> None:
    async def main(rig: Rig) -> None:
        await rig.switched_on("2")
        rig.faults[0].share = 1.0
        rig.plugs.set("1", "command", on=True)
        rig.want("1", ON(1, already=True))
        rig.want("1", OFF(1))
        await trio.sleep(60)
        assert not rig.outlet("1").confirmed
        assert len(rig.told(PowerLost, "2")) == 1

    with_rig(main, lambda backend, rng, _: Neighbour(backend, rng, share=0.0, beside={"1": "2"}))


# --- Restarts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("restore", ["on", "off", "last"])
def test_a_cold_restart_took_the_guests_power_whatever_is_shown_now(restore: Any) -> None:
    async def main(rig: Rig) -> None:
        rig.plugs.restore = restore
        await rig.switched_on("1")
        await rig.switched_on("2")
        rig.want("2", OFF(1))
        await trio.sleep(60)
        rig.facts.clear()
        rig.plugs.restart(cold=True)
        await trio.sleep(30)
        (restarted,) = rig.told(BoardRestarted)
        assert "1" in restarted.lost
        assert "2" not in restarted.lost
        (lost,) = rig.told(PowerLost, "1")
        assert lost.reset
        assert rig.told(PowerLost, "2") == []
        found = {port for port in ("1", "2") if rig.told(PowerFound, port)}
        assert found == {"on": {"1", "2"}, "last": {"1"}, "off": set()}[restore]  # on again by itself
        assert len(rig.notices("board.reset")) == 1
        assert not rig.is_blind()

    with_rig(main)


@pytest.mark.parametrize("survives", [True, False])
def test_a_warm_restart_took_no_power_where_the_relays_outlive_it(survives: bool) -> None:
    async def main(rig: Rig) -> None:
        await rig.switched_on("1")
        rig.plugs.restart(cold=False)
        await trio.sleep(30)
        (restarted,) = rig.told(BoardRestarted)
        assert ("1" in restarted.lost) is not survives
        assert bool(rig.told(PowerLost, "1")) is not survives

    with_rig(main, abilities=evolve(METERED, survives=survives))


def test_a_warm_restart_after_a_cold_one_that_nobody_saw_took_the_power() -> None:
    async def main(rig: Rig) -> None:
        await rig.switched_on("1")
        rig.plugs.restart(cold=True)
        rig.plugs.restart(cold=False)
        await trio.sleep(30)
        assert rig.told(PowerLost, "1")[0].reset

    with_rig(main, abilities=evolve(METERED, survives=True))


class Anew(Flaky):
    """Tells once that it has restarted; its count and its clock stand still."""

    is_anew: bool = False

    async def greet(self) -> Identity:
        identity = await super().greet()
        is_anew, self.is_anew = self.is_anew, False
        return evolve(identity, boots=7, began_s=None, anew=is_anew)


def test_a_restart_that_is_told_only_once_is_not_missed() -> None:
    async def main(rig: Rig) -> None:
        await rig.switched_on("1")
        rig.faults[0].is_anew = True
        await trio.sleep(60)
        assert len(rig.notices("board.reset")) == 1
        assert len(rig.told(PowerLost, "1")) == 1

    with_rig(main, fault(Anew))


# --- Strangers, and silence -------------------------------------------------------------------------------------------


def test_a_stranger_at_the_address_is_never_switched_and_the_board_is_blind_until_it_is_the_right_one_again() -> None:
    other = FakePlugs({str(port): Guest(f"other {port}") for port in (1, 2, 3)}, METERED, board_id="112233445566", began_s=0.0)

    def stranger(backend: Backend, rng: Random, _: trio.Nursery) -> Flaky:
        return Stranger(backend, rng, share=0.0, other=other)

    async def main(rig: Rig) -> None:
        await rig.switched_on("1")
        other.set("1", "fault", on=True)
        rig.faults[0].share = 1.0  # between a look and a command
        rig.want("1", OFF(1))
        rig.want("2", ON(1))
        await trio.sleep(300)
        assert rig.is_blind()
        assert len(rig.notices("board.stranger")) == 1
        assert "112233445566" in str(rig.board.silent_reason)
        assert rig.notices("board.silent") == []
        assert rig.sent("1") == rig.sent("2") == []
        assert len(other.relay_log) == 1
        assert rig.told(PowerLost) == rig.told(BoardRestarted) == []
        rig.faults[0].share = 0.0
        await trio.sleep(120)
        assert [fact.blind for fact in rig.told(Blindness)] == [True, False]
        assert rig.outlet("1").confirmed
        assert rig.contact("2")

    with_rig(main, stranger)


def test_a_board_that_does_not_answer_is_blind_after_three_misses_told_once_and_seen_again() -> None:
    async def main(rig: Rig) -> None:
        await rig.switched_on("1")
        rig.faults[0].share = 1.0
        await trio.sleep(300)
        assert rig.is_blind()
        assert len(rig.notices("board.silent")) == 1
        assert rig.told(PowerLost) == rig.told(PowerFound) == []
        rig.faults[0].share = 0.0
        await trio.sleep(30)
        assert not rig.is_blind()
        assert rig.outlet("1").confirmed
        assert rig.notices("link.up") == rig.notices("link.down") == []  # nothing is open that could be lost

    with_rig(main, lambda backend, rng, _: Hangs(backend, rng, share=0.0))


class Hopeless(Flaky):
    """Behaves as no back end should."""

    how: str = "well"

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        if self.how == "for ever":
            await trio.sleep_forever()
        if self.how == "gone":
            raise LinkGoneError("there is no link")
        if self.how == "defect":
            raise KeyError("no such\nkey")
        if self.how == "defects":
            await trio.lowlevel.checkpoint()
            raise ExceptionGroup("several", [ExceptionGroup("and more", [KeyError("no such\nkey")]), OSError("no file")])
        if self.how == "nothing":
            return cast("Mapping[str, Look]", None)
        if self.how == "words":
            return cast("Mapping[str, Look]", dict.fromkeys(ports, "on"))
        return await super().look(ports)


@pytest.mark.parametrize("how", ["for ever", "gone"])
def test_a_back_end_that_hangs_for_ever_or_speaks_of_a_link_does_not_answer_and_the_task_shows_that_it_is_alive(how: str) -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(30)
        rig.faults[0].how = how
        for _ in range(40):
            await trio.sleep(10)
            assert trio.current_time() - rig.board.progress_s < 40
        assert rig.is_blind()
        assert len(rig.notices("board.silent")) == 1
        rig.faults[0].how = "well"
        await trio.sleep(60)
        assert not rig.is_blind()

    with_rig(main, fault(Hopeless))


@pytest.mark.parametrize("how", ["defect", "defects"])
def test_a_back_end_with_a_defect_is_a_board_that_does_not_answer_and_the_defect_is_named(how: str) -> None:
    async def main(rig: Rig) -> None:
        await rig.switched_on("1")
        rig.faults[0].how = how
        await trio.sleep(300)  # the task would have failed at the first of them
        assert rig.is_blind()
        (silent,) = rig.notices("board.silent")
        assert silent.fields["reason"].endswith(r"its kind of board has a defect: KeyError: 'no such\nkey'")
        rig.faults[0].how = "well"
        await trio.sleep(60)
        assert not rig.is_blind()
        assert rig.outlet("1").confirmed

    with_rig(main, fault(Hopeless))


@pytest.mark.parametrize(("how", "what"), [("nothing", "NoneType, and not with Mapping"), ("words", "str, and not with Look")])
def test_a_back_end_that_answers_with_something_else_has_a_defect_too(how: str, what: str) -> None:
    async def main(rig: Rig) -> None:
        await rig.switched_on("1")
        rig.faults[0].how = how
        await trio.sleep(300)
        assert rig.is_blind()
        (silent,) = rig.notices("board.silent")
        assert silent.fields["reason"].endswith(f"its kind of board has a defect: TypeError: it answers with {what}")

    with_rig(main, fault(Hopeless))


def test_who_is_cancelled_within_a_back_end_is_cancelled_also_beside_a_defect() -> None:
    scopes = trio.CancelScope(), trio.CancelScope()
    scopes[0].cancel()

    async def beside_a_defect() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            await trio.lowlevel.checkpoint()
            scopes[-1].cancel()
            raise KeyError("x")

    async def main() -> None:
        with scopes[0]:
            await answer_of("rail", trio.sleep_forever)
        with pytest.raises(ExceptionGroup) as raised, scopes[1]:
            await answer_of("rail", beside_a_defect)
        assert all(scope.cancelled_caught for scope in scopes)
        assert raised.group_contains(KeyError)

    trio.run(main, clock=MockClock(autojump_threshold=0))


# --- Boards that cannot be read ---------------------------------------------------------------------------------------


def test_where_nothing_can_be_read_a_reply_is_assumed_once_it_had_its_time_and_is_not_repeated() -> None:
    async def main(rig: Rig) -> None:
        rig.want("1", ON(1))
        await trio.sleep(600)
        (on,) = rig.told(RelayOn, "1")
        assert on.at_s >= rig.sent("1")[0][0] + 15
        assert (rig.outlet("1").confirmed, rig.outlet("1").evidence) == (False, "assumed")
        assert len(rig.sent("1")) == 1
        assert {fact.supply for fact in rig.told(Answered, "1")} == {"unknown"}
        rig.board.power.beat("1", trio.current_time())
        assert (rig.outlet("1").confirmed, rig.outlet("1").evidence) == (True, "sensed")
        rig.want("1", OFF(1))
        await trio.sleep(600)
        assert len(rig.told(RelayOff, "1")) == 1
        assert (rig.outlet("1").confirmed, rig.outlet("1").evidence) == (False, "assumed")
        assert len(rig.sent("1")) == 2

    with_rig(main, abilities=evolve(BLACK, settle_s=15.0))


def test_where_nothing_can_be_read_what_an_earlier_run_did_stays_assumed() -> None:
    async def main(rig: Rig) -> None:
        rig.want("1", PowerGoal("off", 1, already=True))
        await trio.sleep(600)
        assert (rig.outlet("1").confirmed, rig.outlet("1").evidence, rig.sent("1")) == (False, "assumed", [])

    with_rig(main, abilities=BLACK)


def test_where_nothing_can_be_read_a_reply_that_does_not_come_is_waited_for_by_asking_again() -> None:
    async def main(rig: Rig) -> None:
        rig.want("1", ON(1))
        await trio.sleep(120)
        assert rig.told(RelayOn, "1") == []
        assert len(rig.sent("1")) > 2
        rig.faults[0].share = 0.0
        await trio.sleep(90)
        assert len(rig.told(RelayOn, "1")) == 1

    with_rig(main, fault(ReplyLost), abilities=BLACK)


# --- What such a board cannot do --------------------------------------------------------------------------------------


def test_what_such_a_board_cannot_do_is_refused_with_its_name() -> None:
    async def main(rig: Rig) -> None:
        with pytest.raises(CallerError, match="board rail takes no raw commands: only a Wagman does"):
            await rig.board.raw(["state", "1"], force=True)
        with pytest.raises(CallerError, match="board rail stops nothing by itself"):
            await rig.board.stop_later("1", 60)

    with_rig(main)


# --- Whatever happens -------------------------------------------------------------------------------------------------

SEEN_S = 120.0
"""By then a board that answers has been looked at, whatever had been sent."""

STALE_S = 10.0
"""How old the answers of a rail may be that tells what was."""

FAULTS = {
    "stale": (0, 1.0),
    "fresh": (0, 0.0),
    "drop": (1, 1.0),
    "obey": (1, 0.0),
    "strange": (2, 1.0),
    "known": (2, 0.0),
    "hang": (3, 1.0),
    "answer": (3, 0.0),
}
"""Which fault begins or ends, and how often it shows then."""

WORDS = ["on", "off", "on", "off", "weld", "mend", "cold", "warm", "by hand", *FAULTS]
Move = tuple[str, float]
moves = st.lists(st.tuples(st.sampled_from(WORDS), st.floats(0.1, 60.0)), max_size=14)


@define
class Story:
    """A rail with all faults, none of which shows at first; and what must hold at any time."""

    rig: Rig
    other: FakePlugs
    cycle: int = 0
    closed_s: float | None = None  # since when the contact is closed though it is shown confirmed off, and can be seen
    strange_s: float = -math.inf  # when the stranger took the address

    def apply(self, what: str) -> None:
        outlet = self.rig.plugs.outlets["1"]
        if what in FAULTS:
            if what == "strange" and self.rig.faults[2].share == 0.0:
                self.strange_s = trio.current_time()
            number, share = FAULTS[what]
            self.rig.faults[number].share = share
        elif what in ("weld", "mend"):
            (self.rig.plugs.weld if what == "weld" else self.rig.plugs.mend)("1")
        elif what in ("cold", "warm"):
            self.rig.plugs.restart(cold=what == "cold")
        elif what == "by hand":
            self.rig.plugs.set("1", "fault", on=not outlet.told_on)
        else:
            self.cycle += what == "on"
            self.rig.want("1", PowerGoal("on", self.cycle) if what == "on" else OFF(self.cycle))

    def heard(self, fact: Any) -> None:
        """Off is told only of an open contact: one that a hand has closed since it was seen is seen at the next look."""
        if isinstance(fact, RelayOff) and self.rig.contact("1"):  # nobody wants anything of the others
            latest = next(change for change in reversed(self.rig.plugs.relay_log) if change.port == "1")
            assert latest.by == "fault"
            assert latest.board_s > fact.at_s - STALE_S

    def check(self) -> None:
        outlet, is_seen = self.rig.outlet("1"), not self.rig.is_blind() and self.rig.faults[3].share == 0.0
        is_wrong = outlet.goal.level == "off" and outlet.confirmed and self.rig.contact("1") and is_seen
        if not is_wrong:
            self.closed_s = None
        elif self.closed_s is None:
            self.closed_s = trio.current_time()
        else:
            assert trio.current_time() - self.closed_s < SEEN_S
        # Between the question who is there and the command, in the same instant, another may have taken the address.
        assert all(change.by == "fault" or change.board_s == self.strange_s for change in self.other.relay_log)


@settings(max_examples=100, deadline=None)
@given(moves)
def test_off_is_never_shown_of_a_closed_contact_that_can_be_seen_and_no_stranger_is_switched(story: Sequence[Move]) -> None:
    other = FakePlugs({str(port): Guest(f"other {port}") for port in (1, 2, 3)}, METERED, board_id="112233445566", began_s=0.0)
    faults = (
        lambda backend, rng, _: Stale(backend, rng, share=0.0, age_s=STALE_S),
        lambda backend, rng, _: NotDone(backend, rng, share=0.0),
        lambda backend, rng, _: Stranger(backend, rng, share=0.0, other=other),
        lambda backend, rng, _: Hangs(backend, rng, share=0.0),
        fault(Refuses),
    )

    async def main(rig: Rig) -> None:
        other.set("1", "fault", on=True)
        told = Story(rig, other)
        rig.listen = told.heard
        for what, pause_s in story:
            told.apply(what)
            until_s = trio.current_time() + pause_s
            while trio.current_time() < until_s:
                await trio.sleep(1.0)
                told.check()
        for what in ("answer", "obey", "mend", "known", "fresh"):
            told.apply(what)
        for _ in range(300):
            await trio.sleep(1.0)
            told.check()
        outlet = rig.outlet("1")
        assert not rig.is_blind()
        assert outlet.goal.level == "untouched" or outlet.confirmed or outlet.reports > outlet.goal.taken

    with_rig(main, *faults, abilities=evolve(METERED, settle_s=15.0, survives=True))


# --- The task -----------------------------------------------------------------------------------------------------------


class Sleepy(Flaky):
    """It takes almost as long for a look as it may."""

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        if self.shows:
            await trio.sleep(CALL_S - 5)
        return await super().look(ports)


def test_a_look_that_takes_long_is_no_task_that_hangs() -> None:
    async def main(rig: Rig) -> None:
        for _ in range(200):
            await trio.sleep(1)
            assert rig.board.progress_s > trio.current_time() - HEALTHY_S
        assert rig.board.answered_s is not None
        assert not rig.board.blind

    with_rig(main, fault(Sleepy, share=1.0))


def test_what_a_board_keeps_open_is_closed_with_its_task() -> None:
    rigs = []

    async def main(rig: Rig) -> None:
        rigs.append(rig)
        await trio.sleep(30)
        assert not rig.backend.is_closed

    with_rig(main)
    assert rigs[0].backend.is_closed


# --- What leads to a board --------------------------------------------------------------------------------------------


class PulsingBoard(PlainBoard):
    """One of a kind that switches off and on by one command."""

    @property
    def pulses(self) -> bool:
        return True


PULSING = evolve(TOLD, pulse=True)


async def renewed(rig: Rig, *, is_able: bool = True) -> None:
    """The guest on the first port leads to its board, and a new power cycle of it is wanted."""
    await rig.switched_on()
    devices = tuple(evolve(each, leads_to=("rail",) if each.port == "1" else (), off_time_s=30.0) for each in WIRING.devices)
    board = PulsingBoard(name="rail", poll_s=POLL_S) if is_able else WIRING.board
    rig.board.reconfigure(Wiring(board, devices))
    rig.plugs.relay_log.clear()
    rig.want("1", PowerGoal("on", 2))


def test_what_leads_to_the_board_is_switched_off_and_on_by_one_command_of_which_nobody_sees_the_end() -> None:
    async def main(rig: Rig) -> None:
        await renewed(rig)
        await trio.sleep(5)
        assert rig.moves("1") == [(False, "command")]
        rig.faults[0].share = 1.0  # the way to it is gone
        await trio.sleep(60)
        assert rig.board.blind
        assert rig.moves("1") == [(False, "command"), (True, "command")]
        rig.faults[0].share = 0.0
        await trio.sleep(60)
        assert rig.sent("1") == []
        assert [fact.cycle for fact in rig.told(RelayOn, "1")] == [2]
        assert rig.outlet("1").confirmed
        assert rig.told(PowerLost) == []

    with_rig(main, fault(Hangs, share=0.0), abilities=PULSING)


def test_a_pulse_whose_reply_is_lost_is_repeated_once() -> None:
    async def main(rig: Rig) -> None:
        await renewed(rig)
        await trio.sleep(300)
        assert rig.moves("1") == 2 * [(False, "command"), (True, "command")]
        assert rig.outlet("1").confirmed

    with_rig(main, fault(ReplyLost), abilities=PULSING)


def test_a_pulse_that_the_board_forgot_by_a_restart_is_made_good() -> None:
    async def main(rig: Rig) -> None:
        await renewed(rig)
        await trio.sleep(5)
        rig.plugs.restore = "off"
        rig.plugs.restart(cold=True)
        await trio.sleep(40)
        rig.want("1", PowerGoal("on", 3, cleared=True))  # its guest has heard that it lost its power
        await trio.sleep(60)
        assert rig.contact("1")
        assert rig.outlet("1").confirmed

    with_rig(main, abilities=PULSING)


def test_no_other_outlet_goes_on_at_the_end_of_a_pulse() -> None:
    async def main(rig: Rig) -> None:
        await renewed(rig)
        await trio.sleep(28)
        rig.want("2", ON(1))
        await trio.sleep(60)
        ons = [change.board_s for change in rig.plugs.relay_log if change.on]
        assert len(ons) == 2
        assert ons[1] - ons[0] >= 5.0

    with_rig(main, abilities=PULSING)


def test_where_its_board_cannot_it_is_switched_off_and_on() -> None:
    async def main(rig: Rig) -> None:
        await renewed(rig, is_able=False)
        await trio.sleep(120)
        assert [on for _, on in rig.sent("1")] == [False, True]
        assert rig.outlet("1").confirmed

    with_rig(main, abilities=TOLD)


def test_a_board_that_says_that_it_cannot_is_never_asked_to_and_nothing_is_switched() -> None:
    async def main(rig: Rig) -> None:
        await renewed(rig)
        await trio.sleep(20)
        assert rig.moves("1") == []

    with_rig(main, abilities=TOLD)


def test_a_board_that_is_asked_for_a_look_is_polled_at_once() -> None:
    async def main(rig: Rig) -> None:
        await rig.switched_on()
        await trio.sleep(3)
        rig.facts.clear()
        await trio.sleep(0.5)
        assert rig.told(Answered) == []
        rig.board.look()
        await trio.sleep(0.5)
        assert len(rig.told(Answered, "1")) == 1

    with_rig(main)
