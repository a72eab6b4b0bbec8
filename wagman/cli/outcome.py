"""Exit codes, and the error that carries one."""

import os
import sys
from typing import TextIO

DONE = 0
FAILED = 1
USAGE = 2
UNREACHABLE = 3
REFUSED = 4
TIMED_OUT = 5
INTERRUPTED = 130
"""128 + SIGINT, as shells count."""
PIPE_CLOSED = 141
"""128 + SIGPIPE, as shells count: the reader of the output has closed it."""


class CommandError(Exception):
    """The end of a command: one line that says what to do next, and the exit code."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def complain(message: object) -> None:
    """Print a message as one line on stderr."""
    try:
        print(f"wagman: {' '.join(str(message).split())}", file=sys.stderr, flush=True)
    except OSError:
        forget(sys.stderr)  # the terminal is gone: the exit code tells all the same


def forget(stream: TextIO) -> None:
    """Send the rest of what is buffered to /dev/null, so that the interpreter does not fail on it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
