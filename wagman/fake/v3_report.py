"""What the v3 firmware logs by itself: the minute report, and the boots at an automatic start."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from wagman.config.wagman import SELECTOR_PORTS
from wagman.fake.clock import Program
from wagman.fake.v3_port import Kernel, Port
from wagman.fake.v3_sensors import Reading, Sensors

PAUSE_S = 0.05
"""The pause between two lines of the report (firmware)."""

HASTY_BOOT_S = 200
"""Boots whose mean distance is shorter are marked (firmware)."""

_LONG = 0x1_0000_0000
_SHOWN_DELTAS = 3


def report(kernel: Kernel, sensors: Sensors, ports: Sequence[Port]) -> Program:
    """Print the minute report. With logging off the id and the date still get out, glued together (firmware)."""
    clock, eeprom = kernel.clock, kernel.hardware.eeprom
    kernel.log_part("log: id ")
    kernel.usb.print(sensors.id_text())
    kernel.log_part("\r\n")
    yield clock.now_s + PAUSE_S
    kernel.log_part("log: date ")
    kernel.usb.println(sensors.date_text())
    yield clock.now_s + PAUSE_S
    readings = [sensors.system_current(), *(sensors.current(port.number) for port in ports)]
    yield from _values(kernel, "cu", readings, "{}", " ")
    yield from _values(kernel, "th", [sensors.thermistor(port.number) for port in ports], "{} ")
    yield from _values(kernel, "env", [sensors.temperature(), sensors.humidity()], "{}.00", " ")
    kernel.log("fails", _listed(eeprom.failures))
    yield clock.now_s + PAUSE_S
    kernel.log("enabled", _listed(int(port.enabled) for port in ports))
    yield clock.now_s + PAUSE_S
    kernel.log("media", _listed(ports[number].next_medium() for number in SELECTOR_PORTS))


def _listed(values: Iterable[object]) -> str:
    return "".join(f"{value} " for value in values)


def _values(kernel: Kernel, topic: str, readings: Sequence[Reading], shape: str, between: str = "") -> Program:
    """Print a line whose values leave as they are read."""
    kernel.log_part(f"log: {topic} ")
    for index, reading in enumerate(readings):
        kernel.log_part(between if index else "")
        value = yield from reading
        kernel.log_part(shape.format(value))
    kernel.log_part("\r\n")
    yield kernel.clock.now_s + PAUSE_S


def log_boots(kernel: Kernel, boots_s: Sequence[int]) -> None:
    """Log when a port was started, oldest first, and how long it lasted."""
    kernel.log("bootlog", "".join(f" {at_s}" for at_s in boots_s))
    if len(boots_s) > 1:
        deltas_s = [(after - before) % _LONG for before, after in pairwise(boots_s)][:_SHOWN_DELTAS]
        kernel.log("bootdt", "".join(f" {delta_s}" for delta_s in deltas_s) + (" !" if _mean_s(boots_s) < HASTY_BOOT_S else ""))


def _mean_s(boots_s: Sequence[int]) -> int:
    """Return the firmware's mean time between boots: it divides by the number of boots, not of the gaps between them."""
    first = boots_s[:3]
    return (first[-1] - first[0]) % _LONG // len(first)
