"""The silence of one source: what a question proves that was not answered.

A silent guest and a network that is down look alike, and so does a service that was stopped. A silence is an unbroken row of
questions, none of which was answered, though after each of them somebody else on the network answered. It begins when the network
was last known to work: when the guest itself answered, or when a witness did after a gap. Whatever breaks the row is a gap, and
the silence begins anew: nobody answered, a question took longer than any may, or it came long after the one before it.
"""

import math

from attrs import define, field

from wagman.model.facts import Listened

SLACK_S = 1.0
"""How much longer than planned a question, or the time between two, may take (chosen: a slow machine, and no stopped service)."""


@define
class Silence:
    """What is known of the silence of one source. Times are of trio's clock.

    Args:
        question_s: how long a question takes at most, from asking to giving up.
        apart_s: how far apart two questions are at most.
    """

    question_s: float
    apart_s: float
    since_s: float | None = field(default=None, init=False)  # nobody was heard since, and would have been; None: there is a gap
    _listened_at_s: float = field(default=-math.inf, init=False)  # the latest question, or answer

    def answered(self, at_s: float) -> None:
        """The guest was heard at `at_s`, at the latest."""
        self.since_s = self._listened_at_s = at_s

    def gap(self) -> None:
        """Nobody listened, or nobody knows whether the guest could have been heard."""
        self.since_s = None

    def unanswered(self, asked_at_s: float, ended_at_s: float, shown_at_s: float | None) -> Listened | None:
        """A question was given up at `ended_at_s`; return the silence that is proved, if any.

        `shown_at_s` is when somebody on the network answered who was asked after `ended_at_s`; None: nobody did.
        """
        if asked_at_s <= self._listened_at_s:
            return None  # it was heard since
        if self._is_broken(asked_at_s, ended_at_s):
            self.gap()
        self._listened_at_s = asked_at_s
        if shown_at_s is None:
            self.gap()
        elif self.since_s is None:
            self.since_s = shown_at_s  # this question may have been lost with the network: the silence begins after it
        elif self.since_s < asked_at_s:
            return Listened(asked_at_s, self.since_s)
        return None

    def _is_broken(self, asked_at_s: float, ended_at_s: float) -> bool:
        """Whether the service was stopped meanwhile: the guest may have spoken, and nobody listened."""
        took_s, apart_s = ended_at_s - asked_at_s, asked_at_s - self._listened_at_s
        return took_s > self.question_s + SLACK_S or apart_s > self.apart_s + SLACK_S
