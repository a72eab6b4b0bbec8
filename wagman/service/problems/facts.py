"""The facts in which problems are found, and the shape of a problem."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from wagman.config.schema import Config
from wagman.model.facts import DEFAULT_BOARD

Severity: TypeAlias = Literal["critical", "warning", "notice"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "notice")
"""From the worst to the mildest."""


@frozen
class Problem:
    """One thing that calls for a person."""

    id: str
    severity: Severity
    text: str
    do: str
    device: str | None = None
    board: str | None = None
    patience_s: float = 0.0  # it has to stand so long before it counts
    for_s: float | None = None  # how long it has stood; None: since it was first found


@frozen
class Refusal:
    """A configuration that was refused."""

    instead: str  # what the service runs on now
    problems: tuple[str, ...]  # each with its line


@frozen
class Unseen:
    """The reasons why a board cannot be seen, each None where it does not apply."""

    link_reason: str | None = None  # why the link is down
    silent_reason: str | None = None  # why it counts as silent
    unsteady_reason: str | None = None  # why one connection after another is lost


@frozen
class Facts:
    """The state of everything: the status, and what the service knows beyond it."""

    config: Config
    status: Mapping[str, Any]  # as the control interface gives it, with the rows of all guests
    unseen: Mapping[str, Unseen] = field(factory=dict)  # of each board
    log_reason: str | None = None  # why the log cannot be written
    refusal: Refusal | None = None
    needs_restart: tuple[str, ...] = ()  # keys that count once the service is restarted
    socket_reason: str | None = None  # why no client can connect
    stuck_tasks: tuple[str, ...] = ()
    unknown_sensors: tuple[str, ...] = ()  # watched sensors without readings
    clock_set: bool = True
    unfed_s: float | None = None  # for how long the board has not had the controller's heartbeat; None where it needs none
    unread_reason: str | None = None  # why the decisions of earlier runs cannot be read
    unread_off: tuple[str, ...] = ()  # guests that stay off only for that reason
    unkept_reason: str | None = None  # why decisions are not kept beside the log
    unknown_guests: tuple[str, ...] = ()  # guests about to be started though there is no saved state

    @property
    def guests(self) -> Iterator[Mapping[str, Any]]:
        """The rows of all guests but the controller."""
        return (row for row in self.status["devices"] if not row["self"])

    @property
    def boards(self) -> Mapping[str, Mapping[str, Any]]:
        """The boards, by name."""
        return {board["name"]: board for board in self.status["boards"]}

    @property
    def enclosure(self) -> Mapping[str, Any] | None:
        """The row of the board whose sensors measure the enclosure; None where there is none."""
        return self.boards.get(self.config.enclosure or "")

    @property
    def maintained(self) -> frozenset[str]:
        """The guests that are in maintenance."""
        return frozenset(row["name"] for row in self.guests if row["state"] == "maintenance")

    @property
    def left_on(self) -> frozenset[str]:
        """The guests that keep their power when stopped, because boards are reached through them."""
        ways = {guest.name for guest in self.config.guests if guest.leads_to}
        return frozenset(row["name"] for row in self.wanted if row["name"] in ways)

    @property
    def wanted(self) -> Iterator[Mapping[str, Any]]:
        """The rows of the guests that are to run: enabled and wanted up."""
        return (row for row in self.guests if row["enabled"] and row["wanted"] == "up")


def board_words(name: str) -> str:
    """Return the words for a board in a sentence: `the board` where its table has no name."""
    return "the board" if name == DEFAULT_BOARD else f"the board {name}"


Finder: TypeAlias = Callable[[Facts], Iterator[Problem]]
"""A function that looks for one kind of problem."""
