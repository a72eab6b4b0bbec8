"""The program: `wagman metrics`."""

import argparse

from wagman.bridges.metrics import showing
from wagman.bridges.metrics.reading import Reader
from wagman.bridges.programs import say
from wagman.client.blocking import SOCKET, default_socket


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    showing.add_arguments(parser)
    parser.add_argument(
        "--socket", metavar="PATH", default=default_socket(), help=f"the service's socket (default: $WAGMAN_SOCKET, or {SOCKET})"
    )


def run(args: argparse.Namespace) -> int:
    """Print the metrics once, or serve them until told to end.

    Raises:
        ClientError: they were to be printed once, and the service does not answer.
    """
    reader = Reader(args.socket, say)
    return showing.show(args, "wagman metrics", reader, () if args.listen is None else (reader.count,))
