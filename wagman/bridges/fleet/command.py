"""`wagman fleet ...`: the bridge on a node, and the commands for those who look after many nodes."""

import argparse
import fcntl
import os
import random
import secrets
import signal
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import trio

from wagman.bridges.fleet import table, tail
from wagman.bridges.fleet.archive import Database, Lines
from wagman.bridges.fleet.ask import Asking
from wagman.bridges.fleet.bridge import Bridge
from wagman.bridges.fleet.broker import LinkError, words_of
from wagman.bridges.fleet.collect import Collector, Intake
from wagman.bridges.fleet.config import CONFIG, FleetConfig, load
from wagman.bridges.fleet.kinds import OFTEN, ORDERS
from wagman.bridges.fleet.ledger import Ledger
from wagman.bridges.fleet.link import connected
from wagman.bridges.fleet.signing import look_at_key
from wagman.bridges.fleet.tallying import Books
from wagman.bridges.metrics import showing
from wagman.bridges.programs import duration, leaves, say
from wagman.cli.outcome import DONE, UNREACHABLE, USAGE, CommandError, complain
from wagman.client.errors import ClientError
from wagman.model.errors import ConfigError

HINT = 'give it read_group = "wagman-read" in [service] of /etc/wagman/wagman.toml, then systemctl restart wagman'

ROOM = "the bridge keeps its ledger there: it needs room on that disk, and the right to write there (state_dir in [service])"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    commands = parser.add_subparsers(dest="what", metavar="WHAT", required=True, parser_class=_Parser, help="what is run")
    bridge = _command(commands, "bridge", "on a node: send the node's events to the broker, until told to end")
    bridge.add_argument("--check", action="store_true", help="only show the errors in the file, and try the broker once")
    collect = _command(commands, "collect", "receive the events of all nodes, and ask for missing ones, until told to end")
    where = collect.add_mutually_exclusive_group(required=True)
    where.add_argument("--sqlite", metavar="FILE", help="keep the events in this database")
    where.add_argument("--ndjson", action="store_true", help="print the events as lines of JSON")
    status = _command(
        commands, "status", "print a row for each node, the worst first; exit code 1 if anything calls for a person"
    )
    status.add_argument(
        "nodes", nargs="*", metavar="NODE", help="only these nodes: names, or patterns such as 'v0*' (default: all)"
    )
    status.add_argument("--json", action="store_true", help="print one JSON document")
    status.add_argument("--sqlite", metavar="FILE", help="read a collector's database instead of asking the broker")
    events = _command(commands, "events", "print the events of the nodes as they happen, until interrupted")
    events.add_argument(
        "nodes", nargs="*", metavar="NODE", help="only these nodes: names, or patterns such as 'v0*' (default: all)"
    )
    events.add_argument(
        "-n", "--number", type=_count, metavar="N", help=f"show at most N events (with --sqlite, default: {tail.LAST})"
    )
    events.add_argument("--sqlite", metavar="FILE", help="read a collector's database instead of the broker")
    events.add_argument("-f", "--follow", action="store_true", help="with --sqlite: go on with new events")
    metrics = _command(
        commands, "metrics", "show the figures of all nodes to Prometheus, from a collector's database", has_file=False
    )
    metrics.add_argument("--sqlite", metavar="FILE", required=True, help="the collector's database")
    showing.add_arguments(metrics)
    _add_do(commands)
    form = events.add_mutually_exclusive_group()
    form.add_argument("--plain", action="store_true", help="print a sentence for each event, instead of its type and fields")
    form.add_argument("--json", action="store_true", help="print one JSON object per line")


def _add_do(commands: Any) -> None:
    do = _command(
        commands,
        "do",
        "give an order to nodes, one after the other; exit code 1 where one did not accept it, 3 where the broker takes none",
    )
    do.add_argument("verb", choices=ORDERS, help="the order to give")
    do.add_argument("device", metavar="GUEST", help="the name of the guest")
    do.add_argument("nodes", nargs="+", metavar="NODE", help="names, or patterns such as 'v0*'")
    do.add_argument(
        "--within",
        type=duration,
        dest="within_s",
        default=30.0,
        metavar="TIME",
        help="carry the order out within this time, or not at all (default: 30s)",
    )
    do.add_argument(
        "--rate",
        type=_every,
        dest="every_s",
        default=6.0,
        metavar="N/TIME",
        help="at most N nodes in this time (default: 10/min)",
    )
    do.add_argument(
        "--abort-after", type=_count, default=3, metavar="N", help="stop once so many nodes failed (default: %(default)s)"
    )
    do.add_argument(
        "--sign",
        metavar="KEY",
        help="sign each order with this SSH key: its file, or the file of the public key if ssh-agent has the private one",
    )
    do.add_argument("--force", action="store_true", help="give the order with --force, as the command of that name takes it")
    do.add_argument("--yes", action="store_true", help="do not ask me whether I am sure")


class _Parser(argparse.ArgumentParser):
    """A parser that reports errors in one line, as the other commands do."""

    def error(self, message: str) -> Any:
        raise CommandError(f"{message}; see {self.prog} --help", USAGE)


