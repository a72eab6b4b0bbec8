"""What commands print: times, tables, colours."""

import os
import sys
import textwrap
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TextIO

from wagman.model.words import plain

WIDTH = 80

LEAST_WIDTH = 20
"""A column that is narrower is not read, but spelt (chosen)."""

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "faint": "2"}


def short(seconds: float | None) -> str:
    """For columns, as in "4m57s" and "3d02h"; "-" for what is not known."""
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
    """A time stamp of the service as local date and time; as it is, where a bad disk has left none."""
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError):
        return plain(stamp)


def clock(stamp: str) -> str:
    """A time stamp as local time; with the date, unless it is today."""
    text = local(stamp)
    return text.removeprefix(time.strftime("%Y-%m-%d "))


def table(rows: Iterable[Sequence[str]], colours: Sequence[str] = (), indent: int = 0) -> list[str]:
    """Aligned columns; the last one is wrapped at 80. `colours` are those of the third column, row by row.

    Where the others leave too little room beside them, the last one goes below its row.
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


def is_lively(stream: TextIO) -> bool:
    """A terminal, and nobody asked for plain text: colours and control codes are welcome."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def coloured(text: str, colour: str) -> str:
    """On a terminal, in that colour."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if colour and is_lively(sys.stdout) else text
