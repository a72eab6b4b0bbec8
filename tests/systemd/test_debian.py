"""The Debian packages on clean Debian machines with a real systemd: installed, upgraded, downgraded, removed, purged."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.debian import INSTALL_S, QUICK, SUITES, apt, debian, packages, renamed
from tests.systemd.machine import DATA, Machine, eventually

LATER, EARLIER = "9.0.0", "0.1.99"

GUESTS = "\n[device.gn]\nport = 1\nshutdown = []\n"


@pytest.fixture(scope="session")
def debs(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both."""
    own = tmp_path_factory.getbasetemp()
    return packages(own, wheels)[0].parent


@pytest.fixture(scope="module", params=SUITES)
def node(request: pytest.FixtureRequest, debs: Path) -> Iterator[Machine]:
    """With the package, as the page of the installation has it."""
    with debian(request.param, debs) as machine:
        said = apt(machine, "install ./wagman_*.deb")
        assert "systemctl start wagman" in said
        assert machine.property("ActiveState") == "inactive"
        yield machine


def supervised(machine: Machine) -> None:
    """With the guests of the tests, all up."""
    machine.write("/etc/wagman/wagman.toml", (DATA / "wagman.toml").read_text())
    machine.drop_in("quick", QUICK)
    machine.run("systemctl restart wagman; wagman enable all; wagman start all --no-wait")
    eventually(machine.guests_up, within_s=INSTALL_S)
    machine.forget_cuts()


def test_a_few_lines_and_a_start_are_enough(node: Machine) -> None:
    config = node.root / "etc/wagman/wagman.toml"
    config.write_text(config.read_text().replace('"/dev/waggle_sysmon"', '"/run/board/tty"') + GUESTS)
    node.run("wagman check-config && systemctl start wagman")
    eventually(lambda: node.states().get("nc") == "started")
    assert set(node.states()) == {"nc", "gn"}
    assert node.says("stat -c '%U %a' /var/lib/wagman") == "wagman 750"
    assert node.says("systemctl is-enabled wagman wagman-poweroff.path") == "enabled\nenabled"
    assert node.property("ActiveState", "wagman-poweroff.path") == "active"


def test_the_environment_is_that_of_the_distributions_python(node: Machine) -> None:
    version = node.says("python3 -c 'import sys; print(sys.version.split()[0])'")
    told = node.says("/usr/lib/wagman/bin/python3 -c 'import sys, trio; print(sys.version.split()[0], trio.__file__)'")
    minor = version.rpartition(".")[0]
    assert told == f"{version} /usr/lib/wagman/lib/python{minor}/site-packages/trio/__init__.py"
    assert minor in SUITES.values()


@pytest.mark.parametrize("page", ["wagman", "wagman.toml", "wagman-status", "wagman-install-service"])
def test_man_finds_the_pages(node: Machine, page: str) -> None:
    assert f"man/man{5 if '.' in page else 1}/{page}." in node.says(f"man -w {page}")
    assert "NAME" in node.says(f"man {page} | cat")


def test_the_programs_beside_it_are_found_and_need_what_debian_has(node: Machine) -> None:
    said = apt(node, "install ./wagman-fleet_*.deb")
    assert "systemctl enable --now wagman-metrics" in said
    assert node.run("systemctl is-enabled wagman-fleet wagman-metrics wagman-notify", check=False).stdout == "disabled\n" * 3
    node.write("/etc/wagman/notify.toml", '[to.mail]\nurl = "mailto://u:p@localhost"\n')
    node.run("wagman notify --check")
    node.run("/usr/lib/wagman/bin/python3 -c 'import paho.mqtt.client, apprise'")
    supervised(node)
    config = node.root / "etc/wagman/wagman.toml"
    config.write_text(f'[service]\nread_group = "wagman-read"\n{config.read_text()}')
    node.run("systemctl restart wagman; systemctl enable --now wagman-metrics")
    eventually(lambda: "wagman_up 1" in node.says("cat /run/wagman-metrics/wagman.prom || true").splitlines())
    purged = apt(node, "purge wagman-fleet")
    assert "nobody is told any more" in purged
    assert node.says("ls /etc/wagman") == "conf.d\nnotify.toml\nwagman.toml"  # an example that nobody edited is gone
    eventually(node.guests_up)
    assert node.cuts() == []


def test_install_service_leaves_a_machine_with_the_package_alone(node: Machine) -> None:
    for options in ("", "--metrics", "--dry-run", "--remove --yes"):
        refused = node.run(f"wagman install-service {options}", check=False)
        assert refused.returncode == 4
        assert "came as a Debian package" in refused.stderr
        assert "apt install" in refused.stderr
    assert node.run("test -e /etc/systemd/system/wagman.service", check=False).returncode == 1


