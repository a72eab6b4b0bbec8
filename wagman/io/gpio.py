"""Relays on lines of this computer, through the kernel's GPIO character device and libgpiod.

- **Coming up switches nothing.** A line is requested as it is, read, and only then made an output, with the level that it had.
- A line reads as it was set, which does not show what the contact does.
- **When this service ends, its lines are released**, and most kernels let them fall back. Whether the guests have power then
  depends on the wiring of the relays, and so the configuration has to say it. `released = "on"` is the normally-closed contact: a
  relay cuts while it is energised. `released = "held"` is for a kernel that keeps the level; a relay then powers while it is
  energised.
"""

import errno
import os
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any, Literal, Protocol, TypeAlias

from attrs import define, field, frozen

from wagman.config.boards import PlainBoard
from wagman.config.kinds import BOOLEAN, TEXT, one_of
from wagman.config.setting import setting
from wagman.model.backend import Abilities, Backend, Identity, Look
from wagman.model.errors import BoardError, BoardRefusedError, LinkGoneError, MissingPackageError, StrangerError
from wagman.model.facts import Supply

try:
    import gpiod
    from gpiod.line import Direction, Value
except ImportError as error:
    raise MissingPackageError("GPIO needs the package gpiod: pip install 'wagman[gpio]'") from error

CONSUMER = "wagman"
"""The name under which the kernel shows who holds a line."""

_NO_CHIP = (errno.ENOENT, errno.ENODEV, errno.ENOTTY)
"""What the kernel and libgpiod say of a path at which there is no GPIO chip."""

Released: TypeAlias = Literal["on", "held"]
"""What the guests have when the lines are released: power (`on`), or what they had (`held`)."""


class Chip(Protocol):
    """The part of `gpiod.Chip` that is used."""

    def get_info(self) -> Any:
        """The chip's name and label."""
        ...

    def line_offset_from_id(self, id: str | int) -> int:  # noqa: A002 - named as libgpiod's
        """The line that a name or a number means."""
        ...

    def get_line_info(self, line: int | str) -> Any:
        """Who uses a line."""
        ...

    def request_lines(self, config: Any, consumer: str | None = None) -> "Lines":
        """Take lines, for this process alone."""
        ...

    def close(self) -> None:
        """Close the chip; lines that were taken stay taken."""
        ...


class Lines(Protocol):
    """The part of `gpiod.LineRequest` that is used."""

    def get_value(self, line: int | str) -> Value:
        """The level that a line is set to."""
        ...

    def set_value(self, line: int | str, value: Value) -> None:
        """Set a line."""
        ...

    def reconfigure_lines(self, config: Any) -> None:
        """Set how lines are driven."""
        ...

    def release(self) -> None:
        """Give the lines back."""
        ...


Opener: TypeAlias = Callable[[str], Chip]
"""Opens a chip by its path; raises OSError."""


@frozen(kw_only=True)
class GpioBoard(PlainBoard):
    """Relays on the lines of one GPIO chip."""

    kind = "gpio"
    about = "Relays on the GPIO lines of this computer. A port is the number or the name of a line."

    released: Released = field(
        metadata=setting(
            one_of("on", "held"),
            "What happens to the power when this service ends. `on`: the guests get power, because they are wired to the "
            "normally-closed contacts of the relays. `held`: the guests keep what they had, because they are wired to the "
            "normally-open contacts, and the kernel keeps the level of the lines.",
        )
    )
    chip: str = field(default="/dev/gpiochip0", metadata=setting(TEXT, "The chip's device file."))
    label: str | None = field(
        default=None,
        metadata=setting(
            TEXT,
            "The name of the chip, as `gpiodetect` shows it between brackets. The service never switches a chip of "
            "another name: the numbers of chips can change.",
        ),
    )
    active_low: bool = field(
        default=False,
        metadata=setting(BOOLEAN, "Whether a low line energises the relay, as on most boards with optocouplers."),
    )
    may_meter = False

    @property
    def unit(self) -> Hashable:
        """The chip."""
        return PurePath(self.chip)

    def backend(self) -> Backend:
        """The back end that switches the lines."""
        return Gpio(self)


