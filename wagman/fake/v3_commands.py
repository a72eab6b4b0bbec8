"""The commands of the v3 firmware, one small function each, and the frame around their replies.

A command gets its words as the firmware does: `arguments` without the command itself, in any number. Most commands answer
nonsense with silence, since the firmware does.
"""

from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING, TypeAlias

from wagman.config.wagman import MEDIA, PORTS
from wagman.fake.clock import Program
from wagman.fake.v3_port import STOP_GRACE_S
from wagman.fake.v3_text import number, port_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from wagman.fake.firmware_v3 import FirmwareV3

Command: TypeAlias = "Callable[[FirmwareV3, list[str]], Program | None]"

BUILD_TIME_S = 1587742757
VERSION = ("hw 3.1", "ker 1.0.4", f"time {BUILD_TIME_S}", "git a64b494dad76e20a3b1549c1e7a4b1335be548f2")
BOOT_FLAGS = ("WDRF", "BORF", "EXTRF", "PORF")
BOOTLOADER_MODES = ("off", *MEDIA)
STALE_MEMORY = "(N\x04"
"""The command name that the firmware prints for a line with only a sid: an uninitialised pointer (captured)."""

_LONG = 0x1_0000_0000
_DATE_WORDS = 6


def execute(firmware: "FirmwareV3", line: list[str]) -> Program:
    """Answer one line, given as its words."""
    sid, command = (line[0][1:], line[1:]) if line[0].startswith("@") else ("0", line)
    name = command[0] if command else STALE_MEMORY
    firmware.usb.println(f"<<<- sid={firmware.faults.reply_sid(sid)} {name}")
    yield from COMMANDS.get(name, _unknown)(firmware, command[1:]) or ()
    firmware.usb.println("->>>")


def _unknown(firmware: "FirmwareV3", _arguments: list[str]) -> None:
    firmware.usb.println("invalid command")


def _port(word: str) -> int | None:
    port = port_number(word)
    return port if port in PORTS else None


def _only_port(arguments: list[str]) -> int | None:
    return _port(arguments[0]) if len(arguments) == 1 else None


# --- The board itself -------------------------------------------------------------------------------------------------


def _ver(firmware: "FirmwareV3", _arguments: list[str]) -> None:
    for line in VERSION:
        firmware.usb.println(line)


def _id(firmware: "FirmwareV3", _arguments: list[str]) -> None:
    firmware.usb.println(firmware.sensors.id_text())


def _boots(firmware: "FirmwareV3", _arguments: list[str]) -> None:
    firmware.usb.println(str(firmware.hardware.eeprom.boots))


def _bf(firmware: "FirmwareV3", _arguments: list[str]) -> None:
    for flag in BOOT_FLAGS:
        if flag in firmware.boot_flags:
            firmware.usb.println(flag)


def _rtc(firmware: "FirmwareV3", _arguments: list[str]) -> None:
    firmware.usb.println(str(firmware.sensors.rtc_s()))


def _up(firmware: "FirmwareV3", _arguments: list[str]) -> None:
    firmware.usb.println(str((firmware.sensors.rtc_s() - firmware.setup_time_s) % _LONG))


def _date(firmware: "FirmwareV3", arguments: list[str]) -> None:
    if not arguments:
        firmware.usb.println(firmware.sensors.date_text())
    elif len(arguments) == _DATE_WORDS:
        firmware.hardware.rtc.set(_seconds([number(word) for word in arguments]), firmware.clock.now_s)


def _seconds(parts: list[int]) -> int:
    """Return the seconds since 1970 of an unchecked date; the year counts from 1970 in a byte, the rest are bytes.

    A month beyond December counts as December: the firmware reads past its table of months.
    """
    year = 1970 + (parts[0] - 1970) % 0x100
    month, day, hour, minute, second = (part & 0xFF for part in parts[1:])
    days = date(year, 1, 1).toordinal() - date(1970, 1, 1).toordinal() + day - 1
    days += sum(monthrange(year, earlier)[1] for earlier in range(1, min(month, 12)))
    return (((days * 24 + hour) * 60 + minute) * 60 + second) % _LONG


def _log(firmware: "FirmwareV3", arguments: list[str]) -> None:
    if arguments in (["on"], ["off"]):
        firmware.kernel.logging = arguments == ["on"]


def _eereset(firmware: "FirmwareV3", _arguments: list[str]) -> None:
    firmware.hardware.eeprom.magic = False


def _reset(firmware: "FirmwareV3", arguments: list[str]) -> None:
    firmware.request_reset(_grace_s(arguments[0]) if len(arguments) == 1 else 0.0)


def _grace_s(word: str) -> float:
    """Return seconds as the firmware reads them: milliseconds in 32 unsigned bits, so that a negative number is 49 days."""
    return number(word) * 1000 % _LONG / 1000


