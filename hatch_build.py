"""How the version of what is built is found: between releases it tells the commit, so that no two builds share a name."""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
STATED = ROOT / "wagman" / "__init__.py"
OF_A_SOURCE = ROOT / "PKG-INFO"
"""In the archive of the source: that is no checkout any more, and knows its version."""

MODULE = "wagman/_build.py"
"""In a wheel: the version that it was built as."""


def version() -> str:
    """The stated one; of a development version with the commit, and a word where the checkout differs from it."""
    if OF_A_SOURCE.exists():
        return _only(r"^Version: (.+)$", OF_A_SOURCE)
    stated = _only(r'^ +__version__ = "(.+)"$', STATED)
    commit = _commit() if ".dev" in stated else ""
    return f"{stated}+g{commit}" if commit else stated


def _only(pattern: str, file: Path) -> str:
    (found,) = re.findall(pattern, file.read_text(encoding="utf-8"), re.MULTILINE)
    return str(found)


def _commit() -> str:
    """Of the checkout that this is; nothing, where there is none, or no git."""
    if not (ROOT / ".git").exists():
        return ""
    command = ("git", "describe", "--always", "--exclude=*", "--abbrev=9", "--dirty=.dirty")
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


class CustomBuildHook(BuildHookInterface[Any]):
    """Writes the version into the wheel, where the program finds it without asking around."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before a build; an editable installation goes on with what the checkout states."""
        if self.target_name != "wheel" or version == "editable":
            return
        with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
            file.write(f'"""Made by the build."""\n\nversion = "{self.metadata.version}"\n')
        Path(file.name).chmod(0o644)
        self._made = Path(file.name)
        build_data["force_include"][file.name] = MODULE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatchling's
        """After it."""
        if made := getattr(self, "_made", None):
            made.unlink()
