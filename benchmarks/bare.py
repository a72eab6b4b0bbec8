"""The least that a board, and a service between a socket and a serial port, could be: programs of their own.

python -m benchmarks.bare echo TTY             a pty that sends back what it is sent
python -m benchmarks.bare board TTY BEATS      a v3 board that answers at once, with so many beats a second
python -m benchmarks.bare boards FOLDER N BEATS  so many of these, on FOLDER/tty0 and on
python -m benchmarks.bare server SOCKET TTY    trio: a line from a Unix socket to the port, the board's answer back
"""

import os
import re
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from threading import Thread

import trio

CHUNK = 4096
REQUEST = b"@bench hb\n"

END = re.compile(rb"->>>\r\n|\A@")
"""What shows that an answer is complete: the board's footer; what begins as the request does is its echo."""

ANSWERS = {
    b"id": b"A30B003D70C6",
    b"boots": b"1",
    b"ver": b"hw 3.1\r\nker 1.0.4\r\ntime 1587742757\r\ngit a64b494dad76e20a3b1549c1e7a4b1335be548f2",
    b"rtc": b"1587742757",
    b"up": b"1000",
    b"fc": b"0\r\n0\r\n0\r\n0\r\n0",
    b"cu": b"2560 480 480 480 480 480",
    b"hb": b"3239\r\n3987\r\n3987\r\n3987\r\n3987",
    b"env": b"temperature=26236.00\r\nhumidity=24640.00",
    b"th": b"500\r\n510\r\n520\r\n530\r\n540",
    b"bs": b"set emmc",
}
"""What a board says whose guests all run; to everything else nothing, as to a command that was carried out."""

GUESTS = (b"gn", b"cs", b"x1", b"x2")
"""Whose beats it tells of, in turns."""


def answer(line: bytes) -> bytes:
    """The reply frame to a request."""
    sid, command, *_ = line.removeprefix(b"@").split()
    payload = ANSWERS.get(command)
    return b"<<<- sid=%s %s\r\n%s->>>\r\n" % (sid, command, b"" if payload is None else payload + b"\r\n")


def beat(master: int, per_s: float) -> None:
    """Tell of heartbeats at an even pace."""
    began_s = time.monotonic()
    for count, guest in enumerate(cycle(GUESTS)):
        time.sleep(max(0.0, began_s + count / per_s - time.monotonic()))
        os.write(master, b"log: %s heartbeat\r\n" % guest)


def serve_tty(link: Path, respond: Callable[[bytes], bytes], beats_per_s: float = 0) -> None:
    """Answer on a new pty until told to end."""
    master, slave = os.openpty()
    tty.setraw(slave)
    link.symlink_to(os.ttyname(slave))
    if beats_per_s:
        Thread(target=beat, args=(master, beats_per_s), daemon=True).start()
    held = b""
    while data := os.read(master, CHUNK):
        *lines, held = (held + data).split(b"\n")
        os.write(master, b"".join(respond(line) for line in lines if line.strip()))


def serve_boards(folder: Path, count: int, beats_per_s: float) -> None:
    """Be so many boards until told to end."""
    boards = [Thread(target=serve_tty, args=(folder / f"tty{board}", answer, beats_per_s)) for board in range(count)]
    for board in boards:
        board.start()


@contextmanager
def open_tty(path: Path) -> Iterator[int]:
    """A raw terminal's descriptor."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


def ask(descriptor: int) -> bytes:
    """A request on the open port, and what is answered: no program could do less.

    What the board told of meanwhile is thrown away: it drops its answers, too, for a host that does not read.
    """
    termios.tcflush(descriptor, termios.TCIFLUSH)
    os.write(descriptor, REQUEST)
    said = b""
    while not END.search(said):
        said += os.read(descriptor, CHUNK)
    return said


async def server(socket: Path, link: Path) -> None:
    """Pass requests on, one at a time, until told to end."""
    with open_tty(link) as descriptor:
        port, turn = trio.lowlevel.FdStream(descriptor), trio.Lock()

        async def serve(client: trio.SocketStream) -> None:
            number = 0  # the client counts its requests from 1
            async for _line in client:
                number += 1
                async with turn:
                    await port.send_all(REQUEST)
                    said = b""
                    while not END.search(said):
                        said += await port.receive_some(CHUNK)
                await client.send_all(b'{"jsonrpc":"2.0","id":%d,"result":%d}\n' % (number, len(said)))

        listener = trio.socket.socket(trio.socket.AF_UNIX)
        await listener.bind(str(socket))
        listener.listen()
        await trio.serve_listeners(serve, [trio.SocketListener(listener)])


def main(what: str, *places: str) -> None:
    """Run one of them."""
    match what:
        case "echo":
            serve_tty(Path(places[0]), lambda line: line + b"\n")
        case "board":
            serve_tty(Path(places[0]), answer, float(places[1]))
        case "boards":
            serve_boards(Path(places[0]), int(places[1]), float(places[2]))
        case "server":
            trio.run(server, Path(places[0]), Path(places[1]))


if __name__ == "__main__":
    main(*sys.argv[1:])
