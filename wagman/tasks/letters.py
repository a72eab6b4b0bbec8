"""Inputs and requests on their way to a machine, and the answers."""

from collections.abc import Callable
from typing import Any

import trio
from attrs import define, field, frozen

from wagman.model.facts import Verdict
from wagman.store import Cause
from wagman.store.decisions import Decision
from wagman.tasks.inbox import Inbox

ANSWER_S = 5.0
"""How long a request waits for its answer (chosen: only a slow disk holds up a machine's task)."""


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
    """An input, the event that caused it, and the reply of whoever waits for the answer."""

    content: Any  # an input of a guest's machine, or a command to the scheduler
    cause: Cause = None
    reply: Reply | None = None
    decision: Decision | None = None  # the decision that is recorded if the request is accepted


async def answered(inbox: Inbox[Any], letter: Letter, state: Callable[[], str]) -> Verdict:
    """Put a request to a machine and wait for its answer, which comes at once unless the machine's task is in trouble.

    A request that is not answered within `ANSWER_S` is withdrawn, so that it is not carried out later.

    Args:
        inbox: the machine's inbox.
        letter: the request; it has a reply.
        state: returns the name of the machine's state.
    """
    reply = letter.reply
    if reply is None or not inbox.ask(letter):
        return Verdict(accepted=False, state=state(), reason="too many requests are waiting: try again")
    with trio.move_on_after(ANSWER_S):
        await reply.given.wait()
    if reply.verdict is None:
        reply.withdrawn = True
    late = f"no answer within {ANSWER_S:g} s, and so it was withdrawn: see the log, try again"
    return reply.verdict or Verdict(accepted=False, state=state(), reason=late)
