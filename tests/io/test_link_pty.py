"""The link on real ptys: what virtual time cannot show."""

import os
import pty
import time
import tty
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing

from wagman.io.serial.link import Link
from wagman.io.serial.transport import open_serial
from wagman.io.v3 import codec as v3
from wagman.io.v3.codec import Event, Log
from wagman.model.errors import LinkBusyError

BAUD = 57_600


class Listener:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.ups = 0
        self.changed = trio.Event()

    def on_up(self) -> None:
        self.ups += 1
        self.notify()

    def on_down(self, reason: str) -> None:
        self.notify()

    def on_event(self, event: Event, at_s: float) -> None:
        self.events.append(event)
        self.notify()

    def notify(self) -> None:
        self.changed.set()
        self.changed = trio.Event()

    async def until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            await self.changed.wait()


@contextmanager
def board_at(path: Path) -> Iterator[int]:
    """A pty linked at `path`: its master descriptor, until it is unplugged."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    path.symlink_to(os.ttyname(slave))
    try:
        yield master
    finally:
        path.unlink()
        os.close(slave)
        os.close(master)


def run(path: Path, scene: Callable[[Link[Event], Listener], Awaitable[None]], *, speed: float = 1.0) -> None:
    async def main() -> None:
        told = Listener()
        link = Link(partial(open_serial, str(path), BAUD), v3.Decoder, told, resync=v3.RESYNC)
        with trio.fail_after(30 * speed):
            async with trio.open_nursery() as nursery:
                await nursery.start(link.run)
                await scene(link, told)
                nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(rate=speed))


def test_a_board_that_appears_later_and_comes_back_elsewhere_is_found(tmp_path: Path) -> None:
    path = tmp_path / "board"

    async def scene(link: Link[Event], told: Listener) -> None:
        assert not link.is_up
        for number in (1, 2):
            with board_at(path) as master:
                await told.until(lambda number=number: told.ups == number)  # type: ignore[misc]
                os.write(master, b"log: gn heartbeat\r\n")
                await told.until(lambda number=number: len(told.events) == number)  # type: ignore[misc]
            await told.until(lambda: not link.is_up)
        assert told.events == [Log("gn", "heartbeat")] * 2

    run(path, scene)


def test_a_request_is_answered_over_a_real_port(tmp_path: Path) -> None:
    path = tmp_path / "board"

    async def scene(link: Link[Event], told: Listener) -> None:
        async def answer(master: int) -> None:
            await trio.lowlevel.wait_readable(master)
            assert os.read(master, 4096) == v3.RESYNC + b"@w1 up\n"
            os.write(master, b"<<<- sid=w1 up\r\n42\r\n->>>\r\n")

        with board_at(path) as master:
            await told.until(lambda: link.is_up)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(answer, master)
                reply = await link.request(v3.encode("w1", ["up"]), v3.reply_to("w1", "up", tuple), 5)
        assert reply.value == ("42",)
        assert reply.asked_at_s <= reply.at_s

    run(path, scene)


def test_a_second_link_on_the_port_is_busy(tmp_path: Path) -> None:
    path = tmp_path / "board"

    async def scene(link: Link[Event], told: Listener) -> None:
        other = Link(partial(open_serial, str(path), BAUD), v3.Decoder, Listener())
        with pytest.raises(LinkBusyError):
            await other.run()

    with board_at(path):
        run(path, scene)


def test_twenty_reconnects_leak_no_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "board"

    def descriptors() -> list[str]:
        return os.listdir("/proc/self/fd")  # noqa: PTH208

    async def scene(link: Link[Event], told: Listener) -> None:
        before = len(descriptors())
        with board_at(path):
            await told.until(lambda: link.is_up)
            for _ in range(20):
                link.hang_up("again")
                await told.until(lambda: link.is_up)
        await told.until(lambda: not link.is_up)
        assert len(descriptors()) == before

    run(path, scene, speed=100)  # the pauses between them add up


def test_a_link_that_hung_up_does_not_spin(tmp_path: Path) -> None:
    path = tmp_path / "board"

    async def scene(link: Link[Event], told: Listener) -> None:
        with board_at(path):
            await told.until(lambda: link.is_up)
        begin = time.process_time()
        await trio.sleep(1)
        assert not link.is_up
        assert time.process_time() - begin < 0.1

    run(path, scene)
