"""The Wagman's hardware, without any firmware: relays, media selectors, sensors, heartbeat inputs.

Every change that a firmware makes is recorded with the board time and the cause. Tests and checkers compare this relay log with
what the service believes.
"""

from collections import deque
from collections.abc import Callable, Iterable
from math import ceil, floor
from typing import Literal, TypeAlias

from attrs import define, field, frozen

from wagman.config.wagman import MEDIA, PORTS, SELECTOR_PORTS
from wagman.fake.clock import BoardClock
from wagman.fake.eeprom import Eeprom, Rtc
from wagman.fake.guests import EDGES_PER_BEAT, MOUNTED, SAMPLE_S, Guest

PORT_NAMES = ("nc", "gn", "cs", "x1", "x2")
"""What the boards call ports 0 to 4 (firmware)."""

CURRENT_STEP_MA = 16
"""Resolution of the current sensors (firmware)."""

CURRENT_MAX_MA = 8176
"""The largest reading of the current sensors (firmware)."""

BOARD_CURRENT_MA = 160
"""The board's own current (captured: 640 in all with one guest at 480)."""

KEPT_RECORDS = 10_000
"""How many relay changes and dirty cuts are kept; `observe` gets all of them."""

By: TypeAlias = Literal["command", "board", "reset", "powercycle", "fault", "freed"]
"""Why a relay moved: a request from the host, the firmware by itself, a board reset, the board's own power, a fault, or the end
of one: its contact was stuck, and follows its coil again.
"""


@frozen
class Cause:
    """What made the firmware switch.

    A request licenses what it asks for, at once or after a grace, and the board's own start of a port that the request enabled.
    Anything else that the board does by itself has no request.
    """

    by: By
    request: str | None = None  # the host's request as the board read it; None: no request licenses it


BOARD = Cause("board")


@frozen
class RelayChange:
    """The record of a relay that moved."""

    board_s: float
    port: int | str
    on: bool
    by: By
    request: str | None = None  # the host's request that licensed it


@frozen
class DirtyCut:
    """The record of a guest that lost its power while its file system was mounted."""

    board_s: float
    port: int | str
    state: str  # booting, running, halting, hung
    by: By


Record: TypeAlias = RelayChange | DirtyCut


@define
class Relay:
    """One port's power switch."""

    on: bool = False
    stuck: bool = False  # it does not move any more
    on_count: int = 0
    off_count: int = 0


@define(eq=False, repr=False)
class HeartbeatInput:
    """Counts the level changes of one guest's pin, sample by sample, since the last beat.

    The count outlives the guest's power: changes collected before a cut complete a beat after the next power-on.
    """

    guest: Guest
    _counted: int = 0

    def clear(self, now_s: float) -> None:
        """Forget collected changes (at board start)."""
        self._counted = self.guest.edges(_sample_before(now_s))

    def due_s(self) -> float:
        """Return when the eighth change since the last beat will have been sampled; math.inf if never."""
        return _sample_after(self.guest.edge_at_s(self._counted + EDGES_PER_BEAT))

    def take_beat(self, now_s: float) -> bool:
        """Return whether eight changes have been collected.

        If so the count starts again, and surplus changes are lost (firmware).
        """
        edges = self.guest.edges(_sample_before(now_s))
        if edges - self._counted < EDGES_PER_BEAT:
            return False
        self._counted = edges
        return True


def _sample_before(now_s: float) -> float:
    return floor(now_s / SAMPLE_S + 1e-6) * SAMPLE_S  # the slack keeps a sample at its own time in spite of rounding


def _sample_after(at_s: float) -> float:
    return ceil(at_s / SAMPLE_S - 1e-6) * SAMPLE_S if at_s != float("inf") else at_s


