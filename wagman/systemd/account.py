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


@frozen
class User:
    """A user of the system and the group of its name, as a sysusers.d file describes them."""

    name: str
    described_in: str

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
        missing = [
            kind for kind, file in (("user", "/etc/passwd"), ("group", "/etc/group")) if not entry(target, file, self.name)
        ]
        return f"create {' and '.join(missing)} {self.name}" if missing else ""

    def do(self, target: Target) -> None:
        """As systemd does at boot; what is there afterwards and was not before is written down as ours."""
        _require_own_files(target)
        before = self._there(target)
        target.run("systemd-sysusers", f"--root={target.root}", str(target.path(self.described_in)))
        made = [line for line in self._there(target) if line not in before]
        write_down(target, made)

    def plan_removal(self, target: Target) -> str:
        """Only what was made here, and is still the same."""
        ours = [line.split()[0] for line in self._ours(target)]
        return f"remove {' and '.join(ours)} {self.name}" if ours else ""

    def undo(self, target: Target) -> None:
        """The group goes with the user, unless others are its members: they would lose it without being asked."""
        _require_own_files(target)
        ours = {line.split()[0] for line in self._ours(target)}
        prefix = [] if target.root == _ROOT else ["--prefix", str(target.root)]
        if "user" not in ours:
            target.run(_tool("groupdel"), *prefix, self.name)
            return
        if "group" not in ours and entry(target, "/etc/group", self.name):
            target.run(_tool("usermod"), *prefix, "--gid", "0", self.name)  # userdel takes the group of that name with it
        target.run(_tool("userdel"), *prefix, self.name)

    def remains(self, target: Target) -> bool:
        """There is such a user."""
        return bool(entry(target, "/etc/passwd", self.name))

    def _there(self, target: Target) -> list[str]:
        """`user NAME UID` and `group NAME GID`, as far as they are there."""
        found = ((kind, entry(target, file, self.name)) for kind, file in (("user", "/etc/passwd"), ("group", "/etc/group")))
        return [f"{kind} {self.name} {fields[2]}" for kind, fields in found if fields]

    def _ours(self, target: Target) -> list[str]:
        """What is there, and was made here; a group with members of its own stays as userdel has it."""
        record = [line for line in recorded(target) if line.split()[1:2] == [self.name]]
        if not record and self._bears_our_mark(target):
            record = self._there(target)
        ours = [line for line in self._there(target) if line in record]
        group = entry(target, "/etc/group", self.name)
        has_members = bool(group and group[3])
        return [line for line in ours if not (line.startswith("group") and has_members and len(ours) == 1)]

    def _bears_our_mark(self, target: Target) -> bool:
        account = entry(target, "/etc/passwd", self.name)
        return bool(account) and account[4] == MARK and int(account[2]) < FIRST_PERSON


@frozen
class Group:
    """A group without a user, as a sysusers.d file describes it; whoever is in it, is by other means."""

    name: str
    described_in: str

    def plan(self, target: Target) -> str:
        """Where there is none."""
        return "" if entry(target, "/etc/group", self.name) else f"create group {self.name}"

    def do(self, target: Target) -> None:
        """As systemd does at boot, and write down that it was done here."""
        _require_own_files(target)
        target.run("systemd-sysusers", f"--root={target.root}", str(target.path(self.described_in)))
        write_down(target, [self._line(target)])

    def plan_removal(self, target: Target) -> str:
        """Only one that was made here, and has no members."""
        account = entry(target, "/etc/group", self.name)
        is_ours = bool(account) and not account[3] and self._line(target) in recorded(target)
        return f"remove group {self.name}" if is_ours else ""

    def undo(self, target: Target) -> None:
        """Take it away."""
        _require_own_files(target)
        prefix = [] if target.root == _ROOT else ["--prefix", str(target.root)]
        target.run(_tool("groupdel"), *prefix, self.name)

    def _line(self, target: Target) -> str:
        return f"group {self.name} {entry(target, '/etc/group', self.name)[2]}"


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


def write_down(target: Target, made: Sequence[str]) -> None:
    """Keep in mind what was made here."""
    record = target.place(RECORD)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text("".join(f"{line}\n" for line in (*recorded(target), *made)), encoding="utf-8")


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
