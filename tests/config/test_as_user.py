"""What the service's user may read, asked by root, who may read everything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wagman.config import check
from wagman.config.as_user import Account, own_account
from wagman.config.schema import Config

NOBODY = Account("nobody", 65_534, 65_534, (65_534,))

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """A directory that everybody may enter, as far as the way to it goes."""
    for place in (tmp_path, *tmp_path.parents):
        if place.stat().st_uid == os.geteuid() and place != Path("/"):
            place.chmod(place.stat().st_mode | 0o755)
    return tmp_path


@pytest.fixture
def file(public: Path) -> Path:
    file = public / "wagman.toml"
    file.write_text("[device.x1]\nport = 3\nshutdown = []\n")
    return file


@as_root
def test_what_root_may_read_the_other_may_not(file: Path) -> None:
    file.chmod(0o600)
    assert own_account().may(file, os.R_OK) is True
    assert NOBODY.may(file, os.R_OK) is False
    file.chmod(0o644)
    assert NOBODY.may(file, os.R_OK) is True


@as_root
def test_a_supplementary_group_counts(file: Path) -> None:
    os.chown(file, 0, 60_001)
    file.chmod(0o640)
    assert NOBODY.may(file, os.R_OK) is False
    assert Account("nobody", 65_534, 65_534, (60_001,)).may(file, os.R_OK) is True


@as_root
def test_the_outermost_directory_that_is_in_the_way_is_named(public: Path) -> None:
    inner = public / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "c").write_text("")
    (public / "a").chmod(0o700)
    assert NOBODY.may(inner / "c", os.R_OK) is False
    assert NOBODY.obstacle(inner / "c") == str(public / "a")
    (public / "a").chmod(0o755)
    (inner / "c").chmod(0o600)
    assert NOBODY.obstacle(inner / "c") == str(inner / "c")


@as_root
def test_what_cannot_be_executed_is_told_from_what_can(public: Path) -> None:
    tool = public / "halt"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o744)
    assert NOBODY.may(tool, os.X_OK) is False
    tool.chmod(0o755)
    assert NOBODY.may(tool, os.X_OK) is True


@as_root
def test_who_is_not_root_does_not_know_what_another_may(file: Path) -> None:
    program = f"from wagman.config.as_user import Account; print(Account('x', 60002, 60002, ()).may({str(file)!r}, 4))"
    from_here = Path(__file__).parents[2]
    asked = f"import os, sys; sys.path.insert(0, {str(from_here)!r}); import wagman.config.as_user; os.setuid(65534); {program}"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False)
    assert done.stdout == "None\n", done.stderr


def anything_goes(config: Config) -> None:
    pass


@as_root
def test_check_config_as_root_refuses_the_services_file_that_its_user_cannot_read(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "service_account", lambda: NOBODY)
    file.chmod(0o600)
    assert check.run(str(file), anything_goes, str(file)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"{file}: the service's user nobody may not read it: chgrp nobody {file}")
    file.chmod(0o644)
    assert check.run(str(file), anything_goes, str(file)) == 0


@as_root
def test_of_a_draft_that_is_a_warning(file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(check, "service_account", lambda: NOBODY)
    file.chmod(0o600)
    assert check.run(str(file), anything_goes, "/etc/wagman/wagman.toml") == 0
    assert capsys.readouterr().err.startswith(f"warning: {file}: the service's user nobody may not read it")


@as_root
def test_a_log_that_the_services_user_cannot_write_is_told_of(
    public: Path, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "service_account", lambda: NOBODY)
    state = public / "state"
    state.mkdir()
    os.chown(state, NOBODY.uid, NOBODY.gid)
    (state / "wagman.db").write_text("")
    (state / "wagman.db").chmod(0o600)
    file.write_text(f'[service]\nstate_dir = "{state}"\n{file.read_text()}')
    assert check.run(str(file), anything_goes) == 0
    assert f"may not write {state}/wagman.db: chown nobody: {state}/wagman.db" in capsys.readouterr().err


def test_without_the_services_user_nothing_is_said_of_him(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "service_account", lambda: None)
    assert check.run(str(file), anything_goes) == 0
    assert capsys.readouterr().err == ""


@as_root
def test_a_password_that_the_services_user_cannot_read_is_told_of(
    public: Path, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else it is found out when the board is first asked: that it does not answer would be looked for at the plug."""
    monkeypatch.setattr(check, "service_account", lambda: NOBODY)
    password = public / "plug"
    file.write_text(
        f'[board]\nkind = "shelly"\nhost = "192.0.2.9"\npassword_file = "{password}"\n'
        "[device.gn]\nport = 1\nheartbeat = false\nshutdown = []\n"
    )

    def said() -> str:
        assert check.run(str(file), anything_goes) == 0
        return capsys.readouterr().err

    where = f"{file}:4: board.password_file: warning: for the user nobody, {password} cannot be read: "
    assert said() == f"{where}No such file or directory\n"
    password.write_text("secret")
    password.chmod(0o600)
    assert said() == f"{where}Permission denied\n"
    os.chown(password, NOBODY.uid, NOBODY.gid)
    assert said() == ""
    file.write_text(file.read_text().replace(str(password), "plug"))  # a credential of the unit
    assert said() == ""


@as_root
def test_a_certificate_that_the_services_user_cannot_read_is_told_of(
    public: Path, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "service_account", lambda: NOBODY)
    file.write_text(
        f'[board]\nkind = "mqtt"\nhost = "192.0.2.9"\ntls_ca = "{public}/ca"\npreset = "zigbee2mqtt"\ndevice = "zigbee2mqtt/gn"\n'
        "[device.gn]\nport = 1\nheartbeat = false\nshutdown = []\n"
    )
    assert check.run(str(file), anything_goes) == 0
    where = f"{file}:4: board.tls_ca: warning: for the user nobody, {public}/ca cannot be read: "
    assert capsys.readouterr().err == f"{where}No such file or directory\n"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('state_dir = "{0}/file"', "service.state_dir: {0}/file is no folder, so that nothing can be kept"),
        ('state_dir = "{0}/file/state"', "service.state_dir: {0}/file is no folder, so that nothing can be kept"),
        ('socket = "{0}/file/socket"', "service.socket: {0}/file is no folder, so that no socket can be made in it"),
        ('socket = "{0}/file"', "service.socket: {0}/file is there, and no socket, so that the service will not start"),
        ('socket = "{0}/new/socket"\nstate_dir = "{0}/new/state"', ""),
    ],
)
def test_what_is_in_the_way_of_the_state_or_of_the_socket_is_told_of(
    public: Path, file: Path, capsys: pytest.CaptureFixture[str], table: str, told: str
) -> None:
    (public / "file").touch()
    file.write_text(f"[service]\n{table.format(public)}\n{file.read_text()}")
    assert check.run(str(file), anything_goes) == 0
    err = capsys.readouterr().err
    assert told.format(public) in err
    assert bool(told) == ("service." in err)


@as_root
def test_who_may_not_look_into_the_state_is_told_nothing_of_it(
    public: Path, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "service_account", lambda: Account("wagman", 123, 123, (123,)))
    (public / "state").mkdir(0o700)
    (public / "state" / "wagman.db").touch()
    file.write_text(f'[service]\nstate_dir = "{public}/state"\nsocket = "{public}/state/socket"\n{file.read_text()}')
    os.seteuid(NOBODY.uid)
    try:
        assert check.run(str(file), anything_goes) == 0
    finally:
        os.seteuid(0)
    assert capsys.readouterr().err == ""
