"""Whether a command that is needed in an emergency can be run at all: found out before the emergency, as far as possible.

The system is asked with the rights of this process; for another user, see `wagman.config.as_user`. Looked at are the program and
the files that ssh, curl and interpreters are told to read. What a command does at the other end nobody can know before.
"""

import json
import os
import shlex
import shutil
import stat
from collections.abc import Iterator, Sequence
from itertools import pairwise

_FILE_OPTIONS = ("-i", "-F", "--cert", "--key", "--cacert", "--config", "--netrc-file")
"""Options of ssh and curl whose value is a file to read."""

_FILE_KEYS = ("identityfile=", "certificatefile=", "userknownhostsfile=")
"""The same for the option -o of ssh."""

_INTERPRETERS = ("sh", "bash", "dash", "python", "python3", "perl")


def trouble(command: Sequence[str], path: str) -> str | None:
    """Why `command`, run with this PATH, cannot work, and what to do; None: no reason was found."""
    return next(_troubles(command, path), None)


def unread(file: str) -> str | None:
    """Why `file` cannot be read; None: it can."""
    return next(_of_file(file), None)


def _troubles(command: Sequence[str], path: str) -> Iterator[str]:
    if command:
        yield from _of_program(command[0], command, path)
        for file in _files(command):
            yield from _of_file(file)


def _of_program(program: str, command: Sequence[str], path: str) -> Iterator[str]:
    if shutil.which(program, path=path) is not None:
        return
    if len(words := _words(program)) > 1 and shutil.which(words[0], path=path) is not None:
        yield f"there is no program called {json.dumps(program)}: did you mean {json.dumps([*words, *command[1:]])}?"
    elif os.sep in program:
        yield _why_not_run(program)
    else:
        yield f"there is no program called {json.dumps(program)} in {path}"


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return [text]


def _why_not_run(program: str) -> str:
    """Why a program that is named by its path cannot be run."""
    try:
        mode = os.stat(program).st_mode  # noqa: PTH116 - as os.access below
    except (OSError, ValueError) as error:  # a NUL in the path
        return f"{program} cannot be run: {getattr(error, 'strerror', error)}"
    if stat.S_ISDIR(mode):
        return f"{program} cannot be run: it is a directory"
    return f"{program} cannot be run by this user: chmod +x, or another owner"


def _files(command: Sequence[str]) -> Iterator[str]:
    """The files that the command is certainly told to read here, and not at the other end."""
    if os.path.basename(command[0]) in _INTERPRETERS and len(command) > 1 and command[1].startswith("/"):  # noqa: PTH119
        yield command[1]
    for option, value in pairwise(command):
        if option in _FILE_OPTIONS and not value.startswith("-"):
            yield value
        if option == "-o" and value.lower().startswith(_FILE_KEYS):
            yield value.partition("=")[2]


def _of_file(file: str) -> Iterator[str]:
    name = os.path.expanduser(file)  # noqa: PTH111 - as ssh does, which is given it as it is
    try:
        os.close(os.open(name, os.O_RDONLY | os.O_NONBLOCK))
    except (OSError, ValueError) as error:
        yield f"{file} cannot be read: {getattr(error, 'strerror', error)}"
