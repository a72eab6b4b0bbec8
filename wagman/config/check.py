"""`wagman check-config`: every error with its key and line, not only the first, and what the service's user may not read."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from wagman.config.as_user import SEARCH_PATH, Account, account_of, service_account
from wagman.config.load import advice, load, placed
from wagman.config.positions import Path as Key
from wagman.config.runnable import trouble
from wagman.config.schema import Config
from wagman.model.errors import ConfigError, StoreError


def run(
    path: str,
    judge: Callable[[Config], object],
    own: str = "",
    user: str | None = None,
    remember: Callable[[Config], Iterable[str]] = lambda _: (),
) -> int:
    """Judge the file at `path`, say what was found, and return the exit code: 0, or 2 where something is wrong.

    Args:
        path: of the file.
        judge: the service's own; raises ConfigError where a configuration cannot be used on this machine.
        own: the file that the service goes by. What its user cannot read of that is an error, of any other file a warning.
        user: whose rights count, instead of the service's user's.
        remember: says what the file makes of what was decided before; raises StoreError where that cannot be read.
    """
    account = service_account() if user is None else account_of(user)
    if user is not None and account is None:
        print(f"there is no user {user!r} on this machine", file=sys.stderr)
        return 2
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
    for warning in (*advice(path), *_unrunnable(path, config, account)):
        print(warning, file=sys.stderr)
    try:
        told = list(remember(config))
    except StoreError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{path}: ok, {_summary(config)}", *told, sep="\n")
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


def _unrunnable(path: str, config: Config, account: Account | None) -> Sequence[str]:
    """A line with its place for each command that cannot work: it would be found out when a guest has to be asked to halt."""
    commands = dict(_commands(config))
    whose, found = _troubles(list(commands.values()), account)
    wrong = {key: why for key, why in zip(commands, found, strict=True) if why is not None}
    return placed(path, {key: f"warning: for {whose}, {why}" for key, why in wrong.items()})


def _troubles(commands: Sequence[Sequence[str]], account: Account | None) -> tuple[str, Sequence[str | None]]:
    """Whose rights counted, and what is in the way of each command; ours, where nobody else's can be asked for."""
    told = account.ask(lambda: [trouble(command, SEARCH_PATH) for command in commands]) if account else None
    if account is None or told is None:
        return "whoever runs this", [trouble(command, os.environ.get("PATH", os.defpath)) for command in commands]
    return f"the user {account.name}", told


def _commands(config: Config) -> Iterator[tuple[Key, Sequence[str]]]:
    for guest in config.guests:
        if guest.shutdown:
            yield ("device", guest.name, "shutdown"), guest.shutdown
        if guest.restart and guest.restart != guest.shutdown:
            yield ("device", guest.name, "restart"), guest.restart
    for name, gauge in config.environment.gauges.items():
        yield ("environment", name, "command"), gauge.command


def _summary(config: Config) -> str:
    several = len(config.boards) > 1
    guests = [f"{guest.name} on port {guest.port}{f' of {guest.board}' if several else ''}" for guest in config.guests]
    counted = f"{len(guests)} guest{'' if len(guests) == 1 else 's'}"
    return f"{counted} ({', '.join(guests)})" if guests else counted
