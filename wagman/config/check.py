"""`wagman check-config FILE`: every error with its key and line, not only the first."""

import sys
from collections.abc import Callable

from wagman.config.load import load
from wagman.config.schema import Config
from wagman.errors import ConfigError


def run(path: str, judge: Callable[[Config], object]) -> int:
    """Judge the file at `path`, say what was found, and return the exit code: 0, or 2 where something is wrong.

    Args:
        path: of the file.
        judge: the service's own; raises ConfigError where a configuration cannot be used on this machine.
    """
    try:
        config = load(path)
        judge(config)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{path}: ok, {_summary(config)}")
    return 0


def _summary(config: Config) -> str:
    guests = [f"{guest.name} on port {guest.port}" for guest in config.guests]
    counted = f"{len(guests)} guest{'' if len(guests) == 1 else 's'}"
    return f"{counted} ({', '.join(guests)})" if guests else counted
