"""The io task against the model boards, in virtual time: what is wanted, and what comes of it."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from tests.io.faults import faulty
from wagman.config.boards import WagmanBoard
from wagman.config.schema import Config, DeviceConfig
from wagman.fake.guests import GuestSpec
from wagman.fake.serve import FakeBoard
from wagman.io.board.driver import Wiring
from wagman.io.board.pace import Pace
from wagman.io.board.task import Board
from wagman.io.serial.transport import Opener, Transport, stream_opener
from wagman.io.serial.wired import Dialect, Wired
from wagman.io.v3.driver import V3Dialect, V3Driver
from wagman.io.v4.driver import V4Dialect
from wagman.model.backend import Identity
from wagman.model.errors import BoardTimeoutError, LinkBusyError
from wagman.model.facts import (
    Answered,
    Beat,
    Blindness,
    Draft,
    Listened,
    Port,
    PowerFound,
    PowerGoal,
    PowerLost,
    RelayOff,
    RelayOn,
    Sample,
)

DIALECTS: dict[str, Callable[[], Dialect]] = {"v3": V3Dialect, "v4": V4Dialect}
ON_BOTH_BOARDS = pytest.mark.parametrize("dialect", DIALECTS)

NAMES = ("nc", "gn", "cs", "x1", "x2")
ON = partial(PowerGoal, "on", cleared=True)
OFF = partial(PowerGoal, "off")

CONFIG = Config(
    boards=(WagmanBoard(),),
    devices=(
        DeviceConfig("nc", 0, is_self=True, primary="emmc"),
        DeviceConfig("gn", 1, primary="emmc", shutdown=("halt",)),
        *(DeviceConfig(name, port, shutdown=("halt",)) for port, name in enumerate(NAMES) if port > 1),
    ),
)


def answering(**told: Any) -> Callable[[Identity], Identity]:
    """What makes of an identity one with these answers."""
    return lambda identity: evolve(identity, **told)


@define
class Rig:
    """A board task on a fake board, and every fact that it told."""

    fake: FakeBoard
    config: Config = CONFIG
    known: Identity | None = None
    is_healthy: bool = True
    facts: list[tuple[Port | None, Any]] = field(factory=list)  # with the port that each is about
    remembered: list[Any] = field(factory=list)
    board: Board = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.board = Board(
            Wiring(self.config.boards[0], self.config.devices),
            self.wired(stream_opener(self.fake.open)),
            Pace(self.config.wagman.stagger_s, trio.current_time()),
            tell=lambda port, fact: self.facts.append((port, fact)),
            tell_board=lambda fact: self.facts.append((None, fact)),
            healthy=lambda: self.is_healthy,
            remember=self.remembered.append,
            known=self.known,
        )

    def wired(self, opener: Opener, *faults: Callable[[Transport], Transport]) -> Wired:
        return Wired(DIALECTS[self.fake.dialect](), faulty(opener, *faults), self.config.boards[0].address)

    @property
    def driver(self) -> Any:
        assert self.board.connection is not None
        return self.board.connection.driver

    def want(self, port: int, goal: PowerGoal) -> None:
        """The guest's machine wants this; it has taken every report."""
        self.board.want(port, evolve(goal, taken=self.board.power.ports[port].reports))

    def told(self, kind: type, port: int | None = None) -> list[Any]:
        return [fact for of, fact in self.facts if isinstance(fact, kind) and port in (None, of)]

    def notices(self, type_: str) -> list[Draft]:
        return [fact for fact in self.told(Draft) if fact.type == type_]

    def relays(self, port: int) -> list[tuple[bool, str]]:
        return [(change.on, change.by) for change in self.fake.hardware.relay_log if change.port == port]

    @property
    def is_on(self) -> dict[int, bool]:
        return {relay["port"]: relay["on"] for relay in self.fake.status()["relays"]}


def with_rig(
    main: Callable[[Rig], Awaitable[None]],
    dialect: str = "v3",
    away_s: float = 15,
    faults: Sequence[Callable[[Transport], Transport]] = (),
    **more: Any,
) -> None:
    """Run `main` beside the board and the task, which comes up `away_s` after the board, on a link with these faults."""

    async def run() -> None:
        guests: dict[str | int, GuestSpec] = {name: GuestSpec(boot_s=30, beat_s=8) for name in NAMES}
        rig = Rig(FakeBoard(guests=guests, dialect=dialect), **more)
        rig.board.connector = rig.wired(stream_opener(rig.fake.open), *faults)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.fake.run)
            await trio.sleep(away_s)
            await nursery.start(rig.board.run)
            await main(rig)
            nursery.cancel_scope.cancel()

    trio.run(run, clock=MockClock(autojump_threshold=0))


