"""The contract notices what is wrong with a board, an ear or a table: each of these has one fault, and fails the test for it."""

import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
import trio
from attrs import define, evolve, field, frozen

from wagman.config.boards import PlainBoard
from wagman.config.ears import EarConfig
from wagman.config.kinds import TEXT, Kind
from wagman.config.registry import BOARDS
from wagman.config.setting import setting
from wagman.model.backend import Abilities, Backend, Identity, Look, Probe
from wagman.model.errors import BoardError, BoardRefusedError, LinkGoneError, StrangerError
from wagman.testing import BoardContract, BoardSite, BoardTableContract, Does, EarContract, Power, Trouble

PORTS = ("left", "right")
NOT_PASSED = (AssertionError, pytest.fail.Exception, BoardError, ValueError, ExceptionGroup)


@define(eq=False)
class Good:
    """A board without a fault, and the truth behind it. It takes a moment for each question."""

    on: set[str] = field(factory=set)
    serial: str = "one"
    boots: int = 1
    wrong: Trouble | None = None
    met: str | None = None
    address: str = "here"
    abilities: Abilities = Abilities(settle_s=0.0)  # noqa: RUF009 - it is frozen

    async def greet(self) -> Identity:
        await self.reach()
        self.met = self.serial
        return Identity(self.serial, self.boots, None)

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        await self.reach()
        return {port: Look("on" if port in self.on else "off") for port in ports if port in PORTS}

    async def switch(self, port: str, *, on: bool) -> None:
        await self.reach()
        if port not in PORTS:
            raise BoardRefusedError(f"there is no {port}")
        (self.on.add if on else self.on.discard)(port)

    async def reach(self) -> None:
        await trio.sleep(0.002)
        if self.wrong is not None:
            raise LinkGoneError(f"it is in trouble: {self.wrong}")
        if self.met not in {None, self.serial}:
            raise StrangerError("somebody else is there")


@define(eq=False)
class GoodSite(BoardSite):
    board: Good

    async def power(self, port: str) -> Power:
        return "on" if port in self.board.on else "off"

    async def trouble(self, kind: Trouble | None) -> None:
        self.board.wrong = kind

    async def replace(self) -> None:
        self.board.serial = "two"

    async def restart(self) -> None:
        self.board.boots += 1


def contract_of(make: Callable[[], Good]) -> BoardContract:
    class Contract(BoardContract):
        ports, absent, virtual = PORTS, "middle", True

        @asynccontextmanager
        async def site(self) -> AsyncIterator[BoardSite]:
            board = make()
            yield GoodSite(board, board)

    return Contract()


class Nameless(Good):
    async def greet(self) -> Identity:
        return evolve(await super().greet(), board_id=None)


class Flighty(Good):
    async def greet(self) -> Identity:
        self.boots += 1
        return await super().greet()


class Discreet(Good):
    async def greet(self) -> Identity:
        return evolve(await super().greet(), boots=1)


class Trusting(Good):
    async def switch(self, port: str, *, on: bool) -> None:
        self.met = None
        await super().switch(port, on=on)


class Unready(Good):
    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        self.met = None
        return await super().look(ports)


class Neighbourly(Good):
    async def switch(self, port: str, *, on: bool) -> None:
        for each in PORTS:
            await super().switch(each, on=on)


class Obliging(Good):
    async def switch(self, port: str, *, on: bool) -> None:
        await super().switch(port if port in PORTS else PORTS[0], on=on)


class Stale(Good):
    shown: ClassVar[Mapping[str, Look]] = {}

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        before, type(self).shown = self.shown, await super().look(ports)
        return before or self.shown


class OffIfUnknown(Good):
    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        return {port: Look("on" if port in self.on else "off") for port in ports}


class OffIfSilent(Good):
    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        try:
            return await super().look(ports)
        except LinkGoneError:
            return dict.fromkeys(ports, Look("off"))


class Deaf(Good):
    async def reach(self) -> None:
        if self.wrong == "hangs":
            await trio.sleep_forever()
        await super().reach()


class Crashing(Good):
    async def reach(self) -> None:
        if self.wrong == "garbage":
            raise KeyError("output")
        await super().reach()


