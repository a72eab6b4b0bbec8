"""Memory, situation and step of a guest's machine: what its handlers look at and return; and how starts are counted."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from attrs import asdict, evolve, field, fields, frozen

from wagman.config.schema import DeviceConfig
from wagman.config.wagman import other_medium
from wagman.fsm.alarms import Plan
from wagman.fsm.guest.inputs import Effect
from wagman.model.facts import Draft, PowerLost, Term, Verdict, term_of

if TYPE_CHECKING:
    from wagman.fsm.guest.state import State

BROWNOUTS = 3
"""After this many board resets right after its relay-on, a guest is locked out (chosen)."""

MOST_DOUBLINGS = 16
"""The most doublings of a time: beyond, every maximum has long been reached, and the powers of two stay small."""


@frozen
class Memory:
    """What is remembered of a guest beside its state; it outlives the service."""

    wanted: Literal["up", "down"] = "up"
    enabled: bool = True
    attempts: int = 0  # relay-ons since the guest was last stable, or an operator started it
    failures: int = 0  # failed starts since then
    cycle: int = 0  # number of the latest power cycle
    media: str | None = None  # of the latest start
    hibernating: bool = False  # what the scheduler said last
    exempt: bool = False  # started by force while hibernating
    brownouts: int = 0  # board resets right after its relay-on, since it was last stable or an operator started it
    held: bool = False  # locked out after brownouts, until an operator starts it
    unrecoverable: bool = False  # `device.unrecoverable` was told
    term: Term | None = field(default=None, converter=term_of)  # an order that holds for a while

    def lasting(self) -> dict[str, Any]:
        """The memory as plain data. Version 0.1.0 can read it as long as no timed order is in it."""
        return asdict(self, filter=lambda each, held: each.name != "term" or held is not None)

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> "Memory":
        """The memory from what was saved; fields that this version does not know are dropped."""
        return cls(**{each.name: saved[each.name] for each in fields(cls) if each.name in saved})

    @property
    def forbidden(self) -> bool:
        """Whether the environment forbids that this guest runs."""
        return self.hibernating and not self.exempt

    @property
    def maintained(self) -> bool:
        """Whether the guest is in maintenance."""
        return self.term is not None and self.term.kind == "maintenance"


@frozen
class Situation:
    """What a handler looks at: the configuration, the memory and the neighbours of a guest. Handlers call it `now`."""

    config: DeviceConfig
    memory: Memory
    withheld: bool = False  # the decisions about the guest cannot be read: while it is off it stays off
    waits_for: tuple[str, ...] = ()  # guests that it comes after and that are not up yet: its start waits for them
    leaning: tuple[str, ...] = ()  # guests that come after it and are on their way down: its stop waits for them

    def remember(self, **changes: Any) -> "Situation":
        """The same situation with a changed memory."""
        return evolve(self, memory=evolve(self.memory, **changes))

    def event(self, what: str, **fields: Any) -> Draft:
        """An event about this guest."""
        return Draft(f"device.{what}", self.config.name, fields)

    @property
    def welcome(self) -> bool:
        """Whether the guest may go on if it is found running."""
        memory = self.memory
        return self.allowed and memory.wanted == "up" and not memory.forbidden and not memory.held

    @property
    def is_wanted(self) -> bool:
        """Whether the guest is to run: a guest that is not running is started once its turn and its backoff allow it."""
        return self.welcome and not self.withheld and not self.memory.maintained

    @property
    def is_way(self) -> bool:
        """Whether boards are reached through the guest and no operator has ordered it down: such a guest is never left off."""
        return bool(self.config.leads_to) and self.allowed and self.memory.wanted == "up"

    @property
    def allowed(self) -> bool:
        """Whether neither an operator nor the configuration has disabled the guest."""
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
        """Whether the next start is a recovery."""
        return self.memory.attempts >= self.config.allowed_attempts

    @property
    def start_timeout_s(self) -> float:
        """The start time-out in seconds, doubled after each failed start up to `start_timeout_max`."""
        # A long file system check must be able to finish at last.
        doublings = min(self.memory.failures, MOST_DOUBLINGS)
        return min(math.ldexp(self.config.start_timeout_s, doublings), self.config.start_timeout_max_s)

    @property
    def backoff_s(self) -> float:
        """The wait in seconds after the latest failed start, doubled with each; `backoff_max` once the guest is unrecoverable."""
        if self.memory.unrecoverable:
            return self.config.backoff_max_s
        doublings = min(self.memory.failures - 1, MOST_DOUBLINGS)
        return min(math.ldexp(self.config.backoff_min_s, doublings), self.config.backoff_max_s)

    @property
    def start_fields(self) -> Mapping[str, Any]:
        """The fields that every event about a start has."""
        return {"attempt": self.memory.attempts, "media": self.memory.media}

    def counted_attempt(self) -> "Situation":
        """One more attempt: the relay was seen on, whoever asked for it."""
        return self.remember(attempts=self.memory.attempts + 1)

    def uncounted_attempt(self) -> "Situation":
        """One attempt less: a start that lost its power before it was stable says nothing about the guest."""
        return self.remember(attempts=max(0, self.memory.attempts - 1))

    def counted_failure(self) -> "tuple[Situation, Sequence[Draft]]":
        """One more failed start, and the events about it.

        After `allowed_attempts` and `recover_attempts` failures together the guest is unrecoverable, which is told once.
        """
        failures, limit = self.memory.failures + 1, self.config.allowed_attempts + self.config.recover_attempts
        after = self.remember(failures=failures, unrecoverable=self.memory.unrecoverable or failures >= limit)
        is_news = after.memory.unrecoverable and not self.memory.unrecoverable
        return after, (after.event("unrecoverable", failures=failures),) if is_news else ()

    def counted_loss(self, lost: PowerLost) -> "tuple[Situation, Sequence[Draft]]":
        """A loss of power, and the events about it.

        A guest that pulls the board down whenever it is switched on is locked out after `BROWNOUTS` times.
        """
        told = self.event("power_lost", why=lost.why)
        if not lost.suspect:
            return self, (told,)
        brownouts = self.memory.brownouts + 1
        after = self.remember(brownouts=brownouts, held=self.memory.held or brownouts >= BROWNOUTS)
        is_news = after.memory.held and not self.memory.held
        return after, (told, after.event("brownout", resets=brownouts)) if is_news else (told,)


@frozen
class Step:
    """The outcome of a transition of a guest's machine."""

    state: "State"
    memory: Memory
    alarms: Plan | None = None  # None: all alarms stand as they are
    effects: tuple[Effect, ...] = ()
    verdict: Verdict | None = None  # the answer, if the input was a request

    def after(self, *effects: Effect) -> "Step":
        """The same step with these effects before its own."""
        return evolve(self, effects=effects + self.effects)

    def accept(self, reason: str) -> "Step":
        """The same step, as the answer to a request that is carried out, or has been already."""
        return evolve(self, verdict=Verdict(accepted=True, state=self.state.name, reason=reason))

    def refuse(self, reason: str) -> "Step":
        """The same step, as the answer to a request that is refused."""
        return evolve(self, verdict=Verdict(accepted=False, state=self.state.name, reason=reason))
