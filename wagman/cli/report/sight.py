"""The times in which nobody could know the guests' state: no board seen, no witness heard, events lost. No I/O.

A board that goes out of sight is recorded as an event. That it is seen again is not, if its port stayed open: then the problem
that was recorded says how long it lasted. Of events that repeat quickly only a sum is recorded, and its whole time counts as
unseen.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from wagman.cli.boards import UNNAMED
from wagman.cli.report.axis import Event, number
from wagman.cli.report.intervals import Stretch, joined

UNPROVED_AFTER_S = 300.0
"""How long no witness has answered when `network.unproved` is recorded."""

_LINK = "link:"
"""The beginning of the id of a problem about the way to a board."""


class Sight:
    """The times in which boards and networks could not be seen, collected event by event."""

    def __init__(self) -> None:
        self._unseen: dict[str, list[Stretch]] = defaultdict(list)  # by board
        self._unproved: dict[str, list[Stretch]] = defaultdict(list)  # by network
        self._lost: list[Stretch] = []  # when events were lost
        self._unseen_since: dict[str, float] = {}
        self._problem_since: dict[str, float] = {}  # by board
        self._unproved_since: dict[str, float] = {}
        self._told: dict[tuple[str, str], float] = {}  # when the latest event of that type about that board was
        self._before_s: float | None = None  # when the latest event of all was

    def take(self, at_s: float, event: Event) -> None:
        """Take in an event that is about no guest."""
        handler = _HANDLERS.get(event["type"])
        if handler is not None:
            handler(self, at_s, event["type"], event["fields"])

    def passed(self, at_s: float) -> None:
        """Take note of the time of any event, after `take`."""
        self._before_s = at_s

    def boards(self, end_s: float) -> Mapping[str, list[Stretch]]:
        """Return the times in which each board was not seen, up to the end."""
        found = {board: list(stretches) for board, stretches in self._unseen.items()}
        for board, since_s in (*self._unseen_since.items(), *self._problem_since.items()):
            found.setdefault(board, []).append((since_s, end_s))
        return {board: joined(stretches) for board, stretches in found.items()}

    def networks(self, end_s: float) -> list[Stretch]:
        """Return the times in which a network had no answering witness, up to the end."""
        lasting = ((since_s, end_s) for since_s in self._unproved_since.values())
        return joined([*lasting, *(stretch for stretches in self._unproved.values() for stretch in stretches)])

    @property
    def lost(self) -> list[Stretch]:
        """The times in which events were lost before they could be written."""
        return joined(self._lost)

    # --- Boards -------------------------------------------------------------------------------------------------------

    def on_down(self, at_s: float, type_: str, fields: Mapping[str, Any]) -> None:
        """The port of a board is gone, or the board does not answer."""
        board = _board(fields)
        self._sum(at_s, type_, board, fields)
        self._unseen_since.setdefault(board, at_s)

    def on_up(self, at_s: float, type_: str, fields: Mapping[str, Any]) -> None:
        """The port of a board is open. While a problem with the board stands, it has not answered yet."""
        board = _board(fields)
        self._sum(at_s, type_, board, fields)
        if board not in self._problem_since:
            self._seen(board, at_s)

    def _sum(self, at_s: float, type_: str, board: str, fields: Mapping[str, Any]) -> None:
        """Count the time that a sum of repeats covers as unseen, from the event before it: how each repeat ended is not known."""
        before_s, over_s = self._told.get((type_, board)), number(fields.get("over_s"))
        if before_s is not None and over_s is not None:
            self._unseen[board].append((before_s, min(before_s + max(over_s, 0.0), at_s)))
        self._told[type_, board] = at_s

    def _seen(self, board: str, at_s: float) -> None:
        since_s = self._unseen_since.pop(board, None)
        if since_s is not None:
            self._unseen[board].append((since_s, at_s))

    def on_began(self, at_s: float, _type: str, fields: Mapping[str, Any]) -> None:
        """A problem with a board began: it was not seen before, or is not from now on."""
        if (board := _in_trouble(fields)) is not None:
            self._problem_since.setdefault(board, self._unseen_since.get(board, at_s))

    def on_ended(self, at_s: float, _type: str, fields: Mapping[str, Any]) -> None:
        """A problem has stayed away for a while; `after_s` is how long it stood."""
        if (board := _in_trouble(fields)) is None:
            return
        began_s, after_s = self._problem_since.pop(board, at_s), number(fields.get("after_s"))
        end_s = at_s if after_s is None else min(began_s + max(after_s, 0.0), at_s)
        self._unseen[board].append((began_s, end_s))
        self._seen(board, max(end_s, self._unseen_since.get(board, end_s)))

    # --- Networks, and the log ----------------------------------------------------------------------------------------

    def on_not_proved(self, at_s: float, _type: str, fields: Mapping[str, Any]) -> None:
        """No witness of a network has answered for a while."""
        self._unproved_since.setdefault(str(fields.get("network")), at_s - UNPROVED_AFTER_S)

    def on_proved(self, at_s: float, _type: str, fields: Mapping[str, Any]) -> None:
        """A witness answers again."""
        name = str(fields.get("network"))
        since_s = self._unproved_since.pop(name, None)
        if since_s is not None:
            self._unproved[name].append((since_s, at_s))

    def on_dropped(self, at_s: float, _type: str, _fields: Mapping[str, Any]) -> None:
        """Events between the one before and this one were lost."""
        self._lost.append((at_s if self._before_s is None else self._before_s, at_s))


def _board(fields: Mapping[str, Any]) -> str:
    """Return the board that an event is about, which is not named if its table has no name."""
    name = fields.get("name")
    return name if isinstance(name, str) else UNNAMED


def _in_trouble(fields: Mapping[str, Any]) -> str | None:
    """Return the board of a problem about the way to a board; None for other problems."""
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
