"""What an installation is made of: each step can be done, done again without harm, undone, and described.

Paths are those of the installed system; `Target` knows where that is, which need not be the running one.
"""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from attrs import frozen

from wagman.errors import WagmanError

COMMAND_S = 60.0
"""How long one command of an installation may take (chosen)."""


class InstallError(WagmanError):
    """A step could not be done; what is in place stays, and the next try goes on from there."""


@frozen
class Target:
    """The system that is installed to."""

    root: Path = Path("/")

    @property
    def is_this(self) -> bool:
        """It is the system that we run in, and systemd is running here."""
        return self.root == Path("/") and Path("/run/systemd/system").exists()

    def path(self, path: str) -> Path:
        """Where a path of that system is."""
        return self.root / path.lstrip("/")

    def run(self, *command: str) -> None:
        """Run a command.

        Raises:
            InstallError: it cannot be run, or fails.
        """
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=COMMAND_S)  # noqa: S603 - ours
        except subprocess.CalledProcessError as error:
            said = (error.stderr or error.stdout).strip() or f"exit status {error.returncode}"
            raise InstallError(f"{' '.join(command)}: {said}") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InstallError(f"{' '.join(command)}: {error}") from error


class Step(Protocol):
    """One thing to do. `plan` and `plan_removal` say what would be done, in words; nothing, where nothing is to be done."""

    def plan(self, target: Target) -> str:
        """What doing it would change."""
        ...

    def do(self, target: Target) -> None:
        """Do it; raises InstallError or OSError."""
        ...

    def plan_removal(self, target: Target) -> str:
        """What undoing it would change."""
        ...

    def undo(self, target: Target) -> None:
        """Undo it; raises InstallError or OSError."""
        ...


@frozen
class File:
    """A file with a content of ours: written anew where it differs, unless it is the operator's once it is there.

    Args:
        is_yours: an operator edits it: it is never overwritten, and removed only as long as it is ours to the letter.
    """

    path: str
    content: str
    is_yours: bool = False

    def plan(self, target: Target) -> str:
        """New, changed, or nothing."""
        path = target.path(self.path)
        if not path.exists():
            return f"write {self.path}"
        return "" if self.is_yours or self._is_ours(path) else f"rewrite {self.path}"

    def do(self, target: Target) -> None:
        """By way of a new file: nobody reads half of it."""
        path = target.path(self.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(self.content, encoding="utf-8")
        fresh.chmod(0o644)
        fresh.replace(path)

    def plan_removal(self, target: Target) -> str:
        """An edited file stays."""
        path = target.path(self.path)
        removable = path.exists() and (not self.is_yours or self._is_ours(path))
        return f"remove {self.path}" if removable else ""

    def undo(self, target: Target) -> None:
        """With it goes its directory, where it is empty then and bears our name."""
        path = target.path(self.path)
        path.unlink()
        if path.parent.name == "wagman" and not any(path.parent.iterdir()):
            path.parent.rmdir()

    def _is_ours(self, path: Path) -> bool:
        return path.read_text(encoding="utf-8", errors="replace") == self.content


@frozen
class Link:
    """A symbolic link; a file that is no link is somebody else's."""

    path: str
    to: str

    def plan(self, target: Target) -> str:
        """New, changed, or nothing."""
        path = target.path(self.path)
        if path.exists() and not path.is_symlink():
            return ""
        return "" if path.is_symlink() and str(path.readlink()) == self.to else f"link {self.path} to {self.to}"

    def do(self, target: Target) -> None:
        """Replace what link there is."""
        path = target.path(self.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(self.to)

    def plan_removal(self, target: Target) -> str:
        """Only our own."""
        path = target.path(self.path)
        return f"remove {self.path}" if path.is_symlink() and str(path.readlink()) == self.to else ""

    def undo(self, target: Target) -> None:
        """Take it away."""
        target.path(self.path).unlink()


@frozen
class User:
    """A user of the system and the group of its name, as a sysusers.d file describes them."""

    name: str
    described_in: str

    def plan(self, target: Target) -> str:
        """Only where there is none yet."""
        return "" if self._exists(target) else f"create user and group {self.name}"

    def do(self, target: Target) -> None:
        """As systemd does at boot."""
        target.run("systemd-sysusers", f"--root={target.root}", str(target.path(self.described_in)))

    def plan_removal(self, target: Target) -> str:
        """Only where there is one."""
        return f"remove user and group {self.name}" if self._exists(target) else ""

    def undo(self, target: Target) -> None:
        """The group goes with the user, unless others are its members: they would lose it without being asked."""
        prefix = [] if target.root == Path("/") else ["--prefix", str(target.root)]
        target.run(_tool("userdel"), *prefix, self.name)

    def _exists(self, target: Target) -> bool:
        passwd = target.path("/etc/passwd")
        return passwd.exists() and any(line.startswith(f"{self.name}:") for line in passwd.read_text().splitlines())


@frozen
class Enabled:
    """Units that are started at boot, and stopped before they are removed."""

    units: Sequence[str]

    def plan(self, target: Target) -> str:
        """Where one of them is not enabled yet."""
        return "" if self._are_enabled(target) else f"enable {', '.join(self.units)}"

    def do(self, target: Target) -> None:
        """At boot; now only what does nothing by itself: the operator starts the service."""
        target.run("systemctl", f"--root={target.root}", "enable", "--quiet", *self.units)

    def plan_removal(self, target: Target) -> str:
        """Where one is there to be disabled."""
        there = any(target.path(f"/etc/systemd/system/{unit}").exists() for unit in self.units)
        return f"stop and disable {', '.join(self.units)}" if there else ""

    def undo(self, target: Target) -> None:
        """No guest notices."""
        if target.is_this:
            target.run("systemctl", "stop", *self.units)
        target.run("systemctl", f"--root={target.root}", "disable", "--quiet", *self.units)

    def _are_enabled(self, target: Target) -> bool:
        wants = target.path("/etc/systemd/system/multi-user.target.wants")
        return all((wants / unit).is_symlink() for unit in self.units)


def _tool(name: str) -> str:
    """Where a system tool is: the path of root's shell need not be ours."""
    return shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin") or name
