"""The board's serial port, the dialect spoken there, and the speed of the clock: only fake boards get a faster one."""

import os
from functools import partial
from importlib import import_module
from pathlib import Path

import trio

from wagman.config.boards import BoardConfig, PlainBoard, WagmanBoard
from wagman.config.schema import Config
from wagman.io.board.connection import Connector
from wagman.io.serial.transport import Transport, open_serial
from wagman.io.serial.wired import Dialect, Wired
from wagman.model.backend import FAKE_MAC
from wagman.model.errors import ConfigError, LinkGoneError

DIALECTS = {
    "v3": "wagman.io.v3.driver:V3Dialect",
    "v4": "wagman.io.v4.driver:V4Dialect",
    "auto": "wagman.io.auto:AutoDialect",
}
"""Where the class of each dialect is. The service imports only the one that its board speaks: imports are most of its start."""


def dialect_of(name: str) -> Dialect:
    """Return a new dialect of that name, for one board."""
    module, _, kind = DIALECTS[name].partition(":")
    dialect: Dialect = getattr(import_module(module), kind)()
    return dialect


def connector(board: BoardConfig, *, ptys_only: bool) -> Connector:
    """Return the way to a board; with `ptys_only`, a real serial port is refused."""
    match board:
        case WagmanBoard():
            return Wired(dialect_of(board.dialect), partial(open_port, board.device, ptys_only=ptys_only), board.device)
        case PlainBoard():
            from wagman.io.board.plain import Plain  # noqa: PLC0415 - imports are most of the start: only for boards that need it

            return Plain(board.kind, board.backend())
    raise TypeError(board)


BAUD = 57_600
"""Nominal; a USB link ignores it (firmware). Never 1200, which resets the board into its flash programmer."""


def clock(speed: float) -> trio.abc.Clock | None:
    """Return a clock that runs `speed` times as fast as real time; None (trio's own) for 1."""
    if speed == 1:
        return None
    from trio.testing import MockClock  # noqa: PLC0415 - only a demonstration pays for it

    return MockClock(rate=speed)


def check_speed(config: Config, speed: float) -> None:
    """Check that a clock of another speed drives fake boards only.

    A fake is a board on a pty, or a plug that is used only with the MAC address of the fake one.

    Raises:
        ConfigError: a configured board may be a real one, or the speed makes no sense.
    """
    if speed <= 0:
        raise ConfigError((f"--speed {speed:g}: must be above 0",))
    for board in config.boards if speed != 1 else ():
        if not isinstance(board, WagmanBoard):
            # A plug that answers with another MAC address than the configured one is never switched.
            if getattr(board, "id", None) != FAKE_MAC:
                raise ConfigError((f"--speed is for fake boards only, and {board.name} may be a real one: leave it out",))
        elif is_real_port(board.device):
            raise ConfigError((f"--speed is for ptys only, and {board.device} is a real port: leave it out",))


def is_real_port(path: str) -> bool:
    """Return whether the path leads to anything but a pseudo terminal."""
    # A path that may not be looked at counts as missing: opening it tells why.
    return os.path.exists(path) and Path("/dev/pts") not in Path(path).resolve().parents  # noqa: PTH110 - it does not raise


async def open_port(path: str, *, ptys_only: bool) -> Transport:
    """Open the serial port, whatever its path leads to by now.

    Raises:
        LinkGoneError: there is none, or it is a real port where only a pty may be opened.
        LinkBusyError: another process holds it.
    """
    if ptys_only and is_real_port(path):
        raise LinkGoneError(f"{path} is a real port, and --speed is for ptys only")
    return await open_serial(path, BAUD)
