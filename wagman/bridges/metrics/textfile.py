"""The file that node_exporter's textfile collector reads: written whole, again and again, and gone at the end."""

import os
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import trio


async def keep(path: Path, every_s: float, text: Callable[[], Awaitable[str]]) -> None:
    """Write the file every `every_s` seconds, until cancelled; raises OSError if it cannot be written.

    The file is removed at the end, so that no old figures are taken for new ones. A killed program leaves it; then the time of
    its last change tells.
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
    except OSError as error:  # the error names the temporary file
        raise OSError(error.errno, error.strerror, str(path)) from error


def remove(path: Path) -> None:
    """Remove the file, if it exists and can be removed."""
    with suppress(OSError):
        path.unlink()


def replace(path: Path, text: str) -> None:
    """Replace the file at once, readable for everybody: a reader finds all of the old text or all of the new."""
    # The collector reads any file that ends in .prom, so the temporary one must not.
    number, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "w", encoding="utf-8", errors="replace") as file:
            os.fchmod(number, 0o644)
            file.write(text)
        os.replace(fresh, path)  # noqa: PTH105 - a name, not a path
    except BaseException:
        os.unlink(fresh)  # noqa: PTH108 - likewise
        raise
