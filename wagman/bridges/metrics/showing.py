"""The ways to show figures: printed once, in a file for node_exporter, over HTTP on this computer."""

import argparse
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import trio

from wagman.bridges.metrics.serving import HOST, PATH, Server
from wagman.bridges.metrics.textfile import keep
from wagman.bridges.programs import duration, leaves, say
from wagman.model.words import plain

DONE, FAILED = 0, 1
"""Exit codes, the same as those of the other commands."""

MOST_PORT = 65_535


class Source(Protocol):
    """A source of figures."""

    async def told(self) -> str:
        """Return the figures as text; raises an error for the command if there are none."""

    async def text(self) -> str:
        """Return the figures as text; if there are none, only that."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for where to show the figures."""
    add = parser.add_argument
    add("--textfile", type=Path, metavar="FILE", help="write the figures to this file again and again, for node_exporter")
    add("--every", type=duration, default=30.0, metavar="TIME", help="how often to write (default: 30s)")
    add("--listen", type=_port, metavar="PORT", help="answer Prometheus on this port of 127.0.0.1; 0: on any free port")


def show(args: argparse.Namespace, name: str, source: Source, beside: Sequence[Callable[[], Awaitable[None]]] = ()) -> int:
    """Show the figures once, or until told to end; return the exit code.

    Args:
        args: where to.
        name: of the command, for its messages.
        source: of the figures.
        beside: tasks that run meanwhile.
    """
    if args.textfile is None and args.listen is None:
        sys.stdout.write(trio.run(source.told))
        return DONE
    failures = list[OSError]()
    try:
        trio.run(_serve, args, source, beside)
    except* OSError as errors:
        failures += [each for each in leaves(errors) if isinstance(each, OSError)]
    for error in failures:
        text = str(error) if error.filename is None else f"{error.filename}: {error.strerror}"
        sys.stderr.write(f"{name}: {plain(text)}\n")
    return FAILED if failures else DONE


async def _serve(args: argparse.Namespace, source: Source, beside: Sequence[Callable[[], Awaitable[None]]]) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_until_told, nursery.cancel_scope)
        for each in beside:
            nursery.start_soon(each)
        if args.listen is not None:
            listeners = await trio.open_tcp_listeners(args.listen, host=HOST)
            port = listeners[0].socket.getsockname()[1]
            nursery.start_soon(partial(trio.serve_listeners, Server(source.text).talk, listeners))
            say(f"http://{HOST}:{port}{PATH}")
        if args.textfile is not None:
            nursery.start_soon(keep, args.textfile, args.every, source.text)


async def _until_told(scope: trio.CancelScope) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            scope.cancel()
            return


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= MOST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 0 to {MOST_PORT}")
