"""The account of the service: made if it is missing, and removed only if it was made here.

The accounts made here are recorded in a file that only root can write, since a name does not tell whose an account is.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

from wagman.systemd.steps import InstallError, Target

RECORD = "/var/lib/wagman-installed"
"""The record of accounts made here, lines such as `user wagman 999`. The service's user cannot write there."""

MARK = "Wagman service"
"""The full name of accounts that our sysusers.d file makes. It tells those of version 0.1.0, which kept no record."""

FIRST_PERSON = 1000
"""User ids from here on are those of people, on every common system."""

NO_SHELLS = ("nologin", "false")

_FILES = ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow")
_ROOT = Path("/")


_KINDS = {"user": "/etc/passwd", "group": "/etc/group"}
"""The file of each kind of account."""


@frozen
class User:
    """A user of the system, the group of its name, and further groups, as a sysusers.d file describes them."""

    name: str
    described_in: str
    groups: tuple[str, ...] = ()  # for people who may do some of what the user may; the user is in none of them

    def plan(self, target: Target) -> str:
        """Return what has to be created, in words.

        Raises:
            InstallError: the name belongs to a person.
        """
        account = entry(target, "/etc/passwd", self.name)
        if account and _is_person(account):
            raise InstallError(
                f"the account {self.name} belongs to a person (uid {account[2]}, {account[6]}), and the service needs that name "
                "for itself: rename the account first (usermod --login, groupmod --new-name)"
            )
        missing = [(kind, name) for kind, name in self._accounts if not entry(target, _KINDS[kind], name)]
        return f"create {self._listed(missing)}" if missing else ""

    def do(self, target: Target) -> None:
        """Create the accounts as systemd does at boot, and record those that did not exist before."""
        _require_own_files(target)
        before = self._there(target)
        target.run("systemd-sysusers", f"--root={target.root}", str(target.path(self.described_in)))
        made = [line for line in self._there(target) if line not in before]
        record = target.place(RECORD)
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text("".join(f"{line}\n" for line in (*recorded(target), *made)), encoding="utf-8")

    def plan_removal(self, target: Target) -> str:
        """Return what will be removed, in words: accounts that were made here and are unchanged."""
        ours = self._ours(target)
        return f"remove {self.words(ours)}" if ours else ""

    def undo(self, target: Target) -> None:
        """Remove the accounts. A group with other members stays: they would lose it without being asked."""
        _require_own_files(target)
        ours = self._ours(target)
        kinds = {(kind, name) for kind, name, _ in map(str.split, ours)}
        prefix = [] if target.root == _ROOT else ["--prefix", str(target.root)]
        if ("user", self.name) in kinds:
            self._undo_user(target, prefix, has_own_group=("group", self.name) in kinds)
        # userdel has removed the group of the user's name only if login.defs says so (USERGROUPS_ENAB).
        for line in (each for each in self.still_there(target, ours) if each.startswith("group ")):
            if not self._has_members(target, line):
                target.run(_tool("groupdel"), *prefix, line.split()[1])

    def _undo_user(self, target: Target, prefix: Sequence[str], *, has_own_group: bool) -> None:
        if not has_own_group and entry(target, "/etc/group", self.name):
            target.run(_tool("usermod"), *prefix, "--gid", "0", self.name)  # userdel would remove the group of that name, too
        target.run(_tool("userdel"), *prefix, self.name)

    def remains(self, target: Target) -> bool:
        """Return whether there is such a user."""
        return bool(entry(target, "/etc/passwd", self.name))

    def still_there(self, target: Target, accounts: Sequence[str]) -> list[str]:
        """Return those of these accounts that exist."""
        return [line for line in self._there(target) if line in accounts]

    def words(self, accounts: Sequence[str]) -> str:
        """Return accounts of the record in words."""
        return self._listed([(kind, name) for kind, name, _ in map(str.split, accounts)])

    @property
    def _accounts(self) -> tuple[tuple[str, str], ...]:
        """The accounts that have to exist, by kind and name."""
        return ("user", self.name), ("group", self.name), *(("group", name) for name in self.groups)

    def _listed(self, accounts: Sequence[tuple[str, str]]) -> str:
        """Return accounts in words: `user and group wagman, group wagman-read`."""
        own = [kind for kind, name in accounts if name == self.name]
        return ", ".join(
            [f"{' and '.join(own)} {self.name}"] * bool(own) + [f"{kind} {name}" for kind, name in accounts if name != self.name]
        )

    def _there(self, target: Target) -> list[str]:
        """Return the existing accounts, as `user NAME UID` and `group NAME GID`."""
        found = ((kind, name, entry(target, _KINDS[kind], name)) for kind, name in self._accounts)
        return [f"{kind} {name} {fields[2]}" for kind, name, fields in found if fields]

    def made(self, target: Target) -> list[str]:
        """Return the existing accounts that were made here, as lines of the record."""
        record, there = recorded(target), self._there(target)
        if not any(line.startswith(self._own) for line in record) and self._bears_our_mark(target):
            record = [*record, *(line for line in there if line.startswith(self._own))]
        return [line for line in there if line in record]

    def _ours(self, target: Target) -> list[str]:
        """Return the accounts that may go. A group with members may not, unless its user goes with it."""
        made = self.made(target)
        goes = any(line.startswith("user ") for line in made)
        return [line for line in made if (goes and line.startswith(self._own)) or not self._has_members(target, line)]

    @property
    def _own(self) -> tuple[str, str]:
        """The beginnings of the lines of the user and of the group of its name."""
        return f"user {self.name} ", f"group {self.name} "

    def _has_members(self, target: Target, line: str) -> bool:
        kind, name, _ = line.split()
        return kind == "group" and bool(entry(target, _KINDS[kind], name)[3])

    def _bears_our_mark(self, target: Target) -> bool:
        account = entry(target, "/etc/passwd", self.name)
        return bool(account) and account[4] == MARK and int(account[2]) < FIRST_PERSON


