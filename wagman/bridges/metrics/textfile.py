"""The file that node_exporter's textfile collector reads: written whole, again and again, and gone at the end."""

import os
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import trio


async def keep(path: Path, every_s: float, text: Callable[[], Awaitable[str]]) -> None:
    """Write the file, every `every_s` seconds, until cancelled; raises OSError where it cannot be written.

    It is taken away at the end, for nobody could tell an old figure in it from a new one. Who is killed leaves it: then its time
    of change tells.
    """
    try:
        while True:
            _replaced(path, await text())
            await trio.sleep(every_s)
    finally:
        remove(path)


def _replaced(path: Path, text: str) -> None:
    try:
        replace(path, text)
    except OSError as error:  # it names the file that was to become this one
        raise OSError(error.errno, error.strerror, str(path)) from error


def remove(path: Path) -> None:
    """Take the file away, if that is possible and there is one."""
    with suppress(OSError):
        path.unlink()


def replace(path: Path, text: str) -> None:
    """Have `text` in the file at once: whoever reads it finds all of it, old or new; everybody may read it."""
    # The collector reads whatever ends in .prom.
    number, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "w", encoding="utf-8", errors="replace") as file:
            os.fchmod(number, 0o644)
            file.write(text)
        os.replace(fresh, path)  # noqa: PTH105 - a name, not a path
    except BaseException:
        os.unlink(fresh)  # noqa: PTH108 - likewise
        raise
