"""How the tests of a contract run: under trio, without a pytest plugin for it, each wait bounded, with interruptions."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TypeVar

import pytest
import trio
import trio.testing

MOST_S = 40.0
"""The most time that a question may take (chosen: a task of the service without progress for 45 s counts as stuck)."""

STEPS = 24
"""A question is interrupted after each number of turns below this (chosen: a request over HTTP takes some fifteen)."""

DELAYS_S = (0.001, 0.003, 0.01, 0.03, 0.1)
"""Further times after which a question is interrupted, for those that wait for another process."""

T = TypeVar("T")

Ask = Callable[[], Awaitable[T]]


def run(story: Ask[T], *, virtual: bool) -> T:
    """Run a story, in virtual time if nothing outside of this process takes part; an error in it is raised without its groups."""

    async def main() -> T:
        return await story()

    try:
        return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0) if virtual else None)
    except BaseExceptionGroup as group:
        raise _alone(group) from None


def _alone(error: BaseException) -> BaseException:
    """Return the error in a group of one, so that pytest shows it as what it is."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


async def within(what: str, ask: Ask[T], most_s: float = MOST_S) -> T:
    """Return the answer; fail the test if it takes longer than `most_s`."""
    with trio.move_on_after(most_s):
        return await ask()
    pytest.fail(f"{what} has not ended after {most_s:g} s: it must bound its own time")


def moments() -> Iterator[Ask[None]]:
    """Yield the moments of interruption; each is a function that waits for its moment."""

    def turns(count: int) -> Ask[None]:
        async def wait() -> None:
            for _ in range(count):
                await trio.lowlevel.checkpoint()

        return wait

    def delay(seconds: float) -> Ask[None]:
        return partial(trio.sleep, seconds)

    yield from map(turns, range(STEPS))
    yield from map(delay, DELAYS_S)


async def interrupt(ask: Ask[object], moment: Ask[None]) -> None:
    """Ask, and interrupt the question at a moment, if it has not ended before."""
    async with trio.open_nursery() as nursery:

        async def asking() -> None:
            await ask()
            nursery.cancel_scope.cancel()

        nursery.start_soon(asking)
        await moment()
        nursery.cancel_scope.cancel()
    await trio.testing.wait_all_tasks_blocked()  # whatever was sent by then has arrived
