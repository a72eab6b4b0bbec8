"""The owner of the state files: who may read them, and to whom new ones are given."""

import os
import pwd
import shlex
import stat
from pathlib import Path


def is_at(fd: int, path: Path) -> bool:
    """Whether an open file is an ordinary one that lies at `path` itself, and none that a link leads to; raises OSError."""
    held, there = os.fstat(fd), path.lstat()
    return stat.S_ISREG(there.st_mode) and os.path.samestat(held, there)


def entrust(fd: int, path: Path) -> None:
    """Give an open file at `path` to the owner of its directory, if this process is root; raises OSError."""
    # Somebody who tries the service as root, in the state directory of its user, would otherwise lock that user out. Whoever owns
    # the directory may have put a link there, to a file that is not to be his.
    if os.geteuid() != 0 or not is_at(fd, path):
        return
    owner, mine = path.parent.stat(), os.fstat(fd)
    if (mine.st_uid, mine.st_gid) != (owner.st_uid, owner.st_gid):
        os.fchown(fd, owner.st_uid, owner.st_gid)


def entrust_file(path: Path) -> None:
    """Give a file to the owner of its directory, if it is there and an ordinary file."""
    if os.geteuid() != 0:
        return
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        entrust(fd, path)
    finally:
        os.close(fd)


def whose(error: Exception, *paths: Path) -> str:
    """An error in words. If somebody else owns one of the files or its directory, also who, and what to type."""
    said = getattr(error, "strerror", None) or str(error)
    barred = barred_file(*paths) if isinstance(error, PermissionError) else None
    return said if barred is None else f"{said}; {barred_words(barred)}"


def barred_file(*paths: Path) -> Path | None:
    """The first of these paths or their directories that exists and that this process may not read and write."""
    for path in paths:
        for each in (path.parent, path):
            if os.path.lexists(each) and not _may_use(each, is_folder=each == path.parent):
                return each
    return None


def _may_use(path: Path, *, is_folder: bool) -> bool:
    """Whether this process may read and write."""
    if is_folder and not path.is_dir():
        return True  # rights would not help
    also = os.X_OK if is_folder else 0
    # A read-only file system is no matter of permissions.
    if os.access(path, os.R_OK | os.W_OK | also):
        return True
    return os.access(path, os.R_OK | also) and bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def barred_words(path: Path) -> str:
    """The owner of a file in words, and the command that lets this process use it."""
    try:
        held = path.stat()
    except OSError as error:
        return f"{path}: {error.strerror}"
    owner, mode = user_name(held.st_uid), stat.S_IMODE(held.st_mode)
    return f"{path} belongs to {owner}, mode {mode:04o}: {remedy(path, mine=held.st_uid == os.geteuid())}"


def remedy(path: Path, *, mine: bool) -> str:
    """The command that lets this process use a file."""
    change = "chmod u+rwX" if mine else f"chown {user_name(os.geteuid())}"
    return f"sudo {change} {shlex.quote(str(path))}"


def renamed(words: str, was: Path, now: Path) -> str:
    """The words of `whose` about a file that has got another name: the command in them names it as it is called now."""
    reason, sudo, command = words.partition("sudo ")
    return f"{reason}{sudo}{command.replace(shlex.quote(str(was)), shlex.quote(str(now)))}"


def user_name(uid: int) -> str:
    """The name of a user, or the number of one without a name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
