"""Finds tasks that make no progress any more. Only time in which the service itself ran counts."""

from collections.abc import Mapping
from typing import Protocol

import trio
from attrs import define, field

from wagman.io.board.task import Board
from wagman.model.facts import Draft
from wagman.store import Journal
from wagman.store.remembered import WAGMAN_KEY
from wagman.tasks.guest import Guest
from wagman.tasks.letters import Nudge
from wagman.tasks.supervisor import Supervisor

NUDGE_S = 15.0
"""How often every task is asked for a sign of life (chosen)."""

HEALTHY_S = 45.0
"""A task that has made no progress for so long is stuck (chosen: three nudges)."""

PAUSE_S = 2 * NUDGE_S
"""A longer time between two looks means that the whole process was stopped or suspended (chosen: one nudge was missed)."""


class Listener(Protocol):
    """The task of an ear, of what several ears share, or of the gauges."""

    @property
    def progress_s(self) -> float:
        """The latest time on trio's clock at which the task is known to have been well; it may lie ahead."""
        ...


@define(eq=False, repr=False)
class Health:
    """Finds stuck tasks by their latest signs of life.

    After a process was stopped, all signs of life are old and no task of it is stuck. `stuck` must be called at least every
    `NUDGE_S`; a pause longer than `PAUSE_S` counts as a time in which nothing ran.
    """

    awake_since_s: float = field(factory=trio.current_time, init=False)  # the whole process has run without a pause since then
    _looked_s: float = field(factory=trio.current_time, init=False)

    def stuck(self, progress_s: Mapping[str, float]) -> tuple[str, ...]:
        """Return the tasks without progress for `HEALTHY_S`; `progress_s` is the latest sign of life of each, on trio's clock."""
        now_s = trio.current_time()
        if now_s - self._looked_s > PAUSE_S:
            self.awake_since_s = now_s
        self._looked_s = now_s
        return tuple(task for task, at_s in progress_s.items() if max(at_s, self.awake_since_s) <= now_s - HEALTHY_S)


@define(eq=False, repr=False)
class Progress:
    """Asks all machines for signs of life, and finds the machines and tasks of boards and ears that are stuck."""

    guests: Mapping[str, Guest]
    supervisor: Supervisor
    boards: Mapping[str, Board]
    ears: Mapping[str, Listener]  # by the name of the task
    journal: Journal
    health: Health = field(factory=Health, init=False)
    _stuck: tuple[str, ...] = field(default=(), init=False)

    async def run(self) -> None:
        """Nudge every machine until cancelled."""
        while True:
            for inbox in (*(guest.inbox for guest in self.guests.values()), self.supervisor.inbox):
                inbox.tell(Nudge())
            await trio.sleep(NUDGE_S)
            self._tell_stuck()

    def _tell_stuck(self) -> None:
        """Record each task that has become stuck: a restart of the service would wipe out all traces of it."""
        before, self._stuck = self._stuck, self.stuck()
        for task in self._stuck:
            if task not in before:
                self.journal.record([(Draft("service.task_stuck", None, {"task": task}), None)])

    def stuck(self) -> tuple[str, ...]:
        """Return the machines, and the tasks of boards and ears, that have made no progress lately."""
        progress_s = {guest.key: guest.progress_s for guest in self.guests.values()}
        boards_s = {board.task: board.progress_s for board in self.boards.values()}
        ears_s = {name: ear.progress_s for name, ear in self.ears.items()}
        return self.health.stuck(progress_s | {WAGMAN_KEY: self.supervisor.progress_s} | boards_s | ears_s)
