"""Clean Debian machines: made by debootstrap once, booted each time on an overlay that nothing lasts on."""

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from release.debs import FLEET_LOCK, build
from release.stage import StageError, Wheelhouse
from tests.systemd.machine import DATA, ROOT, Machine, booted_from, eventually, require_systemd

SUITES = {"bookworm": "3.11", "trixie": "3.13"}
"""Debian 12 and 13, and the Python of each."""

INCLUDED = (
    *("systemd", "systemd-sysv", "dbus", "udev", "python3", "python3-venv", "man-db", "procps"),
    *("python3-yaml", "python3-requests", "python3-requests-oauthlib", "python3-markdown", "python3-click", "python3-certifi"),
    "python3-cffi-backend",  # debootstrap does not know what python3-cryptography asks for by another name
)
"""What the packages depend on: a machine without a network has to have it."""

BOARD = "/usr/bin/env PYTHONPATH=/opt/board python3 -m wagman fake-board"
"""The fake board is no part of what is installed and removed."""

QUICK = "\nExecStart=\nExecStart=/usr/bin/wagman run --speed 25 --config /etc/wagman/wagman.toml\n"
"""A fake board is a pty, and runs as fast as the service."""

INSTALL_S = 300.0


def clean(suite: str) -> Path:
    """The root of a Debian that nothing was done to; made by the first who asks, and kept under build."""
    require_systemd()
    place = ROOT / "build" / "debian" / suite
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "etc/debian_version").exists():
            if shutil.which("debootstrap") is None:
                pytest.skip("making a Debian takes debootstrap")
            fresh = place.with_suffix(".new")
            shutil.rmtree(fresh, ignore_errors=True)
            make = ("debootstrap", "--variant=minbase", f"--include={','.join(INCLUDED)}", suite, str(fresh))
            done = subprocess.run(make, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                pytest.skip(f"no {suite} can be made here: {done.stdout.splitlines()[-1] if done.stdout else done.stderr}")
            (fresh / "usr/sbin/policy-rc.d").unlink(missing_ok=True)  # which would let nothing be started
            fresh.rename(place)
    return place


def packages(folder: Path, wheels: Path) -> tuple[Path, Path]:
    """The Debian packages of the service and of what tells others, from these wheels."""
    place = folder / "debs"
    with (folder / "debs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            house = folder / "deb-wheels"
            shutil.copytree(wheels, house)
            pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(house))
            subprocess.run((*pip, "--require-hashes", "-r", str(FLEET_LOCK)), check=True, capture_output=True)
            try:
                made = list(build(folder / "debs.new", Wheelhouse(house), folder / "deb-work"))
            except StageError as error:
                pytest.skip(str(error))
            made[0].parent.rename(place)
    (service,), (fleet,) = place.glob("wagman_*.deb"), place.glob("wagman-fleet_*.deb")
    return service, fleet


def renamed(deb: Path, version: str, into: Path) -> Path:
    """The same package as another version, which says so."""
    tree = into / f"tree-{deb.name.split('_')[0]}-{version}"
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
    control = tree / "DEBIAN/control"
    old = next(line.split()[1] for line in control.read_text().splitlines() if line.startswith("Version:"))
    control.write_text(control.read_text().replace(old, version))
    for stated in tree.rglob("site-packages/wagman/_build.py"):
        stated.write_text(f'version = "{version}"\n')
    made = into / f"{deb.name.split('_')[0]}_{version}_all.deb"
    # Packing it takes longer than all else that is done with it.
    subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "-b", tree, made], check=True, capture_output=True)
    shutil.rmtree(tree)
    return made


@contextmanager
def debian(suite: str, debs: Path) -> Iterator[Machine]:
    """A machine with the packages in root's home, and a fake board to be started as board.service."""

    def put(root: Path) -> None:
        for deb in debs.glob("*.deb"):
            shutil.copy(deb, root / "root")
        (service,) = debs.glob("wagman_*.deb")
        board = root / "opt/board"
        subprocess.run(["dpkg-deb", "-x", service, root / "opt/unpacked"], check=True)
        (root / "opt/unpacked/usr/lib/wagman/lib/python3/site-packages").rename(board)
        shutil.rmtree(root / "opt/unpacked")
        unit = (DATA / "board.service").read_text().replace("/usr/local/bin/wagman fake-board", BOARD)
        (root / "etc/systemd/system/board.service").write_text(unit.replace("User=wagman\n", "UMask=0\n"))

    with booted_from(clean(suite), put) as machine:
        machine.board = BOARD
        machine.run("systemctl start board")
        eventually(lambda: machine.run("test -e /run/board/tty", check=False).returncode == 0)
        machine.run("chmod 666 $(readlink -f /run/board/tty)")  # the service's user is yet to be made
        yield machine


def apt(machine: Machine, what: str, *, check: bool = True) -> str:
    """What apt and the package said."""
    script = f"export DEBIAN_FRONTEND=noninteractive; apt-get -y {what} 2>&1"
    return machine.run(script, check=check, within_s=INSTALL_S).stdout
