"""A rail of outlets, each with a relay, a meter and a guest: the truth behind a back end.

It speaks no protocol: faults that a protocol adds are wrapped around it. Records have the times of trio's clock.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

import trio
from attrs import define, field

from wagman.fake.guests import MOUNTED, Guest
from wagman.fake.hardware import KEPT_RECORDS, By, DirtyCut, Record, Relay, RelayChange
from wagman.model.backend import Abilities, Identity, Look, Restore
from wagman.model.errors import BoardRefusedError

SUPPLY_V = 12.0
"""The voltage at which guests draw their current (chosen: a mast)."""

METERED = Abilities(readback="told", settle_s=1.5, meter_w=0.5)
"""The abilities of a plug with a meter; a halted guest draws more than `meter_w` (chosen)."""


@define
class Outlet:
    """One plug of the rail."""

    guest: Guest
    relay: Relay = field(factory=Relay)  # its contact
    told_on: bool = False  # its register: the state that it was last told
    told_by: str = "init"


@define(eq=False)
class FakePlugs:
    """A rail that does at once what it is told. A relay that is `stuck` is welded: its register moves, its contact does not."""

    guests: Mapping[str, Guest]
    abilities: Abilities = METERED
    board_id: str = "AABBCCDDEEFF"
    address: str = "rail"
    restore: Restore = "last"
    observe: Callable[[Record], None] = field(default=lambda _record: None)
    nursery: trio.Nursery | None = None  # watches the timers of pulses
    timers: list[tuple[float, str]] = field(init=False, factory=list)  # when which outlet comes on by itself
    boots: int = 1
    began_s: float = field(factory=trio.current_time)
    outlets: dict[str, Outlet] = field(init=False)
    relay_log: deque[RelayChange] = field(init=False, factory=lambda: deque(maxlen=KEPT_RECORDS))
    dirty_cuts: deque[DirtyCut] = field(init=False, factory=lambda: deque(maxlen=KEPT_RECORDS))

    def __attrs_post_init__(self) -> None:
        self.outlets = {port: Outlet(guest) for port, guest in self.guests.items()}

    # As a back end -----------------------------------------------------------

    async def greet(self) -> Identity:
        """Return its identity."""
        await trio.lowlevel.checkpoint()
        return Identity(self.board_id, self.boots, "fake", int(self.began_s))

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        """Return what it shows of these ports."""
        await trio.lowlevel.checkpoint()
        return {port: self._shown(self.outlets[port]) for port in ports if port in self.outlets}

    async def switch(self, port: str, *, on: bool) -> None:
        """Switch an outlet.

        Raises:
            BoardRefusedError: there is no such outlet.
        """
        await trio.lowlevel.checkpoint()
        if port not in self.outlets:
            raise BoardRefusedError(f"there is no outlet {port}")
        self.set(port, "command", on=on, request=f"{port} {'on' if on else 'off'}")

    async def pulse(self, port: str, off_s: float) -> None:
        """Switch an outlet off, and on again by itself, whatever it is told meanwhile; a restart forgets that."""
        if self.nursery is None:
            raise BoardRefusedError("it has nothing to measure a time with")
        await self.switch(port, on=False)
        self.timers.append((trio.current_time() + off_s, port))
        self.nursery.start_soon(self._time, off_s)

    async def _time(self, off_s: float) -> None:
        await trio.sleep(off_s)
        self.catch_up()

    def catch_up(self) -> None:
        """Switch the outlets on whose timers have run out."""
        now_s = trio.current_time()
        due, self.timers = [each for each in self.timers if each[0] <= now_s], [each for each in self.timers if each[0] > now_s]
        for _, port in due:
            self.set(port, "command", on=True, request=f"{port} on")

    def _shown(self, outlet: Outlet) -> Look:
        if self.abilities.readback == "none":
            return Look()
        is_on = outlet.relay.on if self.abilities.readback == "sensed" else outlet.told_on
        watts = outlet.guest.current_ma(trio.current_time()) * SUPPLY_V / 1000 if self.abilities.meter_w is not None else None
        return Look("on" if is_on else "off", watts, outlet.told_by)

    # As hardware -------------------------------------------------------------

    def set(self, port: str, by: By, *, on: bool, request: str | None = None) -> None:
        """Move the register of an outlet, and its contact unless that is stuck."""
        outlet = self.outlets[port]
        outlet.told_on, outlet.told_by = on, by
        self._move(port, by, on=on, request=request)

    def _move(self, port: str, by: By, *, on: bool, request: str | None = None) -> None:
        outlet, now_s = self.outlets[port], trio.current_time()
        relay = outlet.relay
        if relay.on == on or relay.stuck:
            return
        relay.on = on
        self._record(RelayChange(now_s, port, on, by, request))
        if on:
            relay.on_count += 1
            outlet.guest.power_on(now_s, None)
            return
        relay.off_count += 1
        ended = outlet.guest.power_off(now_s)
        if ended in MOUNTED:
            self._record(DirtyCut(now_s, port, ended, by))

    def _record(self, record: Record) -> None:
        if isinstance(record, RelayChange):
            self.relay_log.append(record)
        else:
            self.dirty_cuts.append(record)
        self.observe(record)

    def weld(self, port: str) -> None:
        """Weld its contact, which does not move any more, whatever its register says."""
        self.outlets[port].relay.stuck = True

    def mend(self, port: str) -> None:
        """Free its contact, which moves to where its coil has it."""
        outlet = self.outlets[port]
        outlet.relay.stuck = False
        self._move(port, "freed", on=outlet.told_on)

    def restart(self, *, cold: bool) -> None:
        """Restart: cold, it had lost its own power; warm, only its processor restarts, and latching relays stay."""
        self.boots += 1
        self.began_s = trio.current_time()
        self.timers.clear()
        if not cold and self.abilities.survives:
            return
        for port, outlet in self.outlets.items():
            was_on = outlet.told_on
            self.set(port, "powercycle" if cold else "reset", on=False)
            if self.restore == "on" or (self.restore == "last" and was_on):
                self.set(port, "board", on=True)
