"""Events about decisions from earlier runs: whether they can be read and kept, and which tables they are about."""

from collections.abc import Mapping

from wagman.model.catalogue.kind import EventType, EventView, field, lasting, tell

_UNREADABLE = "see [what was decided cannot be read](operations.md#what-was-decided-cannot-be-read)"


def _recalled(view: EventView) -> str:
    decision = f"{view.text('verb') or 'a request'} by {view.asker()}{view.through()}"
    return tell(f"{{it}} goes by what was decided before: {decision}", field("decided_at", "decided {}"))(view)


def _released(view: EventView) -> str:
    return tell("what is off may be started again", field("devices", "first of all {}"), why="because")(view)


def _moved(view: EventView) -> str:
    where = f"from port {view.text('was_port') or 'another one'} to port {view.text('port') or 'another one'}"
    return tell(f"{{it}} has moved {where}: what was decided about it counts, what was known of its power does not")(view)


def _renamed(view: EventView) -> str:
    return tell(f"{{it}} takes the place of {view.text('was') or 'another table'}: what was decided about that counts for it")(
        view
    )


def _left(view: EventView) -> str:
    where = f"port {view.text('port') or 'of the board'}"
    return f"{where} has lost its table ({view.text('was') or 'nobody knows which'}): its power stays as it is"


TAKEN_OVER: Mapping[str, EventType] = {
    "device.recalled": EventType(
        "an operator's decision was taken from `decisions.json`, a log that was opened late, or the table that it was made about",
        _recalled,
        ("verb", "who", "uid", "for", "decided_at"),
    ),
    "device.renamed": EventType(
        "a new table is on the port of one that is gone, and takes over what was decided about that", _renamed, ("was", "port")
    ),
    "device.moved": EventType(
        "its table names another port than before; what was decided about it stays", _moved, ("port", "was_port")
    ),
}
"""Events about a guest that follows a decision from an earlier run."""

MEMORY: Mapping[str, EventType] = {
    "store.unreadable": EventType(
        "there is a memory, and it cannot be read: guests that run are taken over, what is off stays off",
        tell(
            "what was decided cannot be read, so what is off stays off",
            lasting("release_in_s", "for {} at most", "until it can be read"),
            why="reason",
        ),
        ("reason", "release_in_s"),
        _UNREADABLE,
        "critical",
    ),
    "store.released": EventType(
        "it could be read, or was waited for long enough: guests that nobody is known to have stopped or disabled start",
        _released,
        ("because", "devices"),
        _UNREADABLE,
        "warning",
    ),
    "port.left": EventType(
        "a port has a table no more, and no other: its power is left as it is",
        _left,
        ("port", "board_name", "was"),
        "give it a table, or see to its power: see [the port](operations.md#port-3-has-no-table-in-the-configuration)",
        "warning",
    ),
    "port.off": EventType(
        "such a port was seen off",
        lambda view: f"port {view.text('port') or 'of the board'}, which has no table, was seen off",
        ("port", "board_name", "was"),
    ),
    "decisions.unavailable": EventType(
        "what operators decide cannot be kept beside the log",
        tell("decisions could not be kept in decisions.json", why="reason"),
        ("reason",),
        "see [decisions are not kept](operations.md#decisions-are-not-kept-beside-the-log)",
        "warning",
    ),
    "decisions.recovered": EventType("it can again", tell("decisions could be kept in decisions.json again")),
    "decisions.damaged": EventType(
        "`decisions.json` could not be read, and was set aside",
        tell("decisions.json was set aside", field("set_aside", "as {}"), why="reason"),
        ("reason", "set_aside"),
        "see [files that were set aside](store.md#files-that-were-set-aside)",
        "warning",
    ),
}
"""Events about the memory of decisions."""
