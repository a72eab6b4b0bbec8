"""Opening a file that somebody names, without having to wait for it."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

STANDARD_INPUT = Path("/dev")
"""Where the names of what comes through a pipe on purpose are: `/dev/stdin`, `/dev/fd/63`."""


def opened(path: Path) -> BinaryIO:
    """Open a file to read it.

    A pipe in its place would hold up the whole service until somebody writes to it, and with the service all guests.

    Raises:
        OSError: it is not there, cannot be read, or is no ordinary file.
        ValueError: no file can have such a name.
    """
    if STANDARD_INPUT in path.parents:
        return path.open("rb")
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _check(os.fstat(number).st_mode)
        return os.fdopen(number, "rb")
    except OSError:
        os.close(number)
        raise


def _check(mode: int) -> None:
    """Raise OSError for what is neither a file nor a directory, which says itself that it is one."""
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "it is a pipe or a device, and an ordinary file is wanted")
