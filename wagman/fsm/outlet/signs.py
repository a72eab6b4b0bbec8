"""What an outlet showed, whatever state it is in; the command that it waits for; and what an input to its machine comes to."""

import math
from typing import TYPE_CHECKING, Literal

from attrs import evolve, frozen

from wagman.model.facts import Evidence, PortFact, Supply

if TYPE_CHECKING:
    from wagman.fsm.outlet.outlet import Outlet

EVIDENCE_S = 6.0
"""How long a command may stay without evidence before it is repeated (chosen: more than one poll)."""

EVIDENCE_MAX_S = 60.0
"""The longest wait before a command is repeated; the wait doubles with each round (chosen)."""

MOST_DOUBLINGS = 8
"""Beyond, the longest wait has long been reached."""

SETTLE_S = 1.5
"""How long after a command a reading may not show it yet, unless the board needs longer (chosen: several main loops)."""

REPORT_LAG_S = 3.0
"""A report of the board that comes so soon after a command may be older than it (chosen: several main loops)."""

LIFE_S = 30.0
"""A guest that was heard so lately has its power (chosen: three beats)."""

GONE_S = 600.0
"""A guest without a heartbeat that drew current, and has drawn none for so long, counts as without power (chosen: one that
dies by itself is power-cycled then, and not more often than this)."""

STUCK_ROUNDS = 3
"""So many rounds of off without effect, and the relay is reported stuck (specified)."""

STUCK_REPORT_S = 3600.0
"""How often a stuck relay is reported (specified)."""

PULSES = 2
"""So many pulses that nobody replied to, and what the board shows counts all the same (chosen: a reply is easily lost with the
way to the board, and a second pulse of what has come up again does harm)."""

Level = Literal["on", "off", "pulse"]
"""What a command does; a pulse is an off, and an on that the board carries out by itself."""


@frozen
class Signs:
    """What the board showed of an outlet, and when the service last told it to switch. Times are seconds of trio's clock."""

    off_at_s: float  # when it was last seen off, or may have been
    on_at_s: float = -math.inf  # when it last went on, or may have
    asked_at_s: float = -math.inf  # when the latest command left
    supply: Supply = "unknown"  # what the last poll showed
    drew: bool = False  # it drew current since it is on
    idle_since_s: float = math.inf  # it drew current, and certainly has drawn none since
    beat_at_s: float = -math.inf
    pulsed_until_s: float = -math.inf  # its board switches it on by itself then, as it was told
    stirred_at_s: float = -math.inf  # its timer was reset by something unknown: by a beat, or by the board's start
    stuck_at_s: float = -math.inf  # when its relay was last reported stuck
    proof: Evidence = "sensed"  # by what the last poll showed it
    still_off: bool = False  # since it was last told to go on, its board has shown it off and nothing else

    def shows_life(self, at_s: float) -> bool:
        """It has power, whatever the board says of it: a line may be garbled, and an EEPROM forgotten."""
        return self.supply == "on" or at_s <= self.beat_at_s + LIFE_S

    def polled(self, at_s: float, supply: Supply, proof: Evidence, relay: Supply) -> "Signs":
        """These signs after a poll."""
        drew = relay == "on" and (self.drew or (supply == "on" and proof == "sensed"))
        idle_since_s = min(self.idle_since_s, at_s) if drew and supply == "off" else math.inf
        still_off = self.still_off and supply == "off"
        shown = (supply, drew, idle_since_s, proof, still_off)
        if shown == (self.supply, self.drew, self.idle_since_s, self.proof, self.still_off):
            return self
        return evolve(self, supply=supply, drew=drew, idle_since_s=idle_since_s, proof=proof, still_off=still_off)


@frozen
class Errand:
    """A command that has left, and waits for its evidence."""

    level: Level
    round: int = 1
    has_replied: bool = False  # the board, which is no evidence
    # Of an off:
    seen_at_s: float | None = None  # the board said off; the current has yet to agree
    drew_still: bool = False  # so said the poll before, after the off: a reading may be damaged on its way
    resisted: int = 0  # rounds after which it still drew current

    @property
    def is_stuck(self) -> bool:
        """Switching it off has been tried often enough."""
        return self.resisted >= STUCK_ROUNDS

    @property
    def pause_s(self) -> float:
        """How long it waits before it is repeated, in seconds."""
        if self.seen_at_s is not None:
            return math.inf  # the next poll tells
        return min(math.ldexp(EVIDENCE_S, min(self.round, MOST_DOUBLINGS) - 1), EVIDENCE_MAX_S)

    @property
    def may_be_lost(self) -> bool:
        """A pulse of which nobody knows whether it was carried out, and that may be asked for once more."""
        return self.level == "pulse" and not self.has_replied and self.round < PULSES

    def again(self) -> "Errand":
        """The same command, as it leaves once more."""
        return Errand(self.level, self.round + 1, resisted=self.resisted)


@frozen
class Step:
    """What an input came to: the outlet as it is then, and what its guest is told."""

    outlet: "Outlet"
    facts: tuple[PortFact, ...] = ()
