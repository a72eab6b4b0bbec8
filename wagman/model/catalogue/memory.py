"""Events about decisions from earlier runs: whether they can be read and kept, and which tables they are about."""

from collections.abc import Mapping

from wagman.model.catalogue.kind import EventType, EventView, field, lasting, tell

_UNREADABLE = "see [earlier decisions cannot be read](operations.md#earlier-decisions-cannot-be-read)"


def _recalled(view: EventView) -> str:
    decision = f"{view.text('verb') or 'a request'} by {view.asker()}{view.through()}"
    return tell(f"{{it}} follows an earlier decision: {decision}", field("decided_at", "decided {}"))(view)


def _decisions_damaged(view: EventView) -> str:
    is_moved = bool(view.text("set_aside"))
    begun = tell("decisions.json was set aside", field("set_aside", "as {}"), why="reason")
    return begun(view) if is_moved else tell("decisions.json is begun anew, and could not be set aside", why="reason")(view)


def _released(view: EventView) -> str:
    return tell("guests that are off may be started again", field("devices", "first of all {}"), why="because")(view)


def _outlet(view: EventView, prefix: str = "", unknown: str = "of the board") -> str:
    """The port, with its board where that has a name."""
    board = view.text(f"{prefix}board")
    return f"port {view.text(f'{prefix}port') or unknown}" + (f" of the board {board}" if board else "")


def _moved(view: EventView) -> str:
    where = f"from {_outlet(view, 'was_', 'another one')} to {_outlet(view, unknown='another one')}"
    return tell(f"{{it}} has moved {where}: decisions about it still count, what was known of its power does not")(view)


def _renamed(view: EventView) -> str:
    return tell(f"{{it}} takes the place of {view.text('was') or 'another table'}: decisions about that one count for it now")(
        view
    )


def _left(view: EventView) -> str:
    was = view.text("was") or "an unknown guest"
    return f"{_outlet(view)} has no table any more (it was that of {was}): its power stays as it is"


TAKEN_OVER: Mapping[str, EventType] = {
    "device.recalled": EventType(
        "the guest follows an operator's earlier decision, which was found in `decisions.json`, in a log that was opened "
        "late, or with the guest's former table",
        _recalled,
        ("verb", "who", "uid", "for", "decided_at"),
    ),
    "device.renamed": EventType(
        "a new table names the port of a table that is gone; decisions about the old guest count for the new one",
        _renamed,
        ("was", "board", "port"),
    ),
    "device.moved": EventType(
        "the guest's table names another port than before; decisions about the guest still count",
        _moved,
        ("board", "port", "was_board", "was_port"),
    ),
}
"""Events about a guest that follows a decision from an earlier run."""

MEMORY: Mapping[str, EventType] = {
    "store.unreadable": EventType(
        "there are saved decisions, and the service cannot read them: guests that run are taken over, guests that are off "
        "stay off",
        tell(
            "earlier decisions cannot be read, so guests that are off stay off",
            lasting("release_in_s", "for {} at most", "until it can be read"),
            why="reason",
        ),
        ("reason", "release_in_s"),
        _UNREADABLE,
        "critical",
    ),
    "store.released": EventType(
        "the saved decisions could be read, or the service has waited for them long enough: guests start again, except "
        "those that an operator is known to have stopped or disabled",
        _released,
        ("because", "devices"),
        _UNREADABLE,
        "warning",
    ),
    "port.left": EventType(
        "the table of a port was removed, and no other table names that port: its power stays as it is",
        _left,
        ("board", "port", "board_name", "was"),
        "give the port a table, or see to its power: see [the port](operations.md#port-3-has-no-table-in-the-configuration)",
        "warning",
    ),
    "port.off": EventType(
        "the board has shown that a port without a table is off",
        lambda view: f"{_outlet(view)}, which has no table, was seen off",
        ("board", "port", "board_name", "was"),
    ),
    "decisions.unavailable": EventType(
        "the service cannot write `decisions.json`, which keeps operators' decisions beside the log",
        tell("decisions could not be kept in decisions.json", why="reason"),
        ("reason",),
        "see [decisions are not kept](operations.md#decisions-are-not-kept-beside-the-log)",
        "warning",
    ),
    "decisions.recovered": EventType(
        "the service can write `decisions.json` again", tell("decisions could be kept in decisions.json again")
    ),
    "decisions.damaged": EventType(
        "the service could not read `decisions.json`, and has set it aside, or begun another one in its place",
        _decisions_damaged,
        ("reason", "set_aside"),
        "see [files that were set aside](store.md#files-that-were-set-aside)",
        "warning",
    ),
}
"""Events about the memory of decisions."""
