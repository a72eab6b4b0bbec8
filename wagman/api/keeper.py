"""Looks after the name of the control socket: if somebody deletes it, nobody could connect any more."""

from collections.abc import Callable, Mapping
from typing import Any

import trio
from attrs import define

from wagman.api.listener import Bound
from wagman.model.errors import WagmanError

LOOK_S = 20.0
"""How often the name is checked (chosen: a loss is to be noticed within a minute)."""


@define(eq=False, repr=False)
class Keeper:
    """Binds the socket's name anew when it is lost, as soon as possible, and records both.

    Args:
        record: takes the type and the fields of an event.
    """

    bound: Bound
    _record: Callable[[str, Mapping[str, Any]], None]
    reason: str | None = None  # why nobody can connect at present

    async def run(self) -> None:
        """Check the name every `LOOK_S` until cancelled."""
        while True:
            await trio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Check the name now, and bind it anew if it is lost."""
        lost = self.bound.lost()
        obstacle = self._renewed() if lost else ""
        if lost and (obstacle or self.reason is None):
            self._tell_lost("; ".join(filter(None, [lost, obstacle])))
        if self.reason is not None and not obstacle:
            self.reason = None
            self._record("service.socket_recovered", {})

    def _renewed(self) -> str:
        """Bind the name anew; return what prevents that, or an empty text."""
        try:
            self.bound.renew()
        except WagmanError as error:
            return str(error)
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def _tell_lost(self, reason: str) -> None:
        """Record a loss once for each reason, however long it lasts."""
        if reason != self.reason:
            self.reason = reason
            self._record("service.socket_lost", {"reason": reason})
