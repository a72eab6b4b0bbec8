"""`wagman test`, a drill: a guest is asked to halt, falls silent, loses its power, and is started again. Each time is measured.

- `harm`    the reasons not to begin a drill
- `steps`   the progress of a drill, and what is wrong with it; no I/O
- `ends`    the signals that would end this program
- here      the service, and the terminal

The guest is stopped for a limited time, so that it is started again whatever becomes of this program. A guest that does not
halt is put into maintenance before its time is over, so that it is not cut while it runs. That needs this program: so whatever
would end it early calls the drill off first.
"""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from wagman.cli.connection import add_socket_argument
from wagman.cli.drill.ends import Ends, noted
from wagman.cli.drill.harm import why_not
from wagman.cli.drill.steps import STOP_S, Drill
from wagman.cli.names import expanded
from wagman.cli.outcome import DONE, FAILED, REFUSED, UNREACHABLE, USAGE, CommandError, complain
from wagman.cli.progress import Progress
from wagman.client.blocking import Follower
from wagman.client.errors import ClientError, LostError
from wagman.model.words import duration, plain

LEFT_ALONE_S = 600.0
"""How long a guest stays in maintenance if this program cannot end that (chosen)."""

LOOK_S = 1.0
"""How often the status is asked for during a drill (chosen: see `steps.MARGIN_S`)."""

AWAY_S = 120.0
"""How long the service may be away during a drill (chosen: a watchdog time-out and a restart)."""

ORDER_S = 40.0
"""How long the service may take to decide about a command."""

_RETRY_S = 0.5


def add_arguments(parser: ArgumentParser, _command: str) -> None:
    """Add the arguments of the command."""
    parser.add_argument("guest", metavar="GUEST", help="name or port number")
    parser.add_argument("--yes", action="store_true", help="do not ask me whether I am sure")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_socket_argument(parser)


def run(args: Namespace) -> int:
    """Ask, and hold the drill."""
    if args.guest == "all":
        raise CommandError("one guest at a time: name it", USAGE)
    follower = Follower(args.socket, complain)
    try:
        status = follower.client.call("status")
        (name,) = expanded([args.guest], status)
        methods = [method["name"] for method in follower.client.call("rpc.discover")["methods"]]
        if obstacle := why_not(status, name, methods):
            raise CommandError(f"{name}: no drill, and nothing was done: {obstacle}", REFUSED)
        _confirm(args, name)
        return Rehearsal(follower, name, is_quiet=args.json).hold()
    finally:
        follower.drop()


