"""A kind of board from a package of its own: built, installed beside wagman, held to the contract, and used by the service."""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest
from attrs import frozen

from tests.docs.blocks import ROOT
from tests.service.kit import environment, eventually

PACKAGE = ROOT / "examples" / "wagman-board-lamp"

pytestmark = pytest.mark.skipif(
    find_spec("hatchling") is None or find_spec("pip") is None, reason="what builds it is not there: pip install hatchling pip"
)


@frozen
class Site:
    """A virtual environment with the package in it, and a folder to work in."""

    folder: Path
    env: Mapping[str, str]

    @property
    def python(self) -> str:
        return str(self.folder / "venv" / "bin" / "python")

    def done(self, *words: str) -> str:
        done = subprocess.run(words, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def file(self) -> Path:
        """The package's own configuration, with its places in this folder."""
        text = (PACKAGE / "lamp.toml").read_text(encoding="utf-8").replace("/tmp/", f"{self.folder}/")
        (self.folder / "lamp.toml").write_text(text, encoding="utf-8")
        return self.folder / "lamp.toml"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Without an index: what it needs is where these tests run."""
    folder = tmp_path_factory.mktemp("sample")
    shutil.copytree(PACKAGE, folder / "package", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "dist"))
    site = Site(folder, {**environment(), "PYTHONDONTWRITEBYTECODE": "1"})
    site.done(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"))
    (packages,) = (folder / "venv" / "lib").glob("*/site-packages")
    (packages / "around.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n", encoding="utf-8")
    pip = (sys.executable, "-m", "pip", "--python", site.python, "--disable-pip-version-check")
    site.done(*pip, "install", "-q", "--no-deps", "--no-build-isolation", "--no-index", str(folder / "package"))
    return site


def test_it_holds_the_contract_with_nothing_of_pytest_but_pytest(site: Site) -> None:
    plugins = ("-p", "no:cacheprovider", "-p", "no:trio", "-p", "no:xdist", "-p", "no:timeout")
    told = site.done(site.python, "-m", "pytest", "-q", "-rs", *plugins, str(site.folder / "package"))
    assert "failed" not in told
    assert int(told.rpartition("\n")[0].splitlines()[-1].split()[0]) > 15, told


def test_a_file_may_name_its_kind_and_is_told_what_is_wrong_with_its_line(site: Site) -> None:
    file = site.file()
    site.done(site.python, "-m", "wagman", "check-config", str(file))
    wrong = file.read_text(encoding="utf-8").replace('port = "left"', 'port = "left,right"').replace("id = ", "idd = ")
    file.write_text(wrong, encoding="utf-8")
    ended = subprocess.run(
        (site.python, "-m", "wagman", "check-config", str(file)), env=site.env, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    lines = wrong.splitlines()
    idd, port = (1 + lines.index(line) for line in ('idd = "box 7"', 'port = "left,right"'))
    assert f"lamp.toml:{idd}: board.idd: unknown key" in ended.stderr
    assert f"lamp.toml:{port}: device.porch.port: must be the name of one relay" in ended.stderr


def test_without_the_package_there_is_no_such_kind(site: Site) -> None:
    ended = subprocess.run(
        (sys.executable, "-m", "wagman", "check-config", str(site.file())), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert 'there is no kind of board called "lamp"' in ended.stderr


def test_the_service_switches_by_it(site: Site) -> None:
    file, lamps = site.file(), site.folder / "lamps"
    lamps.mkdir()
    (lamps / "serial").write_text("box 7\n")
    (lamps / "left").write_text("0\n")
    command = (site.python, "-m", "wagman", "run", "--config", str(file))
    with subprocess.Popen(command, env=site.env, stdout=subprocess.DEVNULL) as service:
        try:
            eventually(lambda: (lamps / "left").read_text() == "1")
            asked = (site.python, "-m", "wagman", "status", "--json", "--socket", str(site.folder / "lamp.sock"))
            eventually(lambda: '"on"' in site.done(*asked))
        finally:
            os.kill(service.pid, signal.SIGTERM)
            assert service.wait(30) == 0
    assert (lamps / "left").read_text() == "1", "no guest is touched by the end of the service"
