"""Records a real run of `wagman demo` as docs/pictures/demo.svg: `nox -s picture`.

The demonstration runs on a terminal of its own; what is on that terminal's screen at the moment chosen below becomes the
picture, character by character.
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from itertools import groupby
from pathlib import Path
from select import select

import pyte
from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.text import Text

PICTURE = Path(__file__).parent / "pictures" / "demo.svg"

COLUMNS, ROWS = 100, 30
QUIET_S = 0.05
"""So long after a piece of output nothing more belongs to it."""
MOMENT = "The network fails"
"""When this has been said, and what comes of it is to be seen, the picture is taken."""
AFTERWARDS = re.compile(r"(heartbeat held.*){3}", re.DOTALL)
"""All guests are overdue, and nothing is done about it."""

FONTS = re.compile(r"\s*@font-face \{.*?\}|Fira Code, ?", re.DOTALL)
"""Fonts that the reader's browser would fetch; its own will do."""


def screens() -> Iterator[pyte.Screen]:
    """What the terminal shows, whenever all that was written has arrived."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen([sys.executable, "-P", "-m", "wagman", "demo"], stdin=theirs, stdout=theirs, env=environment) as demo:
        os.close(theirs)
        for piece in _pieces(ours):
            stream.feed(piece)
            if not select([ours], [], [], QUIET_S)[0]:
                yield screen
    os.close(ours)
    if demo.returncode:
        raise SystemExit(f"the demonstration ended with {demo.returncode}")


def _pieces(terminal: int) -> Iterator[bytes]:
    """What is written to the terminal, until nobody has it open any more."""
    with suppress(OSError):  # EIO: that is how Linux tells it
        while piece := os.read(terminal, 65_536):
            yield piece


def is_the_moment(screen: pyte.Screen) -> bool:
    """Whether the picture is to be taken."""
    shown = "\n".join(screen.display)
    return AFTERWARDS.search(shown.partition(MOMENT)[2]) is not None


def drawn(screen: pyte.Screen) -> str:
    """The screen as SVG."""
    console = Console(record=True, width=COLUMNS, file=StringIO())
    written = max(row for row, line in enumerate(screen.display) if line.strip()) + 1
    for row in range(written):
        cells = [screen.buffer[row][column] for column in range(COLUMNS)]
        console.print(Text.assemble(*_runs(cells)), no_wrap=True, crop=False)
    return FONTS.sub("", console.export_svg(title="wagman demo"))


def _runs(cells: list[Char]) -> Iterator[tuple[str, Style]]:
    for style, run in groupby(cells, _style):
        yield "".join(cell.data for cell in run), style


def _style(cell: Char) -> Style:
    colour = None if cell.fg == "default" else cell.fg.replace("brown", "yellow")
    return Style(color=colour, bold=cell.bold, italic=cell.italics, reverse=cell.reverse)


def main() -> int:
    """Take the picture, and let the demonstration come to its end; 1 when the moment never came."""
    taken = ""
    for screen in screens():
        if not taken and is_the_moment(screen):
            taken = drawn(screen)
    if not taken:
        sys.stderr.write("the demonstration ended before its moment came\n")
        return 1
    PICTURE.write_text(taken, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
