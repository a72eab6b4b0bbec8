"""What the service's user may do with a file, whoever asks: root may read everything, and the service may not.

The kernel is asked, in the name of that user: it alone knows of access control lists, of groups, of what is mounted how. What
the unit hides from the service beside that (ProtectHome=, PrivateTmp=) is not looked at here.
"""

import os
import pwd
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

SERVICE_USER = "wagman"
"""Whom the unit runs the service as."""

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where systemd has the service look for commands, unless the unit says otherwise."""

_YES, _NO = 0, 1


@frozen
class Account:
    """A user, with the groups that processes of his have."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]

    @property
    def is_us(self) -> bool:
        """This process runs as that user."""
        return os.geteuid() == self.uid

    def may(self, path: str | Path, mode: int) -> bool | None:
        """Whether that user may (os.R_OK, os.W_OK, os.X_OK, or their sum); None where that cannot be known from here."""
        return self._asked(lambda: os.access(path, mode, effective_ids=True))

    def obstacle(self, path: str | Path) -> str:
        """What on the way to `path` that user may not pass: the outermost directory, or else the file itself."""
        whole = Path(path).absolute()
        ways = [*reversed(whole.parents)]
        return str(next((way for way in ways if self.may(way, os.X_OK) is False), whole))

    def _asked(self, question: Callable[[], bool]) -> bool | None:
        """Have a child that has become that user answer; only root can."""
        if self.is_us:
            return question()
        if os.geteuid() != 0:
            return None
        child = os.fork()
        if not child:
            self._answer(question)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return {_YES: True, _NO: False}.get(code)

    def _answer(self, question: Callable[[], bool]) -> None:
        """In the child: the answer is its exit status, and it never returns."""
        code = _NO + 1
        try:
            os.setgroups(self.groups)
            os.setgid(self.gid)
            os.setuid(self.uid)
            code = _YES if question() else _NO
        finally:
            os._exit(code)


def service_account() -> Account | None:
    """The user that the installed service runs as; None where there is no such user."""
    try:
        entry = pwd.getpwnam(SERVICE_USER)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, tuple(os.getgrouplist(entry.pw_name, entry.pw_gid)))


def own_account() -> Account:
    """The user of this process, by number: he need not have a name."""
    return Account(f"uid {os.geteuid()}", os.geteuid(), os.getegid(), tuple(os.getgroups()))
