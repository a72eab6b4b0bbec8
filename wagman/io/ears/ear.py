"""The task of one ear: it asks a guest now and then, and reports what the answers, or their absence, prove.

A beat bears the time of its question. The guest answered later, and so it certainly lived after that time, which is what a beat
is used for: it lived after its power came on, after it was asked to halt. A silence begins at the time of an answer, which is the
latest at which the guest may have spoken. So neither is ever taken for more than it shows.
"""

import trio
from attrs import Factory, define, evolve, field, frozen

from wagman.config.ears import EarConfig
from wagman.io.ears.hearing import Source
from wagman.io.ears.network import Network
from wagman.io.ears.silence import SLACK_S, Silence
from wagman.model.backend import Probe
from wagman.model.errors import EarError
from wagman.model.facts import Beat


@frozen
class Question:
    """A question that was not answered."""

    asked_at_s: float
    ended_at_s: float
    in_outage: bool = False  # the witnesses did not answer about that time, and had done so before


@define(eq=False)
class Listening:
    """What all ears share: what they know, and how they have a silence witnessed. It outlives a crash of its task."""

    config: EarConfig
    source: Source
    network: Network
    silence: Silence = field(init=False)
    progress_s: float = field(factory=trio.current_time, init=False)  # for the watchdog: when its present wait ends at the latest
    heard_at_s: float | None = field(default=None, init=False)  # when, in this run of the service
    trouble: str | None = field(default=None, init=False)  # why it cannot listen; None: it can
    _wake: trio.Event = field(factory=trio.Event, init=False)
    # an unanswered question that nobody on the network has made count yet
    _doubted: Question | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        config = self.config
        # One question may be missed, by a slow machine or a passing trouble.
        apart_s = max(2 * config.every_s, config.question_s + 2 * self.network.round_s)
        self.silence = Silence(config.every_s, config.question_s, apart_s)

    def heard(self, asked_at_s: float, at_s: float) -> None:
        """The guest was heard: it lived after `asked_at_s`, and was heard at `at_s` at the latest."""
        self.trouble, self.heard_at_s = None, at_s
        self.silence.answered(at_s)
        self.source.beat(Beat(asked_at_s, self.config.kind), at_s)

    async def unheard(self, asked_at_s: float, ended_at_s: float) -> bool:
        """The guest was asked, and not heard: report what that proves; returns whether it should be asked again at once."""
        # If no witness answered the question before, another guest may have done so since.
        if self._doubted is not None:
            self._judge(self._doubted, self.network.shown_at_s(self._doubted.ended_at_s))
        question = self._doubted = Question(asked_at_s, ended_at_s)
        self.progress_s = trio.current_time() + 2 * self.network.round_s
        shown_at_s = await self.network.witness(ended_at_s)
        # After the question before, the network answered: an outage since then is short, and may be over by now.
        question = evolve(question, in_outage=self.network.was_out(asked_at_s, asked_at_s - self.config.every_s))
        if shown_at_s is None:
            self._doubted = question
            return False
        was_in_doubt = self.silence.is_in_doubt
        self._judge(question, shown_at_s)
        return self.silence.is_in_doubt and not was_in_doubt

    def _judge(self, asked: Question, shown_at_s: float | None) -> None:
        self._doubted = None
        proved = self.silence.unanswered(asked.asked_at_s, asked.ended_at_s, shown_at_s, in_outage=asked.in_outage)
        if proved is not None:
            self.source.listened(proved)
        elif self.silence.since_s is None:
            self.source.deaf()

    async def run(self) -> None:
        """Listen until cancelled."""
        raise NotImplementedError

    async def rest(self, until_s: float) -> None:
        """Wait until `until_s`, the next turn, or until somebody calls `look`."""
        self.progress_s = until_s
        with trio.move_on_at(until_s):
            await self._wake.wait()
        self._wake = trio.Event()

    def look(self) -> None:
        """Listen now: somebody waits for what that proves."""
        self._wake.set()


@define(eq=False)
class Ear(Listening):
    """An ear that asks."""

    probe: Probe = field(default=Factory(lambda self: self.config.probe(), takes_self=True))

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            asked_at_s = trio.current_time()
            next_s = asked_at_s + self.config.every_s
            self.progress_s = asked_at_s + self.config.question_s
            is_alive = await self._ask()
            now_s = trio.current_time()
            if is_alive:
                self.network.heard(asked_at_s, now_s)
                self.heard(asked_at_s, now_s)
            elif is_alive is not None and await self.unheard(asked_at_s, now_s):
                continue
            await self.rest(next_s)

    async def _ask(self) -> bool | None:
        """Whether the guest answered; None: nobody knows."""
        with trio.move_on_after(self.config.question_s + SLACK_S):
            try:
                is_alive = await self.probe.ask()
            except EarError as error:
                self.trouble = str(error)
                return None
            self.trouble = None
            return is_alive
        self.trouble = "the question took longer than it may"
        return None
