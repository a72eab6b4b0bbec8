"""From the tables of a parsed document to the classes of the schema; every value that does not fit is noted.

A value that cannot be read is noted and replaced by its default, so that the rest can still be judged. The result is
meant for use only if nothing was noted.
"""

from collections.abc import Mapping

from attrs import frozen

from wagman.config.board_tables import read_boards
from wagman.config.boards import BoardConfig, WagmanBoard
from wagman.config.device_tables import DeviceTables, shared_settings
from wagman.config.ear_tables import EarTables
from wagman.config.enclosure import SENSORS, WATCHED_BY_DEFAULT, Bounds, EnvironmentConfig
from wagman.config.findings import Findings
from wagman.config.gauges import GaugeConfig
from wagman.config.reading import Reader, Table
from wagman.config.schema import Config, DeviceConfig, NetworkConfig, WagmanConfig
from wagman.config.service import ServiceConfig
from wagman.config.setting import settings

TABLES = ("board", "service", "wagman", "environment", "network", "defaults", "device")

HOMES = {
    f'[board] of kind "{WagmanBoard.kind}"': WagmanBoard,
    "[service]": ServiceConfig,
    "[wagman]": WagmanConfig,
    "[environment]": EnvironmentConfig,
    "[environment.NAME]": Bounds,
    "[network.NAME]": NetworkConfig,
    "[device.NAME]": DeviceConfig,
}


def read_config(document: Table, findings: Findings) -> Config:
    """The whole configuration, as far as it can be read."""
    return _Sections(Reader(findings, HOMES), document).config()


@frozen
class _Sections:
    reader: Reader
    document: Table

    def config(self) -> Config:
        self.reader.refuse_unknown(self.document, (), TABLES)
        boards, networks = read_boards(self.reader, self.document), EarTables(self.reader).networks(self.document)
        return Config(
            boards=boards,
            service=self.service(),
            wagman=WagmanConfig(**self.reader.section(self.document, "wagman", settings(WagmanConfig))),
            environment=self.environment(boards),
            networks=networks,
            devices=self.devices(boards, networks),
        )

    def service(self) -> ServiceConfig:
        values = self.reader.section(self.document, "service", settings(ServiceConfig))
        return ServiceConfig(**values, control_group_configured="control_group" in values)

    def environment(self, boards: tuple[BoardConfig, ...]) -> EnvironmentConfig:
        environment, known = self.reader.table(self.document, ("environment",)) or {}, settings(EnvironmentConfig)
        read = [name for name, each in environment.items() if name not in known and isinstance(each, dict) and "command" in each]
        values = self.reader.section(self.document, "environment", known, [*SENSORS, *read])
        named = {name: self.sensor(environment, name) for name in dict.fromkeys([*SENSORS, *read]) if name in environment}
        bounds = {name: each for name, (each, _) in named.items()}
        gauges = {name: gauge for name, (_, gauge) in named.items() if gauge is not None}
        return EnvironmentConfig(**values, sensors=self.watched(bounds, boards), gauges=gauges)

    def watched(self, bounds: Mapping[str, Bounds], boards: tuple[BoardConfig, ...]) -> dict[str, Bounds]:
        bounds = {**(WATCHED_BY_DEFAULT if any(board.measures for board in boards) else {}), **bounds}
        return {name: each for name, each in bounds.items() if each.high is not None or each.low is not None}

    def sensor(self, environment: Table, name: str) -> tuple[Bounds, GaugeConfig | None]:
        """The bounds of a sensor, and how it is read if a command reads it."""
        path, table = ("environment", name), self.reader.table(environment, ("environment", name)) or {}
        if "command" not in table:
            return Bounds(**self.reader.values(table, path, settings(Bounds))), None
        self.reader.named(path, "sensor")
        how = settings(GaugeConfig)
        values = self.reader.values(table, path, {**settings(Bounds), **how})
        of_gauge = {key: values.pop(key) for key in (each.name for each in how.values()) if key in values}
        # A command that cannot be read has been noted, and nothing more is said of its table.
        return (Bounds(**values), GaugeConfig(**of_gauge)) if "command" in of_gauge else (Bounds(), None)

    def devices(self, boards: tuple[BoardConfig, ...], networks: tuple[NetworkConfig, ...]) -> tuple[DeviceConfig, ...]:
        devices = DeviceTables(self.reader, boards, networks)
        defaults = devices.stated(self.reader.table(self.document, ("defaults",)) or {}, ("defaults",), shared_settings())
        tables = self.reader.table(self.document, ("device",))
        if tables is None:
            return ()
        if not tables:
            self.reader.findings.add(("device",), "missing: describe at least one guest, in a table such as [device.gn]")
        return devices.devices(tables, defaults)
