"""What the file is to say: one board, its guests, and who shows that the network works."""

import re
from collections.abc import Mapping
from typing import TypeAlias

from attrs import NOTHING, evolve, field, frozen

from wagman.config.boards import BoardConfig
from wagman.config.setting import settings

Table: TypeAlias = Mapping[str, object]

HOST = "host"
"""The key that says where a board is that is a box of its own."""

HTTP_PORT = 80
"""Where a box listens whose address names no port."""

_PORT = re.compile(r"(?:^[^:]*|\]):[0-9]+$")


@frozen
class BoardPlan:
    """What switches the power."""

    kind: str
    section: type[BoardConfig]
    values: Table = field(factory=dict)

    @property
    def witness(self) -> "EarPlan | None":
        """The board itself, where it is a box of its own in the network: who cannot reach it can switch nothing, either."""
        host = self.values.get(HOST)
        if HOST not in required(self.section) or not isinstance(host, str):
            return None
        return EarPlan("tcp", {"tcp": _with_port(host)}, is_networked=True)


@frozen
class EarPlan:
    """Who is listened to."""

    kind: str
    values: Table
    is_networked: bool


@frozen
class GuestPlan:
    """A guest."""

    name: str
    ears: tuple[EarPlan, ...] = ()
    values: Table = field(factory=dict)  # all else


@frozen
class Plan:
    """The whole file."""

    board: BoardPlan
    guests: tuple[GuestPlan, ...] = ()
    witnesses: tuple[EarPlan, ...] = ()

    @property
    def is_networked(self) -> bool:
        """Some guest is heard over a network."""
        return any(ear.is_networked for guest in self.guests for ear in guest.ears)

    def completed(self) -> "Plan":
        """With the board as the witness, where one is needed and nobody was named."""
        own = self.board.witness
        if own is None or self.witnesses or not self.is_networked:
            return self
        return evolve(self, witnesses=(own,))


def required(section: type) -> list[str]:
    """The keys that a table must have."""
    return [key for key, each in settings(section).items() if each.default is NOTHING]


def _with_port(host: str) -> str:
    host = f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host
    return host if _PORT.search(host) else f"{host}:{HTTP_PORT}"
