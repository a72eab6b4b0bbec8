"""The boards in a status, and which one a guest is on."""

from collections.abc import Mapping

from wagman.model.shapes import Board, Device, Port, Sensor, Status

UNNAMED = "board"
"""The name of a board whose table in the configuration bears none."""


def boards_of(status: Status) -> list[Board]:
    """All boards; an older service, which had only one, tells of that."""
    return status.get("boards") or [status["board"]]


def board_of(row: Device, status: Status) -> Board:
    """The board that the device hangs on."""
    return next((board for board in boards_of(status) if board.get("name") == row.get("board")), status["board"])


def sensors_of(status: Status) -> Mapping[str, Sensor]:
    """All sensors: those of the board that tells of the enclosure, and those that commands read."""
    of_board = next((board["sensors"] for board in boards_of(status) if board["sensors"]), {})
    return {**of_board, **status.get("sensors", {})}


def in_words(board: Board) -> str:
    """A board in a sentence; one whose table bears no name is the board."""
    name = board.get("name", UNNAMED)
    return "the board" if name == UNNAMED else f"the board {name}"


def plug(row: Device | Port) -> str:
    """Where it hangs, in one word: the port, with the board where that has a name."""
    board = row.get("board", UNNAMED)
    return str(row["port"]) if board == UNNAMED else f"{board}:{row['port']}"
