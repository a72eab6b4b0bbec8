"""From what somebody types to the value that the file has: each kind of value says itself what it takes."""

import re
import shlex
import tomllib
from collections.abc import Collection, Iterator, Mapping

from wagman.config.kinds import Kind, show
from wagman.config.reading import nearest_first

_BREAK = re.compile(r",(?=[a-z][a-z0-9_]*=)")
"""Between two settings: a comma within a value, as in a command or an address, has no `key=` behind it."""


class WordError(ValueError):
    """What was typed makes no sense; says why."""


def value_of(kind: Kind, text: str) -> object:
    """The value, as TOML has it, for which `text` stands.

    Raises:
        WordError: the kind takes none of what it may stand for.
    """
    for candidate in _readings(text):
        try:
            kind.read(candidate)
        except ValueError:
            continue
        return candidate
    raise WordError(f"must be {kind.wants}, not {show(text)}")


def _readings(text: str) -> Iterator[object]:
    """What a text may stand for: a value of TOML, itself, the words of a command."""
    try:
        document = tomllib.loads(f"value = {text}")
        if set(document) == {"value"} and isinstance(document["value"], bool | int | float | list):
            yield document["value"]
    except (ValueError, RecursionError):
        pass
    yield text
    try:
        yield shlex.split(text)
    except ValueError:
        return


def split(text: str) -> tuple[str, dict[str, str]]:
    """What comes first in `FIRST,key=value,key=value`, and the settings after it.

    Raises:
        WordError: a setting is there twice.
    """
    first, *others = _BREAK.split(text)
    settings: dict[str, str] = {}
    for each in others:
        key, _, value = each.partition("=")
        if key in settings:
            raise WordError(f"{key} is there twice")
        settings[key] = value
    return first, settings


def known(key: str, names: Collection[str], what: str) -> None:
    """See that a key is one of those that there are.

    Raises:
        WordError: it is not; names the nearest.
    """
    if key not in names:
        raise WordError(f"there is no {what} called {show(key)}; the nearest are {', '.join(nearest_first(key, names)[:3])}")


def kind_of(settings: Mapping[str, object], key: str) -> Kind:
    """What a key of a table may be."""
    kind: Kind = settings[key].metadata["setting"].kind  # type: ignore[attr-defined]  # attributes of attrs
    return kind
