"""The answers of those that were asked."""

from typing import Literal

import trio
from attrs import frozen

from wagman.config.boards import BoardConfig
from wagman.model.backend import Abilities, Identity
from wagman.model.facts import Port, Supply


@frozen
class Answer:
    """The answer of one that was asked."""

    came: Literal["yes", "no", "unknown"]  # unknown: it cannot be asked from here, and no service could tell
    took_s: float | None = None
    why: str | None = None  # why it did not answer, or a remark on its answer


@frozen
class Asked:
    """A source of a guest, or a witness of a network, with its answer."""

    whose: str
    name: str
    answer: Answer
    still_on: bool = False  # a source that has to be silent, too, before the guest counts as halted


@frozen
class PortSeen:
    """What a board shows of a guest's port."""

    port: Port
    device: str
    power: Supply = "unknown"
    watts: float | None = None
    by: str | None = None
    why: str | None = None  # why nothing is known; None: something is, or a board of this kind need not tell


@frozen
class BoardSeen:
    """A board, its answer, and what it shows."""

    board: BoardConfig
    answer: Answer
    identity: Identity | None = None
    abilities: Abilities | None = None  # None: a board of another kind, or one that did not answer
    ports: tuple[PortSeen, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the board answered, if it was asked, and told of every port."""
        return self.answer.came != "no" and all(port.why is None for port in self.ports)


@frozen
class Answers:
    """All answers."""

    sources: tuple[Asked, ...]
    witnesses: tuple[Asked, ...]
    boards: tuple[BoardSeen, ...]

    @property
    def all_there(self) -> bool:
        """Whether nobody who was asked has failed to answer."""
        return all(each.answer.came != "no" for each in (*self.sources, *self.witnesses)) and all(
            board.is_whole for board in self.boards
        )


def since(began_s: float) -> float:
    """Return the time since `began_s` on trio's clock, in seconds."""
    return trio.current_time() - began_s