class Wordless(Good):
    async def reach(self) -> None:
        if self.wrong is not None:
            raise LinkGoneError
        await super().reach()


class Sticky(Good):
    async def reach(self) -> None:
        if self.wrong is not None:
            self.boots = -1
        if self.boots == -1:
            raise LinkGoneError("once lost, it stays lost")
        await super().reach()


class Confused(Good):
    """It answers what was cut off when it is asked the next time."""

    due: Sequence[str] = ()

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        asked, self.due = self.due or ports, ports
        looks = await super().look(asked)
        self.due = ()
        return looks


class Metered(Good):
    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        return {port: evolve(look, watts=5.0) for port, look in (await super().look(ports)).items()}


class Negative(Good):
    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        return {port: evolve(look, watts=math.nan) for port, look in (await super().look(ports)).items()}


def with_abilities(**abilities: Any) -> Callable[[], Good]:
    return lambda: Good(abilities=evolve(Abilities(settle_s=0.0), **abilities))


TESTS = BoardContract
FAULTS: Sequence[tuple[Callable[[], Good], Callable[..., None], tuple[Any, ...]]] = [
    (Nameless, TESTS.test_each_greeting_tells_who_it_is, ()),
    (Flighty, TESTS.test_each_greeting_tells_who_it_is, ()),
    (Discreet, TESTS.test_a_restart_is_told_by_the_next_greeting, ()),
    (Trusting, TESTS.test_a_stranger_is_refused_and_never_switched, ()),
    (Unready, TESTS.test_a_stranger_is_refused_and_never_switched, ()),
    (Neighbourly, TESTS.test_what_was_switched_is_shown_once_it_has_settled, ()),
    (Stale, TESTS.test_what_was_switched_is_shown_once_it_has_settled, ()),
    (with_abilities(readback="none"), TESTS.test_what_was_switched_is_shown_once_it_has_settled, ()),
    (OffIfUnknown, TESTS.test_of_a_port_that_is_not_there_nothing_is_known, ()),
    (Obliging, TESTS.test_a_port_that_is_not_there_is_refused_and_none_is_switched_for_it, ()),
    (Metered, TESTS.test_its_abilities_are_what_it_shows, ()),
    (Negative, TESTS.test_its_abilities_are_what_it_shows, ()),
    (with_abilities(pulse=True), TESTS.test_its_abilities_are_what_it_shows, ()),
    (with_abilities(meter_w=0.0), TESTS.test_its_abilities_are_what_it_shows, ()),
    (OffIfSilent, TESTS.test_what_goes_wrong_is_an_error_of_the_board, ("gone",)),
    (Deaf, TESTS.test_what_goes_wrong_is_an_error_of_the_board, ("hangs",)),
    (Wordless, TESTS.test_what_goes_wrong_is_an_error_of_the_board, ("refuses",)),
    (Sticky, TESTS.test_what_goes_wrong_is_an_error_of_the_board, ("half",)),
    (Confused, TESTS.test_it_may_be_interrupted_at_any_moment_and_asked_again, ("look",)),
]


@pytest.mark.parametrize(("make", "test", "given"), FAULTS, ids=lambda each: getattr(each, "__name__", ""))
def test_a_fault_of_a_board_is_noticed(make: Callable[[], Good], test: Callable[..., None], given: tuple[Any, ...]) -> None:
    test(contract_of(Good), *given)
    with pytest.raises(NOT_PASSED):
        test(contract_of(make), *given)


def test_what_a_board_raises_that_is_no_error_of_a_board_comes_out_as_it_is() -> None:
    with pytest.raises(KeyError):
        contract_of(Crashing).test_what_goes_wrong_is_an_error_of_the_board("garbage")


# Ears -----------------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Oracle(EarConfig):
    """An ear that answers whatever it is to."""

    kind = "oracle"
    about = "An oracle."
    shows = "program"

    says: Any

    def probe(self) -> Probe:
        return Asked(self.says)


@frozen
class Asked:
    says: Any

    async def ask(self) -> bool:
        await trio.sleep(0.002)
        if self.says is None:
            await trio.sleep_forever()
        if isinstance(self.says, Exception):
            raise self.says
        return self.says  # type: ignore[no-any-return]


