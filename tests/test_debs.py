"""The Debian packages: what is in them, that the same source makes the same bytes, and what lintian says of them."""

import importlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from release.contents import PACKAGES, ROOT
from release.debs import FLEET_LOCK, FROM_DEBIAN, build, main
from release.papers import changelog, debian_version
from release.stage import StageError, Wheelhouse

EPOCH = "1790000000"


def wheelhouse(folder: Path) -> Path:
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder))
    for what in (("--require-hashes", "-r", "requirements.lock"), ("--require-hashes", "-r", str(FLEET_LOCK)), (".",)):
        subprocess.run((*pip, *what), cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheelhouse:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("takes dpkg-deb")
    return Wheelhouse(wheelhouse(tmp_path_factory.mktemp("wheels")))


def nox_file() -> ModuleType:
    """What nox does; without it there is no telling."""
    pytest.importorskip("nox", reason="takes nox")
    return importlib.import_module("noxfile")


def made(wheels: Wheelhouse, folder: Path) -> list[Path]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SOURCE_DATE_EPOCH", EPOCH)
        try:
            return list(build(folder / "dist", wheels, folder / "work"))
        except StageError as error:
            if "there is no nfpm" in str(error):
                pytest.skip(str(error))
            raise


@pytest.fixture(scope="module")
def debs(wheels: Wheelhouse, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return made(wheels, tmp_path_factory.mktemp("one"))


def listed(deb: Path) -> dict[str, str]:
    """Each file of a package, and its rights."""
    lines = subprocess.run(["dpkg-deb", "-c", deb], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[5].removeprefix("."): line.split()[0] for line in lines}


def field(deb: Path, name: str) -> str:
    return subprocess.run(["dpkg-deb", "-f", deb, name], capture_output=True, text=True, check=True).stdout.strip()


def test_the_same_source_makes_the_same_bytes(debs: list[Path], wheels: Wheelhouse, tmp_path: Path) -> None:
    again = made(wheels, tmp_path)
    assert [path.name for path in again] == [path.name for path in debs]
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in debs]


def test_they_are_for_every_processor_and_every_python_that_the_project_names(debs: list[Path]) -> None:
    named = nox_file().PYTHONS
    files = listed(debs[0])
    assert all(field(deb, "Architecture") == "all" for deb in debs)
    assert not [path for deb in debs for path in listed(deb) if path.endswith((".so", ".pyc"))]
    assert [path for path in files if re.fullmatch(r"/usr/lib/wagman/lib/python3\.\d+", path)] == [
        f"/usr/lib/wagman/lib/python{version}" for version in named
    ]
    last = int(named[-1].partition(".")[2])
    assert field(debs[0], "Depends").startswith(f"python3 (>= {named[0]}), python3 (<< 3.{last + 1}), ")


def test_no_file_is_in_both_and_none_where_install_service_has_its_own(debs: list[Path]) -> None:
    service, fleet = ({path for path in listed(deb) if not path.endswith("/")} for deb in debs)
    assert service.isdisjoint(fleet)
    assert not [
        path for path in service | fleet if path.startswith(("/etc/systemd", "/etc/udev", "/etc/sysusers.d", "/usr/local"))
    ]
    assert f"{PACKAGES}/paho/mqtt/client.py" in fleet
    assert f"{PACKAGES}/trio/__init__.py" in service


def test_nothing_of_the_operators_is_in_them_as_a_file(debs: list[Path]) -> None:
    assert [path for deb in debs for path in listed(deb) if path.startswith("/etc/")] == [
        "/etc/",
        "/etc/wagman/",
        "/etc/wagman/conf.d/",
    ]
    for deb in debs:
        assert field(deb, "Conffiles") == ""


def test_what_is_not_locked_is_debians(debs: list[Path]) -> None:
    assert set(nox_file().FROM_DEBIAN) == set(FROM_DEBIAN)
    asked = field(debs[1], "Depends")
    assert set(FROM_DEBIAN.values()) <= set(asked.split(", "))
    assert f"wagman (= {field(debs[0], 'Version')})" in asked
    locked = set(re.findall(r"^([a-z0-9-]+)==", FLEET_LOCK.read_text(), re.MULTILINE))
    assert locked.isdisjoint(FROM_DEBIAN)
    assert locked >= set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))


def test_lintian_has_no_error_but_those_that_are_named_with_a_reason(debs: list[Path]) -> None:
    if shutil.which("lintian") is None:
        pytest.skip("takes lintian")
    command = ["lintian", "--allow-root", "--fail-on", "error,warning", *map(str, debs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert not [line for line in done.stdout.splitlines() if "unused-override" in line or "mismatched-override" in line]
    for file in (ROOT / "release/deb").glob("*.lintian-overrides"):
        lines = file.read_text().splitlines()
        assert lines[0].startswith("# "), "each has its reason above it"


@pytest.fixture
def dated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there is no git that knows when the last commit was made."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")


@pytest.mark.usefixtures("dated")
def test_a_wheelhouse_that_lacks_something_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "w").mkdir()
    assert main([str(tmp_path / "dist"), str(tmp_path / "w")]) == 1
    assert "0 wheels of wagman, and one is needed" in capsys.readouterr().err


def test_where_nobody_knows_when_it_was_made_it_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "w").mkdir()
    assert main([str(tmp_path / "dist"), str(tmp_path / "w")]) == 1
    assert "SOURCE_DATE_EPOCH" in capsys.readouterr().err


@pytest.mark.usefixtures("dated")
def test_a_wheel_that_is_not_the_locked_one_is_refused(wheels: Wheelhouse, tmp_path: Path) -> None:
    spoilt = Wheelhouse(tmp_path / "w")
    shutil.copytree(wheels.place, spoilt.place)
    (idna,) = spoilt.place.glob("idna-*.whl")
    idna.write_bytes(idna.read_bytes() + b"\0")
    with pytest.raises(StageError, match=r"(?s)DO NOT MATCH THE HASHES.*idna"):
        list(build(tmp_path / "dist", spoilt, tmp_path / "work"))


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (("0.2.0.dev0+gffffffff", 1), ("0.2.0.dev0+g00000000", 2)),
        (("0.2.0.dev0+gffffffff", 1), ("0.2.0", 1)),
        (("0.2.0rc1", 1), ("0.2.0", 1)),
        (("0.1.0", 2), ("0.2.0.dev0", 1)),
        (("0.2.0", 1), ("0.10.0", 1)),
    ],
)
def test_dpkg_orders_the_versions_as_they_came(earlier: tuple[str, int], later: tuple[str, int]) -> None:
    if shutil.which("dpkg") is None:
        pytest.skip("takes dpkg")
    compare = ["dpkg", "--compare-versions", debian_version(*earlier), "lt", debian_version(*later)]
    assert subprocess.run(compare, check=False).returncode == 0


def test_the_changelog_says_which_version_it_is_of_and_when_it_was_made() -> None:
    text = changelog("wagman", "0.2.0", 0)
    assert text.startswith("wagman (0.2.0) unstable; urgency=medium\n")
    assert text.endswith(" -- the wagman authors <>  Thu, 01 Jan 1970 00:00:00 +0000\n")
    authors = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["authors"]
    assert [each["name"] for each in authors] == ["the wagman authors"]
