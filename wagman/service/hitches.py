"""Looks now and then whether the commands of the configuration could be run: found before they are needed."""

from collections.abc import Callable, Iterator, Sequence

import trio
from attrs import define, field

from wagman.config.commands import commands_of
from wagman.config.schema import Config, DeviceConfig
from wagman.model.facts import DEFAULT_BOARD
from wagman.service.seams import INSPECT_S, Inspector

LOOK_S = 600.0
"""How often (chosen: programs come and go with installations, and hardly otherwise)."""


@define(eq=False, repr=False)
class Hitches:
    """What is in the way of the commands that ask guests to halt, and of those of boards, ears and witnesses.

    Args:
        config: the configuration as it is now.
        heard: is told when something has been found, or is gone.
    """

    config: Callable[[], Config]
    inspect: Inspector
    heard: Callable[[], None]
    found: dict[str, str] = field(factory=dict, init=False)  # by guest
    others: dict[str, str] = field(factory=dict, init=False)  # by whose command it is, as the file calls that
    _reconfigured: trio.Event = field(factory=trio.Event, init=False)

    @property
    def warnings(self) -> Sequence[str]:
        """What was found, in words."""
        halting = [f"device.{name}: the command that asks it to halt cannot work: {why}" for name, why in self.found.items()]
        return [*halting, *(f"{whose}: the command cannot work: {why}" for whose, why in self.others.items())]

    def reconfigured(self) -> None:
        """There may be other commands now."""
        self._reconfigured.set()

    async def look_first(self) -> None:
        """Look before anything is done, as long as that takes no time to speak of."""
        with trio.move_on_after(INSPECT_S):
            await self._look()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._reconfigured = trio.Event()
            with trio.move_on_after(LOOK_S):
                await self._reconfigured.wait()
            await self._look()

    async def _look(self) -> None:
        config = self.config()
        for guest in config.guests:
            _note(self.found, guest.name, await self._trouble(guest))
        for whose, command in elsewhere(config):
            _note(self.others, whose, await self.inspect(command))
        self.heard()

    async def _trouble(self, guest: DeviceConfig) -> str | None:
        for command in dict.fromkeys((guest.shutdown, guest.restart)):
            if command and (why := await self.inspect(command)) is not None:
                return why
        return None


def _note(found: dict[str, str], whose: str, why: str | None) -> None:
    if why is None:
        found.pop(whose, None)
    else:
        found[whose] = why


def _called(board: str) -> str:
    return "board" if board == DEFAULT_BOARD else f"board.{board}"


def elsewhere(config: Config) -> Iterator[tuple[str, Sequence[str]]]:
    """The commands that ask no guest to halt: how the file calls whose they are, and each command."""
    parts: list[tuple[str, object]] = [(_called(board.name), board) for board in config.boards]
    for guest in config.guests:
        parts += [(f"device.{guest.name}.heartbeat", ear) for ear in guest.ears]
        parts += [(f"device.{guest.name}.still_on", guest.still_on)] if guest.still_on is not None else []
    for network in config.networks:
        parts += [(f"network.{network.name}.witness", witness) for witness in network.witnesses]
    yield from ((f"{whose}.{key}", command) for whose, part in parts for key, command in commands_of(part))
