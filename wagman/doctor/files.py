"""Commands that the service runs, and files that it reads (passwords, keys, certificates): that they will work when needed."""

import errno
import os
from collections.abc import Iterator

from wagman.config.as_user import SEARCH_PATH
from wagman.config.kinds import FILE
from wagman.config.load import commands, placed
from wagman.config.runnable import trouble
from wagman.config.schema import Config
from wagman.config.secrets import SECRET_FILE, place, read_secret
from wagman.config.setting import settings
from wagman.doctor.found import Found
from wagman.doctor.parts import parts
from wagman.model.words import enumerated

MEND = "mend it, then wagman check-config"

BARRED = (os.strerror(errno.EACCES), "cannot be run by this user")
"""Words about a program or a file that another user may be able to use."""


def runnable(path: str, search: str = SEARCH_PATH) -> Iterator[Found]:
    """Check every command of the file at `path`, a right configuration; `search` names the directories of programs."""
    asked = commands(path)
    judged = [(at, why) for at, command in asked.items() if (why := trouble(command, search)) is not None]
    for line in placed(path, judged):
        yield Found("command", "wrong", line, MEND, any(words in line for words in BARRED))
    if asked and not judged:
        where = "" if search == SEARCH_PATH else " with the PATH of whoever asks"
        yield Found("command", "ok", f"every command can be found and run{where} ({len(asked)})")


def read(config: Config) -> Iterator[Found]:
    """Check every file that the tables name."""
    well = list[str]()
    for whose, key, file in files(config):
        found = _file(f"{whose}: {key} {file}", file)
        if found is None:
            well.append(file)
        else:
            yield found
    if well:
        yield Found("file", "ok", f"can be read: {enumerated(list(dict.fromkeys(well)))}")


def files(config: Config) -> Iterator[tuple[str, str, str]]:
    """Yield whose it is, the key, and the path or the name of a credential, for each file."""
    for whose, section in parts(config):
        for key, attribute in settings(type(section)).items():
            value = getattr(section, attribute.name)
            if value is not None and (attribute.metadata["setting"].kind in (FILE, SECRET_FILE)):
                yield whose, key, value


def _file(what: str, file: str) -> Found | None:
    """Return what is wrong with the file, or None."""
    if place(file) is None:
        return Found("file", "unknown", f"{what}: only the unit is handed that credential, and it is not looked for from here")
    try:
        content = read_secret(file)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        return Found("file", "wrong", f"{what} cannot be read: {why}", MEND, isinstance(error, PermissionError))
    if not content.strip():
        return Found("file", "wrong", f"{what} is empty", MEND)
    return None
