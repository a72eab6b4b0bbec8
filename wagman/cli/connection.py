"""Where the service is: an option that all commands share which talk to it."""

from argparse import ArgumentParser

from wagman.client.blocking import SOCKET, default_socket


def add_socket_argument(parser: ArgumentParser) -> None:
    """Where the service is."""
    parser.add_argument(
        "--socket",
        metavar="PATH",
        default=default_socket(),
        help=f"the service's socket (default: $WAGMAN_SOCKET, or {SOCKET})",
    )
