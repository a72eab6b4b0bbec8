"""What the service's user may do with a file, whoever asks: root may read everything, and the service may not.

The kernel is asked, in the name of that user: it alone knows of access control lists, groups and mounts. What the unit hides from
the service besides (ProtectHome=, PrivateTmp=) is not looked at here.
"""

import json
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from attrs import frozen

SERVICE_USER = "wagman"
"""The user as whom the unit runs the service."""

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where systemd has the service look for commands, unless the unit says otherwise."""

T = TypeVar("T")


@frozen
class Account:
    """A user, with the groups that its processes have."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str = "/"

    @property
    def is_us(self) -> bool:
        """Whether this process runs as that user."""
        return os.geteuid() == self.uid

    def may(self, path: str | Path, mode: int) -> bool | None:
        """Whether that user may do this (os.R_OK, os.W_OK, os.X_OK, or their sum); None: this process cannot find out."""
        return self.ask(lambda: os.access(path, mode, effective_ids=True))

    def obstacle(self, path: str | Path) -> str:
        """The first thing on the way to `path` that stops that user: the outermost directory, or else the file itself."""
        whole = Path(path).absolute()
        ways = [*reversed(whole.parents)]
        return str(next((way for way in ways if self.may(way, os.X_OK) is False), whole))

    def ask(self, question: Callable[[], T]) -> T | None:
        """The answer to a question that is asked as that user, as plain JSON data; None: it could not be asked, or failed."""
        if self.is_us:
            return question()
        if os.geteuid() != 0:
            return None
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            self._answer(question, writer)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            told = pipe.read()
        os.waitpid(child, 0)
        answer: T | None = json.loads(told) if told else None
        return answer

    def _answer(self, question: Callable[[], object], writer: int) -> None:
        """Answer in the child, and never return; a question that fails is not answered."""
        try:
            os.setgroups(self.groups)
            os.setgid(self.gid)
            os.setuid(self.uid)
            os.environ["HOME"] = self.home
            os.write(writer, json.dumps(question()).encode())
        finally:
            os._exit(0)


def service_account() -> Account | None:
    """The user that the installed service runs as; None: there is no such user."""
    return account_of(SERVICE_USER)


def account_of(name: str) -> Account | None:
    """The user of that name; None: there is none."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, groups, entry.pw_dir)


def own_account() -> Account:
    """The user of this process, by number: it need not have a name."""
    return Account(f"uid {os.geteuid()}", os.geteuid(), os.getegid(), tuple(os.getgroups()))
