"""The arguments of `wagman init`, and a plan from them."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from wagman.cli.outcome import USAGE, CommandError
from wagman.config.registry import BOARDS, EARS
from wagman.init import specs
from wagman.init.plan import Plan
from wagman.init.words import WordError

FILE = "wagman.toml"

T = TypeVar("T")


class _SetsKeyOfGuest(argparse.Action):
    """An option that sets a key of the guest named before it on the command line."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        value: str | Sequence[Any] | None,
        option: str | None = None,
    ) -> None:
        if not namespace.guest:
            parser.error(f"{option} stands behind the --guest whose it is")
        namespace.guest[-1] = f"{namespace.guest[-1]},{self.dest}={value}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add = parser.add_argument
    add(
        "--board",
        metavar="KIND=WHERE,KEY=VALUE,...",
        help=f"what switches the power, with any keys of its table; kinds: {', '.join(BOARDS.built_in)}",
    )
    add(
        "--guest",
        metavar="NAME,port=PORT,HOW=WHERE,...",
        action="append",
        default=[],
        help=f"a guest, and how it is heard: {', '.join(EARS.built_in)}; may be given several times",
    )
    add(
        "--shutdown",
        metavar="COMMAND",
        action=_SetsKeyOfGuest,
        default=argparse.SUPPRESS,
        help="the command that asks the guest named before it to halt; '' to have its power cut without asking",
    )
    add(
        "--witness",
        metavar="HOW=WHERE",
        action="append",
        default=[],
        help="who answers as long as the network works, and is no guest (default: the board, if it is in the network)",
    )
    add("-o", "--output", metavar="FILE", default=FILE, help="the file to write (default: %(default)s)")
    add("--force", action="store_true", help="overwrite the file if it exists")


def planned(args: argparse.Namespace) -> Plan:
    """Return the plan that the flags describe.

    Raises:
        CommandError: something is missing, or makes no sense.
    """
    if args.board is None or not args.guest:
        raise CommandError("give both --board and --guest; or, on a terminal, neither, and you are asked", USAGE)
    plan = Plan(
        _read("--board", specs.board, args.board),
        tuple(_read("--guest", specs.guest, each) for each in args.guest),
        tuple(_read("--witness", specs.ear, each) for each in args.witness),
    ).completed()
    for guest in plan.guests:
        if "shutdown" not in guest.values and guest.values.get("self") is not True:
            raise CommandError(
                f"--guest {guest.name}: say which command asks it to halt, as in --shutdown 'ssh {guest.name} poweroff'; "
                "--shutdown '' to have its power cut without asking",
                USAGE,
            )
    if plan.is_networked and not plan.witnesses:
        raise CommandError("say who shows that the network works, as in --witness ping=192.168.1.1", USAGE)
    return plan


def _read(flag: str, read: Callable[[str], T], text: str) -> T:
    try:
        return read(text)
    except WordError as error:
        raise CommandError(f"{flag} {text}: {error}", USAGE) from None
