"""The messages to Home Assistant: devices and entities of a node, and their states. Pure.

The node is a device, and so is each guest. Home Assistant takes a message of its *device discovery* for each of them, under
`PREFIX/device/...`. States have messages of their own, `.../home` and `.../home/GUEST`: Home Assistant cannot unpack the status,
and the status has no figures. Values that are not known are `null` there, which Home Assistant shows as unknown.

A switch gives an order as any operator does. Home Assistant itself adds the deadline and the id, by a template that it fills in
when somebody switches. So an order that a broker holds back is never carried out late.
"""

from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from attrs import frozen

from wagman.bridges.fleet.payloads import VERSION
from wagman.model.shapes import Device, Problem, Status

Messages: TypeAlias = dict[str, dict[str, Any]]
"""Messages to publish, by topic."""

STATES: Final = ("stopped", "starting", "started", "will_stop", "stopping", "restarting", "maintenance")
"""The states of a guest that Home Assistant is told of."""

OUTCOMES: Final = ("accepted", "refused", "expired", "unknown")
"""The outcomes of an order."""

CLIMATE: Final = {
    "temperature": ("temperature_c", "Temperature", {"device_class": "temperature", "unit_of_measurement": "°C"}),
    "humidity": ("humidity_pct", "Humidity", {"device_class": "humidity", "unit_of_measurement": "%"}),
}
"""What boards measure of the enclosure: its name here, the board's name for it, and its title and kind in Home Assistant."""


@frozen
class Home:
    """The topics for Home Assistant, and its rights.

    Args:
        node: the name of the node.
        topics: the beginning of all topics of the node.
        prefix: the beginning of all topics of discovery.
        stale_s: how long a state is shown without a new message, in seconds.
        version: of wagman.
        who: the name in which Home Assistant gives orders; None if it may give none.
        within_s: how far ahead it sets their deadline, in seconds.
    """

    node: str
    topics: str
    prefix: str
    stale_s: int
    version: str
    who: str | None = None
    within_s: float = 0.0

    def state_of(self, guest: str | None) -> str:
        """Return the topic of the state of a guest, or of the node."""
        return f"{self.topics}/home{f'/{guest}' if guest else ''}"

    @property
    def status(self) -> str:
        """The topic on which Home Assistant says that it has come up."""
        return f"{self.prefix}/status"

    def config_of(self, guest: str | None) -> str:
        """Return the topic of the discovery of a guest, or of the node."""
        return f"{self.prefix}/device/{self.node}{f'/{guest}' if guest else ''}/config"


def topics_of(home: Home, status: Status) -> set[str]:
    """Return all topics on which the broker keeps something for Home Assistant."""
    names = (None, *(row["name"] for row in status["devices"]))
    return {topic for each in names for topic in (home.config_of(each), home.state_of(each))}


# --- How things are ---------------------------------------------------------------------------------------------------


def away(home: Home) -> Messages:
    """Return the messages while the service is away: a critical problem, and no state of any guest."""
    nothing = {"text": "the service does not answer", "severity": "critical", "device": None, "do": "systemctl status wagman"}
    return {home.state_of(None): {"service": "away", "problem": "ON", "problems": [nothing], **dict.fromkeys(CLIMATE)}}


def told(status: Status, home: Home, now_s: float) -> Messages:
    """Return the messages with all states.

    Args:
        status: as the service gives it.
        home: the topics.
        now_s: the present time by the wall clock, in seconds since 1970.
    """
    guests = {home.state_of(row["name"]): _guest(row, now_s) for row in status["devices"]}
    climate = {name: _climate(status, sensor) for name, (sensor, _, _) in CLIMATE.items()}
    problems = [_problem(each) for each in status["problems"]]
    calls = any(each["severity"] != "notice" for each in status["problems"])
    return {home.state_of(None): {"service": "up", "problem": _word(calls), "problems": problems, **climate}, **guests}


def essence(messages: Messages) -> Messages:
    """Return the messages without what changes all the time: a difference in the rest is worth a new message."""
    restless = {*CLIMATE, "heard"}
    return {topic: {key: value for key, value in each.items() if key not in restless} for topic, each in messages.items()}


def _guest(row: Device, now_s: float) -> dict[str, Any]:
    power, age_s = row["power"], row["heartbeat_age_s"]
    # A board that is not seen, or does not obey, leaves open what the power is.
    is_known = power["confirmed"] and not row["stale"]
    return {
        "state": row["state"] if row["state"] in STATES else None,
        "power": _word(power["wanted"] == "on") if is_known else None,
        "heard": None if age_s is None else _moment(now_s - age_s),
        "wanted": row["wanted"],
        "more": {
            "reason": row["reason"],
            "since": row["since"],
            "enabled": row["enabled"],
            "media": row["media"],
            "attempts": row["attempts"],
            "failures": row["failures"],
            "unrecoverable": row["unrecoverable"],
        },
    }


def _moment(at_s: float) -> str | None:
    """Return a time by the wall clock as text; None if it is beyond the calendar."""
    try:
        return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return None


def _climate(status: Status, sensor: str) -> float | None:
    """Return the reading of the first board that has the sensor."""
    return next((board["sensors"][sensor]["value"] for board in status["boards"] if sensor in board["sensors"]), None)


def _problem(problem: Problem) -> dict[str, Any]:
    return {"text": problem["text"], "severity": problem["severity"], "device": problem["device"], "do": problem["do"]}


