"""The facts in which problems are found, and what a problem is."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from wagman.config.schema import Config
from wagman.model.facts import DEFAULT_BOARD

Severity: TypeAlias = Literal["critical", "warning", "notice"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "notice")
"""From the worst on."""


@frozen
class Problem:
    """One thing that calls for a person."""

    id: str
    severity: Severity
    text: str
    do: str
    device: str | None = None
    board: str | None = None
    patience_s: float = 0.0  # it counts once it has been so for so long
    for_s: float | None = None  # for how long it has been so; None: since it is found


@frozen
class Refusal:
    """A configuration that was refused."""

    instead: str  # what the service goes by
    problems: tuple[str, ...]  # each with its line


@frozen
class Unseen:
    """Why a board cannot be seen; None: that is not in the way."""

    link_reason: str | None = None  # why the way to it is not open
    silent_reason: str | None = None  # why it counts as silent
    unsteady_reason: str | None = None  # why one connection after the other is lost


@frozen
class Facts:
    """How everything is: the status, and what the service knows beside it."""

    config: Config
    status: Mapping[str, Any]  # as the control interface gives it, all devices
    unseen: Mapping[str, Unseen] = field(factory=dict)  # of each board
    log_reason: str | None = None  # why the log cannot be written
    refusal: Refusal | None = None
    needs_restart: tuple[str, ...] = ()  # keys that count once the service is restarted
    socket_reason: str | None = None  # why no client can connect
    stuck_tasks: tuple[str, ...] = ()
    unknown_sensors: tuple[str, ...] = ()  # those that are watched
    clock_set: bool = True
    unfed_s: float | None = None  # for how long the board has not had the controller's heartbeat; None where it needs none
    unread_reason: str | None = None  # why nobody can read what was decided
    unread_off: tuple[str, ...] = ()  # guests that are off only since nobody can
    unkept_reason: str | None = None  # why decisions are not kept beside the log
    unknown_guests: tuple[str, ...] = ()  # those that are about to be started though there is no saved state

    @property
    def guests(self) -> Iterator[Mapping[str, Any]]:
        """The rows of all devices but the controller."""
        return (row for row in self.status["devices"] if not row["self"])

    @property
    def boards(self) -> Mapping[str, Mapping[str, Any]]:
        """The boards, by name."""
        return {board["name"]: board for board in self.status["boards"]}

    @property
    def enclosure(self) -> Mapping[str, Any] | None:
        """The board whose sensors tell of the enclosure."""
        return self.boards.get(self.config.enclosure or "")

    @property
    def maintained(self) -> frozenset[str]:
        """The guests that are in maintenance."""
        return frozenset(row["name"] for row in self.guests if row["state"] == "maintenance")

    @property
    def left_on(self) -> frozenset[str]:
        """The guests whose power stays on though they are stopped: boards are reached through them."""
        ways = {guest.name for guest in self.config.guests if guest.leads_to}
        return frozenset(row["name"] for row in self.wanted if row["name"] in ways)

    @property
    def wanted(self) -> Iterator[Mapping[str, Any]]:
        """The rows of the guests that are to run."""
        return (row for row in self.guests if row["enabled"] and row["wanted"] == "up")


def board_words(name: str) -> str:
    """A board in a sentence; one whose table bears no name is the board."""
    return "the board" if name == DEFAULT_BOARD else f"the board {name}"


Finder: TypeAlias = Callable[[Facts], Iterator[Problem]]
"""Looks for one kind of problem."""
