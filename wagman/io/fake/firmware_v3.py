"""The v3 firmware: set-up and the main loop.

The loop is written down as the firmware has it, but passes in which nothing would happen are not run: `_rest` sleeps
through them and takes up the pass that is in progress when something is due, at the place where the loop then is.
"""

from collections.abc import Generator
from math import floor, inf
from typing import ClassVar

from attrs import define, field

from wagman.config.schema import MEDIA, PORTS
from wagman.io.fake.clock import BoardClock, Program
from wagman.io.fake.faults import Faults
from wagman.io.fake.hardware import By, Hardware
from wagman.io.fake.usb import Usb
from wagman.io.fake.v3_commands import BUILD_TIME_S, execute
from wagman.io.fake.v3_port import Kernel, Port, State
from wagman.io.fake.v3_report import log_boots, report
from wagman.io.fake.v3_sensors import THERMISTOR_READ_S, Sensors
from wagman.io.fake.v3_text import LineBuffer, words

USB_DELAY_S = 4.0  # set-up begins with waiting
LIGHTS_S = 3.2
EEPROM_INIT_S = 1.5
WIRE_INIT_S = 0.6
POST_READ_S = 0.09  # set-up's check of one sensor, beside the reading itself

LOOP_DELAY_S = 0.2
REPORT_EVERY_S = 60.0
AUTO_START_S = 60.0
INPUT_PER_LOOP = 240
WATCHDOG_S = 8.2  # nominally 8 s (captured from the reply to the loss of the tty)

_SLACK_S = 1e-9  # how far a pass that was not run may be off by rounding


