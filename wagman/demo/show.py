"""The demonstration: its node, its scenario, its view, and an end that leaves nothing behind."""

import argparse
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import trio

from wagman.cli.outcome import DONE, FAILED, USAGE, CommandError
from wagman.client.asynchronous import Connection, Follower
from wagman.client.following import Happened
from wagman.demo.lines import Lines
from wagman.demo.node import running_node
from wagman.demo.scenarios import SCENARIOS, Scenario
from wagman.demo.stage import Stage, View
from wagman.model.errors import WagmanError
from wagman.model.shapes import Event
from wagman.tasks.contain import leaf_of

LOOK_S = 0.25
"""How often the view gets the status, in real time (chosen)."""

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that end the demonstration early, in the same orderly way."""


def run(args: argparse.Namespace) -> int:
    """Show the scenario; return the exit code, 0 if all claims came true.

    Raises:
        CommandError: there is no such scenario, or a claim did not come true.
    """
    name = chosen_scenario(args.scenario, args.dialect)
    try:
        with chosen_view() as view:
            return trio.run(_until_told_to_end, view, SCENARIOS[name], args.speed, args.dialect or "v3")
    except (WagmanError, ExceptionGroup) as error:
        leaf = leaf_of(error)
        if isinstance(leaf, BrokenPipeError):
            raise leaf from error  # the reader has closed the output
        if not isinstance(leaf, WagmanError):
            raise
        raise CommandError(str(leaf), FAILED) from error


def chosen_scenario(name: str | None, dialect: str | None) -> str:
    """Return the scenario to be shown. A dialect without a scenario means one with a Wagman.

    Raises:
        CommandError: there is no such scenario, or it has nothing that speaks a dialect.
    """
    if name is None:
        return next(iter(SCENARIOS)) if dialect is None else "tour"
    if name not in SCENARIOS:
        raise CommandError(f"no scenario {name!r}: there are {', '.join(SCENARIOS)}", USAGE)
    if dialect is not None and SCENARIOS[name].running is not running_node:
        raise CommandError(f"{name} has no Wagman that could speak {dialect}: leave --dialect out", USAGE)
    return name


@contextmanager
def chosen_view() -> Iterator[View]:
    """Yield a live table on a terminal, otherwise lines."""
    if not sys.stdout.isatty():
        yield Lines(sys.stdout)
    elif find_spec("rich") is None:
        lines = Lines(sys.stdout)
        lines.say("Without rich there is no live table: `pip install rich` brings it.")
        yield lines
    else:
        from wagman.demo.table import LiveTable  # noqa: PLC0415 - rich may not be there

        with LiveTable() as table:
            yield table


async def _until_told_to_end(view: View, scenario: Scenario, speed: float, dialect: str) -> int:
    """Return the exit code: the scenario's, or 128 and the number of the signal that ended it early."""
    code = DONE
    with trio.open_signal_receiver(*ENDING) as signals:
        async with trio.open_nursery() as nursery:

            async def end_early(received: AsyncIterator[int]) -> None:
                nonlocal code
                code = 128 + await anext(received)
                nursery.cancel_scope.cancel()

            nursery.start_soon(end_early, signals)
            await _show(view, scenario, speed, dialect)
            nursery.cancel_scope.cancel()
    return code


async def _show(view: View, scenario: Scenario, speed: float, dialect: str) -> None:
    began_s = time.monotonic()
    view.say(f"{scenario.about}, {speed:g} times faster than time itself.")
    view.say(f"For the occasion: {', '.join(scenario.deviations())}.")
    async with scenario.running(speed, dialect) as node, trio.open_nursery() as nursery:
        stage = Stage(node, view)
        nursery.start_soon(_follow, node.events, stage.take)
        nursery.start_soon(_watch, node.service, view)
        await scenario.play(stage)
        board_min = await stage.now_s() / 60
        view.say(f"All of it was shown, in {time.monotonic() - began_s:.0f} s ({board_min:.0f} min of board time):")
        for number, claim in enumerate(stage.shown, 1):
            view.say(f"{number}. {claim}")
        await scenario.epilogue(stage)
        nursery.cancel_scope.cancel()


async def _follow(events: Follower, take: Callable[[Event], None]) -> None:
    """Pass every event to `take`, until cancelled."""
    async for news in events:
        if isinstance(news, Happened) and not news.again:
            take(news.event)


async def _watch(service: Connection, view: View) -> None:
    while True:
        view.status(await service.call("status"))
        await trio.sleep(LOOK_S)
