"""Where the devices behind a broker are asked and answer, and what they say: by firmware, or as the configuration says.

In topics, paths and payloads `%d` stands for the device, and `%p` for the port; in a pulse `%s` for its length in seconds.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from wagman.model.facts import Supply

LENGTH = "%s"
"""What stands for the length of a pulse, in whole seconds."""


@frozen(kw_only=True)
class Who:
    """How a device is asked which one it is, and since when it runs. Paths lead into its answer."""

    ask_topic: str
    topic: str
    id_path: str
    ask: str = ""
    firmware_path: str | None = None
    boots_path: str | None = None  # how often it has started
    uptime_path: str | None = None  # for how many seconds it has run
    clock_path: str | None = None  # its clock, in seconds since 1970


@frozen(kw_only=True)
class Topics:
    """How one sort of device is asked and switched, and how it answers."""

    command_topic: str
    state_topic: str
    ask_topic: str
    ask: str = ""
    on: str = "ON"
    off: str = "OFF"
    state_path: str | None = None  # None: the message is the state
    shows_on: str = "ON"
    shows_off: str = "OFF"
    sole_path: str | None = None  # the path of port 1 on a device that has no other port
    by_path: str | None = None  # who switched it last
    meter_topic: str | None = None  # None: the message with the state
    meter_path: str | None = None
    availability_topic: str | None = None
    availability_path: str | None = None
    offline: str = "offline"
    pulse: str | None = None  # None: the device is not told to switch a port off and on again by itself
    pulse_topic: str | None = None  # None: `command_topic`
    longest_pulse_s: float = math.inf
    clear: bool = False  # an empty command does nothing, so that a retained command can be deleted
    left: tuple[str, ...] = ()  # topics beside `command_topic` on which a command may have been retained
    who: Who | None = None


TASMOTA = Topics(
    command_topic="cmnd/%d/POWER%p",
    state_topic="stat/%d/STATUS0",
    ask_topic="cmnd/%d/STATUS0",
    state_path="StatusSTS.POWER%p",
    sole_path="StatusSTS.POWER",
    meter_path="StatusSNS.ENERGY.Power",
    availability_topic="tele/%d/LWT",
    offline="Offline",
    pulse_topic="cmnd/%d/Backlog",
    longest_pulse_s=360.0,  # one `Delay`; a longer one is no delay at all (firmware)
    clear=True,
    # Tasmota ignores case, and without a number it takes its first relay.
    left=("cmnd/%d/POWER", "cmnd/%d/Power", "cmnd/%d/power", "cmnd/%d/Power%p", "cmnd/%d/power%p"),
    who=Who(
        ask_topic="cmnd/%d/STATUS0",
        topic="stat/%d/STATUS0",
        id_path="StatusNET.Mac",
        firmware_path="StatusFWR.Version",
        boots_path="StatusPRM.BootCount",
        uptime_path="StatusSTS.UptimeSec",
    ),
)

ZIGBEE2MQTT = Topics(
    command_topic="%d/%p/set",
    state_topic="%d/%p",
    ask_topic="%d/%p/get",
    ask='{"state": ""}',
    on='{"state": "ON"}',
    off='{"state": "OFF"}',
    state_path="state",
    availability_topic="%d/bridge/state",
    availability_path="state",
    clear=True,
)

ESPHOME = Topics(
    command_topic="%d/switch/%p/command",
    state_topic="%d/switch/%p/state",
    ask_topic="%d/switch/%p/ask",
    availability_topic="%d/status",
    pulse_topic="%d/switch/%p/pulse",
    clear=True,
    who=Who(ask_topic="esphome/ping/%d", topic="esphome/discover/%d", id_path="mac", firmware_path="version"),
)

OPENBEKEN = Topics(
    command_topic="%d/%p/set",
    state_topic="%d/%p/get",
    ask_topic="%d/%p/get",
    on="1",
    off="0",
    shows_on="1",
    shows_off="0",
    availability_topic="%d/connected",
    pulse_topic="cmnd/%d/backlog",
)

SHELLY = Topics(
    command_topic="%d/command/switch:%p",
    state_topic="%d/status/switch:%p",
    ask_topic="%d/command/switch:%p",
    ask="status_update",
    on="on",
    off="off",
    state_path="output",
    shows_on="true",
    shows_off="false",
    by_path="source",
    meter_path="apower",
    availability_topic="%d/online",
    offline="false",
    pulse_topic="%d/rpc",
    clear=True,
    who=Who(
        ask_topic="%d/rpc",
        ask='{"id": 1, "src": "wagman/%d", "method": "Sys.GetStatus"}',
        topic="wagman/%d/rpc",
        id_path="result.mac",
        uptime_path="result.uptime",
        clock_path="result.unixtime",
    ),
)

PRESETS: Mapping[str, Topics] = {
    "tasmota": TASMOTA,
    "zigbee2mqtt": ZIGBEE2MQTT,
    "esphome": ESPHOME,
    "openbeken": OPENBEKEN,
    "shelly": SHELLY,
}
"""The known firmware, by its name in the configuration."""


def filled(text: str, device: str, port: str = "", seconds: str = LENGTH) -> str:
    """The text with the device and the port filled in, and the length of a pulse, if it is one."""
    meant = {"%d": device, "%p": port, LENGTH: seconds}
    return re.sub("%[dps]", lambda found: meant[found[0]], text)


def told(payload: bytes, path: str | None = None, device: str = "", port: str = "") -> object:
    """What a message says at a path (keys with dots between them), or None; without a path, the whole message as text.

    None also stands for a message that is no JSON.
    """
    if path is None:
        return payload.decode("utf-8", "replace").strip() or None
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):  # thousands of nested brackets are valid JSON, but too deep for the parser
        return None
    for key in path.split("."):
        value = value.get(filled(key, device, port)) if isinstance(value, dict) else None
    return value


def word(value: object) -> str | None:
    """A value as a configuration writes it: `true`, `1`, `ON`; None: it is of another type."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case _:
            return None


def number(value: object) -> float | None:
    """A finite number, whether it came as a number or as text; None: it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = float(value)
    except (ValueError, OverflowError):
        return None
    return amount if math.isfinite(amount) else None


def whole(value: object, most: int) -> int | None:
    """A whole number from 1 to `most`; None: it is none."""
    return value if type(value) is int and 0 < value <= most else None


def supply(topics: Topics, value: object) -> Supply:
    """Whether a port that shows this value has power."""
    known: dict[str | None, Supply] = {topics.shows_on: "on", topics.shows_off: "off"}
    return known.get(word(value), "unknown")


def state(topics: Topics, payload: bytes, device: str, port: str) -> Any:
    """What a message on the state topic says of a port; None: nothing."""
    value = told(payload, topics.state_path, device, port)
    if value is None and topics.sole_path is not None and port == "1":
        value = told(payload, topics.sole_path, device, port)
    return value
