"""A box of relays that shows each as a file with 0 or 1 in it, beside a file `serial` that says which box it is."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import trio
from attrs import define, field, frozen

from wagman.config.boards import PlainBoard
from wagman.config.kinds import TEXT, matching
from wagman.config.setting import setting
from wagman.model.backend import BLANK_BOOTS, Abilities, Identity, Look
from wagman.model.errors import BoardProtocolError, BoardRefusedError, LinkGoneError, StrangerError
from wagman.model.facts import Supply

STATES: Mapping[str, Supply] = {"0": "off", "1": "on"}
RELAY = matching("the name of one relay, of a-z, 0-9, _ and -", "(?!serial$)[a-z0-9][a-z0-9_-]{0,31}")


@frozen(kw_only=True)
class LampBoard(PlainBoard):
    """What `[board.NAME]` with `kind = "lamp"` may hold."""

    kind = "lamp"
    about = "A box of relays that are files."
    port_kind = RELAY
    may_meter = False

    folder: str = field(metadata=setting(TEXT, "The folder with a file for each relay."))
    id: str | None = field(default=None, metadata=setting(TEXT, "What `serial` says in the right box: no other is switched."))

    def backend(self) -> "Lamp":
        """What speaks to it; nothing is opened yet."""
        return Lamp(self, self.id)


@define(eq=False)
class Lamp:
    """Speaks to one box. What is kept in memory answers at once: nothing here has to be bounded."""

    config: LampBoard
    meant: str | None  # the box that is switched, and no other

    @property
    def address(self) -> str:
        """For people."""
        return self.config.folder

    @property
    def abilities(self) -> Abilities:
        """A file says what was written to it, and not what a contact does."""
        return Abilities("told", self.config.settle_s, on_restore=self.config.on_restore)

    async def greet(self) -> Identity:
        """Whoever is greeted first is meant, where the file does not say who is. It does not tell when it began."""
        self.meant = await self._met()
        return Identity(self.meant, BLANK_BOOTS, None)

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        """What cannot be read is unknown; where that is all of it, something is wrong."""
        await self._met()
        shown = {port: Look(STATES.get(self._text(port) or "", "unknown")) for port in ports}
        if ports and set(shown.values()) == {Look()}:
            raise BoardProtocolError(f"{self.address} tells 0 or 1 of none of {', '.join(ports)}")
        return shown

    async def switch(self, port: str, *, on: bool) -> None:
        """Write to what is a relay, and to nothing else."""
        await self._met()
        if self._text(port) not in STATES:
            raise BoardRefusedError(f"{self.address} has no relay {port} that tells 0 or 1")
        try:
            await trio.Path(self.address, port).write_text("1" if on else "0", encoding="ascii")
        except OSError as error:
            raise BoardRefusedError(f"{self.address}/{port}: {error.strerror}") from error

    async def _met(self) -> str:
        await trio.lowlevel.checkpoint()
        serial = self._text("serial")
        if not serial:
            raise LinkGoneError(f"there is no file serial in {self.address}, or nothing in it")
        if serial != (self.meant or serial):
            raise StrangerError(f"{serial!r} is in {self.address}, and not {self.meant!r}: it is not switched")
        return serial

    def _text(self, name: str) -> str | None:
        try:
            return Path(self.address, name).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
