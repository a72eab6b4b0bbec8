"""The signs of an outlet (what it showed, in whatever state), the command under way, and the outcome of an input."""

import math
from typing import TYPE_CHECKING, Literal

from attrs import evolve, frozen

from wagman.model.facts import Evidence, PortFact, Supply

if TYPE_CHECKING:
    from wagman.fsm.outlet.outlet import Outlet

EVIDENCE_S = 6.0
"""How long a command may stay without evidence before it is repeated (chosen: more than one poll)."""

EVIDENCE_MAX_S = 60.0
"""The longest wait before a command is repeated (chosen); the wait doubles with each round."""

MOST_DOUBLINGS = 8
"""The most doublings of the wait: beyond, `EVIDENCE_MAX_S` has long been reached."""

SETTLE_S = 1.5
"""How long after a command a reading may not show its effect yet, unless the board needs longer (chosen: several main loops)."""

REPORT_LAG_S = 3.0
"""How long after a command a report of the board may still be older than it (chosen: several main loops)."""

LIFE_S = 30.0
"""A guest that was heard within this time has power (chosen: three beats)."""

GONE_S = 600.0
"""How long a guest without a heartbeat may draw no current before it counts as without power.

Chosen: a guest that dies by itself is power-cycled then, and no more often than this.
"""

STUCK_ROUNDS = 3
"""After this many rounds of off without effect the relay is reported stuck (specified)."""

STUCK_REPORT_S = 3600.0
"""How often a stuck relay is reported (specified)."""

PULSES = 2
"""How many pulses are sent while no reply comes; after the last, what the board shows counts without a reply.

Chosen: a reply is easily lost with the way to the board, and a second pulse harms what has just come up.
"""

Level = Literal["on", "off", "pulse"]
"""What a command does. A pulse is an off after which the board switches on by itself."""


@frozen
class Signs:
    """What the board showed of an outlet, and when the service last told it to switch. Times are seconds of trio's clock."""

    off_at_s: float  # when it was last seen off, or may have been
    on_at_s: float = -math.inf  # when it last went on, or may have
    asked_at_s: float = -math.inf  # when the latest command left
    supply: Supply = "unknown"  # what the last poll showed
    drew: bool = False  # it drew current at some time since it went on
    idle_since_s: float = math.inf  # since when it draws none, after it did
    beat_at_s: float = -math.inf
    pulsed_until_s: float = -math.inf  # until when the latest pulse lasts; then its board switches it on by itself
    stirred_at_s: float = -math.inf  # when something unknown reset its timer: a beat, or a start by the board
    stuck_at_s: float = -math.inf  # when its relay was last reported stuck
    proof: Evidence = "sensed"  # how the last poll showed `supply`
    still_off: bool = False  # since an on was first sent, or this run began, its board has shown nothing but off
    belied: bool = False  # its guest was heard while it was shown off, and it has been shown off ever since

    def shows_life(self, at_s: float) -> bool:
        """Whether the outlet surely has power, whatever the board says: a line may be garbled, and an EEPROM forgotten."""
        return self.supply == "on" or at_s <= self.beat_at_s + LIFE_S

    def polled(self, at_s: float, supply: Supply, proof: Evidence, relay: Supply) -> "Signs":
        """The signs after a poll that left at `at_s`; `relay`: what was believed of the power."""
        drew = relay == "on" and (self.drew or (supply == "on" and proof == "sensed"))
        idle_since_s = min(self.idle_since_s, at_s) if drew and supply == "off" else math.inf
        still_off = self.still_off and supply == "off"
        belied = self.belied and supply == "off"
        shown = (supply, drew, idle_since_s, proof, still_off, belied)
        if shown == (self.supply, self.drew, self.idle_since_s, self.proof, self.still_off, self.belied):
            return self
        return evolve(self, supply=supply, drew=drew, idle_since_s=idle_since_s, proof=proof, still_off=still_off, belied=belied)


@frozen
class PendingCommand:
    """A command to switch that has left and waits for its evidence."""

    level: Level
    round: int = 1
    has_replied: bool = False  # the board has replied, which is no evidence
    # Of an off:
    seen_at_s: float | None = None  # when the board said off; the current has yet to agree
    drew_still: bool = False  # the poll before showed current after the off; one reading may be damaged on its way
    resisted: int = 0  # rounds after which it still drew current

    @property
    def is_stuck(self) -> bool:
        """Whether an off was tried as often as it takes to report the relay stuck."""
        return self.resisted >= STUCK_ROUNDS

    @property
    def pause_s(self) -> float:
        """How long, in seconds, the command waits for evidence before it is repeated."""
        if self.seen_at_s is not None:
            return math.inf  # the next poll decides
        return min(math.ldexp(EVIDENCE_S, min(self.round, MOST_DOUBLINGS) - 1), EVIDENCE_MAX_S)

    @property
    def may_be_lost(self) -> bool:
        """Whether this is a pulse without a reply that may be sent once more."""
        return self.level == "pulse" and not self.has_replied and self.round < PULSES

    def again(self) -> "PendingCommand":
        """The same command as it leaves once more."""
        return PendingCommand(self.level, self.round + 1, resisted=self.resisted)


@frozen
class Step:
    """The outcome of an input: the next outlet, and facts for the guest's machine."""

    outlet: "Outlet"
    facts: tuple[PortFact, ...] = ()
