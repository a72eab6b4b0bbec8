"""Containment: a crash is reported and the task taken up again; too many in a row end the service."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from wagman.model.errors import LinkBusyError
from wagman.tasks.contain import (
    IN_A_ROW_S,
    MOST_IN_A_ROW,
    FirstStart,
    TaskKeepsCrashingError,
    at_the_end,
    contained,
    describe,
    leaf_of,
)


class Clumsy:
    """A task that crashes after so many seconds, as often as it is told to."""

    def __init__(self, crashes: int, lives_s: float = 0.0) -> None:
        self.crashes, self.lives_s, self.runs = crashes, lives_s, 0

    async def run(self) -> None:
        self.runs += 1
        await trio.sleep(self.lives_s)
        if self.runs <= self.crashes:
            raise ValueError(f"crash {self.runs}")


def virtually(main: Callable[[], Awaitable[None]]) -> None:
    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_a_crashed_task_is_reported_and_taken_up_again() -> None:
    reports: list[str] = []
    task = Clumsy(crashes=3)

    async def main() -> None:
        await contained("device.gn", task.run, lambda name, error: reports.append(f"{name}: {error}"))

    virtually(main)
    assert task.runs == 4
    assert reports == ["device.gn: crash 1", "device.gn: crash 2", "device.gn: crash 3"]


def test_too_many_crashes_in_a_row_end_the_service() -> None:
    task = Clumsy(crashes=1000)

    async def main() -> None:
        with pytest.raises(TaskKeepsCrashingError, match=f"wagman crashed {MOST_IN_A_ROW} times"):
            await contained("wagman", task.run, lambda *_: None)

    virtually(main)
    assert task.runs == MOST_IN_A_ROW


def test_a_task_that_lived_long_enough_between_crashes_is_not_crashing_in_a_row() -> None:
    task = Clumsy(crashes=3 * MOST_IN_A_ROW, lives_s=IN_A_ROW_S)

    async def main() -> None:
        await contained("board", task.run, lambda *_: None)

    virtually(main)
    assert task.runs == 3 * MOST_IN_A_ROW + 1


def test_a_cancelled_task_has_not_crashed() -> None:
    reports: list[str] = []

    async def main() -> None:
        with trio.move_on_after(10):
            await contained("wagman", trio.sleep_forever, lambda name, _: reports.append(name))

    virtually(main)
    assert reports == []


def test_an_error_in_the_clean_up_of_a_cancelled_task_is_reported_and_goes_no_further() -> None:
    reports: list[str] = []

    async def untidy() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("in the clean-up")

    async def main() -> None:
        with trio.move_on_after(10) as scope:
            await contained("board", untidy, lambda name, error: reports.append(f"{name}: {describe(error)['error']}"))
        assert scope.cancelled_caught

    virtually(main)
    assert reports == ["board: ValueError: in the clean-up"]


def test_who_waits_for_a_start_hears_of_the_first_incarnation_that_has_started() -> None:
    task = Clumsy(crashes=1)
    starts: list[int] = []

    async def run(task_status: trio.TaskStatus[None]) -> None:
        await task.run()
        task_status.started()
        starts.append(task.runs)
        if task.runs == 2:
            raise ValueError("after it had started")
        await trio.sleep_forever()

    async def again_and_again(task_status: trio.TaskStatus[None]) -> None:
        first = FirstStart(task_status)
        await contained("board", lambda: run(first), lambda *_: None)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            with trio.fail_after(10):
                await nursery.start(again_and_again)
            await trio.sleep(10)
            nursery.cancel_scope.cancel()

    virtually(main)
    assert starts == [2, 3]


def test_what_is_fatal_to_a_task_is_no_crash() -> None:
    reports: list[str] = []

    async def taken() -> None:
        raise ExceptionGroup("crew", [LinkBusyError("held")])

    async def main() -> None:
        with pytest.raises(ExceptionGroup) as raised:
            await contained("board", taken, lambda name, _: reports.append(name), lambda error: isinstance(error, LinkBusyError))
        assert leaf_of(raised.value).args == ("held",)

    virtually(main)
    assert reports == []


@pytest.mark.parametrize("in_a_group", [False, True])
def test_the_end_of_a_task_may_be_where_its_errors_are_fatal(in_a_group: bool) -> None:
    reports: list[str] = []

    async def untidy() -> None:
        try:
            await trio.sleep(1)
            raise ValueError("under way")
        except trio.Cancelled as cancelled:
            error = ValueError("in the clean-up")
            raise (BaseExceptionGroup("crew", [cancelled, error]) if in_a_group else error) from None

    async def main() -> None:
        with pytest.raises((ValueError, ExceptionGroup)) as raised, trio.move_on_after(0.5 + 1):
            await contained("store", untidy, lambda _, error: reports.append(str(error)), at_the_end)
        assert str(leaf_of(raised.value)) == "in the clean-up"

    virtually(main)
    assert reports == ["under way"]


def test_a_crash_is_described_by_what_and_where_without_any_values() -> None:
    value = "correct horse"

    def fail() -> None:
        local = value  # noqa: F841 - must not be told
        raise ExceptionGroup("crew", [KeyError("gn")])

    try:
        fail()
    except ExceptionGroup as error:
        told = describe(error)
    assert told["error"] == "KeyError: 'gn'"
    assert value not in repr(told)
