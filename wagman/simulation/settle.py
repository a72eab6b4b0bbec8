"""4. A healthy, enabled, wanted guest in a normal environment is Started within a bounded time after faults end.

Every run ends with this: the faults end, and then everything has to become as it should be.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from wagman.config.schema import Config
from wagman.simulation.records import Look, Truth
from wagman.simulation.scene import Scene
from wagman.simulation.scene_port import Port

LOOK_S = 30.0
"""How often everything is checked."""

MARGIN_S = 600.0
"""The part of the bound for times that are not configured: polls, commands, a booting board (chosen)."""


def bound_s(config: Config) -> float:
    """Return the bound in seconds: the longest wait of each kind once, and all guests' longest starts one after the other."""
    guests = config.guests
    starts_s = sum(guest.start_timeout_max_s + config.wagman.stagger_s for guest in guests)
    waits_s = max(guest.backoff_max_s + guest.stop_timeout_s + guest.start_timeout_max_s for guest in guests)
    return starts_s + waits_s + config.wagman.hibernate_min_s + config.wagman.normal_interval_s + MARGIN_S


def unsettled(look: Look, scene: Scene, doomed: Collection[str], *, but: str | None = None) -> Iterator[str]:
    """Yield what is not yet as it should be, on all boards `but` one."""
    config = scene.config
    yield from (f"{each['name']} is not seen" for each in look.status["boards"] if each["blind"] and each["name"] != but)
    own = next((device for device in config.devices if device.is_self and device.board != but), None)
    if own is not None and look.selector != own.primary:
        yield f"{own.name} would boot from {look.selector}"
    rows = {row["name"]: row for row in look.status["devices"]}
    for guest in (each for each in config.guests if each.board != but):
        row, truth = rows[guest.name], look.truth[guest.plug]
        yield from _forgotten(row, scene.by_name[guest.name])
        # A source that never heard anything proves nothing: a guest that has power and shows no life is then left alone.
        is_unknown = guest.plug in scene.unheard and truth.on and truth.guest != "running"
        if row["state"] == "maintenance":
            continue  # somebody works on it
        if guest.name in doomed or is_unknown or scene.cannot_be_missed(scene.ports[guest.plug]):
            continue
        if row["wanted"] == "up" and row["enabled"] and not row["held"]:
            yield from _not_up(row, truth, has_heartbeat=guest.has_heartbeat)
        else:
            yield from _not_down(row, truth)


def _forgotten(row: Mapping[str, Any], port: Port) -> Iterator[str]:
    """Yield where the status differs from what operators were promised."""
    if port.wanted not in (None, row["wanted"]):
        yield f"{row['name']} is wanted {row['wanted']}, and an operator was promised {port.wanted}"
    if port.alone not in (None, row["state"] == "maintenance"):
        yield f"{row['name']} is {row['state']}, and an operator was promised {'maintenance' if port.alone else 'none'}"
    if port.enabled not in (None, row["enabled"]):
        yield f"{row['name']} is {'' if row['enabled'] else 'not '}enabled, and an operator was promised the opposite"


def _not_up(row: Mapping[str, Any], truth: Truth, *, has_heartbeat: bool) -> Iterator[str]:
    runs = truth.on and (truth.guest == "running" or not has_heartbeat)
    if row["state"] != "started" or not runs or not row["power"]["confirmed"]:
        yield f"{row['name']} is shown as {row['state']} and is {truth.guest}, with power {'on' if truth.on else 'off'}"


def _not_down(row: Mapping[str, Any], truth: Truth) -> Iterator[str]:
    if row["state"] != "stopped" or truth.on or not row["power"]["confirmed"]:
        yield f"{row['name']} is to be down, is shown as {row['state']}, and has power {'on' if truth.on else 'off'}"
