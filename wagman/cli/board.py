"""`wagman board`: send the board a raw command, and print its answer."""

import json
from argparse import ArgumentParser, Namespace

from wagman.cli.connection import add_socket_argument
from wagman.cli.outcome import DONE
from wagman.client.blocking import Client
from wagman.model.words import plain

ANSWER_S = 30.0
"""How long the answer may take, including the service's own time-out (chosen)."""


def add_arguments(parser: ArgumentParser, _command: str) -> None:
    """Add the arguments of the command."""
    parser.add_argument("words", nargs="+", metavar="COMMAND", help="the words of the raw command, such as: hb")
    parser.add_argument("--board", metavar="BOARD", help="name of the board (default: the first that takes raw commands)")
    parser.add_argument("--force", action="store_true", help="send the command although it may work against the service")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_socket_argument(parser)


def run(args: Namespace) -> int:
    """Send the command, and print the answer."""
    command = " ".join(args.words)
    with Client(args.socket) as client:
        client.call("hello")  # finds a service that hangs sooner than the slow board command would
        which = {} if args.board is None else {"board": args.board}  # which an older service does not know
        answer = client.call("board", within_s=ANSWER_S, command=command, force=args.force, **which)
    if args.json:
        print(json.dumps({"command": command, "lines": answer["lines"]}))
    else:
        for line in answer["lines"]:
            print(plain(line))
    return DONE
