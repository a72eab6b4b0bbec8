"""The interface of a fault, and the parts of a node that it can be about."""

import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import TypeAlias

from attrs import frozen

from wagman.config.boards import PlainBoard, WagmanBoard
from wagman.config.schema import Config
from wagman.model.facts import Port

Story: TypeAlias = Iterator[tuple[float, str]]
"""The happenings of a fault, each with the time after the one before, in seconds."""

HOUR_S = 3600.0


@frozen
class Node:
    """The node of a story; its properties draw a random part of it."""

    config: Config
    rng: Random

    @property
    def guest(self) -> str:
        """The name of a random guest."""
        return self.rng.choice([each.name for each in self.config.guests])

    @property
    def guest_of_a_wagman(self) -> str:
        """One of the guests whose power a Wagman switches."""
        return self.rng.choice([each.name for each in self.config.guests if each.board in self._wagmans])

    @property
    def board(self) -> str:
        """The beginning of the words for a random board."""
        return self._words("board", self._one(self._wagmans))

    @property
    def cable(self) -> str:
        """The beginning of the words for a random cable."""
        return self._words("cable", self._one(self._wagmans))

    @property
    def link(self) -> str:
        """The link to a random board, as a task of the service that may crash."""
        return self._words("link", self._one([each.name for each in self.config.boards]))

    @property
    def outlet(self) -> tuple[str, Port]:
        """The beginning of the words for the board of a random guest, and the guest's port."""
        board, port = self.rng.choice([each.plug for each in self.config.guests if each.board in self._wagmans])
        return self._words("board", board), port

    def board_of(self, guest: str) -> str:
        """Return the beginning of the words for a guest's board."""
        return self._words("board", next(each.board for each in self.config.guests if each.name == guest))

    @property
    def rail(self) -> str:
        """The beginning of the words for a random rail."""
        return self._words("board", self._one([each.name for each in self.config.boards if isinstance(each, PlainBoard)]))

    @property
    def plug(self) -> tuple[str, Port]:
        """The beginning of the words for the rail of a random guest on one, and the guest's outlet."""
        plain = [each.plug for each in self.config.guests if isinstance(self.config.board_of(each), PlainBoard)]
        board, port = self.rng.choice(plain)
        return self._words("board", board), port

    @property
    def _wagmans(self) -> list[str]:
        return [each.name for each in self.config.boards if isinstance(each, WagmanBoard)]

    def _one(self, names: Sequence[str]) -> str:
        """Draw a name. A single name is not drawn, so that scripts for one board stay as they were before there were several."""
        return names[0] if len(names) == 1 else self.rng.choice(names)

    def _words(self, what: str, board: str) -> str:
        """Return the beginning of the words; a board is named only if there are several."""
        return what if len(self.config.boards) == 1 else f"{what} {board}"

    def soon_s(self) -> float:
        """Return seconds to minutes, on a logarithmic scale."""
        return round(math.exp2(self.rng.uniform(0, 8)), 1)

    def later_s(self) -> float:
        """Return minutes to hours, on a logarithmic scale."""
        return round(math.exp2(self.rng.uniform(6, 13)), 1)