def ear_saying(**says: Any) -> EarContract:
    class Contract(EarContract):
        virtual = True

        @asynccontextmanager
        async def guest(self, does: Does) -> AsyncIterator[EarConfig]:
            yield Oracle(says=says.get(does, does == "answers"))

    return Contract()


@pytest.mark.parametrize(
    ("says", "ask"),
    [
        ({"answers": False}, lambda ear: ear.test_a_guest_that_answers_is_alive_each_time()),
        ({"gone": True}, lambda ear: ear.test_whoever_is_not_there_or_refuses_is_not_alive("gone")),
        ({"refuses": OSError("refused")}, lambda ear: ear.test_whoever_is_not_there_or_refuses_is_not_alive("refuses")),
        ({"hangs": True}, lambda ear: ear.test_a_program_that_hangs_is_not_alive()),
        ({"hangs": None}, lambda ear: ear.test_a_program_that_hangs_is_not_alive()),
        ({"garbage": UnicodeError()}, lambda ear: ear.test_whatever_a_guest_says_is_yes_or_no("garbage")),
        ({"half": "perhaps"}, lambda ear: ear.test_whatever_a_guest_says_is_yes_or_no("half")),
    ],
)
def test_a_fault_of_an_ear_is_noticed(says: Mapping[str, Any], ask: Callable[[EarContract], None]) -> None:
    ask(ear_saying())
    with pytest.raises((*NOT_PASSED, OSError)):
        ask(ear_saying(**says))


# Tables ---------------------------------------------------------------------------------------------------------------


def _any_text(value: object) -> str:
    return str(value)


ANYTHING = Kind("anything", _any_text)


@frozen(kw_only=True)
class GoodBoard(PlainBoard):
    kind = "good"
    about = "A good board."
    port_kind = Kind("left or right", lambda value: {name: name for name in PORTS}[value] if value in PORTS else _refused())

    host: str = field(metadata=setting(TEXT, "Where it is."))

    def backend(self) -> Backend:
        return Good()


def _refused() -> str:
    raise ValueError("left or right")


@frozen(kw_only=True)
class Unexplained(GoodBoard):
    host: str = field(metadata=setting(TEXT, "TODO"))


@frozen(kw_only=True)
class Careless(GoodBoard):
    host: str = field(metadata=setting(ANYTHING, "Where it is."))


@frozen(kw_only=True)
class WrongDefault(GoodBoard):
    host: str = field(metadata=setting(TEXT, "Where it is."))
    user: str = field(default="", metadata=setting(TEXT, "Who asks."))


@frozen(kw_only=True)
class ManyPorts(GoodBoard):
    port_kind = ANYTHING


@frozen(kw_only=True)
class Overstated(GoodBoard):
    @property
    def stated_readback(self) -> Any:
        return "sensed"


@pytest.mark.parametrize(
    ("board", "ask"),
    [
        (Unexplained, lambda table: table.test_its_pages_can_be_written()),
        (Careless, lambda table: table.test_what_a_key_does_not_take_is_told_with_its_line()),
        (WrongDefault, lambda table: table.test_its_defaults_are_right()),
        (ManyPorts, lambda table: table.test_its_ports_are_called_by_one_name_each()),
        (Overstated, lambda table: table.test_what_its_table_says_of_its_abilities_is_so()),
    ],
)
def test_a_fault_of_a_table_is_noticed(
    monkeypatch: pytest.MonkeyPatch, board: type[PlainBoard], ask: Callable[[BoardTableContract], None]
) -> None:
    def table_of(kind: type[PlainBoard]) -> BoardTableContract:
        class Contract(BoardTableContract):
            table, ports, several = 'host = "h"', PORTS, ("left,right",)

        monkeypatch.setitem(BOARDS.built_in, "good", f"{__name__}:{kind.__name__}")
        Contract.board = kind
        return Contract()

    ask(table_of(GoodBoard))
    with pytest.raises(NOT_PASSED):
        ask(table_of(board))


def test_a_kind_without_an_entry_point_is_noticed() -> None:
    class Contract(BoardTableContract):
        board, table, ports = GoodBoard, 'host = "h"', PORTS

    with pytest.raises(AssertionError, match="is called 'good'"):
        Contract().test_a_file_finds_it_by_its_kind()
