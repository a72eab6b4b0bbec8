"""The control socket described for machines: the OpenRPC document that `rpc.discover` gives."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs
from attrs import NOTHING

from wagman import __version__
from wagman.api.access import Role
from wagman.api.method import Method
from wagman.api.params import kind_of
from wagman.api.wire import BOARD_ERROR, POSITION_ERROR, REFUSED, STORE_ERROR

OPENRPC_VERSION: Final = "1.3.2"


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": sorted(properties), "properties": properties}


def _with_optional(shape: Mapping[str, Any], **properties: Any) -> dict[str, Any]:
    """The same object, with properties that are there only where they say something."""
    return {**shape, "properties": {**shape["properties"], **properties}}


def _list(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_COUNT = {"type": "integer"}
_COUNT_OR_NULL = {"type": ["integer", "null"]}
_NUMBER = {"type": "number"}
_NUMBER_OR_NULL = {"type": ["number", "null"]}
_FLAG = {"type": "boolean"}
_POSITION = {"log_id": _TEXT_OR_NULL, "first_id": _COUNT, "last_id": _COUNT}
_LASTING = {"since": _TEXT_OR_NULL, "for_s": _NUMBER_OR_NULL, "since_id": _COUNT_OR_NULL}

SCHEMAS: Final[Mapping[str, Any]] = {
    "Versions": _object(service=_TEXT, version=_TEXT, boot_id=_TEXT),
    "Status": _object(
        service=_object(version=_TEXT, uptime_s=_NUMBER, boot_id=_TEXT),
        board=_object(
            link={"enum": ["up", "down"]},
            dialect=_TEXT_OR_NULL,
            device=_TEXT,
            firmware=_TEXT_OR_NULL,
            board_id=_TEXT_OR_NULL,
            boots=_COUNT_OR_NULL,
            since=_TEXT_OR_NULL,
            for_s=_NUMBER_OR_NULL,
            reason=_TEXT_OR_NULL,
            blind=_FLAG,
            last_answer_age_s=_NUMBER_OR_NULL,
            sensors={"type": "object", "additionalProperties": _ref("Sensor")},
        ),
        wagman=_object(state=_TEXT, **_LASTING, device=_TEXT_OR_NULL, alarms=_list(_ref("Alarm"))),
        devices=_list(_ref("Device")),
        ports=_list(_ref("Port")),
        problems=_list(_ref("Problem")),
    ),
    "Port": _object(
        port=_COUNT,
        board_name=_TEXT,
        was=_TEXT,
        power={"enum": ["on", "unknown"]},
        current_ma=_NUMBER_OR_NULL,
        current_raw=_NUMBER_OR_NULL,
        temperature_raw=_NUMBER_OR_NULL,
        stale=_FLAG,
        last=_object(
            current_ma=_NUMBER_OR_NULL, current_raw=_NUMBER_OR_NULL, temperature_raw=_NUMBER_OR_NULL, age_s=_NUMBER_OR_NULL
        ),
    ),
    "Problem": _object(
        id=_TEXT,
        severity={"enum": ["critical", "warning"]},
        since=_TEXT,
        for_s=_NUMBER_OR_NULL,
        device=_TEXT_OR_NULL,
        board=_TEXT_OR_NULL,
        text=_TEXT,
        do=_TEXT,
    ),
    "Sensor": _object(
        value=_NUMBER_OR_NULL,
        last=_NUMBER_OR_NULL,
        age_s=_NUMBER_OR_NULL,
        state={"enum": ["normal", "high", "low", "unknown"]},
    ),
    "Device": _object(
        name=_TEXT,
        port=_COUNT,
        self=_FLAG,
        state=_TEXT,
        **_LASTING,
        reason=_TEXT_OR_NULL,
        wanted={"enum": ["up", "down"]},
        enabled=_FLAG,
        disabled_by={"enum": ["configuration", "operator", None]},
        power=_object(wanted={"enum": ["on", "off"]}, confirmed=_FLAG, evidence={"enum": ["sensed", "told", "assumed", None]}),
        media=_TEXT_OR_NULL,
        attempts=_COUNT,
        failures=_COUNT,
        unrecoverable=_FLAG,
        heartbeat_age_s=_NUMBER_OR_NULL,
        current_ma=_NUMBER_OR_NULL,
        current_raw=_NUMBER_OR_NULL,
        temperature_raw=_NUMBER_OR_NULL,
        stale=_FLAG,
        last=_object(
            current_ma=_NUMBER_OR_NULL, current_raw=_NUMBER_OR_NULL, temperature_raw=_NUMBER_OR_NULL, age_s=_NUMBER_OR_NULL
        ),
        alarms=_list(_ref("Alarm")),
        next_start_in_s=_NUMBER_OR_NULL,
        held=_FLAG,
        relay_stuck=_FLAG,
        command_trouble=_TEXT_OR_NULL,
    ),
    "Alarm": _object(name=_TEXT, in_s=_NUMBER_OR_NULL, held=_FLAG, waits_for=_TEXT_OR_NULL),
    "Decision": _object(accepted=_FLAG, state=_TEXT, reason=_TEXT, event_id=_COUNT_OR_NULL),
    "Event": _with_optional(
        _object(
            id=_COUNT_OR_NULL,
            time=_TEXT,
            boot_id=_TEXT,
            mono_s=_NUMBER,
            type=_TEXT,
            device=_TEXT_OR_NULL,
            cause=_COUNT_OR_NULL,
            fields={"type": "object"},
        ),
        durable=_FLAG,
        clock=_TEXT,
    ),
    "Excerpt": _object(**_POSITION, events=_list(_ref("Event"))),
    "Causes": _object(events=_list(_ref("Event"))),
    "Subscription": _object(subscription=_COUNT, **_POSITION),
    "Unsubscribed": _object(subscription=_COUNT),
    "Lines": _object(lines=_list(_TEXT)),
    "OpenRPC": {"type": "object"},
}
"""What the methods give. Objects may have more than is said here: a client passes over what it does not know."""

ERRORS: Final[Mapping[int, str]] = {
    REFUSED: "refused",
    BOARD_ERROR: "the board did not answer in time, or cannot be reached",
    POSITION_ERROR: "the event id is beyond the end of the log, or of another log",
    STORE_ERROR: "the log cannot be read at present",
}


def document(methods: Iterable[Method]) -> dict[str, Any]:
    """The OpenRPC document."""
    return {
        "openrpc": OPENRPC_VERSION,
        "info": {"title": "wagman", "version": __version__},
        "methods": [_method(method) for method in methods],
        "components": {"schemas": SCHEMAS},
    }


def _method(method: Method) -> dict[str, Any]:
    return {
        "name": method.name,
        "summary": method.summary,
        "paramStructure": "by-name",
        "params": [_param(each) for each in attrs.fields(method.params)],
        "result": {"name": method.result, "schema": _ref(method.result)},
        "errors": [{"code": code, "message": message} for code, message in ERRORS.items()],
        "x-needs-control": method.role is Role.CONTROLLER,
    }


def _param(attribute: "attrs.Attribute[Any]") -> dict[str, Any]:
    schema, is_required = kind_of(attribute).schema, attribute.default is NOTHING
    return {
        "name": attribute.name,
        "description": attribute.metadata["doc"],
        "required": is_required,
        "schema": schema if is_required else {**schema, "default": attribute.default},
    }
