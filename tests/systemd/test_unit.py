"""The units, judged by systemd's own tools."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from wagman.systemd.bridges import BRIDGES
from wagman.systemd.install import data

MOST_EXPOSURE = 1.5

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="takes systemd-analyze")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """As they are installed, with a command that is there."""
    for name in ("wagman.service", "wagman-poweroff.path", "wagman-poweroff.service", *(bridge.unit for bridge in BRIDGES)):
        (tmp_path / name).write_text(data(name).replace("/usr/bin/wagman", "/bin/true"))
    return tmp_path / "wagman.service"


def analyzed(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def test_systemd_has_nothing_to_say_about_them(unit: Path) -> None:
    done = analyzed("verify", *map(str, unit.parent.iterdir()))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("wagman.service", MOST_EXPOSURE),
        ("wagman-metrics.service", 0.5),
        ("wagman-notify.service", 1.3),
        ("wagman-fleet.service", 1.3),
        ("wagman-collect.service", 1.3),
    ],
)
def test_a_service_is_exposed_no_more_than_it_must_be(unit: Path, name: str, most: float) -> None:
    done = analyzed("security", "--offline=yes", f"--threshold={most * 10:.0f}", str(unit.with_name(name)))
    assert done.returncode == 0, done.stdout
    exposure = re.search(rf"exposure level for {name}: ([0-9.]+)", done.stdout)
    assert exposure
    assert float(exposure[1]) <= most


def test_a_stopped_service_is_noticed_within_a_minute() -> None:
    limit = re.search(r"^WatchdogSec=([0-9]+)s$", data("wagman.service"), re.MULTILINE)
    assert limit
    assert 0 < int(limit[1]) <= 60


def test_nothing_but_the_boards_kind_of_port_is_allowed() -> None:
    lines = data("wagman.service").splitlines()
    assert "DevicePolicy=closed" in lines
    assert [line for line in lines if line.startswith("DeviceAllow=")] == ["DeviceAllow=char-ttyACM rw"]


def test_the_service_reaches_networks_and_sends_no_raw_packets() -> None:
    """Connections and name look-ups, as ssh needs them; `ping` uses sockets of these families, too, and no capability."""
    lines = data("wagman.service").splitlines()
    [families] = [line for line in lines if line.startswith("RestrictAddressFamilies=")]
    assert families == "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"
    assert {"AmbientCapabilities=", "CapabilityBoundingSet="} <= set(lines)
    assert not [line for line in lines if line.startswith(("PrivateNetwork=", "IPAddress", "SocketBind", "PrivateUsers="))]
