"""The Python packages that come with a Debian package: laid out by pip, offline, each checked by its hash."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

FORGOTTEN = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
"""Files that pip writes for itself; dpkg knows the package's files, and some of these depend on the place of the build."""


class StageError(Exception):
    """The wheelhouse lacks what the packages are made of."""


@frozen
class Wheelhouse:
    """A folder of wheels, used instead of an index."""

    place: Path

    @property
    def wagman(self) -> Path:
        """The wheel of this project.

        Raises:
            StageError: there is none, or several.
        """
        found = sorted(self.place.glob("wagman-*.whl"))
        if len(found) != 1:
            raise StageError(f"{self.place} has {len(found)} wheels of wagman, and one is needed: nox -s release makes it anew")
        return found[0]

    def lay_out(self, target: Path, lock: Path, *more: Path) -> None:
        """Install the packages of `lock`, and these wheels, into a new folder.

        Raises:
            StageError: pip failed (a package is missing, or differs from the lock), or a package has compiled code.
        """
        shutil.rmtree(target, ignore_errors=True)
        self._install(target, ("--require-hashes", "-r", str(lock)))
        for wheel in more:
            self._install(target, (str(wheel),))
        for each in (target / "bin", *(path for name in FORGOTTEN for path in target.glob(f"*.dist-info/{name}"))):
            shutil.rmtree(each) if each.is_dir() else each.unlink(missing_ok=True)
        if binary := [path.name for path in target.rglob("*.so")]:
            raise StageError(f"{', '.join(binary)}: made for one processor and one Python; the packages are for all of them")

    def _install(self, target: Path, what: Sequence[str]) -> None:
        pip = (sys.executable, "-m", "pip", "--isolated", "install", "--quiet", "--no-index", "--no-compile", "--no-deps")
        command = (*pip, "--find-links", str(self.place), "--target", str(target), "--upgrade", *what)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StageError(done.stderr.strip())


def laid_out(target: Path) -> Iterator[Path]:
    """Yield the path of every file below the folder, sorted, relative to it."""
    yield from sorted(path.relative_to(target) for path in target.rglob("*") if path.is_file())
