"""`wagman install-service`, into a folder that stands for a system."""

import io
import os
import re
from pathlib import Path

import pytest

from tests.systemd.pretended import accounts, add, everything, pretend, take, wagman
from wagman.cli import main
from wagman.cli.outcome import FAILED, CommandError
from wagman.config.load import load
from wagman.systemd import install
from wagman.systemd.steps import InstallError, Target

UNIT = "etc/systemd/system/wagman.service"
RULE = "etc/udev/rules.d/60-wagman.rules"
CONFIG = "etc/wagman/wagman.toml"


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


def test_who_is_not_root_is_told_so_before_anything_is_begun(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for more in ([], ["--remove", "--yes"]):
        assert main(["install-service", *more]) == FAILED
        said = "wagman: this changes the system, which only root may: use sudo, or look at it first with --dry-run\n"
        assert capsys.readouterr() == ("", said)


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


# --- The account ------------------------------------------------------------------------------------------------------

PERSON = "wagman:x:1000:1000:Walter Wagman:/home/wagman:/bin/bash\n"
DAEMON = "wagman:x:300:300:another program's:/nonexistent:/usr/sbin/nologin\n"
OF_0_1_0 = "wagman:x:998:998:Wagman service:/var/lib/wagman:/usr/sbin/nologin\n"


def test_the_account_of_a_person_is_refused_before_anything_is_done(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(root / "etc/passwd", PERSON)
    before = everything(root)
    assert wagman(root) == 1
    assert "belongs to a person (uid 1000, /bin/bash)" in capsys.readouterr().err
    assert everything(root) == before
    wagman(root, "--remove")
    assert PERSON in accounts(root)


def test_an_account_that_was_there_before_is_used_and_stays(root: Path) -> None:
    add(root / "etc/passwd", DAEMON)
    add(root / "etc/group", "wagman:x:300:\n")
    before = accounts(root)
    assert wagman(root) == 0
    assert wagman(root, "--remove") == 0
    assert accounts(root) == before


def test_a_group_that_was_there_before_stays_when_the_user_goes(root: Path) -> None:
    add(root / "etc/group", "wagman:x:1007:\n")

    before = accounts(root)
    wagman(root)
    assert "Wagman service" in accounts(root)
    passwd = root / "etc/passwd"
    passwd.write_text(passwd.read_text().replace(":999:999:", ":999:1007:"))  # as systemd-sysusers does
    assert wagman(root, "--remove") == 0
    assert accounts(root) == before


def test_the_groups_of_those_who_may_less_are_made_and_go_unless_they_have_members(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = accounts(root)
    wagman(root)
    assert {"wagman-operate:x:998:", "wagman-read:x:997:"} <= set(accounts(root).splitlines())
    (root / "etc/group").write_text((root / "etc/group").read_text().replace("wagman-read:x:997:", "wagman-read:x:997:alice"))
    capsys.readouterr()
    assert wagman(root, "--remove") == 0
    assert accounts(root) == before + "wagman-read:x:997:alice\n"
    assert capsys.readouterr().out.endswith("remove it by hand if you do not need it: group wagman-read\n")


def test_the_group_goes_with_its_user_also_where_userdel_leaves_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "etc/login.defs").write_text("# no word of USERGROUPS_ENAB\n")
    before = everything(root).keys()
    wagman(root)
    assert wagman(root, "--remove") == 0
    assert "wagman" not in accounts(root)
    assert everything(root).keys() == before
    assert capsys.readouterr().out.endswith("all of it is gone\n")


def test_a_group_of_such_a_name_that_was_there_before_stays(root: Path) -> None:
    add(root / "etc/group", "wagman-read:x:1008:\n")
    before = accounts(root)
    wagman(root)
    assert wagman(root, "--remove") == 0
    assert accounts(root) == before


def test_an_upgrade_makes_the_groups_that_are_new(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(root / "etc/passwd", OF_0_1_0)
    add(root / "etc/group", "wagman:x:998:\n")
    wagman(root)
    assert "create group wagman-operate, group wagman-read\n" in capsys.readouterr().out


def test_an_account_that_an_older_version_made_and_did_not_write_down_is_known_by_its_mark(root: Path) -> None:
    before = accounts(root)
    add(root / "etc/passwd", OF_0_1_0)
    add(root / "etc/group", "wagman:x:998:\n")
    wagman(root)
    assert wagman(root, "--remove") == 0
    assert accounts(root) == before


def test_an_account_that_was_made_anew_by_somebody_else_is_not_ours_any_more(root: Path) -> None:
    wagman(root)
    take(root / "etc/passwd", "wagman:")
    add(root / "etc/passwd", PERSON)
    wagman(root, "--remove")
    assert PERSON in accounts(root)


@pytest.mark.skipif(os.geteuid() != 0, reason="files are given to another user")
def test_the_state_that_outlives_its_account_is_given_to_root_alone(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wagman(root)
    key = root / "var/lib/wagman/.ssh/id_ed25519"
    key.parent.mkdir(parents=True)
    key.write_text("secret")
    (key.parent / "link").symlink_to("/etc/passwd")
    for path in (key, key.parent, key.parent.parent):
        os.chown(path, 999, 999)
    owner = Path("/etc/passwd").stat().st_uid
    assert wagman(root, "--remove") == 0
    assert [path.stat().st_uid for path in (key, key.parent, key.parent.parent)] == [0, 0, 0]
    assert (root / "var/lib/wagman").stat().st_mode & 0o777 == 0o700
    assert Path("/etc/passwd").stat().st_uid == owner
    assert "give /var/lib/wagman, which stays, to root alone" in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() != 0, reason="files are given to another user")
def test_what_cannot_be_removed_keeps_nothing_else_from_it_and_can_be_tried_again(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = everything(root).keys()
    wagman(root)
    (root / "var/lib/wagman").mkdir(parents=True)
    os.chown(root / "var/lib/wagman", 999, 999)

    def refuse(target: Target, *command: str) -> None:
        if Path(command[0]).name == "userdel":
            raise InstallError("userdel: user wagman is currently used by process 4711")
        pretend(target, *command)

    monkeypatch.setattr(Target, "run", refuse)
    assert wagman(root, "--remove") == 1
    captured = capsys.readouterr()
    assert "wagman: userdel: user wagman is currently used by process 4711\n" in captured.err
    assert not (root / UNIT).exists()
    assert not (root / "etc/sysusers.d/wagman.conf").exists()
    assert (root / "var/lib/wagman").stat().st_uid == 999
    monkeypatch.setattr(Target, "run", pretend)
    assert wagman(root, "--remove") == 0
    assert "wagman" not in accounts(root)
    assert (root / "var/lib/wagman").stat().st_uid == 0
    assert everything(root).keys() == before


# --- An image ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["etc/udev", "etc/wagman", "usr", "etc/systemd/system/multi-user.target.wants"])
def test_a_link_of_the_image_leads_to_its_own_places(root: Path, tmp_path_factory: pytest.TempPathFactory, link: str) -> None:
    host = tmp_path_factory.mktemp("host")
    (root / link).parent.mkdir(parents=True, exist_ok=True)
    (root / link).symlink_to(host)
    assert wagman(root) == 0
    assert list(host.iterdir()) == []
    assert any((root / str(host).lstrip("/")).iterdir())
    assert wagman(root, "--remove") == 0
    assert list(host.iterdir()) == []


def test_a_link_upwards_ends_at_the_root_of_the_image(root: Path) -> None:
    (root / "etc/udev").symlink_to("../../../../../elsewhere")
    wagman(root)
    assert (root / "elsewhere/rules.d/60-wagman.rules").is_file()


def test_links_in_a_circle_are_an_error(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "etc/udev").symlink_to("udev")
    assert wagman(root) == 1
    assert "lead in a circle" in capsys.readouterr().err


def test_an_image_whose_accounts_are_reached_by_a_link_is_refused(
    root: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    host = tmp_path_factory.mktemp("host")
    (host / "passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (root / "etc/passwd").unlink()
    (root / "etc/passwd").symlink_to(host / "passwd")
    assert wagman(root) == 1
    assert "would follow it out of" in capsys.readouterr().err
    assert "wagman" not in (host / "passwd").read_text()


def test_a_link_that_an_operator_has_put_for_the_configuration_is_kept(root: Path) -> None:
    (root / "etc/wagman").mkdir()
    (root / CONFIG).symlink_to("/data/wagman.toml")
    wagman(root)
    wagman(root, "--remove")
    assert (root / CONFIG).is_symlink()


def test_a_root_that_is_not_there_is_not_made(root: Path) -> None:
    with pytest.raises(CommandError, match="is no directory"):
        wagman(root / "nowhere")


# --- This computer ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "asks"), [("port = 0\nself = true\n", True), ("port = 1\nshutdown = []\n", False), ("nonsense", True)]
)
def test_a_removal_that_has_the_board_power_cycle_this_computer_is_not_done_without_a_word(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, asks: bool
) -> None:
    wagman(root)
    (root / CONFIG).write_text(f"[device.nc]\n{text}")
    monkeypatch.setattr(Target, "is_this", True)
    monkeypatch.setattr(install, "reload", lambda _: None)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    stopped = []

    def run(target: Target, *command: str) -> None:
        if command[:2] == ("systemctl", "stop"):
            stopped.append(command)
        else:
            pretend(target, *command)

    monkeypatch.setattr(Target, "run", run)
    capsys.readouterr()
    if asks:
        with pytest.raises(CommandError, match="--remove --yes") as caught:
            wagman(root, "--remove")
        assert caught.value.code == 2
        assert stopped == []
        assert "power-cycles it within the hour" in capsys.readouterr().err
        assert wagman(root, "--remove", "--yes") == 0
    else:
        assert wagman(root, "--remove") == 0
    assert stopped


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


def test_an_environment_of_a_python_that_the_service_does_not_see_is_to_be_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.symlink_to("/home/me/python/bin/python3.11")
    monkeypatch.setattr("os.access", lambda *_: True)
    monkeypatch.setattr("sys.executable", str(python))
    with pytest.raises(InstallError) as refused:
        install.usable("/opt/wagman/bin/wagman")
    assert str(refused.value) == (
        "this environment was made with /home/me/python/bin/python3.11, and the service does not see /home: "
        "remove the environment, and make it anew with /usr/bin/python3 -m venv /opt/wagman"
    )


def test_without_a_command_there_is_nothing_to_install() -> None:
    with pytest.raises(InstallError, match="install wagman with pip"):
        install.usable("/nowhere/bin/wagman")


def test_the_rule_is_for_the_firmware_and_not_for_its_bootloader() -> None:
    lines = [line for line in install.data("60-wagman.rules").splitlines() if not line.startswith("#")]
    assert len(lines) == 1
    keys = dict(re.findall(r'(\w+(?:{\w+})?)[=+!]?="([^"]*)"', lines[0]))
    wanted = {"ATTRS{idVendor}": "2341", "ATTRS{idProduct}": "8037", "SYMLINK": "waggle_sysmon", "GROUP": "wagman"}
    assert {key: keys[key] for key in wanted} == wanted
