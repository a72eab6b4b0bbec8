"""Another configuration while the service runs: what changes at once, and what waits for a restart."""

from collections.abc import Iterable, Iterator
from typing import Any

import attrs
from attrs import evolve, frozen

from wagman.config.boards import BoardConfig
from wagman.config.enclosure import Bounds, EnvironmentConfig
from wagman.config.gauges import GaugeConfig
from wagman.config.schema import Config, DeviceConfig, NetworkConfig, WagmanConfig
from wagman.config.service import ServiceConfig
from wagman.config.setting import settings
from wagman.model.facts import DEFAULT_BOARD

LIVE_OF_BOARD = frozenset({"poll_s", "settle_s"})
"""The attributes of a board that change while the service runs; all others wait for a restart."""

FIXED_OF_DEVICE = ("port", "board", "is_self", "hears_board", "ears", "network", "still_on", "primary")
"""The attributes of a guest that wait for a restart of the service.

All of `[service]` waits, too, and so do added and removed guests, boards and networks.
"""


@frozen
class Change:
    """What another configuration changes."""

    config: Config  # the configuration to go on with
    live: tuple[str, ...]  # keys that change at once
    waiting: tuple[str, ...]  # keys that will change with a restart of the service


def change(old: Config, new: Config) -> Change:
    """Take over everything from `new` that can change while the service runs."""
    stated = {device.name: device for device in new.devices}
    config = evolve(
        new,
        boards=tuple(_board(board, {each.name: each for each in new.boards}.get(board.name)) for board in old.boards),
        service=old.service,
        networks=old.networks,
        devices=tuple(_keeping(FIXED_OF_DEVICE, device, stated.get(device.name, device)) for device in old.devices),
    )
    return Change(config, differing(old, config), differing(config, new))


def differing(one: Config, other: Config) -> tuple[str, ...]:
    """The keys whose values differ, in the order of the file. A guest or sensor that only one of them has counts as one key."""
    ours, theirs = dict(_flat(one)), dict(_flat(other))
    shared = {_table(key) for key in ours} & {_table(key) for key in theirs}
    keys = (key for key in (*ours, *theirs) if ours.get(key) != theirs.get(key))
    return tuple(dict.fromkeys(key if _table(key) in shared else _table(key) for key in keys))


def _table(key: str) -> str:
    return key.rpartition(".")[0]


def _keeping(names: Iterable[str], old: Any, new: Any) -> Any:
    return evolve(new, **{name: getattr(old, name) for name in names})


def _board(old: BoardConfig, new: BoardConfig | None) -> BoardConfig:
    """The board with the changes that can be made at once; a board that is gone, or of another kind now, stays as it is."""
    live = LIVE_OF_BOARD & {each.name for each in attrs.fields(type(old))}
    return _keeping(live, new, old) if type(new) is type(old) else old


def _flat(config: Config) -> Iterator[tuple[str, Any]]:
    for board in config.boards:
        prefix = "board" if board.name == DEFAULT_BOARD else f"board.{board.name}"
        yield f"{prefix}.kind", board.kind
        yield from _section(prefix, type(board), board)
    yield from _section("service", ServiceConfig, config.service)
    yield from _section("wagman", WagmanConfig, config.wagman)
    yield from _section("environment", EnvironmentConfig, config.environment)
    for name, bounds in config.environment.sensors.items():
        yield from _section(f"environment.{name}", Bounds, bounds)
    for name, gauge in config.environment.gauges.items():
        yield from _section(f"environment.{name}", GaugeConfig, gauge)
    for network in config.networks:
        yield from _section(f"network.{network.name}", NetworkConfig, network)
    for device in config.devices:
        yield from _section(f"device.{device.name}", DeviceConfig, device)
        yield f"device.{device.name}.heartbeat", (device.hears_board, device.ears)


def _section(prefix: str, section: type, values: Any) -> Iterator[tuple[str, Any]]:
    for key, attribute in settings(section).items():
        yield f"{prefix}.{key}", (getattr(values, attribute.name),)
