"""The driver for all boards that can be asked one thing at a time: plugs, rails, PDUs, PoE switches, BMCs.

Its rules, whatever is behind the `Backend`:

- **A reply is no evidence.** What a look shows is evidence, if it was asked `settle_s` after the command or later. Until a look
  shows the effect, the command is repeated, which mends one that was lost, or met something that was pending.
- **Only what reads off is off.** No answer about a port, and 0 W, are unknown: meters show nothing for a while after each
  command, and miss what draws little. With a meter, a port is off if it reads off *and* does not draw: a welded relay reads off.
- **Off while an on is awaited is no loss**, and on while an off is awaited is an off that was not carried out.
- **Only the board that is meant is switched.** It says which board it is before each look and each command.
- **A restart is known by what the board says of itself**, not by what it shows: if it lost its own power, its guests lost theirs,
  and the board has switched on those that are on.
- **Refused is not failed**: some boards refuse to switch off what is off. The next look decides.
- **If nothing can be read**, a reply is all there is: `assumed`, once it had its time.
- **A defect of a back end is a board that does not answer**: it stops nothing but this board's own guests.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import trio
from attrs import define, evolve, field, frozen

from wagman.fsm.outlet import Outlet
from wagman.io.board.connection import Always, Listener
from wagman.io.board.driver import Reading, Senses
from wagman.io.board.power import SwitchOff, SwitchOn, SwitchPulse
from wagman.model.backend import Backend, Identity, Look, Pulsing
from wagman.model.errors import (
    BoardError,
    BoardProtocolError,
    BoardRefusedError,
    BoardTimeoutError,
    LinkGoneError,
    StrangerError,
)
from wagman.model.facts import Answered, Evidence, Supply
from wagman.model.words import plain

CALL_S = 60.0
"""How long a call of a back end may take that has no bound of its own.

