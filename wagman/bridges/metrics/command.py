"""The program: `wagman metrics`."""

import argparse
import signal
import sys
from functools import partial
from pathlib import Path

import trio

from wagman.bridges.metrics.reading import Reader
from wagman.bridges.metrics.serving import HOST, PATH, Server
from wagman.bridges.metrics.textfile import keep
from wagman.client.blocking import SOCKET, default_socket
from wagman.config import durations
from wagman.model.words import plain

DONE, FAILED = 0, 1
"""Exit codes, as those of the other commands."""

MOST_PORT = 65_535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    add = parser.add_argument
    add("--textfile", type=Path, metavar="FILE", help="write them to this file again and again, for node_exporter")
    add("--every", type=_duration, default=30.0, metavar="TIME", help="how often (default: 30s)")
    add("--listen", type=_port, metavar="PORT", help="answer Prometheus on this port of 127.0.0.1; 0: on one that is free")
    add("--socket", metavar="PATH", default=default_socket(), help=f"the service's socket (default: $WAGMAN_SOCKET, or {SOCKET})")


def run(args: argparse.Namespace) -> int:
    """Write the metrics once, or until told to end.

    Raises:
        ClientError: they were to be written once, and the service does not tell.
    """
    reader = Reader(args.socket, say)
    if args.textfile is None and args.listen is None:
        sys.stdout.write(trio.run(reader.told))
        return DONE
    failures = list[OSError]()
    try:
        trio.run(_serve, args, reader)
    except* OSError as errors:
        failures += [each for each in _leaves(errors) if isinstance(each, OSError)]
    for error in failures:
        text = str(error) if error.filename is None else f"{error.filename}: {error.strerror}"
        sys.stderr.write(f"wagman metrics: {plain(text)}\n")
    return FAILED if failures else DONE


async def _serve(args: argparse.Namespace, reader: Reader) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_until_told, nursery.cancel_scope)
        if args.listen is not None:
            nursery.start_soon(reader.count)
            listeners = await trio.open_tcp_listeners(args.listen, host=HOST)
            port = listeners[0].socket.getsockname()[1]
            nursery.start_soon(partial(trio.serve_listeners, Server(reader.text).talk, listeners))
            say(f"http://{HOST}:{port}{PATH}")
        if args.textfile is not None:
            nursery.start_soon(keep, args.textfile, args.every, reader.text)


async def _until_told(scope: trio.CancelScope) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            scope.cancel()
            return


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [leaf for each in group.exceptions for leaf in (_leaves(each) if isinstance(each, BaseExceptionGroup) else [each])]


def say(words: str) -> None:
    """A line for the journal."""
    sys.stdout.write(f"{plain(words)}\n")
    sys.stdout.flush()


def _duration(text: str) -> float:
    try:
        return durations.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not {error}") from error


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= MOST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 0 to {MOST_PORT}")
