"""Checks now and then whether the commands of the configuration can be run, before they are needed."""

from collections.abc import Callable, Iterator, Sequence

import trio
from attrs import define, field

from wagman.config.commands import commands_of
from wagman.config.schema import Config, DeviceConfig
from wagman.model.facts import DEFAULT_BOARD
from wagman.service.seams import INSPECT_S, Inspector

LOOK_S = 600.0
"""How often the commands are checked (chosen: programs are installed and removed rarely)."""


@define(eq=False, repr=False)
class Hitches:
    """What keeps commands from working: those that ask guests to halt, and those of boards, ears, witnesses and sensors.

    Args:
        config: returns the configuration as it is now.
        inspect: tells why a command cannot work, or None.
        heard: called after each round of checks.
    """

    config: Callable[[], Config]
    inspect: Inspector
    heard: Callable[[], None]
    found: dict[str, str] = field(factory=dict, init=False)  # by guest
    others: dict[str, str] = field(factory=dict, init=False)  # by whose command it is, in the words of the configuration file
    _reconfigured: trio.Event = field(factory=trio.Event, init=False)

    @property
    def warnings(self) -> Sequence[str]:
        """What was found, one sentence for each command."""
        halting = [f"device.{name}: the command that asks it to halt cannot work: {why}" for name, why in self.found.items()]
        return [*halting, *(f"{whose}: the command cannot work: {why}" for whose, why in self.others.items())]

    def reconfigured(self) -> None:
        """Check again soon: the configuration, and with it the commands, may have changed."""
        self._reconfigured.set()

    async def look_first(self) -> None:
        """Check all commands before the service starts its work, for at most `INSPECT_S`."""
        with trio.move_on_after(INSPECT_S):
            await self._look()

    async def run(self) -> None:
        """Check all commands every `LOOK_S` and after each change of the configuration, until cancelled."""
        while True:
            with trio.move_on_after(LOOK_S):
                await self._reconfigured.wait()
            self._reconfigured = trio.Event()  # before the look: a change in the midst of it calls for another one
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
    """All commands that do not ask a guest to halt, each with the name that the configuration file has for it."""
    parts: list[tuple[str, object]] = [(_called(board.name), board) for board in config.boards]
    for guest in config.guests:
        parts += [(f"device.{guest.name}.heartbeat", ear) for ear in guest.ears]
        parts += [(f"device.{guest.name}.still_on", guest.still_on)] if guest.still_on is not None else []
    for network in config.networks:
        parts += [(f"network.{network.name}.witness", witness) for witness in network.witnesses]
    parts += [(f"environment.{name}", gauge) for name, gauge in config.environment.gauges.items()]
    yield from ((f"{whose}.{key}", command) for whose, part in parts for key, command in commands_of(part))
