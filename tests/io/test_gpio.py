"""Relays on lines of this computer: a kernel of the tests' own, which libgpiod's own values and settings are given to."""

import errno
import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gpiod
import pytest
import trio
from attrs import define, field
from gpiod.line import Direction, Value
from hypothesis import given
from hypothesis import strategies as st

from wagman.config.setting import settings
from wagman.io.gpio import Chip, Gpio, GpioBoard, Lines
from wagman.model.backend import Look
from wagman.model.errors import BoardError, BoardRefusedError, LinkGoneError, StrangerError

LABEL = "pinctrl-bcm2835"


@define(eq=False)
class Kernel:
    """The lines of one chip: the level on each pin, as a relay board sees it."""

    label: str = LABEL
    names: list[str] = field(factory=lambda: ["", "", "RELAY_GN", "17"] + [""] * 24)
    high: list[bool] = field(factory=lambda: [False] * 28)
    outputs: set[int] = field(factory=set)
    users: dict[int, str] = field(factory=dict)
    moved: list[tuple[int, bool]] = field(factory=list)  # each change of a level
    trouble: int | None = None  # what its calls fail with
    open_chips: int = 0

    def drive(self, offset: int, high: bool) -> None:
        if self.high[offset] != high:
            self.high[offset] = high
            self.moved.append((offset, high))

    def check(self) -> None:
        if self.trouble is not None:
            raise OSError(self.trouble, "as the test wants it")


@define(eq=False)
class FakeChip:
    kernel: Kernel

    def __attrs_post_init__(self) -> None:
        self.kernel.check()
        self.kernel.open_chips += 1

    def get_info(self) -> Any:
        return SimpleNamespace(name="gpiochip0", label=self.kernel.label, num_lines=len(self.kernel.high))

    def line_offset_from_id(self, id: str | int) -> int:  # noqa: A002 - named as libgpiod's
        if id in self.kernel.names:
            return self.kernel.names.index(str(id))
        if not str(id).isdecimal():
            raise OSError(errno.ENOENT, "no such line")
        if int(id) >= len(self.kernel.high):
            raise ValueError("line offset of out range")
        return int(id)

    def get_line_info(self, line: int | str) -> Any:
        user = self.kernel.users.get(int(line))
        return SimpleNamespace(used=user is not None, consumer=user)

    def request_lines(self, config: Any, consumer: str | None = None) -> Lines:
        self.kernel.check()
        ((offset, how),) = config.items()
        if offset in self.kernel.users:
            raise OSError(errno.EBUSY, "busy")
        self.kernel.users[offset] = str(consumer)
        lines = FakeLines(self.kernel, offset, how.active_low)
        lines.reconfigure_lines(config)
        return lines

    def close(self) -> None:
        self.kernel.open_chips -= 1


@define(eq=False)
class FakeLines:
    kernel: Kernel
    offset: int
    is_low: bool

    def get_value(self, line: int | str) -> Value:
        self.kernel.check()
        assert line == self.offset
        return Value.ACTIVE if self.kernel.high[self.offset] != self.is_low else Value.INACTIVE

    def set_value(self, line: int | str, value: Value) -> None:
        self.kernel.check()
        assert line in self.kernel.outputs
        self.kernel.drive(self.offset, (value == Value.ACTIVE) != self.is_low)

    def reconfigure_lines(self, config: Any) -> None:
        self.kernel.check()
        how = config[self.offset]
        self.is_low = how.active_low
        if how.direction == Direction.OUTPUT:
            self.kernel.outputs.add(self.offset)
            self.set_value(self.offset, how.output_value)

    def release(self) -> None:
        self.kernel.users.pop(self.offset, None)
        self.kernel.outputs.discard(self.offset)


def board(kernel: Kernel, **keys: Any) -> Gpio:
    return Gpio(GpioBoard(**{"released": "on", **keys}), lambda _: FakeChip(kernel))


