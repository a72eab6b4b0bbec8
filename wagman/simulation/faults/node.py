"""What a fault is, and what it can be about."""

import math
from collections.abc import Iterator
from random import Random
from typing import TypeAlias

from attrs import frozen

from wagman.config.schema import Config

Story: TypeAlias = Iterator[tuple[float, str]]
"""What happens, each with the time after the one before (s)."""

HOUR_S = 3600.0


@frozen
class Node:
    """What a story can be about."""

    config: Config
    rng: Random

    @property
    def guest(self) -> str:
        """One of the guests."""
        return self.rng.choice([each.name for each in self.config.guests])

    @property
    def port(self) -> int:
        """The port of one of them."""
        ports: list[int] = [each.port for each in self.config.guests]
        return self.rng.choice(ports)

    def soon_s(self) -> float:
        """Seconds to minutes, the short ones as likely as the long ones."""
        return round(math.exp2(self.rng.uniform(0, 8)), 1)

    def later_s(self) -> float:
        """Minutes to hours."""
        return round(math.exp2(self.rng.uniform(6, 13)), 1)
