"""What a guest's states look at and hand back: memory, situation, step."""

import math
from typing import TYPE_CHECKING, Any, Literal

from attrs import evolve, frozen

from wagman.config.schema import DeviceConfig, other_medium
from wagman.fsm.alarms import Plan
from wagman.fsm.guest.inputs import Effect
from wagman.model.facts import Draft, Verdict

if TYPE_CHECKING:
    from wagman.fsm.guest.state import State

MOST_DOUBLINGS = 16
"""Beyond, every maximum has long been reached; it keeps the powers of two small."""


@frozen
class Memory:
    """What is remembered of a guest beside its state; it outlives the service."""

    wanted: Literal["up", "down"] = "up"
    enabled: bool = True
    attempts: int = 0  # relay-ons since the guest was last stable
    failures: int = 0  # failed starts since then
    cycle: int = 0  # number of the latest power cycle
    media: str | None = None  # of the latest start
    hibernating: bool = False  # what the Wagman machine said last
    exempt: bool = False  # started by force while hibernating
    brownouts: int = 0
    held: bool = False  # after brownouts: waits for an operator
    unrecoverable: bool = False  # reported as such

    @property
    def forbidden(self) -> bool:
        """The environment forbids that this guest runs."""
        return self.hibernating and not self.exempt


@frozen
class Situation:
    """What a handler looks at, by the name of `now`: the configuration and the memory of the guest."""

    config: DeviceConfig
    memory: Memory
    withheld: bool = False  # what was decided about the guest cannot be read: while it is off it stays off

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
