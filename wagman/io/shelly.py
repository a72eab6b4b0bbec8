"""A Shelly of the second generation or later: JSON-RPC over HTTP (https://shelly-api-docs.shelly.cloud/gen2).

- What it reports of an output comes from its own register; a meter beside it makes it sensed. It may report *off* while the
  contact is welded, and 0 W for three quarters of a minute after an off while the load runs on.
- It can switch off and on again by itself, and so can power the way to itself.
- It is assumed to keep its outputs through a restart of its processor (chosen: tried on no device yet), and not through a loss of
  its power: it tells which of the two a restart was.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from wagman.config.kinds import show
from wagman.config.secrets import read_password
from wagman.io.http import UNAUTHORIZED, Errand, Login, fetch
from wagman.io.plug import TIMEOUT_S, Plug, PlugBoard, number, numbered, part
from wagman.model.backend import BLANK_BOOTS, Backend, Identity, Look, Restore
from wagman.model.errors import BoardProtocolError, BoardRefusedError

USER = "admin"
"""The only user that a Shelly has (specified)."""

REPLIES = (200, 500)
"""The statuses of answers that hold a reply: a result, or an error."""

WARM = frozenset({3, 4, 5, 6, 7})
"""Reset reasons that left the power alone: software, a panic, three watchdogs (ESP-IDF, `esp_reset_reason`)."""

RESTORES: Mapping[object, Restore] = {"on": "on", "off": "off", "restore_last": "last"}
"""The effect of its setting `initial_state`; `match_input` is missing, because it depends on a switch on the spot."""


@frozen(kw_only=True)
class ShellyBoard(PlugBoard):
    """A Shelly plug, relay or rail."""

    kind = "shelly"
    about = "A Shelly plug, relay or rail of the second generation or later, over its own HTTP."
    port_kind = numbered(0, 15)

    def backend(self) -> Backend:
        """The back end that speaks to it."""
        return Shelly(self)


@define(eq=False)
class Shelly(Plug):
    """Speaks to one Shelly."""

    _firmware: str | None = field(init=False, default=None)
    _known: bool = field(init=False, default=False)  # what does not change during a run was asked for

    async def greet(self) -> Identity:
        """Ask which Shelly it is and how long it has been up; once in each run, also for its settings."""
        errand = self.errand()
        status = await self._call(errand, "Shelly.GetStatus")
        mac = self.check(part(status, "sys", "mac"))
        uptime_s, clock_s = number(part(status, "sys", "uptime")), number(part(status, "sys", "unixtime"))
        began_s = clock_s - uptime_s if clock_s is not None and uptime_s is not None else None
        if self.run.told(uptime_s, began_s) or not self._known:
            await self._get_to_know(errand, status)
        return self.greeted(mac, BLANK_BOOTS, self._firmware)

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        """The states and watts that its registers and meters show."""
        status = await self._call(self.errand(), "Shelly.GetStatus")
        self.check(part(status, "sys", "mac"))
        return {port: self._shown(port, status.get(f"switch:{port}")) for port in ports}

    async def switch(self, port: str, *, on: bool) -> None:
        """Switch an output."""
        # `_set` checks that it is the right Shelly first.
        await self._set(port, on=on)

    async def pulse(self, port: str, off_s: float) -> None:
        """Switch an output off, and have it come on again by itself after `off_s` seconds."""
        await self._set(port, on=False, toggle_after=off_s)

    async def _set(self, port: str, **how: Any) -> None:
        errand = self.errand()
        self.check((await self._call(errand, "Shelly.GetDeviceInfo")).get("mac"))
        self.switching(port)
        await self._call(errand, "Switch.Set", id=int(port), **how)

    def _shown(self, port: str, shown: object) -> Look:
        output, source = part(shown, "output"), part(shown, "source")
        return Look(
            relay=("on" if output else "off") if isinstance(output, bool) else "unknown",
            watts=self.watts(port, part(shown, "apower")),
            by=source if isinstance(source, str) else None,
        )

    async def _get_to_know(self, errand: Errand, status: Mapping[str, Any]) -> None:
        info, config = await self._call(errand, "Shelly.GetDeviceInfo"), await self._call(errand, "Shelly.GetConfig")
        self._firmware = info["ver"] if isinstance(info.get("ver"), str) else None
        switches = [key for key in status if key.startswith("switch:")]
        restores = {_restore(part(config, key, "initial_state")) for key in switches}
        self.is_able(
            metered=bool(switches) and all(number(part(status, key, "apower")) is not None for key in switches),
            on_restore=restores.pop() if len(restores) == 1 else "unknown",
            survives=number(part(status, "sys", "reset_reason")) in WARM,
        )
        self._known = True

    async def _call(self, errand: Errand, method: str, **params: Any) -> dict[str, Any]:
        """The result of one call.

        Raises:
            BoardError: there is none.
        """
        password = read_password(self.config.password_file)
        answer = await fetch(
            f"http://{self.address}/rpc",
            method="POST",
            body={"id": 1, "method": method, "params": params},
            auth=None if password is None else Login(USER, password),
            timeout_s=TIMEOUT_S,
            connect=errand,
        )
        if answer.status == UNAUTHORIZED:
            raise BoardRefusedError(f"{self.address} wants {'a' if password is None else 'another'} password: set password_file")
        if answer.status not in REPLIES:
            raise BoardProtocolError(f"{self.address} answers {answer.status}: is it a Shelly of the second generation or later?")
        reply = answer.json_object()
        if "error" in reply:
            raise BoardRefusedError(f"{self.address} refuses {method}: {show(part(reply, 'error', 'message'))}")
        if not isinstance(result := reply.get("result"), dict):
            raise BoardProtocolError(f"{self.address} gives no result of {method}")
        return result


def _restore(told: object) -> Restore:
    return RESTORES.get(told, "unknown") if isinstance(told, str) else "unknown"
