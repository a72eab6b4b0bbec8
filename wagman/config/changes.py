"""One configuration taking over from another while the service runs: what changes at once, and what waits for a restart."""

from collections.abc import Iterable, Iterator
from typing import Any

from attrs import evolve, frozen

from wagman.config.boards import WagmanBoard
from wagman.config.schema import Bounds, Config, DeviceConfig, EnvironmentConfig, ServiceConfig, WagmanConfig
from wagman.config.setting import settings

FIXED_OF_BOARD = ("device", "dialect")
"""Attributes of `[board]` that count from the start of the service."""

FIXED_OF_DEVICE = ("port", "is_self", "has_heartbeat", "primary")
"""Attributes of a device that count from the start of the service; so do all of `[service]`, and which devices there are."""


@frozen
class Change:
    """What comes of another configuration."""

    config: Config  # to go on with
    live: tuple[str, ...]  # keys that changed
    waiting: tuple[str, ...]  # keys that will change with a restart of the service


def change(old: Config, new: Config) -> Change:
    """Take over from `new` what can change while the service runs."""
    stated = {device.name: device for device in new.devices}
    config = evolve(
        new,
        board=_keeping(FIXED_OF_BOARD, old.board, new.board),
        service=old.service,
        devices=tuple(_keeping(FIXED_OF_DEVICE, device, stated.get(device.name, device)) for device in old.devices),
    )
    return Change(config, differing(old, config), differing(config, new))


def differing(one: Config, other: Config) -> tuple[str, ...]:
    """The keys whose values differ, in the order of the file; a device or sensor that only one has counts as a whole."""
    ours, theirs = dict(_flat(one)), dict(_flat(other))
    shared = {_table(key) for key in ours} & {_table(key) for key in theirs}
    keys = (key for key in (*ours, *theirs) if ours.get(key) != theirs.get(key))
    return tuple(dict.fromkeys(key if _table(key) in shared else _table(key) for key in keys))


def _table(key: str) -> str:
    return key.rpartition(".")[0]


def _keeping(names: Iterable[str], old: Any, new: Any) -> Any:
    return evolve(new, **{name: getattr(old, name) for name in names})


def _flat(config: Config) -> Iterator[tuple[str, Any]]:
    yield from _section("board", WagmanBoard, config.board)
    yield from _section("service", ServiceConfig, config.service)
    yield from _section("wagman", WagmanConfig, config.wagman)
    yield from _section("environment", EnvironmentConfig, config.environment)
    for name, bounds in config.environment.sensors.items():
        yield from _section(f"environment.{name}", Bounds, bounds)
    for device in config.devices:
        yield from _section(f"device.{device.name}", DeviceConfig, device)


def _section(prefix: str, section: type, values: Any) -> Iterator[tuple[str, Any]]:
    for key, attribute in settings(section).items():
        yield f"{prefix}.{key}", (getattr(values, attribute.name),)