def run(ask: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await ask()

    return trio.run(main)


# --- What the guests have ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("active_low", [False, True])
@pytest.mark.parametrize("released", ["on", "held"])
@given(levels=st.lists(st.booleans(), min_size=28, max_size=28), outputs=st.sets(st.integers(0, 27)))
def test_coming_up_moves_no_line_whatever_was_there(
    released: Any, active_low: bool, levels: list[bool], outputs: set[int]
) -> None:
    kernel = Kernel(high=list(levels), outputs=set(outputs))
    backend = board(kernel, released=released, active_low=active_low)
    looks = run(lambda: backend.look([str(offset) for offset in range(28) if offset != 17]))
    assert kernel.moved == []
    for port, look in looks.items():
        is_energised = levels[int(port)] != active_low
        assert look == Look("on" if is_energised == (released == "held") else "off")


@pytest.mark.parametrize(
    ("released", "active_low", "high_when_on"),
    [("on", False, False), ("on", True, True), ("held", False, True), ("held", True, False)],
)
def test_on_and_off_are_a_matter_of_the_contact(released: Any, active_low: bool, high_when_on: bool) -> None:
    kernel = Kernel(high=[not high_when_on] * 28)
    backend = board(kernel, released=released, active_low=active_low)
    run(lambda: backend.switch("5", on=True))
    assert kernel.moved == [(5, high_when_on)]
    assert run(lambda: backend.look(["5", "6"])) == {"5": Look("on"), "6": Look("off")}
    run(lambda: backend.switch("5", on=False))
    assert kernel.moved == [(5, high_when_on), (5, not high_when_on)]


def test_the_file_has_to_say_what_the_guests_have_at_the_end() -> None:
    with pytest.raises(TypeError, match="released"):
        GpioBoard()  # type: ignore[call-arg]
    with pytest.raises(ValueError, match='"on" or "held"'):
        settings(GpioBoard)["released"].metadata["setting"].kind.read("off")


@pytest.mark.parametrize(("released", "outlives"), [("on", False), ("held", True)])
def test_its_ports_outlive_the_service_only_where_the_lines_are_held(released: Any, outlives: bool) -> None:
    abilities = board(Kernel(), released=released).abilities
    assert (abilities.outlives_service, abilities.readback) == (outlives, "told")


# --- Which line, which chip -------------------------------------------------------------------------------------------


def test_a_line_is_called_by_its_name_or_its_number() -> None:
    kernel = Kernel()
    backend = board(kernel, released="held")
    run(lambda: backend.switch("RELAY_GN", on=True))
    run(lambda: backend.switch("17", on=True))  # a name goes first
    run(lambda: backend.switch("18", on=True))
    assert kernel.moved == [(2, True), (3, True), (18, True)]


@pytest.mark.parametrize("port", ["28", "RELAY_CS"])
def test_a_line_that_is_not_there_is_refused(port: str) -> None:
    with pytest.raises(BoardRefusedError, match=f"/dev/gpiochip0 has no line {port}"):
        run(lambda: board(Kernel()).look([port]))


def test_a_line_that_somebody_else_holds_is_told_with_his_name() -> None:
    kernel = Kernel(users={4: "cooling_fan"})
    with pytest.raises(BoardRefusedError, match="line 4 of /dev/gpiochip0 is held by cooling_fan"):
        run(lambda: board(kernel).switch("4", on=False))
    assert kernel.moved == []


@pytest.mark.parametrize("port", ["4", "28"])
def test_a_line_that_cannot_be_taken_is_unknown_and_the_others_are_read(port: str) -> None:
    kernel = Kernel(users={4: "cooling_fan"})
    backend = board(kernel, released="held")
    assert run(lambda: backend.look(["5", port, "6"])) == {"5": Look("off"), port: Look("unknown"), "6": Look("off")}
    del kernel.users[4]
    kernel.names[28:] = ["28"]
    kernel.high.append(False)
    assert run(lambda: backend.look(["5", port, "6"]))[port] == Look("off")  # it is tried again each time


def test_one_line_on_another_chip_makes_all_of_them_strange() -> None:
    kernel = Kernel()
    backend = board(kernel, label=LABEL)
    run(lambda: backend.look(["5"]))
    kernel.label = "raspberrypi-exp-gpio"
    with pytest.raises(StrangerError):
        run(lambda: backend.look(["5", "6"]))


def test_another_chip_than_the_one_that_is_meant_is_never_switched() -> None:
    kernel = Kernel(label="raspberrypi-exp-gpio")
    backend = board(kernel, label=LABEL)
    for ask in (backend.greet, lambda: backend.look(["5"]), lambda: backend.switch("5", on=False)):
        with pytest.raises(StrangerError, match=f"/dev/gpiochip0 is raspberrypi-exp-gpio, and not {LABEL}"):
            run(ask)
    assert kernel.moved == []
    assert kernel.open_chips == 0


def test_it_tells_which_chip_it_is() -> None:
    identity = run(board(Kernel(), label=LABEL).greet)
    assert identity.board_id == LABEL
    assert identity.same_run(run(board(Kernel()).greet))


# --- Trouble ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.ENODEV, errno.EACCES, errno.ENOENT])
def test_a_chip_that_goes_and_comes_back_is_told_and_taken_anew_as_it_is(number: int) -> None:
    kernel = Kernel()
    backend = board(kernel, released="held")
    run(lambda: backend.switch("5", on=True))
    kernel.trouble = number
    for ask in (backend.greet, lambda: backend.look(["5"]), lambda: backend.switch("5", on=False)):
        with pytest.raises(LinkGoneError, match="/dev/gpiochip0: "):
            run(ask)
    kernel.trouble, kernel.high[5], kernel.moved = None, False, []  # it was plugged in again
    assert run(lambda: backend.look(["5"])) == {"5": Look("off")}
    assert kernel.moved == []
    assert kernel.users == {5: "wagman"}
    assert kernel.open_chips == 0


# --- The real library -------------------------------------------------------------------------------------------------


def test_no_chip_and_what_is_none_are_told() -> None:
    for path in ("/dev/gpiochip999", "/dev/null", str(Path(__file__))):
        with pytest.raises(BoardError, match=f"{path}: .*: gpiodetect shows the chips that there are"):
            run(GpioBoard(released="on", chip=path).backend().greet)


@pytest.mark.parametrize(("seam", "real"), [(Chip, gpiod.Chip), (Lines, gpiod.LineRequest)])
def test_the_seam_calls_the_real_library_as_it_wants_to_be_called(seam: type, real: type) -> None:
    wanted = {name: each for name, each in vars(seam).items() if inspect.isfunction(each) and not name.startswith("_")}
    assert wanted
    for name, function in wanted.items():
        offered = inspect.signature(getattr(real, name)).parameters
        assert [parameter for parameter in inspect.signature(function).parameters if parameter not in offered] == []
        needed = [each for each in offered.values() if each.default is inspect.Parameter.empty and each.name != "self"]
        assert [each.name for each in needed if each.name not in inspect.signature(function).parameters] == []


def test_the_real_library_has_the_settings_that_are_used() -> None:
    how = gpiod.LineSettings(direction=Direction.AS_IS, active_low=True, output_value=Value.ACTIVE)
    assert (how.direction, how.active_low, how.output_value) == (Direction.AS_IS, True, Value.ACTIVE)
    assert {"used", "consumer"} <= set(gpiod.LineInfo.__annotations__)
