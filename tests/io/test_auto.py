"""The dialect that finds out how a board speaks."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.io.faults import Wrapper, faulty
from tests.io.test_board import Rig
from wagman.fake import v4_commands
from wagman.fake.firmware_v4 import FirmwareV4
from wagman.fake.serve import FakeBoard
from wagman.io.auto import LISTEN_S, AutoDialect, given_away, speech_by_ages
from wagman.io.serial.transport import stream_opener
from wagman.io.serial.wired import Wired
from wagman.io.v3 import codec as v3
from wagman.io.v4 import codec as v4
from wagman.io.v4.codec import Line, Sensorgram, unsigned
from wagman.model.facts import Blindness, PowerGoal, RelayOff, RelayOn

BOTH = pytest.mark.parametrize("dialect", ["v3", "v4"])

HARMLESS = {" ", "\n", "A"}
"""First bytes of a packet that the bootloader of v3 boards does nothing about that matters."""

PACKET = 16

REPORTS_S = {"v3": 70.6, "v4": 62.9}
"""When the model boards begin their first minute reports."""


@define
class Case:
    """A board of one kind, a task that has to find out which, and all that it sent."""

    fake: FakeBoard
    rig: Rig = field(init=False)
    sent: list[bytes] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        case = self

        class Recording(Wrapper):
            async def send_all(self, data: bytes) -> None:
                case.sent.append(data)
                await super().send_all(data)

        self.rig = Rig(self.fake)
        self.rig.board.connector = Wired(AutoDialect(), faulty(stream_opener(self.open), Recording), "a port")

    async def open(self) -> trio.abc.Stream:
        return await self.fake.open()

    @property
    def found(self) -> list[str]:
        return [notice.fields["dialect"] for notice in self.rig.notices("board.dialect")]


def with_board(main: Callable[[Case], Awaitable[None]], dialect: str, away_s: float = 50) -> None:
    async def run() -> None:
        case = Case(FakeBoard(dialect=dialect))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(case.fake.run)
            await trio.sleep(away_s)
            await nursery.start(case.rig.board.run)
            await main(case)
            nursery.cancel_scope.cancel()

    trio.run(run, clock=MockClock(autojump_threshold=0))


@BOTH
def test_the_dialect_is_found_told_and_shown_and_the_board_is_driven(dialect: str) -> None:
    async def main(case: Case) -> None:
        await trio.sleep(20)
        assert case.found == [dialect]
        assert case.rig.board.shown.dialect == dialect
        assert [fact.blind for fact in case.rig.told(Blindness)] == [False]
        case.rig.want(1, PowerGoal("on", 1, "emmc", cleared=True))
        await trio.sleep(20)
        assert case.rig.told(RelayOn, 1)
        case.rig.want(1, PowerGoal("off", 1))
        await trio.sleep(30)
        assert case.rig.told(RelayOff, 1)

    with_board(main, dialect)


@BOTH
def test_a_board_that_gives_itself_away_is_not_asked(dialect: str) -> None:
    async def main(case: Case) -> None:
        await trio.sleep(LISTEN_S)
        assert case.found == [dialect]
        await trio.sleep(20)
        assert ("@" in case.sent[0].decode()) == (dialect == "v3")

    with_board(main, dialect, away_s=REPORTS_S[dialect] - 1)


@BOTH
def test_until_the_board_is_known_no_packet_begins_with_what_its_bootloader_would_obey(dialect: str) -> None:
    async def main(case: Case) -> None:
        case.fake.fault("silent on")
        await trio.sleep(300)
        assert len(case.sent) > 20
        heads = {data[at : at + 1].decode() for data in case.sent for at in range(0, len(data), PACKET)}
        assert heads <= HARMLESS

    with_board(main, dialect)


@BOTH
def test_a_silent_board_is_asked_again_until_it_answers(dialect: str) -> None:
    async def main(case: Case) -> None:
        case.fake.fault("silent on")
        await trio.sleep(200)
        assert case.found == []
        case.fake.fault("silent off")
        await trio.sleep(80)
        assert case.found == [dialect]

    with_board(main, dialect)


@BOTH
def test_a_board_that_restarts_is_known_again_without_another_event(dialect: str) -> None:
    async def main(case: Case) -> None:
        await trio.sleep(30)
        case.fake.reset()
        await trio.sleep(120)
        assert case.found == [dialect]
        assert not case.rig.board.blind
        assert len(case.rig.notices("board.reset")) == 1

    with_board(main, dialect)


def test_a_board_that_was_replaced_by_one_of_the_other_kind_is_found() -> None:
    async def main(case: Case) -> None:
        await trio.sleep(30)
        assert case.rig.board.shown.sensors["current_ma"]
        case.fake.unplug()
        other = FakeBoard(dialect="v4")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(other.run)
            await trio.sleep(50)
            case.fake = other
            await trio.sleep(60)
            assert case.found == ["v3", "v4"]
            assert not case.rig.board.blind
            assert "current_ma" not in case.rig.board.shown.sensors  # this one does not tell it
            assert case.rig.board.shown.ports[0].current_ma is None
            nursery.cancel_scope.cancel()

    with_board(main, "v3")


# --- The v3 board that speaks sensorgrams -----------------------------------------------------------------------------


def wrapped_ms(age_ms: int) -> int:
    """The age as that firmware tells it."""
    return ((age_ms + 0x8000) % 0x1_0000 - 0x8000) % 0x1_0000_0000


def test_a_v3_board_with_sensorgram_firmware_is_refused_once_and_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    reply_id, truly = v4_commands.COMMANDS[0xC002]

    def wrapping(firmware: FirmwareV4, asked: Sensorgram) -> v4_commands.Answer:
        value = yield from truly(firmware, asked)
        assert isinstance(value, int)
        return wrapped_ms(value)

    monkeypatch.setitem(v4_commands.COMMANDS, 0xC002, (reply_id, wrapping))
    monkeypatch.setattr(FirmwareV4, "report", lambda _self: iter(()))

    async def main(case: Case) -> None:
        await trio.sleep(300)
        assert len(case.rig.notices("board.unsupported")) == 1
        assert case.found == []
        assert case.rig.board.blind
        monkeypatch.setitem(v4_commands.COMMANDS, 0xC002, (reply_id, truly))
        await trio.sleep(60)
        assert case.found == ["v4"]

    with_board(main, "v4")


@given(st.lists(st.integers(0, 0xFFFF_FFFF), min_size=5, max_size=5))
def test_wrapped_ages_are_never_taken_for_those_of_a_v4_board(ages_ms: list[int]) -> None:
    assert speech_by_ages(list(map(wrapped_ms, ages_ms))) != "v4"


@given(st.integers(0x8000, 0xFFFF_FFFF - 0x8000))
def test_an_age_that_16_bits_cannot_hold_shows_a_v4_board(age_ms: int) -> None:
    assert speech_by_ages([5, age_ms, 0, 0, 0xFFFF_FFFF]) == "v4"


def test_young_ages_tell_nothing() -> None:
    assert speech_by_ages([0, 5, 32_767, 100, 1]) is None


def test_a_minute_report_without_voltages_is_that_of_a_v3_board() -> None:
    board_id = Sensorgram(0xFF1A, 1, (v4.Value(v4.BYTES, bytes(8)),))
    currents = [Sensorgram(0xFF06, number, (unsigned(0),)) for number in range(1, 7)]
    voltages = [Sensorgram(0xFF08, number, (unsigned(2500),)) for number in range(1, 6)]
    assert given_away(Line((board_id, *currents))) == "v3-sensorgrams"
    assert given_away(Line((board_id, *currents, *voltages))) == "v4"
    assert given_away(Line((board_id, *currents[:3]))) is None
    assert given_away(Line((board_id,))) is None
    assert given_away(v4.EmptyLine()) is None
    assert given_away(v3.Log("gn", "heartbeat", None)) == "v3"
