"""`[device.NAME]` over `[defaults]`: what each guest's table states, and what it inherits."""

import math
import re
from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from wagman.config.boards import BoardConfig, UnknownBoard
from wagman.config.ear_tables import EarTables, through
from wagman.config.ears import RARE_BEAT_S, SILENT_BEATS, EarConfig
from wagman.config.kinds import show
from wagman.config.positions import Path
from wagman.config.reading import Known, Reader, Table, listed, nearest_first
from wagman.config.schema import DeviceConfig, NetworkConfig
from wagman.config.setting import settings
from wagman.config.wagman import MEDIA
from wagman.model.facts import Port

OWN_KEYS = frozenset({"port", "self", "after", "leads_to"})
"""The keys that only a guest's own table may have, and `[defaults]` may not."""

NESTED = frozenset({"port", "heartbeat", "still_on"})
"""The keys whose values need more to be read than their kind."""

NO_PORT = -1
"""Stands for a port that could not be read, which has been noted: nothing more is said of it."""


def shared_settings() -> Known:
    """The keys of `[defaults]`."""
    return {key: attribute for key, attribute in settings(DeviceConfig).items() if key not in OWN_KEYS}


@frozen
class DeviceTables:
    """Reads the tables of guests.

    Args:
        boards: the boards that guests can be on; at least one.
        networks: the networks that guests can be heard through.
    """

    reader: Reader
    boards: tuple[BoardConfig, ...]
    networks: tuple[NetworkConfig, ...]

    def devices(self, tables: Table, defaults: Mapping[str, Any]) -> tuple[DeviceConfig, ...]:
        """The guests, in the order of their boards, and by port on each."""
        places = {board.name: place for place, board in enumerate(self.boards)}
        devices = [self.device(tables, name, defaults) for name in tables]
        return tuple(sorted(devices, key=lambda each: (places.get(each.board, len(places)), _natural(each.port))))

    def device(self, tables: Table, name: str, defaults: Mapping[str, Any]) -> DeviceConfig:
        """One guest."""
        path = ("device", name)
        self.reader.named(path, "device")
        table = self.reader.table(tables, path)
        if table is None:
            return DeviceConfig(name=name, port=NO_PORT, shutdown=())
        own = self.stated(table, path, settings(DeviceConfig))
        stated = {**defaults, **own}
        board = self.board(path, stated)
        stated = {"off_time_s": board.off_time_s, **stated}
        device = self.heard(DeviceConfig(name=name, port=self.port(table, path, board), **{**stated, "board": board.name}), board)
        return _with_rare_beats(_with_medium(device, board, states_primary="primary" in own), board, stated)

    def stated(self, table: Table, path: Path, known: Known) -> dict[str, Any]:
        """The arguments of a guest that a table states, except its port."""
        ears = EarTables(self.reader)
        values = self.reader.values(table, path, {key: known[key] for key in known if key not in NESTED}, NESTED & known.keys())
        return {**values, **ears.hearing(table, path), **ears.still_on(table, path)}

    def heard(self, device: DeviceConfig, board: BoardConfig) -> DeviceConfig:
        """The guest with a network for each of its ears. A board without inputs for beats does not hear the controller itself."""
        only = self.networks[0].name if len(self.networks) == 1 else None
        network, still_on = device.network or only, device.still_on
        return evolve(
            device,
            hears_board=device.hears_board and (board.hears or not device.is_self),
            ears=tuple(through(ear, network) for ear in device.ears),
            still_on=through(still_on, network) if isinstance(still_on, EarConfig) else still_on,
        )

    def board(self, path: Path, stated: Table) -> BoardConfig:
        """The board that a guest is on; a missing or unknown name is noted."""
        by_name = {board.name: board for board in self.boards}
        name = stated.get("board", self.boards[0].name)
        if "board" not in stated and len(self.boards) > 1:
            self.reader.findings.add((*path, "board"), f"missing: say which board the guest is on: {listed(by_name)}")
            return UnknownBoard(name=name)
        if name not in by_name:
            wanted = listed(nearest_first(name, by_name))
            self.reader.findings.add((*path, "board"), f"there is no board called {show(name)}; those that there are: {wanted}")
        return by_name.get(name, UnknownBoard(name=name))

    def port(self, table: Table, path: Path, board: BoardConfig) -> Port:
        """The port, as its board names it; NO_PORT if it cannot be read."""
        path = (*path, "port")
        if "port" in table:
            port: Port = self.reader.value(table["port"], path, board.port_kind, NO_PORT)
            return port
        self.reader.findings.add(path, f"missing: say which port the guest is on: {board.port_kind.wants}")
        return NO_PORT


def _natural(port: Port) -> list[tuple[bool, int, str]]:
    """The key by which ports are sorted: numbers within names count as numbers, and come first."""
    pieces = [each for each in re.split(r"([0-9]+)", str(port)) if each]
    return [(False, int(each), "") if each[0] in "0123456789" else (True, 0, each) for each in pieces]


def _with_medium(device: DeviceConfig, board: BoardConfig, *, states_primary: bool) -> DeviceConfig:
    """The guest with its primary medium: on a port with a selector at least the firmware's; other ports inherit none."""
    if device.port in board.selectors:
        return evolve(device, primary=device.primary or MEDIA[0])
    return device if states_primary else evolve(device, primary=None)


def _with_rare_beats(device: DeviceConfig, board: BoardConfig, stated: Table) -> DeviceConfig:
    """The guest with more patience if its board shows beats only rarely; what the file states stays as it is."""
    rare = device.hears_board and device.port in board.rare_ports
    if not rare or "beat_interval_s" in stated:
        return device
    patience_s = [stated[key] for key in ("heartbeat_timeout_s", "stop_silence_s") if key in stated]
    beat_s = min(RARE_BEAT_S, *(each / SILENT_BEATS for each in (*patience_s, math.inf)))
    silence_s = stated.get("stop_silence_s", max(device.stop_silence_s, SILENT_BEATS * beat_s))
    return evolve(device, beat_interval_s=beat_s, stop_silence_s=silence_s)
