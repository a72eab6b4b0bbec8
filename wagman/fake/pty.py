"""The board's tty as a real pseudo-terminal behind a symbolic link.

Whether a host has the port open is read off the master: while nobody holds the slave, and the board does not either,
the kernel reports a hang-up there (POLLHUP, EIO). A port that is closed is looked at 20 times a second; that of an open
one is noticed at once. The pty goes when the tty goes, so that the host sees a hang-up, and a new one comes later.
"""

import errno
import os
import select
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import trio
from attrs import define, field, frozen

from wagman.fake.serve import UNREAD_BYTES, FakeBoard
from wagman.fake.usb import Data

LOOK_EVERY_S = 0.05
"""How often a closed port is looked at (chosen; in real time: that is what hosts open it in)."""

READ_BYTES = 4096


@frozen
class Pty:
    """One pseudo-terminal, raw, whose slave the board does not hold."""

    master: int
    slave_path: str

    @classmethod
    def new(cls) -> "Pty":
        """Raises OSError."""
        master, slave = os.openpty()
        try:
            tty.setraw(slave)
            os.set_blocking(master, False)
            return cls(master, os.ttyname(slave))
        finally:
            os.close(slave)

    def close(self) -> None:
        """The host, if there is one, sees a hang-up."""
        os.close(self.master)

    # --- The board's host, as long as the port is open -----------------------------------------------------------

    def room(self) -> int:
        """Always all there is: at many times the speed of time, a busy host for a moment would be one that reads nothing."""
        return UNREAD_BYTES

    def deliver(self, output: Data) -> None:
        """Bytes from the board; what the host does not read in time is lost, as at a real board."""
        with suppress(BlockingIOError):
            os.write(self.master, output.data)

    def hang_up(self) -> None:
        """The tty is gone: whoever serves this pty closes it."""

    # --- The host's doings ---------------------------------------------------------------------------------------

    async def wait_opened(self) -> None:
        """Wait until a host has the port open, or has left something in it."""
        poll = select.poll()
        poll.register(self.master, select.POLLIN)
        while [event for _fd, event in poll.poll(0)] == [select.POLLHUP]:  # noqa: ASYNC110 - no event tells of an open
            await trio.sleep(LOOK_EVERY_S)

    async def receive(self) -> bytes:
        """What the host sends; b"" when it has closed the port."""
        await trio.lowlevel.wait_readable(self.master)
        try:
            return os.read(self.master, READ_BYTES)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return b""

    def forget_unread(self) -> None:
        """Drop what the last host did not read, so that the next one does not find it."""
        slave = os.open(self.slave_path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            termios.tcflush(slave, termios.TCIFLUSH)
        finally:
            os.close(slave)


@contextmanager
def linked(pty: Pty, link: Path) -> Iterator[None]:
    """The pty under the name `link` for as long as this lasts; a stale symbolic link there is replaced.

    Raises:
        OSError: the name cannot be used, for instance because it is no symbolic link.
    """
    if link.exists() and not link.is_symlink():
        raise FileExistsError(errno.EEXIST, "exists and is no symbolic link", str(link))
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.symlink_to(pty.slave_path)
    fresh.replace(link)
    try:
        yield
    finally:
        if link.is_symlink() and str(link.readlink()) == pty.slave_path:
            link.unlink()


@define(eq=False, repr=False)
class PtyServer:
    """Offers a board's tty at `link` whenever there is one."""

    fake: FakeBoard
    link: Path
    _offered: int | None = None  # the number of the tty that is there
    _moved: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)

    async def run(self) -> None:
        """Until cancelled; raises OSError where the link or a pty cannot be made."""
        while True:
            number = await self.fake.wait_tty()
            pty = Pty.new()
            try:
                with linked(pty, self.link):
                    await self._offer(pty, number)
            finally:
                pty.close()
            self._move(None)

    async def settled(self) -> None:
        """Wait until what is at the link is what the board and its cable offer."""
        while self._offered != self.fake.tty_number:
            await self._moved.park()

    async def _offer(self, pty: Pty, number: int) -> None:
        self._move(number)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_converse, self.fake, pty)
            await self.fake.wait_tty_gone(number)
            nursery.cancel_scope.cancel()

    def _move(self, number: int | None) -> None:
        self._offered = number
        self._moved.unpark_all()


async def _converse(fake: FakeBoard, pty: Pty) -> None:
    """Pass bytes between the board and whoever opens the port, until the tty goes."""
    while True:
        await pty.wait_opened()
        try:
            fake.attach(pty)
            while data := await pty.receive():
                await fake.write(pty, data)
        except OSError:
            return  # the tty is gone; whoever started this is about to close the pty
        finally:
            fake.detach(pty)
        pty.forget_unread()
