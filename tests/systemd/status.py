"""The part of the service's status that the line for systemd is made of."""

from collections.abc import Mapping
from typing import Any


def row(name: str, **changes: Any) -> Any:
    """A guest that runs, or with `changes`."""
    power = {"wanted": "on", "confirmed": True}
    usual = {"state": "started", "self": False, "enabled": True, "wanted": "up", "held": False}
    return {"name": name, "media": "emmc", "attempts": 0, "power": power, **usual, **changes}


def status(*rows: Mapping[str, Any], wagman: str = "normal", **board: Any) -> Any:
    sensors = {"temperature_c": {"value": 23.5}}
    place = {"name": "board", "kind": "wagman", "device": "/dev/waggle_sysmon"}
    return {
        "wagman": {"state": wagman},
        "boards": [{"link": "up", "blind": False, "sensors": sensors, **place, **board}],
        "devices": rows,
        "problems": [],
    }