@ON_BOTH_BOARDS
def test_a_poll_tells_when_a_guest_last_stirred(dialect: str) -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1))
        await trio.sleep(90)
        rig.fake.hang("gn")
        await trio.sleep(60)
        beat, poll = rig.told(Beat, 1)[-1], rig.told(Listened, 1)[-1]
        assert poll.stirred_at_s == pytest.approx(beat.at_s, abs=1)
        assert poll.stirred_at_s < poll.asked_at_s - 40

    with_rig(main, dialect)


@ON_BOTH_BOARDS
def test_a_wanted_power_cycle_is_one_relay_on_from_the_wanted_medium(dialect: str) -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "sd"))
        await trio.sleep(60)
        assert [(fact.cycle, fact.media) for fact in rig.told(RelayOn)] == [(1, "sd")]
        assert rig.relays(1) == [(True, "command")]
        assert next(guest for guest in rig.fake.status()["guests"] if guest["device"] == "gn")["medium"] == "sd"

    with_rig(main, dialect)


@ON_BOTH_BOARDS
def test_a_port_that_is_wanted_off_stays_off_for_a_day_against_the_boards_auto_start(dialect: str) -> None:
    async def main(rig: Rig) -> None:
        for port in (1, 2, 3, 4):
            rig.want(port, OFF(0))
        await trio.sleep(86_400)
        assert {port for port, on in rig.is_on.items() if on} == {0}
        assert all(rig.relays(port) == [] for port in (1, 2, 3, 4))
        assert all(rig.board.power.ports[port].confirmed for port in (1, 2, 3, 4))

    with_rig(main, dialect, config=evolve(CONFIG, boards=(WagmanBoard(poll_s=60),)))


@ON_BOTH_BOARDS
def test_without_a_wish_the_board_is_left_to_itself(dialect: str) -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(300)
        assert all(by == "board" for port in range(5) for _, by in rig.relays(port))
        assert rig.is_on[1]  # started by the board itself

    with_rig(main, dialect)


def test_beats_are_told_at_once_but_for_the_first_after_a_relay_command() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(30 + 8 * 10 + 25)
        (on,) = rig.told(RelayOn)
        beats = [beat.at_s - on.at_s for beat in rig.told(Beat, 1)]
        assert beats[0] > 30 + 7  # the first that the board counted was dropped
        assert all(7 < later - earlier < 9 for earlier, later in pairwise(beats))

    with_rig(main)


@ON_BOTH_BOARDS
def test_what_the_board_heard_while_the_cable_was_out_is_told_afterwards(dialect: str) -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(120)
        rig.fake.unplug()
        await trio.sleep(590)
        rig.facts.clear()
        rig.fake.replug()
        await trio.sleep(20)
        assert [beat.source for beat in rig.told(Beat, 1)][:1] == ["poll"]
        (first, *_) = rig.told(Listened, 1)
        assert first.asked_at_s - first.silent_since_s < 10
        assert [fact.blind for fact in rig.told(Blindness)] == [False]
        assert rig.relays(1) == [(True, "command")]

    with_rig(main, dialect)


@ON_BOTH_BOARDS
def test_a_hung_guest_is_seen_silent_with_proof(dialect: str) -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(120)
        rig.fake.hang("gn")
        hung_s = trio.current_time()
        await trio.sleep(400)
        assert hung_s - 10 < rig.told(Listened, 1)[-1].silent_since_s < hung_s + 10
        assert rig.told(Answered, 1)[-1].supply == "on"

    with_rig(main, dialect)


@ON_BOTH_BOARDS
def test_our_own_pings_are_fed_for_the_controller_and_for_ports_the_board_does_not_hear_and_are_no_beats(dialect: str) -> None:
    async def main(rig: Rig) -> None:
        rig.fake.hang("nc")
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(100)
        rig.fake.hang("gn")
        await trio.sleep(60)
        rig.facts.clear()
        await trio.sleep(6 * 3600)
        assert rig.told(Beat, 1) == []
        assert rig.is_on[0]
        assert rig.is_on[1]  # the board would have stopped both within the hour
        assert rig.fake.status()["eeprom"]["failures"] == [0] * 5

    with_rig(main, dialect)


@ON_BOTH_BOARDS
def test_an_unhealthy_service_lets_the_board_power_cycle_the_controller(dialect: str) -> None:
    async def main(rig: Rig) -> None:
        rig.is_healthy = False
        rig.fake.hang("nc")
        await trio.sleep(2 * 3600)
        assert (False, "board") in rig.relays(0)

    with_rig(main, dialect)


