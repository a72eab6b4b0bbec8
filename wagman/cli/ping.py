"""`wagman ping`: a heartbeat given by a program or a person."""

import json
from argparse import ArgumentParser, Namespace

from wagman.cli.connection import add_socket_argument
from wagman.cli.goals import Outcome, exit_code
from wagman.cli.names import expanded
from wagman.cli.outcome import DONE, complain
from wagman.client.blocking import Client
from wagman.model.words import plain


def add_arguments(parser: ArgumentParser, _command: str) -> None:
    """Add the arguments of the command."""
    parser.add_argument("device", metavar="GUEST", help="name or port number")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_socket_argument(parser)


def run(args: Namespace) -> int:
    """Give the heartbeat."""
    with Client(args.socket) as client:
        names = expanded([args.device], client.call("status"))
        outcomes = [_beat(client, name) for name in names]
    if args.json:
        print(json.dumps([outcome._asdict() for outcome in outcomes]))
    for outcome in outcomes:
        _report(outcome, quiet=args.json)
    return exit_code(outcomes)


def _beat(client: Client, name: str) -> Outcome:
    reply = client.call("heartbeat", device=name)
    return Outcome(name, "done" if reply["accepted"] else "refused", reply["state"], reason=reply["reason"])


def _report(outcome: Outcome, *, quiet: bool) -> None:
    if outcome.code != DONE:
        complain(plain(f"{outcome.device}: refused: {outcome.reason}"))
    elif not quiet:
        print(plain(f"{outcome.device}: {outcome.reason}"))