@define(eq=False, repr=False)
class Hardware:
    """The board's parts, and the guests on it."""

    clock: BoardClock
    guests: tuple[Guest, ...]  # by port
    rtc: Rtc
    eeprom: Eeprom
    observe: Callable[[Record], None] = field(default=lambda _record: None)
    relays: tuple[Relay, ...] = field(init=False, factory=lambda: tuple(Relay() for _port in PORTS))
    selectors: list[str] = field(init=False, factory=lambda: [MEDIA[0] for _port in SELECTOR_PORTS])
    inputs: tuple[HeartbeatInput, ...] = field(init=False)
    temperature_c: float = field(init=False, default=23.5)
    humidity_pct: float = field(init=False, default=41.0)
    thermistors: list[int] = field(init=False, factory=lambda: [500, 510, 520, 530, 540])  # raw 10-bit counts (captured)
    dead_sensors: set[str] = field(init=False, factory=set)  # "env", "checksum" (of env), "th", "system", "id", "cu0" to "cu4"
    relay_log: deque[RelayChange] = field(init=False, factory=lambda: deque(maxlen=KEPT_RECORDS))
    dirty_cuts: deque[DirtyCut] = field(init=False, factory=lambda: deque(maxlen=KEPT_RECORDS))

    def __attrs_post_init__(self) -> None:
        self.inputs = tuple(HeartbeatInput(guest) for guest in self.guests)

    # --- Power ---------------------------------------------------------------------------------------------------

    def set_relay(self, port: int, by: By, *, on: bool, request: str | None = None) -> None:
        """Switch a port's power. Nothing happens if it is in that state already, or the relay is stuck."""
        relay = self.relays[port]
        if relay.on == on or relay.stuck:
            return
        relay.on = on
        self._record(RelayChange(self.clock.now_s, port, on, by, request))
        if on:
            relay.on_count += 1
            self.guests[port].power_on(self.clock.now_s, self.selectors[port] if port in SELECTOR_PORTS else None)
        else:
            relay.off_count += 1
            self._cut(port, by)

    def _cut(self, port: int, by: By) -> None:
        ended = self.guests[port].power_off(self.clock.now_s)
        if ended in MOUNTED:
            self._record(DirtyCut(self.clock.now_s, port, ended, by))

    def drop_relays(self, ports: Iterable[int], by: By) -> None:
        """Switch these relays off, because what holds them is gone."""
        for port in ports:
            self.set_relay(port, by, on=False)

    def _record(self, record: Record) -> None:
        if isinstance(record, RelayChange):
            self.relay_log.append(record)
        else:
            self.dirty_cuts.append(record)
        self.observe(record)

    def select(self, selector: int, medium: str) -> None:
        """Move a media selector; its guest looks only when it boots."""
        self.selectors[selector] = medium

    # --- Sensors -------------------------------------------------------------------------------------------------

    def current_ma(self, port: int) -> int | None:
        """Return a port's current in steps of 16 mA; None when its sensor does not answer."""
        if f"cu{port}" in self.dead_sensors:
            return None
        return _stepped(self.guests[port].current_ma(self.clock.now_s))

    def system_current_ma(self) -> int | None:
        """Return the current of board and guests in mA; None when the sensor does not answer."""
        if "system" in self.dead_sensors:
            return None
        return _stepped(BOARD_CURRENT_MA + sum(guest.current_ma(self.clock.now_s) for guest in self.guests))

    @property
    def tells_id(self) -> bool:
        """Whether the board's id can be read; it is kept in the clock chip."""
        return not self.rtc.dead and "id" not in self.dead_sensors

    @property
    def temperature_raw(self) -> int:
        """The HTU21D's count for the temperature (data sheet), with its two status bits cleared."""
        return _counts((self.temperature_c + 46.85) / 175.72)

    @property
    def humidity_raw(self) -> int:
        """The HTU21D's count for the humidity (data sheet), with its two status bits cleared."""
        return _counts((self.humidity_pct + 6.0) / 125.0)


def _stepped(current_ma: int) -> int:
    return min(current_ma // CURRENT_STEP_MA * CURRENT_STEP_MA, CURRENT_MAX_MA)


def _counts(share: float) -> int:
    return min(max(int(share * 0x1_0000), 0), 0xFFFF) & 0xFFFC
