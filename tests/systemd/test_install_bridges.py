"""`wagman install-service --metrics`, `--collect` ...: units of programs of their own, into a folder that stands for a system."""

import re
from pathlib import Path

import pytest

from tests.systemd.pretended import accounts, everything, wagman
from wagman.bridges.fleet.config import load
from wagman.model.errors import ConfigError
from wagman.systemd.bridges import BRIDGES, COLLECT, FLEET, METRICS, NOTIFY, Bridge

WHO = "etc/wagman/notify.toml"
WANTS = "etc/systemd/system/multi-user.target.wants"

EVERY_ONE = pytest.mark.parametrize("bridge", BRIDGES, ids=lambda bridge: bridge.name)
ONLOOKERS = [bridge for bridge in BRIDGES if bridge.is_beside_service]
EACH_ONLOOKER = pytest.mark.parametrize("bridge", ONLOOKERS, ids=lambda bridge: bridge.name)
ASK_FOR_ALL = [f"--{bridge.name}" for bridge in BRIDGES]


def unit(root: Path, bridge: Bridge) -> Path:
    return root / bridge.path.lstrip("/")


@EVERY_ONE
def test_one_is_put_in_place_where_it_is_asked_for(root: Path, bridge: Bridge, capsys: pytest.CaptureFixture[str]) -> None:
    wagman(root)
    assert not unit(root, bridge).exists()
    assert bridge.unit not in capsys.readouterr().out
    assert wagman(root, f"--{bridge.name}") == 0
    verb = "fleet collect" if bridge is COLLECT else bridge.name
    assert f"ExecStart=/opt/wagman/bin/wagman {verb} " in unit(root, bridge).read_text()
    assert (root / WANTS / bridge.unit).is_symlink()
    assert [each for each in BRIDGES if unit(root, each).exists()] == [bridge]
    said = capsys.readouterr().out
    assert f"systemctl restart {'wagman ' if bridge in ONLOOKERS else ''}wagman-{bridge.name}\n" in said
    assert ('read_group = "wagman-read"' in said) is (bridge in ONLOOKERS)
    assert wagman(root, f"--{bridge.name}") == 0
    assert capsys.readouterr().out == "nothing to do\n"


@EACH_ONLOOKER
def test_one_that_may_look_is_in_the_group_that_is_made(root: Path, bridge: Bridge) -> None:
    wagman(root, f"--{bridge.name}")
    lines = unit(root, bridge).read_text().splitlines()
    assert {"DynamicUser=yes", "SupplementaryGroups=wagman-read"} <= set(lines)
    assert not [line for line in lines if line.startswith(("User=", "Group="))]
    assert "wagman-read:" in accounts(root)


@EVERY_ONE
def test_an_upgrade_renews_it_unasked(root: Path, bridge: Bridge) -> None:
    wagman(root, f"--{bridge.name}")
    right = unit(root, bridge).read_text()
    unit(root, bridge).write_text("of an older version")
    wagman(root)
    assert unit(root, bridge).read_text() == right


