"""Containment: a task that crashes is reported and taken up again in its last state; too many crashes end the service."""

import math
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import trio
from attrs import define

from wagman.model.errors import WagmanError

MOST_IN_A_ROW = 5
"""After this many crashes of one task in a row the service ends, for systemd to restart it (chosen)."""

IN_A_ROW_S = 60.0
"""A task that has lived this long since its last crash starts a new row (chosen)."""

PAUSE_S = 0.1
"""Pause after the first crash; doubled with each (chosen)."""


class TaskKeepsCrashingError(WagmanError):
    """A task crashed `MOST_IN_A_ROW` times in a row."""


def leaf_of(error: BaseException) -> BaseException:
    """The first exception in a group of exceptions: what went wrong first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def describe(error: BaseException) -> dict[str, Any]:
    """An exception as fields of an event: what it was and where, without the values of local variables."""
    leaf = leaf_of(error)
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(leaf.__traceback__)]
    return {"error": f"{type(leaf).__name__}: {leaf}", "where": places[-6:]}


@define
class FirstStart:
    """The `task_status` of all incarnations of a task: only the first one to start reports it."""

    task_status: trio.TaskStatus[None]
    has_started: bool = False

    def started(self, value: None = None) -> None:  # noqa: ARG002 - trio's signature
        """Report that the task has started; later incarnations report nothing."""
        if not self.has_started:
            self.has_started = True
            self.task_status.started()


def at_the_end(_: BaseException) -> bool:
    """Whether the task is being cancelled, so that no incarnation follows. The exception is ignored."""
    return trio.current_effective_deadline() == -math.inf


async def contained(
    name: str,
    run: Callable[[], Awaitable[None]],
    report: Callable[[str, BaseException], None],
    fatal: Callable[[BaseException], bool] = lambda _: False,
) -> None:
    """Run a task, and run it again after each crash; `report` is told of each crash.

    Errors for which `fatal` is true are no crashes, and are raised.

    Raises:
        TaskKeepsCrashingError: it crashed too often in a row.
        Exception: a `fatal` error of the task.
    """
    crashes = 0
    while True:
        began_s = trio.current_time()
        crash: BaseException | None = None
        try:
            await run()
        except Exception as error:  # noqa: BLE001 - contained
            crash = error
        except BaseExceptionGroup as group:
            _, crash = group.split(trio.Cancelled)
            if not isinstance(crash, ExceptionGroup):
                raise
        else:
            return
        if fatal(leaf_of(crash)):
            raise crash
        report(name, crash)
        crashes = crashes + 1 if trio.current_time() - began_s < IN_A_ROW_S else 1
        if crashes >= MOST_IN_A_ROW:
            raise TaskKeepsCrashingError(f"the task {name} crashed {crashes} times in a row: {crash!r}") from crash
        await trio.sleep(PAUSE_S * 2 ** (crashes - 1))  # if the task is being cancelled, it ends here
