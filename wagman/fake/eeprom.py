"""What the board keeps without power: its EEPROM, and the clock chip with its battery."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs
from attrs import define, field

from wagman.config.wagman import PORTS

_WORD = 0x1_0000
_LONG = 0x1_0000_0000
_BOOT_LOG_LENGTH = 8

_JOURNAL = ("off", "on", "turning_on", "turning_off")


class EepromError(ValueError):
    """A saved EEPROM that cannot be read back."""


@define
class Eeprom:
    """The EEPROM by meaning, not by address. Blank (as new: every bit is 1) until a firmware formats it."""

    magic: bool = False
    boots: int = _LONG - 1  # board boots since it was formatted
    last_boot_s: int = _LONG - 1  # seconds since 1970, by the board's clock
    bootloader: str = "blank"  # off, sd, emmc: how the bootloader powers the node controller
    enabled: list[bool] = field(factory=lambda: [True for _port in PORTS])
    attempts: list[int] = field(factory=lambda: [_WORD - 1 for _port in PORTS])
    failures: list[int] = field(factory=lambda: [_WORD - 1 for _port in PORTS])
    journal: list[str] = field(factory=lambda: ["off" for _port in PORTS])  # off, on, turning_on, turning_off
    boot_logs: list[list[int]] = field(factory=lambda: [[] for _port in PORTS])  # seconds since 1970, oldest first

    def format(self) -> None:
        """Write the defaults (firmware: ports 0 to 2 are enabled)."""
        enabled = [port <= 2 for port in PORTS]  # noqa: PLR2004 - a port's number
        self._become(Eeprom(True, 0, 0, "off", enabled, [0 for _port in PORTS], [0 for _port in PORTS]))  # noqa: FBT003 - magic

    def forget(self) -> None:
        """Become blank, as new. A running board goes on with what it then reads (captured)."""
        self._become(Eeprom())

    def _become(self, other: "Eeprom") -> None:
        for attribute in attrs.fields(Eeprom):
            setattr(self, attribute.name, getattr(other, attribute.name))

    def set(self, key: str, port: int | None, text: str) -> None:
        """Change the value of `key`, for one port if each port has its own; raises EepromError."""
        try:
            read = _READ[key]
        except KeyError:
            raise EepromError(f"unknown EEPROM key {key!r} (known: {', '.join(_READ)})") from None
        values = getattr(self, key)
        if isinstance(values, list) == (port is None):
            raise EepromError(f"{key}: {'a device is missing' if port is None else 'there is one for all devices'}")
        try:
            value = read(text)
        except (KeyError, ValueError):
            raise EepromError(f"{key}: cannot read {text!r}") from None
        if port is None:
            setattr(self, key, value)
        else:
            values[port] = value

    def count_start(self, port: int, at_s: int) -> None:
        """Count a start of this port; its log keeps the last eight."""
        self.attempts[port] = (self.attempts[port] + 1) % _WORD
        self.boot_logs[port] = [*self.boot_logs[port], at_s][-_BOOT_LOG_LENGTH:]

    def count_failure(self, port: int) -> None:
        """Count a heartbeat time-out of this port."""
        self.failures[port] = (self.failures[port] + 1) % _WORD

    def as_dict(self) -> dict[str, Any]:
        """Return the content, ready for JSON."""
        return attrs.asdict(self)

    @classmethod
    def from_dict(cls, content: Any) -> "Eeprom":
        """Return the EEPROM with the content from `as_dict`; raises EepromError."""
        if not isinstance(content, dict) or set(content) != {attribute.name for attribute in attrs.fields(cls)}:
            raise EepromError("not the content of a fake board's EEPROM")
        return cls(**content)


def _counter(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not 0 <= (value := int(text)) < most:
            raise ValueError(text)
        return value

    return read


_READ: dict[str, Callable[[str], object]] = {
    "magic": {"0": False, "1": True}.__getitem__,
    "boots": _counter(_LONG),
    "bootloader": str,
    "enabled": {"0": False, "1": True}.__getitem__,
    "attempts": _counter(_WORD),
    "failures": _counter(_WORD),
    "journal": dict(zip(_JOURNAL, _JOURNAL, strict=True)).__getitem__,
}
"""The keys that can be set from outside, and how each value is read."""


@define
class Rtc:
    """The clock chip: seconds since 1970 in 32 bits, running on its battery whatever happens."""

    offset_s: float  # what it shows at board time 0
    dead: bool = False  # it does not answer

    def seconds(self, now_s: float) -> int:
        """Return its time in seconds since 1970; 0 when it does not answer (firmware)."""
        return 0 if self.dead else int(self.offset_s + now_s) % _LONG

    def set(self, seconds: int, now_s: float) -> None:
        """Set its time, in seconds since 1970."""
        self.offset_s = seconds - now_s

    def date(self, now_s: float) -> tuple[int, ...]:
        """Return year, month, day, hour, minute, second; when the chip does not answer, what the firmware makes of that."""
        if self.dead:
            return (2056, 88, 63, 0, 0, 0)
        return tuple(datetime.fromtimestamp(self.seconds(now_s), UTC).timetuple()[:6])
