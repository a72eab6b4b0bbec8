"""When nobody could know how the guests were: a board was not seen, a network was not proved, events were lost. No I/O.

A board is lost sight of with an event, and is seen again with none where its port stayed open: the problem that was told of it
says how long it lasted. What flaps is told of in sums: the whole time that a sum covers counts as unseen.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from wagman.cli.boards import UNNAMED
from wagman.cli.report.axis import Event, number
from wagman.cli.report.intervals import Stretch, joined

UNPROVED_AFTER_S = 300.0
"""For how long no witness has answered when that is told of (`network.unproved`)."""

_LINK = "link:"
"""How the id of a problem begins that is about the way to a board."""


class Sight:
    """What could be seen of the boards and through the networks, event by event."""

    def __init__(self) -> None:
        self._unseen: dict[str, list[Stretch]] = defaultdict(list)  # by board
        self._unproved: dict[str, list[Stretch]] = defaultdict(list)  # by network
        self._lost: list[Stretch] = []  # events were, and nobody knows which
        self._unseen_since: dict[str, float] = {}
        self._problem_since: dict[str, float] = {}  # by board
        self._unproved_since: dict[str, float] = {}
        self._told: dict[tuple[str, str], float] = {}  # when an event of that type about that board was told last
        self._before_s: float | None = None  # the latest event of all

    def take(self, at_s: float, event: Event) -> None:
        """An event about no guest."""
        handler = _HANDLERS.get(event["type"])
        if handler is not None:
            handler(self, at_s, event["type"], event["fields"])

    def passed(self, at_s: float) -> None:
        """An event has been taken, whatever it was."""
        self._before_s = at_s

    def boards(self, end_s: float) -> Mapping[str, list[Stretch]]:
        """When each board was not seen, up to the end."""
        found = {board: list(stretches) for board, stretches in self._unseen.items()}
        for board, since_s in (*self._unseen_since.items(), *self._problem_since.items()):
            found.setdefault(board, []).append((since_s, end_s))
        return {board: joined(stretches) for board, stretches in found.items()}

    def networks(self, end_s: float) -> list[Stretch]:
        """When one of the networks was not proved, up to the end."""
        lasting = ((since_s, end_s) for since_s in self._unproved_since.values())
        return joined([*lasting, *(stretch for stretches in self._unproved.values() for stretch in stretches)])

    @property
    def lost(self) -> list[Stretch]:
        """When events were lost before they could be written."""
        return joined(self._lost)

    # --- Boards -------------------------------------------------------------------------------------------------------

    def on_down(self, at_s: float, type_: str, fields: Mapping[str, Any]) -> None:
        """The port is gone, or nobody answers there."""
        board = _board(fields)
        self._sum(at_s, type_, board, fields)
        self._unseen_since.setdefault(board, at_s)

    def on_up(self, at_s: float, type_: str, fields: Mapping[str, Any]) -> None:
        """The port is open. Where a problem goes on, nobody has answered there yet."""
        board = _board(fields)
        self._sum(at_s, type_, board, fields)
        if board not in self._problem_since:
            self._seen(board, at_s)

    def _sum(self, at_s: float, type_: str, board: str, fields: Mapping[str, Any]) -> None:
        """Where the event tells of repeats: they began with the one before it, and how each of them ended is not told."""
        before_s, over_s = self._told.get((type_, board)), number(fields.get("over_s"))
        if before_s is not None and over_s is not None:
            self._unseen[board].append((before_s, min(before_s + max(over_s, 0.0), at_s)))
        self._told[type_, board] = at_s

    def _seen(self, board: str, at_s: float) -> None:
        since_s = self._unseen_since.pop(board, None)
        if since_s is not None:
            self._unseen[board].append((since_s, at_s))

    def on_began(self, at_s: float, _type: str, fields: Mapping[str, Any]) -> None:
        """A problem began: its board has been out of sight for a while, or is from now on."""
        if (board := _in_trouble(fields)) is not None:
            self._problem_since.setdefault(board, self._unseen_since.get(board, at_s))

    def on_ended(self, at_s: float, _type: str, fields: Mapping[str, Any]) -> None:
        """It is told of once the problem has stayed away for a while: `after_s` is how long it was there."""
        if (board := _in_trouble(fields)) is None:
            return
        began_s, after_s = self._problem_since.pop(board, at_s), number(fields.get("after_s"))
        end_s = at_s if after_s is None else min(began_s + max(after_s, 0.0), at_s)
        self._unseen[board].append((began_s, end_s))
        self._seen(board, max(end_s, self._unseen_since.get(board, end_s)))

    # --- Networks, and the log ----------------------------------------------------------------------------------------

    def on_not_proved(self, at_s: float, _type: str, fields: Mapping[str, Any]) -> None:
        """None of its witnesses has answered for a while."""
        self._unproved_since.setdefault(str(fields.get("network")), at_s - UNPROVED_AFTER_S)

    def on_proved(self, at_s: float, _type: str, fields: Mapping[str, Any]) -> None:
        """One of them answers again."""
        name = str(fields.get("network"))
        since_s = self._unproved_since.pop(name, None)
        if since_s is not None:
            self._unproved[name].append((since_s, at_s))

    def on_dropped(self, at_s: float, _type: str, _fields: Mapping[str, Any]) -> None:
        """Events were lost since the one before."""
        self._lost.append((at_s if self._before_s is None else self._before_s, at_s))


def _board(fields: Mapping[str, Any]) -> str:
    """The board that an event is about; one whose table in the configuration bears no name is not named."""
    name = fields.get("name")
    return name if isinstance(name, str) else UNNAMED


def _in_trouble(fields: Mapping[str, Any]) -> str | None:
    """The board that a problem is about, if it is about the way to one."""
    id_ = fields.get("id")
    return id_.removeprefix(_LINK) if isinstance(id_, str) and id_.startswith(_LINK) else None


_HANDLERS: Mapping[str, Callable[[Sight, float, str, Mapping[str, Any]], None]] = {
    "link.down": Sight.on_down,
    "link.up": Sight.on_up,
    "board.silent": Sight.on_down,
    "board.stranger": Sight.on_down,
    "problem.began": Sight.on_began,
    "problem.ended": Sight.on_ended,
    "network.unproved": Sight.on_not_proved,
    "network.proved": Sight.on_proved,
    "store.dropped": Sight.on_dropped,
}
