"""The troubles of a node, as the script tells: of each board, and of everything around them."""

import math
from collections.abc import Mapping

from attrs import define, field

from wagman.config.schema import Config

MILD_C = 23.5
"""The temperature of the enclosure while nothing is said of it (chosen: no bound is near)."""

OVER = {"off", "ok", "in", "whole", "0"}
"""Last words that end a lasting trouble."""

UNSEEING = {"cable", "silent", "sensor cu", "service", "hangs", "stranger", "stale"}
"""Troubles in which nobody sees what a guest draws."""


GARBLING = {"corrupt", "lose", "duplicate", "garbage"}
"""Troubles in which an answer may say something else than its board said."""


@define
class Troubles:
    """The troubles of one board, or those that concern the whole node."""

    lasting: set[str] = field(factory=set)
    ended_s: float = 0.0  # when the latest trouble ended, or something sudden happened
    metered_s: float = 0.0  # when currents could be seen again
    garbled_s: float = 0.0  # until when bytes were garbled

    def quiet_s(self, now_s: float) -> float:
        """Return for how long there has been no trouble."""
        return 0.0 if self.lasting else now_s - self.ended_s

    @property
    def unseeing(self) -> bool:
        """Whether nobody sees what a guest draws."""
        return bool(UNSEEING & self.lasting)

    def begins(self, trouble: str) -> None:
        """Take in that a trouble has begun."""
        self.lasting.add(trouble)

    def ends(self, trouble: str, now_s: float) -> None:
        """Take in that a trouble is over, or was over at once."""
        if trouble in UNSEEING or trouble == "all":
            self.metered_s = now_s
        if trouble in GARBLING or (trouble == "all" and GARBLING & self.lasting):
            self.garbled_s = now_s
        self.lasting.discard(trouble)
        self.ended_s = max(self.ended_s, now_s)


@define
class Heat:
    """Whether the enclosure is too hot, and who was forced up all the same."""

    celsius: float = MILD_C
    high_c: float = math.inf
    since_s: float = math.inf  # since when it has been too hot; infinity: it is not
    forced: set[str] = field(factory=set)  # guests that an operator has forced up since then

    def now(self, celsius: float, now_s: float) -> None:
        """Take in a temperature."""
        self.celsius = celsius
        if celsius <= self.high_c:
            self.since_s = math.inf
            self.forced.clear()
        else:
            self.since_s = min(self.since_s, now_s)

    def bounded(self, high_c: float, now_s: float) -> None:
        """Take in another bound."""
        self.high_c = high_c
        self.now(self.celsius, now_s)


def high_c(config: Config) -> float:
    """Return the temperature above which no guest may run; infinity: there is none."""
    bounds = config.environment.sensors.get("temperature_c")
    return math.inf if bounds is None or bounds.high is None else bounds.high


def named(boards: Mapping[str, Troubles], words: list[str]) -> tuple[str, list[str]]:
    """Return the board named first if there are several, else the first, and the remaining words."""
    name = words[0] if words else ""
    if len(boards) > 1 and name in boards:
        return name, words[1:]
    return next(iter(boards)), words