Chosen: more than the 40 s that powermand or a program may take.
"""

PAUSE_S = 5.0
"""The pause after a question that was not answered (chosen: half of the usual poll)."""

METER_WAITS = 2
"""How many settling times of its meter an off waits for a meter that tells nothing (chosen)."""

SHOWN_CHARS = 200
"""How many characters of a defect a message repeats (chosen)."""

NOTHING = Look()
"""The look at a port that the board says nothing about."""

T = TypeVar("T")


async def answer_of(who: str, ask: Callable[[], Awaitable[T]]) -> T:
    """The answer of a back end, or a `BoardError`, whatever the back end does: others bring some, with defects of their own.

    Args:
        who: the board, for people.
        ask: asks the back end; it may take `CALL_S`.

    Raises:
        BoardError: there is no answer.
    """
    try:
        with trio.fail_after(CALL_S):
            return await ask()
    except trio.TooSlowError:
        raise BoardTimeoutError(f"{who} did not answer within {CALL_S:g} s") from None
    except BoardError:
        raise
    # Nothing that cancels is among these, not even in a group.
    except Exception as error:
        raise BoardProtocolError(f"{who} cannot be asked, for its kind of board has a defect: {_told(error)}") from error


async def greeting(backend: Backend) -> Identity:
    """The answer to the question which board it is.

    Raises:
        TypeError: it is no identity.
    """
    identity: Identity = _checked(await backend.greet(), Identity)
    return identity


async def looks_at(backend: Backend, ports: Sequence[str]) -> Mapping[str, Look]:
    """What the back end tells of the ports.

    Raises:
        TypeError: it tells something else.
    """
    looks = _checked(await backend.look(ports), Mapping)
    return {port: _checked(look, Look) for port, look in looks.items()}


def _checked(answer: object, kind: type[Any]) -> Any:
    if not isinstance(answer, kind):
        raise TypeError(f"it answers with {type(answer).__name__}, and not with {kind.__name__}")
    return answer


def _told(error: Exception) -> str:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return plain(f"{type(error).__name__}: {error}")[:SHOWN_CHARS]


@define(eq=False, repr=False)
class PlainDriver:
    """Asks the board, and reports what it shows; the outlets' machines keep all that is known."""

    backend: Backend
    senses: Senses[str]
    progressed: Callable[[float], None]
    survivors: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()
    _anew: bool = field(init=False, default=False)  # a greeting showed a restart that the task has not heard of

    # Who is there ------------------------------------------------------------

    async def greet(self) -> Identity:
        """Ask which board it is.

        Raises:
            StrangerError: it is another board than the configured one, or than the one that this run of the service knows.
        """
        identity, met = await self._within(partial(greeting, self.backend)), self.senses.shown.identity
        if met is not None and None not in (identity.board_id, met.board_id) and identity.board_id != met.board_id:
            address = self.backend.address
            raise StrangerError(f"{identity.board_id} answers at {address}, and not {met.board_id}: it is not switched")
        self._anew |= identity.anew
        self.senses.power.adapt(self.backend.abilities)
        # A warm restart may have followed a cold one that went unseen.
        is_next = met is None or identity.boots - met.boots <= 1
        has_survived = self.backend.abilities.survives and is_next
        self.survivors = frozenset(self.senses.power.ports) if has_survived else frozenset()
        return evolve(identity, anew=self._anew)

    async def _check(self) -> None:
        """Check that the board has not restarted since the task greeted it.

        Raises:
            BoardProtocolError: it has; the task greets it then.
        """
        met, identity = self.senses.shown.identity, await self.greet()
        if met is not None and not met.same_run(identity):
            raise BoardProtocolError(f"the board at {self.backend.address} has restarted")

    async def _within(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask the back end, and await its answer for `CALL_S` at most. Until then the task counts as well.

        Raises:
            BoardError: there is no answer; it is never `LinkGoneError`.
        """
        self.progressed(CALL_S)
        try:
            return await answer_of(self.backend.address, ask)
        except LinkGoneError as error:
            raise BoardTimeoutError(str(error)) from error  # this kind of board has no link that could come up again
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
        return await self._within(partial(looks_at, self.backend, ports))

    def _tell(self, port: str, look: Look, asked_at_s: float) -> None:
        power, outlet = self.senses.power, self.senses.power.ports[port]
        if outlet.may_predate_command(asked_at_s):
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
        """Whether the board says that an off is done, but its meter has yet to agree and still has time for it."""
        pending = outlet.pending
        if self.backend.abilities.meter_w is None or look.watts is not None or pending is None or pending.level == "on":
            return False
        most_s = METER_WAITS * self.backend.abilities.meter_settle_s
        return pending.seen_at_s is None or asked_at_s <= pending.seen_at_s + most_s

    def _told_off(self, port: str, outlet: Outlet, asked_at_s: float) -> None:
        """Report that the board says the off is done, so that the off is not repeated meanwhile."""
        # Once only: otherwise the wait for the meter would begin again each time.
        if outlet.pending is not None and outlet.pending.seen_at_s is None:
            self.senses.power.seen_off(port, asked_at_s)

    # Switching ---------------------------------------------------------------

    async def switch_on(self, action: SwitchOn[str]) -> None:
        """Switch the port on, unless that is not wanted any more."""
        await self._check()
        if not self.senses.power.is_taken_back(action.port):
            await self._within(partial(self.backend.switch, action.port, on=True))

    async def switch_off(self, action: SwitchOff[str]) -> None:
        """Switch the port off."""
        await self._check()
        await self._within(partial(self.backend.switch, action.port, on=False))

    async def pulse(self, action: SwitchPulse[str]) -> None:
        """Have the board switch the port off, and on again by itself, unless that is not wanted any more.

        Raises:
            BoardRefusedError: the board cannot do that.
        """
        await self._check()
        if not isinstance(self.backend, Pulsing) or not self.backend.abilities.pulse:
            raise BoardRefusedError(f"{self.backend.address} cannot switch a port off and on by one command")
        if not self.senses.power.is_taken_back(action.port):
            await self._within(partial(self.backend.pulse, action.port, action.off_s))


@frozen
class Plain:
    """The connector of a board that is reached anew with each question.

    Args:
        name: its kind, as in the configuration.
    """

    name: str
    backend: Backend

    def connect(self, senses: Senses[Any], listener: Listener, *, is_first: bool) -> Always:  # noqa: ARG002 - nothing is opened
        """A connection for a new incarnation of the board's task."""
        return Always(
            PlainDriver(self.backend, senses, listener.progressed), listener, PAUSE_S, getattr(self.backend, "aclose", None)
        )
