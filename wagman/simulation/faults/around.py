"""Faults around the service: the cable, its bytes, the board, the enclosure."""

from wagman.simulation.faults.node import Node, Story


def outage(node: Node) -> Story:
    """The cable is pulled, and put back."""
    cable = node.cable
    yield 0, f"{cable} out"
    yield node.rng.choice([node.soon_s, node.later_s])(), f"{cable} in"


def loose_contact(node: Node) -> Story:
    """The cable comes and goes."""
    cable = node.cable
    for _ in range(node.rng.randint(2, 8)):
        yield node.rng.uniform(0, 10), f"{cable} out"
        yield node.rng.uniform(0, 10), f"{cable} in"


def bad_bytes(node: Node) -> Story:
    """Bytes are lost, doubled or changed for a while, on the way out, in, or both."""
    board = node.board
    kind, way = node.rng.choice(["lose", "duplicate", "corrupt"]), node.rng.choice(["out", "in", "both"])
    yield 0, f"{board} fault {kind} {10 ** node.rng.uniform(-4, -1.5):.5f} {way}"
    yield node.soon_s() * 4, f"{board} fault {kind} 0 both"


def late_bytes(node: Node) -> Story:
    """Bytes come late, several lines at once."""
    cable = node.cable
    yield 0, f"{cable} late {node.rng.uniform(0.1, 3):.2f}"
    yield node.soon_s() * 4, f"{cable} late 0"


def pieces(node: Node) -> Story:
    """Lines come in pieces."""
    cable = node.cable
    yield 0, f"{cable} pieces"
    yield node.soon_s(), f"{cable} whole"


def noise(node: Node) -> Story:
    """The board sends what nobody asked for."""
    yield 0, f"{node.board} fault {node.rng.choice(['garbage 200', 'flood 300', 'garbage 3'])}"


def reset(node: Node) -> Story:
    """The board restarts."""
    yield 0, f"{node.board} {node.rng.choice(['reset', 'reset', 'powercycle', 'fault brownout', 'fault watchdog'])}"


def silence(node: Node) -> Story:
    """The board runs, and says nothing."""
    board = node.board
    yield 0, f"{board} fault silent on"
    yield node.rng.choice([node.soon_s, node.later_s])(), f"{board} fault silent off"


def slowness(node: Node) -> Story:
    """The board answers slowly."""
    board = node.board
    yield 0, f"{board} fault slow {node.rng.uniform(0.5, 8):.1f}"
    yield node.soon_s() * 2, f"{board} fault slow 0"


def lost_commands(node: Node) -> Story:
    """The next commands are lost without a word, or answered under another name."""
    yield 0, f"{node.board} fault {node.rng.choice(['drop', 'sid'])} {node.rng.randint(1, 6)}"


def forgotten(node: Node) -> Story:
    """The board forgets its EEPROM, and notices at its next start."""
    board = node.board
    yield 0, f"{board} fault eeprom"
    yield node.soon_s(), f"{board} reset"


def worn(node: Node) -> Story:
    """The board has counted so many failures of a port that it stops managing it."""
    board, port = node.outlet
    yield 0, f"{board} eeprom failures {port} {node.rng.choice([20, 40, 900, 1100])}"
    yield node.later_s(), f"{board} eeprom failures {port} 0"


def interrupted(node: Node) -> Story:
    """The board loses its power while it switches a port; it suspects the port, and disables it."""
    board, port = node.outlet
    yield 0, f"{board} eeprom journal {port} {node.rng.choice(['turning_on', 'turning_off'])}"
    yield 0, f"{board} powercycle"


def stuck_relay(node: Node) -> Story:
    """A relay does not move any more."""
    board, port = node.outlet
    yield 0, f"{board} fault relay {port} stuck"
    yield node.later_s(), f"{board} fault relay {port} ok"


def cut(node: Node) -> Story:
    """A relay falls off by itself."""
    board, port = node.outlet
    yield 0, f"{board} fault power {port} off"


def heat(node: Node) -> Story:
    """The enclosure becomes hot, or nearly too hot."""
    board = node.board
    yield 0, f"{board} temp {node.rng.choice([69.0, 71.0, 75.0, 85.0])}"
    yield node.rng.choice([node.soon_s, node.later_s])(), f"{board} temp {node.rng.choice([23.5, 50.0, 66.0])}"


def cold(node: Node) -> Story:
    """The enclosure becomes cold: no guest is started, and none is stopped."""
    board = node.board
    yield 0, f"{board} temp -35"
    yield node.soon_s() * 4, f"{board} temp 10"


def spike(node: Node) -> Story:
    """A sensor gives one impossible reading."""
    board = node.board
    yield 0, f"{board} temp {node.rng.choice([120, 85, -45])}"
    yield node.rng.uniform(1, 16), f"{board} temp 23.5"


def dead_sensor(node: Node) -> Story:
    """A sensor does not answer."""
    sensor, how = node.rng.choice(
        [("env", "dead"), ("env", "garbled"), ("th", "dead"), ("rtc", "dead"), ("id", "dead"), ("system", "dead"), ("cu", "dead")]
    )
    board = node.board
    yield 0, f"{board} fault sensor {sensor} {how}"
    yield node.later_s(), f"{board} fault sensor {sensor} ok"
