"""On a machine with the Debian package, dpkg owns the files: `install-service` leaves them alone, and says what to type."""

import errno
import os
from pathlib import Path

import pytest

from tests.systemd.pretended import everything, wagman
from wagman.cli.outcome import REFUSED, CommandError
from wagman.config import installer
from wagman.init.command import next_steps
from wagman.service.problems.board import SEE_THE_PORT, remedy
from wagman.systemd import packaged
from wagman.systemd.install import CONFIG, UNIT, WITHOUT_SERVICE
from wagman.systemd.steps import Target

SELF = "[device.nc]\nport = 0\nself = true\n"


@pytest.fixture
def packaged_root(root: Path) -> Path:
    unit = root / str(installer.PACKAGED_UNIT).lstrip("/")
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/usr/bin/wagman run\n")
    return root


@pytest.mark.parametrize("options", [(), ("--dry-run",), ("--metrics",), ("--remove",), ("--remove", "--yes")])
def test_nothing_is_done_and_what_to_type_is_said(packaged_root: Path, options: tuple[str, ...]) -> None:
    before = everything(packaged_root)
    with pytest.raises(CommandError) as refused:
        wagman(packaged_root, *options)
    assert refused.value.code == REFUSED
    assert "apt install ./wagman" in str(refused.value)
    assert "apt remove wagman" in str(refused.value)
    assert everything(packaged_root) == before


def test_what_an_installation_made_before_the_package_is_removed_and_the_accounts_stay(root: Path) -> None:
    wagman(root)
    (root / "usr/lib/systemd/system").mkdir(parents=True)
    (root / "usr/lib/systemd/system/wagman.service").write_text("")
    accounts = (root / "etc/passwd").read_text()
    (root / CONFIG.lstrip("/")).write_text(SELF)
    assert wagman(root, "--remove") == 0
    assert not (root / UNIT.lstrip("/")).exists()
    assert (root / "etc/passwd").read_text() == accounts
    assert (root / CONFIG.lstrip("/")).read_text() == SELF


@pytest.mark.parametrize(("text", "told"), [(SELF, f"{WITHOUT_SERVICE}\n"), ("[device.gn]\nport = 1\nshutdown = []\n", "")])
def test_before_a_removal_it_is_said_what_becomes_of_this_computer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    config = tmp_path / CONFIG.lstrip("/")
    (config.parent / "conf.d").mkdir(parents=True)
    config.write_text("")
    (config.parent / "conf.d/own.toml").write_text(text)  # wherever it says so
    monkeypatch.setattr(packaged, "THIS", Target(tmp_path))
    packaged.main()
    assert capsys.readouterr().out == told


def test_what_is_told_to_type_does_something_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the package, `install-service` would do nothing."""
    monkeypatch.setattr(installer, "PACKAGED_UNIT", tmp_path / "wagman.service")

    def told() -> list[str]:
        return [remedy(os.strerror(errno.EACCES), "/dev/board", SEE_THE_PORT), next_steps(CONFIG, CONFIG), installer.installer()]

    assert all("wagman install-service" in each for each in told())
    (tmp_path / "wagman.service").touch()
    port, after_init, _ = told()
    assert "apt install --reinstall ./wagman_*.deb puts the rule for it in place" in port
    assert after_init == "next: wagman check-config --ask, wagman probe; then systemctl restart wagman"
    assert not any("install-service" in each for each in told())
