"""What is put into a guest's inbox beside facts: inputs of its machine, with what belongs to them."""

import trio
from attrs import define, field, frozen

from wagman.fsm.guest.inputs import Input
from wagman.model.facts import Verdict
from wagman.store import Cause
from wagman.store.decisions import Decision


@frozen
class Nudge:
    """Asks a task for a sign of life."""


@define(eq=False, repr=False)
class Reply:
    """The answer to one request. A caller that has given up sets `withdrawn`."""

    verdict: Verdict | None = None
    withdrawn: bool = False
    given: trio.Event = field(init=False, factory=trio.Event)

    def give(self, verdict: Verdict) -> None:
        """Answer, and wake the caller."""
        self.verdict = verdict
        self.given.set()


@frozen
class Letter:
    """An input, the event that caused it, and whoever waits for the answer."""

    content: Input
    cause: Cause = None
    reply: Reply | None = None
    decision: Decision | None = None  # what it is, where it is accepted
