"""What is wrong with switches that people can buy: each fault wraps a back end, and makes it worse in one way. They stack.

    backend = Late(Stale(plugs, rng, age_s=20.0), rng, nursery=nursery)

A fault shows with each call by the chance `share`, which may be changed while it is in use; randomness comes only through `rng`,
time only through trio's clock.
"""

import math
from collections.abc import Mapping, Sequence
from random import Random

import trio
from attrs import define, evolve, field

from wagman.model.backend import Abilities, Backend, Identity, Look, Pulsing
from wagman.model.errors import BoardRefusedError, BoardTimeoutError

NO_ANSWER_S = 5.0
"""How long a back end waits for an answer (chosen: the same as ours)."""

BLIND_METER_S = 45.0
"""How long a meter showed 0 W while the load ran (reported for a Shelly, see `MeterLies`)."""


@define(eq=False)
class Flaky:
    """Passes everything on; each fault below changes one thing."""

    inner: Backend
    rng: Random
    share: float = field(default=1.0, kw_only=True)

    @property
    def address(self) -> str:
        """The address of the back end."""
        return self.inner.address

    @property
    def abilities(self) -> Abilities:
        """The abilities that the back end states."""
        return self.inner.abilities

    @property
    def shows(self) -> bool:
        """Whether the fault shows this time."""
        return self.rng.random() < self.share

    async def greet(self) -> Identity:
        """See `Backend`."""
        return await self.inner.greet()

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        """See `Backend`."""
        return await self.inner.look(ports)

    async def switch(self, port: str, *, on: bool) -> None:
        """See `Backend`."""
        await self.inner.switch(port, on=on)

    async def pulse(self, port: str, off_s: float) -> None:
        """See `Pulsing`."""
        await pulsing(self.inner).pulse(port, off_s)


def pulsing(backend: Backend) -> Pulsing:
    """Return the back end as one that can pulse.

    Raises:
        BoardRefusedError: it cannot.
    """
    if not isinstance(backend, Pulsing):
        raise BoardRefusedError(f"{backend.address} has no pulse")
    return backend


class Refuses(Flaky):
    """Refuses to switch to the present state (a BMC's 409 for off, https://github.com/apache/cloudstack/issues/13376)."""

    async def switch(self, port: str, *, on: bool) -> None:
        """Refuse a switch that changes nothing."""
        shown = (await self.inner.look([port])).get(port, Look())
        if shown.relay == ("on" if on else "off") and self.shows:
            raise BoardRefusedError(f"outlet {port} is {shown.relay} already")
        await self.inner.switch(port, on=on)


class Hangs(Flaky):
    """Does not answer (a plug that has lost its Wi-Fi; a unit behind PowerMan that hangs)."""

    async def _hang(self) -> None:
        if self.shows:
            await trio.sleep(NO_ANSWER_S)
            raise BoardTimeoutError(f"{self.address} did not answer within {NO_ANSWER_S:g} s")

    async def greet(self) -> Identity:
        """Perhaps do not answer."""
        await self._hang()
        return await self.inner.greet()

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        """Perhaps do not answer."""
        await self._hang()
        return await self.inner.look(ports)

    async def switch(self, port: str, *, on: bool) -> None:
        """Perhaps do not answer."""
        await self._hang()
        await self.inner.switch(port, on=on)

    async def pulse(self, port: str, off_s: float) -> None:
        """Perhaps do not answer."""
        await self._hang()
        await super().pulse(port, off_s)


class ReplyLost(Flaky):
    """Does what it is told, and its reply is lost (any datagram; a TCP connection that is reset in between)."""

    async def switch(self, port: str, *, on: bool) -> None:
        """Switch, and perhaps do not answer."""
        await self.inner.switch(port, on=on)
        await self._lose()

    async def pulse(self, port: str, off_s: float) -> None:
        """Pulse, and perhaps do not answer."""
        await super().pulse(port, off_s)
        await self._lose()

    async def _lose(self) -> None:
        if self.shows:
            await trio.sleep(NO_ANSWER_S)
            raise BoardTimeoutError(f"{self.address} did not answer within {NO_ANSWER_S:g} s")


class NotDone(Flaky):
    """Says OK, and does nothing (https://github.com/pdudaemon/pdudaemon/pull/158, https://github.com/chaos/powerman/pull/161)."""

    async def switch(self, port: str, *, on: bool) -> None:
        """Perhaps do nothing."""
        if not self.shows:
            await self.inner.switch(port, on=on)


