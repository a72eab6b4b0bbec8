"""The least that a board, and a service between a socket and a serial port, could be, as programs.

python -m benchmarks.bare echo TTY             a pty that sends back what it is sent
python -m benchmarks.bare board TTY BEATS      a v3 board that answers at once, with BEATS beats a second
python -m benchmarks.bare boards FOLDER N BEATS  N such boards, on FOLDER/tty0 and so on
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
"""The end of an answer: the footer of a board's frame, or, from an echo, the beginning of the request itself."""

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
"""Payloads by command, of a board whose guests all run; every other command is answered with an empty payload."""

GUESTS = (b"gn", b"cs", b"x1", b"x2")
"""The guests whose beats are told, in turns."""


def answer(line: bytes) -> bytes:
    """Return the reply frame to a request."""
    sid, command, *_ = line.removeprefix(b"@").split()
    payload = ANSWERS.get(command)
    return b"<<<- sid=%s %s\r\n%s->>>\r\n" % (sid, command, b"" if payload is None else payload + b"\r\n")


def beat(master: int, per_s: float) -> None:
    """Write heartbeats at an even pace, `per_s` a second."""
    began_s = time.monotonic()
    for count, guest in enumerate(cycle(GUESTS)):
        time.sleep(max(0.0, began_s + count / per_s - time.monotonic()))
        os.write(master, b"log: %s heartbeat\r\n" % guest)


def serve_tty(link: Path, respond: Callable[[bytes], bytes], beats_per_s: float = 0) -> None:
    """Answer on a new pty, which `link` then points to, until told to end."""
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
    """Serve `count` boards, each in a thread."""
    boards = [Thread(target=serve_tty, args=(folder / f"tty{board}", answer, beats_per_s)) for board in range(count)]
    for board in boards:
        board.start()


@contextmanager
def open_tty(path: Path) -> Iterator[int]:
    """Open a terminal in raw mode; yield its descriptor."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


def ask(descriptor: int) -> bytes:
    """Ask on the open port, and return the answer: no program could do less.

    Log lines that arrived before the request are thrown away, since a board drops its answers for a host that does not read.
    """
    termios.tcflush(descriptor, termios.TCIFLUSH)
    os.write(descriptor, REQUEST)
    said = b""
    while not END.search(said):
        said += os.read(descriptor, CHUNK)
    return said


async def server(socket: Path, link: Path) -> None:
    """Pass requests on to the port, one at a time, until told to end."""
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
    """Run the program that `what` names."""
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
