"""Machines for tests: one that they share, one for a test that leaves nothing of it; and a folder that stands for a system."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.machine import ASIDE, DATA, Machine, booted, docs_commands, eventually, require_systemd, wheelhouse
from tests.systemd.pretended import pretend
from wagman.systemd import install
from wagman.systemd.steps import Target

QUICK = """
ExecStart=
ExecStart=/opt/wagman/bin/python /opt/wagman/tampered.py run --speed 25 --config /etc/wagman/wagman.toml
WatchdogSec=3s
RestartSec=100ms
"""
"""A fake board is a pty, and runs as fast as the service; the defects wait for their files."""


def installed(machine: Machine) -> None:
    """By the installation page, word for word; then the guests that it leaves to the reader, and a board."""
    machine.run(docs_commands("Install"))
    machine.run(f"cp {ASIDE}/tampered.py /opt/wagman")
    machine.write("/etc/wagman/wagman.toml", (DATA / "wagman.toml").read_text())
    machine.drop_in("quick", QUICK)
    machine.run("systemctl start board")
    eventually(lambda: machine.run("test -e /run/board/tty", check=False).returncode == 0)
    machine.run(docs_commands("First start"))
    eventually(machine.guests_up)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    require_systemd()
    own = tmp_path_factory.getbasetemp()
    return wheelhouse(own.parent if hasattr(request.config, "workerinput") else own)


@pytest.fixture(scope="session")
def shared_machine(wheels: Path) -> Iterator[Machine]:
    with booted(wheels) as machine:
        installed(machine)
        yield machine


@pytest.fixture
def machine(shared_machine: Machine) -> Iterator[Machine]:
    """With the service running, its guests up, and the configuration of the tests; a test may change all of that."""
    shared_machine.forget_cuts()
    yield shared_machine
    shared_machine.write("/etc/wagman/wagman.toml", (DATA / "wagman.toml").read_text())
    shared_machine.remove_drop_in("test")
    shared_machine.run("rm -f /run/wagman/hang /run/wagman/not-yet; systemctl restart wagman")
    eventually(shared_machine.guests_up)


@pytest.fixture
def own_machine(wheels: Path) -> Iterator[Machine]:
    with booted(wheels) as machine:
        installed(machine)
        yield machine


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty system; the commands that change one are taken note of instead."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (tmp_path / "etc/group").write_text("root:x:0:\n")
    (tmp_path / "etc/login.defs").write_text("USERGROUPS_ENAB yes\n")
    monkeypatch.setattr(install, "usable", lambda _: "/opt/wagman/bin/wagman")
    monkeypatch.setattr(install, "own_command", lambda: "/opt/wagman/bin/wagman")
    monkeypatch.setattr(Target, "run", pretend)
    return tmp_path