def _confirm(args: Namespace, name: str) -> None:
    words = (
        f"{name} will be asked to halt by its shutdown command, lose its power once it is silent, and be started again. It is "
        "away for some minutes, and so is whoever came in over it. If the command fails, or it does not fall silent in time, "
        "nothing is cut."
    )
    if args.yes:
        return
    if not sys.stdin.isatty():
        raise CommandError(
            f"nothing was done, because there is no terminal to ask on: {words} If so: wagman test {name} --yes", USAGE
        )
    print(f"{words}\nDrill {name}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandError("nothing was done: answer y", REFUSED)


class Rehearsal:
    """A drill that is under way."""

    def __init__(self, follower: Follower, name: str, *, is_quiet: bool) -> None:
        self.follower, self.name, self.is_quiet = follower, name, is_quiet
        self.drill, self.progress = Drill(name), Progress()
        self._told = 0  # how many of the steps have been printed
        self._looked_s = self._away_s = float("-inf")
        self._code = FAILED

    def hold(self) -> int:
        """Hold the drill from the stop to the end; return the exit code."""
        with noted() as ends:
            self._stop()
            try:
                self._follow(ends)
            except CommandError:
                raise  # the service is away: there is nobody to call it off with
            except BaseException as error:
                self.drill.break_off(str(error) or type(error).__name__)
                raise
            finally:
                self._end()
        if self.is_quiet:
            print(json.dumps(self.drill.document()))
        return self._code if self.drill.trouble else DONE

    def _stop(self) -> None:
        try:
            self._order("stop", for_s=STOP_S)
        except LostError as error:
            self.follower.drop()
            self.drill.break_off(f"it is not known whether it was asked to halt: {error}")

    def _end(self) -> None:
        self.progress.clear()
        if self.drill.has_to_be_called_off:
            self._call_off(self.drill.trouble)
        elif self.drill.trouble:
            complain(f"{self.name}: the drill failed: {self.drill.trouble}")
        elif self.drill.is_over and not self.is_quiet:
            print(f"{self.name}: the drill went well, {duration(self.drill.took_s)}")

    def _follow(self, ends: Ends) -> None:
        self._away_s = time.monotonic()
        while not self.drill.is_over:
            try:
                self._listen()
                self._away_s = time.monotonic()
            except LostError as error:
                if self._is_gone():
                    text = f"{self.name}: how the drill went is not known: {error}; it is started again by itself"
                    raise CommandError(text, UNREACHABLE) from error
            if ends.number is not None and not self.drill.is_over:
                self._code = 128 + ends.number  # as shells count
                self.drill.break_off("interrupted")
            self._tell()

    def _listen(self) -> None:
        event = self.follower.item(LOOK_S)
        if event is not None:
            self.drill.heard(event, time.monotonic())
        if self.drill.wants_start:
            self.drill.wants_start = False
            self._order("start")
        elif time.monotonic() >= self._looked_s + LOOK_S and not self.drill.is_over:
            self.drill.seen(self.follower.client.call("status", devices=[self.name]))
            self._looked_s = time.monotonic()

    def _is_gone(self) -> bool:
        """Return whether the service, which is lost, has been away for too long. Otherwise wait a moment."""
        self.follower.drop()
        if time.monotonic() - self._away_s > AWAY_S:
            return True
        self.progress.show("the service is away: waiting for it to come back")
        time.sleep(_RETRY_S)
        return False

    def _tell(self) -> None:
        new, self._told = self.drill.steps[self._told :], len(self.drill.steps)
        if new:
            self.progress.clear()
        for step in new if not self.is_quiet else ():
            print(plain(f"{self.name}: {step}"), flush=True)
        if not self.drill.is_over:
            self.progress.show(f"{self.name}: {self.drill.awaits}")

    def _order(self, verb: str, **how: float) -> None:
        reply = self.follower.client.call(verb, within_s=ORDER_S, device=self.name, **how)
        if not reply["accepted"]:
            raise CommandError(f"{self.name}: {verb} was refused: {reply['reason']}", REFUSED)

    def _call_off(self, why: str) -> None:
        """Call the drill off: want the guest up again, put it into maintenance so that it is not cut, and end that."""
        try:
            self._away_s = time.monotonic()
            for verb, how in self._taking_back():
                self._insist(verb, **how)
        except (ClientError, CommandError) as error:
            text = f"{self.name}: {why}; the drill could not be called off: {error}. It is cut if it does not halt: "
            raise CommandError(f"{text}wagman maintenance {self.name} --for 1h keeps it from that", FAILED) from error
        complain(f"{self.name}: called off, and nothing was cut: {why}")

    def _insist(self, verb: str, **how: float) -> None:
        """Give the order, to a service that may have to come back first."""
        was_lost = False
        while True:
            try:
                return self._order(verb, **how)
            except LostError:
                if self._is_gone():
                    raise
                was_lost = True
            except CommandError:
                # It may have been carried out without an answer; then there is no maintenance any more that could be ended.
                if was_lost and verb == "maintenance" and not how:
                    return None
                raise

    def _taking_back(self) -> Iterator[tuple[str, dict[str, float]]]:
        yield "start", {}
        yield "maintenance", {"for_s": LEFT_ALONE_S}
        yield "maintenance", {}
