"""From version 0.1.0 to this one and back, on booted machines: state, log, configuration and units, while the guests run."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from release.stage import Wheelhouse
from tests.systemd.debian import BOARD, INSTALL_S, apt, debian, packages
from tests.systemd.machine import DATA, LOCK, ROOT, Machine, booted_from, docs_commands, eventually, prepare
from wagman import __version__
from wagman.systemd.install import data

COMMIT = "26fdd66"
"""Of 0.1.0."""

INSTALL = """\
python3 -m venv /opt/wagman
/opt/wagman/bin/pip install --no-index --find-links wheelhouse --require-hashes -r requirements.lock
/opt/wagman/bin/pip install --no-index --find-links wheelhouse --no-deps wagman
/opt/wagman/bin/wagman install-service
"""
"""As its page of the installation had it."""

QUICK = "\nExecStart=\nExecStart=/usr/bin/env wagman run --speed 25 --config /etc/wagman/wagman.toml\n"
"""A fake board is a pty, and runs as fast as the service, whichever version that is."""

CONFIG = (DATA / "wagman.toml").read_text().replace('adopt_window = "5s"', 'adopt_window = "2min"')
"""A version that cannot read the log listens for so long: a guest beats every 8 s."""

AS_IT_WAS = {"nc": "started", "gn": "started", "cs": "stopped"}


@pytest.fixture(scope="session")
def old(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    """A folder with the wheelhouse and the lock of 0.1.0."""
    folder = tmp_path_factory.mktemp("old")
    made = subprocess.run(["git", "archive", COMMIT, "-o", folder / "old.tar"], cwd=ROOT, capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"takes the commit of 0.1.0: {made.stderr.decode().strip()}")
    subprocess.run(["tar", "-xf", "old.tar", "--one-top-level=source"], cwd=folder, check=True)
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", "wheelhouse")
    for what in (("--require-hashes", "-r", "source/requirements.lock"), ("--no-deps", "./source")):
        subprocess.run((*pip, *what), cwd=folder, check=True, capture_output=True)
    shutil.copy(folder / "source/requirements.lock", folder)
    shutil.rmtree(folder / "source")
    return folder


def put_board(root: Path, wheels: Path) -> None:
    """Of this version, and no part of what is installed."""
    (wheel,) = wheels.glob("wagman-*.whl")
    Wheelhouse(wheels).lay_out(root / "opt/board", LOCK, wheel)
    unit = (DATA / "board.service").read_text().replace("/usr/local/bin/wagman fake-board", BOARD)
    (root / "etc/systemd/system/board.service").write_text(unit.replace("User=wagman\n", ""))


def bring_up(machine: Machine) -> None:
    """0.1.0, with its guests up, and one that an operator wants off."""
    machine.board = BOARD
    machine.run("systemctl start board")
    eventually(lambda: machine.run("test -e /run/board/tty", check=False).returncode == 0)
    machine.run("chmod 666 $(readlink -f /run/board/tty); chmod a+rwx /run/board; chmod a+rw /run/board/control")
    machine.run(INSTALL, cwd="/root/old", within_s=INSTALL_S)
    assert machine.says("wagman --version") == "wagman 0.1.0"
    machine.write("/etc/wagman/wagman.toml", CONFIG)
    machine.drop_in("quick", QUICK)
    machine.run("systemctl restart wagman")
    eventually(machine.guests_up, within_s=INSTALL_S)
    machine.run("wagman disable cs --no-wait", check=False)
    eventually(lambda: machine.states() == AS_IT_WAS, within_s=INSTALL_S)
    eventually(lambda: 2 in machine.cuts())
    machine.forget_cuts()


@pytest.fixture(scope="module")
def node(old: Path, wheels: Path) -> Iterator[Machine]:
    def put(root: Path) -> None:
        prepare(root, wheels)
        put_board(root, wheels)
        shutil.copytree(old, root / "root/old")

    with booted_from(Path("/"), put) as machine:
        bring_up(machine)
        yield machine


def moved(machine: Machine) -> list[tuple[int, bool]]:
    return [(entry["port"], entry["on"]) for entry in machine.relay_log()[machine.moved_before :]]


def is_disabled(machine: Machine, name: str) -> bool:
    rows = json.loads(machine.says("wagman status --json"))["devices"]
    return any(row["name"] == name and not row["enabled"] for row in rows)


def test_an_upgrade_by_the_book_moves_no_relay_and_keeps_state_log_configuration_and_units(node: Machine) -> None:
    first = node.events()[0]
    node.run(docs_commands("Upgrade"), within_s=INSTALL_S)
    assert node.says("wagman --version").startswith(f"wagman {__version__}")
    eventually(lambda: node.states() == AS_IT_WAS)
    assert is_disabled(node, "cs")
    assert node.events()[0] == first
    assert node.says("cat /etc/wagman/wagman.toml") == CONFIG.strip()
    unit = node.says("cat /etc/systemd/system/wagman.service")
    assert unit == data("wagman.service").replace("/usr/bin/wagman", "/opt/wagman/bin/wagman").strip()
    assert node.run("wagman install-service").stdout == "nothing to do\n"
    node.run("systemctl restart wagman")
    eventually(lambda: node.states() == AS_IT_WAS)
    assert moved(node) == []


def test_the_way_back_moves_no_relay_and_keeps_what_was_decided(node: Machine) -> None:
    node.run(docs_commands("Upgrade"), cwd="/root/old", within_s=INSTALL_S)
    assert node.says("wagman --version") == "wagman 0.1.0"
    eventually(lambda: node.states().get("gn") == "started", within_s=INSTALL_S)
    eventually(lambda: node.events("wagman.normal"))
    assert node.states() == AS_IT_WAS
    assert is_disabled(node, "cs")
    assert moved(node) == []


def test_and_forward_again_nobody_is_cut_either(node: Machine) -> None:
    node.forget_cuts()
    node.run(docs_commands("Upgrade"), within_s=INSTALL_S)
    eventually(lambda: node.states().get("gn") == "started", within_s=INSTALL_S)
    assert [port for port, is_on in moved(node) if port == 1] == []


@pytest.fixture
def clean(old: Path, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    debs = packages(tmp_path_factory.getbasetemp(), wheels)[0].parent
    with debian("bookworm", debs) as machine:
        shutil.copytree(old, machine.root / "root/old")
        bring_up(machine)
        yield machine


def test_what_the_package_says_to_type_takes_0_1_0_over(clean: Machine) -> None:
    said = apt(clean, "install ./wagman_*.deb", check=False)
    assert clean.says("wagman --version") == "wagman 0.1.0"
    assert clean.property("ActiveState") == "active"
    commands = [line.removeprefix("wagman:   ") for line in said.splitlines() if line.startswith("wagman:   ")]
    assert [line.split()[0] for line in commands] == ["wagman", "apt", "systemctl"]
    for line in commands:
        clean.run(line.replace("apt ", "apt-get -y "), within_s=INSTALL_S)
    assert clean.says("wagman --version").startswith(f"wagman {__version__}")
    eventually(lambda: clean.states() == AS_IT_WAS, within_s=INSTALL_S)
    assert is_disabled(clean, "cs")
    assert moved(clean) == []
    assert clean.says("systemctl show --value --property=FragmentPath wagman").endswith("lib/systemd/system/wagman.service")
