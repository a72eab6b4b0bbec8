"""The faults of a site: some days of faults, then all of them end, and some hours without any fault follow.

Most stories are those of the simulation; the others are here. They are the same under every policy.
"""

from collections.abc import Mapping
from random import Random
from types import MappingProxyType

from wagman.config.boards import PlainBoard
from wagman.config.schema import Config
from wagman.simulation.faults.around import outage, reset
from wagman.simulation.faults.guests import bad_media, flapping, halt, slow_boot
from wagman.simulation.faults.node import HOUR_S, Node, Story
from wagman.simulation.faults.plugs import restarted, severed, unreached
from wagman.simulation.profiles import Tale, happenings
from wagman.simulation.script import Act, Item, Wait, timed

DAY_S = 24 * HOUR_S

WARM_UP_S = 900.0
"""Seconds before the first fault, in which all guests come up; uptime does not count yet."""

QUIET_S = 3 * HOUR_S
"""Seconds after the last fault: any guest could be up by the end (chosen: longer than the longest wait of any policy)."""


def hung(node: Node) -> Story:
    """The programs of a guest hang; its kernel answers."""
    yield 0, f"guest {node.guest} hang"


def panicked(node: Node) -> Story:
    """A guest hangs as a whole."""
    yield 0, f"guest {node.guest} panic"


def mute(node: Node) -> Story:
    """The program that shows the guest's life stops for a while; the guest runs on."""
    guest = node.guest
    yield 0, f"guest {guest} beat=0"
    yield node.later_s(), f"guest {guest} beat=8"


def offline(node: Node) -> Story:
    """The network goes down, even at a site where wagman needs none: other policies may need it."""
    yield from severed(node)


def jammed(node: Node) -> Story:
    """A contact is stuck, and the guest behind it hangs."""
    guest = node.guest
    device = next(each for each in node.config.guests if each.name == guest)
    is_plain = isinstance(node.config.board_of(device), PlainBoard)
    jam, loosen = ("weld {} on", "weld {} off") if is_plain else ("relay {} stuck", "relay {} ok")
    board = node.board_of(guest)
    yield 0, f"{board} fault {jam.format(device.port)}"
    yield node.soon_s(), f"guest {guest} hang"
    yield node.later_s(), f"{board} fault {loosen.format(device.port)}"


A_DAY: Mapping[Tale, float] = MappingProxyType(
    {
        hung: 2.0,
        panicked: 1.0,
        halt: 0.7,
        mute: 0.7,
        flapping: 0.3,
        slow_boot: 0.4,
        bad_media: 0.7,
        jammed: 0.3,
        offline: 1.5,
        outage: 1.0,
        unreached: 1.0,
        reset: 0.7,
        restarted: 0.7,
    }
)
"""How often each story begins at a site in a day (chosen: far more often than at any real site, so that a few days suffice).

A story for which the site lacks something does not happen.
"""


def script(config: Config, seed: int, days: float) -> list[Item]:
    """Return the events at a site: `WARM_UP_S`, so many days of faults, and `QUIET_S`."""
    rates = {tale: each / DAY_S * HOUR_S for tale, each in A_DAY.items()}
    node = Node(config, Random(seed))  # noqa: S311 - a simulation
    busy_s = days * DAY_S
    return [Wait(WARM_UP_S), *timed(happenings(node, rates, busy_s), busy_s), Act("all well"), Wait(QUIET_S)]
