"""Faults of plugs, and of the network through which guests are heard."""

from wagman.simulation.faults.node import Node, Story

BRIEF = ("refuses", "replylost", "notdone", "late", "pendinglost", "stale", "meterlies", "neighbour")
"""Faults of some commands or answers (`wagman.fake.plain` says where each was seen)."""


def spoilt(node: Node) -> Story:
    """A rail has one of the faults of real ones, while an operator gives a command."""
    rail, kind, guest = node.rail, node.rng.choice(BRIEF), node.guest
    yield 0, f"{rail} fault {kind} on"
    yield node.soon_s(), f"{guest}: {node.rng.choice(['stop', 'restart', 'kill'])}"
    yield node.soon_s() * 3, f"{rail} fault {kind} off"
    yield 0, f"{guest}: start"


def unreached(node: Node) -> Story:
    """A rail does not answer."""
    rail = node.rail
    yield 0, f"{rail} fault hangs on"
    yield node.rng.choice([node.soon_s, node.later_s])(), f"{rail} fault hangs off"


def usurped(node: Node) -> Story:
    """Another unit has a rail's address for a while, and an operator gives a command."""
    rail = node.rail
    yield 0, f"{rail} fault stranger on"
    yield node.soon_s(), f"{node.guest}: {node.rng.choice(['restart', 'kill'])}"
    yield node.later_s(), f"{rail} fault stranger off"


def restarted(node: Node) -> Story:
    """A rail restarts after a loss of its power, or a failure of its processor."""
    yield 0, f"{node.rail} restart {node.rng.choice(['cold', 'warm'])}"


def replayed(node: Node) -> Story:
    """A broker sends a rail its last commands again."""
    yield 0, f"{node.rail} fault replayed"


def welded(node: Node) -> Story:
    """A contact is welded for a while."""
    rail, port = node.plug
    yield 0, f"{rail} fault weld {port} on"
    yield node.later_s(), f"{rail} fault weld {port} off"


def fallen(node: Node) -> Story:
    """Somebody presses the button of a plug."""
    rail, port = node.plug
    yield 0, f"{rail} fault power {port} {node.rng.choice(['off', 'on'])}"


def severed(node: Node) -> Story:
    """The network is down, with all witnesses."""
    yield 0, "network out"
    yield node.rng.choice([node.soon_s, node.later_s])(), "network in"
