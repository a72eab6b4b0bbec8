"""What commands print: times, tables, colours."""

import os
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TextIO

from wagman.model.words import plain

WIDTH = 80

LEAST_WIDTH = 20
"""The least width of a column that can be read (chosen)."""

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "faint": "2"}


def short(seconds: float | None) -> str:
    """Return a duration for a column, as in "4m57s" and "3d02h"; "-" if it is not known."""
    if seconds is None:
        return "-"
    whole = round(max(seconds, 0))
    if whole < 60:  # noqa: PLR2004
        return f"{whole}s"
    if whole < 3_600:  # noqa: PLR2004
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86_400:  # noqa: PLR2004
        return f"{whole // 3_600}h{whole % 3_600 // 60:02}m"
    return f"{whole // 86_400}d{whole % 86_400 // 3_600:02}h"


def local(stamp: str) -> str:
    """Return a time stamp of the service as local date and time; unchanged if a bad disk has damaged it."""
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError):
        return plain(stamp)


def clock(stamp: str) -> str:
    """Return a time stamp as local time, with the date unless it is today."""
    text = local(stamp)
    return text.removeprefix(time.strftime("%Y-%m-%d "))


def table(rows: Iterable[Sequence[str]], colours: Sequence[str] = (), indent: int = 0) -> list[str]:
    """Return aligned columns; the last one is wrapped at 80 characters.

    `colours` are those of the third column, row by row. If the others leave too little room, the last column goes below its row.
    """
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    start = sum(widths) + 2 * len(widths) + indent
    is_beside = WIDTH - start >= min(LEAST_WIDTH, max(len(row[-1]) for row in rows))
    margin = " " * (start if is_beside else indent + 2)
    lines = list[str]()
    for number, (*cells, last) in enumerate(rows):
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        if colours:
            padded[2] = coloured(padded[2], colours[number])
        wrapped = textwrap.wrap(last, WIDTH - len(margin))
        beside, below = (wrapped[:1], wrapped[1:]) if is_beside else ([], wrapped)
        lines.append((" " * indent + "  ".join([*padded, *beside])).rstrip())
        lines.extend(margin + more for more in below)
    return lines


def judged(label: str, colour: str, text: str, do: str, indent: int) -> Iterator[str]:
    """Yield a verdict: its label, beside that what was found, wrapped, and below it what to do, if anything.

    What to do has commands in it, which are to be copied: it stays in one line, that a terminal breaks without breaking them.
    """
    first, *more = textwrap.wrap(plain(text), WIDTH - indent, break_on_hyphens=False) or [""]
    yield coloured(label.ljust(indent), colour) + first
    yield from (" " * indent + line for line in (*more, *([f"do: {plain(do)}"] if do else ())))


def is_lively(stream: TextIO) -> bool:
    """Return whether colours and control codes are welcome: the stream is a terminal, and NO_COLOR is not set."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def coloured(text: str, colour: str) -> str:
    """Return the text in that colour, on a terminal."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if colour and is_lively(sys.stdout) else text
