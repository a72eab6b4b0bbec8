"""How a guest's starts, failures and losses of power are counted, and what is told of them."""

from collections.abc import Mapping
from typing import Any

from wagman.fsm.guest.situation import Situation
from wagman.model.facts import Draft, PowerLost

BROWNOUTS = 3
"""So many board resets right after this guest's relay-on, and it is held (chosen)."""


def counted_attempt(now: Situation) -> Situation:
    """The relay was seen on: that is an attempt, whoever asked for it."""
    return now.remember(attempts=now.memory.attempts + 1)


def uncounted_attempt(now: Situation) -> Situation:
    """A start that lost its power before it was stable says nothing about the guest."""
    return now.remember(attempts=max(0, now.memory.attempts - 1))


def counted_failure(now: Situation) -> Situation:
    """A start failed; after `allowed_attempts` and `recover_attempts` of them the guest is unrecoverable."""
    failures = now.memory.failures + 1
    limit = now.config.allowed_attempts + now.config.recover_attempts
    return now.remember(failures=failures, unrecoverable=now.memory.unrecoverable or failures >= limit)


def unrecoverable_report(before: Situation, after: Situation) -> tuple[Draft, ...]:
    """Made once, when both media have failed as often as is allowed."""
    if before.memory.unrecoverable or not after.memory.unrecoverable:
        return ()
    return (after.event("unrecoverable", failures=after.memory.failures),)


def counted_loss(now: Situation, lost: PowerLost) -> Situation:
    """Power was lost; where switching this guest on pulls the board down again and again, it is held."""
    if not lost.suspect:
        return now
    brownouts = now.memory.brownouts + 1
    return now.remember(brownouts=brownouts, held=now.memory.held or brownouts >= BROWNOUTS)


def loss_report(now: Situation, lost: PowerLost) -> tuple[Draft, ...]:
    """The events about a loss of power that `now` has not counted yet."""
    after = counted_loss(now, lost)
    held = after.memory.held and not now.memory.held
    brownout = (after.event("brownout", resets=after.memory.brownouts),) if held else ()
    return (now.event("power_lost", why=lost.why), *brownout)


def start_fields(now: Situation) -> Mapping[str, Any]:
    """The fields that all events about a start have."""
    return {"attempt": now.memory.attempts, "media": now.memory.media}
