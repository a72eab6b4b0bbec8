"""The answers of a plug with Tasmota (https://tasmota.github.io/docs/Commands), in front of a fake rail."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from attrs import define

from wagman.fake.plugs.rail import FakeRail
from wagman.fake.plugs.server import Request, Response

FIRMWARE = "14.3.0(release-tasmota)"
"""The firmware version that it tells."""

POWER_ON_STATE: Mapping[str, int] = {"off": 0, "on": 1, "unknown": 2, "last": 3}
"""Its numbers for what happens when its power returns."""

ON = frozenset({"on", "1", "true"})
OFF = frozenset({"off", "0", "false"})
TOGGLE = frozenset({"toggle", "2"})

MOST_COMMANDS = 30
"""How many commands a `Backlog` holds (firmware)."""

DELAYS = range(2, 3_601)
"""The values of `Delay`, in tenths of a second (firmware)."""

UNKNOWN: dict[str, Any] = {"Command": "Unknown"}
NEEDS_LOGIN = {"WARNING": "Need user=<username>&password=<password>"}

_COMMAND = re.compile(r"([a-z]+)(\d*)\s*(.*)", re.IGNORECASE | re.DOTALL)


@define(eq=False)
class FakeTasmota:
    """Answers requests for a rail."""

    rail: FakeRail
    numbered: bool = False  # SetOption26: the only relay of a plug is POWER1, too

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        if request.path != "/cm":
            return Response(404, b"File Not Found")
        login = ("admin", self.rail.password)
        if self.rail.password is not None and (request.query.get("user"), request.query.get("password")) != login:
            return _json(NEEDS_LOGIN, 401)
        command = request.query.get("cmnd", "")
        if command.lower().startswith("backlog"):
            return _json(self._backlog(command[len("backlog") :]))
        return _json(self._run(command))

    def _backlog(self, text: str) -> dict[str, Any]:
        """Carry out one command after the other; `Delay` holds up the following ones."""
        delay_s = 0.0
        for each in [each.strip() for each in text.split(";") if each.strip()][:MOST_COMMANDS]:
            name, _index, argument = _split(each)
            if name != "delay":
                self.rail.after(delay_s, partial(self._run, each))
            elif argument.isdecimal() and int(argument) in DELAYS:
                delay_s += int(argument) / 10
        return {}

    def _run(self, command: str) -> dict[str, Any]:
        name, index, argument = _split(command)
        commands: dict[str, Callable[[int | None, str], dict[str, Any]]] = {
            "power": self._power,
            "status": self._status,
            "state": lambda _index, _argument: self._state(),
            "poweronstate": lambda _index, _argument: {"PowerOnState": POWER_ON_STATE[self.rail.on_restore]},
        }
        return commands[name](index, argument) if name in commands else UNKNOWN

    def _power(self, index: int | None, argument: str) -> dict[str, Any]:
        # An unknown relay number means the first relay (firmware).
        port = index - 1 if index is not None and 1 <= index <= len(self.rail.outlets) else 0
        word, was_on = argument.strip().lower(), self.rail.outlets[port].told_on
        if word in ON | OFF | TOGGLE:
            on = word in ON or (word in TOGGLE and not was_on)
            self.rail.command(port, f"Power{port + 1} {argument}", on=on, source="WebCommand")
            return {self._key(port): "ON" if on else "OFF"}
        return {self._key(port): "ON" if was_on else "OFF"}

    def _key(self, port: int) -> str:
        return "POWER" if len(self.rail.outlets) == 1 and not self.numbered else f"POWER{port + 1}"

    # --- Status --------------------------------------------------------------------------------------------------

    def _status(self, _index: int | None, argument: str) -> dict[str, Any]:
        parts: dict[str, dict[str, Any]] = {
            "": {"Status": self._basic()},
            "1": {"StatusPRM": self._parameters()},
            "2": {"StatusFWR": {"Version": FIRMWARE, "BuildDateTime": "2024-10-15T08:57:02", "Hardware": "ESP8285N08"}},
            "5": {"StatusNET": {"Hostname": "plug", "IPAddress": "192.168.1.97", "Mac": self._mac, "WifiConfig": 4}},
            "7": {"StatusTIM": {"UTC": self._time(self.rail.unix_s), "Local": self._time(self.rail.unix_s)}},
            "10": {"StatusSNS": self._sensors()},
            "11": {"StatusSTS": self._state()},
        }
        if self.rail.metered:
            parts["8"] = parts["10"]
        if argument.strip() == "0":
            return {key: value for each in parts.values() for key, value in each.items()}
        return parts.get(argument.strip(), UNKNOWN)

    @property
    def _mac(self) -> str:
        return ":".join(self.rail.mac[at : at + 2] for at in range(0, 12, 2))

    def _basic(self) -> dict[str, Any]:
        relays = "".join("1" if outlet.told_on else "0" for outlet in reversed(self.rail.outlets))
        state = POWER_ON_STATE[self.rail.on_restore]
        return {"Module": 0, "DeviceName": "plug", "Topic": "plug", "Power": relays, "PowerOnState": state, "SaveData": 1}

    def _parameters(self) -> dict[str, Any]:
        began_s = None if self.rail.unix_s is None else self.rail.unix_s - self.rail.uptime_s
        return {
            "Baudrate": 115200,
            "RestartReason": "Power On" if self.rail.cold else "Software/System restart",
            "Uptime": _elapsed(self.rail.uptime_s),
            "StartupUTC": self._time(began_s),
            "BootCount": self.rail.boots,
            "BCResetTime": "2024-01-01T00:00:00",
        }

    def _state(self) -> dict[str, Any]:
        uptime_s = self.rail.uptime_s
        relays = {self._key(port): "ON" if outlet.told_on else "OFF" for port, outlet in enumerate(self.rail.outlets)}
        told = {"Time": self._time(self.rail.unix_s), "Uptime": _elapsed(uptime_s), "UptimeSec": int(uptime_s), "Heap": 25}
        return {**told, **relays, "Wifi": {"AP": 1, "SSId": "site", "RSSI": 82, "Signal": -59, "LinkCount": 1}}

    def _sensors(self) -> dict[str, Any]:
        told: dict[str, Any] = {"Time": self._time(self.rail.unix_s)}
        watts = [round(watts) for port in range(len(self.rail.outlets)) if (watts := self.rail.watts(port)) is not None]
        if watts:
            told["ENERGY"] = {"Total": 3.185, "Power": watts[0] if len(watts) == 1 else watts, "Voltage": 230}
        return told

    def _time(self, unix_s: float | None) -> str:
        # A clock that is not set counts from 1970 (firmware).
        return datetime.fromtimestamp(int(self.rail.uptime_s if unix_s is None else unix_s), UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _split(command: str) -> tuple[str, int | None, str]:
    """Return the name in lower case, the number after it, and the rest."""
    found = _COMMAND.match(command.strip())
    if found is None:
        return "", None, ""
    return found[1].lower(), int(found[2]) if found[2] else None, found[3]


def _elapsed(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 86400}T{whole // 3600 % 24:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def _json(value: object, status: int = 200) -> Response:
    return Response(status, json.dumps(value).encode())
