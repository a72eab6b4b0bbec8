"""Events about the serial port and the board."""

from collections.abc import Mapping

from wagman.model.catalogue.kind import REPEATED, EventType, EventView, tell

_PORT = ("port", "board_name")


def _port(view: EventView) -> str:
    """The port of the board that the event is about, if no guest is configured on it."""
    port, name = view.text("port"), view.text("board_name")
    return view.device or (f"its port {port}" + (f" ({name})" if name else "") if port else "")


def _said(view: EventView) -> str:
    about = _port(view)
    return tell(f"{{board}} said of {about}" if about else "{board} said", why="text")(view)


def _unmanaged(view: EventView) -> str:
    about = _port(view)
    counted = f"{view.board} has counted {view.text('failures') or 'many'} failures" + (f" of {about}" if about else "")
    return f"{counted}, and gives it up at {view.text('limit') or 'its limit'}"


def _dialect(view: EventView) -> str:
    return f"{view.board} was found to speak {view.text('dialect') or 'an unknown dialect'}"


BOARD: Mapping[str, EventType] = {
    "link.up": EventType(
        "the service has opened the serial port",
        tell("the link to {board} came up"),
        ("device", "name", *REPEATED),
        collapses=True,
    ),
    "link.down": EventType(
        "the serial port is gone, or cannot be opened",
        tell("the link to {board} went down", why="reason"),
        ("device", "name", "reason", *REPEATED),
        "see [the board cannot be reached](operations.md#the-board-cannot-be-reached)",
        "warning",
        collapses=True,
    ),
    "board.silent": EventType(
        "the port is open, and the board does not answer; the service opens the port anew each minute",
        tell("{board} did not answer", why="reason"),
        ("name", "reason", *REPEATED),
        "if this lasts, pull the board's cable and put it back",
        "warning",
        collapses=True,
    ),
    "board.stranger": EventType(
        "another board than the configured one answers at its address; the service never switches that one",
        tell("another board answers in the place of {board}", why="reason"),
        ("name", "reason", *REPEATED),
        "find out which board answers. If the board was replaced, put the new board's `id` into the configuration and "
        "restart the service; else give the configured board a fixed address",
        "critical",
        collapses=True,
    ),
    "board.reset": EventType(
        "the board has restarted, or another board is in its place",
        tell("{board} restarted"),
        ("name", "boots", "before", "board"),
        "if this happens again, look at the board's power supply",
        "warning",
    ),
    "board.log": EventType(
        "the board says that it will stop a guest by itself soon; the service asks that guest to halt first",
        _said,
        ("name", "text", *_PORT, *REPEATED),
        collapses=True,
    ),
    "board.dialect": EventType(
        '`dialect = "auto"` is set, and the service has found out which dialect the board speaks', _dialect, ("name", "dialect")
    ),
    "board.unsupported": EventType(
        "wagman does not support the dialect that the board speaks; the service asks the board again and again",
        tell("{board} cannot be supported", why="reason"),
        ("name", "dialect", "reason"),
        "load other firmware onto the board, see [the boards](boards.md)",
        "critical",
    ),
    "board.unmanaged": EventType(
        "the board has counted 80 % of the failures of a port after which the board no longer switches that port by itself",
        _unmanaged,
        ("name", "failures", "limit", *_PORT),
        "of a v3 board: `wagman stop all`, then `wagman board --force eereset` and `wagman board --force reset` (with "
        "`--board` and its name, where it has one), **which cuts the power of every guest**, then `wagman start all`",
        "warning",
    ),
}
