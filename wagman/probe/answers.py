"""What came of asking."""

from typing import Literal

import trio
from attrs import frozen

from wagman.config.boards import BoardConfig
from wagman.model.backend import Abilities, Identity
from wagman.model.facts import Port, Supply


@frozen
class Answer:
    """Whether somebody answered."""

    came: Literal["yes", "no", "unknown"]  # unknown: it cannot be asked from here, and nobody who could was there to tell
    took_s: float | None = None
    why: str | None = None  # why not; where it answered, what there is to say


@frozen
class Asked:
    """Somebody who is listened to: a source of a guest, or a witness of a network."""

    whose: str
    name: str
    answer: Answer
    still_on: bool = False  # of a guest: it has to be silent, too, before the guest counts as halted


@frozen
class PortSeen:
    """What a board shows of a port of a device."""

    port: Port
    device: str
    power: Supply = "unknown"
    watts: float | None = None
    by: str | None = None
    why: str | None = None  # why nothing is known of it; None: it is, or a board of this kind need not tell


@frozen
class BoardSeen:
    """A board, and what it shows."""

    board: BoardConfig
    answer: Answer
    identity: Identity | None = None
    abilities: Abilities | None = None  # None: not of this kind, or it did not answer
    ports: tuple[PortSeen, ...] = ()

    @property
    def is_whole(self) -> bool:
        """It answered, and told of every port."""
        return self.answer.came != "no" and all(port.why is None for port in self.ports)


@frozen
class Answers:
    """All of it."""

    sources: tuple[Asked, ...]
    witnesses: tuple[Asked, ...]
    boards: tuple[BoardSeen, ...]

    @property
    def all_there(self) -> bool:
        """Nobody who was asked has failed to answer."""
        return all(each.answer.came != "no" for each in (*self.sources, *self.witnesses)) and all(
            board.is_whole for board in self.boards
        )


def since(began_s: float) -> float:
    """How long it has taken since then, in seconds."""
    return trio.current_time() - began_s
