"""`wagman hibernate` and `wagman wake`: take all guests down until somebody wakes them."""

import json
import os
import sys
from argparse import ArgumentParser, Namespace

from wagman.cli.connection import add_socket_argument
from wagman.cli.names import expanded
from wagman.cli.outcome import DONE, REFUSED, USAGE, CommandError
from wagman.client.blocking import Client
from wagman.model.words import plain


def add_arguments(parser: ArgumentParser, command: str) -> None:
    """Add the arguments of the command."""
    if command == "hibernate":
        parser.add_argument("--reason", required=True, metavar="TEXT", help="the reason, for people who look at it later")
        parser.add_argument(
            "--keep",
            action="append",
            default=[],
            metavar="GUEST",
            help="a guest that goes on running; may be given several times",
        )
        parser.add_argument("--yes", action="store_true", help="do not ask me whether I am sure")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_socket_argument(parser)


def run(args: Namespace) -> int:
    """Give the order, and print the answer."""
    with Client(args.socket) as client:
        if args.command == "hibernate":
            status = client.call("status")
            keep = expanded(args.keep, status) if args.keep else []
            _confirm(args, [row["name"] for row in status["devices"] if not row["self"] and row["name"] not in keep])
            reply = client.call("hibernate", reason=args.reason, keep=keep)
        else:
            reply = client.call("wake")
    if not reply["accepted"]:
        raise CommandError(f"refused: {reply['reason']}", REFUSED)
    print(json.dumps(reply) if args.json else plain(reply["reason"]))
    return DONE


def _confirm(args: Namespace, names: list[str]) -> None:
    """Ask before guests are taken down: somebody who came in over one of them would be locked out.

    Raises:
        CommandError: the answer is not yes, or nobody can be asked over ssh and `--yes` is missing.
    """
    question = (
        f"Take down {', '.join(names)}? Nothing starts them again but wagman wake: "
        "who came in over one of them, a modem perhaps, is locked out."
    )
    if args.yes or not names:
        return
    if sys.stdin.isatty():
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise CommandError("nothing was done: answer y, or keep one with --keep", REFUSED)
    elif "SSH_CONNECTION" in os.environ:
        raise CommandError(
            f"nothing was done, because there is no terminal to ask on: {question} If so: the same with --yes", USAGE
        )
