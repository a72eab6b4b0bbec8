"""Random scripts by profile: which faults happen, and how often.

A *fault* is a small story: what happens, and what ends it, with the times in between. A *profile* says how often each story
begins per hour; stories overlap. A script is made of rounds: some hours of stories, then all faults end, and everything has to
settle. If there are several boards, the others have to settle while one of them cannot be seen.
"""

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import TypeAlias

from wagman.config.boards import PlainBoard, WagmanBoard
from wagman.config.schema import Config
from wagman.simulation.faults.around import (
    bad_bytes,
    cold,
    cut,
    dead_sensor,
    forgotten,
    heat,
    interrupted,
    late_bytes,
    loose_contact,
    lost_commands,
    noise,
    outage,
    pieces,
    reset,
    silence,
    slowness,
    spike,
    stuck_relay,
    worn,
)
from wagman.simulation.faults.guests import bad_media, deaf, flapping, halt, hang, hushed, mute, slow_boot, unreachable
from wagman.simulation.faults.node import HOUR_S, Node, Story
from wagman.simulation.faults.operators import crowd, edited, for_a_while, forbidden, renamed, request, rewired
from wagman.simulation.faults.plugs import fallen, replayed, restarted, severed, spoilt, unreached, usurped, welded
from wagman.simulation.faults.service import (
    bad_disk,
    barred_disk,
    blindfolded,
    clock_step,
    crash,
    damaged_disk,
    decided,
    frozen_out,
    killed,
    old_disk,
)
from wagman.simulation.script import Act, Item, timed

ROUND_H = 3.0
"""How many hours of faults lie between two settlings, about (chosen)."""


Tale: TypeAlias = Callable[[Node], Story]
Rates: TypeAlias = Mapping[Tale, float]
"""How often each story begins in an hour."""

CABLE: Rates = {outage: 1.0, loose_contact: 0.5}
BYTES: Rates = {bad_bytes: 1.5, late_bytes: 1.0, pieces: 1.0, noise: 1.0}
BOARD: Rates = {
    reset: 0.5,
    silence: 0.5,
    slowness: 0.5,
    lost_commands: 1.0,
    forgotten: 0.2,
    worn: 0.1,
    interrupted: 0.1,
    stuck_relay: 0.2,
    cut: 0.3,
}
GUESTS: Rates = {
    hang: 1.0,
    halt: 0.5,
    mute: 0.3,
    hushed: 0.5,
    slow_boot: 0.3,
    flapping: 0.3,
    bad_media: 0.4,
    deaf: 0.4,
    unreachable: 0.4,
}
ENCLOSURE: Rates = {heat: 0.5, cold: 0.3, spike: 0.5, dead_sensor: 0.3}
SERVICE: Rates = {killed: 1.0, frozen_out: 0.7, crash: 0.5, clock_step: 0.3, bad_disk: 0.4, damaged_disk: 0.15, blindfolded: 0.15}
FILES: Rates = {barred_disk: 0.1, old_disk: 0.05}
MEMORY: Rates = {decided: 0.2}
PLUGS: Rates = {
    spoilt: 2.0,
    unreached: 0.5,
    usurped: 0.3,
    restarted: 0.3,
    replayed: 0.2,
    welded: 0.3,
    fallen: 0.3,
}
NETWORK: Rates = {severed: 0.7}
OPERATORS: Rates = {request: 2.0, crowd: 0.2, edited: 0.4, rewired: 0.1, renamed: 0.1, forbidden: 0.2}

PROFILES: dict[str, Rates] = {
    "none": {},
    "cable": CABLE,
    "bytes": BYTES,
    "board": BOARD,
    "guests": GUESTS,
    "enclosure": ENCLOSURE,
    "service": {**SERVICE, **FILES},
    "memory": {**FILES, decided: 1.0, killed: 0.3, request: 0.5, renamed: 0.3, rewired: 0.3, forbidden: 0.3},
    "operators": OPERATORS,
    # Not part of `everything`: all scripts of that profile would change.
    "orders": {
        for_a_while: 3.0,
        **dict.fromkeys((request, renamed, killed, decided, crash, clock_step, bad_disk, damaged_disk), 0.5),
        **dict.fromkeys((hang, reset, heat, outage, cut), 0.3),
    },
    "plugs": PLUGS,
    "network": NETWORK,
    "everything": {
        **CABLE,
        **BYTES,
        **BOARD,
        **GUESTS,
        **ENCLOSURE,
        **SERVICE,
        **FILES,
        **MEMORY,
        **OPERATORS,
        **PLUGS,
        **NETWORK,
    },
}
"""The profiles, by their names on the command line."""

ON_WAGMANS = frozenset({*CABLE, *BYTES, *BOARD, *ENCLOSURE, blindfolded})
"""Stories of parts that only a Wagman has."""


def befalls(tale: Tale, config: Config) -> bool:
    """Return whether the node has anything that the story can happen to."""
    if tale in ON_WAGMANS:
        return any(isinstance(config.board_of(each), WagmanBoard) for each in config.guests)
    if tale in PLUGS:
        return any(isinstance(config.board_of(each), PlainBoard) for each in config.guests)
    return tale not in NETWORK or bool(config.networks)


def make_script(config: Config, profile: Rates, seed: int, for_s: float) -> list[Item]:
    """Return a script of this length, not counting the times of settling."""
    node = Node(config, Random(seed))  # noqa: S311 - a simulation
    items: list[Item] = []
    left_s = for_s
    while left_s > 0:
        round_s = min(left_s, ROUND_H * HOUR_S * node.rng.uniform(0.5, 1.5))
        items += [*timed(happenings(node, profile, round_s), round_s), Act("all well"), *_one_out(node), Act("settled")]
        left_s -= round_s
    return items


def _one_out(node: Node) -> Iterator[Act]:
    """If there are several boards, keep one out of sight for longer, while everything settles on the others."""
    names = [each.name for each in node.config.boards if each.name != node.config.enclosure]
    if names:
        name = node.rng.choice(names)
        yield from map(Act, (f"cable {name} out", f"settled but {name}", f"cable {name} in"))


def happenings(node: Node, profile: Rates, for_s: float) -> Iterator[tuple[float, str]]:
    """Yield what happens in that time, each with its time in seconds, in no order; a story that has begun is told to its end."""
    for tale, per_hour in ((each, rate) for each, rate in profile.items() if befalls(each, node.config)):
        at_s = node.rng.expovariate(per_hour / HOUR_S)
        while at_s < for_s:
            yield from _told_from(at_s, tale(node))
            at_s += node.rng.expovariate(per_hour / HOUR_S)


def _told_from(at_s: float, story: Story) -> Iterator[tuple[float, str]]:
    for after_s, words in story:
        at_s = round(at_s + after_s, 3)
        yield at_s, words