def _command(commands: Any, name: str, summary: str, *, has_file: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=f"{summary}.", allow_abbrev=False)
    if has_file:
        parser.add_argument("--config", metavar="FILE", default=CONFIG, help="configuration file (default: %(default)s)")
    return parser


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):  # noqa: PLR2004 - a hundred times what a log holds
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of events")
    return int(text)


def _every(text: str) -> float:
    try:
        count, seconds = OFTEN.read(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not {error}") from None
    return float(seconds / count)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    try:
        return _ran(args)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    except LinkError as error:
        raise CommandError(str(error), UNREACHABLE) from error
    except sqlite3.Error as error:
        raise CommandError(f"{args.sqlite}: {error}") from error


def _ran(args: argparse.Namespace) -> int:
    """Run the command; one error from nurseries, which make groups of it, is raised as the error that it is."""
    try:
        return _RUN[args.what](args)
    except BaseExceptionGroup as group:
        error, *more = leaves(group)
        if more:
            raise
        raise error from group


# --- On a node --------------------------------------------------------------------------------------------------------


def _bridge(args: argparse.Namespace) -> int:
    config = load(args.config, "node")
    if config.orders is not None and config.signers is not None:
        trio.run(config.signers.check, config.orders.whom)
    if args.check:
        trio.run(_try, config)
        print(f"{args.config}: ok, and {config.endpoint.address} lets us in")
        return DONE
    path = Path(config.service.state_dir) / "ledger.db"
    try:
        with _alone(path.parent), closing(_ledger(path)) as ledger:
            bridge = Bridge(config, ledger, now, time.time, jitter, say)
            _run_until_told(bridge.run, bridge.is_ending)
    except* ClientError as errors:
        raise CommandError(f"{next(leaves(errors))}; {HINT}", 4) from errors
    except* sqlite3.Error as errors:
        raise CommandError(f"{path}: {next(leaves(errors))}; {ROOM}") from errors
    return DONE


def _ledger(path: Path) -> Ledger:
    """Open the ledger; raises sqlite3.Error, or CommandError if a damaged one cannot be set aside."""
    try:
        return Ledger(path, time.time())
    except OSError as error:
        raise CommandError(f"{path} is damaged, and cannot be set aside: {words_of(error)}; {ROOM}") from error


async def _try(config: FleetConfig) -> None:
    """Connect once; raises LinkError."""
    async with connected(config.endpoint, f"wagman-check-{secrets.token_hex(4)}"):
        pass


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Hold the directory of the ledger, so that there is one bridge at a time; raises CommandError."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CommandError(f"{directory}: {words_of(error)}; {ROOM}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CommandError(f"another bridge runs already, and keeps its ledger in {directory}") from None
    finally:
        os.close(lock)


def _run_until_told(main: Callable[[], Awaitable[None]], is_ending: trio.Event) -> None:
    async def watched() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_until_told, is_ending)
            await main()
            nursery.cancel_scope.cancel()

    trio.run(watched)


async def _until_told(is_ending: trio.Event) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            is_ending.set()


# --- Where all nodes come together ------------------------------------------------------------------------------------


def _collect(args: argparse.Namespace) -> int:
    config = load(args.config, "operator")
    archive = Lines() if args.ndjson else Database(Path(args.sqlite))
    intake = Intake(archive, complain if args.ndjson else say)
    collector = Collector(config, intake, _who(config), now, jitter, partial(secrets.token_hex, 16))
    _run_until_told(collector.run, collector.is_ending)
    return DONE


def _status(args: argparse.Namespace) -> int:
    if args.sqlite is not None:
        return table.show(args, table.kept(Path(args.sqlite)))
    config = load(args.config, "operator")
    return table.show(args, trio.run(table.gather, config, _passing(config)))


def _events(args: argparse.Namespace) -> int:
    if args.sqlite is not None:
        return tail.kept(args)
    config = load(args.config, "operator")
    return trio.run(tail.live, config, _passing(config), args)


def _metrics(args: argparse.Namespace) -> int:
    return showing.show(args, "wagman fleet metrics", Books(Path(args.sqlite), say))


def _do(args: argparse.Namespace) -> int:
    config = load(args.config, "operator")
    if args.sign is not None:
        look_at_key(args.sign)
    return trio.run(Asking(config, _who(config), partial(secrets.token_hex, 16), args).run)


def _who(config: FleetConfig) -> str:
    assert config.operator is not None  # noqa: S101 - the configuration was loaded for it
    return config.operator.name


def _passing(config: FleetConfig) -> str:
    """Return a new name for a client that does not stay connected."""
    return f"wagman-{_who(config)}-{secrets.token_hex(4)}"


_RUN: dict[str, Callable[[argparse.Namespace], int]] = {
    "bridge": _bridge,
    "collect": _collect,
    "status": _status,
    "events": _events,
    "metrics": _metrics,
    "do": _do,
}


# --- Doors to the outside ---------------------------------------------------------------------------------------------


def now() -> str:
    """Return the present time, as text."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def jitter(seconds: float) -> float:
    """Return a random part of that time."""
    return random.uniform(0.0, seconds)  # noqa: S311 - nothing is kept secret by it
