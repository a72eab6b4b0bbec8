"""Files with a password or a key: a path, or the name of a credential that systemd hands to the service.

A unit says `LoadCredential=plug:/etc/wagman/plug`, and the configuration `password_file = "plug"`. Then only the service can
read it.
"""

import errno
import os
import stat
from pathlib import Path

from wagman.config.files import opened
from wagman.config.kinds import Kind
from wagman.model.errors import BoardError

DIRECTORY = "CREDENTIALS_DIRECTORY"
"""The environment variable by which systemd names the directory of the service's credentials."""

MOST_BYTES = 4096
"""How long such a file may be, in bytes (chosen)."""


def _read(value: object) -> str:
    is_credential = isinstance(value, str) and "/" not in value and value not in ("", ".", "..") and value.isprintable()
    if not isinstance(value, str) or "\0" in value or not (is_credential or value.startswith("/")):
        raise ValueError(SECRET_FILE.wants)
    return value


SECRET_FILE = Kind("the path of a file, from / on, or the name of a credential of the unit", _read)


def place(value: str) -> Path | None:
    """Where the file is; None: a credential, and systemd has handed none over, as for a command of an operator."""
    if value.startswith("/"):
        return Path(value)
    directory = os.environ.get(DIRECTORY)
    return Path(directory, value) if directory else None


def found(value: str) -> Path:
    """Where the file is; raises FileNotFoundError for a credential that was not handed over."""
    path = place(value)
    if path is None:
        raise FileNotFoundError(f"there is no credential {value}: ${DIRECTORY} is not set")
    return path


def handed_over(path: str) -> str:
    """The path of the credential with this file's name, if systemd hands one over; else the path itself."""
    credential = place(Path(path).name)
    return str(credential) if credential is not None and credential.exists() else path


def read_secret(value: str) -> bytes:
    """The content of the file, without the end of its last line.

    Raises:
        OSError: it is not there, or cannot be read, or is no ordinary file, or is longer than any secret.
    """
    with opened(found(value)) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"longer than {MOST_BYTES} bytes: is it the right file?")
    return content.rstrip(b"\r\n")


def read_password(file: str | None) -> str | None:
    """The password in a `password_file`; None: none is configured.

    Raises:
        BoardError: the file cannot be read, or is too long.
    """
    try:
        return None if file is None else read_secret(file).decode()
    except (OSError, UnicodeError) as error:
        raise BoardError(f"password_file {file}: {getattr(error, 'strerror', None) or error}") from error


def is_shown_to_others(value: str) -> bool:
    """Whether anybody on this machine may read the file; False if this process cannot see that, or it is no file at all."""
    path = place(value)
    try:
        mode = 0 if path is None else path.stat().st_mode
        return stat.S_ISREG(mode) and bool(mode & stat.S_IROTH)
    except OSError:
        return False
