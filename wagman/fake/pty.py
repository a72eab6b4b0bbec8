"""The board's tty as a real pseudo-terminal behind a symbolic link.

The master shows whether a host has the port open: while neither a host nor the board holds the slave, the kernel reports a
hang-up there (POLLHUP, EIO). A closed port is checked 20 times a second; a close is noticed at once. The pty is closed when the
tty goes, so that the host sees a hang-up; a new pty comes later.
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
"""How often a closed port is checked, in real time, since hosts open it in real time (chosen)."""

READ_BYTES = 4096


@frozen
class Pty:
    """One pseudo-terminal, raw, whose slave the board does not hold."""

    master: int
    slave_path: str

    @classmethod
    def new(cls) -> "Pty":
        """Make a pty; raises OSError."""
        master, slave = os.openpty()
        try:
            tty.setraw(slave)
            os.set_blocking(master, False)
            return cls(master, os.ttyname(slave))
        finally:
            os.close(slave)

    def close(self) -> None:
        """Close the pty; a host sees a hang-up."""
        os.close(self.master)

    # --- The board's host, as long as the port is open -----------------------------------------------------------

    def room(self) -> int:
        """Return a constant: at high speed, a host that is busy for a moment would otherwise count as one that does not read."""
        return UNREAD_BYTES

    def deliver(self, output: Data) -> None:
        """Write bytes of the board; as with a real board, those that the host does not read in time are lost."""
        with suppress(BlockingIOError):
            os.write(self.master, output.data)

    def hang_up(self) -> None:
        """Do nothing: the server of this pty closes it when the tty goes."""

    # --- The host's doings ---------------------------------------------------------------------------------------

    async def wait_opened(self) -> None:
        """Wait until a host has the port open, or has left bytes in it."""
        poll = select.poll()
        poll.register(self.master, select.POLLIN)
        while [event for _fd, event in poll.poll(0)] == [select.POLLHUP]:  # noqa: ASYNC110 - no event tells of an open
            await trio.sleep(LOOK_EVERY_S)

    async def receive(self) -> bytes:
        """Return bytes from the host; b"" when it has closed the port."""
        await trio.lowlevel.wait_readable(self.master)
        try:
            return os.read(self.master, READ_BYTES)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return b""

    def forget_unread(self) -> None:
        """Drop bytes that the last host did not read, so that the next one does not find them."""
        slave = os.open(self.slave_path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            termios.tcflush(slave, termios.TCIFLUSH)
        finally:
            os.close(slave)


@contextmanager
def linked(pty: Pty, link: Path) -> Iterator[None]:
    """Have the pty under the name `link` meanwhile; a stale symbolic link there is replaced.

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
    _offered: int | None = None  # the number of the present tty
    _moved: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)

    async def run(self) -> None:
        """Offer the tty until cancelled; raises OSError if the link or a pty cannot be made."""
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
        """Wait until the link shows what the board and its cable offer."""
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
