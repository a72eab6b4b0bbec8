"""The commands. Those that talk to the service import nothing heavy, so that they answer at once.

- `parser`     the command line: which commands there are; each is imported only when it is called
- `local`      commands that run something here: run, demo, simulate, fake-board, check-config
"""

import os
import sys
from collections.abc import Sequence

from wagman.cli.outcome import INTERRUPTED, PIPE_CLOSED, CommandError, complain
from wagman.cli.parser import parse


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        args = parse(sys.argv[1:] if argv is None else argv)
        code: int = args.run(args)
        sys.stdout.flush()
    except CommandError as error:
        complain(error)
        return error.code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return PIPE_CLOSED
    return code


def _forget_output() -> None:
    """Nobody reads any more: keep the interpreter from complaining when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
