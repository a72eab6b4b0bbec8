"""A plug with the firmware Tasmota: commands over HTTP (https://tasmota.github.io/docs/Commands).

- It reports of a relay what it set; a meter beside it makes that sensed.
- A restart of its processor alone, for a new firmware or a lost network, lets the relays drop for a moment: its guests have lost
  their power, whatever it shows afterwards. `PowerOnState` does not say how it sets its relays then.
- It takes a relay that it does not have for its first one. Therefore it is asked which relays it has before anything is switched.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import ceil
from typing import Any
from urllib.parse import quote, urlencode

from attrs import define, field, frozen

from wagman.config.kinds import TEXT, show
from wagman.config.secrets import read_password
from wagman.config.setting import setting
from wagman.io.http import UNAUTHORIZED, Errand, fetch
from wagman.io.plug import TIMEOUT_S, Plug, PlugBoard, number, numbered, part
from wagman.model.backend import BLANK_BOOTS, Backend, Identity, Look, Restore
from wagman.model.errors import BoardProtocolError, BoardRefusedError
from wagman.model.facts import Supply

RESTORES: Mapping[object, Restore] = {0: "off", 1: "on", 3: "last", 4: "on", 5: "on"}
"""The effect of `PowerOnState`; 2 is missing, because it is the opposite of the last state."""

WORDS: Mapping[str, Supply] = {"ON": "on", "OFF": "off"}
"""Tasmota's words for the states of a relay. `StateText` can change the words; then nothing is known."""

DELAY_TENTHS = 3_600
"""The longest `Delay`, in tenths of a second (firmware)."""

DELAYS = 28
"""How many `Delay` one command may hold (firmware: thirty commands in a `Backlog`, two of which switch)."""

LONGEST_PULSE_S = DELAYS * DELAY_TENTHS // 10 - 1
"""The longest pulse that these can make, in seconds, and one second less."""

COUNTS = range(1, BLANK_BOOTS)
"""The possible values of `BootCount` (firmware)."""


@frozen(kw_only=True)
class TasmotaBoard(PlugBoard):
    """A plug or relay with the firmware Tasmota."""

    kind = "tasmota"
    about = "A plug or relay with the firmware Tasmota, over HTTP."
    port_kind = numbered(1, 32)

    user: str = field(default="admin", metadata=setting(TEXT, "The user name, if the plug has a password.", "firmware"))

    @property
    def longest_pulse_s(self) -> float:
        """As long as one command of Tasmota can wait."""
        return LONGEST_PULSE_S

    def backend(self) -> Backend:
        """The back end that speaks to it."""
        return Tasmota(self, user=self.user)


@define(eq=False)
class Tasmota(Plug):
    """Speaks to one plug with the firmware Tasmota."""

    user: str = "admin"

    async def greet(self) -> Identity:
        """Ask which plug it is, how often it has started, and for its settings."""
        status = await self._status(self.errand())
        self.run.told(number(part(status, "StatusSTS", "UptimeSec")), _moment(part(status, "StatusPRM", "StartupUTC")))
        told = number(part(status, "Status", "PowerOnState"))
        self.is_able(
            metered=part(status, "StatusSNS", "ENERGY", "Power") is not None,
            on_restore=RESTORES.get(told, "unknown"),
            survives=False,
        )
        count, version = part(status, "StatusPRM", "BootCount"), part(status, "StatusFWR", "Version")
        boots = count if type(count) is int and count in COUNTS else BLANK_BOOTS
        return self.greeted(self._mac_of(status), boots, version if isinstance(version, str) else None)

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        """The states and watts that its registers and meters show."""
        status = await self._status(self.errand())
        return {port: Look(_relay(status, port), self.watts(port, _power(status, port))) for port in ports}

    async def switch(self, port: str, *, on: bool) -> None:
        """Switch a relay."""
        # `_command` checks first that it is the right plug, and has this relay.
        await self._command(port, f"Power{port} {'ON' if on else 'OFF'}")

    async def pulse(self, port: str, off_s: float) -> None:
        """Switch a relay off, and have it come on again by itself after `off_s` seconds.

        Raises:
            BoardRefusedError: the plug cannot wait that long.
        """
        tenths = ceil(off_s * 10)
        if off_s > LONGEST_PULSE_S:
            raise BoardRefusedError(f"{self.address} can keep a relay off for {LONGEST_PULSE_S:g} s at most")
        delays = [DELAY_TENTHS] * (tenths // DELAY_TENTHS) + [max(tenths % DELAY_TENTHS, 2)]
        waits = "".join(f"Delay {delay}; " for delay in delays)
        await self._command(port, f"Backlog Power{port} OFF; {waits}Power{port} ON")

    async def _command(self, port: str, command: str) -> None:
        errand = self.errand()
        status = await self._status(errand)
        if _key(status, port) is None:
            raise BoardRefusedError(f"{self.address} has no relay {port}")
        self.switching(port)
        await self._ask(errand, command)

    async def _status(self, errand: Errand) -> dict[str, Any]:
        status = await self._ask(errand, "Status 0")
        self._mac_of(status)
        return status

    def _mac_of(self, status: object) -> str:
        return self.check(part(status, "StatusNET", "Mac"))

    async def _ask(self, errand: Errand, command: str) -> dict[str, Any]:
        """The answer to one command.

        Raises:
            BoardError: the plug does not answer, or does not accept the command.
        """
        password = read_password(self.config.password_file)
        words = {"cmnd": command} if password is None else {"user": self.user, "password": password, "cmnd": command}
        query = urlencode(words, quote_via=quote)
        answer = await fetch(f"http://{self.address}/cm?{query}", timeout_s=TIMEOUT_S, connect=errand)
        if answer.status not in {200, UNAUTHORIZED}:
            raise BoardProtocolError(f"{self.address} answers {answer.status}: is there Tasmota on it?")
        # Old firmware reports that with the status of a success.
        if answer.status == UNAUTHORIZED or b"Need user=" in answer.body:
            raise BoardRefusedError(f"{self.address} wants {'a' if password is None else 'another'} password: set password_file")
        reply = answer.json_object()
        if "Command" in reply:
            raise BoardRefusedError(f"{self.address} does not take {command!r}: {show(reply['Command'])}")
        return reply


def _key(status: object, port: str) -> str | None:
    """The key under which the status has this relay; None: there is no such relay."""
    keys = [f"POWER{port}", *(["POWER"] if port == "1" else [])]
    return next((key for key in keys if part(status, "StatusSTS", key) is not None), None)


def _relay(status: object, port: str) -> Supply:
    told = part(status, "StatusSTS", _key(status, port) or "")
    return WORDS.get(told, "unknown") if isinstance(told, str) else "unknown"


def _power(status: object, port: str) -> object:
    """The power that is metered on this port: a number for each relay, or one number, which belongs to the only relay."""
    told = part(status, "StatusSNS", "ENERGY", "Power")
    if isinstance(told, list):
        return told[int(port) - 1] if int(port) <= len(told) else None
    return told if _key(status, "2") is None else None


def _moment(told: object) -> float | None:
    """A moment in UTC as seconds since 1970; None: it cannot be read."""
    try:
        return datetime.fromisoformat(told).replace(tzinfo=UTC).timestamp() if isinstance(told, str) else None
    except (ValueError, OverflowError):
        return None
