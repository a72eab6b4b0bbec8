"""Words for people: times, durations, tables."""

import os
import sys
import textwrap
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TextIO

WIDTH = 80

_ORDINALS = ("", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_SENSORS = {"temperature_c": ("temperature", "C"), "humidity_pct": ("humidity", "%"), "current_ma": ("current", "mA")}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_COLOURS = {"red": "31", "green": "32", "yellow": "33", "faint": "2"}


def plain(text: object) -> str:
    """Text from elsewhere on one line, without anything that a terminal would obey."""
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in str(text))


def duration(seconds: float) -> str:
    """As in "4 min 57 s": two units at most."""
    if seconds < 1:
        return f"{max(seconds, 0):.1f} s"
    left, parts = round(seconds), list[str]()
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
        if len(parts) == 2 or (parts and not count):  # noqa: PLR2004 - "1 h 5 s" would be odd
            break
    return " ".join(parts)


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


def ordinal(number: int) -> str:
    """In words, as far as that is usual."""
    if 0 < number < len(_ORDINALS):
        return _ORDINALS[number]
    suffix = "th" if 10 <= number % 100 < 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")  # noqa: PLR2004
    return f"{number}{suffix}"


def local(stamp: str) -> str:
    """A time stamp of the service as local date and time; as it is, where a bad disk has left none."""
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError):
        return plain(stamp)


def reading(sensor: str, value: float | None, last: float | None = None, age_s: float | None = None) -> str:
    """What a sensor of the enclosure tells, in its unit; where that is not known, what it told last, and how long ago."""
    what, unit = _SENSORS.get(sensor, (sensor, ""))
    if value is not None:
        return f"{what} {value:g} {unit}".rstrip()
    return f"{what} unknown{was(last, unit, age_s)}"


def was(last: float | None, unit: str, age_s: float | None) -> str:
    """What was read last, for behind an "unknown"; nothing, where nothing was."""
    if last is None:
        return ""
    ago = "" if age_s is None else f", {duration(age_s)} ago"
    return f" ({f'{last:g} {unit}'.rstrip()}{ago})"


def clock(stamp: str) -> str:
    """A time stamp as local time; with the date, unless it is today."""
    text = local(stamp)
    return text.removeprefix(time.strftime("%Y-%m-%d "))


def table(rows: Iterable[Sequence[str]], colours: Sequence[str] = (), indent: int = 0) -> list[str]:
    """Aligned columns; the last one is wrapped at 80. `colours` are those of the third column, row by row."""
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lines = list[str]()
    for number, (*cells, last) in enumerate(rows):
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        start = sum(widths) + 2 * len(widths) + indent
        wrapped = textwrap.wrap(last, max(WIDTH - start, 20)) or [""]
        if colours:
            padded[2] = coloured(padded[2], colours[number])
        lines.append((" " * indent + "  ".join([*padded, wrapped[0]])).rstrip())
        lines.extend(" " * start + more for more in wrapped[1:])
    return lines


def is_lively(stream: TextIO) -> bool:
    """A terminal, and nobody asked for plain text: colours and control codes are welcome."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def coloured(text: str, colour: str) -> str:
    """On a terminal, in that colour."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if colour and is_lively(sys.stdout) else text
