"""The content of the file: one board, its guests, and the witnesses of the network."""

from collections.abc import Mapping
from typing import TypeAlias

from attrs import NOTHING, evolve, field, frozen

from wagman.config.boards import BoardConfig
from wagman.config.places import is_this_computer, joined
from wagman.config.setting import settings
from wagman.init.words import kind_of

Table: TypeAlias = Mapping[str, object]

HOST = "host"
"""The key for the address of a board in the network."""


@frozen
class BoardPlan:
    """The board."""

    kind: str
    section: type[BoardConfig]
    values: Table = field(factory=dict)

    @property
    def witness(self) -> "EarPlan | None":
        """The board as a witness, if it is in the network: whoever cannot reach it can switch nothing, either."""
        needed = required(self.section)
        if HOST not in needed or not self.values.keys() >= set(needed):
            return None
        place = self._read().place
        return None if place is None or is_this_computer(place[0]) else EarPlan("tcp", {"tcp": joined(*place)}, is_networked=True)

    def _read(self) -> BoardConfig:
        table = settings(self.section)
        return self.section(**{table[key].name: kind_of(table, key).read(value) for key, value in self.values.items()})


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
