"""`wagman check-config FILE`: every error with its key and line, not only the first."""

import sys

from wagman.config.load import load
from wagman.config.schema import Config
from wagman.errors import ConfigError


def run(path: str) -> int:
    """Judge the file at `path`, say what was found, and return the exit code: 0, or 2 where something is wrong."""
    try:
        config = load(path)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{path}: ok, {_summary(config)}")
    return 0


def _summary(config: Config) -> str:
    guests = [f"{guest.name} on port {guest.port}" for guest in config.guests]
    counted = f"{len(guests)} guest{'' if len(guests) == 1 else 's'}"
    return f"{counted} ({', '.join(guests)})" if guests else counted
