"""The account that the service runs as: made where there is none, and removed only where it was made here.

What was made is written down beside, in a place that only root can write to: names do not tell whose an account is.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

from wagman.systemd.steps import InstallError, Target

RECORD = "/var/lib/wagman-installed"
"""What was made here: lines such as `user wagman 999`. Not in the service's own directory, where its user could write."""

MARK = "Wagman service"
"""The name in full of accounts that our sysusers.d file makes: version 0.1.0 wrote nothing down."""

FIRST_PERSON = 1000
"""User ids from here on are those of people, on every common system."""

NO_SHELLS = ("nologin", "false")

_FILES = ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow")
_ROOT = Path("/")


_KINDS = {"user": "/etc/passwd", "group": "/etc/group"}
"""Where each kind of account is kept."""


@frozen
class User:
    """A user of the system, the group of its name, and groups beside it, as a sysusers.d file describes them."""

    name: str
    described_in: str
    groups: tuple[str, ...] = ()  # of those that may do a part of what the user may; no group is the user's

    def plan(self, target: Target) -> str:
        """What there is not yet.

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
        """As systemd does at boot; what is there afterwards and was not before is written down as ours."""
        _require_own_files(target)
        before = self._there(target)
        target.run("systemd-sysusers", f"--root={target.root}", str(target.path(self.described_in)))
        made = [line for line in self._there(target) if line not in before]
        record = target.place(RECORD)
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text("".join(f"{line}\n" for line in (*recorded(target), *made)), encoding="utf-8")

    def plan_removal(self, target: Target) -> str:
        """Only what was made here, and is still the same."""
        ours = [(kind, name) for kind, name, _ in map(str.split, self._ours(target))]
        return f"remove {self._listed(ours)}" if ours else ""

    def undo(self, target: Target) -> None:
        """The group goes with the user, unless others are its members: they would lose it without being asked."""
        _require_own_files(target)
        ours = {(kind, name) for kind, name, _ in map(str.split, self._ours(target))}
        prefix = [] if target.root == _ROOT else ["--prefix", str(target.root)]
        alone = self.groups if ("user", self.name) in ours else (self.name, *self.groups)
        for name in (each for each in alone if ("group", each) in ours):
            target.run(_tool("groupdel"), *prefix, name)
        if ("user", self.name) in ours:
            self._undo_user(target, prefix, has_own_group=("group", self.name) in ours)

    def _undo_user(self, target: Target, prefix: Sequence[str], *, has_own_group: bool) -> None:
        if not has_own_group and entry(target, "/etc/group", self.name):
            target.run(_tool("usermod"), *prefix, "--gid", "0", self.name)  # userdel takes the group of that name with it
        target.run(_tool("userdel"), *prefix, self.name)

    def remains(self, target: Target) -> bool:
        """There is such a user."""
        return bool(entry(target, "/etc/passwd", self.name))

    @property
    def _accounts(self) -> tuple[tuple[str, str], ...]:
        """What there is to be: of which kind, and its name."""
        return ("user", self.name), ("group", self.name), *(("group", name) for name in self.groups)

    def _listed(self, accounts: Sequence[tuple[str, str]]) -> str:
        """In words: `user and group wagman, group wagman-read`."""
        own = [kind for kind, name in accounts if name == self.name]
        return ", ".join(
            [f"{' and '.join(own)} {self.name}"] * bool(own) + [f"{kind} {name}" for kind, name in accounts if name != self.name]
        )

    def _there(self, target: Target) -> list[str]:
        """`user NAME UID` and `group NAME GID`, as far as they are there."""
        found = ((kind, name, entry(target, _KINDS[kind], name)) for kind, name in self._accounts)
        return [f"{kind} {name} {fields[2]}" for kind, name, fields in found if fields]

    def _ours(self, target: Target) -> list[str]:
        """What is there, and was made here; a group that has members stays, unless it goes with its user."""
        record, there = recorded(target), self._there(target)
        own = (f"user {self.name} ", f"group {self.name} ")
        if not any(line.startswith(own) for line in record) and self._bears_our_mark(target):
            record = [*record, *(line for line in there if line.startswith(own))]
        ours = [line for line in there if line in record]
        goes = any(line.startswith(own[0]) for line in ours)
        return [line for line in ours if (goes and line.startswith(own)) or not self._has_members(target, line)]

    def _has_members(self, target: Target, line: str) -> bool:
        kind, name, _ = line.split()
        return kind == "group" and bool(entry(target, _KINDS[kind], name)[3])

    def _bears_our_mark(self, target: Target) -> bool:
        account = entry(target, "/etc/passwd", self.name)
        return bool(account) and account[4] == MARK and int(account[2]) < FIRST_PERSON


@frozen
class Record:
    """What was written down is of use until nothing of it is left."""

    user: User

    def plan(self, _target: Target) -> str:
        """It is written with what it tells of."""
        return ""

    def do(self, target: Target) -> None:
        """Nothing."""

    def plan_removal(self, target: Target) -> str:
        """Where it is there."""
        return f"remove {RECORD}" if target.place(RECORD).exists() else ""

    def undo(self, target: Target) -> None:
        """Unless something is left that it tells of: another try is to know."""
        if self.user.plan_removal(target):
            raise InstallError(f"{RECORD} stays: what it tells of is still there")
        target.place(RECORD).unlink()


@frozen
class State:
    """The service's directory, which outlives its account: its files would belong to whoever gets that number next."""

    path: str
    user: User

    def plan(self, _target: Target) -> str:
        """The unit has systemd make it, and gives it to the service's user."""
        return ""

    def do(self, target: Target) -> None:
        """Nothing."""

    def plan_removal(self, target: Target) -> str:
        """Where the account goes, or has gone."""
        path = target.place(self.path)
        is_there = path.is_dir() and not path.is_symlink() and path.stat().st_uid != 0
        goes = not self.user.remains(target) or self.user.plan_removal(target)
        return f"give {self.path}, which stays, to root alone" if is_there and goes else ""

    def undo(self, target: Target) -> None:
        """Mode 0700; installed again, systemd gives it back to the service's user.

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
    """The fields of a line of the account files; none, where there is none of that name."""
    path = target.path(file)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ()
    return next((line.split(":") for line in lines if line.startswith(f"{name}:")), [])


def recorded(target: Target) -> list[str]:
    """What was written down."""
    path = target.place(RECORD)
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []


def _is_person(account: list[str]) -> bool:
    uid, shell = int(account[2]), account[6]
    return uid == 0 or (uid >= FIRST_PERSON and Path(shell).name not in NO_SHELLS)


def _require_own_files(target: Target) -> None:
    """The tools that change accounts would follow an image's links to our own files.

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
    """Where a system tool is: the path of root's shell need not be ours."""
    return shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin") or name
