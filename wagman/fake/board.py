"""A whole board: hardware, guests and a firmware under one clock. Sans-I/O: time comes in, outputs come out."""

from collections.abc import Callable, Mapping
from math import inf
from random import Random
from typing import ClassVar, Protocol

from attrs import define, field

from wagman.fake.clock import BoardClock, Program
from wagman.fake.eeprom import Eeprom, Rtc
from wagman.fake.faults import Faults
from wagman.fake.firmware_v3 import FirmwareV3
from wagman.fake.firmware_v4 import FirmwareV4
from wagman.fake.guests import Guest, GuestSpec
from wagman.fake.hardware import PORT_NAMES, By, Hardware, Record
from wagman.fake.usb import Output, Usb

RTC_S = 1_700_000_000
"""The time of the clock chip at board time 0, in seconds since 1970, unless another is given (as in the captures)."""


class Firmware(Protocol):
    """The interface of a firmware. One instance is one run of it, from boot to reset."""

    idle: bool  # it sleeps, but input and a changed world wake it
    tty_after_reset_s: ClassVar[float]
    tty_after_power_on_s: ClassVar[float]
    relays_lost_in_reset: ClassVar[tuple[int, ...]]

    def __init__(self, clock: BoardClock, hardware: Hardware, usb: Usb, faults: Faults) -> None: ...

    @staticmethod
    def bootload(hardware: Hardware) -> None:
        """Do what the bootloader does before the firmware."""

    def main(self, boot_flags: frozenset[str]) -> Program:
        """Run until the watchdog resets the board."""

    def poke(self) -> None:
        """Forget what was worked out ahead: the world has changed."""


FIRMWARES: dict[str, type[Firmware]] = {"v3": FirmwareV3, "v4": FirmwareV4}
"""The firmware of each dialect."""


@define(eq=False, repr=False)
class Board:
    """A board with its guests. It begins when the firmware takes over after a power-on."""

    dialect: str = "v3"
    guests: Mapping[str, GuestSpec] = field(factory=dict)  # by port name; the others are ordinary guests
    rng: Random = field(factory=lambda: Random(0))  # noqa: S311 - simulated faults
    rtc_s: float = RTC_S
    eeprom: Eeprom = field(factory=Eeprom)
    observe: Callable[[Record], None] = field(default=lambda _record: None)
    clock: BoardClock = field(init=False, factory=BoardClock)
    faults: Faults = field(init=False)
    usb: Usb = field(init=False)
    hardware: Hardware = field(init=False)
    firmware: Firmware = field(init=False)
    _program: Program = field(init=False)
    _wake_s: float = field(init=False, default=0.0)

    def __attrs_post_init__(self) -> None:
        self.faults = Faults(self.rng)
        self.usb = Usb(self.clock, self.faults)
        guests = tuple(Guest(name, self.guests.get(name, GuestSpec())) for name in PORT_NAMES)
        self.hardware = Hardware(self.clock, guests, Rtc(self.rtc_s), self.eeprom, self.observe)
        self.firmware = self._new_firmware()
        self._program = self._life("PORF", 0.0)

    # --- Time and bytes ------------------------------------------------------------------------------------------

    @property
    def next_at_s(self) -> float:
        """The board time at which the board next does something by itself."""
        return self._wake_s

    def advance(self, now_s: float) -> list[Output]:
        """Let the board run up to `now_s`; returns what left it, in order."""
        while self._wake_s <= now_s:
            self.clock.now_s = self._wake_s
            self._wake_s = next(self._program, inf)
        self.clock.now_s = max(self.clock.now_s, now_s)
        return self.usb.take_outputs()

    def feed(self, data: bytes, now_s: float) -> int:
        """Take bytes from the host, after `advance(now_s)`; return how many were taken. The rest has to wait."""
        taken = self.usb.receive(data)
        if taken and self.firmware.idle:
            self._wake_s = min(self._wake_s, now_s)
        return taken

    def poke(self) -> None:
        """Take in that hardware, guests or faults were changed from outside, at the board's present time."""
        self.firmware.poke()
        if self.firmware.idle:
            self._wake_s = min(self._wake_s, self.clock.now_s)

    # --- Resets --------------------------------------------------------------------------------------------------

    def reset(self, flag: str = "WDRF") -> None:
        """Reset the microcontroller; `flag` is the cause that the next boot reports."""
        self._go_down("reset", self.firmware.relays_lost_in_reset)
        self._begin(flag, self.firmware.tty_after_reset_s)

    def powercycle(self) -> None:
        """Take the board's own power away, and give it back."""
        self._go_down("powercycle", range(len(PORT_NAMES)))
        self._begin("PORF", self.firmware.tty_after_power_on_s)

    def _begin(self, flag: str, tty_after_s: float) -> None:
        self._program.close()
        self._program = self._life(flag, tty_after_s)
        self._wake_s = self.clock.now_s

    def _go_down(self, by: By, lost: tuple[int, ...] | range) -> None:
        self.usb.set_up(up=False)
        self.hardware.drop_relays(lost, by)

    def _life(self, flag: str, tty_after_s: float) -> Program:
        while True:
            self.firmware = self._new_firmware()
            self.firmware.bootload(self.hardware)
            yield self.clock.now_s + tty_after_s
            self.usb.set_up(up=True)
            yield from self.firmware.main(frozenset({flag}))
            self._go_down("reset", self.firmware.relays_lost_in_reset)
            flag, tty_after_s = "WDRF", self.firmware.tty_after_reset_s

    def _new_firmware(self) -> Firmware:
        return FIRMWARES[self.dialect](self.clock, self.hardware, self.usb, self.faults)
