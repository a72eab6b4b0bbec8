"""What a board driver offers: the interfaces behind which the boards differ, and everything it may report to."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, runtime_checkable

from attrs import define, field, frozen

from wagman.config.boards import BoardConfig
from wagman.config.schema import DeviceConfig
from wagman.io.board.power import P, Power, SwitchOff, SwitchOn, SwitchPulse, Tell
from wagman.io.board.sightings import Sightings
from wagman.model.backend import Identity
from wagman.model.facts import BoardFact, Draft, Port, Sample

SENSOR_POLLS = 3
"""The enclosure's sensors are read with every third poll (chosen: its temperature changes slowly)."""

SLOW_POLLS = 12
"""What hardly ever changes is read with every twelfth poll (chosen: a little less than once a minute, by default)."""

TIMEOUT_S = 4.0
"""How long an answer may take (firmware: a main loop, a start, a kill and the minute report together take about 3 s)."""

DRAWS_MA = 64
"""From this current on something certainly runs on a port (chosen: four of the sensor's steps, half of the firmware's `low`)."""

UNMANAGED_SHARE = 0.8
"""The share of the failure limit from which a port that is becoming unmanaged is reported (specified)."""


COUNTS = 1 << 16
"""The board counts time-outs modulo this, and begins one below it (firmware)."""


@frozen
class Reading:
    """What the board last showed of a port; None: nothing."""

    age_s: float | None = None
    current_ma: int | None = None
    current_raw: int | None = None  # counts of the converter, if nobody knows how many make a milliampere
    temperature_raw: int | None = None
    watts: float | None = None


@define
class Shown:
    """What the board has shown of itself, for the status; only io writes it."""

    dialect: str
    identity: Identity | None = None
    ports: dict[Port, Reading] = field(factory=dict)
    failures: tuple[int, ...] = ()
    sensors: dict[str, tuple[float | None, float]] = field(factory=dict)  # value, time of the reading

    def forget(self) -> None:
        """Drop all readings: they are of another board, or of an earlier run of this one."""
        self.ports.clear()
        self.sensors.clear()


@frozen
class Wiring:
    """A board, and the guests on it."""

    board: BoardConfig
    devices: tuple[DeviceConfig, ...] = ()

    @property
    def own(self) -> DeviceConfig | None:
        """The controller, if this board powers it."""
        return next((device for device in self.devices if device.is_self), None)

    @property
    def guests(self) -> tuple[DeviceConfig, ...]:
        """All guests on this board but the controller."""
        return tuple(device for device in self.devices if not device.is_self)

    @property
    def off_times_s(self) -> dict[Any, float]:
        """How long each port with a guest stays off before a new power cycle."""
        return {guest.port: guest.off_time_s for guest in self.guests}

    @property
    def ways(self) -> list[Any]:
        """The ports through which a board is reached, if this board can switch them off and on by one command."""
        return [guest.port for guest in self.guests if guest.leads_to] if self.board.pulses else []

    @property
    def mute(self) -> list[Any]:
        """The ports whose guests have no heartbeat."""
        return [guest.port for guest in self.guests if not guest.has_heartbeat]


@define
class Senses(Generic[P]):
    """Everything that a driver may report to."""

    wiring: Wiring
    power: Power[P]
    sightings: Sightings[P]
    shown: Shown
    tell: Tell[P]
    tell_board: Callable[[BoardFact], None]

    def note(self, type_: str, port: Port | None = None, **fields: Any) -> None:
        """Have an event recorded."""
        self.tell_board(Draft(type_, None, fields if port is None else {**fields, "port": port}))

    def tell_enclosure(self, temperature_c: float | None, humidity_pct: float | None, at_s: float) -> None:
        """Report a reading of the enclosure; None: that sensor failed."""
        for sensor, value in (("temperature_c", temperature_c), ("humidity_pct", humidity_pct)):
            self.shown.sensors[sensor] = (value, at_s)
            self.tell_board(Sample(sensor, value, at_s))