def _word(is_on: bool) -> str:  # noqa: FBT001 - what is put into a word
    return "ON" if is_on else "OFF"


# --- What there is ----------------------------------------------------------------------------------------------------


def discovered(status: Status, home: Home) -> Messages:
    """Return the devices and their entities, the node first: Home Assistant has to know it before its guests."""
    guests = {home.config_of(row["name"]): _guest_device(row, home) for row in status["devices"]}
    return {home.config_of(None): _node_device(status, home), **guests}


def _node_device(status: Status, home: Home) -> dict[str, Any]:
    measured = {name for board in status["boards"] for name in board["sensors"]}
    components = {
        "problem": {
            **_entity(home, None, "problem", "binary_sensor", "Problem"),
            "device_class": "problem",
            **_attributes(home.state_of(None), "{'problems': value_json.problems}"),
        },
        **{
            name: {**_entity(home, None, name, "sensor", title), "state_class": "measurement", **kind}
            if sensor in measured
            else _none("sensor")
            for name, (sensor, title, kind) in CLIMATE.items()
        },
        "order": _order_answer(home) if home.who is not None else _none("sensor"),
    }
    device = {"identifiers": [_id(home)], "name": home.node, "manufacturer": "Wagman", "model": "Node"}
    version = {"sw_version": status["service"]["version"]}
    return _device({**device, **version}, components, home, [_bridge_is_there(home)])


def _guest_device(row: Device, home: Home) -> dict[str, Any]:
    name, topic = row["name"], home.state_of(row["name"])
    components = {
        "state": {
            **_entity(home, name, "state", "sensor", "State"),
            "device_class": "enum",
            "options": list(STATES),
            **_attributes(topic, "value_json.more"),
        },
        "power": {**_entity(home, name, "power", "binary_sensor", "Power"), "device_class": "power"},
        "heard": {**_entity(home, name, "heard", "sensor", "Last heartbeat"), "device_class": "timestamp"},
        # Nobody could switch the node controller on again, so it has no switch.
        "switch": _switch(home, name, topic) if home.who is not None and not row["self"] else _none("switch"),
    }
    device = {
        "identifiers": [_id(home, name)],
        "name": f"{home.node} {name}",
        "manufacturer": "Wagman",
        "model": "Guest",
        "via_device": _id(home),
    }
    service = {"topic": home.state_of(None), "value_template": "{{ 'online' if value_json.service == 'up' else 'offline' }}"}
    return _device(device, components, home, [_bridge_is_there(home), service])


def _device(device: dict[str, Any], components: dict[str, Any], home: Home, availability: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "device": device,
        "origin": {"name": "wagman", "sw_version": home.version},
        "components": components,
        "availability": availability,
        "availability_mode": "all",
        "qos": 1,
    }


def _bridge_is_there(home: Home) -> dict[str, str]:
    return {"topic": f"{home.topics}/online", "value_template": "{{ 'online' if value_json.online else 'offline' }}"}


def _entity(home: Home, guest: str | None, key: str, platform: str, title: str) -> dict[str, Any]:
    return {
        "platform": platform,
        "unique_id": _id(home, guest, key),
        "name": title,
        "state_topic": home.state_of(guest),
        "value_template": f"{{{{ value_json.{key} }}}}",
        "expire_after": home.stale_s,
    }


def _none(platform: str) -> dict[str, Any]:
    """Return the message for an entity that does not exist: Home Assistant forgets it if it knows it."""
    return {"platform": platform}


def _attributes(topic: str, template: str) -> dict[str, str]:
    return {"json_attributes_topic": topic, "json_attributes_template": f"{{{{ {template} | tojson }}}}"}


def _order_answer(home: Home) -> dict[str, Any]:
    """Return the entity with the answer to the last order: a switch alone would not show a refusal."""
    topic = f"{home.topics}/done/{home.who}"
    return {
        "platform": "sensor",
        "unique_id": _id(home, None, "order"),
        "name": "Last order",
        "entity_category": "diagnostic",
        "state_topic": topic,
        "value_template": "{{ value_json.outcome }}",
        "device_class": "enum",
        "options": list(OUTCOMES),
        **_attributes(topic, "{'reason': value_json.reason, 'order': value_json.id}"),
    }


def _switch(home: Home, guest: str, topic: str) -> dict[str, Any]:
    """Return the switch of a guest. It shows what is wanted, which is what it sets; the guest's state shows whether it is up."""
    order = (
        f"{{'v': {VERSION}, 'id': '%f-{guest}' % utcnow().timestamp(), 'do': value, 'device': '{guest}', "
        f"'until': (utcnow() + timedelta(seconds={home.within_s:g})).isoformat()}}"
    )
    return {
        "platform": "switch",
        "unique_id": _id(home, guest, "switch"),
        "name": "Wanted up",
        "state_topic": topic,
        "value_template": "{{ value_json.wanted }}",
        "state_on": "up",
        "state_off": "down",
        "command_topic": f"{home.topics}/do/{home.who}",
        "command_template": f"{{{{ {order} | tojson }}}}",
        "payload_on": "start",
        "payload_off": "stop",
        "qos": 1,
        "retain": False,
    }


def _id(home: Home, *words: str | None) -> str:
    """Return a lasting id of a device or an entity. No name has a slash in it, so no two ids are the same."""
    return "/".join(("wagman", home.node, *(each or "" for each in words)))
