"""The answers of a Shelly of the second generation (https://shelly-api-docs.shelly.cloud/gen2), in front of a fake rail."""

import hashlib
import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from attrs import define, field, frozen

from wagman.fake.plugs.rail import FakeRail
from wagman.fake.plugs.server import Request, Response

MODEL = "shellypro4pm"
"""The beginning of its name."""

FIRMWARE = "1.4.4"
"""The firmware version that it tells."""

INITIAL = {"on": "on", "off": "off", "last": "restore_last", "unknown": "match_input"}
"""The words of its configuration for what happens when its power returns."""

POWER_ON, SOFTWARE = 1, 3
"""Reasons of a restart (ESP-IDF, `esp_reset_reason`)."""

OPEN = "Shelly.GetDeviceInfo"
"""The method that needs no password (specified)."""

NO_SUCH_ID, MISSING, NO_SUCH_METHOD = -105, -103, 404
"""Error codes (the same as those of real ones)."""

_PARAMETER = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,"]+))')


@frozen
class RpcError(Exception):
    """A call that is not carried out."""

    code: int
    message: str


@define(eq=False)
class FakeShelly:
    """Answers requests for a rail."""

    rail: FakeRail
    _nonces: deque[str] = field(factory=lambda: deque(maxlen=32), init=False)
    _numbers: "count[int]" = field(factory=lambda: count(0x60DF7A2C), init=False)

    @property
    def name(self) -> str:
        """Its name, which is the realm of its password, too."""
        return f"{MODEL}-{self.rail.mac.lower()}"

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        if request.path == "/shelly":
            return _json(200, self._info())
        if request.path == "/rpc" and request.method == "POST":
            return self._framed(request)
        if request.path.startswith("/rpc/"):
            return self._plain(request)
        return Response(404, b"Not Found")

    def _framed(self, request: Request) -> Response:
        try:
            frame = json.loads(request.body)
            number, method, params = frame.get("id"), frame["method"], frame.get("params") or {}
        except (ValueError, KeyError, AttributeError):
            # A client that expects to prove a password sends an empty request first, to be challenged.
            return Response(400, b"Bad Request") if self._may(request) else self._unauthorized()
        if method != OPEN and not self._may(request):
            return self._unauthorized()
        reply: dict[str, Any] = {"id": number, "src": self.name}
        try:
            reply["result"] = self._call(method, params)
        except RpcError as error:
            reply["error"] = {"code": error.code, "message": error.message}
        return _json(200, reply)

    def _plain(self, request: Request) -> Response:
        method = request.path.removeprefix("/rpc/")
        if method != OPEN and not self._may(request):
            return self._unauthorized()
        try:
            return _json(200, self._call(method, {key: json.loads(value) for key, value in request.query.items()}))
        except RpcError as error:
            return _json(500, {"code": error.code, "message": error.message})

    # --- Calls ---------------------------------------------------------------------------------------------------

    def _call(self, method: str, params: Mapping[str, Any]) -> Any:
        calls: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            OPEN: lambda _params: self._info(),
            "Shelly.GetStatus": lambda _params: self._status(),
            "Shelly.GetConfig": lambda _params: self._config(),
            "Sys.GetStatus": lambda _params: self._sys(),
            "Switch.GetStatus": lambda params: self._switch(self._port(params)),
            "Switch.GetConfig": lambda params: self._switch_config(self._port(params)),
            "Switch.Set": self._set,
        }
        if method not in calls:
            raise RpcError(NO_SUCH_METHOD, f"No handler for {method}")
        return calls[method](params)

    def _port(self, params: Mapping[str, Any]) -> int:
        if "id" not in params:
            raise RpcError(MISSING, "Missing required argument 'id'!")
        try:
            port = int(params["id"])
        except (TypeError, ValueError):
            port = -1
        if not 0 <= port < len(self.rail.outlets):
            raise RpcError(NO_SUCH_ID, f"Argument 'id', value {params['id']} not found!")
        return port

    def _set(self, params: Mapping[str, Any]) -> dict[str, Any]:
        port = self._port(params)
        if not isinstance(params.get("on"), bool):
            raise RpcError(MISSING, "Missing or bad argument 'on'!")
        was_on = self.rail.outlets[port].told_on
        request = f"Switch.Set {json.dumps(dict(params), sort_keys=True)}"
        self.rail.command(port, request, on=params["on"], source="HTTP_in", toggle_after_s=params.get("toggle_after"))
        return {"was_on": was_on}

    def _info(self) -> dict[str, Any]:
        return {
            "name": None,
            "id": self.name,
            "mac": self.rail.mac,
            "slot": 1,
            "model": "SPSW-104PE16EU",
            "gen": 2,
            "fw_id": "20241011-114455/1.4.4-g6d2a586",
            "ver": FIRMWARE,
            "app": "Pro4PM",
            "auth_en": self.rail.password is not None,
            "auth_domain": self.name if self.rail.password is not None else None,
        }

    def _status(self) -> dict[str, Any]:
        switches = {f"switch:{port}": self._switch(port) for port in range(len(self.rail.outlets))}
        rest: dict[str, Any] = {
            "ble": {},
            "cloud": {"connected": False},
            "mqtt": {"connected": False},
            "ws": {"connected": False},
        }
        return {**rest, **switches, "sys": self._sys()}

    def _sys(self) -> dict[str, Any]:
        unix_s = self.rail.unix_s
        return {
            "mac": self.rail.mac,
            "restart_required": False,
            "time": None if unix_s is None else f"{int(unix_s // 3600 % 24):02}:{int(unix_s // 60 % 60):02}",
            "unixtime": None if unix_s is None else int(unix_s),
            "uptime": int(self.rail.uptime_s),
            "ram_size": 247524,
            "ram_free": 101788,
            "cfg_rev": 31,
            "available_updates": {},
            "reset_reason": POWER_ON if self.rail.cold else SOFTWARE,
        }

    def _switch(self, port: int) -> dict[str, Any]:
        outlet, watts = self.rail.outlets[port], self.rail.watts(port)
        told: dict[str, Any] = {"id": port, "source": outlet.source, "output": outlet.told_on}
        if watts is not None:
            energy = {"total": 6468.282, "by_minute": [0.0, 0.0, 0.0], "minute_ts": int(self.rail.unix_s or 0)}
            told |= {
                "apower": round(watts, 1),
                "voltage": 232.5,
                "freq": 50.0,
                "current": round(watts / 232.5, 3),
                "aenergy": energy,
            }
        return {**told, "temperature": {"tC": 41.2, "tF": 106.2}}

    def _switch_config(self, port: int) -> dict[str, Any]:
        return {"id": port, "name": None, "in_mode": "detached", "initial_state": INITIAL[self.rail.on_restore], "auto_on": False}

    def _config(self) -> dict[str, Any]:
        switches = {f"switch:{port}": self._switch_config(port) for port in range(len(self.rail.outlets))}
        device = {"name": None, "mac": self.rail.mac, "fw_id": "20241011-114455/1.4.4-g6d2a586", "eco_mode": False}
        return {**switches, "sys": {"device": device, "cfg_rev": 31}}

    # --- The password --------------------------------------------------------------------------------------------

    def _unauthorized(self) -> Response:
        nonce = f"{next(self._numbers):x}"
        self._nonces.append(nonce)
        challenge = f'Digest qop="auth", realm="{self.name}", nonce="{nonce}", algorithm=SHA-256'
        return Response(401, b"", (("WWW-Authenticate", challenge),))

    def _may(self, request: Request) -> bool:
        if self.rail.password is None:
            return True
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        given = {name: quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
        if scheme.lower() != "digest" or given.get("nonce") not in self._nonces or given.get("uri") != request.target:
            return False
        secret = _sha256("admin", self.name, self.rail.password)
        asked = _sha256(request.method, request.target)
        proof = _sha256(secret, given["nonce"], given.get("nc", ""), given.get("cnonce", ""), "auth", asked)
        return given.get("username") == "admin" and given.get("response") == proof


def _sha256(*words: str) -> str:
    return hashlib.sha256(":".join(words).encode()).hexdigest()


def _json(status: int, value: object) -> Response:
    return Response(status, json.dumps(value).encode())
