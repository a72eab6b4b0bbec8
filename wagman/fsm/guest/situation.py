"""Memory, situation and step: what the states of a guest look at and hand back; and how starts are counted."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from attrs import asdict, evolve, field, fields, frozen

from wagman.config.schema import DeviceConfig, other_medium
from wagman.fsm.alarms import Plan
from wagman.fsm.guest.inputs import Effect
from wagman.model.facts import Draft, PowerLost, Term, Verdict, term_of

if TYPE_CHECKING:
    from wagman.fsm.guest.state import State

BROWNOUTS = 3
"""So many board resets right after this guest's relay-on, and it is held (chosen)."""

MOST_DOUBLINGS = 16
"""Beyond, every maximum has long been reached; it keeps the powers of two small."""


@frozen
class Memory:
    """The memory of a guest, beside its state; it outlives the service."""

    wanted: Literal["up", "down"] = "up"
    enabled: bool = True
    attempts: int = 0  # relay-ons since the guest was last stable
    failures: int = 0  # failed starts since then
    cycle: int = 0  # number of the latest power cycle
    media: str | None = None  # of the latest start
    hibernating: bool = False  # what the scheduler said last
    exempt: bool = False  # started by force while hibernating
    brownouts: int = 0
    held: bool = False  # after brownouts: waits for an operator
    unrecoverable: bool = False  # reported as such
    term: Term | None = field(default=None, converter=term_of)  # what an operator has ordered for a while

    def lasting(self) -> dict[str, Any]:
        """The memory as plain data. Version 0.1.0 can read it, where nothing is ordered for a while."""
        return asdict(self, filter=lambda each, held: each.name != "term" or held is not None)

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> "Memory":
        """The memory that was saved; of what a newer program wrote, as much as is known here."""
        return cls(**{each.name: saved[each.name] for each in fields(cls) if each.name in saved})

    @property
    def forbidden(self) -> bool:
        """The environment forbids that this guest runs."""
        return self.hibernating and not self.exempt

    @property
    def maintained(self) -> bool:
        """Somebody works on the guest: nothing is done about it."""
        return self.term is not None and self.term.kind == "maintenance"


@frozen
class Situation:
    """The configuration and the memory of a guest; handlers look at it as `now`."""

    config: DeviceConfig
    memory: Memory
    withheld: bool = False  # what was decided about the guest cannot be read: while it is off it stays off
    waits_for: tuple[str, ...] = ()  # those that its start waits for: it comes after them, and they are yet to come up
    leaning: tuple[str, ...] = ()  # those that its stop waits for: they come after it, and are on their way down

    def remember(self, **changes: Any) -> "Situation":
        """The same situation with a changed memory."""
        return evolve(self, memory=evolve(self.memory, **changes))

    def event(self, what: str, **fields: Any) -> Draft:
        """An event about this guest."""
        return Draft(f"device.{what}", self.config.name, fields)

    @property
    def welcome(self) -> bool:
        """The guest may go on where it is found running."""
        memory = self.memory
        return self.allowed and memory.wanted == "up" and not memory.forbidden and not memory.held

    @property
    def is_wanted(self) -> bool:
        """The guest is to run, and will be started where it does not: nothing but time keeps it down."""
        return self.welcome and not self.withheld and not self.memory.maintained

    @property
    def is_way(self) -> bool:
        """Boards are reached through the guest, and nobody has ordered it down all the same: it is never left off."""
        return bool(self.config.leads_to) and self.allowed and self.memory.wanted == "up"

    @property
    def allowed(self) -> bool:
        """Neither an operator nor the configuration has disabled the guest."""
        return self.memory.enabled and self.config.enabled

    @property
    def medium(self) -> str | None:
        """The medium of the next start: primary, then the other one, then both in turn; None without a selector."""
        primary, beyond = self.config.primary, self.memory.attempts - self.config.allowed_attempts
        if primary is None or beyond < 0:
            return primary
        beyond -= max(1, self.config.recover_attempts)  # the other medium is tried once, however few recoveries are allowed
        return other_medium(primary) if beyond < 0 or beyond % 2 else primary

    @property
    def recovering(self) -> bool:
        """The next start is one to recover."""
        return self.memory.attempts >= self.config.allowed_attempts

    @property
    def start_timeout_s(self) -> float:
        """Doubled after each failed start: a long file system check must win in the end."""
        doublings = min(self.memory.failures, MOST_DOUBLINGS)
        return min(math.ldexp(self.config.start_timeout_s, doublings), self.config.start_timeout_max_s)

    @property
    def backoff_s(self) -> float:
        """The wait after the latest failed start, doubled with each; the longest once both media have failed."""
        if self.memory.unrecoverable:
            return self.config.backoff_max_s
        doublings = min(self.memory.failures - 1, MOST_DOUBLINGS)
        return min(math.ldexp(self.config.backoff_min_s, doublings), self.config.backoff_max_s)

    @property
    def start_fields(self) -> Mapping[str, Any]:
        """The fields that all events about a start have."""
        return {"attempt": self.memory.attempts, "media": self.memory.media}

    def counted_attempt(self) -> "Situation":
        """The relay was seen on: that is an attempt, whoever asked for it."""
        return self.remember(attempts=self.memory.attempts + 1)

    def uncounted_attempt(self) -> "Situation":
        """A start that lost its power before it was stable says nothing about the guest."""
        return self.remember(attempts=max(0, self.memory.attempts - 1))

    def counted_failure(self) -> "tuple[Situation, Sequence[Draft]]":
        """A start failed. After `allowed_attempts` and `recover_attempts` of them the guest is unrecoverable: told once."""
        failures, limit = self.memory.failures + 1, self.config.allowed_attempts + self.config.recover_attempts
        after = self.remember(failures=failures, unrecoverable=self.memory.unrecoverable or failures >= limit)
        is_news = after.memory.unrecoverable and not self.memory.unrecoverable
        return after, (after.event("unrecoverable", failures=failures),) if is_news else ()

    def counted_loss(self, lost: PowerLost) -> "tuple[Situation, Sequence[Draft]]":
        """Power was lost, which is told. A guest that pulls the board down again and again when it is switched on is held."""
        told = self.event("power_lost", why=lost.why)
        if not lost.suspect:
            return self, (told,)
        brownouts = self.memory.brownouts + 1
        after = self.remember(brownouts=brownouts, held=self.memory.held or brownouts >= BROWNOUTS)
        is_news = after.memory.held and not self.memory.held
        return after, (told, after.event("brownout", resets=brownouts)) if is_news else (told,)


@frozen
class Step:
    """The outcome of a transition."""

    state: "State"
    memory: Memory
    alarms: Plan | None = None  # None: all stand as they are
    effects: tuple[Effect, ...] = ()
    verdict: Verdict | None = None  # for requests

    def after(self, *effects: Effect) -> "Step":
        """The same step, with effects that come before its own."""
        return evolve(self, effects=effects + self.effects)

    def accept(self, reason: str) -> "Step":
        """The same step as the answer to a request that is carried out, or has been already."""
        return evolve(self, verdict=Verdict(accepted=True, state=self.state.name, reason=reason))

    def refuse(self, reason: str) -> "Step":
        """The same step as the answer to a request that is not carried out."""
        return evolve(self, verdict=Verdict(accepted=False, state=self.state.name, reason=reason))