@define(eq=False)
class FirmwareV3:
    """One run of the firmware, from its start to the watchdog."""

    clock: BoardClock
    hardware: Hardware
    usb: Usb
    faults: Faults
    idle: bool = field(init=False, default=False)  # it sleeps through passes without effect: input wakes it
    kernel: Kernel = field(init=False)
    sensors: Sensors = field(init=False)
    ports: tuple[Port, ...] = field(init=False, default=())
    boot_flags: frozenset[str] = field(init=False, default=frozenset())
    wanted_start: int | None = field(init=False, default=0)  # one slot; the node controller is the first
    wanted_by: By = field(init=False, default="board")
    setup_time_s: int = field(init=False, default=0)
    _reset_at_s: float = field(init=False, default=inf)
    _report_timer_s: float = field(init=False, default=0.0)
    _pass_at_s: float = field(init=False, default=0.0)  # when the pass at hand began, or the next one will
    _lines: LineBuffer = field(init=False, factory=LineBuffer)

    tty_after_reset_s: ClassVar[float] = 12.1  # captured: tty gone 8.2 s after the reply, back after 20.3 s
    tty_after_power_on_s: ClassVar[float] = 12.0
    relays_lost_in_reset: ClassVar[tuple[int, ...]] = (
        1,
        2,
        3,
        4,
    )  # the node controller's is latched (inferred from pins, bootloader and README)

    def __attrs_post_init__(self) -> None:
        self.kernel = Kernel(self.clock, self.hardware, self.usb)
        self.sensors = Sensors(self.clock, self.hardware)

    @staticmethod
    def bootload(hardware: Hardware) -> None:
        """What the bootloader does before the firmware: it may be told to power the node controller."""
        mode = hardware.eeprom.bootloader
        if mode in MEDIA:
            hardware.select(0, mode)
            hardware.set_relay(0, "board", on=True)

    def main(self, boot_flags: frozenset[str]) -> Program:
        """Run until the watchdog resets the board."""
        yield from self._set_up(boot_flags)
        while self.clock.now_s < self._reset_at_s:
            yield from self._rest()
            yield from self._pass()
        yield self.clock.now_s + WATCHDOG_S

    def poke(self) -> None:
        """The world changed under the board: what was worked out ahead no longer holds."""
        for port in self.ports:
            port.rearm()

    def request_reset(self, after_s: float) -> None:
        """Start nothing any more, and wait for the watchdog `after_s` from now."""
        self._reset_at_s = self.clock.now_s + after_s

    # --- Set-up --------------------------------------------------------------------------------------------------

    def _set_up(self, boot_flags: frozenset[str]) -> Program:
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
        self.kernel.start_timer_s = self._report_timer_s = self._pass_at_s = self.clock.now_s
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
        """A port whose switching the board did not survive is suspected of having caused it."""
        journal = self.hardware.eeprom.journal
        if not journal[port.number].startswith("turning"):
            return
        journal[port.number] = "off"
        yield from port.disable("board") if self.lost_power else port.kill("board")

    # --- The loop ------------------------------------------------------------------------------------------------

    def _rest(self) -> Program:
        """Let passes without effect go by."""
        began_s = self._pass_at_s
        while (due_s := max(self._due_s(), began_s)) > self.clock.now_s:
            self.idle = True
            yield due_s
            self.idle = False
        pass_s = LOOP_DELAY_S + sum(self.sensors.current_read_s(number) for number in PORTS)
        self._pass_at_s = began_s + floor((self.clock.now_s - began_s + _SLACK_S) / pass_s) * pass_s

    def _due_s(self) -> float:
        """When the loop has something to do, as things stand; a time in the past says at once."""
        if self.usb.arrived:
            return 0.0
        due_s = min(self._report_timer_s + REPORT_EVERY_S, self._reset_at_s, self._start_due_s())
        for port in self.ports:
            due_s = min(due_s, port.due_s)
        return due_s

    def _start_due_s(self) -> float:
        if self.is_resetting:
            return inf
        if self.wanted_start is not None:
            return 0.0
        if any(port.state is State.STOPPED for port in self.ports):
            return self.kernel.start_timer_s + AUTO_START_S
        return inf

    @property
    def is_resetting(self) -> bool:
        """Whether a reset has been asked for."""
        return self._reset_at_s < inf

    def _pass(self) -> Program:
        """One pass of the loop, from where it is now: what lies before went by without effect."""
        entered_s = self.clock.now_s - _SLACK_S
        at_s = self._pass_at_s
        if at_s >= entered_s and not self.is_resetting:
            yield from self._start_next()
            at_s = self.clock.now_s
        for port in self.ports:
            at_s = yield from self._update(port, at_s, entered_s)
        if at_s >= entered_s:
            yield at_s
            yield from self._take_commands()
            if self.clock.now_s >= self._report_timer_s + REPORT_EVERY_S:
                self._report_timer_s = self.clock.now_s
                yield from report(self.kernel, self.sensors, self.ports)
            at_s = self.clock.now_s
        self._pass_at_s = at_s + LOOP_DELAY_S

    def _update(self, port: Port, at_s: float, entered_s: float) -> Generator[float, None, float]:
        """One port's share of a pass that reaches it at `at_s`; returns when it is done."""
        if port.due_s <= at_s and at_s >= entered_s:
            yield at_s
            yield from port.update_heartbeat()
            at_s = self.clock.now_s
        at_s += self.sensors.current_read_s(port.number)
        if port.due_s <= at_s and at_s >= entered_s:
            yield at_s
            yield from port.update_state()
            at_s = self.clock.now_s
        return at_s

    def _start_next(self) -> Program:
        if self.wanted_start is not None:
            self.kernel.start_timer_s = self.clock.now_s
            number, self.wanted_start = self.wanted_start, None
            yield from self.ports[number].start(self.wanted_by)
        elif self.clock.now_s >= self.kernel.start_timer_s + AUTO_START_S:
            yield from self._auto_start()

    def _auto_start(self) -> Program:
        port = next((port for port in self.ports if port.state is State.STOPPED), None)
        if port is None:
            return
        self.kernel.start_timer_s = self.clock.now_s
        yield from port.start("board")
        log_boots(self.kernel, self.hardware.eeprom.boot_logs[port.number])

    # --- Commands ------------------------------------------------------------------------------------------------

    def _take_commands(self) -> Program:
        allowance = INPUT_PER_LOOP
        while True:
            line, allowance = self._lines.take(self.usb.arrived, allowance)
            if line is None:
                return
            yield from self._process(words(line))

    def _process(self, line: list[str]) -> Program:
        if not line or self.faults.drops_command():
            return
        if self.faults.slow_s:
            yield self.clock.now_s + self.faults.slow_s
        yield from execute(self, line)

    def request_start(self, port: int) -> None:
        """Start this port in the next pass; a request that is still waiting is forgotten."""
        self.wanted_start, self.wanted_by = port, "command"
