"""What is put into the inbox of a machine beside facts: its inputs, with what belongs to them, and the answers."""

from collections.abc import Callable
from typing import Any

import trio
from attrs import define, field, frozen

from wagman.model.facts import Verdict
from wagman.store import Cause
from wagman.store.decisions import Decision
from wagman.tasks.inbox import Inbox

ANSWER_S = 5.0
"""How long a request waits for the machine's task (chosen: only a slow disk holds it up)."""


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

    content: Any  # an input of a guest's machine; or a command to the scheduler
    cause: Cause = None
    reply: Reply | None = None
    decision: Decision | None = None  # what it is, where it is accepted


async def answered(inbox: Inbox[Any], letter: Letter, state: Callable[[], str]) -> Verdict:
    """Put a request to a machine and wait for its answer, which comes at once unless the machine's task is in trouble.

    A request that is not answered in time is withdrawn: what was not accepted is not carried out later.

    Args:
        inbox: that of the machine.
        letter: has a reply.
        state: names the state of the machine.
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
