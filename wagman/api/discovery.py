"""The OpenRPC document that `rpc.discover` returns: the control socket described to machines."""

from collections.abc import Iterable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

import attrs
from attrs import NOTHING

from wagman import __version__
from wagman.api.access import Role
from wagman.api.method import Method
from wagman.api.params import kind_of
from wagman.api.wire import BOARD_ERROR, POSITION_ERROR, REFUSED, STORE_ERROR
from wagman.model.shapes import SHAPES

OPENRPC_VERSION: Final = "1.3.2"


_WORDS: Final[Mapping[Any, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
    Mapping: "object",
}


def schema_of(shape: Any) -> dict[str, Any]:
    """Return the JSON schema of a type of `wagman.model.shapes`."""
    if shape in SHAPES:
        return {"$ref": f"#/components/schemas/{shape.__name__}"}
    kind, of = get_origin(shape), get_args(shape)
    if kind is NotRequired:
        return schema_of(of[0])
    if kind is Annotated:
        return {**schema_of(of[0]), "description": of[1]}
    if kind is Literal:
        return {"enum": list(of)}
    if kind is UnionType:
        return _union(of)
    return _container(shape, kind, of)


def _union(of: Sequence[Any]) -> dict[str, Any]:
    if any(map(is_typeddict, of)):
        return {"anyOf": [schema_of(each) for each in of]}
    return {"type": [_WORDS[each] for each in of]}


def _container(shape: Any, kind: Any, of: Sequence[Any]) -> dict[str, Any]:
    if is_typeddict(shape):
        return _object(shape)
    if kind is list:
        return {"type": "array", "items": schema_of(of[0])}
    if kind is dict:
        return {"type": "object", "additionalProperties": schema_of(of[1])}
    return {"type": _WORDS[kind or shape]}


def _object(shape: Any) -> dict[str, Any]:
    properties = {name: schema_of(each) for name, each in get_type_hints(shape, include_extras=True).items()}
    if not properties:
        return {"type": "object"}
    return {"type": "object", "required": sorted(shape.__required_keys__), "properties": properties}


SCHEMAS: Final[Mapping[str, Any]] = {shape.__name__: _object(shape) for shape in SHAPES}
"""The shapes of the results. An object may have more fields than its schema: a client ignores those that it does not know."""

ROLES: Final[Mapping[Role, str]] = {Role.READER: "read", Role.OPERATOR: "operate", Role.CONTROLLER: "control"}
"""The word for the role that a method needs; each role includes those before it."""

ERRORS: Final[Mapping[int, str]] = {
    REFUSED: "the service refused the request",
    BOARD_ERROR: "the board did not answer in time, or cannot be reached",
    POSITION_ERROR: "the event id is beyond the end of the log, or of another log",
    STORE_ERROR: "the log cannot be read at present",
}


def document(methods: Iterable[Method]) -> dict[str, Any]:
    """Return the OpenRPC document for these methods."""
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
        "result": {"name": method.result, "schema": {"$ref": f"#/components/schemas/{method.result}"}},
        "errors": [{"code": code, "message": message} for code, message in ERRORS.items()],
        "x-needs-control": method.role > Role.READER,  # more than a reader may; the field of 0.1.0, which knew two roles
        "x-role": ROLES[method.role],
    }


def _param(attribute: "attrs.Attribute[Any]") -> dict[str, Any]:
    schema, is_required = kind_of(attribute).schema, attribute.default is NOTHING
    return {
        "name": attribute.name,
        "description": attribute.metadata["doc"],
        "required": is_required,
        "schema": schema if is_required else {**schema, "default": attribute.default},
    }
