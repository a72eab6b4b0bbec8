"""Virtual time passes as trio's own clock for tests has it pass, in half the passes of its loop."""

import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from wagman.simulation.clock import VirtualClock
from wagman.simulation.schedule import one_schedule

Naps = list[list[float]]
naps = st.lists(st.lists(st.floats(0, 1e6), max_size=4), max_size=4)


def history(clock: trio.abc.Clock, tasks: Naps) -> list[tuple[float, int]]:
    """When each of these tasks awoke, in the order in which they did."""
    awoke: list[tuple[float, int]] = []

    async def nap(number: int, lengths_s: list[float]) -> None:
        for length_s in lengths_s:
            await trio.sleep(length_s)
            awoke.append((trio.current_time(), number))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for number, lengths_s in enumerate(tasks):
                nursery.start_soon(nap, number, lengths_s)

    with one_schedule(1):
        trio.run(main, clock=clock)
    return awoke


@given(naps)
def test_all_tasks_awake_in_the_order_and_at_the_times_of_trios_own_clock(tasks: Naps) -> None:
    ours, theirs = history(VirtualClock(), tasks), history(MockClock(autojump_threshold=0), tasks)
    assert [number for _, number in ours] == [number for _, number in theirs]
    for (at_s, _), (then_s, _) in zip(ours, theirs, strict=True):
        assert abs(at_s - then_s) <= 1e-9 * then_s


def test_each_moment_takes_one_pass_of_trios_loop() -> None:
    passes: list[float] = []

    class Count(trio.abc.Instrument):
        def after_io_wait(self, timeout: float) -> None:
            passes.append(timeout)

    async def main() -> None:
        for _ in range(100):
            await trio.sleep(1)

    trio.run(main, clock=VirtualClock(), instruments=[Count()])
    assert len(passes) < 110


def test_a_jump_makes_what_is_due_late() -> None:
    clock = VirtualClock()

    async def main() -> None:
        with trio.move_on_after(10) as scope:
            clock.jump(60)
            await trio.sleep(1)
        assert scope.cancelled_caught
        assert trio.current_time() == 60

    trio.run(main, clock=clock)


def test_where_no_deadline_is_left_it_waits_for_what_is_real() -> None:
    assert trio.run(trio.to_thread.run_sync, lambda: 17, clock=VirtualClock()) == 17
