"""The silence of one source: what an unanswered question proves.

A silent guest and a network that is down look alike, and so does a service that was stopped. A silence is an unbroken row of
questions, none of which was answered, though after each of them somebody else on the network answered. It begins when the network
was last known to work: when the guest itself answered, or when a witness did after a gap. A question after which nobody answered
is a gap, and so is a long time without a question: then the silence begins anew.

- The first question after an answer may have been lost in a short outage that was over when the witness was asked. It proves
  nothing, and is asked again as soon as the network is shown to work.
- Nor does a question prove anything that was asked in a short outage: the witnesses had answered until then, did not, and then
  somebody on the network answered. It leaves no gap either.
- After an answer the first question that counts may come late; nobody knows whether the guest would have answered meanwhile: its
  silence is as long as if that question had come in time.
- No silence reaches back into a time in which nobody listened, however late a question from before that time is judged.
"""

import math

from attrs import define, field

from wagman.model.facts import Listened

SLACK_S = 1.0
"""How much longer than planned a question may take (chosen). One that takes longer was asked by a service that was stopped."""


@define
class Silence:
    """What is known of the silence of one source. Times are seconds of trio's clock.

    Args:
        every_s: how far apart two questions are, unless one is missed.
        question_s: how long a question takes at most, from asking to giving up.
        apart_s: how far apart two questions may be without a gap between them.
    """

    every_s: float
    question_s: float
    apart_s: float
    # since when the guest is silent, though it would have been heard; None: there is a gap
    since_s: float | None = field(default=None, init=False)
    _known_from_s: float = field(default=-math.inf, init=False)  # the end of the latest gap: in it the guest may have come up
    _listened_at_s: float = field(default=-math.inf, init=False)  # when the latest question was asked, or the latest answer came
    _listens_from_s: float = field(default=-math.inf, init=False)  # from then on nothing was missed; inf: nobody listens
    # a question counts if it was asked from then on; inf: since the guest answered, the network was not shown to work
    _counts_from_s: float = field(default=-math.inf, init=False)

    def answered(self, at_s: float) -> None:
        """The guest was heard, at `at_s` at the latest."""
        self._listened_at_s, self._counts_from_s = at_s, math.inf
        self.since_s = at_s if at_s >= self._listens_from_s else None

    @property
    def is_in_doubt(self) -> bool:
        """The guest was heard, and then was not, which may be due to the network: it is to be asked again now."""
        return math.isfinite(self._counts_from_s)

    def gap(self) -> None:
        """Nobody knows whether the guest could have been heard."""
        self.since_s = None

    def listens_from(self, at_s: float) -> None:
        """What the guest says is missed until `at_s`, and heard from then on; infinity: nobody knows from when on."""
        self.gap()
        self._listens_from_s = at_s

    def unanswered(
        self, asked_at_s: float, ended_at_s: float, shown_at_s: float | None, *, in_outage: bool = False
    ) -> Listened | None:
        """A question was given up at `ended_at_s`; returns the silence that is proved, or None.

        `shown_at_s` is when an answer came from somebody on the network who was asked after `ended_at_s`; None: none came.
        `in_outage`: the witnesses did not answer about that time, and had done so before.
        """
        # A question shows nothing if the guest was heard after it was asked, or if nobody listened at some time since, or if a
        # stopped service gave it up too late.
        is_overtaken = asked_at_s <= self._listened_at_s or asked_at_s < self._listens_from_s
        if is_overtaken or ended_at_s - asked_at_s > self.question_s + SLACK_S:
            return None
        if shown_at_s is None or asked_at_s - self._listened_at_s > self.apart_s:
            self.gap()
        self._listened_at_s = asked_at_s
        if self.since_s is None or shown_at_s is None:
            # This question may have been lost with the network: the silence begins after it.
            self.since_s, self._counts_from_s = shown_at_s, -math.inf
            self._known_from_s = self._known_from_s if shown_at_s is None else shown_at_s
            return None
        if in_outage or asked_at_s < self._counts_from_s:
            self._counts_from_s = min(self._counts_from_s, shown_at_s)
            return None
        if self.is_in_doubt:
            self.since_s, self._counts_from_s = max(self.since_s, asked_at_s - self.every_s), -math.inf
        if self.since_s < asked_at_s:
            return Listened(asked_at_s, self.since_s, self._known_from_s)
        return None