@define(eq=False)
class Gpio:
    """Switches the lines of one chip. It holds every line that it has looked at."""

    config: GpioBoard
    opener: Opener = gpiod.Chip
    _held: dict[str, tuple[Lines, int]] = field(init=False, factory=dict)

    @property
    def address(self) -> str:
        """The device of the chip."""
        return self.config.chip

    @property
    def abilities(self) -> Abilities:
        """What the board is able to do."""
        return Abilities(
            readback="told",
            settle_s=self.config.settle_s,
            survives=False,
            on_restore=self.config.on_restore,
            outlives_service=self.config.released == "held",
        )

    async def greet(self) -> Identity:
        """Check which chip it is. A chip has no run of its own: what a restart of this computer did to the lines, they show."""
        with self._open() as chip:
            return Identity(str(chip.get_info().label), 0, None)

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        """The levels of the lines, as power on or off. A line that cannot be read is unknown, and the others are read.

        Raises:
            BoardError: none can be read, or it is another chip than the configured one.
        """
        looks, trouble = dict[str, Look](), list[BoardError]()
        for port in ports:
            try:
                looks[port] = Look(self._supply(self._told(port)))
            except (BoardRefusedError, LinkGoneError) as error:
                looks[port] = Look()
                trouble.append(error)
        if trouble and len(trouble) == len(looks):
            raise trouble[0]
        return looks

    async def switch(self, port: str, *, on: bool) -> None:
        """Set a line."""
        with self._using(port) as (lines, offset):
            lines.set_value(offset, self._value("on" if on else "off"))

    def _told(self, port: str) -> Value:
        with self._using(port) as (lines, offset):
            return lines.get_value(offset)

    @contextmanager
    def _using(self, port: str) -> Iterator[tuple[Lines, int]]:
        """The line of that port, taken at the first use. After a failure it is given back, and taken anew the next time.

        Raises:
            LinkGoneError: the line failed.
        """
        if port not in self._held:
            self._held[port] = self._take(port)
        try:
            yield self._held[port]
        except OSError as error:
            lines, _ = self._held.pop(port)
            lines.release()
            raise LinkGoneError(f"line {port} of {self.address}: {_reason(error)}") from error

    def _take(self, port: str) -> tuple[Lines, int]:
        """Take a line, and leave it at the level that it has.

        Raises:
            BoardRefusedError: there is no such line, or somebody else holds it.
        """
        with self._open() as chip:
            offset = self._offset(chip, port)
            try:
                lines = chip.request_lines({offset: self._driven(Direction.AS_IS)}, consumer=CONSUMER)
            except OSError as error:
                holder = chip.get_line_info(offset)
                if holder.used:
                    raise BoardRefusedError(
                        f"line {port} of {self.address} is held by {holder.consumer or 'the kernel'}"
                    ) from error
                raise
            try:
                lines.reconfigure_lines({offset: self._driven(Direction.OUTPUT, lines.get_value(offset))})
            except BaseException:
                lines.release()
                raise
            return lines, offset

    def _driven(self, direction: Direction, value: Value = Value.INACTIVE) -> gpiod.LineSettings:
        return gpiod.LineSettings(direction=direction, active_low=self.config.active_low, output_value=value)

    def _offset(self, chip: Chip, port: str) -> int:
        try:
            return chip.line_offset_from_id(port)
        except (OSError, ValueError) as error:
            raise BoardRefusedError(f"{self.address} has no line {port}") from error

    @contextmanager
    def _open(self) -> Iterator[Chip]:
        """The chip, open for a moment.

        Raises:
            StrangerError: it is another chip than the configured one.
            LinkGoneError: it cannot be opened.
        """
        try:
            chip = self.opener(self.config.chip)
            try:
                self._check(str(chip.get_info().label))
                yield chip
            finally:
                chip.close()
        except OSError as error:
            hint = ": gpiodetect shows the chips that there are" if error.errno in _NO_CHIP else ""
            raise LinkGoneError(f"{self.address}: {_reason(error)}{hint}") from error

    def _check(self, label: str) -> None:
        if self.config.label is not None and label != self.config.label:
            raise StrangerError(f"{self.address} is {label}, and not {self.config.label}: it is not switched")

    def _value(self, supply: Supply) -> Value:
        """The level of a line for a port that is on or off."""
        # On a normally-closed contact a relay cuts while it is energised.
        powers = Value.ACTIVE if self.config.released == "held" else Value.INACTIVE
        return powers if supply == "on" else _other(powers)

    def _supply(self, value: Value) -> Supply:
        return "on" if value == self._value("on") else "off"


def _other(value: Value) -> Value:
    return Value.INACTIVE if value == Value.ACTIVE else Value.ACTIVE


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)
