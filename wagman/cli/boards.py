"""The boards in a status, and which one a guest is on."""

from collections.abc import Mapping

from wagman.model.shapes import Board, Device, Port, Sensor, Status

UNNAMED = "board"
"""The name of a board whose table in the configuration has none."""


def boards_of(status: Status) -> list[Board]:
    """Return all boards. An older service, which had one board only, tells of that one."""
    return status.get("boards") or [status["board"]]


def board_of(row: Device, status: Status) -> Board:
    """Return the board that powers the guest."""
    return next((board for board in boards_of(status) if board.get("name") == row.get("board")), status["board"])


def sensors_of(status: Status) -> Mapping[str, Sensor]:
    """Return all sensors: those of the board that measures the enclosure, and those that commands read."""
    of_board = next((board["sensors"] for board in boards_of(status) if board["sensors"]), {})
    return {**of_board, **status.get("sensors", {})}


def in_words(board: Board) -> str:
    """Return the words for a board in a sentence: `the board` where its table has no name."""
    name = board.get("name", UNNAMED)
    return "the board" if name == UNNAMED else f"the board {name}"


def plug(row: Device | Port) -> str:
    """Return where the outlet is, in one word: the port, after the board's name where that has one."""
    board = row.get("board", UNNAMED)
    return str(row["port"]) if board == UNNAMED else f"{board}:{row['port']}"
