"""The v3 firmware: its set-up, and how its main loop carries out commands."""

from itertools import accumulate
from typing import ClassVar

from attrs import define, field

from wagman.config.wagman import MEDIA, PORTS
from wagman.fake.clock import Program
from wagman.fake.hardware import BOARD, Cause, Hardware
from wagman.fake.main_loop import MainLoop
from wagman.fake.v3_commands import BUILD_TIME_S, execute
from wagman.fake.v3_port import Port
from wagman.fake.v3_report import log_boots, report
from wagman.fake.v3_sensors import THERMISTOR_READ_S, Sensors
from wagman.fake.v3_text import LineBuffer, meaning, meanings, words

USB_DELAY_S = 4.0  # set-up begins with waiting
LIGHTS_S = 3.2
EEPROM_INIT_S = 1.5
WIRE_INIT_S = 0.6
POST_READ_S = 0.09  # set-up's check of one sensor, beside the reading itself

LOOP_DELAY_S = 0.2
INPUT_PER_LOOP = 240


@define(eq=False, repr=False)
class FirmwareV3(MainLoop):
    """One run of the firmware, from its start to the watchdog."""

    sensors: Sensors = field(init=False)
    boot_flags: frozenset[str] = field(init=False, default=frozenset())
    setup_time_s: int = field(init=False, default=0)
    _lines: LineBuffer = field(init=False, factory=LineBuffer)

    watchdog_s: ClassVar[float] = 8.2  # nominally 8 s (captured from the reply to the loss of the tty)
    stalls: ClassVar[bool] = True
    tty_after_reset_s: ClassVar[float] = 12.1  # captured: tty gone 8.2 s after the reply, back after 20.3 s
    tty_after_power_on_s: ClassVar[float] = 12.0
    relays_lost_in_reset: ClassVar[tuple[int, ...]] = (1, 2, 3, 4)  # the other is latched (inferred from pins, bootloader)

    def begin(self) -> None:
        """Prepare the sensors."""
        self.sensors = Sensors(self.clock, self.hardware)

    @staticmethod
    def bootload(hardware: Hardware) -> None:
        """Power the node controller before the firmware starts, if the EEPROM says so."""
        mode = hardware.eeprom.bootloader
        if mode in MEDIA:
            hardware.select(0, mode)
            hardware.set_relay(0, "board", on=True)

    def offsets_s(self) -> tuple[float, ...]:
        """See `MainLoop`. A port takes as long as reading its current."""
        reads_s = [self.sensors.current_read_s(number) for number in PORTS]
        return (0.0, *accumulate(reads_s, initial=0.0), sum(reads_s) + LOOP_DELAY_S)

    # --- Set-up --------------------------------------------------------------------------------------------------

    def set_up(self, boot_flags: frozenset[str]) -> Program:
        """Wait for the host, look after the EEPROM, check the sensors, finish what was under way."""
        hardware, eeprom = self.hardware, self.hardware.eeprom
        self.boot_flags = boot_flags
        yield self.clock.now_s + USB_DELAY_S + LIGHTS_S
        if not eeprom.magic:
            eeprom.format()
            yield self.clock.now_s + EEPROM_INIT_S
        yield self.clock.now_s + WIRE_INIT_S
        for pin in hardware.inputs:
            pin.clear(self.clock.now_s)
        self.setup_time_s = eeprom.last_boot_s = self.sensors.rtc_s()
        eeprom.boots += 1
        if self.lost_power:
            yield from self._check_sensors()
        self.ports = tuple(Port(number, self.kernel) for number in PORTS)
        for port in self.ports:
            yield from self._finish_switching(port)
        self.begin_loop(LOOP_DELAY_S)
        if self.sensors.rtc_s() < BUILD_TIME_S:
            hardware.rtc.set(BUILD_TIME_S, self.clock.now_s)

    @property
    def lost_power(self) -> bool:
        """Whether this boot follows a power-on or a brownout."""
        return not self.boot_flags.isdisjoint({"PORF", "BORF"})

    def _check_sensors(self) -> Program:
        for number in PORTS:
            tries = 1 if self.hardware.current_ma(number) is not None else 3
            yield self.clock.now_s + tries * (POST_READ_S + self.sensors.current_read_s(number))
            if tries > 1:
                self.kernel.log("post", f"current sensor {number} out of range.")
        yield self.clock.now_s + len(PORTS) * POST_READ_S + (len(PORTS) - 1) * THERMISTOR_READ_S

    def _finish_switching(self, port: Port) -> Program:
        """Power a port off, or disable it, if the board died while switching it: it may have caused that."""
        journal = self.hardware.eeprom.journal
        if not journal[port.number].startswith("turning"):
            return
        journal[port.number] = "off"
        yield from port.disable(BOARD) if self.lost_power else port.kill(BOARD)

    # --- Commands ------------------------------------------------------------------------------------------------

    def take_commands(self) -> Program:
        """Carry out as many lines as one pass takes."""
        allowance = INPUT_PER_LOOP
        while True:
            line, allowance = self._lines.take(self.usb.arrived, allowance)
            if line is None:
                self.usb.taken(self._lines.held)
                return
            yield from self._process(words(line))

    def _process(self, line: list[str]) -> Program:
        if not line or self.faults.drops_command():
            return
        if self.faults.slow_s:
            yield self.clock.now_s + self.faults.slow_s
        self.command = Cause("command", self.usb.genuine(meaning(line), meanings))
        yield from execute(self, line)

    # --- What it tells by itself ---------------------------------------------------------------------------------

    def report(self) -> Program:
        """The minute report."""
        return report(self.kernel, self.sensors, self.ports)

    def started_by_itself(self, port: Port) -> None:
        """Log the earlier starts of the port."""
        log_boots(self.kernel, self.hardware.eeprom.boot_logs[port.number])
