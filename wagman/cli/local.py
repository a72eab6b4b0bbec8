"""The commands that run something here, instead of talking to the service; what they run is imported when they are called."""

from argparse import ArgumentParser, Namespace
from importlib import import_module

from wagman.cli.outcome import USAGE, CommandError

CONFIG = "/etc/wagman/wagman.toml"

HOMES = {
    "run": "wagman.daemon",
    "demo": "wagman.demo",
    "fake-board": "wagman.io.fake.process",
    "simulate": "wagman.simulation",
}
"""Modules with a `run(args) -> exit code`."""


def add_arguments(parser: ArgumentParser, command: str) -> None:
    """What the command takes."""
    match command:
        case "run":
            parser.add_argument("--config", metavar="FILE", default=CONFIG, help="configuration file (default: %(default)s)")
            parser.add_argument("--speed", type=speed, default=1.0, metavar="N", help="run the clock N times faster; for ptys only")
        case "demo":
            parser.add_argument("--speed", type=speed, default=20.0, metavar="N", help="times faster (default: %(default)g)")
            parser.add_argument("--scenario", metavar="NAME", help="what is shown (default: the whole tour)")
            parser.add_argument("--dialect", choices=("v3", "v4"), default="v3", help="what the board speaks (default: %(default)s)")
        case "fake-board":
            import_module(HOMES[command]).add_arguments(parser)
        case "check-config":
            parser.add_argument("file", metavar="FILE")
        case "simulate":
            parser.add_argument("--days", type=days, default=1.0, metavar="N", help="for how long (default: %(default)g)")
            parser.add_argument("--seed", type=int, default=1, metavar="S", help="of all that is random (default: %(default)s)")
            parser.add_argument("--faults", metavar="PROFILE", help="which faults happen, and how often")
            parser.add_argument("--config", metavar="FILE", help="configuration file (default: one made for the purpose)")


def run(args: Namespace) -> int:
    """Run it."""
    if args.command == "check-config":
        return int(import_module("wagman.config.check").run(args.file))
    return int(import_module(HOMES[args.command]).run(args))


def speed(text: str) -> float:
    """A factor that a clock can be run with."""
    return _positive(text, "--speed")


def days(text: str) -> float:
    """A length of time."""
    return _positive(text, "--days")


def _positive(text: str, option: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise CommandError(f"{option} must be a number above 0, not {text!r}", USAGE)
    return value
