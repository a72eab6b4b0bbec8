"""The v3 firmware: set-up and the main loop.

A pass of the firmware's loop is: perhaps a start; for each port its heartbeat and timers, then the reading of its
current; commands, the minute report, the end of a reset; a pause. Passes without effect are not run, they are reckoned:
whatever has become due happens when the loop would get to the stage that looks at it.
"""

from itertools import accumulate
from math import ceil, inf
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

START, COMMANDS = 0, len(PORTS) + 1
"""The first and the last stage of a pass; those between are the ports'."""

_SLACK_S = 1e-9  # how far a reckoned time may be off by rounding


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
    _stage: int = field(init=False, default=COMMANDS)  # the stage of the loop that was run last
    _stage_at_s: float = field(init=False, default=0.0)  # when it was done
    _offsets_s: tuple[float, ...] = field(init=False, default=())  # of each stage in a pass, and of the next pass
    _lines: LineBuffer = field(init=False, factory=LineBuffer)

    tty_after_reset_s: ClassVar[float] = 12.1  # captured: tty gone 8.2 s after the reply, back after 20.3 s
    tty_after_power_on_s: ClassVar[float] = 12.0
    relays_lost_in_reset: ClassVar[tuple[int, ...]] = (1, 2, 3, 4)  # the other is latched (inferred from pins, bootloader)

    def __attrs_post_init__(self) -> None:
        self.kernel = Kernel(self.clock, self.hardware, self.usb)
        self.sensors = Sensors(self.clock, self.hardware)
        self._measure_pass()

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
        yield from self._loop()
        yield self.clock.now_s + WATCHDOG_S

    def poke(self) -> None:
        """The world changed under the board: what was worked out ahead no longer holds."""
        self._measure_pass()
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
        self.kernel.start_timer_s = self._report_timer_s = self.clock.now_s
        self._stage_at_s = self.clock.now_s - LOOP_DELAY_S  # as if a pass had just ended
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

    def _loop(self) -> Program:
        """Run the stages of the loop in which something happens, each when the loop would get to it; sleep otherwise."""
        while True:
            at_s, stage = min(self._reached_s(stage, due_s) for stage, due_s in enumerate(self._due_s()) if due_s < inf)
            if at_s > self.clock.now_s:
                self.idle = True
                yield at_s
                self.idle = False
            if at_s > self.clock.now_s:
                continue  # woken by input or by a change of the world: look again
            yield from self._run_stage(stage)
            self._stage, self._stage_at_s = stage, self.clock.now_s
            if stage == COMMANDS and self.clock.now_s >= self._reset_at_s:
                return

    def _due_s(self) -> tuple[float, ...]:
        """For each stage, since or from when there is something to do in it, as things stand."""
        commands_s = 0.0 if self.usb.arrived else min(self._report_timer_s + REPORT_EVERY_S, self._reset_at_s)
        return (self._start_due_s(), *(port.due_s for port in self.ports), commands_s)

    def _reached_s(self, stage: int, due_s: float) -> tuple[float, int]:
        """When the loop gets to this stage, not before `due_s` and not again in the pass at hand."""
        offset_s = self._offsets_s[stage] - self._offsets_s[self._stage]
        if stage <= self._stage:
            offset_s += self._offsets_s[-1]
        first_s = self._stage_at_s + offset_s
        passes = ceil((max(due_s, self.clock.now_s) - first_s - _SLACK_S) / self._offsets_s[-1])
        return first_s + max(0, passes) * self._offsets_s[-1], stage

    def _measure_pass(self) -> None:
        """How far into a pass each stage begins, and how long a pass is that does nothing but read the currents."""
        reads_s = [self.sensors.current_read_s(number) for number in PORTS]
        self._offsets_s = (0.0, *accumulate(reads_s, initial=0.0), sum(reads_s) + LOOP_DELAY_S)

    def _run_stage(self, stage: int) -> Program:
        if stage == START:
            yield from self._start_next()
        elif stage == COMMANDS:
            yield from self._take_commands()
            if self.clock.now_s >= self._report_timer_s + REPORT_EVERY_S:
                self._report_timer_s = self.clock.now_s
                yield from report(self.kernel, self.sensors, self.ports)
        else:
            yield from self.ports[stage - 1].update()

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
