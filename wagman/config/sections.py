"""From the tables of a parsed document to the classes of the schema, noting on the way whatever does not fit.

A value that cannot be read is noted and its default taken, so that the rest can still be judged: what comes out is
meant for use only if nothing was noted.
"""

import difflib
import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeAlias

import attrs
from attrs import frozen

from wagman.config.boards import WagmanBoard
from wagman.config.findings import Findings
from wagman.config.kinds import show
from wagman.config.positions import Path
from wagman.config.schema import (
    MEDIA,
    RARE_BEAT_S,
    SELECTOR_PORTS,
    SENSORS,
    SILENT_BEATS,
    WATCHED_BY_DEFAULT,
    Bounds,
    Config,
    DeviceConfig,
    EnvironmentConfig,
    ServiceConfig,
    WagmanConfig,
    has_rare_beats,
)
from wagman.config.setting import settings

Table: TypeAlias = Mapping[str, Any]
Known: TypeAlias = Mapping[str, "attrs.Attribute[object]"]

TABLES = ("board", "service", "wagman", "environment", "defaults", "device")

OWN_KEYS = frozenset({"port", "self"})
"""What each device says for itself; `[defaults]` cannot."""

NO_PORT = -1
"""Stands for a port that could not be read, which has been noted: nothing more is said of it."""

_HOMES = {
    "[board]": WagmanBoard,
    "[service]": ServiceConfig,
    "[wagman]": WagmanConfig,
    "[environment]": EnvironmentConfig,
    "[environment.SENSOR]": Bounds,
    "[device.NAME]": DeviceConfig,
}
_NAME = re.compile(r"(?!all$|[0-9]+$)[a-z0-9_][a-z0-9_-]{0,31}")  # the store and the table of `wagman status` want it short
_NAME_WANTED = 'a device name has 1 to 32 of a-z, 0-9, _ and -, begins with no -, and is neither a number nor "all": rename it'
_COMPARED_CHARS = 40  # of an unknown key: comparing takes time with the square of it


def shared_settings() -> Known:
    """The keys of `[defaults]`."""
    return {key: attribute for key, attribute in settings(DeviceConfig).items() if key not in OWN_KEYS}


def read_config(document: Table, findings: Findings) -> Config:
    """The whole configuration, as far as it can be read."""
    return _Reader(findings).config(document)


