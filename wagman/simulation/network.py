"""The network of the simulated node: whoever is asked over it answers as a guest in its state does, or not at all."""

import re
from collections.abc import Callable

import trio
from attrs import define

from wagman.config.ears import EarConfig
from wagman.simulation.boards.outlet import Outlet
from wagman.simulation.disk import Access

HOST = re.compile(r"^(?:http|banner|tcp|ping) (?:http://)?(?P<host>[^/:]+)")
"""Whom an ear asks, in the name of its source."""

LATENCY_S = 0.002
"""How long an answer takes (seen: 0.6 to 1.7 ms)."""

ALIVE = frozenset({"running", "halting"})
"""In which states a guest answers what shows a program (seen)."""


@define(eq=False)
class Network:
    """One network for all. Guests answer to their names; any other name is a witness, which answers as long as the network works.

    Args:
        find: the outlet of the guest with that name.
        heard: is told of each answer of a guest.
    """

    find: Callable[[str], Outlet | None]
    heard: Callable[[str], None]
    now_s: Callable[[], float]
    is_out: bool = False

    def answers(self, host: str, shows: str) -> bool:
        """Whether whoever has that name answers now."""
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
    """What one life of the service asks a guest, or a witness, with (the seam `Seams.probe`)."""

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
