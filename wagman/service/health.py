"""Which tasks have stopped making progress, judged only by time in which the service itself ran."""

from collections.abc import Mapping
from typing import Protocol

import trio
from attrs import define, field

from wagman.io.board.task import Board
from wagman.model.facts import Draft
from wagman.store import Journal
from wagman.tasks.guest import Guest
from wagman.tasks.letters import Nudge
from wagman.tasks.supervisor import KEY as WAGMAN_KEY
from wagman.tasks.supervisor import Supervisor

NUDGE_S = 15.0
"""How often every task is asked for a sign of life (chosen)."""

HEALTHY_S = 45.0
"""A task that has made no progress for so long is stuck (chosen: three nudges)."""

PAUSE_S = 2 * NUDGE_S
"""Nobody has looked for so long: the whole process was stopped or suspended meanwhile (chosen: a nudge that was missed)."""


class Listener(Protocol):
    """The task of an ear, of what ears share, or of what commands read."""

    @property
    def progress_s(self) -> float:
        """It is well until then, at least."""
        ...


@define(eq=False, repr=False)
class Health:
    """Judges progress. A process that was stopped shows old signs of life everywhere, and no task of it hangs.

    Somebody has to look at least every `NUDGE_S`; what is longer than `PAUSE_S` is taken for a time in which nothing ran.
    """

    awake_since_s: float = field(factory=trio.current_time, init=False)  # nothing has held up the whole process since then
    _looked_s: float = field(factory=trio.current_time, init=False)

    def stuck(self, progress_s: Mapping[str, float]) -> tuple[str, ...]:
        """The tasks whose latest sign of life, at `progress_s` of trio's clock, is too old."""
        now_s = trio.current_time()
        if now_s - self._looked_s > PAUSE_S:
            self.awake_since_s = now_s
        self._looked_s = now_s
        return tuple(task for task, at_s in progress_s.items() if max(at_s, self.awake_since_s) <= now_s - HEALTHY_S)


@define(eq=False, repr=False)
class Progress:
    """The machines, and the tasks of the boards and ears: asked for a sign of life, and told of where they hang."""

    guests: Mapping[str, Guest]
    supervisor: Supervisor
    boards: Mapping[str, Board]
    ears: Mapping[str, Listener]  # by the name of the task
    journal: Journal
    health: Health = field(factory=Health, init=False)
    _stuck: tuple[str, ...] = field(default=(), init=False)

    async def run(self) -> None:
        """Ask every machine for a sign of life: a machine with nothing to do looks like a stuck one otherwise."""
        while True:
            for inbox in (*(guest.inbox for guest in self.guests.values()), self.supervisor.inbox):
                inbox.tell(Nudge())
            await trio.sleep(NUDGE_S)
            self._tell_stuck()

    def _tell_stuck(self) -> None:
        """Whoever restarts the service leaves no trace of what hung."""
        before, self._stuck = self._stuck, self.stuck()
        for task in self._stuck:
            if task not in before:
                self.journal.record([(Draft("service.task_stuck", None, {"task": task}), None)])

    def stuck(self) -> tuple[str, ...]:
        """The machines, and the tasks of the boards and ears, that have made no progress lately."""
        progress_s = {guest.key: guest.progress_s for guest in self.guests.values()}
        boards_s = {board.task: board.progress_s for board in self.boards.values()}
        ears_s = {name: ear.progress_s for name, ear in self.ears.items()}
        return self.health.stuck(progress_s | {WAGMAN_KEY: self.supervisor.progress_s} | boards_s | ears_s)
