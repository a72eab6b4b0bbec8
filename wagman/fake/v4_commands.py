"""The requests of the v4 firmware, one small function each.

The sub_id names the port, with an offset that differs between requests. Each function gets the firmware and the sensorgram, and
returns the value of the reply, at once or after a while. Unknown requests are answered with a bare LF.
"""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, TypeAlias

from wagman.config.wagman import MEDIA, PORTS, SELECTOR_PORTS
from wagman.fake.clock import Program
from wagman.fake.hardware import Cause
from wagman.fake.v4_lines import meaning, meanings, reply, sensorgrams
from wagman.fake.v4_port import CURRENT_READ_S
from wagman.io.v4.codec import BYTES, Sensorgram, Value, encode

if TYPE_CHECKING:
    from wagman.fake.firmware_v4 import FirmwareV4

Answer: TypeAlias = Generator[float, None, int | Value]
Command: TypeAlias = "Callable[[FirmwareV4, Sensorgram], Answer]"

BOARD_ID = bytes.fromhex("0004a30b003d70c6")
NO_ID = b"\xff" * len(BOARD_ID)
PING_S = 0.05  # it blinks (firmware)
NO_MEDIA = 255
MEDIA_BY_NUMBER = ("sd", "emmc")
HEARTBEAT = 0xC002
_LONG = 0x1_0000_0000


def execute(firmware: "FirmwareV4", line: bytes) -> Program:
    """Answer the sensorgrams of a line, a line each."""
    for asked in sensorgrams(line):
        if asked.id not in COMMANDS:
            firmware.usb.print("\n")
            continue
        reply_id, command = COMMANDS[asked.id]
        firmware.command = Cause("command", firmware.usb.genuine(meaning(asked), meanings))
        value = yield from command(firmware, asked)
        sub_id = asked.sub_id if asked.id not in ABOUT_NO_PORT else 1
        answer = reply(reply_id, firmware.faults.reply_sub_id(sub_id), value)
        tells = [asked.sub_id - 1] if asked.id == HEARTBEAT and answer.sub_id == sub_id else []
        firmware.usb.print(encode([answer]).decode(), *tells, is_checked=True)
        if asked.id in WITH_ARGUMENT and argument(asked) is None:
            return  # reading the argument has spoilt the decoder


def argument(asked: Sensorgram) -> int | None:
    """Return the first value if it is an unsigned number, else None."""
    return Sensorgram(0, 0, asked.values[:1]).number


def _counted(function: "Callable[[FirmwareV4, Sensorgram], int | Value]") -> Command:
    """Make a command of a function that answers at once."""

    def command(firmware: "FirmwareV4", asked: Sensorgram) -> Answer:
        yield from ()
        return function(firmware, asked)

    return command


# --- The board itself -------------------------------------------------------------------------------------------------


def board_id(firmware: "FirmwareV4") -> Value:
    """Return the clock chip's id."""
    return Value(BYTES, BOARD_ID if firmware.hardware.tells_id else NO_ID)


def _uptime(firmware: "FirmwareV4", _asked: Sensorgram) -> int:
    return int(firmware.uptime_s)


def _reset(firmware: "FirmwareV4", _asked: Sensorgram) -> int:
    firmware.request_reset(0.0)
    return 1


def _eereset(firmware: "FirmwareV4", _asked: Sensorgram) -> int:
    firmware.hardware.eeprom.magic = False
    return 1


# --- Readings ---------------------------------------------------------------------------------------------------------


def current(firmware: "FirmwareV4", sub_id: int) -> Generator[float, None, int]:
    """Read raw counts: of the board (1) or of a port (2 to 6)."""
    if not 1 <= sub_id <= len(PORTS) + 1:
        return 0
    yield firmware.clock.now_s + CURRENT_READ_S
    return firmware.system_counts() if sub_id == 1 else firmware.counts(sub_id - 2)


def _current(firmware: "FirmwareV4", asked: Sensorgram) -> Answer:
    return (yield from current(firmware, asked.sub_id))


def _heartbeat(firmware: "FirmwareV4", asked: Sensorgram) -> int:
    port = asked.sub_id - 1
    return int(firmware.ports[port].heartbeat_age_s() * 1000) % _LONG if port in PORTS else 0


