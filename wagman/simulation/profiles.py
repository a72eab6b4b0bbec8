"""Which faults happen, and how often: random scripts by profile.

A *fault* is a small story: what happens, and what ends it, with the times in between. A *profile* says how often each story
begins per hour; stories overlap as they come. A script is made of rounds: some hours of stories, then all faults end, and
everything has to settle.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import TypeAlias

from attrs import frozen

from wagman.config.schema import Config
from wagman.simulation.script import Act, Item, timed

Story: TypeAlias = Iterator[tuple[float, str]]
"""What happens, each with the time after the one before (s)."""

ROUND_H = 3.0
"""How many hours of faults lie between two settlings, about (chosen)."""

HOUR_S = 3600.0


@frozen
class Node:
    """What a story can be about."""

    config: Config
    rng: Random

    @property
    def guest(self) -> str:
        """One of the guests."""
        return self.rng.choice([each.name for each in self.config.guests])

    @property
    def port(self) -> int:
        """The port of one of them."""
        return self.rng.choice([each.port for each in self.config.guests])

    def soon_s(self) -> float:
        """Seconds to minutes, the short ones as likely as the long ones."""
        return round(math.exp2(self.rng.uniform(0, 8)), 1)

    def later_s(self) -> float:
        """Minutes to hours."""
        return round(math.exp2(self.rng.uniform(6, 13)), 1)


# --- The cable and its bytes ------------------------------------------------------------------------------------------


def outage(node: Node) -> Story:
    """The cable is pulled, and put back."""
    yield 0, "cable out"
    yield node.rng.choice([node.soon_s, node.later_s])(), "cable in"


def loose_contact(node: Node) -> Story:
    """The cable comes and goes."""
    for _ in range(node.rng.randint(2, 8)):
        yield node.rng.uniform(0, 10), "cable out"
        yield node.rng.uniform(0, 10), "cable in"


def bad_bytes(node: Node) -> Story:
    """Bytes are lost, doubled or changed for a while, on the way out, in, or both."""
    kind, way = node.rng.choice(["lose", "duplicate", "corrupt"]), node.rng.choice(["out", "in", "both"])
    yield 0, f"board fault {kind} {10 ** node.rng.uniform(-4, -1.5):.5f} {way}"
    yield node.soon_s() * 4, f"board fault {kind} 0 both"


def late_bytes(node: Node) -> Story:
    """Bytes come late, several lines at once."""
    yield 0, f"cable late {node.rng.uniform(0.1, 3):.2f}"
    yield node.soon_s() * 4, "cable late 0"


def pieces(node: Node) -> Story:
    """Lines come in pieces."""
    yield 0, "cable pieces"
    yield node.soon_s(), "cable whole"


def noise(node: Node) -> Story:
    """The board says what nobody asked for."""
    yield 0, node.rng.choice(["board fault garbage 200", "board fault flood 300", "board fault garbage 3"])


# --- The board --------------------------------------------------------------------------------------------------------


def reset(node: Node) -> Story:
    """The board starts anew."""
    yield 0, node.rng.choice(["board reset", "board reset", "board powercycle", "board fault brownout", "board fault watchdog"])


def silence(node: Node) -> Story:
    """The board runs, and says nothing."""
    yield 0, "board fault silent on"
    yield node.rng.choice([node.soon_s, node.later_s])(), "board fault silent off"


def slowness(node: Node) -> Story:
    """The board takes its time."""
    yield 0, f"board fault slow {node.rng.uniform(0.5, 8):.1f}"
    yield node.soon_s() * 2, "board fault slow 0"


def lost_commands(node: Node) -> Story:
    """The next commands are lost without a word, or answered under another name."""
    yield 0, f"board fault {node.rng.choice(['drop', 'sid'])} {node.rng.randint(1, 6)}"


def forgotten(node: Node) -> Story:
    """The board forgets its EEPROM, and notices when it starts next."""
    yield 0, "board fault eeprom"
    yield node.soon_s(), "board reset"


def worn(node: Node) -> Story:
    """The board has counted so many failures of a port that it does not manage it any more."""
    port = node.port
    yield 0, f"board eeprom failures {port} {node.rng.choice([20, 40, 900, 1100])}"
    yield node.later_s(), f"board eeprom failures {port} 0"


def interrupted(node: Node) -> Story:
    """The board loses its power in the middle of switching a port, which it suspects of that and disables."""
    yield 0, f"board eeprom journal {node.port} {node.rng.choice(['turning_on', 'turning_off'])}"
    yield 0, "board powercycle"


def stuck_relay(node: Node) -> Story:
    """A relay does not move any more."""
    guest = node.port
    yield 0, f"board fault relay {guest} stuck"
    yield node.later_s(), f"board fault relay {guest} ok"


def cut(node: Node) -> Story:
    """A relay falls off by itself."""
    yield 0, f"board fault power {node.port} off"


# --- The guests -------------------------------------------------------------------------------------------------------


def hang(node: Node) -> Story:
    """A guest hangs; sometimes it comes to itself."""
    guest = node.guest
    yield 0, f"guest {guest} hang"
    if node.rng.random() < 1 / 2:
        yield node.soon_s() * 3, f"guest {guest} revive"


def halt(node: Node) -> Story:
    """A guest shuts down by itself."""
    yield 0, f"guest {node.guest} halt"


def slow_boot(node: Node) -> Story:
    """A guest takes long to boot: a file system check."""
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
    """A guest ignores that it is to shut down, or takes very long."""
    guest = node.guest
    yield 0, f"guest {guest} {node.rng.choice(['ignore=1', 'halt=300', 'halt=0'])}"
    yield node.rng.uniform(0, 60), f"{guest}: {node.rng.choice(['stop', 'restart'])}"
    yield node.later_s(), f"guest {guest} ignore=0,halt=10"
    yield 0, f"{guest}: start"


def unreachable(node: Node) -> Story:
    """The commands that ask guests to halt reach nobody, or take long."""
    yield 0, node.rng.choice(["message lost", f"message slow {node.rng.uniform(5, 30):.0f}"])
    yield 0, f"{node.guest}: restart"
    yield node.soon_s() * 4, "message ok"


def mute(node: Node) -> Story:
    """The program that beats ends, and the guest runs on; sometimes somebody has it halt meanwhile, or it hangs, too."""
    guest = node.guest
    yield 0, f"guest {guest} halt={node.rng.uniform(5, 58):.0f}"
    yield 0, f"guest {guest} beat=0"
    yield node.soon_s(), node.rng.choice([f"{guest}: stop", f"{guest}: restart", f"guest {guest} hang", "service freeze 5"])
    yield node.later_s(), f"guest {guest} beat=8,halt=10"
    yield 0, f"{guest}: start"


def hushed(node: Node) -> Story:
    """A guest whose programs end long before it has halted is asked to halt, and its last beat is told late."""
    guest = node.guest
    yield 0, f"guest {guest} halt={node.rng.uniform(20, 58):.0f},hush=60"
    yield 0, "cable out"
    yield node.rng.uniform(0, 20), f"{guest}: {node.rng.choice(['stop', 'restart'])}"
    yield node.rng.uniform(0, 30), "cable in"
    yield node.soon_s() * 3, f"guest {guest} halt=10,hush=0"
    yield 0, f"{guest}: start"


# --- The enclosure ----------------------------------------------------------------------------------------------------


def heat(node: Node) -> Story:
    """A hot spell, and sometimes one that is hardly any."""
    yield 0, f"board temp {node.rng.choice([69.0, 71.0, 75.0, 85.0])}"
    yield node.rng.choice([node.soon_s, node.later_s])(), f"board temp {node.rng.choice([23.5, 50.0, 66.0])}"


def cold(node: Node) -> Story:
    """A cold spell: nothing starts, and nothing stops."""
    yield 0, "board temp -35"
    yield node.soon_s() * 4, "board temp 10"


def spike(node: Node) -> Story:
    """One reading that cannot be."""
    yield 0, f"board temp {node.rng.choice([120, 85, -45])}"
    yield node.rng.uniform(1, 16), "board temp 23.5"


def dead_sensor(node: Node) -> Story:
    """A sensor does not answer."""
    sensor, how = node.rng.choice(
        [("env", "dead"), ("env", "garbled"), ("th", "dead"), ("rtc", "dead"), ("id", "dead"), ("system", "dead"), ("cu", "dead")]
    )
    yield 0, f"board fault sensor {sensor} {how}"
    yield node.later_s(), f"board fault sensor {sensor} ok"


# --- The service and the computer that it runs on ---------------------------------------------------------------------


def killed(node: Node) -> Story:
    """The service is killed, and comes back."""
    yield 0, node.rng.choice(["service kill", "service kill", "service stop"])
    yield node.rng.choice([lambda: 0.5, node.soon_s, node.later_s])(), "service start"


def frozen_out(node: Node) -> Story:
    """The service is stopped for a while (SIGSTOP)."""
    yield 0, f"service freeze {node.rng.choice([node.soon_s, node.later_s])():g}"


def crash(node: Node) -> Story:
    """A defect in one of the tasks."""
    yield 0, f"service crash {node.rng.choice([node.guest, 'wagman', 'link'])}"


def clock_step(node: Node) -> Story:
    """The wall clock is set."""
    yield 0, f"clock {node.rng.choice([-1, 1]) * node.later_s():.0f}"


def bad_disk(node: Node) -> Story:
    """The disk is full, or slow."""
    yield 0, node.rng.choice(["disk full", f"disk slow {node.rng.uniform(0.1, 25):.1f}"])
    yield node.rng.choice([node.soon_s, node.later_s])(), "disk ok"


def damaged_disk(node: Node) -> Story:
    """What the service keeps is damaged or lost while it is down."""
    yield 0, "service kill"
    flips, cut = f"flipped {math.exp2(node.rng.uniform(0, 12)):.0f}", f"truncated {node.rng.uniform(0, 100):.1f}"
    yield 0.1, f"disk {node.rng.choice([flips, flips, cut, 'wiped', 'newer'])}"
    yield node.rng.choice([lambda: 0.5, node.soon_s])(), "service start"


def blindfolded(node: Node) -> Story:
    """The meters are dead while a silent guest is all that the service, or the board, finds when it comes up."""
    guest = node.guest
    yield 0, "board fault sensor cu dead"
    yield 0, f"guest {guest} {node.rng.choice(['hang', 'beat=0', 'halt'])}"
    if node.rng.random() < 2 / 3:
        yield node.soon_s(), "service kill"
        yield 0.1, node.rng.choice(["disk wiped", "disk wiped", "disk ok"])
        yield node.soon_s(), "service start"
    else:
        yield 0, "board powercycle"
    yield node.later_s(), "board fault sensor cu ok"
    yield 0, f"guest {guest} beat=8"


def barred_disk(node: Node) -> Story:
    """What the service keeps belongs to somebody else for a while: root has copied it back."""
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
"""What may become of what tells of decisions."""


def decided(node: Node) -> Story:
    """A guest is stopped or disabled, and what tells of that, or its table, is changed over a restart: it stays down."""
    guest, other = (node.rng.choice(node.config.guests) for _ in range(2))
    tables = (
        (),
        (f"config rename {guest.name} modem",),
        (f"config set device.{guest.name}.port {other.port}", f"config set device.{other.name}.port {guest.port}"),
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


# --- Operators --------------------------------------------------------------------------------------------------------


def request(node: Node) -> Story:
    """An operator changes something, and some time later somebody wants the guest up again."""
    guest = node.guest
    yield 0, f"{guest}: {node.rng.choice(['stop', 'restart', 'kill', 'disable', 'start', 'force start', 'heartbeat'])}"
    yield node.rng.choice([node.soon_s, node.later_s])(), f"{guest}: enable"
    yield 0, f"{guest}: start"


def crowd(node: Node) -> Story:
    """Everybody asks for everything at once."""
    for _ in range(node.rng.randint(5, 30)):
        verb = node.rng.choice(["start", "stop", "restart", "kill", "disable", "enable", "force restart"])
        yield node.rng.choice([0, 0, 0.3, 2, 20]), f"{node.guest}: {verb}"
    for guest in node.config.guests:
        yield 1, f"{guest.name}: enable"
        yield 0, f"{guest.name}: start"


TIMES = {"stop_silence": 30, "stop_timeout": 240, "heartbeat_timeout": 90, "start_timeout": 60, "off_time": 5}
"""Keys of a guest that are changed, each to something between this and four times as much (s)."""


def edited(node: Node) -> Story:
    """Somebody changes the configuration, for the better or not, and puts it back later."""
    guest, other = (node.rng.choice(node.config.guests) for _ in range(2))
    key, least_s = node.rng.choice(list(TIMES.items()))
    yield (
        0,
        node.rng.choice(
            [
                f"config set device.{guest.name}.{key} {node.rng.uniform(least_s, 4 * least_s):.0f}",
                f"config drop {guest.name}",
                f"config set device.{guest.name}.port {other.port}",  # two on one port
                "config broken",
            ]
        ),
    )
    if node.rng.random() < 1 / 2:
        yield node.soon_s(), "service stop"
        yield node.soon_s(), "service start"
    yield node.later_s(), "config well"


def rewired(node: Node) -> Story:
    """Two guests change their places in the configuration, which counts when the service starts anew."""
    one, other = (node.rng.choice(node.config.guests) for _ in range(2))
    yield 0, f"config set device.{one.name}.port {other.port}"
    yield 0, f"config set device.{other.name}.port {one.port}"
    yield node.soon_s(), "service stop"
    yield 1, "service start"
    yield node.later_s(), "config well"
    yield node.soon_s(), "service kill"
    yield 1, "service start"


def renamed(node: Node) -> Story:
    """A guest that somebody has stopped gets another name in the configuration, and its own again."""
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
    "everything": {**CABLE, **BYTES, **BOARD, **GUESTS, **ENCLOSURE, **SERVICE, **FILES, **MEMORY, **OPERATORS},
}
"""What can be asked for by name."""


def make_script(config: Config, profile: Rates, seed: int, for_s: float) -> list[Item]:
    """A script of this length, not counting the times that settling takes."""
    node = Node(config, Random(seed))  # noqa: S311 - a simulation
    items: list[Item] = []
    left_s = for_s
    while left_s > 0:
        round_s = min(left_s, ROUND_H * HOUR_S * node.rng.uniform(0.5, 1.5))
        items += [*timed(_happenings(node, profile, round_s), round_s), Act("all well"), Act("settled")]
        left_s -= round_s
    return items


def _happenings(node: Node, profile: Rates, for_s: float) -> Iterator[tuple[float, str]]:
    for tale, per_hour in profile.items():
        at_s = node.rng.expovariate(per_hour / HOUR_S)
        while at_s < for_s:
            yield from _told_from(at_s, tale(node))
            at_s += node.rng.expovariate(per_hour / HOUR_S)


def _told_from(at_s: float, story: Story) -> Iterator[tuple[float, str]]:
    for after_s, words in story:
        at_s = round(at_s + after_s, 3)
        yield at_s, words
