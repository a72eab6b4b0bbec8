"""What a fault is, and what it can be about."""

import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import TypeAlias

from attrs import frozen

from wagman.config.boards import PlainBoard, WagmanBoard
from wagman.config.schema import Config
from wagman.model.facts import Port

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
    def guest_of_a_wagman(self) -> str:
        """One of the guests whose power a Wagman switches."""
        return self.rng.choice([each.name for each in self.config.guests if each.board in self._wagmans])

    @property
    def board(self) -> str:
        """What happens to one of the boards begins with this."""
        return self._words("board", self._one(self._wagmans))

    @property
    def cable(self) -> str:
        """What happens to one of the cables begins with this."""
        return self._words("cable", self._one(self._wagmans))

    @property
    def link(self) -> str:
        """The way to one of the boards, as a task of the service that may crash."""
        return self._words("link", self._one([each.name for each in self.config.boards]))

    @property
    def outlet(self) -> tuple[str, Port]:
        """What happens to the board of one of the guests begins with this, and the guest's port there."""
        board, port = self.rng.choice([each.plug for each in self.config.guests if each.board in self._wagmans])
        return self._words("board", board), port

    def board_of(self, guest: str) -> str:
        """What happens to the board that a guest hangs on begins with this."""
        return self._words("board", next(each.board for each in self.config.guests if each.name == guest))

    @property
    def rail(self) -> str:
        """What happens to one of the rails begins with this."""
        return self._words("board", self._one([each.name for each in self.config.boards if isinstance(each, PlainBoard)]))

    @property
    def plug(self) -> tuple[str, Port]:
        """What happens to the rail of one of the guests there begins with this, and the guest's outlet."""
        plain = [each.plug for each in self.config.guests if isinstance(self.config.board_of(each), PlainBoard)]
        board, port = self.rng.choice(plain)
        return self._words("board", board), port

    @property
    def _wagmans(self) -> list[str]:
        return [each.name for each in self.config.boards if isinstance(each, WagmanBoard)]

    def _one(self, names: Sequence[str]) -> str:
        """Nothing is drawn where there is no choice: scripts for one board stay what they were before there were several."""
        return names[0] if len(names) == 1 else self.rng.choice(names)

    def _words(self, what: str, board: str) -> str:
        """A board is named where there are several."""
        return what if len(self.config.boards) == 1 else f"{what} {board}"

    def soon_s(self) -> float:
        """Seconds to minutes, the short ones as likely as the long ones."""
        return round(math.exp2(self.rng.uniform(0, 8)), 1)

    def later_s(self) -> float:
        """Minutes to hours."""
        return round(math.exp2(self.rng.uniform(6, 13)), 1)
