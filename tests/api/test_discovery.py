"""What is described is what there is."""

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from attrs import NOTHING

from docs.make import socket as reference
from tests.api.kit import World, in_virtual_time
from wagman.api.discovery import SCHEMAS, document
from wagman.api.methods import METHODS


def test_every_method_error_and_shape_is_on_the_page() -> None:
    page = reference.tables()
    for name in (*METHODS, *SCHEMAS):
        assert f"### `{name}`\n" in page or f"### {name}\n" in page


def test_every_method_is_described_with_its_parameters() -> None:
    described = {method["name"]: method for method in document(METHODS.values())["methods"]}
    assert described.keys() == METHODS.keys()
    for name, method in METHODS.items():
        fields = attrs.fields(method.params)
        assert [each["name"] for each in described[name]["params"]] == [each.name for each in fields]
        assert [each["required"] for each in described[name]["params"]] == [each.default is NOTHING for each in fields]
        assert described[name]["result"]["name"] in SCHEMAS
    json.dumps(document(METHODS.values()))


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(document(METHODS.values()))
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= SCHEMAS.keys()


def test_what_is_there_only_where_it_says_something_is_marked_on_the_page() -> None:
    marked = [line.split("`")[1] for line in reference.tables().splitlines() if "(missing where it says nothing)" in line]
    assert marked == ["words", "durable", "clock", "words", "severity"]


def undescribed(schema: Any) -> Any:
    """A schema without what its properties mean."""
    if isinstance(schema, list):
        return [undescribed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: undescribed(each) for key, each in schema.items() if key != "description" or not isinstance(each, str)}


def test_the_shapes_are_described_as_they_were_when_they_were_written_by_hand() -> None:
    stored = json.loads((Path(__file__).parent / "data" / "shapes.json").read_text())
    assert json.dumps(undescribed(SCHEMAS)) == json.dumps(stored)


def check(value: object, schema: dict[str, object]) -> None:
    """As much of JSON Schema as the descriptions use."""
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(value, {**schema, "components": {"schemas": SCHEMAS}})


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("hello", {}),
        ("status", {}),
        ("start", {"device": "gn"}),
        ("heartbeat", {"device": "gn"}),
        ("events", {}),
        ("chain", {"id": 1}),
        ("subscribe", {}),
        ("board", {"command": "hb"}),
        ("rpc.discover", {}),
    ],
)
def test_results_are_as_described(method: str, params: dict[str, object]) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        check(await client.result(method, **params), {"$ref": f"#/components/schemas/{METHODS[method].result}"})

    in_virtual_time(story)
