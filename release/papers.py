"""Changelog and copyright, in Debian's format."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import Path

MAINTAINER = "the wagman authors"
"""As in pyproject.toml; the project has no address of its own."""


def debian_version(version: str, epoch: int) -> str:
    """Return the version in Debian's form and order: development versions are older than the release, and ordered by time."""
    stated, _, commit = version.partition("+")
    before = stated.replace(".dev", "~dev").replace("rc", "~rc")
    when = datetime.fromtimestamp(epoch, UTC)
    return f"{before}+{when:%Y%m%d%H%M%S}.{commit}" if commit else before


def changelog(name: str, version: str, epoch: int) -> str:
    """Return a changelog with one entry, which points to the project's own changelog."""
    when = datetime.fromtimestamp(epoch, UTC)
    text = f"  * See /usr/share/doc/{name}/CHANGELOG.md.gz."
    return f"{name} ({version}) unstable; urgency=medium\n\n{text}\n\n -- {MAINTAINER} <>  {when:%a, %d %b %Y %H:%M:%S +0000}\n"


def copyright_of(licence: str, packages: Path) -> str:
    """Return the licences of the project and of each Python package that comes along."""
    return "\n".join([f"wagman\n\n{licence}", *_others(packages)])


def _others(packages: Path) -> Iterator[str]:
    for folder in sorted(packages.glob("*.dist-info")):
        told = HeaderParser().parsestr((folder / "METADATA").read_text(encoding="utf-8"))
        if told["Name"] == "wagman":
            continue
        texts = [_shown(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*")) if _is_licence(path)]
        terms = told["License-Expression"] or told["License"] or "see below"
        yield "\n".join([f"{'-' * 80}\n{told['Name']} {told['Version']}, {terms}\n", *texts])


def _shown(licence: str) -> str:
    """Return a licence's text, or a reference if every Debian system has it."""
    is_known = "Apache License" in licence and "TERMS AND CONDITIONS FOR USE, REPRODUCTION" in licence
    return "On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.\n" if is_known else licence


def _is_licence(path: Path) -> bool:
    return path.is_file() and bool(re.match(r"(LICEN[CS]E|COPYING|NOTICE)", path.name, re.IGNORECASE))