def _blf(firmware: "FirmwareV3", arguments: list[str]) -> None:
    eeprom = firmware.hardware.eeprom
    if not arguments:
        firmware.usb.println(eeprom.bootloader if eeprom.bootloader in BOOTLOADER_MODES else "?")
    elif len(arguments) == 1 and arguments[0] in BOOTLOADER_MODES:
        eeprom.bootloader = arguments[0]
    elif len(arguments) == 1:
        firmware.usb.println("invalid mode")


# --- Sensors and counters ---------------------------------------------------------------------------------------------


def _cu(firmware: "FirmwareV3", _arguments: list[str]) -> Program:
    firmware.usb.print(str((yield from firmware.sensors.system_current())))
    for port in PORTS:
        firmware.usb.print(" ")
        firmware.usb.print(str((yield from firmware.sensors.current(port))))
    firmware.usb.println()


def _hb(firmware: "FirmwareV3", _arguments: list[str]) -> None:
    for port in firmware.ports:
        firmware.usb.println(str(int(port.heartbeat_age_s() * 1000) % _LONG), port.number)


def _fc(firmware: "FirmwareV3", _arguments: list[str]) -> None:
    for failures in firmware.hardware.eeprom.failures:
        firmware.usb.println(str(failures))


def _th(firmware: "FirmwareV3", _arguments: list[str]) -> Program:
    for port in PORTS:
        firmware.usb.println(str((yield from firmware.sensors.thermistor(port))))


def _env(firmware: "FirmwareV3", _arguments: list[str]) -> Program:
    firmware.usb.print("temperature=")
    firmware.usb.println(f"{(yield from firmware.sensors.temperature())}.00")
    firmware.usb.print("humidity=")
    firmware.usb.println(f"{(yield from firmware.sensors.humidity())}.00")


# --- Ports ------------------------------------------------------------------------------------------------------------


def _bs(firmware: "FirmwareV3", arguments: list[str]) -> None:
    port = _port(arguments[0]) if len(arguments) in {1, 2} else None
    if port is None:
        return
    if len(arguments) == 1:
        firmware.usb.println(firmware.ports[port].next_medium())
    elif arguments[1] in MEDIA:
        firmware.ports[port].force_medium(arguments[1])
        firmware.usb.println(f"set {arguments[1]}")
    else:
        firmware.usb.println("invalid media")


def _start(firmware: "FirmwareV3", arguments: list[str]) -> None:
    port = _only_port(arguments)
    if port is not None:
        firmware.request_start(port)


def _stop(firmware: "FirmwareV3", arguments: list[str]) -> None:
    port = _port(arguments[0]) if arguments else None
    if port is None:
        return
    if len(arguments) <= 2:  # noqa: PLR2004 - port and grace
        grace_s = _grace_s(arguments[1]) if len(arguments) > 1 else STOP_GRACE_S
        firmware.ports[port].set_stop_timeout(grace_s, firmware.command)
        firmware.ports[port].stop(firmware.command)


def _ping(firmware: "FirmwareV3", arguments: list[str]) -> Program:
    port = _only_port(arguments)
    if port is not None:
        yield from firmware.ports[port].heartbeat()


def _enable(firmware: "FirmwareV3", arguments: list[str]) -> None:
    for port in map(_port, arguments):
        if port is not None:
            firmware.ports[port].enable(firmware.command)


def _disable(firmware: "FirmwareV3", arguments: list[str]) -> Program:
    for port in map(_port, arguments):
        if port is not None:
            yield from firmware.ports[port].disable(firmware.command)


def _watch(firmware: "FirmwareV3", arguments: list[str]) -> None:
    port = _port(arguments[0]) if len(arguments) == 3 else None  # noqa: PLR2004 - port, what, t or f
    if port is None:
        return
    if arguments[1] == "hb":
        firmware.ports[port].watch_heartbeat = arguments[2] == "t"
    elif arguments[1] != "cu":  # the firmware's test is the wrong way round
        firmware.ports[port].watch_current = arguments[2] == "t"
    firmware.ports[port].rearm()


COMMANDS: dict[str, Command] = {
    "rtc": _rtc,
    "ping": _ping,
    "start": _start,
    "stop": _stop,
    "reset": _reset,
    "id": _id,
    "cu": _cu,
    "hb": _hb,
    "env": _env,
    "bs": _bs,
    "th": _th,
    "date": _date,
    "bf": _bf,
    "fc": _fc,
    "up": _up,
    "enable": _enable,
    "disable": _disable,
    "watch": _watch,
    "log": _log,
    "eereset": _eereset,
    "boots": _boots,
    "ver": _ver,
    "blf": _blf,
}