def test_after_a_board_reset_the_guests_have_lost_their_power_and_none_is_started_by_the_board() -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(120)
        rig.fake.reset()
        await trio.sleep(40)
        (lost,) = rig.told(PowerLost, 1)
        assert lost.reset
        assert rig.relays(1) == [(True, "command"), (False, "reset")]
        assert len(rig.notices("board.reset")) == 1
        rig.want(1, OFF(1))  # what the guest's machine says to that
        await trio.sleep(600)
        assert rig.relays(1) == [(True, "command"), (False, "reset")]
        assert rig.told(PowerFound, 1) == []

    with_rig(main)


@ON_BOTH_BOARDS
def test_a_restart_of_the_board_is_noticed_though_it_does_not_answer_the_first_request_after_it(
    dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(30)
        driver = rig.driver
        hold_off, failures = type(driver).hold_off, iter([BoardTimeoutError("lost on the way")])

        async def failing_once(self: Any) -> None:
            for error in failures:
                raise error
            await hold_off(self)

        monkeypatch.setattr(type(driver), "hold_off", failing_once)
        rig.fake.reset()
        await trio.sleep(60)
        assert next(failures, None) is None
        assert [(notice.fields["before"], notice.fields["boots"]) for notice in rig.notices("board.reset")] == [(1, 2)]
        assert [remembered["boots"] for remembered in rig.remembered] == [1, 2]

    with_rig(main, dialect)


@ON_BOTH_BOARDS
def test_a_guest_that_the_board_started_while_the_service_was_away_is_found_and_not_cut(dialect: str) -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, OFF(3, already=True))
        await trio.sleep(30)
        assert len(rig.notices("board.reset")) == 1
        assert len(rig.told(PowerFound, 1)) == 1
        await trio.sleep(300)
        assert rig.relays(1) == [(True, "board")]

    with_rig(main, dialect, away_s=100, known=Identity("A30B003D70C6", 0, "an earlier run of the board"))


@pytest.mark.parametrize("later_s", range(8))
def test_a_guest_that_a_v3_board_started_anew_while_its_cable_was_out_is_not_cut_for_its_silence_before(later_s: int) -> None:
    """The board does so after an hour, and counts it: what it then tells of the guest's timer is no beat yet.

    `later_s`: the guest beats every 8 s, and its beat may come before the first poll is over.
    """

    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(100)
        rig.fake.hang("gn")
        await trio.sleep(400)
        rig.fake.unplug()
        rig.want(1, PowerGoal("off", 1))
        await trio.sleep(2 * 3600 + later_s)
        assert rig.relays(1)[-2:] == [(False, "board"), (True, "board")]
        rig.fake.replug()
        await trio.sleep(60)
        assert rig.relays(1)[-1] == (True, "board")
        assert len(rig.told(PowerFound, 1)) == 1

    with_rig(main)


def test_a_guest_that_the_board_started_after_its_restart_is_found_though_the_first_poll_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures = iter([BoardTimeoutError("lost on the way")])
    poll = V3Driver.poll

    async def failing_once(self: V3Driver, turn: int) -> None:
        for error in failures:
            raise error
        await poll(self, turn)

    async def main(rig: Rig) -> None:
        rig.fake.fault("sensor cu dead")
        rig.want(1, OFF(3, already=True))
        await trio.sleep(40)
        assert next(failures, None) is None
        assert len(rig.notices("board.reset")) == 1
        assert len(rig.told(PowerFound, 1)) == 1

    monkeypatch.setattr(V3Driver, "poll", failing_once)
    with_rig(main, away_s=100, known=Identity("A30B003D70C6", 0, "an earlier run of the board"))


GARBLED = (answering(boots=33), answering(board_id="A30B003D70C66"), answering(began_s=7))


