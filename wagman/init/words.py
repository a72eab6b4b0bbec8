"""From a typed word to the value in the file. Each kind of value says itself what it accepts."""

import re
import shlex
import tomllib
from collections.abc import Collection, Iterator, Mapping

from wagman.config.kinds import Kind, show
from wagman.config.reading import nearest_first

_BREAK = re.compile(r",(?=[a-z][a-z0-9_]*=)")
"""The comma between two settings. A comma within a value, as in a command or an address, has no `key=` after it."""


class WordError(ValueError):
    """A typed word makes no sense; the text says why."""


def value_of(kind: Kind, text: str) -> object:
    """Return the value, as TOML has it, for which `text` stands.

    Raises:
        WordError: the kind accepts none of its possible values.
    """
    for candidate in _readings(text):
        try:
            kind.read(candidate)
        except ValueError:
            continue
        return candidate
    if kind.is_command:
        unended = "ends within quotation marks or behind a backslash"
        raise WordError(f"must be a command as typed in a shell, and {show(text)} {unended}")
    raise WordError(f"must be {kind.wants}, not {show(text)}")


def _readings(text: str) -> Iterator[object]:
    """Yield what a text may stand for: a value of TOML, itself, the words of a command."""
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
    """Return the first part of `FIRST,key=value,key=value`, and the settings after it.

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
    """Check that a key is a known one.

    Raises:
        WordError: it is unknown; the text names the most similar ones.
    """
    if key not in names:
        raise WordError(f"there is no {what} called {show(key)}; the nearest are {', '.join(nearest_first(key, names)[:3])}")


def kind_of(settings: Mapping[str, object], key: str) -> Kind:
    """Return the kind of a key's values."""
    kind: Kind = settings[key].metadata["setting"].kind  # type: ignore[attr-defined]  # attributes of attrs
    return kind