@define
class FailureWatch:
    """The heartbeat time-outs that the board counts: each one resets a port's timer, and too many make the port unmanaged.

    After each one the board stops the port's guest and starts it anew, by itself.
    """

    senses: Senses[int]
    limit: int  # from this count on the board no longer manages a port (firmware)
    _reported: set[int] = field(factory=set)

    def told(self, counts: tuple[int, ...], at_s: float) -> None:
        """Take the counts of all ports."""
        before, self.senses.shown.failures = self.senses.shown.failures, counts
        for port, count in enumerate(counts):
            counted = (count - before[port]) % COUNTS if before else 0
            # A count that went back was set by somebody, and says nothing of a timer: what that shows of a silence holds.
            if 0 < counted < COUNTS // 2:
                self.senses.sightings.state_changed(port, at_s)
            if counted:
                self._doubt(port)
            if count >= UNMANAGED_SHARE * self.limit and port not in self._reported:
                self._reported.add(port)
                self.senses.note("board.unmanaged", port, failures=count, limit=self.limit)

    def _doubt(self, port: int) -> None:
        """A guest that was to be cut for its silence may run again, and is not cut before it is asked."""
        outlet = self.senses.power.ports.get(port)
        if outlet is not None and outlet.goal.level == "off":
            self.senses.power.doubt(port)


class Driver(Protocol[P]):
    """The driver of any board: it identifies the board, switches, and looks. Every method may raise a `BoardError`."""

    @property
    def survivors(self) -> frozenset[P]:
        """The ports that kept their power when the board restarted, as far as is known after `greet` and `hold_off`."""
        ...

    @property
    def doubtful(self) -> frozenset[P]:
        """The ports of which nobody knows whether they kept it."""
        ...

    async def greet(self) -> Identity:
        """Make the board report what wagman relies on, and ask which board it is. The first request on every connection."""
        ...

    async def poll(self, turn: int) -> None:
        """Ask for what is due at the `turn`th poll, and report it: beats first, then `Answered` and `Listened` for each port."""
        ...

    async def switch_on(self, action: SwitchOn[P]) -> None:
        """Send the command that switches a port on; evidence comes later."""
        ...

    async def switch_off(self, action: SwitchOff[P]) -> None:
        """Send the command that switches a port off and keeps it off; evidence comes later."""
        ...


# What only some boards can do. A driver has an ability if it has the methods; the test is `isinstance`, so that no list has to be
# kept in step.


@runtime_checkable
class Hears(Protocol):
    """The ability of boards that speak unasked."""

    def heard(self, event: Any, at_s: float) -> None:
        """Take what the board said by itself, read at `at_s`. Called by the reader; must not wait."""
        ...


@runtime_checkable
class StartsByItself(Protocol):
    """The ability, or vice, of boards that switch ports on unasked."""

    async def hold_off(self) -> None:
        """After a restart: keep the board from starting ports for a while, if it can be told so."""
        ...

    async def take_stock(self) -> None:
        """After a restart and a poll: report the ports that the board has switched on again."""
        ...


@runtime_checkable
class Feeds(Protocol):
    """The ability of boards that wait for heartbeats, and cut the power of a port that does not beat."""

    async def ping(self, port: Any) -> None:
        """Give the board a heartbeat for a port; it does not count as one of the guest's."""
        ...

    async def stop_later(self, port: Any, grace_s: int) -> None:
        """Have the board stop a port by itself and cut its power `grace_s` seconds later; `BoardStopping` reports the stop."""
        ...


@runtime_checkable
class Pulses(Protocol[P]):
    """The ability of boards that switch a port off and on again by one command, even if nobody can reach them meanwhile."""

    async def pulse(self, action: SwitchPulse[P]) -> None:
        """Send the command; evidence comes later."""
        ...


@runtime_checkable
class Raw(Protocol):
    """The ability of boards with a language of their own, for an operator who knows it."""

    async def raw(self, words: Sequence[str], *, force: bool) -> Sequence[str]:
        """Send an operator's own command; returns the lines of the answer.

        Raises:
            CallerError: it would fight the service, or makes no sense.
        """
        ...
