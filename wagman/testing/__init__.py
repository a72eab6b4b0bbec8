"""The contract of boards and ears, as tests: whoever brings a kind of their own has it pass these, as each kind of ours does.

A class of tests is derived from a contract and says how to get at a board or a guest, a fake or a real one; pytest does the rest:

    class TestLampTable(BoardTableContract):
        board = LampBoard
        table = 'folder = "/run/lamps"'
        ports = ("left", "right")

    class TestLamp(BoardContract):
        ports, absent = ("left", "right"), "middle"

        @asynccontextmanager
        async def site(self) -> AsyncIterator[BoardSite]:
            yield LampSite(self.folder)

- `table`    for the table of a kind in the file: `BoardTableContract`, `EarTableContract`
- `board`    for what speaks to a board: `BoardContract`, with a `BoardSite`
- `ear`      for what asks a guest: `EarContract`; for what waits for one that speaks: `PassiveEarContract`, with a `Speaker`
- `running`  how they run: with trio, and no plugin of pytest; in virtual time where a class says `virtual = True`

It needs pytest, which the service does not; nothing in this package imports it. docs/add-a-board.md explains each rule.
"""

import pytest

# pytest shows what a failed assertion compared only if this comes before the imports.
pytest.register_assert_rewrite("wagman.testing.board", "wagman.testing.ear", "wagman.testing.table")

from wagman.testing.board import BoardContract, BoardSite, Power, Trouble  # noqa: E402
from wagman.testing.ear import GUEST, Does, EarContract, PassiveEarContract, Speaker  # noqa: E402
from wagman.testing.table import BoardTableContract, EarTableContract  # noqa: E402

__all__ = [
    "GUEST",
    "BoardContract",
    "BoardSite",
    "BoardTableContract",
    "Does",
    "EarContract",
    "EarTableContract",
    "PassiveEarContract",
    "Power",
    "Speaker",
    "Trouble",
]
