"""The words between the layers: facts about the board, requests, and the events that are remembered.

All of them are frozen: what one task tells another cannot change under way. Times that end in `at_s` are seconds of
trio's clock (monotonic); they mean nothing in another run of the service.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from attrs import field, frozen

DEFAULT_BOARD = "board"
"""The name of a board whose table in the configuration is `[board]` itself."""

Supply: TypeAlias = Literal["on", "off", "unknown"]
"""Whether a port has power, as far as anybody knows: unknown is a value of its own, and never counts as off."""

Evidence: TypeAlias = Literal["sensed", "told", "assumed"]
"""What shows it: current or a sign of life; the board says so; it has only replied to the command."""

Port: TypeAlias = int | str
"""An outlet's name within its board: those of a Wagman are numbers, all others bear text."""


class Plug(NamedTuple):
    """The address of an outlet."""

    board: str
    port: Port

    @classmethod
    def kept(cls, saved: Mapping[str, Any]) -> "Plug":
        """The one in what the store kept of a guest; KeyError where it has none. Version 0.1.0 knew one board only."""
        return cls(saved.get("board", DEFAULT_BOARD), saved["port"])

    def __str__(self) -> str:
        """In words; a board whose table bears no name is the board."""
        return f"port {self.port}" if self.board == DEFAULT_BOARD else f"port {self.port} of {self.board}"


# --- Events: named facts that are remembered --------------------------------------------------------------------------


@frozen
class Draft:
    """An event before it has an id. Types are dotted: `device.started`, `wagman.normal`, `link.up`."""

    type: str
    device: str | None = None
    fields: Mapping[str, Any] = field(factory=dict)


@frozen
class Stamp:
    """A moment that still means something after a restart of the service, as long as the controller runs on."""

    boot: str
    at_s: float


def restored_stamp(saved: Any) -> Stamp | None:
    """The stamp that `asdict` made plain; None where there is none that can be read."""
    match saved:
        case {"boot": str() as boot, "at_s": float() | int() as at_s}:
            return Stamp(boot, at_s)
        case _:
            return None


@frozen
class Term:
    """What an operator has ordered for a while.

    It is measured by the controller's own clock. How long the controller was off itself nobody knows: that does not count.
    """

    kind: Literal["stop", "maintenance"]
    left_s: float  # when it was ordered, or kept last


@frozen
class Rest:
    """What an operator has ordered for all guests: that they are down until somebody wakes them, but for those to be kept."""

    reason: str
    who: str = ""
    uid: int | None = None
    at: str = ""  # wall time
    keep: frozenset[str] = frozenset()  # guests that go on running


def rest_of(plain: Any) -> Rest | None:
    """The order in plain data; None where there is none that can be read."""
    match plain:
        case {"reason": str() as reason, "who": str() as who, "at": str() as at, "keep": [*keep]}:
            uid = plain.get("uid")
            return Rest(reason, who, uid if isinstance(uid, int) else None, at, frozenset(map(str, keep)))
        case _:
            return None


def term_of(plain: Any) -> Term | None:
    """The term in plain data; None where there is none that can be read."""
    match plain:
        case Term():
            return plain
        case {"kind": "stop" | "maintenance" as kind, "left_s": float() | int() as left_s}:
            return Term(kind, float(left_s))
        case _:
            return None


# --- Facts: what io has seen of an outlet or its guest. They bear no address: whoever tells knows whose they are. ------


@frozen
class Beat:
    """The guest on a port gave a sign of life."""

    at_s: float  # when the board (or the control interface) heard it, at the latest
    source: str = "log"  # where it was heard: in what the board said, in its poll, over the control interface, by an ear


@frozen
class Answered:
    """The board answered when it was asked about a port."""

    asked_at_s: float  # when the request left
    supply: Supply = "unknown"  # what the port's current shows


