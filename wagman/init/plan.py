"""The content of the file: one board, its guests, and the witnesses of the network."""

import re
from collections.abc import Mapping
from typing import TypeAlias

from attrs import NOTHING, evolve, field, frozen

from wagman.config.boards import BoardConfig
from wagman.config.setting import settings

Table: TypeAlias = Mapping[str, object]

HOST = "host"
"""The key for the address of a board in the network."""

HTTP_PORT = 80
"""The port of such a board if its address has none."""

_PORT = re.compile(r"(?:^[^:]*|\]):[0-9]+$")


@frozen
class BoardPlan:
    """The board."""

    kind: str
    section: type[BoardConfig]
    values: Table = field(factory=dict)

    @property
    def witness(self) -> "EarPlan | None":
        """The board as a witness, if it is in the network: whoever cannot reach it can switch nothing, either."""
        host = self.values.get(HOST)
        if HOST not in required(self.section) or not isinstance(host, str):
            return None
        return EarPlan("tcp", {"tcp": _with_port(host)}, is_networked=True)


@frozen
class EarPlan:
    """An ear or a witness."""

    kind: str
    values: Table
    is_networked: bool


@frozen
class GuestPlan:
    """A guest."""

    name: str
    ears: tuple[EarPlan, ...] = ()
    values: Table = field(factory=dict)  # all other keys


@frozen
class Plan:
    """The whole file."""

    board: BoardPlan
    guests: tuple[GuestPlan, ...] = ()
    witnesses: tuple[EarPlan, ...] = ()

    @property
    def is_networked(self) -> bool:
        """Whether any guest is heard over a network."""
        return any(ear.is_networked for guest in self.guests for ear in guest.ears)

    def completed(self) -> "Plan":
        """Return the plan with the board as the witness, if one is needed and none was named."""
        own = self.board.witness
        if own is None or self.witnesses or not self.is_networked:
            return self
        return evolve(self, witnesses=(own,))


def required(section: type) -> list[str]:
    """Return the keys that a table must have."""
    return [key for key, each in settings(section).items() if each.default is NOTHING]


def _with_port(host: str) -> str:
    host = f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host
    return host if _PORT.search(host) else f"{host}:{HTTP_PORT}"
