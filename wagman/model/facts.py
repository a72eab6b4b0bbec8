"""The words between the layers: facts about the board, requests, and drafts of events.

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
"""What shows it: current or a sign of life; a report of the board; only the board's reply to the command."""

Port: TypeAlias = int | str
"""An outlet's name within its board: a number on a Wagman, text on any other."""


class Plug(NamedTuple):
    """The address of an outlet."""

    board: str
    port: Port

    @classmethod
    def kept(cls, saved: Mapping[str, Any]) -> "Plug":
        """The outlet in what the store kept of a guest. Version 0.1.0 knew one board only.

        Raises:
            KeyError: there is none.
        """
        return cls(saved.get("board", DEFAULT_BOARD), saved["port"])

    def __str__(self) -> str:
        """The outlet in words; a board whose table has no name is not named."""
        return f"port {self.port}" if self.board == DEFAULT_BOARD else f"port {self.port} of {self.board}"


# --- Events: named facts that are remembered --------------------------------------------------------------------------


@frozen
class Draft:
    """An event before it has an id. Types are dotted: `device.started`, `wagman.normal`, `link.up`."""

    type: str
    device: str | None = None
    fields: Mapping[str, Any] = field(factory=dict)


MOST_S = 2**53
"""No time that was kept is longer (chosen: a million years, far below what a float takes)."""


@frozen
class Stamp:
    """A moment that still means something after a restart of the service, as long as the controller runs on."""

    boot: str
    at_s: float


def restored_stamp(saved: Any) -> Stamp | None:
    """The stamp that `asdict` made plain; None: there is none that can be read."""
    match saved:
        case {"boot": str() as boot, "at_s": float() | int() as at_s} if abs(at_s) <= MOST_S:
            return Stamp(boot, at_s)
        case _:
            return None


@frozen
class Term:
    """An operator's order for one guest that holds for a while.

    Its time is measured by the controller's own clock. The time for which the controller itself was off is unknown, and does not
    count.
    """

    kind: Literal["stop", "maintenance"]
    left_s: float  # when the order was given, or last saved


@frozen
class HibernationOrder:
    """An operator's order for all guests: all but `keep` are down until somebody wakes them."""

    reason: str
    who: str = ""
    uid: int | None = None
    at: str = ""  # wall time
    keep: frozenset[str] = frozenset()  # guests that go on running


def hibernation_order_of(plain: Any) -> HibernationOrder | None:
    """The order in plain data; None: there is none that can be read."""
    match plain:
        case {"reason": str() as reason, "who": str() as who, "at": str() as at, "keep": [*keep]}:
            uid = plain.get("uid")
            return HibernationOrder(reason, who, uid if isinstance(uid, int) else None, at, frozenset(map(str, keep)))
        case _:
            return None


def term_of(plain: Any) -> Term | None:
    """The term in plain data; None: there is none that can be read."""
    match plain:
        case Term():
            return plain
        case {"kind": "stop" | "maintenance" as kind, "left_s": float() | int() as left_s} if abs(left_s) <= MOST_S:
            return Term(kind, float(left_s))
        case _:
            return None


# --- Facts: what io has seen of an outlet or its guest. They bear no address: whoever tells knows whose they are. ------


@frozen
class Beat:
    """The guest on a port gave a sign of life."""

    at_s: float  # when it was heard (by the board, an ear, or over the control socket), at the latest
    source: str = "log"  # what heard it: the board's log, its poll, the control socket, or the kind of an ear


@frozen
class Answered:
    """The board answered when it was asked about a port."""

    asked_at_s: float  # when the request left
    supply: Supply = "unknown"  # what the port's current shows


@frozen
class Listened:
    """An ear has listened to a guest; every beat that it heard precedes this in the inbox."""

    asked_at_s: float  # when the ear was asked
    silent_since_s: float  # it has listened since then, and heard nothing
    # when it last heard something that may have been a beat, believed or not, or could not have heard one
    stirred_at_s: float = -math.inf


@frozen
class RelayAsked:
    """The command that switches a port on for this power cycle is about to leave: from now on the port may be on."""

    cycle: int
    at_s: float


@frozen
class RelayOn:
    """Evidence shows that the port is on, in this power cycle."""

    cycle: int
    at_s: float  # when it went on, at the latest
    media: str | None = None  # the medium that it starts from, if there is a selector


@frozen
class RelayOff:
    """Evidence shows that the port is off and is kept off."""

    cycle: int  # the power cycle that this ended
    at_s: float
    assumed: bool = False  # there is no evidence, for nothing can be read of the board: it has only replied


@frozen
class PowerLost:
    """The port lost its power, and the service did not ask for that."""

    at_s: float  # when, as far as is known
    why: str
    reset: bool = False  # the cause is a restart of the board
    suspect: bool = False  # the board restarted right after this port's relay-on, the latest of all ports
    report: int = 0  # its number among all reports of power lost or found on this outlet


@frozen
class PowerDoubted:
    """The board shows the port off, which an earlier run of the service switched on; it is switched on once more."""

    at_s: float
    why: str


@frozen
class PowerFound:
    """The port is on, or may be, though the service did not switch it on: the board started it, or an off did not hold."""

    at_s: float
    why: str
    supply: Supply = "on"  # unknown: nobody knows whether it is on
    report: int = 0  # its number among all reports of power lost or found on this outlet


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
"""The evidence that an alarm may wait for. It comes with every poll, and is no input of a machine."""

PortFact: TypeAlias = (
    Beat | Sight | RelayAsked | RelayOn | RelayOff | PowerLost | PowerDoubted | PowerFound | RelayStuck | BoardStopping
)


@frozen
class Blindness:
    """Whether the board can be seen. It is blind while the link is down, or after three polls without an answer."""

    blind: bool
    at_s: float


@frozen
class Sample:
    """One reading of a sensor of the enclosure, or of a gauge; None: it failed or is implausible."""

    sensor: str  # "temperature_c", "humidity_pct", which end in their unit; or the name of a gauge
    value: float | None
    at_s: float


@frozen
class BoardRestarted:
    """The board restarted; these ports lost their power, and each has been told so."""

    lost: frozenset[Port]


BoardFact: TypeAlias = Blindness | Sample | BoardRestarted | Draft

# --- Wanted power: a level, read by the reconciler beside the link ----------------------------------------------------


@frozen
class PowerGoal:
    """What a state says its relay should be.

    `on` names the power cycle: the reconciler makes exactly one relay-on for each new number. `off` names the last
    cycle whose power may be cut: power of a later cycle, or of unknown origin, is reported (`PowerFound`), never cut.
    `untouched` leaves the relay alone; with a cycle it takes over power that may be on, so that it can be cut in that cycle.
    """

    level: Literal["on", "off", "untouched"]
    cycle: int = 0
    media: str | None = None
    already: bool = False  # nothing needs to be switched: the level is reached by earlier evidence or by adoption
    cleared: bool = False  # `on`: the off before it has already been seen
    leaving: bool = False  # `on`: the guest is on its way down, and gets no power again if it has lost it
    firm: bool = False  # `off`: it does not rest on silence, and stands even if the guest beats before it is carried out
    # the latest report of power lost or found that the state knows of; a goal from before a report does not answer it
    taken: int = 0


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