@frozen
class Listened:
    """An ear has listened to a guest, and says so; every beat that it heard precedes this in the inbox."""

    asked_at_s: float  # when it was asked
    silent_since_s: float  # it has listened since then, and heard nothing
    stirred_at_s: float = -math.inf  # when it heard something that may have been a beat, believed or not


@frozen
class RelayAsked:
    """The command that switches a port on for this power cycle is being sent: from now on it may be on."""

    cycle: int
    at_s: float


@frozen
class RelayOn:
    """Evidence shows that the port is on, in this power cycle."""

    cycle: int
    at_s: float  # when it went on, at the latest
    media: str | None = None  # the medium it starts from, where there is a selector


@frozen
class RelayOff:
    """Evidence shows that the port is off and is kept off."""

    cycle: int  # the power cycle that this ended
    at_s: float


@frozen
class PowerLost:
    """The port lost its power, and the service did not ask for it."""

    at_s: float  # when it lost it, as far as is known
    why: str
    reset: bool = False  # because the board restarted
    suspect: bool = False  # the board restarted right after this port's relay-on, the latest of all ports
    report: int = 0  # its number among those of power lost or found on this outlet


@frozen
class PowerFound:
    """The port is on though the service did not switch it on (the board started it, or an off did not hold)."""

    at_s: float
    why: str
    supply: Supply = "on"  # unknown: it was off, and nobody knows whether it still is
    report: int = 0  # its number among those of power lost or found on this outlet


@frozen
class RelayStuck:
    """The relay stays on after repeated rounds of off."""

    at_s: float
    rounds: int


@frozen
class BoardStopping:
    """The board itself has begun to stop this port and will cut its power soon."""

    at_s: float
    why: str


Sight: TypeAlias = Answered | Listened
"""What the evidence of an alarm is made of. It comes as a matter of course, and is no input of a machine."""

PortFact: TypeAlias = Beat | Sight | RelayAsked | RelayOn | RelayOff | PowerLost | PowerFound | RelayStuck | BoardStopping


@frozen
class Blindness:
    """Whether the board can be seen: blind is a link that is down, or no answer to three polls."""

    blind: bool
    at_s: float


@frozen
class Sample:
    """One reading of a sensor of the enclosure, in the unit its name ends in; None when it failed or is implausible."""

    sensor: str  # "temperature_c", "humidity_pct"
    value: float | None
    at_s: float


@frozen
class BoardRestarted:
    """The board restarted; these ports lost their power with it, and each has been told so."""

    lost: frozenset[Port]


BoardFact: TypeAlias = Blindness | Sample | BoardRestarted | Draft

# --- Wanted power: a level, read by the reconciler beside the link ----------------------------------------------------


@frozen
class PowerGoal:
    """What a state says its relay should be.

    `on` names the power cycle: the reconciler makes exactly one relay-on for each new number. `off` names the last
    cycle whose power may be cut: power of a later cycle, or of unknown origin, is reported (`PowerFound`), never cut.
    `untouched` leaves the relay alone; with a cycle it takes over what may be on, so that it can be cut in that cycle.
    """

    level: Literal["on", "off", "untouched"]
    cycle: int = 0
    media: str | None = None
    already: bool = False  # it is so already, by earlier evidence or by adoption: nothing needs to be switched
    cleared: bool = False  # `on`: the off that goes before it has already been seen
    firm: bool = False  # `off`: it does not rest on silence, and stands even if the guest beats before it is carried out
    taken: int = 0  # the latest report of power lost or found that the state knows of: an older goal is no answer to a newer one


UNTOUCHED = PowerGoal("untouched")

# --- Requests and their answers ---------------------------------------------------------------------------------------

Verb: TypeAlias = Literal["start", "stop", "restart", "kill", "enable", "disable", "maintenance"]
VERBS: tuple[Verb, ...] = ("start", "stop", "restart", "kill", "enable", "disable", "maintenance")


@frozen
class Verdict:
    """The answer to a request, given at once: whether it was accepted, and what is going on."""

    accepted: bool
    state: str
    reason: str
