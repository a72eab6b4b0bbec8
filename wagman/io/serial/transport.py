"""Byte streams that report every trouble by one kind of error: the one place that touches serial ports.

Serial ports fail in many ways: a hang-up shows as an empty read, as `OSError`, or, while opening, as `termios.error`,
which is no `OSError`. All of them leave here as `LinkGoneError`. So does a wake-up without data: a port that is ready to
be read and has nothing cannot be trusted, and a loop that waited on would spin once the port has hung up.
"""

import errno
import fcntl
import os
import termios
import tty
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, TypeAlias

import trio
from attrs import frozen
from trio_serial.linux import LinuxSerialStream

from wagman.model.errors import CallerError, LinkBusyError, LinkGoneError

_CHUNK = 4096
_BUSY = (errno.EWOULDBLOCK, errno.EBUSY)  # from flock, and from a port that another process opened for itself alone
_TROUBLE = (OSError, termios.error, trio.BrokenResourceError, trio.ClosedResourceError)


class Transport(Protocol):
    """What the link needs of a connection."""

    async def send_all(self, data: bytes) -> None:
        """Send all of `data`. If this is cancelled or fails, nobody knows how much went out.

        Raises:
            LinkGoneError: the port is gone.
        """

    async def receive_some(self) -> bytes:
        """Wait for bytes and return those that are there, at least one.

        Raises:
            LinkGoneError: the port is gone, or woke us for nothing.
        """

    async def aclose(self) -> None:
        """Close, without waiting for bytes that were not sent yet; may be called again."""


Opener: TypeAlias = Callable[[], Awaitable[Transport]]
"""Opens a new connection, or raises `LinkGoneError` or `LinkBusyError`: the seam for simulated boards."""


@frozen
class StreamTransport:
    """A stream of trio's as a transport: a serial port, or memory in a simulation."""

    stream: trio.abc.Stream

    async def send_all(self, data: bytes) -> None:
        """See `Transport`."""
        with _as_link_errors():
            await self.stream.send_all(data)

    async def receive_some(self) -> bytes:
        """See `Transport`."""
        with _as_link_errors():
            data = await self.stream.receive_some(_CHUNK)
        if not data:
            raise LinkGoneError("the port hung up")
        return bytes(data)

    async def aclose(self) -> None:
        """See `Transport`."""
        with suppress(*_TROUBLE):  # the stream is closed, whatever it raises
            await self.stream.aclose()


def stream_opener(open_stream: Callable[[], Awaitable[trio.abc.Stream]]) -> Opener:
    """An `Opener` from a function that opens a stream: a simulated board, a memory stream."""

    async def open_transport() -> Transport:
        with _as_link_errors():
            try:
                return StreamTransport(await open_stream())
            except OSError as error:
                if _is_busy(error):
                    raise LinkBusyError(f"another process holds the port (fuser -v tells which): {error}") from error
                raise

    return open_transport


PTY_MAJORS = range(136, 144)
"""The device numbers of pseudo-terminals (Linux, Documentation/admin-guide/devices.txt)."""


def is_pty(fd: int) -> bool:
    """Whether this tty is a pseudo-terminal."""
    return os.major(os.fstat(fd).st_rdev) in PTY_MAJORS


class SerialPort(LinuxSerialStream):
    """A serial port of raw bytes, 8N1, held exclusively."""

    async def aopen(self) -> None:
        """Open and lock the port."""
        await super().aopen()
        try:
            tty.setraw(self.fd, termios.TCSANOW)  # the library leaves breaks to the line discipline
            # Then the kernel also keeps out programs that ask for no lock, except root's. Not so on a pseudo-terminal, which
            # lasts as long as its other end: held by a process that is killed, it would stay closed to the next run of the
            # service.
            if not is_pty(self.fd):
                fcntl.ioctl(self.fd, termios.TIOCEXCL)
        except BaseException:
            await super().aclose()
            raise

    async def aclose(self) -> None:
        """Drop the bytes that were not sent yet, and close."""
        # To wait for a board that does not read would take the kernel 30 s.
        if self._fd is not None:
            with suppress(OSError):  # the port hung up, and nobody is kept out any more; otherwise somebody else may have it open
                fcntl.ioctl(self._fd, termios.TIOCNXCL)
            with suppress(termios.error):  # the port hung up: nothing is left to be dropped
                await self.discard_output()
        await super().aclose()


async def open_serial(path: str, baud: int) -> Transport:
    """Open the serial port at `path` (a pty will do) with `baud` bits per second.

    Raises:
        CallerError: `baud` is 1200, which sends the board into its flash programmer.
        LinkBusyError: another process holds the port.
        LinkGoneError: there is no such port, or it went away meanwhile.
    """
    if baud == 1200:  # noqa: PLR2004
        raise CallerError("a port opened at 1200 baud sends the board into its flash programmer: use another rate")

    async def open_port() -> SerialPort:
        port = SerialPort(path, exclusive=True, baudrate=baud)
        await port.aopen()
        return port

    return await stream_opener(open_port)()


@contextmanager
def _as_link_errors() -> Iterator[None]:
    try:
        yield
    except _TROUBLE as error:
        raise LinkGoneError(_said(error)) from error


def _said(error: Exception) -> str:
    """The trouble in words for an operator: the system's message and the path, without a number."""
    if isinstance(error, BlockingIOError):
        return "another program reads this port, too, and took what the board said (fuser -v tells which)"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if isinstance(error, termios.error):
        return str(error.args[-1])
    return str(error) or type(error).__name__


def _is_busy(error: OSError) -> bool:
    cause = error.__cause__ or error  # the library wraps the error of flock
    return isinstance(cause, OSError) and cause.errno in _BUSY
