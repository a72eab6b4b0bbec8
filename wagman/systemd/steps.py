"""The steps of an installation: each can be done, done again without harm, undone, and described.

Paths are those of the installed system. `Target` knows where that is; it need not be the running one. Links in it lead to its own
files, never to ours.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from attrs import frozen

from wagman.model.errors import WagmanError

COMMAND_S = 60.0
"""How long one command of an installation may take (chosen)."""


LINKS = 40
"""How many links may be followed on the way to one file, the same as for the kernel."""


class InstallError(WagmanError):
    """A step could not be done. What is installed stays, and the next try goes on from there."""


@frozen
class Target:
    """The system that is installed to."""

    root: Path = Path("/")

    @property
    def is_this(self) -> bool:
        """Whether it is the running system, and systemd runs."""
        return self.root == Path("/") and Path("/run/systemd/system").exists()

    def path(self, path: str) -> Path:
        """Return where a path of that system is, with links followed as they would be there.

        Raises:
            InstallError: they lead in a circle.
        """
        found, left, links = self.root, [*reversed(Path(path).parts)], 0
        while left:
            part = left.pop()
            if part in ("/", ".."):
                found = self.root if part == "/" or found == self.root else found.parent
                continue
            step = found / part
            if not step.is_symlink():
                found = step
                continue
            links += 1
            if links > LINKS:
                raise InstallError(f"{path}: its links lead in a circle")
            left += reversed(step.readlink().parts)
        return found

    def place(self, path: str) -> Path:
        """Return where a path of that system is. If the path itself is a link, that is not followed: it may be replaced."""
        return self.path(os.path.dirname(path)) / os.path.basename(path)  # noqa: PTH119, PTH120 - of a path that is not ours

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
    """One step. `plan` and `plan_removal` return what would be done, in words; an empty text if nothing is to be done."""

    def plan(self, target: Target) -> str:
        """Return what doing it would change."""
        ...

    def do(self, target: Target) -> None:
        """Do it; raises InstallError or OSError."""
        ...

    def plan_removal(self, target: Target) -> str:
        """Return what undoing it would change."""
        ...

    def undo(self, target: Target) -> None:
        """Undo it; raises InstallError or OSError."""
        ...


@frozen
class File:
    """A file with our content, written anew if it differs. A file that is the operator's is written only once.

    Args:
        path: of the file.
        content: its text.
        is_yours: an operator edits it, so it is never overwritten, and is removed only if it still has our text.
        mode: its permissions.
    """

    path: str
    content: str
    is_yours: bool = False
    mode: int = 0o644

    def plan(self, target: Target) -> str:
        """Return what will be written, in words."""
        path = target.place(self.path)
        if not os.path.lexists(path):
            return f"write {self.path}"
        return "" if self.is_yours or self._is_ours(path) else f"rewrite {self.path}"

    def do(self, target: Target) -> None:
        """Write the file by way of a new one, so that nobody reads half of it."""
        path = target.place(self.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.write_text(self.content, encoding="utf-8")
        fresh.chmod(self.mode)
        fresh.replace(path)

    def plan_removal(self, target: Target) -> str:
        """Return what will be removed, in words; an edited file stays."""
        path = target.place(self.path)
        removable = os.path.lexists(path) and (not self.is_yours or self._is_ours(path))
        return f"remove {self.path}" if removable else ""

    def undo(self, target: Target) -> None:
        """Remove the file, and its directory if that is empty and ours."""
        path = target.place(self.path)
        path.unlink()
        if path.parent.name == "wagman" and not any(path.parent.iterdir()):
            path.parent.rmdir()

    def _is_ours(self, path: Path) -> bool:
        return not path.is_symlink() and path.read_text(encoding="utf-8", errors="replace") == self.content


@frozen
class Link:
    """A symbolic link. A file of that name that is no link belongs to somebody else."""

    path: str
    to: str

    def plan(self, target: Target) -> str:
        """Return what will be linked, in words."""
        path = target.place(self.path)
        if os.path.lexists(path) and not path.is_symlink():
            return ""
        return "" if path.is_symlink() and str(path.readlink()) == self.to else f"link {self.path} to {self.to}"

    def do(self, target: Target) -> None:
        """Make the link, in the place of any other."""
        path = target.place(self.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(self.to)

    def plan_removal(self, target: Target) -> str:
        """Return what will be removed, in words: only our own link."""
        path = target.place(self.path)
        return f"remove {self.path}" if path.is_symlink() and str(path.readlink()) == self.to else ""

    def undo(self, target: Target) -> None:
        """Remove the link."""
        target.place(self.path).unlink()


WANTS = "/etc/systemd/system/multi-user.target.wants"
"""The links to the units that are started at boot, as their WantedBy= says."""


@frozen
class Enabled:
    """Units that are started at boot, and stopped before they are removed."""

    units: Sequence[str]

    def plan(self, target: Target) -> str:
        """Return what will be enabled, in words, if a unit is not enabled yet."""
        return "" if self._are_enabled(target) else f"enable {', '.join(self.units)}"

    def do(self, target: Target) -> None:
        """Enable the units. None is started here: the operator starts the service."""
        if target.root == Path("/"):
            target.run("systemctl", "--root=/", "enable", "--quiet", *self.units)
        for link in self._links(target):
            link.do(target)

    def plan_removal(self, target: Target) -> str:
        """Return what will be disabled, in words, if a unit exists."""
        there = any(os.path.lexists(target.place(f"/etc/systemd/system/{unit}")) for unit in self.units)
        return f"stop and disable {', '.join(self.units)}" if there else ""

    def undo(self, target: Target) -> None:
        """Stop and disable the units; no guest notices."""
        if target.is_this:
            target.run("systemctl", "stop", *self.units)
        if target.root == Path("/"):
            target.run("systemctl", "--root=/", "disable", "--quiet", *self.units)
        for link in self._links(target):
            if link.plan_removal(target):
                link.undo(target)

    def _are_enabled(self, target: Target) -> bool:
        return all(target.place(f"{WANTS}/{unit}").is_symlink() for unit in self.units)

    def _links(self, target: Target) -> Sequence[Link]:
        """Return the links that systemctl would make, for an image: systemctl would follow its links to our files."""
        foreign = () if target.root == Path("/") else self.units
        return [Link(f"{WANTS}/{unit}", f"/etc/systemd/system/{unit}") for unit in foreign]
