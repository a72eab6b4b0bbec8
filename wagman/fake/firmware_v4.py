"""The v4 firmware: set-up, and what its main loop does with requests, pings of the guests, and the minute report."""

from math import inf
from typing import ClassVar

from attrs import define, field

from wagman.config.wagman import PORTS, SELECTOR_PORTS
from wagman.fake.clock import Program
from wagman.fake.guests import Guest
from wagman.fake.hardware import BOARD, Hardware
from wagman.fake.main_loop import MainLoop
from wagman.fake.v4_commands import PING_S, board_id, current, execute, failures, thermistor
from wagman.fake.v4_lines import Base64Stream, LineBuffer, reply
from wagman.fake.v4_port import CURRENT_READ_S, PASS_S, PIN_PORT, Pin, PortV4

SET_UP_S = 0.75  # captured: the first answer comes 2.6 s after the start, or 3.7 s where the EEPROM is initialised
EEPROM_INIT_S = 1.1

UART_PORTS = (0, 1, 2)
"""Ports with a serial line of their own, over which the guest may ping."""

ONLY_LINE = 1
"""The port whose guest can only be heard over its line, and so is assumed to use it. (Port 0 is the controller's.)"""

UART_PINGS = 5
"""How many pings fit into the ring that holds them while the board is busy (firmware: 127 bytes)."""

IDLE_COUNTS = 12  # captured: a port that is off
COUNTS_PER_MA = 3.1  # captured: 1500 counts with a guest at what the model calls 480 mA
BOARD_COUNTS = 460  # captured: 1948 in all with one such guest
FIRST_VOLTAGE = 2500  # captured: 2500 to 2504 on ports 0 to 4
HUMIDITY_BIT = 0b10  # the sensor's own mark, not cleared (captured)
SENSOR_READ_S = 0.056  # captured: temperature and humidity leave 56 ms apart


@define
class Uart:
    """A guest's pings over its own serial line; those sent while the board was down are lost."""

    port: int
    guest: Guest
    in_use: bool = False  # the guest pings
    _heard: int = 0

    def clear(self, now_s: float) -> None:
        """Forget all pings so far: the board starts."""
        self._heard = self.guest.beats(now_s)
        self.in_use = self.port == ONLY_LINE if self.guest.spec.line is None else self.guest.spec.line

    def poke(self, now_s: float) -> None:
        """Take in that the guest has begun or ceased to use its line."""
        if self.guest.spec.line not in (None, self.in_use):
            self.clear(now_s)

    def due_s(self) -> float:
        """Return when the next ping comes."""
        return self.guest.beat_at_s(self._heard + 1) if self.in_use else inf

    def take(self, now_s: float) -> int:
        """Return how many pings wait to be read, and take them."""
        waiting, self._heard = self.guest.beats(now_s) - self._heard, self.guest.beats(now_s)
        return min(waiting, UART_PINGS) if self.in_use else 0


