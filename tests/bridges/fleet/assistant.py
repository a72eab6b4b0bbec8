"""What Home Assistant makes of a message of discovery, as far as its rules are its own: which keys it takes, what templates give.

The keys were read in `homeassistant/components/mqtt` of github.com/home-assistant/core: `schemas.py` (DEVICE_DISCOVERY_SCHEMA,
MQTT_ENTITY_DEVICE_INFO_SCHEMA, MQTT_ORIGIN_INFO_SCHEMA, MQTT_AVAILABILITY_LIST_SCHEMA, MQTT_ENTITY_COMMON_SCHEMA), `config.py`
(MQTT_RO_SCHEMA, MQTT_RW_SCHEMA), `sensor.py`, `binary_sensor.py` and `switch.py` (PLATFORM_SCHEMA_MODERN); for topics, and what
becomes of a component that has a platform only, `discovery.py`. Switches have `command_template` since its pull request 122103.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

TOPIC: Final = re.compile(r"(?P<component>\w+)/(?:(?P<node_id>[a-zA-Z0-9_-]+)/)?(?P<object_id>[a-zA-Z0-9_-]+)/config")

DEVICE: Final = {
    "device": {"identifiers", "name", "manufacturer", "model", "sw_version", "via_device"},
    "origin": {"name", "sw_version", "support_url"},
}
WHOLE: Final = {
    "device",
    "origin",
    "components",
    "availability",
    "availability_mode",
    "state_topic",
    "command_topic",
    "qos",
    "encoding",
}
AVAILABILITY: Final = {"topic", "payload_available", "payload_not_available", "value_template"}

_COMMON: Final = {
    *("platform", "unique_id", "name", "device_class", "entity_category", "icon", "enabled_by_default"),
    *("json_attributes_topic", "json_attributes_template", "state_topic", "value_template", "qos", "encoding"),
}
ENTITIES: Final = {
    "sensor": {*_COMMON, "expire_after", "force_update", "options", "state_class", "unit_of_measurement"},
    "binary_sensor": {*_COMMON, "expire_after", "force_update", "off_delay", "payload_on", "payload_off"},
    "switch": {
        *_COMMON,
        *("command_topic", "command_template", "payload_on", "payload_off", "state_on", "state_off", "optimistic", "retain"),
    },
}
NOT_ATTRIBUTES: Final = {"state", "name", "icon", "available", "device_class", "unit_of_measurement", "friendly_name"}
"""Some of those that Home Assistant leaves out (`entity.py`, MQTT_ATTRIBUTES_BLOCKED)."""


class _Value(dict[str, Any]):
    """As its templates see a JSON object."""

    def __getattr__(self, name: str) -> Any:
        return _seen(self[name])


def _seen(value: object) -> Any:
    return _Value(value) if isinstance(value, dict) else value


def rendered(template: str, value: Any) -> Any:
    """What a template gives: ours say the same in Python as in Jinja. `value` is the message, or what a switch says."""
    found = re.fullmatch(r"\{\{ (.*?)(?: \| tojson)? \}\}", template)
    assert found is not None, template
    known = {"value_json": _seen(value), "value": value, "utcnow": lambda: datetime.now(UTC), "timedelta": timedelta}
    return eval(found[1], {"__builtins__": {}}, known)  # noqa: S307 - it is our own
