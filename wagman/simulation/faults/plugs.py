"""Faults of plugs, and of the network that guests are heard over."""

from wagman.simulation.faults.node import Node, Story

BRIEF = ("refuses", "replylost", "notdone", "late", "pendinglost", "stale", "meterlies", "neighbour")
"""What is wrong with some commands or answers (`wagman.fake.plain` has where each was seen)."""


def spoilt(node: Node) -> Story:
    """A rail is as those that people can buy, in one of the known ways, and an operator wants something of it."""
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
    """Another unit has the address of a rail for a while, and an operator wants something of it."""
    rail = node.rail
    yield 0, f"{rail} fault stranger on"
    yield node.soon_s(), f"{node.guest}: {node.rng.choice(['restart', 'kill'])}"
    yield node.later_s(), f"{rail} fault stranger off"


def restarted(node: Node) -> Story:
    """A rail begins anew: it had lost its power, or its processor failed."""
    yield 0, f"{node.rail} restart {node.rng.choice(['cold', 'warm'])}"


def replayed(node: Node) -> Story:
    """A broker gives a rail once more what it was told last."""
    yield 0, f"{node.rail} fault replayed"


def welded(node: Node) -> Story:
    """A contact does not move any more, and an operator wants its guest down."""
    rail, port = node.plug
    yield 0, f"{rail} fault weld {port} on"
    yield node.later_s(), f"{rail} fault weld {port} off"


def fallen(node: Node) -> Story:
    """Somebody presses the button of a plug."""
    rail, port = node.plug
    yield 0, f"{rail} fault power {port} {node.rng.choice(['off', 'on'])}"


def severed(node: Node) -> Story:
    """The network is down, with all who could witness anything."""
    yield 0, "network out"
    yield node.rng.choice([node.soon_s, node.later_s])(), "network in"