@define(eq=False, repr=False)
class FirmwareV4(MainLoop):
    """One run of the firmware, from its start to the watchdog."""

    ports: "tuple[PortV4, ...]" = field(init=False, default=())
    _began_s: float = field(init=False, default=0.0)
    _lines: LineBuffer = field(init=False, factory=LineBuffer)
    _uarts: tuple[Uart, ...] = field(init=False, default=())

    watchdog_s: ClassVar[float] = 15.6  # nominally 16 s (captured from the reply to the loss of the tty)
    tty_after_reset_s: ClassVar[float] = 0.3  # the port belongs to the microcontroller (chosen; it is there before the answers)
    tty_after_power_on_s: ClassVar[float] = 0.3
    relays_lost_in_reset: ClassVar[tuple[int, ...]] = ()  # all are latched (pins and README, not seen on hardware)

    @staticmethod
    def bootload(hardware: Hardware) -> None:
        """Set the selectors' pins low, where they stay until the firmware moves them; leave the ports alone (read)."""
        for selector in SELECTOR_PORTS:
            hardware.select(selector, "sd")

    def offsets_s(self) -> tuple[float, ...]:
        """See `MainLoop`. Each port takes one reading, the lamps take another five and a pause."""
        ports_s = [index * CURRENT_READ_S for index in range(len(PORTS) + 1)]
        return (0.0, *ports_s, PASS_S)

    @property
    def uptime_s(self) -> float:
        """The time since the firmware started."""
        return self.clock.now_s - self._began_s

    # --- Set-up --------------------------------------------------------------------------------------------------

    def set_up(self, boot_flags: frozenset[str]) -> Program:  # noqa: ARG002 - this firmware does not know why it starts
        """Look after the EEPROM, and start the node controller, which the first pass does again."""
        hardware, eeprom = self.hardware, self.hardware.eeprom
        self._began_s = self.clock.now_s - self.tty_after_reset_s
        yield self.clock.now_s + SET_UP_S - self.tty_after_reset_s
        if not eeprom.magic:
            eeprom.format()
            yield self.clock.now_s + EEPROM_INIT_S
        eeprom.last_boot_s = hardware.rtc.seconds(self.clock.now_s)
        eeprom.boots += 1
        self._listen()
        yield from self.ports[0].start(BOARD)
        self.begin_loop(PASS_S - len(PORTS) * CURRENT_READ_S)

    def _listen(self) -> None:
        """Make the ports, and what hears their guests."""
        guests, now_s = self.hardware.guests, self.clock.now_s
        pin = Pin(guests[PIN_PORT])
        pin.clear(now_s)
        self.kernel.logging = False  # compiled off
        self.ports = tuple(PortV4(number, self.kernel, pin if number == PIN_PORT else None) for number in PORTS)
        self._uarts = tuple(Uart(port, guests[port]) for port in UART_PORTS)
        for uart in self._uarts:
            uart.clear(now_s)

    def poke(self) -> None:
        """See `MainLoop`."""
        for uart in self._uarts:
            uart.poke(self.clock.now_s)
        super().poke()

    # --- Requests ------------------------------------------------------------------------------------------------

    def commands_due_s(self) -> float:
        """See `MainLoop`: when bytes of the host or pings of the guests wait."""
        return 0.0 if self.usb.arrived else min((uart.due_s() for uart in self._uarts), default=inf)

    def take_commands(self) -> Program:
        """Carry out the host's lines first, then the guests' pings."""
        while (line := self._lines.take(self.usb.arrived)) is not None:
            yield from self._process(line)
        self.usb.taken(self._lines.held)
        for uart in self._uarts:
            for _ in range(uart.take(self.clock.now_s)):
                yield from self.ports[uart.port].heartbeat()
                yield self.clock.now_s + PING_S

    def _process(self, line: bytes) -> Program:
        if not line or self.faults.drops_command():
            return
        if self.faults.slow_s:
            yield self.clock.now_s + self.faults.slow_s
        yield from execute(self, line)

    # --- Readings ------------------------------------------------------------------------------------------------

    def counts(self, port: int) -> int:
        """Return a port's current in raw counts; 0 when the converter does not answer."""
        current_ma = self.hardware.current_ma(port)
        return 0 if current_ma is None else IDLE_COUNTS + round(COUNTS_PER_MA * current_ma)

    def system_counts(self) -> int:
        """Return the current of board and guests in raw counts; 0 when the converter does not answer."""
        if "system" in self.hardware.dead_sensors:
            return 0
        guests_ma = sum(guest.current_ma(self.clock.now_s) for guest in self.hardware.guests)
        return BOARD_COUNTS + round(COUNTS_PER_MA * guests_ma)

    def report(self) -> Program:
        """Print the minute report: one long line whose pieces leave as they are read. Sub_ids begin with 1 for every reading."""
        line = Base64Stream()
        self.usb.print(line.add(reply(0xFF1A, 1, board_id(self))))
        for sub_id in range(1, len(PORTS) + 2):
            self.usb.print(line.add(reply(0xFF06, sub_id, (yield from current(self, sub_id)))))
        numbers = [port + 1 for port in PORTS]
        for sensorgram in (
            *(reply(0xFF05, number, failures(self, number)) for number in numbers),
            *(reply(0xFF08, number, FIRST_VOLTAGE + number - 1) for number in numbers),
            *(reply(0xFF10, number, thermistor(self, number)) for number in numbers),
        ):
            self.usb.print(line.add(sensorgram))
        if not {"env", "checksum"} & self.hardware.dead_sensors:
            for sub_id, raw in ((1, self.hardware.temperature_raw), (2, self.hardware.humidity_raw | HUMIDITY_BIT)):
                yield self.clock.now_s + SENSOR_READ_S
                self.usb.print(line.add(reply(0x0002, sub_id, raw, source_id=0)))
        self.usb.print(line.close())