@pytest.mark.parametrize("garble", GARBLED, ids=["count of starts", "id", "clock"])
@ON_BOTH_BOARDS
def test_one_garbled_answer_is_no_restart_of_the_board(
    dialect: str, garble: Callable[[Identity], Identity], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(rig: Rig) -> None:
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(60)
        driver: Any = type(rig.driver)
        greet, garbles = driver.greet, iter([garble])

        async def garbled_once(self: Any) -> Identity:
            identity: Identity = await greet(self)
            return next(garbles, lambda same: same)(identity)

        monkeypatch.setattr(driver, "greet", garbled_once)
        rig.fake.unplug()
        await trio.sleep(5)
        rig.fake.replug()
        await trio.sleep(60)
        assert next(garbles, None) is None
        assert rig.notices("board.reset") == []
        assert rig.told(PowerLost) == []
        assert rig.board.power.ports[1].confirmed

    with_rig(main, dialect)


@ON_BOTH_BOARDS
def test_the_controllers_medium_is_put_back_after_a_start_that_moved_its_selector(dialect: str) -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(10)
        rig.want(3, ON(1))
        await trio.sleep(30)
        assert rig.is_on[3]
        assert rig.fake.status()["media"][0] == "emmc"

    with_rig(main, dialect)


@ON_BOTH_BOARDS
def test_the_enclosure_is_told_in_real_units_and_failures_are_none(dialect: str) -> None:
    async def main(rig: Rig) -> None:
        rig.fake.temp(40)
        await trio.sleep(75)
        latest = [sample for sample in rig.told(Sample) if sample.sensor == "temperature_c"][-1]
        assert latest.value is not None
        assert abs(latest.value - 40) < 0.1
        rig.fake.fault("sensor env dead")
        await trio.sleep(75)
        assert [sample.value for sample in rig.told(Sample)][-1] is None

    with_rig(main, dialect)


@ON_BOTH_BOARDS
def test_a_board_that_does_not_answer_is_blind_after_three_misses_and_sees_again(dialect: str) -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(30)
        rig.fake.fault("silent on")
        await trio.sleep(120)
        assert rig.board.blind
        assert len(rig.notices("board.silent")) == 1
        rig.fake.fault("silent off")
        await trio.sleep(60)
        assert not rig.board.blind

    with_rig(main, dialect)


@pytest.mark.parametrize("after_s", [1.0, 3.0])  # while the relay is being switched, and later
def test_a_board_that_browns_out_as_a_guest_comes_on_is_told_to_have_lost_it_by_that(after_s: float) -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(30)
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(after_s)
        assert rig.fake.hardware.relays[1].on or rig.fake.hardware.eeprom.journal[1].startswith("turning")
        rig.fake.fault("brownout")
        await trio.sleep(60)
        (lost,) = rig.told(PowerLost, 1)
        assert (lost.reset, lost.suspect) == (True, True)

    with_rig(main)


@ON_BOTH_BOARDS
@pytest.mark.parametrize(("losses", "is_told"), [(1, False), (3, True)])
def test_a_connection_that_is_lost_again_and_again_is_told_until_one_lasts(dialect: str, losses: int, is_told: bool) -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(100)
        for _ in range(losses):
            rig.fake.unplug()
            await trio.sleep(3)
            rig.fake.replug()
            await trio.sleep(20)
        assert not rig.board.blind
        assert ("hung up" in (rig.board.unsteady_reason or "")) is is_told
        await trio.sleep(120)
        assert rig.board.unsteady_reason is None

    with_rig(main, dialect)


@ON_BOTH_BOARDS
def test_a_command_that_the_board_dropped_without_a_word_is_repeated(dialect: str) -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(16)
        rig.fake.fault("drop 2")
        rig.want(1, ON(1, "emmc"))
        await trio.sleep(120)
        assert rig.told(RelayOn, 1)
        rig.fake.fault("drop 1")
        rig.want(1, OFF(1))
        await trio.sleep(120)
        assert rig.told(RelayOff, 1)
        assert not rig.is_on[1]

    with_rig(main, dialect)


def test_a_port_that_is_held_when_the_task_comes_back_after_a_crash_is_an_outage() -> None:
    async def held() -> Transport:
        raise LinkBusyError("another process holds the port")

    async def run() -> None:
        rig = Rig(FakeBoard(guests={}))
        opener = stream_opener(rig.fake.open)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.fake.run)
            await trio.sleep(30)
            for port in (opener, held, opener):
                rig.board.connector = rig.wired(port)
                rig.facts.clear()
                with trio.move_on_after(10):
                    await rig.board.run()
            assert rig.told(Answered, 1)
            nursery.cancel_scope.cancel()

    trio.run(run, clock=MockClock(autojump_threshold=0))


def test_a_port_that_is_left_is_told_of_once_and_what_is_known_of_it_stays() -> None:
    async def main(rig: Rig) -> None:
        rig.board.leave(4)
        await trio.sleep(30)
        rig.board.power.seen_off(4, trio.current_time())
        left = rig.board.power.ports[4]
        rig.board.leave(4)
        assert rig.board.power.ports[4] is left
        assert left.relay == "off"

    with_rig(main, config=evolve(CONFIG, devices=CONFIG.devices[:4]))


def test_a_port_that_is_left_while_another_is_kept_managed_does_not_disturb_that(monkeypatch: pytest.MonkeyPatch) -> None:
    ping = V3Driver.ping

    async def main(rig: Rig) -> None:
        async def pinged(driver: V3Driver, port: int) -> None:
            if port == 1:
                rig.board.leave(4)
            await ping(driver, port)

        rig.want(1, ON(1, "emmc"))
        await trio.sleep(60)
        rig.fake.hardware.guests[1].hang(rig.fake.hardware.clock.now_s)
        monkeypatch.setattr(V3Driver, "ping", pinged)
        await trio.sleep(3600)
        assert 4 in rig.board.power.ports

    with_rig(main, config=evolve(CONFIG, devices=CONFIG.devices[:4]))
