"""`[board]`, or `[board.NAME]` for each of several: which tables there are, and of what kind each board is."""

from collections.abc import Mapping

from wagman.config.boards import BoardConfig, UnknownBoard, WagmanBoard
from wagman.config.kinds import show
from wagman.config.positions import Path
from wagman.config.reading import Reader, Table, listed, nearest_first
from wagman.config.setting import settings
from wagman.model.facts import DEFAULT_BOARD

KINDS: Mapping[str, type[BoardConfig]] = {"wagman": WagmanBoard}
"""The kinds of boards, by what `kind` calls them."""


def read_boards(reader: Reader, document: Table) -> tuple[BoardConfig, ...]:
    """The boards in the order of the file; there is one, a Wagman, in a file that says nothing of any."""
    table = reader.table(document, ("board",)) or {}
    tables = {name: each for name, each in table.items() if isinstance(each, dict)}
    keys = {key: value for key, value in table.items() if key not in tables}
    if keys and tables:
        reader.findings.add(("board", next(iter(keys))), _mixed(keys, tables))
    plain = [_board(reader, keys, DEFAULT_BOARD, ("board",))] if keys or not tables else []
    return (*plain, *(_board(reader, each, name, ("board", name)) for name, each in tables.items()))


def _board(reader: Reader, table: Table, name: str, path: Path) -> BoardConfig:
    reader.named(path, "board")
    kind = table.get("kind", WagmanBoard.kind)
    if not isinstance(kind, str) or kind not in KINDS:
        wanted = listed(nearest_first(str(kind), KINDS))
        reader.findings.add((*path, "kind"), f"there is no kind of board called {show(kind)}; those that there are: {wanted}")
        return UnknownBoard(name=name)
    return KINDS[kind](name=name, **reader.values(table, path, settings(KINDS[kind]), ("kind",)))


def _mixed(keys: Table, tables: Table) -> str:
    """`[board]` is a board itself, and has tables of other boards in it."""
    home = f"[board.{DEFAULT_BOARD if DEFAULT_BOARD not in tables else 'NAME'}]"
    return (
        f"[board] says how one board is, and [board.{next(iter(tables))}] how one of several is: "
        f"move {', '.join(keys)} into a table of its own, {home}"
    )