@frozen
class Record:
    """The record of accounts made here, which is kept until none of them is left."""

    user: User

    def plan(self, _target: Target) -> str:
        """Return nothing: the record is written together with the accounts."""
        return ""

    def do(self, target: Target) -> None:
        """Do nothing."""

    def plan_removal(self, target: Target) -> str:
        """Return what will be removed, in words."""
        return f"remove {RECORD}" if target.place(RECORD).exists() else ""

    def undo(self, target: Target) -> None:
        """Remove the record, unless accounts of it are left: another try has to know them.

        Raises:
            InstallError: accounts of it are left.
        """
        if self.user.plan_removal(target):
            raise InstallError(f"{RECORD} stays: what it tells of is still there")
        target.place(RECORD).unlink()


@frozen
class State:
    """The service's directory, which outlives its account. Its files would belong to the next user with that number."""

    path: str
    user: User

    def plan(self, _target: Target) -> str:
        """Return nothing: systemd makes the directory for the unit, and gives it to the service's user."""
        return ""

    def do(self, target: Target) -> None:
        """Do nothing."""

    def plan_removal(self, target: Target) -> str:
        """Return what will be done, in words, if the account is removed or gone."""
        path = target.place(self.path)
        is_there = path.is_dir() and not path.is_symlink() and path.stat().st_uid != 0
        goes = not self.user.remains(target) or self.user.plan_removal(target)
        return f"give {self.path}, which stays, to root alone" if is_there and goes else ""

    def undo(self, target: Target) -> None:
        """Give the directory to root, mode 0700. After another installation systemd gives it back to the service's user.

        Raises:
            InstallError: the account is still there.
        """
        if self.user.remains(target):
            raise InstallError(f"{self.path} stays with {self.user.name}, whose account is still there")
        path = target.place(self.path)
        path.chmod(0o700)
        for _, directories, names, fd in os.fwalk(path):
            os.chown(fd, 0, 0)
            for name in (*directories, *names):
                os.chown(name, 0, 0, dir_fd=fd, follow_symlinks=False)


def entry(target: Target, file: str, name: str) -> list[str]:
    """Return the fields of a line of an account file; none if there is no such name."""
    path = target.path(file)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ()
    return next((line.split(":") for line in lines if line.startswith(f"{name}:")), [])


def recorded(target: Target) -> list[str]:
    """Return the lines of the record."""
    path = target.place(RECORD)
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []


def _is_person(account: list[str]) -> bool:
    uid, shell = int(account[2]), account[6]
    return uid == 0 or (uid >= FIRST_PERSON and Path(shell).name not in NO_SHELLS)


def _require_own_files(target: Target) -> None:
    """Refuse an image with links at its account files: the tools would follow them to the files of this system.

    Raises:
        InstallError: there is such a link.
    """
    for file in _links_away(target):
        raise InstallError(
            f"{file} is reached by a link, and the tools for accounts would follow it out of {target.root}: "
            "run this in the image itself (systemd-nspawn -D, chroot)"
        )


def _links_away(target: Target) -> Iterator[str]:
    if target.root != _ROOT:
        yield from (file for file in _FILES if target.path(file) != target.root / file.lstrip("/"))


def _tool(name: str) -> str:
    """Return the path of a system tool, which root's PATH need not have."""
    return shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin") or name
