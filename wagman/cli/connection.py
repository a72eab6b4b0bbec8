"""The option with the path of the service's socket, shared by all commands that talk to the service."""

from argparse import ArgumentParser

from wagman.client.blocking import SOCKET, default_socket


def add_socket_argument(parser: ArgumentParser) -> None:
    """Add the option with the path of the service's socket."""
    parser.add_argument(
        "--socket",
        metavar="PATH",
        default=default_socket(),
        help=f"the service's socket (default: $WAGMAN_SOCKET, or {SOCKET})",
    )
