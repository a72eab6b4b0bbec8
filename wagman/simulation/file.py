"""The operator's configuration file, which changes during a run; the service is told to read it again (SIGHUP)."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import define, field

from wagman.config.boards import BoardConfig, WagmanBoard
from wagman.config.ears import EarConfig
from wagman.config.schema import Config, DeviceConfig
from wagman.config.setting import settings
from wagman.model.errors import CallerError
from wagman.model.facts import DEFAULT_BOARD
from wagman.systemd.lastgood import Source

NONSENSE = "[device.gn\n"
"""Text that is no TOML."""


@define
class File:
    """The file, and its last right copy. `tables` is its content: values as TOML, by table and key."""

    path: Path
    original: Config
    tables: dict[str, dict[str, str]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.restore()

    @property
    def source(self) -> Source:
        """The source from which the service reads it."""
        return Source(str(self.path), lambda _config: None, self.path.with_name("last-good.toml"))

    def load_at_start(self) -> Config:
        """Return the configuration for a service that comes up, and keep a copy of it."""
        config, refused = self.source.load_at_start()
        if not refused:
            self.source.keep(config)
        return config

    def restore(self) -> None:
        """Write the original configuration."""
        self.tables = {name: dict(_keys(section)) for name, section in _sections(self.original)}
        self._write()

    def set(self, key: str, value: str) -> None:
        """Change a key, such as `device.gn.stop_timeout`, to a value in TOML."""
        table, _, name = key.rpartition(".")
        self.tables.setdefault(table, {})[name] = value
        self._write()

    def move(self, name: str, board: str, port: str) -> None:
        """Move a guest to an outlet of another board, both in TOML."""
        # Both at once: board and old port together would be an outlet that there is not.
        self.tables.setdefault(f"device.{name}", {}).update(board=board, port=port)
        self._write()

    def add(self, name: str, port: str, board: str) -> None:
        """Add a guest."""
        self.tables[f"device.{name}"] = {"port": port, "board": json.dumps(board), "shutdown": '["halt"]'}
        self._write()

    def drop(self, name: str) -> None:
        """Take a guest out, if it is there.

        Raises:
            CallerError: there never was such a guest.
        """
        if self.tables.pop(f"device.{name}", None) is None and name not in {device.name for device in self.original.devices}:
            raise CallerError(f"there is no device {name!r} in the configuration")
        self._write()

    def rename(self, name: str, new: str) -> None:
        """Give a guest another name, if it is there."""
        if f"device.{name}" in self.tables and f"device.{new}" not in self.tables:
            self.tables = {f"device.{new}" if key == f"device.{name}" else key: keys for key, keys in self.tables.items()}
        self._write()

    def garble(self) -> None:
        """Write a mistake."""
        self.path.write_text(NONSENSE, encoding="utf-8")

    def _write(self) -> None:
        self.path.write_text("".join(_lines(self.tables)), encoding="utf-8")


def _lines(tables: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for name, keys in tables.items():
        yield f"[{name}]\n"
        yield from (f"{key} = {value}\n" for key, value in keys.items())


def _sections(config: Config) -> Iterator[tuple[str, Any]]:
    yield from (("board" if each.name == DEFAULT_BOARD else f"board.{each.name}", each) for each in config.boards)
    yield from (("service", config.service), ("wagman", config.wagman))
    yield "environment", config.environment
    yield from ((f"environment.{name}", bounds) for name, bounds in config.environment.sensors.items())
    yield from ((f"network.{network.name}", network) for network in config.networks)
    yield from ((f"device.{device.name}", device) for device in config.devices)


def _keys(section: Any) -> Iterator[tuple[str, str]]:
    if isinstance(section, BoardConfig) and not isinstance(section, WagmanBoard):
        yield "kind", json.dumps(section.kind)
    for key, attribute in settings(type(section)).items():
        value = getattr(section, attribute.name)
        if value != attribute.default:
            yield key, _toml(value)
    if isinstance(section, DeviceConfig) and section.ears:
        yield "heartbeat", _toml(section.ears)


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, EarConfig):
        return f"{{ {', '.join(f'{key} = {text}' for key, text in _keys(value))} }}"
    return json.dumps(value)
