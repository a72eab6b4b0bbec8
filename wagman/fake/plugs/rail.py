"""A rail of outlets, without any protocol: contacts, registers, meters, its own power, its guests.

Nothing ticks. Later events wait for `advance`, and happen there at their own times. The records are those of the fake boards:
tests and checkers compare the service's beliefs with them.
"""

from collections import deque
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Literal

from attrs import define, field

from wagman.fake.clock import BoardClock
from wagman.fake.guests import MOUNTED, Guest
from wagman.fake.hardware import KEPT_RECORDS, By, DirtyCut, Record, Relay, RelayChange
from wagman.model.backend import Restore

SUPPLY_V = 12.0
"""The voltage at which guests draw their current, so that a meter shows watts (chosen)."""

BOOT_S = 5.0
"""The time from a rail's start to its first answer (chosen: a real one is back in the network in 3 to 15 s)."""

LYING_S = 45.0
"""How long a meter lied after an off (seen: https://github.com/notDIRK/shelly-cloud-diy-ha/pull/34)."""


@define(eq=False)
class Outlet:
    """One outlet: its contact, and what the rail believes of it."""

    guest: Guest
    contact: Relay = field(factory=Relay)
    told_on: bool = False  # the state in its register
    source: str = "init"  # who switched it last
    off_s: float = -inf  # when it was last told to be off
    switching: int = 0  # counts who has switched it: the timer of an earlier one is void
    stuck_on: bool = False  # where its contact is, if it is stuck


