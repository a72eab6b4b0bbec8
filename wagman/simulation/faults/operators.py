"""Faults by operators, on the guests and in the configuration."""

import json

from wagman.config.schema import DeviceConfig
from wagman.simulation.faults.node import Node, Story


def request(node: Node) -> Story:
    """An operator gives a command, and later somebody wants the guest up again."""
    guest = node.guest
    yield 0, f"{guest}: {node.rng.choice(['stop', 'restart', 'kill', 'disable', 'start', 'force start', 'heartbeat'])}"
    yield node.rng.choice([node.soon_s, node.later_s])(), f"{guest}: enable"
    yield 0, f"{guest}: start"


def for_a_while(node: Node) -> Story:
    """An operator orders something for a limited time, and perhaps changes it."""
    guest, for_s = node.guest, node.rng.choice([node.soon_s, node.later_s])() + 1
    verb = node.rng.choice(["stop", "maintenance"])
    yield 0, f"{guest}: {verb} for {for_s:.0f}"
    if verb == "maintenance" and node.rng.random() < 1 / 2:
        yield node.rng.uniform(0, for_s), f"guest {guest} {node.rng.choice(['hang', 'halt'])}"
    if node.rng.random() < 1 / 2:
        yield node.soon_s(), f"{guest}: {node.rng.choice(['stop', 'start', 'disable', 'enable', 'maintenance', 'kill'])}"
    yield for_s + node.later_s(), f"{guest}: enable"
    yield 0, f"{guest}: start"


def crowd(node: Node) -> Story:
    """Many operators give commands at once."""
    for _ in range(node.rng.randint(5, 30)):
        verb = node.rng.choice(["start", "stop", "restart", "kill", "disable", "enable", "force restart"])
        yield node.rng.choice([0, 0, 0.3, 2, 20]), f"{node.guest}: {verb}"
    for guest in node.config.guests:
        yield 1, f"{guest.name}: enable"
        yield 0, f"{guest.name}: start"


TIMES = {"stop_silence": 30, "stop_timeout": 240, "heartbeat_timeout": 90, "start_timeout": 60, "off_time": 5}
"""Durations of a guest that are changed, each to something from this to four times as much, in seconds."""


def edited(node: Node) -> Story:
    """Somebody changes the configuration, rightly or wrongly, and puts it back later."""
    guest, other = (node.rng.choice(node.config.guests) for _ in range(2))
    key, least_s = node.rng.choice(list(TIMES.items()))
    changes = node.rng.choice(
        [
            [f"config set device.{guest.name}.{key} {node.rng.uniform(least_s, 4 * least_s):.0f}"],
            [f"config drop {guest.name}"],
            moved(guest, other),  # two on one port
            ["config broken"],
        ]
    )
    yield from ((0, words) for words in changes)
    if node.rng.random() < 1 / 2:
        yield node.soon_s(), "service stop"
        yield node.soon_s(), "service start"
    yield node.later_s(), "config well"


def moved(guest: DeviceConfig, other: DeviceConfig) -> list[str]:
    """Return the changes that move a guest's table to the outlet of another one."""
    if other.board != guest.board:
        return [f"config move {guest.name} {json.dumps(other.board)} {json.dumps(other.port)}"]
    return [f"config set device.{guest.name}.port {json.dumps(other.port)}"]


def rewired(node: Node) -> Story:
    """Two guests swap their outlets in the configuration, which counts when the service restarts."""
    one, other = (node.rng.choice(node.config.guests) for _ in range(2))
    yield from ((0, words) for words in (*moved(one, other), *moved(other, one)))
    yield node.soon_s(), "service stop"
    yield 1, "service start"
    yield node.later_s(), "config well"
    yield node.soon_s(), "service kill"
    yield 1, "service start"


def renamed(node: Node) -> Story:
    """A guest that somebody has stopped gets another name in the configuration, and later its own again."""
    guest = node.guest
    yield 0, f"{guest}: {node.rng.choice(['stop', 'disable', 'start'])}"
    yield node.soon_s(), f"config rename {guest} modem"
    yield node.soon_s(), node.rng.choice(["service stop", "service kill"])
    yield 1, "service start"
    yield node.later_s(), "config well"
    yield node.soon_s(), "service stop"
    yield 1, "service start"
    yield node.soon_s(), f"{guest}: enable"
    yield 0, f"{guest}: start"


def forbidden(node: Node) -> Story:
    """The configuration disables a guest for a while."""
    guest = node.guest
    yield 0, f"config set device.{guest}.enabled false"
    yield node.soon_s(), f"{guest}: {node.rng.choice(['start', 'enable', 'restart', 'stop'])}"
    yield node.later_s(), "config well"
