"""The driver for all boards that can be asked one thing at a time: plugs, rails, PDUs, PoE switches, BMCs.

What it goes by, whatever is behind the `Backend`:

- **A reply is no evidence.** What a look shows is, where it was asked `settle_s` after the command or later. Until it shows the
  effect, the command is repeated: one that was lost, or carried out on something that was pending, is made good by that.
- **Nothing is off but what reads off.** No answer about a port, and 0 W, are unknown: meters show nothing for a while after each
  command, and do not see what draws little. With a meter, off is what reads off *and* does not draw: a welded relay reads off.
- **Off while an on is awaited is no loss**, and on while an off is awaited is an off that was not carried out.
- **The board that is meant, or none.** It says which one it is before each look and each command. Another one is never switched.
- **A restart is seen by what it tells of itself**, not by what it shows: where it lost its own power, its guests lost theirs, and
  those that are on were switched on by the board.
- **Refused is not failed**: an off of what is off is refused by some. The next look tells.
- **Where nothing can be read**, a reply is all there is: `assumed`, once it had its time.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import trio
from attrs import define, evolve, field, frozen

from wagman.fsm.outlet import Outlet
from wagman.io.board.connection import Always, Listener
from wagman.io.board.driver import Reading, Senses
from wagman.io.board.power import SwitchOff, SwitchOn, SwitchPulse
from wagman.model.backend import Backend, Identity, Look, Pulsing
from wagman.model.errors import BoardProtocolError, BoardRefusedError, BoardTimeoutError, LinkGoneError, StrangerError
from wagman.model.facts import Answered, Evidence, Supply

CALL_S = 60.0
"""A back end that has not bounded its own time is given up (chosen: more than the 40 s that powermand or a program may take)."""

PAUSE_S = 5.0
"""The pause after a question that was not answered (chosen: half of the usual poll)."""

METER_WAITS = 2
"""So many times its own settling time an off waits for a meter that tells nothing (chosen)."""

NOTHING = Look()
"""What is shown of a port that the board does not tell of."""

T = TypeVar("T")


@define(eq=False, repr=False)
class PlainDriver:
    """Asks, and tells what was shown; it keeps nothing that the outlets' machines know."""

    backend: Backend
    senses: Senses[str]
    progressed: Callable[[float], None]
    survivors: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()
    _anew: bool = field(init=False, default=False)  # a greeting told of a restart that the task has not heard of

    # Who is there ------------------------------------------------------------

    async def greet(self) -> Identity:
        """Ask which board it is.

        Raises:
            StrangerError: another one than the configured, or than the one that this run of the service knows.
        """
        identity, met = await self._within(self.backend.greet()), self.senses.shown.identity
        if met is not None and None not in (identity.board_id, met.board_id) and identity.board_id != met.board_id:
            address = self.backend.address
            raise StrangerError(f"{identity.board_id} answers at {address}, and not {met.board_id}: it is not switched")
        self._anew |= identity.anew
        self.senses.power.settle(self.backend.abilities.settle_s, self.backend.abilities.meter_settle_s)
        # A warm restart may have followed a cold one that nobody saw.
        is_next = met is None or identity.boots - met.boots <= 1
        has_survived = self.backend.abilities.survives and is_next
        self.survivors = frozenset(self.senses.power.ports) if has_survived else frozenset()
        return evolve(identity, anew=self._anew)

    async def _check(self) -> None:
        """See that it is still the run of the board that the task knows.

        Raises:
            BoardProtocolError: it has restarted; the task greets it then.
        """
        met, identity = self.senses.shown.identity, await self.greet()
        if met is not None and not met.same_run(identity):
            raise BoardProtocolError(f"the board at {self.backend.address} has restarted")

    async def _within(self, answer: Awaitable[T]) -> T:
        """What the back end answers, in time: as long as it has that, it is not stuck."""
        self.progressed(CALL_S)
        try:
            with trio.fail_after(CALL_S):
                return await answer
        except trio.TooSlowError:
            raise BoardTimeoutError(f"{self.backend.address} did not answer within {CALL_S:g} s") from None
        except LinkGoneError as error:
            raise BoardTimeoutError(str(error)) from error  # there is no link here that could come up again
        finally:
            self.progressed(0.0)

    # Looking -----------------------------------------------------------------

    async def poll(self, turn: int) -> None:  # noqa: ARG002 - all that it shows is asked for each time
        """Look at all ports."""
        self._anew = False
        await self._check()
        ports = tuple(self.senses.power.ports)
        asked_at_s = trio.current_time()
        looks = await self._looks(ports)
        for port in ports:
            look = looks.get(port, NOTHING)
            self.senses.shown.ports[port] = Reading(watts=look.watts)
            self._tell(port, look, asked_at_s)

    async def _looks(self, ports: tuple[str, ...]) -> Mapping[str, Look]:
        if self.backend.abilities.readback == "none":
            return {}
        return await self._within(self.backend.look(ports))

    def _tell(self, port: str, look: Look, asked_at_s: float) -> None:
        power, outlet = self.senses.power, self.senses.power.ports[port]
        if outlet.tells_of_before(asked_at_s):
            return
        supply, proof = self._judged(look, outlet)
        if self.backend.abilities.readback == "none":
            power.assumed(port, asked_at_s)
        elif supply == "off" and self._awaits_meter(look, outlet, asked_at_s):
            self._told_off(port, outlet, asked_at_s)
        elif supply == "off":
            why = f"the board shows it off, switched by {look.by}" if look.by else "the board shows it off"
            power.shown_off(port, asked_at_s, why, proof)
            power.polled(port, asked_at_s, supply, proof, is_sound=True)
        elif supply == "on" or not outlet.is_switching("off"):
            power.polled(port, asked_at_s, supply, proof, is_sound=True)
        self.senses.tell(port, Answered(asked_at_s, supply))

    def _judged(self, look: Look, outlet: Outlet) -> tuple[Supply, Evidence]:
        """Whether the port has power, and what shows it."""
        abilities = self.backend.abilities
        told: Evidence = "sensed" if abilities.readback == "sensed" else "told"
        if look.watts is None or abilities.meter_w is None:
            return look.relay, told
        if look.watts >= abilities.meter_w:
            return "on", "sensed"
        return look.relay, "sensed" if look.relay == "off" and outlet.signs.drew else told

    def _awaits_meter(self, look: Look, outlet: Outlet, asked_at_s: float) -> bool:
        """The board says that an off is done, and its meter has yet to agree, if it ever does."""
        errand = outlet.errand
        if self.backend.abilities.meter_w is None or look.watts is not None or errand is None or errand.level == "on":
            return False
        most_s = METER_WAITS * self.backend.abilities.meter_settle_s
        return errand.seen_at_s is None or asked_at_s <= errand.seen_at_s + most_s

    def _told_off(self, port: str, outlet: Outlet, asked_at_s: float) -> None:
        """Told once, or the wait for the meter would begin again each time; the off is not repeated meanwhile."""
        if outlet.errand is not None and outlet.errand.seen_at_s is None:
            self.senses.power.seen_off(port, asked_at_s)

    # Switching ---------------------------------------------------------------

    async def switch_on(self, action: SwitchOn[str]) -> None:
        """Have it switch the port on, unless that is not wanted any more."""
        await self._check()
        if not self.senses.power.is_taken_back(action.port):
            await self._within(self.backend.switch(action.port, on=True))

    async def switch_off(self, action: SwitchOff[str]) -> None:
        """Have it switch the port off."""
        await self._check()
        await self._within(self.backend.switch(action.port, on=False))

    async def pulse(self, action: SwitchPulse[str]) -> None:
        """Have it switch the port off, and on again by itself, unless that is not wanted any more.

        Raises:
            BoardRefusedError: it turns out that it cannot.
        """
        await self._check()
        if not isinstance(self.backend, Pulsing) or not self.backend.abilities.pulse:
            raise BoardRefusedError(f"{self.backend.address} cannot switch a port off and on by one command")
        if not self.senses.power.is_taken_back(action.port):
            await self._within(self.backend.pulse(action.port, action.off_s))


@frozen
class Plain:
    """A board that is reached anew with each question.

    Args:
        name: its kind, as in the configuration.
    """

    name: str
    backend: Backend

    def connect(self, senses: Senses[Any], listener: Listener, *, is_first: bool) -> Always:  # noqa: ARG002 - nothing is opened
        """A driver for a new incarnation of the board's task."""
        return Always(
            PlainDriver(self.backend, senses, listener.progressed), listener, PAUSE_S, getattr(self.backend, "aclose", None)
        )
