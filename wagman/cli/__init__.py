"""The commands. Those that talk to the service import nothing heavy, so that they answer at once.

- `parser`     the command line: which commands there are; each is imported only when it is called
- `status`, `check`, `why`, `events`, `ping`, `board`, `hibernate` (also `wake`), `report`, `top`   each a command
- `drill`      the command `test`
- `actions`    start, stop, restart, kill, enable, disable, maintenance: ask and wait
- `goals`      what is waited for, decided on evidence; no I/O
- `prospects`  what keeps a guest from starting, and what comes next; `story`: the events that led to its state
- `problems`   what calls for a person, as lines of text; `boards`: the boards in a status, and which one a guest is on
- `top_view`, `top_keys`   the picture of the live view, and what its keys do; no terminal
- `sentences`, `text`, `names`, `progress`, `help`   words for people
- `connection`   the option that says where the service is
- `completion`   for shells
- `local`      commands that run something here: run, demo, simulate, fake-board, check-config, doctor
- `outcome`, `exits`   exit codes, and which error ends with which
"""

import errno
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from wagman.cli.exits import code_of
from wagman.cli.outcome import FAILED, INTERRUPTED, PIPE_CLOSED, CommandError, complain, forget
from wagman.cli.parser import UNTOLD_CODES, parse
from wagman.client.errors import ClientError

UNWRITABLE = {
    errno.ENOSPC: "the device that it goes to is full",
    errno.EIO: "its terminal is gone, or the device that it goes to fails",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit code."""
    _have_streams()
    unwritten = FAILED
    try:
        args = parse(sys.argv[1:] if argv is None else argv)
        unwritten = UNTOLD_CODES.get(args.command, FAILED)
        code: int = args.run(args)
        sys.stdout.flush()
    except (CommandError, ClientError) as error:
        complain(error)
        return code_of(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        forget(sys.stdout)
        return PIPE_CLOSED
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        forget(sys.stdout)
        complain(f"the output could not be written: {UNWRITABLE[error.errno]}")
        return unwritten
    return code


def _have_streams() -> None:
    """Replace the standard streams that the caller has closed (`>&-`), which are None in Python, by /dev/null.

    Characters that a stream's encoding lacks are written as escapes, so that the rest of the text is not lost.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - as below
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - pathlib is a heavy import; open to the end
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - pathlib is a heavy import; open to the end
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
