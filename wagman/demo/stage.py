"""The stage on which a scenario acts, waits and checks. A claim that does not come true in time fails the demonstration."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeAlias

import trio
from attrs import define, field, frozen

from wagman.demo.node import Node
from wagman.model.errors import WagmanError

Json: TypeAlias = Mapping[str, Any]

LOOK_S = 0.1
"""How often the status is read while something is waited for, in real time (chosen)."""

GRACE_S = 10.0
"""What is added to each bound, in real time: a busy machine does not run as fast as its clock (chosen)."""


class ClaimError(WagmanError):
    """A claim of the scenario did not come true."""


class View(Protocol):
    """A way to show the demonstration."""

    def say(self, text: str) -> None:
        """Show a sentence about what happens next, or has been shown."""

    def quote(self, text: str) -> None:
        """Show the output of a program, unchanged."""

    def event(self, event: Json) -> None:
        """Show an event of the service."""

    def status(self, status: Json) -> None:
        """Show the status, which comes now and then."""


@frozen
class Switch:
    """The record of a relay that was switched, from the board's memory."""

    name: str
    on: bool
    by: str  # command, board, reset, powercycle, fault
    board_s: float


@define(eq=False, repr=False)
class Stage:
    """A running node, and the story so far."""

    node: Node
    view: View
    shown: list[str] = field(factory=list, init=False)  # the claims that came true
    _events: list[Json] = field(factory=list, init=False)
    _told: int = field(default=0, init=False)  # how many events the scenario has waited past
    _news: trio.Event = field(factory=trio.Event)

    # What the service tells --------------------------------------------------

    def take(self, event: Json) -> None:
        """Take in an event."""
        self._events.append(event)
        self.view.event(event)
        self._news.set()
        self._news = trio.Event()

    async def event(self, type_: str, device: str | None = None) -> Json:
        """Return the next event of this kind, after the last one that was waited for."""
        while True:
            while self._told < len(self._events):
                event = self._events[self._told]
                self._told += 1
                if (event["type"], event["device"]) == (type_, device):
                    return event
            await self._news.wait()

    async def events(self, type_: str, *devices: str) -> None:
        """Wait for an event of this type for each of the guests, in that order."""
        for device in devices:
            await self.event(type_, device)

    async def status(self) -> Json:
        """Return the service's status."""
        status: Json = await self.node.service.call("status")
        return status

    async def row(self, name: str) -> Json:
        """Return the row of one guest in the status."""
        return next(row for row in (await self.status())["devices"] if row["name"] == name)

    async def until(self, is_so: Callable[[Json], bool]) -> None:
        """Wait until the service's status is as wanted."""
        while not is_so(await self.status()):  # noqa: ASYNC110 - the status is another process's
            await trio.sleep(LOOK_S)

    # What the board knows ----------------------------------------------------

    async def do(self, command: str) -> None:
        """Have the fake board do something.

        Raises:
            ClaimError: it refused.
        """
        answer = await self.node.board.ask(command)
        self.require(answer["ok"], f"the fake board refuses {command!r}: {answer.get('error')}")

    async def board(self) -> Json:
        """Return the fake board's own status."""
        status: Json = await self.node.board.ask("status")
        return status

    async def guest(self, name: str) -> Json:
        """Return the true state of a guest."""
        guest: Json = (await self.board())["guests"][self.node.ports[name]]
        return guest

    async def outlet(self, name: str) -> Json:
        """Return the true state of an outlet of a fake rail."""
        outlet: Json = (await self.board())["outlets"][self.node.ports[name]]
        return outlet

    async def switches(self, *, since_s: float = 0.0) -> list[Switch]:
        """Return the relays that were switched since that board time, in order."""
        names = {port: name for name, port in self.node.ports.items()}
        log = (await self.board())["relay_log"]
        return [
            Switch(names[entry["port"]], entry["on"], entry["by"], entry["board_s"])
            for entry in log
            if entry["board_s"] >= since_s and entry["port"] in names
        ]

    async def now_s(self) -> float:
        """Return the board time."""
        return float((await self.board())["board_s"])

    async def pause(self, board_s: float) -> None:
        """Let so much board time pass."""
        await trio.sleep(self.node.real_s(board_s))

    # What is claimed ---------------------------------------------------------

    @asynccontextmanager
    async def showing(self, announcement: str, claim: str, *, within_s: float) -> AsyncIterator[None]:
        """Show one thing: announce it, and say that it has come true.

        Args:
            announcement: what is about to happen.
            claim: what will have been shown, for the summary.
            within_s: how many board seconds it may take.

        Raises:
            ClaimError: it has not come true in time.
        """
        self.view.say(announcement)
        with trio.move_on_after(self.node.real_s(within_s) + GRACE_S) as scope:
            yield
        if scope.cancelled_caught:
            raise ClaimError(f"not shown within {within_s:g} s of board time: {claim}")
        self.shown.append(claim)
        self.view.say(f"Shown: {claim}.")

    def require(self, is_so: bool, otherwise: str) -> None:  # noqa: FBT001 - the condition reads best as the first argument
        """Check a part of a claim.

        Raises:
            ClaimError: it is not so.
        """
        if not is_so:
            raise ClaimError(otherwise)


# What a status shows -----------------------------------------------------------


def is_shown(power: Json, level: str) -> bool:
    """Return whether this level of power is wanted, and confirmed by the board."""
    return power["wanted"] == level and bool(power["confirmed"])


def all_started(status: Json) -> bool:
    """Return whether every guest is started, and its power confirmed."""
    rows = [row for row in status["devices"] if not row["self"]]
    return all(row["state"] == "started" and is_shown(row["power"], "on") for row in rows)