@frozen
class _Reader:
    findings: Findings

    def config(self, document: Table) -> Config:
        self.refuse_unknown(document, (), TABLES)
        board = WagmanBoard(**self.section(document, "board", settings(WagmanBoard)))
        return Config(
            board=board,
            service=self.service(document),
            wagman=WagmanConfig(**self.section(document, "wagman", settings(WagmanConfig))),
            environment=self.environment(document),
            devices=self.devices(document, board),
        )

    def service(self, document: Table) -> ServiceConfig:
        values = self.section(document, "service", settings(ServiceConfig))
        return ServiceConfig(**values, control_group_configured="control_group" in values)

    def environment(self, document: Table) -> EnvironmentConfig:
        values = self.section(document, "environment", settings(EnvironmentConfig), SENSORS)
        return EnvironmentConfig(**values, sensors=self.sensors(self.table(document, ("environment",)) or {}))

    def sensors(self, environment: Table) -> dict[str, Bounds]:
        named = {name: self.bounds(environment, name) for name in SENSORS if name in environment}
        bounds = {**WATCHED_BY_DEFAULT, **named}
        return {name: each for name, each in bounds.items() if each.high is not None or each.low is not None}

    def bounds(self, environment: Table, name: str) -> Bounds:
        path = ("environment", name)
        return Bounds(**self.values(self.table(environment, path) or {}, path, settings(Bounds)))

    def devices(self, document: Table, board: WagmanBoard) -> tuple[DeviceConfig, ...]:
        defaults = self.section(document, "defaults", shared_settings())
        tables = self.table(document, ("device",))
        if tables is None:
            return ()
        if not tables:
            self.findings.add(("device",), "missing: describe at least one device, in a table such as [device.gn]")
        devices = [self.device(tables, name, defaults, board) for name in tables]
        return tuple(sorted(devices, key=lambda device: device.port))

    def device(self, tables: Table, name: str, defaults: Table, board: WagmanBoard) -> DeviceConfig:
        path = ("device", name)
        if not _NAME.fullmatch(name):
            self.findings.add(path, _NAME_WANTED)
        table = self.table(tables, path)
        if table is None:
            return DeviceConfig(name=name, port=NO_PORT, shutdown=())
        if "port" not in table:
            self.findings.add((*path, "port"), "missing: say which port it hangs on, 0 to 4")
        own = self.values(table, path, settings(DeviceConfig))
        stated = {**defaults, **own}
        device = DeviceConfig(name=name, **{"port": NO_PORT, **stated})
        return _with_rare_beats(_with_medium(device, states_primary="primary" in own), board, stated)

    def section(self, document: Table, name: str, known: Known, tables: Collection[str] = ()) -> dict[str, Any]:
        return self.values(self.table(document, (name,)) or {}, (name,), known, tables)

    def table(self, parent: Table, path: Path) -> Table | None:
        """The table at `path`, whose last part `parent` holds; None where it is no table."""
        table = parent.get(str(path[-1]), {})
        if isinstance(table, dict):
            return table
        self.findings.add(path, f"must be a table, not {show(table)}")
        return None

    def values(self, table: Table, path: Path, known: Known, tables: Collection[str] = ()) -> dict[str, Any]:
        """The arguments that `table` gives, by attribute name; `tables` are keys that somebody else reads."""
        self.refuse_unknown(table, path, [*known, *tables])
        return dict(self.readable(table, path, known))

    def readable(self, table: Table, path: Path, known: Known) -> Iterator[tuple[str, Any]]:
        for key in known.keys() & table.keys():
            kind = known[key].metadata["setting"].kind
            try:
                yield known[key].name, kind.read(table[key])
            except ValueError:
                self.findings.add((*path, key), f"must be {kind.wants}, not {show(table[key])}")

    def refuse_unknown(self, table: Table, path: Path, known: Collection[str]) -> None:
        for key in table.keys() - set(known):
            self.findings.add((*path, key), f"unknown key: {_hint(key, known)}")


def _with_medium(device: DeviceConfig, *, states_primary: bool) -> DeviceConfig:
    """A port with a selector has a primary medium, if need be the firmware's; others have none to inherit."""
    if device.port in SELECTOR_PORTS:
        return attrs.evolve(device, primary=device.primary or MEDIA[0])
    return device if states_primary else attrs.evolve(device, primary=None)


def _with_rare_beats(device: DeviceConfig, board: WagmanBoard, stated: Table) -> DeviceConfig:
    """Where the board may show beats but rarely, silence takes longer to mean anything; what the file states stands."""
    if not has_rare_beats(device, board.dialect) or "beat_interval_s" in stated:
        return device
    patience_s = [stated[key] for key in ("heartbeat_timeout_s", "stop_silence_s") if key in stated]
    beat_s = min(RARE_BEAT_S, *(each / SILENT_BEATS for each in (*patience_s, math.inf)))
    silence_s = stated.get("stop_silence_s", max(device.stop_silence_s, SILENT_BEATS * beat_s))
    return attrs.evolve(device, beat_interval_s=beat_s, stop_silence_s=silence_s)


def _hint(key: str, known: Collection[str]) -> str:
    homes = [home for home, section in _HOMES.items() if key in settings(section)]
    if homes:
        return f"it belongs in {' or '.join(homes)}"
    nearest = difflib.get_close_matches(key[:_COMPARED_CHARS], known, n=1, cutoff=0.0)
    return f"the nearest that is known here is {nearest[0]}"
