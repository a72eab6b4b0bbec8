import errno
import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import tty
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
import trio.testing
from attrs import define, field

from wagman.io.serial.transport import StreamTransport, Transport, open_serial, stream_opener
from wagman.model.errors import CallerError, LinkBusyError, LinkGoneError

BAUD = 57_600


@define
class Pty:
    """A board's end of a pty, with one descriptor of the other end kept open, as the fake board does."""

    master: int
    slave: int
    path: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.path = os.ttyname(self.slave)

    def hang_up(self) -> None:
        for fd in (self.master, self.slave):
            os.close(fd)
        self.master = self.slave = -1


@contextmanager
def a_pty() -> Iterator[Pty]:
    port = Pty(*pty.openpty())
    tty.setraw(port.slave)
    try:
        yield port
    finally:
        if port.master >= 0:
            port.hang_up()


def run(main: Callable[[], Awaitable[object]]) -> None:
    async def bounded() -> None:
        with trio.fail_after(10):
            await main()

    trio.run(bounded)


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_bytes_go_through_a_serial_port_as_they_are() -> None:
    every_byte = bytes(range(256))

    async def main() -> None:
        with a_pty() as port:
            transport = await open_serial(port.path, BAUD)
            await transport.send_all(every_byte)
            assert os.read(port.master, 4096) == every_byte
            os.write(port.master, every_byte)
            assert await transport.receive_some() == every_byte
            await transport.aclose()

    run(main)


def test_an_open_port_is_raw_with_eight_bits_and_no_parity_at_its_rate() -> None:
    async def main() -> None:
        with a_pty() as port:
            spoilt = termios.tcgetattr(port.slave)
            spoilt[0] |= termios.BRKINT | termios.ICRNL | termios.ISTRIP | termios.IXON
            spoilt[1] |= termios.OPOST | termios.ONLCR
            spoilt[2] |= termios.CSTOPB
            spoilt[3] |= termios.ICANON | termios.ECHO | termios.ISIG
            termios.tcsetattr(port.slave, termios.TCSANOW, spoilt)
            transport = await open_serial(port.path, BAUD)
            iflag, oflag, cflag, lflag, ispeed, ospeed, _ = termios.tcgetattr(port.slave)
            assert not iflag & (termios.BRKINT | termios.ICRNL | termios.ISTRIP | termios.IXON)
            assert not oflag & termios.OPOST
            assert not lflag & (termios.ICANON | termios.ECHO | termios.ISIG)
            assert cflag & termios.CSIZE == termios.CS8
            assert not cflag & (termios.CSTOPB | termios.PARENB)
            assert ispeed == ospeed == termios.B57600
            await transport.aclose()

    run(main)


def test_the_rate_that_erases_boards_is_refused_before_the_port_is_touched() -> None:
    with pytest.raises(CallerError):
        run(lambda: open_serial("/nonexistent", 1200))


@pytest.mark.parametrize("path", ["/nonexistent/tty", "/", "/dev/null", __file__])
def test_what_is_no_serial_port_is_a_link_that_is_gone_and_leaks_nothing(path: str) -> None:
    before = descriptors()
    with pytest.raises(LinkGoneError):
        run(lambda: open_serial(path, BAUD))
    assert descriptors() == before


def test_a_port_that_hangs_up_while_it_is_opened_is_gone_and_leaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def hung_up(*arguments: object) -> None:
        raise termios.error(errno.EIO, "Input/output error")

    monkeypatch.setattr(tty, "setraw", hung_up)
    master, slave = pty.openpty()
    before = descriptors()
    run(lambda: expect_gone(lambda: open_serial(os.ttyname(slave), BAUD)))
    assert descriptors() == before
    for fd in (master, slave):
        os.close(fd)


