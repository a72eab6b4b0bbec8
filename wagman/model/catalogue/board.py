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
    return tell(f"the board said of {about}" if about else "the board said", why="text")(view)


def _unmanaged(view: EventView) -> str:
    about = _port(view)
    counted = f"the board has counted {view.text('failures') or 'many'} failures" + (f" of {about}" if about else "")
    return f"{counted}, and gives it up at {view.text('limit') or 'its limit'}"


def _dialect(view: EventView) -> str:
    return f"the board was found to speak {view.text('dialect') or 'what is not known'}"


BOARD: Mapping[str, EventType] = {
    "link.up": EventType("the serial port is open", tell("the link to the board came up"), ("device", *REPEATED), collapses=True),
    "link.down": EventType(
        "the serial port is gone, or cannot be opened",
        tell("the link to the board went down", why="reason"),
        ("device", "reason", *REPEATED),
        "see [the board cannot be reached](operations.md#the-board-cannot-be-reached)",
        "warning",
        collapses=True,
    ),
    "board.silent": EventType(
        "the port is open and nobody answers; it is opened anew each minute",
        tell("the board did not answer", why="reason"),
        ("reason", *REPEATED),
        "if it stays so, replug the board",
        "warning",
        collapses=True,
    ),
    "board.stranger": EventType(
        "another board than the one that is meant answers at its address; it is never switched",
        tell("another board answers in its place", why="reason"),
        ("reason", *REPEATED),
        "find out which one it is. If the board was replaced, give the new one's `id` in the configuration and restart the "
        "service; else give the board a fixed address",
        "critical",
        collapses=True,
    ),
    "board.reset": EventType(
        "the board has restarted, or is another one",
        tell("the board restarted"),
        ("boots", "before", "board"),
        "if it repeats, look at its supply",
        "warning",
    ),
    "board.log": EventType(
        "the board is about to stop a guest by itself; the guest is told to halt first",
        _said,
        ("text", *_PORT, *REPEATED),
        collapses=True,
    ),
    "board.dialect": EventType('`dialect = "auto"` has found out what the board speaks', _dialect, ("dialect",)),
    "board.unsupported": EventType(
        "the board speaks what cannot be supported; it is asked again and again",
        tell("the board cannot be supported", why="reason"),
        ("dialect", "reason"),
        "load other firmware, see [the boards](boards.md)",
        "critical",
    ),
    "board.unmanaged": EventType(
        "the board has counted 80 % of the failures after which it stops looking after a port",
        _unmanaged,
        ("failures", "limit", *_PORT),
        "of a v3 board: `wagman stop all`, then `wagman board --force eereset` and `wagman board --force reset`, "
        "**which cuts the power of every guest**, then `wagman start all`",
        "warning",
    ),
}
