"""The networks that guests are heard through, and the witnesses that show that they work.

The silence of a guest says nothing as long as the network may be down. A question that was not answered counts only once somebody
else on that network has answered one that was asked after it: a witness of the network, or another guest.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress

import trio
from attrs import define, field

from wagman.config.ears import NO_NETWORK
from wagman.model.backend import Probe
from wagman.model.errors import EarError
from wagman.model.facts import Draft

UNPROVED_S = 300.0
"""A network whose witnesses have answered nothing for this long is reported (chosen: a switch boots within three minutes)."""

UNSURE_LOOK_S = 60.0
"""How often the witnesses are asked while none of them answers, even if nobody needs one (chosen)."""

SURE_LOOK_S = 600.0
"""How often they are asked while one answers (chosen): a witness that has gone is to be found before it is needed."""


TRIES = 2
"""How often each witness is asked in a round (chosen: one lost packet must not make a silence begin anew)."""


@define(eq=False)
class Network:
    """One network. Times are of trio's clock.

    Args:
        witnesses: any one of them that answers shows that the network works.
        within_s: how long asking one of them takes at most.
        tell: takes `network.unproved` and `network.proved`.
        needs_witness: False: no witness is needed, and a guest that is not heard is silent.
    """

    name: str
    witnesses: Sequence[Probe] = ()
    within_s: float = 2.0
    tell: Callable[[Draft], None] = lambda _: None
    needs_witness: bool = True
    progress_s: float = field(factory=trio.current_time, init=False)  # for the watchdog: when its present wait ends at the latest
    unproved: bool = field(default=False, init=False)  # none of its own witnesses has answered for a while
    _turn: trio.Lock = field(factory=trio.Lock, init=False)
    _round_at_s: float = field(default=-math.inf, init=False)  # when the witnesses were last asked
    # when the latest question left that anybody on the network has answered
    _asked_at_s: float = field(default=-math.inf, init=False)
    _heard_at_s: float = field(default=-math.inf, init=False)  # when its answer came
    _witnessed_at_s: float = field(default=-math.inf, init=False)  # when one of the network's own witnesses last answered
    # the first round of questions that no witness answered; None: the latest was answered
    _doubted_since_s: float | None = field(default=None, init=False)
    # the latest time without an answer of a witness: from the first round to the next answer
    _outage_s: tuple[float, float] = field(default=(-math.inf, -math.inf), init=False)

    @classmethod
    def none(cls) -> "Network":
        """A network without witnesses that needs none; also for a way to a guest that is no network."""
        return cls(NO_NETWORK, needs_witness=False)

    @property
    def round_s(self) -> float:
        """How long asking all witnesses takes at most."""
        return TRIES * self.within_s

    def heard(self, asked_at_s: float, at_s: float) -> None:
        """Somebody on the network answered at `at_s` what was asked at `asked_at_s`."""
        if asked_at_s > self._asked_at_s:
            self._asked_at_s, self._heard_at_s = asked_at_s, at_s

    def shown_at_s(self, after_s: float) -> float | None:
        """When the answer to a question from after `after_s` came; None: none came yet."""
        if not self.needs_witness:
            return after_s
        return self._heard_at_s if self._asked_at_s >= after_s else None

    def was_out(self, asked_at_s: float, since_s: float) -> bool:
        """Whether a question may have been asked while its own witnesses, which had answered until `since_s`, did not."""
        began_s, ended_s = self._outage_s
        return began_s >= since_s and asked_at_s < ended_s

    async def witness(self, after_s: float) -> float | None:
        """As `shown_at_s`; but if no answer came yet, ask the witnesses, once for all who wait."""
        if self.needs_witness:
            async with self._turn:
                if self.shown_at_s(after_s) is None and self._round_at_s < after_s:
                    await self._ask()
        return self.shown_at_s(after_s)

    async def run(self) -> None:
        """Ask the witnesses now and then, so that one that never answers is found before it is needed."""
        while self.witnesses:
            async with self._turn:
                await self._ask()
            pause_s = SURE_LOOK_S if self._doubted_since_s is None else UNSURE_LOOK_S
            self.progress_s = trio.current_time() + pause_s
            await trio.sleep(pause_s)

    async def _ask(self) -> None:
        self._round_at_s = trio.current_time()
        with trio.move_on_after(self.round_s):
            async with trio.open_nursery() as nursery:
                for probe in self.witnesses:
                    nursery.start_soon(self._ask_one, probe, nursery.cancel_scope)
        self._judge(trio.current_time())

    async def _ask_one(self, probe: Probe, others: trio.CancelScope) -> None:
        for _ in range(TRIES):
            asked_at_s = trio.current_time()
            with suppress(EarError):  # a witness that cannot be asked shows nothing
                if await probe.ask():
                    self._witnessed_at_s = trio.current_time()
                    self.heard(asked_at_s, self._witnessed_at_s)
                    others.cancel()
                    return

    def _judge(self, now_s: float) -> None:
        """Tell whether the witnesses of this network are any good."""
        began_s = self._doubted_since_s
        if self._witnessed_at_s >= self._round_at_s:
            self._doubted_since_s = None
            self._outage_s = self._outage_s if began_s is None else (began_s, self._witnessed_at_s)
        elif began_s is None:
            self._doubted_since_s, self._outage_s = self._round_at_s, (self._round_at_s, math.inf)
        doubted_s = 0.0 if self._doubted_since_s is None else now_s - self._doubted_since_s
        if self.unproved != (doubted_s >= UNPROVED_S):
            self.unproved = not self.unproved
            self.tell(Draft("network.unproved" if self.unproved else "network.proved", fields={"network": self.name}))
