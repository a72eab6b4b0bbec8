"""Asking a v4 board: requests in lines that a fence closes, reads that survive damage, and what a port shows."""

from collections.abc import Iterator, Sequence
from itertools import count

from attrs import define, evolve, field, frozen

from wagman.config.wagman import PORTS
from wagman.io.board.driver import TIMEOUT_S
from wagman.io.serial.link import REPEATS, Answer, Link, retry
from wagman.io.v4 import codec as v4
from wagman.io.v4.codec import Sensorgram
from wagman.io.v4.requests import CU, HB, STATE, fence, replies_to, whole_replies_to
from wagman.model.errors import BoardProtocolError
from wagman.model.facts import Supply

POWERED_COUNTS = (200, 200, 150, 200, 200)
"""From this many counts of current on something runs on a port (firmware: its own lamps go by these).

Captured: 12 on ports that are off, 1500 on one that runs.
"""

READS = 4
"""How often the damaged part of a read is asked again (chosen)."""

WRAP_S = 2**32 / 1000
"""The time after which ages begin anew, 49.7 days: the board counts milliseconds in 32 bits (firmware)."""

WRAP_TOLERANCE_S = 5.0
"""How exactly an age must begin anew at that time to have wrapped (chosen: more than two clocks differ in a poll)."""


@frozen
class Look:
    """What the board showed of a port, in one pass of its main loop unless something had to be asked again."""

    state: int
    state_at_s: float  # when the state was read
    age: Answer[float]  # seconds since the port's timer was last reset
    counts: int | None  # None: the converter does not answer
    counted_at_s: float  # when the counts were asked for
    supply: Supply  # what the counts show


def look_at(port: int, state: Answer[int], age_ms: Answer[int], counts: Answer[int]) -> Look:
    """Put the readings of a port together; zero counts mean that the converter has failed (firmware)."""
    supply: Supply = "unknown" if not counts.value else "on" if counts.value >= POWERED_COUNTS[port] else "off"
    age = Answer(age_ms.value / 1000, age_ms.asked_at_s, age_ms.at_s)
    return Look(state.value, state.at_s, age, counts.value or None, counts.asked_at_s, supply)


def going_on(look: Look, before: Look | None) -> Look:
    """Undo the wrap of the board's 32-bit millisecond counter: a look whose age continues that of the look before."""
    if before is None:
        return look
    grown_s = before.age.value + look.age.at_s - before.age.at_s
    missing_s = round((grown_s - look.age.value) / WRAP_S) * WRAP_S
    if abs(look.age.value + missing_s - grown_s) > WRAP_TOLERANCE_S:
        return look
    return evolve(look, age=Answer(look.age.value + missing_s, look.age.asked_at_s, look.age.at_s))


@define(eq=False, repr=False)
class Asking:
    """Requests on one link, with a fence after each line."""

    link: Link[v4.Event]
    _lines: Iterator[int] = field(factory=count)

    async def do(self, *asked: Sensorgram) -> Answer[tuple[Sensorgram, ...]]:
        """Send requests, in this order and together.

        Raises:
            BoardRefusedError, BoardProtocolError: the board refuses one of them, or its reply was damaged.
        """
        closing = fence(next(self._lines))
        return await self.link.request(v4.encode_all((*asked, closing)), replies_to(asked, closing), TIMEOUT_S)

    async def read(self, *asked: Sensorgram) -> tuple[Answer[int], ...]:
        """Ask for numbers; those that were damaged on the way are asked again.

        Raises:
            BoardTimeoutError: the board did not answer at all.
            BoardProtocolError: some number was damaged each time.
        """
        found: dict[Sensorgram, Answer[int]] = {}
        for _ in range(READS):
            found |= await self._whole([each for each in asked if each not in found])
            if len(found) == len(asked):
                return tuple(found[each] for each in asked)
        raise BoardProtocolError(f"{len(asked) - len(found)} of {len(asked)} replies were damaged, {READS} times")

    async def _whole(self, asked: Sequence[Sensorgram]) -> dict[Sensorgram, Answer[int]]:
        """The numbers that arrive whole."""

        async def once() -> Answer[tuple[Sensorgram | None, ...]]:
            closing = fence(next(self._lines))
            return await self.link.request(v4.encode_all((*asked, closing)), whole_replies_to(asked, closing), TIMEOUT_S)

        answer = await retry(once, REPEATS)
        replies = zip(asked, answer.value, strict=True)
        return {each: Answer(number_of(reply), answer.asked_at_s, answer.at_s) for each, reply in replies if reply is not None}

    async def looks(self) -> dict[int, Look]:
        """Look at all ports."""
        answers = await self.read(*(request.ask(port) for request in (STATE, HB, CU) for port in PORTS))
        return {port: look_at(port, *answers[port :: len(PORTS)]) for port in PORTS}


def number_of(reply: Sensorgram) -> int:
    """The number in a reply.

    Raises:
        BoardProtocolError: there is none.
    """
    if reply.number is None:
        raise BoardProtocolError(f"{reply} holds no number")
    return reply.number


def values_of(answers: Sequence[Answer[int]]) -> tuple[int, ...]:
    """The values of the answers, without their times."""
    return tuple(answer.value for answer in answers)
