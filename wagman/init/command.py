"""The command `init`: where the file goes, and what to type next."""

import argparse
import sys
from pathlib import Path

from wagman.cli.outcome import FAILED, REFUSED, USAGE, CommandError
from wagman.config.installer import BY_COMMAND, is_packaged
from wagman.init import flags, questions
from wagman.init.flags import add_arguments
from wagman.init.plan import Plan
from wagman.init.text import checked
from wagman.init.words import WordError

__all__ = ["add_arguments", "next_steps", "write"]


def write(args: argparse.Namespace) -> str:
    """Write the file, and return its path.

    Raises:
        CommandError: it was not written.
    """
    path = Path(args.output)
    if path.exists() and not args.force:
        raise CommandError(f"{path} is there already: --force writes over it, -o writes another file", REFUSED)
    text = _text(_planned(args))
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("w" if args.force else "x", encoding="utf-8") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}", FAILED) from None
    return str(path)


def _planned(args: argparse.Namespace) -> Plan:
    if args.board is None and not args.guest and sys.stdin.isatty():
        return questions.planned()
    return flags.planned(args)


def _text(plan: Plan) -> str:
    try:
        return checked(plan)
    except WordError as error:
        raise CommandError(f"nothing was written: {error}", USAGE) from None


def next_steps(path: str, installed: str) -> str:
    """Return what to type next; `installed` is the file that the installed service reads."""
    if Path(path).absolute() == Path(installed):
        install = "" if is_packaged() else f"{BY_COMMAND}, "
        return f"next: wagman check-config --ask, wagman probe; then {install}systemctl restart wagman"
    return f"next: wagman check-config --ask {path}, wagman probe --config {path}; then wagman run --config {path}"
