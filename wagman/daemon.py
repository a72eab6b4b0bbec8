"""The process: configuration, signals, the socket, exit codes. What it runs is in `wagman.service`."""

import argparse
import signal
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import trio

from wagman.api.access import group_access
from wagman.api.listener import SocketTakenError, unix_listener
from wagman.config.load import load
from wagman.config.schema import Config
from wagman.contain import TaskKeepsCrashingError, leaf_of
from wagman.errors import ConfigError, LinkBusyError, LinkGoneError, WagmanError
from wagman.io.board import Dialect
from wagman.io.driver_v3 import V3Dialect
from wagman.io.transport import Transport, open_serial
from wagman.logs import standard_logger
from wagman.seams import Seams
from wagman.service import WagmanService
from wagman.store import Limits, Store

DIALECTS: dict[str, Callable[[], Dialect]] = {"v3": V3Dialect}
"""What the configuration may name as the board's dialect."""

BAUD = 57_600
"""Nominal; a USB link ignores it (firmware). Never 1200, which resets the board into its flash programmer."""

CODES: dict[type[WagmanError], int] = {TaskKeepsCrashingError: 1, ConfigError: 2, SocketTakenError: 4, LinkBusyError: 4}
"""Exit codes of the ends that are somebody's fault; 0 is an orderly end."""


def run(args: argparse.Namespace) -> int:
    """`wagman run`: read the configuration and supervise until told to end."""
    try:
        config = load(args.config)
        check_speed(config, args.speed)
        trio.run(partial(supervise, config, speed=args.speed), clock=clock(args.speed))
    except (WagmanError, ExceptionGroup) as error:
        leaf = leaf_of(error)
        code = next((code for kind, code in CODES.items() if isinstance(leaf, kind)), None)
        if code is None:
            raise
        sys.stderr.write(f"wagman: {leaf}\n")
        return code
    return 0


def clock(speed: float) -> trio.abc.Clock | None:
    """A clock that runs `speed` times as fast as time itself; None: trio's own."""
    if speed == 1:
        return None
    from trio.testing import MockClock  # noqa: PLC0415 - only a demonstration pays for it

    return MockClock(rate=speed)


def check_speed(config: Config, speed: float) -> None:
    """A faster clock is for fake boards.

    Raises:
        ConfigError: the configured port is a real one, or the speed makes no sense.
    """
    if speed <= 0:
        raise ConfigError((f"--speed {speed:g}: must be above 0",))
    device = config.board.device
    if speed != 1 and is_real_port(device):
        raise ConfigError((f"--speed is for ptys only, and {device} is a real port: leave it out",))


def is_real_port(path: str) -> bool:
    """Whether the path leads to something that is no pseudo terminal."""
    return Path(path).exists() and Path("/dev/pts") not in Path(path).resolve().parents


async def open_port(path: str, *, ptys_only: bool) -> Transport:
    """Open the serial port, whatever its path leads to by now.

    Raises:
        LinkGoneError: there is none, or it is a real port where only a pty may be opened.
        LinkBusyError: another process holds it.
    """
    if ptys_only and is_real_port(path):
        raise LinkGoneError(f"{path} is a real port, and --speed is for ptys only")
    return await open_serial(path, BAUD)


async def supervise(config: Config, *, speed: float = 1) -> None:
    """The service with the real world around it, until SIGTERM or SIGINT."""
    access, warnings = group_access(config.service)
    with (
        unix_listener(config.service.socket, access) as bound,
        trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals,
    ):
        opener = partial(open_port, config.board.device, ptys_only=speed != 1)
        seams = Seams(opener)
        service = WagmanService(config, seams, make_store(config, seams), DIALECTS[config.board.dialect](), standard_logger())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_end_on_signal, signals, service)
            await service.run(bound.listener, access.judge, warnings=(*warnings, *bound.warnings))
            nursery.cancel_scope.cancel()


def make_store(config: Config, seams: Seams) -> Store:
    """The store in the configured place, with the configured bounds."""
    directory = Path(config.service.state_dir)
    limits = Limits(config.service.max_events, config.service.max_bytes)
    return Store(directory / "wagman.db", limits, new_log_id=seams.new_id, now=seams.wall)


async def _end_on_signal(signals: AsyncIterator[int], service: WagmanService) -> None:
    async for _ in signals:
        service.stopping.set()
