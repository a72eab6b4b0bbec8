"""The facts in which problems are found, and what a problem is."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

from attrs import frozen

from wagman.config.schema import Config

Severity: TypeAlias = Literal["critical", "warning"]

BOARD = "board"
"""The name of the only board that there is."""


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
class Facts:
    """How everything is: the status, and what the service knows beside it."""

    config: Config
    status: Mapping[str, Any]  # as the control interface gives it, all devices
    link_reason: str | None = None  # why the port is not open
    silent_reason: str | None = None  # why the board counts as silent
    unsteady_reason: str | None = None  # why one connection after the other is lost
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
    unknown_guests: tuple[str, ...] = ()  # those that are about to be started though nothing is known of before

    @property
    def guests(self) -> Iterator[Mapping[str, Any]]:
        """The rows of all devices but the controller."""
        return (row for row in self.status["devices"] if not row["self"])

    @property
    def wanted(self) -> Iterator[Mapping[str, Any]]:
        """The rows of the guests that are to run."""
        return (row for row in self.guests if row["enabled"] and row["wanted"] == "up")


Finder: TypeAlias = Callable[[Facts], Iterator[Problem]]
"""Looks for one kind of problem."""
