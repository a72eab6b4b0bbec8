"""`wagman install-service`, into a folder that stands for a system."""

import argparse
import re
from pathlib import Path
from typing import Any

import pytest

from wagman.cli.parser import parse
from wagman.config.load import load
from wagman.systemd import install
from wagman.systemd.steps import InstallError, Target

UNIT = "etc/systemd/system/wagman.service"
RULE = "etc/udev/rules.d/60-wagman.rules"
CONFIG = "etc/wagman/wagman.toml"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty system; the commands that change one are taken note of instead."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    monkeypatch.setattr(install, "usable", lambda _: "/opt/wagman/bin/wagman")
    monkeypatch.setattr(install, "own_command", lambda: "/opt/wagman/bin/wagman")
    monkeypatch.setattr(Target, "run", pretend)
    return tmp_path


def pretend(target: Target, *command: str) -> None:
    """What the system's own commands would do."""
    passwd = target.path("/etc/passwd")
    wants = target.path("/etc/systemd/system/multi-user.target.wants")
    match Path(command[0]).name, *command[1:]:
        case "systemd-sysusers", *_:
            passwd.write_text(passwd.read_text() + "wagman:x:999:999::/var/lib/wagman:/usr/sbin/nologin\n")
        case "userdel", *_:
            passwd.write_text("".join(line for line in passwd.read_text().splitlines(True) if not line.startswith("wagman:")))
        case "systemctl", _, "enable", "--quiet", *units:
            wants.mkdir(exist_ok=True)
            for unit in units:
                (wants / unit).symlink_to(f"/etc/systemd/system/{unit}")
        case "systemctl", _, "disable", "--quiet", *units:
            for unit in units:
                (wants / unit).unlink(missing_ok=True)
        case other:
            raise AssertionError(other)


def wagman(root: Path, *options: str) -> int:
    arguments = parse(["install-service", "--root", str(root), *options])
    assert isinstance(arguments, argparse.Namespace)
    return int(arguments.run(arguments))


def everything(root: Path) -> dict[str, Any]:
    """What is there, with its content and its time: what was written again shows."""
    found = sorted(path for path in root.rglob("*") if path.is_symlink() or path.is_file())
    return {str(path.relative_to(root)): path.readlink() if path.is_symlink() else path.stat().st_mtime_ns for path in found}


def test_all_of_it_is_put_in_place(root: Path) -> None:
    assert wagman(root) == 0
    assert "ExecStart=/opt/wagman/bin/wagman run " in (root / UNIT).read_text()
    assert "/usr/bin/wagman" not in (root / UNIT).read_text()
    assert (root / "usr/local/bin/wagman").readlink() == Path("/opt/wagman/bin/wagman")
    assert (root / "etc/systemd/system/multi-user.target.wants/wagman.service").is_symlink()
    assert "complete" in (root / "etc/bash_completion.d/wagman").read_text()
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in (root / "etc").rglob("*wagman*") if path.is_file())


def test_the_example_configuration_is_right_and_touches_no_guest(root: Path) -> None:
    wagman(root)
    config = load(str(root / CONFIG))
    assert config.guests == ()
    assert [device.name for device in config.devices] == ["nc"]
    told, example = (root / CONFIG).read_text().split("# One table for each guest:\n")
    (root / CONFIG).write_text(told + re.sub("^# ?", "", example, flags=re.MULTILINE))
    assert [guest.name for guest in load(str(root / CONFIG)).guests] == ["gn", "x1"]


def test_doing_it_again_changes_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wagman(root)
    before = everything(root)
    capsys.readouterr()
    assert wagman(root) == 0
    assert capsys.readouterr().out == "nothing to do\n"
    assert everything(root) == before


def test_a_dry_run_shows_all_of_it_and_does_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = everything(root)
    assert wagman(root, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert everything(root) == before
    wagman(root)
    done = capsys.readouterr().out.partition("Next: ")[0]
    assert shown == "".join(f"would {line}" for line in done.splitlines(keepends=True))


def test_an_upgrade_rewrites_what_is_ours_and_keeps_what_is_the_operators(root: Path) -> None:
    wagman(root)
    (root / RULE).write_text("of an older version")
    (root / CONFIG).write_text("mine")
    wagman(root)
    assert "8037" in (root / RULE).read_text()
    assert (root / CONFIG).read_text() == "mine"


def test_removal_takes_away_all_of_it(root: Path) -> None:
    before = everything(root).keys()
    wagman(root)
    assert wagman(root, "--remove") == 0
    assert everything(root).keys() == before
    assert "wagman" not in (root / "etc/passwd").read_text()
    assert not (root / "etc/wagman").exists()


def test_removal_leaves_an_edited_configuration_and_says_so(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wagman(root)
    (root / CONFIG).write_text("mine")
    wagman(root, "--remove")
    assert (root / CONFIG).read_text() == "mine"
    assert "left in place" in capsys.readouterr().out
    wagman(root, "--remove")
    assert capsys.readouterr().out == "nothing to do\n"


def test_a_command_of_somebody_else_is_left_alone(root: Path) -> None:
    (root / "usr/local/bin").mkdir(parents=True)
    (root / "usr/local/bin/wagman").write_text("another one")
    wagman(root)
    wagman(root, "--remove")
    assert (root / "usr/local/bin/wagman").read_text() == "another one"


def test_what_fails_is_told_in_one_line(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(_target: Target, *command: str) -> None:
        raise InstallError(f"{command[0]}: no such luck")

    monkeypatch.setattr(Target, "run", refuse)
    assert wagman(root) == 1
    assert capsys.readouterr().err == "wagman: systemd-sysusers: no such luck\n"


def test_a_command_that_fails_says_what_it_said() -> None:
    with pytest.raises(InstallError, match="echo never >&2; false: never"):
        Target().run("sh", "-c", "echo never >&2; false")
    with pytest.raises(InstallError, match="No such file"):
        Target().run("/nowhere/at/all")


@pytest.mark.parametrize("place", ["/root/venv", "/home/me/venv", "/tmp/venv", "/opt/my venv"])
def test_a_command_that_the_service_could_not_run_is_refused(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setattr("os.access", lambda *_: True)
    monkeypatch.setattr("sys.executable", "/usr/bin/python3")
    with pytest.raises(InstallError, match="/opt/wagman"):
        install.usable(f"{place}/bin/wagman")
    assert install.usable("/opt/wagman/bin/wagman") == "/opt/wagman/bin/wagman"


def test_without_a_command_there_is_nothing_to_install() -> None:
    with pytest.raises(InstallError, match="install wagman with pip"):
        install.usable("/nowhere/bin/wagman")


def test_the_rule_is_for_the_firmware_and_not_for_its_bootloader() -> None:
    lines = [line for line in install.data("60-wagman.rules").splitlines() if not line.startswith("#")]
    assert len(lines) == 1
    keys = dict(re.findall(r'(\w+(?:{\w+})?)[=+!]?="([^"]*)"', lines[0]))
    wanted = {"ATTRS{idVendor}": "2341", "ATTRS{idProduct}": "8037", "SYMLINK": "waggle_sysmon", "GROUP": "wagman"}
    assert {key: keys[key] for key in wanted} == wanted
