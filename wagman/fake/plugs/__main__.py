"""`python -m wagman.fake.plugs shelly --port 8080`: a fake rail by itself, with control commands on its standard input.

It prints the port at which it listens, and answers each command with a line of JSON. It ends with SIGTERM, SIGINT and the command
`quit`; the end of its input does not end it.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial

import trio
from attrs import frozen

from wagman.fake.control import ControlError
from wagman.fake.guests import Guest, GuestSpec, GuestSpecError
from wagman.fake.plugs.console import end_on_signal, obey, say
from wagman.fake.plugs.control import execute
from wagman.fake.plugs.rail import FakeRail
from wagman.fake.plugs.server import PlugServer, Request, Response
from wagman.fake.plugs.shelly import FakeShelly
from wagman.fake.plugs.tasmota import FakeTasmota

KINDS: dict[str, Callable[[FakeRail], FakeShelly | FakeTasmota]] = {"shelly": FakeShelly, "tasmota": FakeTasmota}
"""The protocols that a rail can speak."""


@frozen
class Standalone:
    """A rail, and its protocol."""

    rail: FakeRail
    answer: Callable[[Request], Response]
    port: int

    async def run(self) -> None:
        """Serve until told to end; raises OSError if the port is taken."""
        async with trio.open_nursery() as nursery:
            await nursery.start(end_on_signal, nursery.cancel_scope)
            server = PlugServer(self.rail, self.answer)
            async with server.listening(port=self.port) as port:
                say({"port": port})
                if not await obey(partial(_answered, server), last="quit"):
                    await trio.sleep_forever()
                nursery.cancel_scope.cancel()


def _answered(server: PlugServer, line: str) -> dict[str, object]:
    try:
        return execute(server, line)
    except ControlError as error:
        return {"ok": False, "error": str(error)}


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m wagman.fake.plugs", description="A fake rail of outlets with guests.")
    parser.add_argument("kind", choices=KINDS, help="what it speaks")
    parser.add_argument("--port", type=int, default=0, help="where it listens on 127.0.0.1 (default: wherever there is room)")
    parser.add_argument("--outlets", type=int, choices=range(1, 17), default=4, metavar="N", help="how many (default: 4)")
    parser.add_argument("--guest", default="", metavar="KEY=VALUE,...", help="how each guest behaves, as for wagman fake-board")
    parser.add_argument("--mac", default="AABBCCDDEEFF", help="its MAC address (default: %(default)s)")
    parser.add_argument("--password", help="what it wants to be told")
    parser.add_argument("--on-restore", choices=("on", "off", "last"), default="last", help="after a loss of its power")
    return parser.parse_args()


def main() -> int:
    """Run a rail; returns the exit code."""
    args = _parsed()
    try:
        spec = GuestSpec().changed(args.guest) if args.guest else GuestSpec()
    except GuestSpecError as error:
        sys.stderr.write(f"--guest: {error}\n")
        return 2
    guests = tuple(Guest(f"guest{port}", spec) for port in range(args.outlets))
    survives = args.kind == "shelly"
    rail = FakeRail(guests, args.mac, survives=survives, on_restore=args.on_restore, password=args.password)
    try:
        trio.run(Standalone(rail, KINDS[args.kind](rail).answer, args.port).run)
    except ExceptionGroup as group:
        cause = _first(group)
        if not isinstance(cause, OSError):
            raise
        sys.stderr.write(f"port {args.port}: {cause.strerror or cause}\n")
        return 1
    return 0


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    sys.exit(main())
