"""The program `wagman notify`, with `--check` and `--test` for setting it up."""

import argparse
import errno
import fcntl
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import trio

from wagman.bridges.notify.alive import Caller
from wagman.bridges.notify.config import CONFIG, Destination, NotifyConfig, load
from wagman.bridges.notify.courier import Courier
from wagman.bridges.notify.memory import File, Memory
from wagman.bridges.notify.message import trial
from wagman.bridges.notify.plan import Plan
from wagman.bridges.notify.rules import Moment
from wagman.bridges.notify.sinks import Apprise, Command, Sink, trouble
from wagman.bridges.notify.watch import Watch
from wagman.bridges.programs import leaves, say
from wagman.cli.text import local
from wagman.client.errors import ClientError
from wagman.model.errors import ConfigError
from wagman.model.words import user_name

DONE, FAILED, USAGE, REFUSED = 0, 1, 2, 4
"""Exit codes, the same as those of the other commands."""

TAKES_NOTHING = frozenset({errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO})
"""The errors of a disk that is full, broken, or read-only since it broke: people are told all the same."""

HINT = 'give it read_group = "wagman-read" in [service] of /etc/wagman/wagman.toml, then systemctl restart wagman'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add = parser.add_argument
    add("--config", metavar="FILE", default=CONFIG, help="configuration file (default: %(default)s)")
    add("--check", action="store_true", help="only show the errors in the file")
    add("--test", metavar="NAME", nargs="?", const="", help="send a test message to every destination, or to that one, and end")


def run(args: argparse.Namespace) -> int:
    """Tell people until the program is told to end."""
    try:
        config = load(args.config, trouble)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    if args.check:
        names = ", ".join(each.name for each in config.destinations)
        sys.stdout.write(f"{args.config}: ok, to be told: {names}\n")
        return DONE
    if args.test is not None:
        return _test(config, args.test)
    directory = config.program.state_dir
    try:
        return _serve(config)
    except BlockingIOError:
        sys.stderr.write(f"wagman notify: another one tells people already, and keeps what it told in {directory}\n")
    except OSError as error:
        sys.stderr.write(f"wagman notify: {directory}: {error.strerror or error}\n")
    return FAILED


# --- A test -----------------------------------------------------------------------------------------------------------


def _test(config: NotifyConfig, name: str) -> int:
    chosen = [each for each in config.destinations if name in ("", each.name)]
    if not chosen:
        known = ", ".join(each.name for each in config.destinations)
        sys.stderr.write(f"wagman notify: there is no destination {name!r}: there is {known}\n")
        return USAGE
    return trio.run(_try, config.program.called, chosen)


async def _try(node: str, destinations: Sequence[Destination]) -> int:
    """Send the test message to one destination after the other; each delivery is bounded."""
    failed = False
    for each in destinations:
        reason = await sink(each).deliver(trial(node, "test"))
        failed = failed or reason is not None
        say(f"{each.name}: taken, look whether it arrives" if reason is None else f"{each.name}: not delivered: {reason}")
    return FAILED if failed else DONE


# --- The program ------------------------------------------------------------------------------------------------------


def _serve(config: NotifyConfig) -> int:
    directory = Path(config.program.state_dir)
    refusals = list[str]()
    with _alone(directory):
        try:
            trio.run(_run, config, directory)
        except* ClientError as errors:
            refusals += map(str, leaves(errors))
    if refusals:
        sys.stderr.write(f"wagman notify: {refusals[0]}; {HINT}\n")
    return REFUSED if refusals else DONE


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Be the only one who keeps what it told in that directory; raises BlockingIOError if another does, or another OSError.

    The lock is that of the directory, because a disk that takes nothing has no room for a file of its own.
    """
    try:
        directory.mkdir(0o700, parents=True, exist_ok=True)
    except OSError as error:
        if error.errno not in TAKES_NOTHING:
            raise
        say(f"{directory} cannot be made, so what is told is not written down: {error.strerror}")
        yield
        return
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(lock)


async def _run(config: NotifyConfig, directory: Path) -> None:
    watch = Watch(config.program.socket)
    couriers = [courier(config, each, directory, watch) for each in config.destinations]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_until_told, nursery.cancel_scope, couriers)
        await watch.look()
        nursery.start_soon(watch.run)
        for each in couriers:
            nursery.start_soon(each.run)
        if config.alive is not None:
            nursery.start_soon(Caller(config.alive, lambda: obstacle(config, watch, couriers), say).run)


async def _until_told(scope: trio.CancelScope, couriers: Sequence[Courier]) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            for each in couriers:
                each.leave()
            scope.cancel()
            return


def courier(config: NotifyConfig, to: Destination, directory: Path, watch: Watch) -> Courier:
    """Make the courier of a destination, with what it remembers."""
    file = File(directory / f"{to.name}.json")
    memory = Memory(Plan(to.rules, user_name))
    try:
        data = file.read()
        if data is not None:
            memory.restore(data)
    except (OSError, ValueError) as error:
        say(f"{to.name}: what was told is not known any more: {error}; {file.set_aside()}")
        memory.plan.missed("what was told before is not known any more", wall())
    return Courier(to.name, config.program.called, config.program.socket, sink(to), memory, file, watch, wall, local, say)


def sink(to: Destination) -> Sink:
    """Make the way to a destination."""
    return Command(to.command) if to.url is None else Apprise(to.url)


def obstacle(config: NotifyConfig, watch: Watch, couriers: Sequence[Courier]) -> str | None:
    """Return what is not well; None if all is well."""
    if watch.problems is None:
        return "the service does not answer"
    if watch.is_critical and not (config.alive is not None and config.alive.pulse.despite_problems):
        return "something critical stands"
    stuck = [each.name for each in couriers if each.is_stuck]
    return f"{', '.join(stuck)} cannot be told" if stuck else None


# --- Doors to the outside ---------------------------------------------------------------------------------------------


def wall() -> Moment:
    """Return the present moment."""
    now = datetime.now().astimezone()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Moment(now.timestamp(), (now - midnight).total_seconds())
