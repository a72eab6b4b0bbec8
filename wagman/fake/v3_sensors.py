"""How the v3 firmware reads its sensors: the values, and how long that blocks it."""

from collections.abc import Generator
from typing import TypeAlias

from attrs import define

from wagman.fake.clock import BoardClock
from wagman.fake.hardware import Hardware

BOARD_ID = "A30B003D70C6"
NO_ID = "F" * len(BOARD_ID)

CURRENT_READ_S = 0.0257  # captured: the currents of a report are 25.7 ms apart
DEAD_CURRENT_READ_S = 0.1
DEAD_CURRENT = 0xFFFF
THERMISTOR_READ_S = 0.08
DEAD_THERMISTOR = 2047
ENVIRONMENT_READ_S = 0.056
DEAD_TEMPERATURE_READ_S = 0.156
DEAD_HUMIDITY_READ_S = 0.556
DEAD_ENVIRONMENT = 998
BAD_CHECKSUM = 999

Reading: TypeAlias = Generator[float, None, int]
"""A sensor being read: yields the times it waits until, returns the value."""


@define(eq=False, repr=False)
class Sensors:
    """The sensors, as the firmware reads them."""

    clock: BoardClock
    hardware: Hardware

    def current_read_s(self, port: int) -> float:
        """Return how long reading a port's current takes."""
        return DEAD_CURRENT_READ_S if f"cu{port}" in self.hardware.dead_sensors else CURRENT_READ_S

    def current(self, port: int) -> Reading:
        """Read a port's current in mA; 65535 when the sensor does not answer."""
        yield self.clock.now_s + self.current_read_s(port)
        current_ma = self.hardware.current_ma(port)
        return DEAD_CURRENT if current_ma is None else current_ma

    def system_current(self) -> Reading:
        """Read the current of board and guests in mA; 65535 when the sensor does not answer."""
        current_ma = self.hardware.system_current_ma()
        yield self.clock.now_s + (DEAD_CURRENT_READ_S if current_ma is None else CURRENT_READ_S)
        return DEAD_CURRENT if current_ma is None else current_ma

    def thermistor(self, port: int) -> Reading:
        """Read a port's thermistor, raw.

        Port 0 is on the microcontroller's own converter: read at once, whatever the other one does.
        """
        if port:
            yield self.clock.now_s + THERMISTOR_READ_S
            if "th" in self.hardware.dead_sensors:
                return DEAD_THERMISTOR
        return self.hardware.thermistors[port]

    def temperature(self) -> Reading:
        """Read the enclosure's temperature, raw; 998 when the sensor does not answer, 999 when its checksum is wrong."""
        if "env" in self.hardware.dead_sensors:
            yield self.clock.now_s + DEAD_TEMPERATURE_READ_S
            return DEAD_ENVIRONMENT
        yield self.clock.now_s + ENVIRONMENT_READ_S
        return self._checked(self.hardware.temperature_raw)

    def humidity(self) -> Reading:
        """Read the enclosure's humidity, raw; 998 when the sensor does not answer, 999 when its checksum is wrong."""
        if "env" in self.hardware.dead_sensors:
            yield self.clock.now_s + DEAD_HUMIDITY_READ_S
            return DEAD_ENVIRONMENT
        yield self.clock.now_s + ENVIRONMENT_READ_S
        return self._checked(self.hardware.humidity_raw)

    def _checked(self, raw: int) -> int:
        """Return the reading, or 999 if its checksum is wrong."""
        return BAD_CHECKSUM if "checksum" in self.hardware.dead_sensors else raw

    def rtc_s(self) -> int:
        """Return the time of the board's clock in seconds since 1970; 0 when the chip does not answer."""
        return self.hardware.rtc.seconds(self.clock.now_s)

    def date_text(self) -> str:
        """Return the time of the board's clock as a date, without leading zeros."""
        return " ".join(str(part) for part in self.hardware.rtc.date(self.clock.now_s))

    def id_text(self) -> str:
        """Return the board's id, which is the clock chip's."""
        return BOARD_ID if self.hardware.tells_id else NO_ID
