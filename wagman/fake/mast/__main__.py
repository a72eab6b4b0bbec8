"""`python -m wagman.fake.mast --guest ai --guest camera`: a fake mast by itself.

Its first line of output has the ports of the rail, of each guest in the network, and of the gateway, a computer with power of its
own. Then it takes one command per line on its standard input, and answers in JSON: the commands of `wagman.fake.plugs.control`,
and `network down` and `network up`. It ends with its standard input, and with SIGTERM.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import trio
from attrs import frozen
from trio.testing import MockClock

from wagman.fake.control import ControlError
from wagman.fake.guests import GuestSpec
from wagman.fake.mast.guests import Computer, PoweredGuest
from wagman.fake.mast.network import Network
from wagman.fake.plugs.console import end_on_signal, obey, say
from wagman.fake.plugs.control import execute
from wagman.fake.plugs.rail import FakeRail
from wagman.fake.plugs.server import PlugServer
from wagman.fake.plugs.shelly import FakeShelly
from wagman.model.backend import FAKE_MAC

TICK_S = 1.0
"""How often the guests' boots are checked, in board time (chosen)."""

GATEWAY = "gateway"


@frozen
class Mast:
    """A rail, its guests, and the network."""

    guests: tuple[PoweredGuest, ...]
    gateway: Computer
    server: PlugServer
    network: Network

    @classmethod
    def new(cls, names: Sequence[str], boot_s: float) -> "Mast":
        """Make a mast whose guests are off and whose gateway runs."""
        guests = tuple(PoweredGuest(name, GuestSpec(boot_s=boot_s)) for name in names)
        rail = FakeRail(guests, FAKE_MAC, on_restore="on")
        return cls(guests, Computer.start(GATEWAY), PlugServer(rail, FakeShelly(rail).answer), Network())

    async def run(self) -> None:
        """Serve until the standard input ends; then no computer is left."""
        try:
            async with self.server.listening() as rail, trio.open_nursery() as nursery:
                ports = {guest.name: await self.network.plug(nursery, partial(port_of, guest)) for guest in self.guests}
                gateway = await self.network.plug(nursery, lambda: self.gateway.port)
                await nursery.start(end_on_signal, nursery.cancel_scope)
                nursery.start_soon(self._tick)
                say({"rail": rail, "guests": ports, "gateway": gateway})
                await obey(self._answered)
                nursery.cancel_scope.cancel()
        finally:
            for computer in (self.gateway, *(guest.computer for guest in self.guests)):
                if computer is not None:
                    computer.cut()

    async def _tick(self) -> None:
        while True:
            self.server.catch_up()
            for guest in self.guests:
                guest.tick(self.server.rail.clock.now_s)
            await trio.sleep(TICK_S)

    def _answered(self, line: str) -> Mapping[str, Any]:
        if line in {"network down", "network up"}:
            self.network.is_down = line == "network down"
            return {"ok": True}
        try:
            answer = execute(self.server, line)
        except ControlError as error:
            return {"ok": False, "error": str(error)}
        return {**answer, "guests": [self._told(guest) for guest in self.guests]} if line == "status" else answer

    def _told(self, guest: PoweredGuest) -> Mapping[str, Any]:
        return {
            "name": guest.name,
            "state": guest.state(self.server.rail.clock.now_s),
            "boots": guest.boots,
            "process": None if guest.computer is None else guest.computer.process.pid,
        }


def port_of(guest: PoweredGuest) -> int | None:
    """Return the port at which it answers; None while it is off or boots."""
    return None if guest.computer is None else guest.computer.port


async def _run(names: Sequence[str], boot_s: float) -> None:
    await Mast.new(names, boot_s).run()


def main() -> int:
    """Run a mast; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m wagman.fake.mast", description="A fake rail with real processes on it.")
    parser.add_argument("--guest", action="append", required=True, metavar="NAME", help="a computer, on the next outlet")
    parser.add_argument("--boot", type=float, default=20.0, metavar="S", help="what each takes to boot (default: %(default)g)")
    parser.add_argument("--speed", type=float, default=1.0, metavar="N", help="run the clock N times faster")
    args = parser.parse_args()
    trio.run(_run, args.guest, args.boot, clock=MockClock(rate=args.speed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
