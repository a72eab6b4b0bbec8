"""`wagman check-config`: every error with its key and line, not only the first, and what the service's user may not read."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from wagman.config.as_user import Account, service_account
from wagman.config.load import load
from wagman.config.schema import Config
from wagman.errors import ConfigError


def run(path: str, judge: Callable[[Config], object], own: str = "") -> int:
    """Judge the file at `path`, say what was found, and return the exit code: 0, or 2 where something is wrong.

    Args:
        path: of the file.
        judge: the service's own; raises ConfigError where a configuration cannot be used on this machine.
        own: the file that the service goes by. What its user cannot read of that is an error, of any other file a warning.
    """
    account = service_account()
    try:
        config = load(path)
        judge(config)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    unreadable = _unreadable(path, account)
    if unreadable and Path(path).absolute() == Path(own):
        print(*unreadable, file=sys.stderr)
        return 2
    for warning in (*unreadable, *_unusable(config, account)):
        print(f"warning: {warning}", file=sys.stderr)
    print(f"{path}: ok, {_summary(config)}")
    return 0


def _unreadable(path: str, account: Account | None) -> tuple[str, ...]:
    """That the service's user cannot read the file, if it is so: whoever asks may be root."""
    if account is None or account.may(path, os.R_OK) is not False:
        return ()
    where = account.obstacle(path)
    return (f"{path}: the service's user {account.name} may not read it: chgrp {account.name} {where}; chmod g+rX {where}",)


def _unusable(config: Config, account: Account | None) -> Iterator[str]:
    """What is there of the service's state, and its user cannot write."""
    state = Path(config.service.state_dir)
    for place in (state, state / "wagman.db", state / "wagman.db-wal"):
        if account is not None and place.exists() and account.may(place, os.R_OK | os.W_OK) is False:
            yield f"service.state_dir: the service's user {account.name} may not write {place}: chown {account.name}: {place}"


def _summary(config: Config) -> str:
    guests = [f"{guest.name} on port {guest.port}" for guest in config.guests]
    counted = f"{len(guests)} guest{'' if len(guests) == 1 else 's'}"
    return f"{counted} ({', '.join(guests)})" if guests else counted