@define(eq=False, repr=False)
class FakeRail:
    """A rail. `epoch_s` is the time of its clock at board time 0, if that is set."""

    guests: tuple[Guest, ...]
    mac: str = "AABBCCDDEEFF"
    metered: bool = True
    survives: bool = True  # its relays are held through a restart of its processor
    on_restore: Restore = "last"
    epoch_s: float = 1_790_000_000.0
    password: str | None = None
    observe: Callable[[Record], None] = field(default=lambda _record: None)
    clock: BoardClock = field(init=False, factory=BoardClock)
    outlets: tuple[Outlet, ...] = field(init=False)
    boots: int = field(init=False, default=1)
    began_s: float = field(init=False, default=0.0)
    cold: bool = field(init=False, default=True)  # its last start followed a loss of its power
    clock_set: bool = field(init=False, default=True)
    ready_s: float = field(init=False, default=0.0)  # it answers from then on; inf: it has no power
    lying_s: float = field(init=False, default=0.0)  # for so long after an off its meters show 0 W
    ignored: int = field(init=False, default=0)  # how many commands will be acknowledged and not done
    late_s: float = field(init=False, default=0.0)  # how long after its reply a command is done
    relay_log: deque[RelayChange] = field(init=False, factory=lambda: deque(maxlen=KEPT_RECORDS))
    dirty_cuts: deque[DirtyCut] = field(init=False, factory=lambda: deque(maxlen=KEPT_RECORDS))
    _is_dark: bool = field(init=False, default=False)  # its own power is away
    _waiting: list[tuple[float, int, Callable[[], object]]] = field(init=False, factory=list)
    _numbers: Iterator[int] = field(init=False, factory=count)

    def __attrs_post_init__(self) -> None:
        self.outlets = tuple(Outlet(guest) for guest in self.guests)

    # --- Time ----------------------------------------------------------------------------------------------------

    @property
    def next_at_s(self) -> float:
        """The time at which it next does something by itself."""
        return self._waiting[0][0] if self._waiting else inf

    def advance(self, now_s: float) -> None:
        """Let everything happen that is due until then."""
        while self.next_at_s <= now_s:
            at_s, _number, happen = heappop(self._waiting)
            self.clock.now_s = max(at_s, self.clock.now_s)
            happen()
        self.clock.now_s = max(now_s, self.clock.now_s)

    def after(self, delay_s: float, happen: Callable[[], object]) -> None:
        """Have something happen later, or at once without a delay."""
        if delay_s <= 0:
            happen()
        else:
            heappush(self._waiting, (self.clock.now_s + delay_s, next(self._numbers), happen))

    @property
    def answers(self) -> bool:
        """Whether the rail has started."""
        return self.clock.now_s >= self.ready_s

    @property
    def uptime_s(self) -> float:
        """Seconds since the rail's last start."""
        return self.clock.now_s - self.began_s

    @property
    def unix_s(self) -> float | None:
        """The time of its clock; None while that is not set."""
        return self.epoch_s + self.clock.now_s if self.clock_set else None

    # --- What a protocol asks for --------------------------------------------------------------------------------

    def command(self, port: int, request: str, *, on: bool, source: str, toggle_after_s: float | None = None) -> None:
        """Take a command: do it after `late_s`, or not at all if commands are ignored. The reply comes in any case."""
        if self.ignored:
            self.ignored -= 1
            return
        self.after(self.late_s, lambda: self._told(port, request, source, on=on, toggle_after_s=toggle_after_s))

    def watts(self, port: int) -> float | None:
        """Return the reading of a meter, which may lie; None without meters."""
        outlet = self.outlets[port]
        if not self.metered:
            return None
        lies = not outlet.told_on and self.clock.now_s < outlet.off_s + self.lying_s
        return 0.0 if lies else self.real_watts(port)

    def real_watts(self, port: int) -> float:
        """Return the power that flows."""
        return self.outlets[port].guest.current_ma(self.clock.now_s) / 1000 * SUPPLY_V

    def _told(self, port: int, request: str, source: str, *, on: bool, toggle_after_s: float | None = None) -> None:
        if not self.answers:
            return  # the command is late, and the rail is down meanwhile
        mine = self._register(port, source, on=on)
        self._move(port, "command", request, on=on)
        if toggle_after_s is not None:
            self.after(toggle_after_s, lambda: self._toggle_back(port, request, mine, on=not on))

    def _register(self, port: int, source: str, *, on: bool) -> int:
        """Note in its register what an outlet is to be; returns the number of this switching."""
        outlet = self.outlets[port]
        outlet.switching += 1
        outlet.told_on, outlet.source = on, source
        if not on:
            outlet.off_s = self.clock.now_s
        return outlet.switching

    def _toggle_back(self, port: int, request: str, mine: int, *, on: bool) -> None:
        if self.outlets[port].switching == mine:
            self._told(port, request, "timer", on=on)

    def _move(self, port: int, by: By, request: str | None = None, *, on: bool) -> None:
        contact, guest, now_s = self.outlets[port].contact, self.outlets[port].guest, self.clock.now_s
        if contact.on == on or contact.stuck:
            return
        contact.on = on
        self._record(RelayChange(now_s, port, on, by, request))
        if on:
            contact.on_count += 1
            guest.power_on(now_s, None)
            return
        contact.off_count += 1
        if (ended := guest.power_off(now_s)) in MOUNTED:
            self._record(DirtyCut(now_s, port, ended, by))

    def _record(self, record: Record) -> None:
        if isinstance(record, RelayChange):
            self.relay_log.append(record)
        else:
            self.dirty_cuts.append(record)
        self.observe(record)

    # --- What goes wrong -----------------------------------------------------------------------------------------

    def weld(self, port: int) -> None:
        """Weld a contact, which does not move any more: told off, it still feeds its guest."""
        outlet = self.outlets[port]
        outlet.contact.stuck, outlet.stuck_on = True, outlet.contact.on

    def mend(self, port: int) -> None:
        """Free a contact, which moves to where it was told to be."""
        outlet = self.outlets[port]
        outlet.contact.stuck = False
        self._move(port, "freed", on=outlet.told_on)

    def let_meters_lie(self, for_s: float = LYING_S) -> None:
        """Have its meters show 0 W for so long after an off, whatever flows."""
        self.lying_s = for_s

    def ignore(self, commands: int = 1) -> None:
        """Acknowledge so many commands without doing them."""
        self.ignored = commands

    def delay(self, for_s: float) -> None:
        """Do each command so long after its reply; 0: at once."""
        self.late_s = for_s

    def replace(self, mac: str) -> None:
        """Give its address to another unit: the same outlets, another MAC address."""
        self.mac = mac

    def switch_by_hand(self, port: int, *, on: bool) -> None:
        """Press the button of an outlet, which does nothing while the rail has no power."""
        if not self._is_dark:
            self._register(port, "button", on=on)
            self._move(port, "board", on=on)

    def restart(self, kind: Literal["warm", "cold"], outage_s: float = 0.0) -> None:
        """Restart its processor (warm), or take its own power away for a while (cold), and that of all its guests."""
        if kind == "warm" and self._is_dark:
            return  # it has no power, so nothing restarts
        self.ready_s, self._is_dark = inf, kind == "cold"
        self._waiting.clear()  # pending events are forgotten
        if kind == "cold" or not self.survives:
            for port in range(len(self.outlets)):
                self._force(port, "powercycle" if kind == "cold" else "reset", on=False)
        self.after(outage_s, lambda: self._start(kind))

    def _start(self, kind: Literal["warm", "cold"]) -> None:
        now_s, self._is_dark = self.clock.now_s, False
        self.boots, self.began_s, self.cold, self.ready_s = self.boots + 1, now_s, kind == "cold", now_s + BOOT_S
        for port, outlet in enumerate(self.outlets):
            outlet.source = "init"
            if kind == "cold":
                outlet.told_on = {"on": True, "off": False}.get(self.on_restore, outlet.told_on)
            if kind == "cold" or not self.survives:
                self._force(port, "board", on=outlet.stuck_on if outlet.contact.stuck else outlet.told_on)

    def _force(self, port: int, by: By, *, on: bool) -> None:
        """Give an outlet power or take it away, even if its contact is welded."""
        contact = self.outlets[port].contact
        stuck, contact.stuck = contact.stuck, False
        self._move(port, by, on=on)
        contact.stuck = stuck
