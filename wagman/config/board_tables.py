"""`[board]`, or `[board.NAME]` for each of several: which tables there are, and of what kind each board is."""

from collections.abc import Collection, Sequence

from wagman.config.boards import BoardConfig, UnknownBoard, WagmanBoard
from wagman.config.kinds import show
from wagman.config.positions import Path
from wagman.config.reading import Reader, Table, listed, nearest_first
from wagman.config.registry import BOARDS, KindError
from wagman.config.setting import settings
from wagman.model.facts import DEFAULT_BOARD

_KIND = "kind"


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
    section = None if _lacks_kind(reader, table, path) else _section(reader, table.get(_KIND, WagmanBoard.kind), (*path, _KIND))
    if section is None:
        return UnknownBoard(name=name)
    rest = {key: value for key, value in table.items() if key != _KIND}
    board: BoardConfig | None = reader.instance(section, rest, path, name=name)
    return UnknownBoard(name=name) if board is None else board


def _lacks_kind(reader: Reader, table: Table, path: Path) -> bool:
    """Whether the table lacks its kind and is none of a Wagman, which is noted: as one, all of it would be called wrong."""
    known = settings(WagmanBoard)
    strange = [] if _KIND in table else [key for key in table if key not in known]
    for key in strange:
        if nearest_first(key, [*known, _KIND])[0] == _KIND and not _kinds_with([key]):
            reader.findings.add((*path, key), f"unknown key: the nearest that is known here is {_KIND}")
            return True
    others = [key for key in strange if not any(key in settings(section) for section in reader.homes.values())]
    kinds = _kinds_with(others) if others else []
    if kinds:
        which = f"without it the board is a Wagman, which has no {listed(others)}: say of which kind it is: {listed(kinds)}"
        reader.findings.add((*path, _KIND), f"missing: {which}")
    return bool(kinds)


def _kinds_with(keys: Sequence[str]) -> list[str]:
    """The kinds of this package whose tables have all these keys."""
    return [kind for kind in BOARDS.built_in if all(key in _keys_of(kind) for key in keys)]


def _keys_of(kind: str) -> Collection[str]:
    """The keys of that kind; none, where a package is missing that its class needs."""
    try:
        return settings(BOARDS.load(kind))
    except KindError:
        return ()


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
