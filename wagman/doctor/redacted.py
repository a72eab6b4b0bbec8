"""A configuration without its secrets: written anew by the kinds of its keys, with the line of each key in the file."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, field

from wagman.config.ears import URL, StillDraws
from wagman.config.enclosure import Bounds, EnvironmentConfig
from wagman.config.gauges import GaugeConfig
from wagman.config.kinds import FILE, HEARING, SOCKET_PATH, STILL_ON, TEXT, WITNESS, Kind, one_of
from wagman.config.positions import Path, key_lines
from wagman.config.registry import BOARDS, EARS, KindError, Registry
from wagman.config.schema import DeviceConfig, NetworkConfig, WagmanConfig
from wagman.config.secrets import SECRET_FILE
from wagman.config.service import ServiceConfig
from wagman.config.setting import settings
from wagman.doctor.harmless import WORDS, is_address, is_name, is_path, looks_secret
from wagman.doctor.strike import MARK, Struck, command, url

_SECTIONS = (ServiceConfig, WagmanConfig, EnvironmentConfig, Bounds, GaugeConfig, NetworkConfig, DeviceConfig, StillDraws)

NAMED = frozenset({"board", "device", "network", "environment"})
"""Tables whose inner tables have names that the operator chose."""

TABLES = NAMED | {"service", "wagman", "defaults", "heartbeat", "witness", "still_on"}

NAMES = frozenset({"control_group", "operate_group", "read_group", "board", "network", "after", "start_order", "port"})
"""Keys whose values are names."""

PATHS = frozenset({"device", "chip", "serial", "state_dir", "socket"})
"""Keys of the kind of any text whose values are paths."""

ANYTHING = (TEXT, FILE, SOCKET_PATH, SECRET_FILE, HEARING, STILL_ON, WITNESS)
"""Kinds that accept any text."""

HEAD = "# Written anew by wagman doctor: without comments, and without what may be a secret. The lines are those of the file.\n"


def kinds() -> dict[str, list[Kind]]:
    """Return every key that a table may have, with the kinds of its values."""
    found = {"kind": [one_of(*BOARDS.built_in)]}
    for section in (*_SECTIONS, *_loaded(BOARDS), *_loaded(EARS)):
        for key, attribute in settings(section).items():
            found.setdefault(key, []).append(attribute.metadata["setting"].kind)
    return found


def _loaded(registry: Registry) -> Iterator[type]:
    for kind in registry.built_in:
        try:
            yield registry.load(kind)
        except KindError:
            continue  # a kind that is not installed cannot be in a right file; its keys are struck


@define
class Copy:
    """Makes the copy of one document."""

    struck: Struck
    hosts: frozenset[str] = frozenset()
    known: Mapping[str, list[Kind]] = field(factory=kinds)

    def made(self, tables: Mapping[str, Any], lines: Mapping[Path, int]) -> str:
        """Return the text of the copy."""
        self.hosts = frozenset(_hosts(tables))
        kept = {key: self.value(key, value, is_known=key in TABLES) for key, value in tables.items()}
        return HEAD + "\n".join(_written(kept, (), lines)) + "\n"

    def value(self, key: str, value: Any, *, is_known: bool) -> Any:
        """Return a value with its secrets struck."""
        if isinstance(value, dict):
            return {
                each: self.value(each, inner, is_known=is_known and (each in self.known or each in TABLES or key in NAMED))
                for each, inner in value.items()
            }
        if not is_known:
            return self.all_struck(value)
        if isinstance(value, list):
            return self.several(key, value)
        return self.text(key, value) if isinstance(value, str) else value

    def several(self, key: str, values: list[Any]) -> list[Any]:
        """Return a list with its secrets struck. Of a command, the program and common words are kept."""
        if any(kind.is_command for kind in self.known.get(key, ())) and not any(isinstance(each, dict) for each in values):
            return command(values, self.struck, self.hosts)
        return [self.value(key, each, is_known=True) for each in values]

    def text(self, key: str, value: str) -> str:
        """Return a text if it is of its key's kind and harmless; else the mark."""
        if key in NAMES and is_name(value):
            return value
        if any(kind.is_command for kind in self.known.get(key, ())):
            return " ".join(command(value.split(), self.struck, self.hosts))
        fitting = [kind for kind in self.known.get(key, ()) if _fits(kind, value)]
        if any(kind is URL for kind in fitting):
            return url(value, self.struck, self.hosts)
        if _is_file(key, fitting) and is_path(value):
            return value
        is_plain = any(kind not in ANYTHING and "characters" not in kind.wants for kind in fitting)
        return value if value.casefold() in WORDS or (is_plain and _is_tame(value)) else self.struck.add(value)

    def all_struck(self, value: Any) -> Any:
        """Return a value of an unknown key with all texts struck."""
        if isinstance(value, list):
            return [self.all_struck(each) for each in value]
        if isinstance(value, dict):
            return {key: self.all_struck(each) for key, each in value.items()}
        return self.struck.add(str(value))


def _is_file(key: str, fitting: list[Kind]) -> bool:
    """Whether the value of a key is the path of a file."""
    return key in PATHS or any(kind in (FILE, SECRET_FILE) for kind in fitting)


def _is_tame(value: str) -> bool:
    """Whether no part of a text may be a key."""
    return is_address(value) or not any(looks_secret(level) for level in re.split(r"[/.:]", value))


def _fits(kind: Kind, value: str) -> bool:
    try:
        kind.read(value)
    except ValueError:
        return False
    return True


def _hosts(tables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of guests and hosts in the file."""
    for name, table in tables.get("device", {}).items() if isinstance(tables.get("device"), dict) else ():
        yield name
        yield from _hosts_in(table)
    yield from _hosts_in(tables.get("board"))
    yield from _hosts_in(tables.get("network"))


def _hosts_in(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for key, each in value.items():
                if key in {"host", "broker", "ping", "tcp", "banner"} and isinstance(each, str):
                    yield each.rpartition(":")[0] or each
                else:
                    yield from _hosts_in(each)
        case list():
            for each in value:
                yield from _hosts_in(each)


# --- As TOML -----------------------------------------------------------------------------------------------------------


def _written(tables: Mapping[str, Any], path: Path, lines: Mapping[Path, int]) -> Iterator[str]:
    """Yield the keys of a table, then the tables in it."""
    below = {key: each for key, each in tables.items() if isinstance(each, dict) and len(path) < 2 and key not in NESTED}  # noqa: PLR2004
    for key, value in tables.items():
        if key not in below:
            line = lines.get((*path, key))
            yield f"{_key(key)} = {_value(value)}{f'  # line {line}' if line else ''}"
    for key, value in below.items():
        if not value or any(not isinstance(each, dict) or name in NESTED for name, each in value.items()):
            yield f"\n[{'.'.join(_key(part) for part in (*map(str, path), key))}]"
        yield from _written(value, (*path, key), lines)


NESTED = frozenset({"heartbeat", "still_on", "witness"})
"""Tables that are written on one line."""


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]{1,32}", key) else json.dumps(MARK)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return f"{{ {', '.join(f'{_key(key)} = {_value(each)}' for key, each in value.items())} }}"
    return str(value)


def copy(text: str, tables: Mapping[str, Any], struck: Struck) -> str:
    """Return the text of a configuration without its secrets; these are struck everywhere from now on."""
    return Copy(struck).made(tables, key_lines(text))
