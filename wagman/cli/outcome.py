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
"""128 + SIGPIPE, as shells count: whoever read the output has had enough."""


class CommandError(Exception):
    """The command ends here: one line that says what to do next, and the exit code."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def complain(message: object) -> None:
    """One line on stderr, whatever is in the message."""
    try:
        print(f"wagman: {' '.join(str(message).split())}", file=sys.stderr, flush=True)
    except OSError:
        forget(sys.stderr)  # its terminal is gone: the exit code tells all the same


def forget(stream: TextIO) -> None:
    """What is left to be written there cannot be: keep the interpreter from trying again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
