"""The commands. Those that talk to the service import nothing heavy, so that they answer at once.

- `parser`     the command line: which commands there are; each is imported only when it is called
- `status`, `ping`, `board`, `events`, `why`, `top`   each a command
- `actions`    start, stop, restart, kill, enable, disable: ask and wait
- `goals`      what is waited for, decided on evidence; no I/O
- `prospects`  what keeps a device from starting, and what comes next
- `sentences`, `text`, `names`, `progress`, `help`   words for people
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
from wagman.cli.parser import parse
from wagman.client.errors import ClientError

UNWRITABLE = {
    errno.ENOSPC: "the device that it goes to is full",
    errno.EIO: "its terminal is gone, or the device that it goes to fails",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    _have_streams()
    try:
        args = parse(sys.argv[1:] if argv is None else argv)
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
        return FAILED
    return code


def _have_streams() -> None:
    """Python has none where the caller has closed them (`>&-`); what is written there is meant for nobody.

    What a stream's character set does not have is written in another way: no reason not to say the rest.
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