HOLDER = """
import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
fcntl.flock(fd, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_port_that_another_process_holds_is_busy_and_free_when_that_ends() -> None:
    async def main() -> None:
        with a_pty() as port:
            command = [sys.executable, "-c", HOLDER, port.path]
            before = descriptors()
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:  # noqa: ASYNC220
                assert holder.stdout
                assert holder.stdout.readline() == b"held\n"
                with pytest.raises(LinkBusyError):
                    await open_serial(port.path, BAUD)
                holder.communicate()
            assert descriptors() == before
            await (await open_serial(port.path, BAUD)).aclose()

    run(main)


def test_a_second_opener_in_this_process_is_busy_too() -> None:
    async def main() -> None:
        with a_pty() as port:
            transport = await open_serial(port.path, BAUD)
            with pytest.raises(LinkBusyError):
                await open_serial(port.path, BAUD)
            await transport.aclose()

    run(main)


def test_programs_that_ask_for_no_lock_are_kept_out_too_for_as_long_as_the_port_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wagman.io.serial.transport.PTY_MAJORS", ())  # where nothing but ptys can be opened

    async def main() -> None:
        with a_pty() as port:
            transport = await open_serial(port.path, BAUD)
            assert keeps_others_out(port)
            await transport.aclose()
            assert not keeps_others_out(port)

    run(main)


def test_a_pty_is_not_left_closed_to_the_next_run_by_one_that_is_killed() -> None:
    with a_pty() as port:
        imports = "import os, signal, trio; from wagman.io.serial.transport import open_serial"
        script = f"{imports}; trio.run(open_serial, {port.path!r}, {BAUD}); os.kill(os.getpid(), signal.SIGKILL)"
        killed = subprocess.run([sys.executable, "-c", script], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert not keeps_others_out(port)


def keeps_others_out(port: Pty) -> bool:
    """Whether only root may open it once more (TIOCGEXCL)."""
    return bool(int.from_bytes(fcntl.ioctl(port.slave, 0x80045440, bytes(4)), sys.byteorder))


def test_a_hang_up_is_told_to_a_waiting_reader_and_to_everybody_after() -> None:
    async def main() -> None:
        with a_pty() as port:
            transport = await open_serial(port.path, BAUD)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(expect_gone, transport.receive_some)
                await trio.testing.wait_all_tasks_blocked()
                port.hang_up()
            for _ in range(3):
                await expect_gone(transport.receive_some)
            await expect_gone(lambda: transport.send_all(b"x"))
            await transport.aclose()
            await transport.aclose()

    run(main)


async def expect_gone(act: Callable[[], Awaitable[object]]) -> None:
    with pytest.raises(LinkGoneError):
        await act()


def test_bytes_that_came_before_the_hang_up_are_not_lost() -> None:
    async def main() -> None:
        with a_pty() as port:
            transport = await open_serial(port.path, BAUD)
            os.write(port.master, b"last words")
            assert await transport.receive_some() == b"last words"
            port.hang_up()
            await expect_gone(transport.receive_some)
            await transport.aclose()

    run(main)


def test_what_was_opened_through_a_link_is_not_told_that_the_link_points_elsewhere(tmp_path: Path) -> None:
    async def main() -> None:
        link = tmp_path / "board"
        with a_pty() as first, a_pty() as second:
            link.symlink_to(first.path)
            transport = await open_serial(str(link), BAUD)
            link.unlink()
            link.symlink_to(second.path)
            os.write(first.master, b"still here")
            assert await transport.receive_some() == b"still here"
            first.hang_up()
            await expect_gone(transport.receive_some)
            await transport.aclose()

    run(main)


ONE_READ = 4096  # what the pty's other side has already taken in for its reader


async def left_in(master: int) -> int:
    os.set_blocking(master, False)
    size = 0
    while True:
        try:
            size += len(os.read(master, ONE_READ))
        except BlockingIOError:
            return size
        await trio.sleep(0.01)


def test_a_write_that_blocks_can_be_cancelled_and_closing_drops_what_did_not_go_out() -> None:
    async def main() -> None:
        with a_pty() as port:
            transport = await open_serial(port.path, BAUD)
            with trio.move_on_after(0.05) as scope:
                await transport.send_all(b"x" * 1_000_000)
            assert scope.cancelled_caught
            await transport.aclose()
            assert await left_in(port.master) <= ONE_READ

    run(main)


class Odd(trio.abc.Stream):
    """A stream that fails in a given way."""

    def __init__(self, outcome: BaseException | bytes) -> None:
        self.outcome = outcome

    def act(self) -> bytes:
        if isinstance(self.outcome, bytes):
            return self.outcome
        raise self.outcome

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        return self.act()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self.act()

    async def wait_send_all_might_not_block(self) -> None:
        self.act()

    async def aclose(self) -> None:
        self.act()


TROUBLE = [
    OSError(errno.EIO, "Input/output error"),
    BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
    termios.error(errno.EIO, "Input/output error"),
    trio.BrokenResourceError(),
    trio.ClosedResourceError(),
]


@pytest.mark.parametrize("trouble", TROUBLE, ids=repr)
def test_every_kind_of_trouble_is_a_link_that_is_gone(trouble: Exception) -> None:
    async def main() -> None:
        transport: Transport = StreamTransport(Odd(trouble))
        await expect_gone(transport.receive_some)
        await expect_gone(lambda: transport.send_all(b"x"))
        await transport.aclose()

    run(main)


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), LinkGoneError),
        (termios.error(errno.EIO, "Input/output error"), LinkGoneError),
        (OSError(errno.EBUSY, "Device or resource busy"), LinkBusyError),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), LinkBusyError),
    ],
    ids=repr,
)
def test_a_stream_that_does_not_open_is_gone_or_busy(trouble: Exception, kind: type[Exception]) -> None:
    async def open_odd() -> trio.abc.Stream:
        raise trouble

    with pytest.raises(kind):
        run(stream_opener(open_odd))


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/dev/x"), "No such file or directory: /dev/x"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (termios.error(errno.EIO, "Input/output error"), "Input/output error"),
        (trio.ClosedResourceError(), "ClosedResourceError"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "another program reads this port, too.*"),
    ],
    ids=repr,
)
def test_trouble_is_told_in_words_and_not_by_its_number(trouble: Exception, words: str) -> None:
    with pytest.raises(LinkGoneError, match=f"^{words}$"):
        run(StreamTransport(Odd(trouble)).receive_some)


def test_a_read_without_bytes_is_a_hang_up() -> None:
    run(lambda: expect_gone(StreamTransport(Odd(b"")).receive_some))


def test_what_is_no_trouble_of_the_port_passes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        run(lambda: StreamTransport(Odd(ZeroDivisionError())).receive_some())
