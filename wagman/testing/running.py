"""How the tests of a contract run: under trio, without a plugin of pytest for it, each wait with a bound, interrupted at will."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TypeVar

import pytest
import trio
import trio.testing

MOST_S = 40.0
"""No question takes longer (chosen: a task of the service that makes no progress for 45 s counts as stuck)."""

STEPS = 24
"""After how many turns of other tasks a question is interrupted at most (chosen: a request over HTTP takes some fifteen)."""

DELAYS_S = (0.001, 0.003, 0.01, 0.03, 0.1)
"""After how long it is interrupted besides, for what waits for another process."""

T = TypeVar("T")

Ask = Callable[[], Awaitable[T]]


def run(story: Ask[T], *, virtual: bool) -> T:
    """Run a story, in virtual time where nothing outside of this process takes part; what it raises comes out as it is."""

    async def main() -> T:
        return await story()

    try:
        return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0) if virtual else None)
    except BaseExceptionGroup as group:
        raise _alone(group) from None


def _alone(error: BaseException) -> BaseException:
    """What a nursery has put a group around, if it is one thing: pytest shows it as what it is."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


async def within(what: str, ask: Ask[T], most_s: float = MOST_S) -> T:
    """What it answers; a failure of the test where it takes longer."""
    with trio.move_on_after(most_s):
        return await ask()
    pytest.fail(f"{what} has not ended after {most_s:g} s: it must bound its own time")


def moments() -> Iterator[Ask[None]]:
    """When a question is interrupted: each waits for one of these moments."""

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
    """Ask, and interrupt that at a moment, if it has not ended before."""
    async with trio.open_nursery() as nursery:

        async def asking() -> None:
            await ask()
            nursery.cancel_scope.cancel()

        nursery.start_soon(asking)
        await moment()
        nursery.cancel_scope.cancel()
    await trio.testing.wait_all_tasks_blocked()  # what had left by then has arrived
