"""Faults of the guests."""

from wagman.simulation.faults.node import Node, Story


def hang(node: Node) -> Story:
    """A guest hangs; sometimes it recovers by itself."""
    guest = node.guest
    yield 0, f"guest {guest} hang"
    if node.rng.random() < 1 / 2:
        yield node.soon_s() * 3, f"guest {guest} revive"


def halt(node: Node) -> Story:
    """A guest shuts down by itself."""
    yield 0, f"guest {node.guest} halt"


def slow_boot(node: Node) -> Story:
    """A guest takes long to boot, as with a file system check."""
    guest = node.guest
    yield 0, f"guest {guest} boot={node.rng.uniform(60, 460):.0f}"
    yield 0, f"guest {guest} hang"
    yield node.later_s(), f"guest {guest} boot=30"


def flapping(node: Node) -> Story:
    """A guest hangs soon after each boot."""
    guest = node.guest
    yield 0, f"guest {guest} flap={node.rng.uniform(20, 500):.0f}"
    yield 0, f"guest {guest} hang"
    yield node.later_s(), f"guest {guest} flap=0"


def bad_media(node: Node) -> Story:
    """The primary medium is bad, or both are."""
    guest = node.guest
    yield 0, f"guest {guest} good={node.rng.choice(['sd', 'emmc', ''])}"
    yield 0, f"guest {guest} hang"
    yield node.later_s(), f"guest {guest} good=emmc+sd"


def deaf(node: Node) -> Story:
    """A guest ignores its shutdown, or takes very long for it."""
    guest = node.guest
    yield 0, f"guest {guest} {node.rng.choice(['ignore=1', 'halt=300', 'halt=0'])}"
    yield node.rng.uniform(0, 60), f"{guest}: {node.rng.choice(['stop', 'restart'])}"
    yield node.later_s(), f"guest {guest} ignore=0,halt=10"
    yield 0, f"{guest}: start"


def unreachable(node: Node) -> Story:
    """The shutdown commands reach nobody, or take long."""
    yield 0, node.rng.choice(["message lost", f"message slow {node.rng.uniform(5, 30):.0f}"])
    yield 0, f"{node.guest}: restart"
    yield node.soon_s() * 4, "message ok"


def mute(node: Node) -> Story:
    """The program that beats ends, and the guest runs on; sometimes an operator stops it meanwhile, or it hangs, too."""
    guest = node.guest
    yield 0, f"guest {guest} halt={node.rng.uniform(5, 58):.0f}"
    yield 0, f"guest {guest} beat=0"
    yield node.soon_s(), node.rng.choice([f"{guest}: stop", f"{guest}: restart", f"guest {guest} hang", "service freeze 5"])
    yield node.later_s(), f"guest {guest} beat=8,halt=10"
    yield 0, f"{guest}: start"


def hushed(node: Node) -> Story:
    """A guest whose programs end long before it has halted is asked to halt, and its last beat is reported late."""
    guest = node.guest
    yield 0, f"guest {guest} halt={node.rng.uniform(20, 58):.0f},hush=60"
    yield 0, "cable out"
    yield node.rng.uniform(0, 20), f"{guest}: {node.rng.choice(['stop', 'restart'])}"
    yield node.rng.uniform(0, 30), "cable in"
    yield node.soon_s() * 3, f"guest {guest} halt=10,hush=0"
    yield 0, f"{guest}: start"
