"""Looks now and then whether the commands that ask guests to halt could be run: found before they are needed."""

from collections.abc import Callable, Iterable, Sequence

import trio
from attrs import define, field

from wagman.config.schema import DeviceConfig
from wagman.service.seams import INSPECT_S, Inspector

LOOK_S = 600.0
"""How often (chosen: programs come and go with installations, and hardly otherwise)."""


@define(eq=False, repr=False)
class Hitches:
    """What is in the way of the guests' commands.

    Args:
        guests: the guests as they are configured now.
        heard: is told when something has been found, or is gone.
    """

    guests: Callable[[], Iterable[DeviceConfig]]
    inspect: Inspector
    heard: Callable[[], None]
    found: dict[str, str] = field(factory=dict, init=False)  # by guest
    _reconfigured: trio.Event = field(factory=trio.Event, init=False)

    @property
    def warnings(self) -> Sequence[str]:
        """What was found, in words."""
        return [f"device.{name}: the command that asks it to halt cannot work: {why}" for name, why in self.found.items()]

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
        for guest in list(self.guests()):
            why = await self._trouble(guest)
            if why is None:
                self.found.pop(guest.name, None)
            else:
                self.found[guest.name] = why
        self.heard()

    async def _trouble(self, guest: DeviceConfig) -> str | None:
        for command in dict.fromkeys((guest.shutdown, guest.restart)):
            if command and (why := await self.inspect(command)) is not None:
                return why
        return None