def failures(firmware: "FirmwareV4", sub_id: int) -> int:
    """Return the heartbeat time-outs of a port; here the sub_id is the port."""
    return firmware.hardware.eeprom.failures[sub_id] if sub_id in PORTS else 0


def thermistor(firmware: "FirmwareV4", sub_id: int) -> int:
    """Return raw counts of a port's thermistor; here, too, the sub_id is the port."""
    return firmware.hardware.thermistors[sub_id] if sub_id in PORTS else 0


def _state(firmware: "FirmwareV4", asked: Sensorgram) -> int:
    port = asked.sub_id - 1
    return firmware.ports[port].state.value if port in PORTS else 0


# --- Ports ------------------------------------------------------------------------------------------------------------


def _start(firmware: "FirmwareV4", asked: Sensorgram) -> int:
    port = asked.sub_id - 1
    if port in PORTS:
        firmware.request_start(port)
    return int(port in PORTS)


def _stop(firmware: "FirmwareV4", asked: Sensorgram) -> Answer:
    port, grace_s = asked.sub_id - 1, argument(asked)
    if grace_s is None or port not in PORTS:
        return 0
    firmware.ports[port].set_stop_timeout(grace_s * 1000 % _LONG / 1000, firmware.command)
    yield from firmware.ports[port].stop_or_kill(firmware.command)
    return 1


def _enable(firmware: "FirmwareV4", asked: Sensorgram) -> int:
    port = asked.sub_id - 1
    if port in PORTS:
        firmware.ports[port].enable(firmware.command)
    return int(port in PORTS)


def _ping(firmware: "FirmwareV4", asked: Sensorgram) -> Answer:
    port = asked.sub_id - 1
    if port not in PORTS:
        return 0
    yield from firmware.ports[port].heartbeat()
    yield firmware.clock.now_s + PING_S
    return 1


def _get_media(firmware: "FirmwareV4", asked: Sensorgram) -> int:
    port = asked.sub_id - 1
    return MEDIA_BY_NUMBER.index(firmware.ports[port].next_medium()) if port in SELECTOR_PORTS else NO_MEDIA


def _set_media(firmware: "FirmwareV4", asked: Sensorgram) -> int:
    port, medium = asked.sub_id - 1, argument(asked)
    if port not in SELECTOR_PORTS or medium is None or medium >= len(MEDIA):
        return 0
    firmware.ports[port].force_medium(MEDIA_BY_NUMBER[medium])
    return 1


COMMANDS: dict[int, tuple[int, Command]] = {
    0xC000: (0xFF1A, _counted(lambda firmware, _asked: board_id(firmware))),
    0xC001: (0xFF06, _current),
    HEARTBEAT: (0xFF09, _counted(_heartbeat)),
    0xC003: (0xFF10, _counted(lambda firmware, asked: thermistor(firmware, asked.sub_id))),
    0xC004: (0xFF14, _counted(_uptime)),
    0xC005: (0xFF1A, _counted(lambda firmware, _asked: firmware.hardware.eeprom.boots)),
    0xC006: (0xFF05, _counted(lambda firmware, asked: failures(firmware, asked.sub_id))),
    0xC007: (0xFF0B, _counted(_start)),
    0xC008: (0xFF0A, _stop),
    0xC009: (0xC009, _counted(_reset)),
    0xC00A: (0xC00A, _counted(_eereset)),
    0xC00B: (0xFF1F, _counted(_state)),
    0xC00C: (0xFF20, _counted(_enable)),
    0xC00D: (0xFF21, _counted(_get_media)),
    0xC00E: (0xFF22, _counted(_set_media)),
    0xFF1E: (0xFF1E, _ping),
}
"""The id of the reply, and the function, by the id of the request; the board has its own numbers, not those of its client."""

ABOUT_NO_PORT = frozenset({0xC000, 0xC004, 0xC005, 0xC009, 0xC00A})
"""Requests whose replies always carry sub_id 1."""

WITH_ARGUMENT = frozenset({0xC008, 0xC00E})
