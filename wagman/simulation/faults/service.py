"""Faults of the service, of its memory, and of the computer that it runs on."""

import math

from wagman.simulation.faults.node import Node, Story
from wagman.simulation.faults.operators import moved


def killed(node: Node) -> Story:
    """The service is killed or stopped, and comes back."""
    yield 0, node.rng.choice(["service kill", "service kill", "service stop"])
    yield node.rng.choice([lambda: 0.5, node.soon_s, node.later_s])(), "service start"


def frozen_out(node: Node) -> Story:
    """The service is stopped for a while (SIGSTOP)."""
    yield 0, f"service freeze {node.rng.choice([node.soon_s, node.later_s])():g}"


def crash(node: Node) -> Story:
    """A defect makes a task fail."""
    yield 0, f"service crash {node.rng.choice([node.guest, 'wagman', node.link])}"


def clock_step(node: Node) -> Story:
    """The wall clock is set."""
    yield 0, f"clock {node.rng.choice([-1, 1]) * node.later_s():.0f}"


def bad_disk(node: Node) -> Story:
    """The disk is full, or slow."""
    yield 0, node.rng.choice(["disk full", f"disk slow {node.rng.uniform(0.1, 25):.1f}"])
    yield node.rng.choice([node.soon_s, node.later_s])(), "disk ok"


def damaged_disk(node: Node) -> Story:
    """The service's files are damaged or lost while it is down."""
    yield 0, "service kill"
    flips, cut = f"flipped {math.exp2(node.rng.uniform(0, 12)):.0f}", f"truncated {node.rng.uniform(0, 100):.1f}"
    yield 0.1, f"disk {node.rng.choice([flips, flips, cut, 'wiped', 'newer'])}"
    yield node.rng.choice([lambda: 0.5, node.soon_s])(), "service start"


def blindfolded(node: Node) -> Story:
    """The meters are dead, while the service or the board comes up and finds a silent guest."""
    guest = node.guest_of_a_wagman
    board = node.board_of(guest)
    yield 0, f"{board} fault sensor cu dead"
    yield 0, f"guest {guest} {node.rng.choice(['hang', 'beat=0', 'halt'])}"
    if node.rng.random() < 2 / 3:
        yield node.soon_s(), "service kill"
        yield 0.1, node.rng.choice(["disk wiped", "disk wiped", "disk ok"])
        yield node.soon_s(), "service start"
    else:
        yield 0, f"{board} powercycle"
    yield node.later_s(), f"{board} fault sensor cu ok"
    yield 0, f"guest {guest} beat=8"


def barred_disk(node: Node) -> Story:
    """The service's files belong to root for a while, as after a careless copy."""
    yield 0, "service kill"
    yield 0.1, f"disk barred {node.rng.choice(['log', 'log', 'all'])}"
    yield node.soon_s(), "service start"
    yield node.rng.choice([node.soon_s, node.later_s])(), "disk ok"


def old_disk(node: Node) -> Story:
    """A copy of the log from before is put in its place."""
    yield 0, "service stop"
    yield 1, "disk copied"
    yield 1, "service start"
    yield node.later_s(), "service stop"
    yield 1, "disk restored"
    yield node.soon_s(), "service start"


HARMS = (
    "disk wiped",
    "disk flipped 300",
    "disk truncated 50",
    "disk newer",
    "disk foreign",
    "disk undecided",
    "disk muddled",
    "disk restored",
    "disk restored beside",
    "disk barred log",
    "disk barred all",
)
"""What may happen to the files with decisions."""


def decided(node: Node) -> Story:
    """A guest is stopped or disabled; over a restart, the files with that decision, or its table, are changed.

    It has to stay down.
    """
    guest, other = (node.rng.choice(node.config.guests) for _ in range(2))
    tables = (
        (),
        (f"config rename {guest.name} modem",),
        (*moved(guest, other), *moved(other, guest)),
        (f"config drop {guest.name}",),
    )
    yield 0, "service stop"
    yield 1, "disk copied"
    yield 1, "service start"
    yield node.soon_s(), f"{guest.name}: {node.rng.choice(['stop', 'disable', 'kill'])}"
    yield node.later_s(), node.rng.choice(["service stop", "service kill"])
    yield from ((1, words) for words in node.rng.choice(tables))
    yield 1, node.rng.choice(HARMS)
    yield node.soon_s(), "service start"
    yield node.later_s(), "disk ok"
    yield 0, "config well"
    yield node.soon_s(), "service stop"
    yield 1, "service start"
    yield node.later_s(), f"{guest.name}: enable"
    yield 0, f"{guest.name}: start"
