"""The nurseries that hold the tasks of the service.

They stand inside one another, so that the shutdown has an order: the control socket first, then the machines, the board, and
the store, which writes what is left. Stopping the service stops no guest: nothing is switched off.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import trio
from attrs import define, field

from wagman.api.access import Peer
from wagman.api.server import serve
from wagman.io.board.task import Board
from wagman.model.errors import LinkBusyError
from wagman.model.facts import Draft
from wagman.service.coming_up import resume
from wagman.service.decisions_file import Found
from wagman.service.gauges import TASK as GAUGES_TASK
from wagman.service.overview import Overview
from wagman.service.parts import Parts
from wagman.service.requests import COMMIT_S, Requests
from wagman.service.watch import Watch
from wagman.store import Loaded
from wagman.tasks.contain import FirstStart, at_the_end, contained


@define(eq=False, repr=False)
class WagmanService:
    """The whole service: its parts, the requests to them, and their tasks."""

    parts: Parts
    because: str = "it was told to"  # why it stops
    successor: bool = False  # another service, or another run of the controller, is known to follow this one
    watch: Watch = field(init=False)
    requests: Requests = field(init=False)
    stopping: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        parts, overview = self.parts, Overview(self.parts)
        self.watch = Watch(parts.news, overview.facts, parts.journal, parts.seams.stamp, parts.clocks.wall, parts.last_event)
        self.requests = Requests(parts, overview, self.watch)
        parts.recollection.recall_problems = self.watch.restore

    async def run(
        self,
        listener: trio.abc.Listener[Any] | None,
        judge: Callable[[Any], Peer],
        *,
        warnings: Sequence[str] = (),
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Run the service until `stopping` is set or the task is cancelled; started once it supervises or knows it never will.

        Raises:
            LinkBusyError: another process holds the serial port.
            TaskKeepsCrashingError: a task cannot be kept running.
        """
        file, left = self.parts.recollection.file, await self._left()
        if left is None:
            task_status.started()
            return
        loaded, found = left
        if loaded.unread is None:
            file.tell_missing(loaded.memory)
        # The file keeps the count of events that the store could not write, so its task ends last.
        async with trio.open_nursery() as keeper_nursery:
            async with trio.open_nursery() as store_nursery:
                await store_nursery.start(self._run_store)
                await resume(self.parts, self.watch, loaded, found, warnings)
                keeper_nursery.start_soon(contained, "decisions", file.run, self.parts.crashed)
                await self._supervise(listener, judge, task_status)
                store_nursery.cancel_scope.cancel()
            keeper_nursery.cancel_scope.cancel()

    async def _left(self) -> tuple[Loaded, Found] | None:
        """What earlier runs left, in the log and beside it; None: the service is to stop before that is known."""
        # A log that somebody else holds is waited for, and so is a disk that does not answer.
        left: tuple[Loaded, Found] | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._cancel_when_stopping, nursery.cancel_scope)
            left = await self.parts.journal.load(), await self.parts.recollection.file.find()
            nursery.cancel_scope.cancel()
        return left

    async def _cancel_when_stopping(self, scope: trio.CancelScope) -> None:
        await self.stopping.wait()
        scope.cancel()

    async def _supervise(
        self,
        listener: trio.abc.Listener[Any] | None,
        judge: Callable[[Any], Peer],
        task_status: trio.TaskStatus[None],
    ) -> None:
        """Run the boards, the machines and the socket until the service is to stop."""
        async with trio.open_nursery() as board_nursery:
            for board in self.parts.boards.values():
                await board_nursery.start(self._run_board, board)
            async with trio.open_nursery() as machine_nursery:
                self._start_machines(machine_nursery)
                await self._serve(listener, judge, task_status)
                machine_nursery.cancel_scope.cancel()
            board_nursery.cancel_scope.cancel()
        await self._say_farewell()

    async def _say_farewell(self) -> None:
        drafts = [Draft("service.stopping", None, {"because": self.because})]
        if not self.successor and (unfed := self.parts.controller.unfed()) is not None:
            drafts.append(unfed)
        await self.parts.journal.record([(draft, None) for draft in drafts]).settled(COMMIT_S)

    async def _serve(
        self, listener: trio.abc.Listener[Any] | None, judge: Callable[[Any], Peer], task_status: trio.TaskStatus[None]
    ) -> None:
        """Run the control socket, the innermost task, until the service is to stop."""
        async with trio.open_nursery() as nursery:
            if listener is not None:
                await nursery.start(serve, self.requests, listener, judge)
            task_status.started()
            await self.stopping.wait()
            nursery.cancel_scope.cancel()

    async def _run_store(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        # A crash of the store is recorded by the store's next run. At the end there is none, so the process reports it.
        run = partial(self.parts.journal.run, task_status=FirstStart(task_status))
        await contained("store", run, self.parts.crashed, at_the_end)

    async def _run_board(self, board: Board, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        run = partial(board.run, task_status=FirstStart(task_status))
        await contained(board.task, run, self.parts.crashed, lambda error: isinstance(error, LinkBusyError))

    def _start_machines(self, nursery: trio.Nursery) -> None:
        parts = self.parts
        for name, guest in parts.guests.items():
            nursery.start_soon(contained, f"device.{name}", guest.run, parts.crashed, name=f"device.{name}")
        nursery.start_soon(contained, "wagman", parts.supervisor.run, parts.crashed, name="wagman")
        for name, task in parts.hearings.tasks() if parts.hearings else ():
            nursery.start_soon(contained, name, task.run, parts.crashed, name=name)
        nursery.start_soon(contained, GAUGES_TASK, parts.gauges.run, parts.crashed, name=GAUGES_TASK)
        nursery.start_soon(contained, "nudge", parts.progress.run, parts.crashed, name="nudge")
        nursery.start_soon(contained, "hitches", parts.hitches.run, parts.crashed, name="hitches")
        nursery.start_soon(contained, "memory", parts.recollection.run, parts.crashed, name="memory")
        nursery.start_soon(contained, "problems", self.watch.run, parts.crashed, name="problems")
