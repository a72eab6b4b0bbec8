"""What a device's states look at and hand back: memory, case, step; and how starts are counted."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from attrs import evolve, frozen

from wagman.config.schema import DeviceConfig, other_medium
from wagman.fsm.alarms import Plan
from wagman.fsm.inputs import Effect
from wagman.model.facts import Draft, PowerLost, Verdict

if TYPE_CHECKING:
    from wagman.fsm.device_states import State

BROWNOUTS = 3
"""So many board resets right after this device's relay-on, and it is held (chosen)."""

MOST_DOUBLINGS = 16
"""Beyond, every maximum has long been reached; it keeps the powers of two small."""


@frozen
class Memory:
    """What is remembered of a device beside its state; it outlives the service."""

    wanted: Literal["up", "down"] = "up"
    enabled: bool = True
    attempts: int = 0  # relay-ons since the device was last stable
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
        """The environment forbids that this device runs."""
        return self.hibernating and not self.exempt


@frozen
class Case:
    """What a handler looks at: the configuration and the memory of the device."""

    config: DeviceConfig
    memory: Memory
    withheld: bool = False  # what was decided about it cannot be read: while it is off it stays off

    def remember(self, **changes: Any) -> "Case":
        """The same case with a changed memory."""
        return evolve(self, memory=evolve(self.memory, **changes))

    def event(self, what: str, **fields: Any) -> Draft:
        """An event about this device."""
        return Draft(f"device.{what}", self.config.name, fields)

    @property
    def welcome(self) -> bool:
        """A guest that is found running may go on."""
        memory = self.memory
        return self.allowed and memory.wanted == "up" and not memory.forbidden and not memory.held

    @property
    def allowed(self) -> bool:
        """Neither an operator nor the configuration has disabled it."""
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
    """What a transition came to."""

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


def counted_attempt(case: Case) -> Case:
    """The relay was seen on: that is an attempt, whoever asked for it."""
    return case.remember(attempts=case.memory.attempts + 1)


def uncounted_attempt(case: Case) -> Case:
    """A start that lost its power before it was stable says nothing about the device."""
    return case.remember(attempts=max(0, case.memory.attempts - 1))


def counted_failure(case: Case) -> Case:
    """A start failed; after `allowed_attempts` and `recover_attempts` of them the device is unrecoverable."""
    failures = case.memory.failures + 1
    limit = case.config.allowed_attempts + case.config.recover_attempts
    return case.remember(failures=failures, unrecoverable=case.memory.unrecoverable or failures >= limit)


def unrecoverable_report(before: Case, after: Case) -> tuple[Draft, ...]:
    """Made once, when both media have failed as often as is allowed."""
    if before.memory.unrecoverable or not after.memory.unrecoverable:
        return ()
    return (after.event("unrecoverable", failures=after.memory.failures),)


def counted_loss(case: Case, lost: PowerLost) -> Case:
    """Power was lost; where switching this device on pulls the board down again and again, it is held."""
    if not lost.suspect:
        return case
    brownouts = case.memory.brownouts + 1
    return case.remember(brownouts=brownouts, held=case.memory.held or brownouts >= BROWNOUTS)


def loss_report(case: Case, lost: PowerLost) -> tuple[Draft, ...]:
    """What is told of a loss of power that `case` has not counted yet."""
    after = counted_loss(case, lost)
    held = after.memory.held and not case.memory.held
    brownout = (after.event("brownout", resets=after.memory.brownouts),) if held else ()
    return (case.event("power_lost", why=lost.why), *brownout)


def start_fields(case: Case) -> Mapping[str, Any]:
    """What the events about a start say of it."""
    return {"attempt": case.memory.attempts, "media": case.memory.media}