def test_a_guests_table_may_have_a_file_of_its_own_and_a_wrong_one_is_refused_with_its_place(node: Machine) -> None:
    supervised(node)
    whole = (DATA / "wagman.toml").read_text()
    main, name, table = whole.partition("[device.cs]\n")
    node.write("/etc/wagman/wagman.toml", main)
    node.write("/etc/wagman/conf.d/cs.toml", f"{name}{table}")
    node.run("wagman check-config && systemctl reload wagman")
    reloaded = node.events("service.reloaded")[-1]["fields"]
    assert (reloaded["changed"], reloaded["needs_restart"]) == ([], [])
    node.write("/etc/wagman/conf.d/again.toml", f"# again\n{name}{table}")
    assert node.run("systemctl reload wagman", check=False).returncode != 0
    twice = "/etc/wagman/conf.d/cs.toml:1: device.cs: it is in /etc/wagman/conf.d/again.toml:2 as well: state it in one place"
    assert node.events("service.config_refused")[-1]["fields"]["problems"] == [twice]
    node.run("systemctl restart wagman")  # with the last good copy, which is whole
    eventually(node.guests_up)
    node.run("rm /etc/wagman/conf.d/*.toml")
    assert node.cuts() == []


def test_an_upgrade_and_a_downgrade_move_no_relay_and_keep_every_decision(node: Machine, debs: Path, tmp_path: Path) -> None:
    supervised(node)
    node.run("wagman disable cs --no-wait")
    eventually(lambda: node.states()["cs"] == "stopped")
    assert node.cuts() == [2]
    node.forget_cuts()
    before = len(node.events("controller.unfed"))
    (deb,) = debs.glob("wagman_*.deb")
    for version in (LATER, EARLIER):
        new = renamed(deb, version, tmp_path)
        (node.root / "root" / new.name).write_bytes(new.read_bytes())
        pid = node.property("MainPID")
        said = apt(node, f"install --allow-downgrades ./{new.name}")
        assert f"wagman {version} runs now. The guests have run on." in said
        assert node.property("MainPID") != pid
        assert node.says("wagman --version") == f"wagman {version}"
        eventually(lambda: node.states() == {"nc": "started", "gn": "started", "cs": "stopped"})
        assert any(row["name"] == "cs" and not row["enabled"] for row in status(node)["devices"])
    assert [port for port in node.cuts() if port != 2] == []
    assert not [entry for entry in node.relay_log()[node.moved_before :] if entry["on"]]
    assert len(node.events("controller.unfed")) == before


def status(machine: Machine) -> dict[str, list[dict[str, object]]]:
    return json.loads(machine.says("wagman status --json"))  # type: ignore[no-any-return]


def test_a_removal_says_what_it_means_and_a_purge_leaves_what_is_the_operators(node: Machine) -> None:
    supervised(node)
    said = apt(node, "remove wagman")
    assert "Without the service the board power-cycles it within the hour" in said
    assert "The guests run on" in said
    assert node.run("systemctl is-active wagman", check=False).stdout.strip() in ("inactive", "failed", "unknown")
    purged = apt(node, "purge wagman")
    assert "left in place, for it is yours: /etc/wagman /var/lib/wagman" in purged
    assert node.says("cat /etc/wagman/wagman.toml") == (DATA / "wagman.toml").read_text().strip()
    assert node.says("stat -c %U /var/lib/wagman/decisions.json") == "wagman"
    assert node.run("ls -d /usr/lib/wagman /usr/share/wagman /usr/bin/wagman", check=False).stdout == ""
    assert node.says("find /etc/systemd -name 'wagman*' -not -name '*test*' -not -path '*service.d*'") == ""
    assert node.cuts() == []


@pytest.mark.parametrize("file", ["/etc/systemd/system/wagman.service", "/etc/udev/rules.d/60-wagman.rules"])
def test_files_of_install_service_are_told_of_with_what_to_type_and_nothing_is_changed(
    node: Machine, debs: Path, file: str
) -> None:
    apt(node, "purge wagman", check=False)
    node.write(file, "[Service]\nExecStart=/opt/wagman/bin/wagman run\n")
    (deb,) = debs.glob("wagman_*.deb")
    said = apt(node, f"install ./{deb.name}", check=False)
    node.run(f"rm {file}")
    assert f"{file} is there" in said
    assert "wagman install-service --remove" in said
    assert node.says("dpkg-query -W -f='${db:Status-Status}' wagman") == "not-installed"
    assert node.run("test -e /usr/bin/wagman", check=False).returncode == 1


def test_what_is_installed_again_goes_on_where_it_was(node: Machine, debs: Path) -> None:
    (deb,) = debs.glob("wagman_*.deb")
    said = apt(node, f"install ./{deb.name}")
    assert "systemctl start wagman" in said
    node.run("systemctl start wagman")
    eventually(node.guests_up)
    assert node.cuts() == []
