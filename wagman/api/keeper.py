"""Looks after the name of the control socket: whoever cleans up in its directory would cut everybody off for ever."""

from collections.abc import Callable, Mapping
from typing import Any

import trio
from attrs import define

from wagman.api.listener import Bound
from wagman.model.errors import WagmanError

LOOK_S = 20.0
"""How often it is looked at whether the name still leads to us (chosen: it is to be noticed within a minute)."""


@define(eq=False, repr=False)
class Keeper:
    """Binds the socket's name anew where it is lost, as soon as that can be done; says both.

    Args:
        record: takes the type and the fields of an event.
    """

    bound: Bound
    _record: Callable[[str, Mapping[str, Any]], None]
    reason: str | None = None  # why nobody can connect at present

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await trio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Bind it anew if that has to be done."""
        lost = self.bound.lost()
        obstacle = self._renewed() if lost else ""
        if lost and (obstacle or self.reason is None):
            self._tell_lost("; ".join(filter(None, [lost, obstacle])))
        if self.reason is not None and not obstacle:
            self.reason = None
            self._record("service.socket_recovered", {})

    def _renewed(self) -> str:
        """Bind it anew; gives what is in the way."""
        try:
            self.bound.renew()
        except WagmanError as error:
            return str(error)
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def _tell_lost(self, reason: str) -> None:
        """Once for each reason, however long it lasts."""
        if reason != self.reason:
            self.reason = reason
            self._record("service.socket_lost", {"reason": reason})
