"""The output of a program, with a time limit, and without colours or a pager."""

import os
import subprocess
from collections.abc import Mapping

from wagman.model.errors import WagmanError

WITHIN_S = 10.0
"""How long a program may take (chosen: systemctl waits for a busy manager)."""

_PLAIN: Mapping[str, str] = {"LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "cat", "SYSTEMD_LESS": ""}


class UnseenError(WagmanError):
    """Something cannot be found out; the text says why."""


def output(*command: str, within_s: float = WITHIN_S) -> str:
    """Return the output of the program.

    Raises:
        UnseenError: the program is missing, fails, or takes too long.
    """
    try:
        done = subprocess.run(  # noqa: S603 - programs of the system, and no shell
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=within_s,
            check=False,
            cwd="/",
            env={**os.environ, **_PLAIN},
        )
    except subprocess.TimeoutExpired as error:
        raise UnseenError(f"{command[0]} does not end within {within_s:g} s") from error
    except OSError as error:
        raise UnseenError(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise UnseenError(f"{command[0]}: {said[-1] if said else f'exit status {done.returncode}'}")
    return done.stdout