def test_a_dry_run_shows_all_of_them_and_does_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = everything(root)
    assert wagman(root, *ASK_FOR_ALL, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert everything(root) == before
    wagman(root, *ASK_FOR_ALL)
    done = capsys.readouterr().out.partition("Next: ")[0]
    assert shown == "".join(f"would {line}" for line in done.splitlines(keepends=True))


def test_a_removal_takes_all_of_them_away(root: Path) -> None:
    before, files = accounts(root), everything(root).keys()
    wagman(root, *ASK_FOR_ALL)
    assert wagman(root, "--remove") == 0
    assert (accounts(root), everything(root).keys()) == (before, files)


def test_who_is_told_is_for_root_alone_and_is_the_operators(root: Path) -> None:
    wagman(root, "--notify")
    assert (root / WHO).stat().st_mode & 0o777 == 0o600
    (root / WHO).write_text("mine")
    wagman(root, "--notify")
    assert (root / WHO).read_text() == "mine"
    assert (root / WHO).stat().st_mode & 0o777 == 0o600


def test_a_removal_leaves_who_is_told_and_what_was_and_says_so(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wagman(root, "--notify")
    (root / WHO).write_text("mine")
    (root / "var/lib/private/wagman-notify").mkdir(parents=True)
    assert wagman(root, "--remove") == 0
    assert (root / WHO).read_text() == "mine"
    assert "by hand if you do not need it: /etc/wagman /var/lib/private/wagman-notify\n" in capsys.readouterr().out


def test_the_file_of_a_fleet_has_a_node_and_a_broker_in_it_to_be_made_ones_own(root: Path) -> None:
    wagman(root, "--fleet")
    file = root / "etc/wagman/fleet.toml"
    with pytest.raises(ConfigError, match=r"node\.name: missing"):
        load(str(file), "node")
    head, _, tables = file.read_text().partition("# [node]")
    assert all(line.startswith("#") for line in head.splitlines())
    file.write_text(f"# [node]{tables}".replace("# [", "[").replace("\n# ", "\n").replace("\n#\n", "\n"))
    config = load(str(file), "node")
    assert config.node is not None
    assert config.signers is not None
    handed = [config.broker.ca, config.broker.certificate, config.broker.key]
    for name in handed:
        assert f"LoadCredential={name}:/etc/wagman/fleet/{name}\n" in unit(root, FLEET).read_text()


def test_the_secrets_are_handed_to_the_programs_that_have_some(root: Path) -> None:
    wagman(root, *ASK_FOR_ALL)
    assert "LoadCredential=fleet.toml:/etc/wagman/fleet.toml\n" in unit(root, FLEET).read_text()
    assert "LoadCredential=notify.toml:/etc/wagman/notify.toml\n" in unit(root, NOTIFY).read_text()
    assert "LoadCredential" not in unit(root, METRICS).read_text()
    assert not (root / "etc/wagman/metrics.toml").exists()


def test_where_the_service_is_not_a_collector_is_put_in_place_alone(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, files = accounts(root), everything(root).keys()
    assert wagman(root, "--collect", "--dry-run") == 0
    shown = capsys.readouterr().out
    assert everything(root).keys() == files
    assert wagman(root, "--collect") == 0
    done = capsys.readouterr().out.partition("For a collector: ")[0]
    assert shown == "".join(f"would {line}" for line in done.splitlines(keepends=True))
    assert accounts(root) == before, "it has a user that comes and goes"
    units = sorted(path.name for path in (root / "etc/systemd/system").iterdir() if path.is_file())
    assert units == ["wagman-collect.service"]
    assert not (root / "etc/wagman/wagman.toml").exists()
    assert wagman(root, "--remove") == 0
    assert (accounts(root), everything(root).keys()) == (before, files)


def test_a_node_gets_a_collector_beside_its_service(root: Path) -> None:
    wagman(root, "--collect")
    wagman(root)
    assert (root / "etc/systemd/system/wagman.service").exists()
    (root / "etc/systemd/system/wagman.service").write_text("of an older version")
    assert wagman(root, "--collect") == 0
    assert "ExecStart=" in (root / "etc/systemd/system/wagman.service").read_text()


@pytest.mark.parametrize("is_by_password", [False, True])
def test_the_file_of_a_collector_is_to_be_made_ones_own(root: Path, is_by_password: bool) -> None:
    wagman(root, "--collect")
    file = root / "etc/wagman/collect.toml"
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigError, match=r"operator\.name: missing"):
        load(str(file), "operator")
    head, _, tables = file.read_text().partition("# [operator]")
    assert all(line.startswith("#") for line in head.splitlines())
    text = f"# [operator]{tables}".replace("# [", "[").replace("\n# ", "\n").replace("\n#\n", "\n")
    if is_by_password:
        text = re.sub(r"^certificate = .*# or (.*)\nkey = .*# and (.*)$", r"\1\n\2", text, flags=re.MULTILINE)
    file.write_text(text)
    broker = load(str(file), "operator").broker
    handed = [name for name in (broker.ca, broker.certificate, broker.key, broker.password_file) if name is not None]
    assert len(handed) == (2 if is_by_password else 3)
    for name in handed:
        assert f"LoadCredential={name}:/etc/wagman/collect/{name}\nSetCredential={name}:none\n" in unit(root, COLLECT).read_text()
