"""One port as the v3 firmware runs it: disabled, stopped, started, stopping.

There is no state of starting, and no success: a port is started as soon as its relay is on, and a heartbeat makes a stopped port
started, with or without power.
"""

from enum import Enum
from math import inf
from typing import ClassVar

from attrs import define, evolve, field

from wagman.config.wagman import SELECTOR_PORTS, other_medium
from wagman.fake.clock import BoardClock, Program
from wagman.fake.hardware import BOARD, PORT_NAMES, Cause, Hardware
from wagman.fake.usb import Usb

HEARTBEAT_TIMEOUT_S = 3600.0
UNMANAGED_CYCLE_S = 14_400.0
UNMANAGED_FAILURES = 1024
STOP_GRACE_S = 60.0
STOP_MESSAGE_S = 10.0
CURRENT_LEVEL_S = 10.0
RECOVERY_EVERY = 4  # the last of so many failures makes the next start one from the secondary medium
CURRENT_LEVELS = ((120, "low"), (300, "normal"), (850, "stressed"))  # below so many mA; "high" above
RELAY_JOURNAL_S = 0.010  # between the journal's note and the relay, and again at the end
RELAY_SETTLE_S = 0.500
RELAY_PULSE_S = 0.050
LATCH_S = 0.100  # until port 0's latch takes over, and again until it is at rest
START_NOTES_S = 0.028  # EEPROM and clock chip, noting the start (captured: a start takes 0.598 s, on port 0 0.748 s)


class State(Enum):
    """What the firmware believes of a port."""

    DISABLED = 0
    STOPPED = 1
    STARTED = 3
    STOPPING = 4


@define(eq=False, repr=False)
class Kernel:
    """What all parts of the firmware use."""

    clock: BoardClock
    hardware: Hardware
    usb: Usb
    logging: bool = True
    start_timer_s: float = 0.0  # when the shared start timer was last reset

    def log(self, topic: str, text: str, *tells: int) -> None:
        """Print a log line, unless logging is off."""
        self.log_part(f"log: {topic} {text}\r\n", *tells)

    def log_part(self, text: str, *tells: int) -> None:
        """Print a piece of a log line, unless logging is off."""
        if self.logging:
            self.usb.print(text, *tells)


