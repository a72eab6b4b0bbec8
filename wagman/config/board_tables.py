"""`[board]`, or `[board.NAME]` for each of several: which tables there are, and of what kind each board is."""

from wagman.config.boards import BoardConfig, UnknownBoard, WagmanBoard
from wagman.config.kinds import show
from wagman.config.positions import Path
from wagman.config.reading import Reader, Table, listed, nearest_first
from wagman.config.registry import BOARDS, KindError
from wagman.model.facts import DEFAULT_BOARD


def read_boards(reader: Reader, document: Table) -> tuple[BoardConfig, ...]:
    """The boards in the order of the file; one Wagman, if the file names no board."""
    table = reader.table(document, ("board",)) or {}
    tables = {name: each for name, each in table.items() if isinstance(each, dict)}
    keys = {key: value for key, value in table.items() if key not in tables}
    if keys and tables:
        reader.findings.add(("board", next(iter(keys))), _mixed(keys, tables))
    plain = [_board(reader, keys, DEFAULT_BOARD, ("board",))] if keys or not tables else []
    return (*plain, *(_board(reader, each, name, ("board", name)) for name, each in tables.items()))


def _board(reader: Reader, table: Table, name: str, path: Path) -> BoardConfig:
    reader.named(path, "board")
    section = _section(reader, table.get("kind", WagmanBoard.kind), (*path, "kind"))
    if section is None:
        return UnknownBoard(name=name)
    rest = {key: value for key, value in table.items() if key != "kind"}
    board: BoardConfig | None = reader.instance(section, rest, path, name=name)
    return UnknownBoard(name=name) if board is None else board


def _section(reader: Reader, kind: object, path: Path) -> type | None:
    """The class of that kind; None: there is none, which is noted."""
    try:
        if isinstance(kind, str) and kind in BOARDS:
            return BOARDS.load(kind)
        wanted = listed(nearest_first(str(kind), BOARDS.names()))
        reader.findings.add(path, f"there is no kind of board called {show(kind)}; those that there are: {wanted}")
    except KindError as error:
        reader.findings.add(path, str(error))
    return None


def _mixed(keys: Table, tables: Table) -> str:
    """The message for a `[board]` that is a board itself and also holds the tables of others."""
    home = f"[board.{DEFAULT_BOARD if DEFAULT_BOARD not in tables else 'NAME'}]"
    return (
        f"[board] says how one board is, and [board.{next(iter(tables))}] how one of several is: "
        f"move {', '.join(keys)} into a table of its own, {home}"
    )
