"""The main loop that both firmwares share: it starts ports, looks after each of them, and carries out commands.

A pass is: perhaps a start; for each port its heartbeat and timers, with the reading of its current; commands, the minute report,
the end of a reset; a pause. Passes without effect are not run: their times are computed (see `passes`).
"""

from collections.abc import Sequence
from math import inf
from typing import ClassVar

from attrs import define, field

from wagman.config.wagman import PORTS
from wagman.fake.clock import BoardClock, Program
from wagman.fake.faults import Faults
from wagman.fake.hardware import BOARD, Cause, Hardware
from wagman.fake.passes import Passes
from wagman.fake.usb import Usb
from wagman.fake.v3_port import Kernel, Port, State

REPORT_EVERY_S = 60.0
AUTO_START_S = 60.0

START, COMMANDS = 0, len(PORTS) + 1
"""The first and the last stage of a pass; those in between are the ports'."""


@define(eq=False, repr=False)
class MainLoop:
    """One run of a firmware, from its start to the watchdog."""

    clock: BoardClock
    hardware: Hardware
    usb: Usb
    faults: Faults
    idle: bool = field(init=False, default=False)  # it sleeps through passes without effect, and input wakes it
    kernel: Kernel = field(init=False)
    ports: Sequence[Port] = field(init=False, default=())
    wanted_start: int | None = field(init=False, default=0)  # the port to start next, if any; the node controller is the first
    wanted_by: Cause = field(init=False, default=BOARD)
    command: Cause = field(init=False, default=BOARD)  # the cause of the command that is being carried out
    _reset_at_s: float = field(init=False, default=inf)
    _report_timer_s: float = field(init=False, default=0.0)
    _passes: Passes = field(init=False)

    watchdog_s: ClassVar[float]
    stalls: ClassVar[bool] = False  # it waits for a host that does not read

    def __attrs_post_init__(self) -> None:
        self.kernel = Kernel(self.clock, self.hardware, self.usb)
        self.begin()
        self._passes = Passes(self.clock, self.offsets_s())

    # --- In what they differ -------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Prepare what the firmware has besides."""

    def offsets_s(self) -> tuple[float, ...]:
        """Return when each stage begins within a pass, and how long a pass without effect takes."""
        raise NotImplementedError

    def set_up(self, boot_flags: frozenset[str]) -> Program:
        """Come up."""
        raise NotImplementedError

    def take_commands(self) -> Program:
        """Carry out what has arrived."""
        raise NotImplementedError

    def report(self) -> Program:
        """Print what is told once a minute."""
        raise NotImplementedError

    def commands_due_s(self) -> float:
        """Return when there is something to carry out."""
        return 0.0 if self.usb.arrived else inf

    def started_by_itself(self, port: Port) -> None:
        """A port was started automatically."""

    # --- Its life ------------------------------------------------------------------------------------------------

    def main(self, boot_flags: frozenset[str]) -> Program:
        """Run until the watchdog resets the board."""
        yield from self.set_up(boot_flags)
        yield from self._loop()
        yield self.clock.now_s + self.watchdog_s

    def poke(self) -> None:
        """Take in that the world has changed: what was worked out ahead no longer holds."""
        self._passes.offsets_s = self.offsets_s()
        for port in self.ports:
            port.rearm()

    def request_start(self, port: int) -> None:
        """Start this port in the next pass; it replaces a request that still waits."""
        self.wanted_start, self.wanted_by = port, self.command

    def request_reset(self, after_s: float) -> None:
        """Start no port any more, and stop feeding the watchdog `after_s` from now."""
        self._reset_at_s = self.clock.now_s + after_s

    def begin_loop(self, pause_s: float) -> None:
        """Begin with the loop: set-up is over. A pass ends with this pause."""
        self.kernel.start_timer_s = self._report_timer_s = self.clock.now_s
        self._passes.begin(pause_s)

    # --- The loop ------------------------------------------------------------------------------------------------

    def _loop(self) -> Program:
        """Run each stage in which something happens, at the time when the loop would reach it; sleep otherwise."""
        while True:
            at_s, stage = self._passes.next(self._due_s())
            if at_s > self.clock.now_s:
                self.idle = True
                yield at_s
                self.idle = False
            if at_s > self.clock.now_s:
                continue  # woken by input or by a change of the world: look again
            yield from self._run_stage(stage)
            stalled_s = self.usb.take_stalled_s() if self.stalls else 0.0
            if stalled_s >= self.watchdog_s:
                return  # the watchdog was not fed for so long
            if stalled_s:
                yield self.clock.now_s + stalled_s
            self._passes.done(stage)
            if stage == COMMANDS and self.clock.now_s >= self._reset_at_s:
                return

    def _due_s(self) -> tuple[float, ...]:
        """Return from when on each stage has something to do, as things stand."""
        commands_s = min(self.commands_due_s(), self._report_timer_s + REPORT_EVERY_S, self._reset_at_s)
        return (self._start_due_s(), *(port.due_s for port in self.ports), commands_s)

    def _run_stage(self, stage: int) -> Program:
        if stage == START:
            yield from self._start_next()
        elif stage == COMMANDS:
            yield from self.take_commands()
            if self.clock.now_s >= self._report_timer_s + REPORT_EVERY_S:
                self._report_timer_s = self.clock.now_s
                yield from self.report()
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
        """Whether a reset was asked for."""
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
        yield from port.auto_start()
        self.started_by_itself(port)