@define(eq=False, repr=False)
class Port:
    """One port's state machine."""

    number: int
    kernel: Kernel
    state: State = field(init=False)
    watch_heartbeat: bool = field(init=False)
    watch_current: bool = field(init=False, default=False)
    stop_timeout_s: float = field(init=False, default=STOP_GRACE_S)
    heartbeat_at_s: float = field(init=False)
    due_s: float = field(init=False)  # when `update` will have something to do, as things stand
    _state_at_s: float = field(init=False)
    _stop_message_at_s: float = field(init=False)
    _level_at_s: float = field(init=False)
    _level: str = field(init=False, default="low")
    _managed: bool = field(init=False, default=False)  # False before the first start since the board's boot
    _forced_medium: str | None = field(init=False, default=None)
    _stop_cause: Cause = field(init=False, default=BOARD)
    # The command that enabled or disabled it, and so licenses the board to start or cut it.
    _kept_by: Cause = field(init=False, default=BOARD)

    startable: ClassVar[frozenset[State]] = frozenset({State.STOPPED})
    stoppable: ClassVar[frozenset[State]] = frozenset({State.STARTED})
    unmanaged_failures: ClassVar[int] = UNMANAGED_FAILURES

    def __attrs_post_init__(self) -> None:
        self.watch_heartbeat = self.number <= 2  # noqa: PLR2004 - firmware: nc, gn and cs
        self._enter(State.STOPPED if self.enabled else State.DISABLED)

    # --- What it knows -------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The firmware's name for the port."""
        return PORT_NAMES[self.number]

    @property
    def enabled(self) -> bool:
        """Whether the port is to run; the node controller always is (firmware)."""
        return self.number == 0 or self.kernel.hardware.eeprom.enabled[self.number]

    @property
    def selector(self) -> int:
        """The media selector that its starts move; ports without one move the node controller's."""
        return self.number if self.number in SELECTOR_PORTS else 0

    @property
    def primary(self) -> str:
        """The medium of an ordinary start (firmware: never initialised, hence sd, on ports 3 and 4)."""
        return "emmc" if self.number <= 2 else "sd"  # noqa: PLR2004 - a port's number

    @property
    def secondary(self) -> str:
        """The medium of a recovery start, the same as the primary one on ports 3 and 4."""
        return other_medium(self.primary) if self.number <= 2 else self.primary  # noqa: PLR2004 - a port's number

    def next_medium(self) -> str:
        """Return the medium of the next start, as the firmware answers it."""
        if self._forced_medium:
            return self._forced_medium
        eeprom = self.kernel.hardware.eeprom
        if self._managed:
            recover = eeprom.failures[self.number] % RECOVERY_EVERY == RECOVERY_EVERY - 1
        else:
            recover = eeprom.attempts[self.number] % 2 == 1
        return self.secondary if recover else self.primary

    def heartbeat_age_s(self) -> float:
        """Return the time since the last heartbeat or state change."""
        return self.kernel.clock.now_s - self.heartbeat_at_s

    # --- Commands ------------------------------------------------------------------------------------------------

    def force_medium(self, medium: str) -> None:
        """Start from `medium` once; the selector moves at once."""
        self._forced_medium = medium
        self.kernel.hardware.select(self.selector, medium)

    def start(self, cause: Cause) -> Program:
        """Switch the power on, if the state allows it; blocks the board."""
        if self.state not in self.startable:
            return
        hardware = self.kernel.hardware
        self._managed = hardware.eeprom.failures[self.number] < self.unmanaged_failures
        medium = self.next_medium()
        self._forced_medium = None
        hardware.select(self.selector, medium)
        self._log(f"starting {'primary' if medium == self.primary else 'secondary'}")
        hardware.eeprom.count_start(self.number, hardware.rtc.seconds(self._now_s))
        yield self._now_s + START_NOTES_S
        yield from self._switch(cause, on=True)
        self._enter(State.STARTED)

    def stop(self, cause: Cause) -> None:
        """Begin to stop, if the state allows it; nobody tells the guest."""
        if self.state not in self.stoppable:
            return
        self._log("stopping")
        self._enter(State.STOPPING)
        self._stop_cause = cause

    def set_stop_timeout(self, timeout_s: float, cause: Cause) -> None:
        """Set the grace of the present stop, which then counts as the host's, or of the next stop."""
        self.stop_timeout_s, self._stop_cause = timeout_s, cause
        self.rearm()

    def kill(self, cause: Cause) -> Program:
        """Switch the power off, unless the port is disabled; blocks the board."""
        if self.state is State.DISABLED:
            return
        self._log("killing")
        yield from self._switch(cause, on=False)
        self._enter(State.STOPPED)
        self.kernel.start_timer_s = self._now_s

    def enable(self, cause: Cause) -> None:
        """Count the port as stopped from now on, whatever its relay is."""
        self.kernel.hardware.eeprom.enabled[self.number] = True
        self._enter(State.STOPPED)
        self._kept_by = evolve(cause, by="board")

    def disable(self, cause: Cause) -> Program:
        """Switch the power off at once, and keep it off; the node controller is only switched off."""
        if self.number:
            self.kernel.hardware.eeprom.enabled[self.number] = False
        yield from self.kill(cause)
        if self.number:
            self._enter(State.DISABLED)
            self._kept_by = evolve(cause, by="board")

    def auto_start(self) -> Program:
        """Start the port by the board's own decision, licensed by the command that enabled it, if nothing has changed since."""
        return self.start(self._kept_by)

    def heartbeat(self, *tells: int) -> Program:
        """Take a heartbeat, by request or by pin; for one by pin the log line tells of the port."""
        self.heartbeat_at_s = self._now_s
        self.rearm()
        self.kernel.log(self.name, "heartbeat", *tells)
        if self.state is State.DISABLED:
            yield from self.disable(self._kept_by)
        elif self.state is State.STOPPED:
            self._enter(State.STARTED)

    # --- What it does by itself ----------------------------------------------------------------------------------

    def update(self) -> Program:
        """Turn collected level changes into a heartbeat, and do what is due."""
        if self.take_beat():
            yield from self.heartbeat(self.number)
        self._update_level()
        if self.state is State.STARTED:
            self._update_started()
        elif self.state is State.STOPPING:
            yield from self._update_stopping()
        self.rearm()

    def rearm(self) -> None:
        """Compute when there is something to do."""
        self.due_s = min(self.beat_due_s(), self._timer_due_s())

    def take_beat(self) -> bool:
        """Return whether level changes of the pin make a heartbeat now."""
        return self.kernel.hardware.inputs[self.number].take_beat(self._now_s)

    def beat_due_s(self) -> float:
        """Return when level changes will make a heartbeat, as things stand."""
        return self.kernel.hardware.inputs[self.number].due_s()

    def _timer_due_s(self) -> float:
        if self.state is State.STOPPING:
            return min(self._stop_message_at_s + STOP_MESSAGE_S, self._state_at_s + self.stop_timeout_s)
        if self.state is not State.STARTED:
            return inf
        if not self._managed:
            return self._state_at_s + UNMANAGED_CYCLE_S
        if self.watch_current:
            return self._now_s  # a level may change at any time: look in each pass
        return self.heartbeat_at_s + HEARTBEAT_TIMEOUT_S if self.watch_heartbeat else inf

    def _update_started(self) -> None:
        if not self._managed:
            self._cycle_unmanaged()
            return
        if self.watch_heartbeat and self.heartbeat_age_s() >= HEARTBEAT_TIMEOUT_S:
            self._log("heartbeat timeout")
            self.kernel.hardware.eeprom.count_failure(self.number)
            self.stop(BOARD)
        if self.watch_current and self._now_s - self._level_at_s >= CURRENT_LEVEL_S:
            self._log(f"current {self._level}")
            self._level_at_s = self._now_s

    def _cycle_unmanaged(self) -> None:
        if self._now_s - self._state_at_s < UNMANAGED_CYCLE_S:
            return
        self._log("unmanaged switch")
        self.force_medium(other_medium(self.next_medium()))
        self.stop(BOARD)

    def _update_stopping(self) -> Program:
        if self._now_s - self._stop_message_at_s >= STOP_MESSAGE_S:
            self._stop_message_at_s = self._now_s
            self._log("stopping")
        if self._now_s - self._state_at_s >= self.stop_timeout_s:
            self.stop_timeout_s = STOP_GRACE_S
            self._log("stop timeout")
            yield from self.kill(self._stop_cause)

    def _update_level(self) -> None:
        current_ma = self.kernel.hardware.current_ma(self.number)
        if current_ma is None:
            return
        level = next((name for below_ma, name in CURRENT_LEVELS if current_ma < below_ma), "high")
        if level != self._level:
            self._level, self._level_at_s = level, self._now_s

    # --- Means ---------------------------------------------------------------------------------------------------

    @property
    def _now_s(self) -> float:
        return self.kernel.clock.now_s

    def _log(self, text: str) -> None:
        self.kernel.log(self.name, text)

    def _enter(self, state: State) -> None:
        self.state, self._kept_by = state, BOARD
        self._state_at_s = self._stop_message_at_s = self.heartbeat_at_s = self._level_at_s = self._now_s
        self.rearm()

    def _switch(self, cause: Cause, *, on: bool) -> Program:
        """Move the relay, with a note in the journal before and after, so that a board which dies of it can tell."""
        journal = self.kernel.hardware.eeprom.journal
        journal[self.number] = "turning_on" if on else "turning_off"
        yield self._now_s + RELAY_JOURNAL_S + (0 if self.number else LATCH_S)
        self.kernel.hardware.set_relay(self.number, cause.by, on=on, request=cause.request)
        yield self._now_s + (RELAY_PULSE_S if self.number else LATCH_S) + RELAY_SETTLE_S
        journal[self.number] = "on" if on else "off"
        yield self._now_s + RELAY_JOURNAL_S