@define(eq=False)
class Late(Flaky):
    """Says OK at once, and does it later (UniFi's 10 to 60 s: https://github.com/home-assistant/core/issues/24365)."""

    nursery: trio.Nursery = field(kw_only=True)
    most_s: float = field(default=60.0, kw_only=True)
    pending: set[str] = field(init=False, factory=set)

    async def switch(self, port: str, *, on: bool) -> None:
        """Switch after a random delay."""
        if not self.shows:
            await self.inner.switch(port, on=on)
            return
        self.pending.add(port)
        self.nursery.start_soon(self._later, port, on, self.rng.uniform(1.0, self.most_s))

    async def _later(self, port: str, on: bool, after_s: float) -> None:  # noqa: FBT001 - a nursery passes no names
        await trio.sleep(after_s)
        self.pending.discard(port)
        await self.inner.switch(port, on=on)


class PendingLost(Late):
    """Accepts and forgets a command while another one is pending (Redfish as sushy-emulator does it: 204, and ends on)."""

    async def switch(self, port: str, *, on: bool) -> None:
        """Switch after a random delay, or never."""
        if port not in self.pending:
            await super().switch(port, on=on)


@define(eq=False)
class Stale(Flaky):
    """Shows readings up to `age_s` old (a controller's cache: https://github.com/home-assistant/core/issues/66307)."""

    age_s: float = field(kw_only=True)
    _seen: dict[str, tuple[float, Look]] = field(init=False, factory=dict)

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        """Return old readings; a port's reading is replaced only once it is older than `age_s`."""
        now_s, looks = trio.current_time(), await self.inner.look(ports)
        for port, look in looks.items():
            seen_s, _ = self._seen.get(port, (-math.inf, look))
            if now_s - seen_s > self.age_s or not self.shows:
                self._seen[port] = now_s, look
        return {port: self._seen[port][1] for port in looks}


@define(eq=False)
class MeterLies(Flaky):
    """Its meter shows 0 W for 45 s after a command, whatever flows (https://github.com/notDIRK/shelly-cloud-diy-ha/pull/34)."""

    _switched_s: dict[str, float] = field(init=False, factory=dict)

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        """Return true readings, but for the watts."""
        lies = {port for port, at_s in self._switched_s.items() if trio.current_time() < at_s + BLIND_METER_S and self.shows}
        looks = await self.inner.look(ports)
        return {port: evolve(look, watts=0.0) if port in lies else look for port, look in looks.items()}

    async def switch(self, port: str, *, on: bool) -> None:
        """Switch, and begin to lie."""
        self._switched_s[port] = trio.current_time()
        await self.inner.switch(port, on=on)


@define(eq=False)
class Stranger(Flaky):
    """Another unit has taken the address (https://github.com/home-assistant/core/issues/49598)."""

    other: Backend = field(kw_only=True)

    @property
    def _there(self) -> Backend:
        return self.other if self.shows else self.inner

    async def greet(self) -> Identity:
        """Return the identity of the unit at the address."""
        return await self._there.greet()

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        """Return the readings of the unit at the address."""
        return await self._there.look(ports)

    async def switch(self, port: str, *, on: bool) -> None:
        """Switch the unit at the address."""
        await self._there.switch(port, on=on)

    async def pulse(self, port: str, off_s: float) -> None:
        """Pulse the unit at the address."""
        await pulsing(self._there).pulse(port, off_s)


@define(eq=False)
class Replayed(Flaky):
    """A retained command is carried out again at each reconnection (https://github.com/arendst/Tasmota/issues/2809)."""

    retained: dict[str, bool] = field(kw_only=True)  # by port

    async def reconnect(self) -> None:
        """Carry out the commands that the broker retains."""
        for port, on in self.retained.items():
            await self.inner.switch(port, on=on)


@define(eq=False)
class Neighbour(Flaky):
    """Switches the outlet beside the right one (https://github.com/krahabb/meross_lan/issues/408)."""

    beside: Mapping[str, str] = field(kw_only=True)
    strays: set[str] = field(factory=set, kw_only=True)  # the outlets that are being switched in place of others

    async def switch(self, port: str, *, on: bool) -> None:
        """Switch the neighbour."""
        if not self.shows:
            await self.inner.switch(port, on=on)
            return
        wrong = self.beside.get(port, port)
        self.strays.add(wrong)
        try:
            await self.inner.switch(wrong, on=on)
        finally:
            self.strays.discard(wrong)
