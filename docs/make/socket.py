"""Writes the tables of docs/socket.md from the code: `python -m docs.make.socket`; `--check` sees if they are stale."""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from attrs import NOTHING

from docs.make.pages import keep_part
from wagman.api import wire
from wagman.api.access import Role
from wagman.api.discovery import ERRORS, ROLES, SCHEMAS
from wagman.api.method import Method
from wagman.api.methods import METHODS
from wagman.api.params import kind_of
from wagman.model.shapes import SHAPES

MODULE, PAGE = "docs.make.socket", "socket.md"

STANDARD = {
    wire.PARSE_ERROR: "the line is no JSON, or too long",
    wire.INVALID_REQUEST: "the JSON is no request",
    wire.METHOD_NOT_FOUND: "there is no such method",
    wire.INVALID_PARAMS: "the parameters do not fit the method, or there is no such guest or board",
    wire.INTERNAL_ERROR: "a defect in the program; the event `service.request_failed` has the details",
}


def tables() -> str:
    """Methods, their parameters, errors, and shapes."""
    return "\n".join([*_methods(), *_errors(), *_shapes()])


def _methods() -> Iterator[str]:
    yield "## Methods\n"
    for method in METHODS.values():
        role = "" if method.role is Role.READER else f" Needs the role `{ROLES[method.role]}`."
        alone = "" if method.in_batch else " Cannot be part of a batch."
        yield f"### `{method.name}`\n\n{method.summary}{role}{alone} Result: {_result(method)}.\n"
        yield from _parameters(method)


def _result(method: Method) -> str:
    return f"[{method.result}](#{method.result.lower()})"


def _parameters(method: Method) -> Iterator[str]:
    fields = attrs.fields(method.params)
    if fields:
        yield "| parameter | must be | default | what it is for |\n|---|---|---|---|"
        yield "\n".join(_parameter(each) for each in fields) + "\n"


def _parameter(attribute: "attrs.Attribute[object]") -> str:
    default = "*required*" if attribute.default is NOTHING else f"`{json.dumps(attribute.default)}`"
    return f"| `{attribute.name}` | {kind_of(attribute).wants} | {default} | {attribute.metadata['doc']} |"


def _errors() -> Iterator[str]:
    yield "## Errors\n\n| code | means |\n|---|---|"
    yield "\n".join(f"| {code} | {means} |" for code, means in {**STANDARD, **ERRORS}.items()) + "\n"


def _shapes() -> Iterator[str]:
    yield "## Shapes\n\nObjects may have more properties than these: ignore those that you do not know.\n"
    for shape in SHAPES:
        rows = "\n".join(f"| {' | '.join(cells)} |" for cells in properties(SCHEMAS[shape.__name__]))
        yield f"### {shape.__name__}\n\n{shape.__doc__}\n" + (
            f"\n| property | is | means |\n|---|---|---|\n{rows}\n" if rows else ""
        )


def properties(schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Every property that is no object itself: its path, its type, and what it means."""
    for name, each in schema.get("properties", {}).items():
        if "properties" in each:
            yield from properties(each, f"{prefix}{name}.")
        else:
            is_optional = name not in schema["required"]
            words = _words(each) + (" (missing where it says nothing)" if is_optional else "")
            yield f"`{prefix}{name}`", words, each.get("description", "")


def _words(schema: Mapping[str, Any]) -> str:
    match schema:
        case {"$ref": ref}:
            name = ref.rpartition("/")[2]
            return f"[{name}](#{name.lower()})"
        case {"enum": words}:
            return " or ".join("null" if word is None else f'`"{word}"`' for word in words)
        case {"items": items}:
            return f"list of {_words(items)}"
        case {"additionalProperties": each}:
            return f"object of {_words(each)}"
        case {"anyOf": [*kinds]} | {"type": [*kinds]}:
            return " or ".join(each if isinstance(each, str) else _words(each) for each in kinds)
        case _:
            return str(schema["type"])


if __name__ == "__main__":
    sys.exit(keep_part(MODULE, PAGE, tables))
