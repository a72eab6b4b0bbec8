"""What an attribute of a configuration class is in the file: its kind, what it is for, and where its number comes from."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs
from attrs import frozen

from wagman.config.kinds import Kind

Source: TypeAlias = Literal["seed", "firmware", "chosen"]


@frozen
class Setting:
    """What an attribute is in the file."""

    kind: Kind
    doc: str  # one or two sentences for the reference page
    source: Source = "chosen"  # where the default comes from
    key: str | None = None  # the key, if it is not the attribute's name


def setting(kind: Kind, doc: str, source: Source = "chosen", key: str | None = None) -> dict[str, Setting]:
    """The metadata of an attribute that the file may set."""
    return {"setting": Setting(kind, doc, source, key)}


def settings(section: type) -> Mapping[str, "attrs.Attribute[object]"]:
    """The keys that a table of this class may hold, and the attribute that each one sets."""
    fields: tuple[attrs.Attribute[object], ...] = attrs.fields(section)
    return {_key(each): each for each in fields if "setting" in each.metadata}


def _key(attribute: "attrs.Attribute[object]") -> str:
    key: str | None = attribute.metadata["setting"].key
    return key or attribute.name.removesuffix("_s")
