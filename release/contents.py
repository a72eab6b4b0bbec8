"""The files of the Debian packages: their places and their sources."""

import gzip
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from docs.make.man import main as write_manual
from release.stage import laid_out
from wagman.cli.completion import SCRIPTS

ROOT = Path(__file__).parents[1]
DATA = ROOT / "wagman" / "systemd" / "data"
HOME = "/usr/lib/wagman"
"""The virtual environment of the service; its Python is the distribution's."""

PACKAGES = f"{HOME}/lib/python3/site-packages"

UNITS = ("wagman.service", "wagman-poweroff.path", "wagman-poweroff.service")
BRIDGES = ("wagman-fleet.service", "wagman-metrics.service", "wagman-notify.service")

COCKPIT = ROOT / "wagman" / "cockpit"
"""The page on the node, for Cockpit, which reads it from a folder of its own."""

PYVENV = "home = /usr/bin\ninclude-system-site-packages = true\n"
"""The environment's own link names the Python. A guest's board may need more (libgpiod), which is the distribution's."""

PROGRAM = """\
#!/usr/lib/wagman/bin/python3 -sP
import sys

from wagman.cli import main

sys.exit(main())
"""

RTUPDATE = """\
#!/bin/sh
# Another Python became the one of this distribution.
set -e
if [ "$1" = rtupdate ]; then
    py3clean -p @NAME@
    py3compile -p @NAME@ /usr/lib/wagman
fi
"""


@frozen
class Making:
    """A folder for files that are not in the checkout."""

    place: Path

    def file(self, to: str, text: str, mode: int = 0o644) -> dict[str, Any]:
        """Write a file with this text, and return its entry for nfpm."""
        return self._made(to, text.encode(), mode)

    def packed(self, to: str, text: str) -> dict[str, Any]:
        """Write a gzip file with this text, and return its entry for nfpm; equal texts give equal bytes."""
        return self._made(to, gzip.compress(text.encode(), mtime=0), 0o644)

    def _made(self, to: str, content: bytes, mode: int) -> dict[str, Any]:
        path = self.place / to.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return there(path, to, mode)


def there(path: Path, to: str, mode: int | None = None) -> dict[str, Any]:
    """Return the entry of a file that exists."""
    is_program = path.stat().st_mode & stat.S_IXUSR
    return {"src": str(path), "dst": to, "file_info": {"mode": mode or (0o755 if is_program else 0o644)}}


def link(to: str, where: str) -> dict[str, Any]:
    """Return the entry of a symbolic link."""
    return {"src": to, "dst": where, "type": "symlink"}


def folder(where: str) -> dict[str, Any]:
    """Return the entry of a folder, which may be empty."""
    return {"dst": where, "type": "dir", "file_info": {"mode": 0o755}}


def modules(stage: Path, without: Iterable[Path] = ()) -> Iterator[dict[str, Any]]:
    """Yield the entries of the Python packages in `stage`, except those in `without`."""
    known = set(without)
    yield from (there(stage / path, f"{PACKAGES}/{path}", 0o644) for path in laid_out(stage) if path not in known)


def of_wagman(make: Making, stage: Path, pythons: Sequence[str], version: str) -> Iterator[dict[str, Any]]:
    """Yield the entries of the service, its commands, and its files for systemd."""
    yield make.file(f"{HOME}/pyvenv.cfg", PYVENV)
    yield link("/usr/bin/python3", f"{HOME}/bin/python3")
    yield from (link("python3", f"{HOME}/lib/python{version}") for version in pythons)
    yield make.file(f"{HOME}/bin/wagman", PROGRAM, 0o755)
    yield link("../lib/wagman/bin/wagman", "/usr/bin/wagman")
    yield from modules(stage)
    yield from (there(DATA / name, f"/usr/lib/systemd/system/{name}") for name in UNITS)
    yield there(DATA / "60-wagman.rules", "/usr/lib/udev/rules.d/60-wagman.rules")
    yield there(DATA / "wagman.sysusers", "/usr/lib/sysusers.d/wagman.conf")
    yield there(DATA / "wagman.toml", "/usr/share/wagman/wagman.toml")
    yield from (folder("/etc/wagman"), folder("/etc/wagman/conf.d"))
    yield make.file("/usr/share/bash-completion/completions/wagman", SCRIPTS["bash"])
    yield make.file("/usr/share/zsh/vendor-completions/_wagman", SCRIPTS["zsh"])
    yield make.file("/usr/share/fish/vendor_completions.d/wagman.fish", SCRIPTS["fish"])
    yield from manual(make, version)
    yield from (
        there(path, f"/usr/share/doc/wagman/{path.relative_to(ROOT / 'docs')}") for path in sorted(ROOT.glob("docs/*.md"))
    )
    yield from (there(path, f"/usr/share/doc/wagman/examples/{path.name}") for path in sorted(ROOT.glob("examples/*.toml")))
    yield from whole(COCKPIT, "/usr/share/cockpit/wagman")


def of_the_bridges(stage: Path, without: Path) -> Iterator[dict[str, Any]]:
    """Yield the entries of the bridges: their units, and the packages that only they import; the code itself is the service's."""
    yield from modules(stage, laid_out(without))
    yield from (there(DATA / name, f"/usr/lib/systemd/system/{name}") for name in BRIDGES)
    yield from (there(DATA / name, f"/usr/share/wagman/{name}") for name in ("fleet.toml", "notify.toml"))
    for name in ("grafana", "mosquitto", "prometheus"):
        yield from whole(ROOT / "contrib" / name, f"/usr/share/doc/wagman-fleet/examples/{name}")


def whole(place: Path, to: str) -> Iterator[dict[str, Any]]:
    """Yield the entries of a folder of the checkout, without its tests."""
    yield from (there(place / path, f"{to}/{path}") for path in laid_out(place) if ".test." not in path.name)


def manual(make: Making, version: str) -> Iterator[dict[str, Any]]:
    """Yield the entries of the manual pages."""
    pages = make.place / "manual"
    write_manual(pages, version)
    for path in sorted(pages.iterdir()):
        section = path.suffix.removeprefix(".")
        yield make.packed(f"/usr/share/man/man{section}/{path.name}.gz", path.read_text(encoding="utf-8"))


def in_common(make: Making, name: str, papers: tuple[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the entries that every Debian package has; `papers` are its changelog and its copyright."""
    changelog, copyright_ = papers
    yield make.packed(f"/usr/share/doc/{name}/changelog.gz", changelog)
    yield make.file(f"/usr/share/doc/{name}/copyright", copyright_)
    yield make.packed(f"/usr/share/doc/{name}/CHANGELOG.md.gz", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    yield make.file(f"/usr/share/python3/runtime.d/{name}.rtupdate", RTUPDATE.replace("@NAME@", name), 0o755)
    yield there(ROOT / "release" / "deb" / f"{name}.lintian-overrides", f"/usr/share/lintian/overrides/{name}", 0o644)
