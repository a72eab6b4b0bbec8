"""`wagman check-config`: every error with its key and line, and what the service's user may not read."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from wagman.config.as_user import SEARCH_PATH, Account, account_of, service_account
from wagman.config.load import Place, advice, commands, load, placed, read_files
from wagman.config.runnable import trouble, unread
from wagman.config.schema import Config
from wagman.config.whole import BESIDE, files
from wagman.model.errors import ConfigError, StoreError
from wagman.model.words import counted


class Difference(Protocol):
    """A difference between a board and what the file says of it."""

    @property
    def place(self) -> Place:
        """The key of the file that differs."""
        ...

    @property
    def message(self) -> str:
        """The difference in words."""
        ...

    @property
    def is_wrong(self) -> bool:
        """Whether the difference is an error."""
        ...


def run(  # noqa: PLR0913, PLR0917 - each asks another one
    path: str,
    judge: Callable[[Config], object],
    own: str = "",
    user: str | None = None,
    remember: Callable[[Config], Iterable[str]] = lambda _: (),
    ask: Callable[[Config], Sequence[Difference]] = lambda _: (),
) -> int:
    """Judge the file at `path`, print the findings, and return the exit code.

    The exit code is 0 if nothing is wrong, 2 if the file is wrong, and 1 if the file is right and a board is not as it says.

    Args:
        path: the file.
        judge: the service's own check; raises ConfigError if a configuration cannot be used on this machine.
        own: the file that the service uses. If its user cannot read this one, that is an error; for any other file, a warning.
        user: the user whose rights count, instead of the service's user.
        remember: tells what the file makes of earlier decisions; raises StoreError if these cannot be read.
        ask: asks the boards how they differ from the file.
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
    for warning in (*advice(path), *_unrunnable(path, account), *_unread(path, account)):
        print(warning, file=sys.stderr)
    try:
        told = list(remember(config))
    except StoreError as error:
        print(error, file=sys.stderr)
        return 2
    differing = ask(config)
    for line in placed(path, [(each.place, each.message) for each in differing]):
        print(line, file=sys.stderr)
    is_wrong = any(each.is_wrong for each in differing)
    print(f"{path}: {'right in itself' if is_wrong else 'ok'}, {_summary(config)}", *told, sep="\n")
    return 1 if is_wrong else 0


def _unreadable(path: str, account: Account | None) -> tuple[str, ...]:
    """The files that the service's user cannot read; whoever runs this command may be root."""
    return tuple(_barred(account, each, mode) for each, mode in _looked_at(path) if account and account.may(each, mode) is False)


def _looked_at(path: str) -> Iterator[tuple[str, int]]:
    """The files and the directory beside the first, each with the rights that are needed."""
    main, *more = files(path)
    yield main, os.R_OK
    if (beside := Path(path).parent / BESIDE).exists():
        yield str(beside), os.R_OK | os.X_OK
    yield from ((each, os.R_OK) for each in more)


def _barred(account: Account, path: str, mode: int) -> str:
    where = account.obstacle(path) if mode == os.R_OK else path
    return f"{path}: the service's user {account.name} may not read it: chgrp {account.name} {where}; chmod g+rX {where}"


def _unusable(config: Config, account: Account | None) -> Iterator[str]:
    """What stands where the service keeps its state or makes its socket, and is in the way; and what its user cannot write."""
    socket, state = Path(config.service.socket), Path(config.service.state_dir)
    if file := _no_folder(state):
        yield f"service.state_dir: {file} is no folder, so that nothing can be kept: name a folder"
    if file := _no_folder(socket.parent):
        yield f"service.socket: {file} is no folder, so that no socket can be made in it: name a folder"
    elif os.path.exists(socket) and not socket.is_socket():  # noqa: PTH110
        yield f"service.socket: {socket} is there, and no socket, so that the service will not start: give the socket another"
    for place in (state, state / "wagman.db", state / "wagman.db-wal"):
        if account is not None and os.path.exists(place) and account.may(place, os.R_OK | os.W_OK) is False:  # noqa: PTH110
            yield f"service.state_dir: the service's user {account.name} may not write {place}: chown {account.name}: {place}"


def _no_folder(place: Path) -> Path | None:
    """What stands where a folder is to be, or is to be made; None: nothing."""
    return next((each for each in (place, *place.parents) if os.path.exists(each) and not os.path.isdir(each)), None)  # noqa: PTH110, PTH112


def _unrunnable(path: str, account: Account | None) -> Sequence[str]:
    """A line with its place for each command that cannot work, and would otherwise be found out in an emergency."""
    found = commands(path)
    whose, troubles = _troubles(list(found.values()), account)
    wrong = zip(found, troubles, strict=True)
    return placed(path, [(place, f"warning: for {whose}, {why}") for place, why in wrong if why is not None])


def _unread(path: str, account: Account | None) -> Sequence[str]:
    """A line with its place for each file that cannot be read: a board or an ear would be found to be deaf later."""
    found = read_files(path)
    told = account.ask(lambda: [unread(file) for file in found.values()]) if account else None
    whose = "whoever runs this" if account is None or told is None else f"the user {account.name}"
    why_not = [unread(file) for file in found.values()] if told is None else told
    wrong = zip(found, why_not, strict=True)
    return placed(path, [(place, f"warning: for {whose}, {why}") for place, why in wrong if why is not None])


def _troubles(asked: Sequence[Sequence[str]], account: Account | None) -> tuple[str, Sequence[str | None]]:
    """Whose rights counted, and what is in the way of each command. Our own rights count if nobody else's can be asked for."""
    told = account.ask(lambda: [trouble(command, SEARCH_PATH) for command in asked]) if account else None
    if account is None or told is None:
        return "whoever runs this", [trouble(command, os.environ.get("PATH", os.defpath)) for command in asked]
    return f"the user {account.name}", told


def _summary(config: Config) -> str:
    several = len(config.boards) > 1
    guests = [f"{guest.name} on port {guest.port}{f' of {guest.board}' if several else ''}" for guest in config.guests]
    number = counted(len(guests), "guest")
    return f"{number} ({', '.join(guests)})" if guests else number
