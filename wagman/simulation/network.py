"""The network of the simulated node: guests answer according to their state, or nobody answers at all."""

import re
from collections.abc import Callable

import trio
from attrs import define

from wagman.config.ears import EarConfig
from wagman.simulation.boards.outlet import Outlet
from wagman.simulation.disk import Access

HOST = re.compile(r"^(?:http|banner|tcp|ping) (?:http://)?(?P<host>[^/:]+)")
"""The host in the name of an ear's source."""

LATENCY_S = 0.002
"""How long an answer takes (seen: 0.6 to 1.7 ms)."""

ALIVE = frozenset({"running", "halting"})
"""States in which a guest's programs answer (seen)."""


@define(eq=False)
class Network:
    """One network for all guests.

    Guests answer to their names; any other name is a witness, which answers while the network works.

    Args:
        find: returns the outlet of the guest with that name.
        heard: called with the name at each answer of a guest.
        now_s: returns the time of the simulation, in seconds.
        is_out: nobody answers.
    """

    find: Callable[[str], Outlet | None]
    heard: Callable[[str], None]
    now_s: Callable[[], float]
    is_out: bool = False

    def answers(self, host: str, shows: str) -> bool:
        """Return whether the host of that name answers now."""
        outlet, now_s = self.find(host), self.now_s()
        if outlet is None:
            return True
        guest = outlet.guest
        if shows == "kernel":
            return guest.pings(now_s)
        beats = guest.spec.beat_s > 0 and now_s - guest.last_edge_s(now_s) <= 2 * guest.spec.edge_s
        return guest.state(now_s) in ALIVE and beats


@define(eq=False)
class Probe:
    """The probe of a guest or witness in one life of the service (the seam `Seams.probe`)."""

    network: Network
    access: Access
    ear: EarConfig

    async def ask(self) -> bool:
        """See `wagman.model.backend.Probe`."""
        match = HOST.match(self.ear.source)
        host = "" if match is None else match["host"]
        asked_s = self.network.now_s()
        await trio.sleep(LATENCY_S)
        is_well = not self.network.is_out
        if is_well and self.network.answers(host, self.ear.shows):
            self._tell(host, self.network.now_s())
            if self.network.find(host) is not None and not self.access.cut:
                self.network.heard(host)
            return True
        await trio.sleep(self.ear.timeout_s)
        if is_well and not self.network.is_out:
            self._tell(host, asked_s)
        return False

    def _tell(self, host: str, of_s: float) -> None:
        outlet = self.network.find(host)
        if outlet is not None and not self.access.cut:
            outlet.tells(self.network.now_s(), of_s)
