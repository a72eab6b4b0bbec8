"""`wagman install-service --collect` on a booted machine without the service, a broker beside it."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bridges.fleet.kit import event
from tests.io.brokers import MOSQUITTO
from tests.systemd.machine import Machine, booted, docs_commands, eventually
from wagman.bridges.fleet.payloads import packed

pytestmark = pytest.mark.skipif(
    MOSQUITTO is None or shutil.which("mosquitto_pub") is None, reason="takes mosquitto and its clients"
)

UNIT = "wagman-collect"
DATABASE = f"/var/lib/{UNIT}/fleet.db"
MOST_EXPOSURE = 1.5
BROKER = """[Service]
ExecStart={mosquitto} -c /etc/broker.conf
User=mosquitto
"""
BROKER_CONF = "listener 1883 127.0.0.1\nallow_anonymous false\npassword_file /etc/broker.passwords\n"
FILE = """
[operator]
name = "collector"
[broker]
host = "127.0.0.1"
tls = false
user = "collector"
password_file = "password"
reconnect_max = "1s"
"""


@pytest.fixture
def host(wheels: Path) -> Iterator[Machine]:
    """As the page has it, but for the files; paho is none of what the lock names."""
    paho = pytest.importorskip("paho.mqtt").__path__[0]
    with booted(wheels) as machine:
        commands = docs_commands("Install").splitlines()
        machine.run("\n".join(line for line in commands if "install-service" not in line))
        (packages,) = (machine.root / "opt/wagman/lib").glob("python3*/site-packages")
        shutil.copytree(Path(paho).parent, packages / "paho")
        machine.run("/opt/wagman/bin/wagman install-service --collect")
        machine.run("ip link set lo up; mosquitto_passwd -b -c /etc/broker.passwords collector secret; chmod a+r /etc/broker.*")
        machine.write("/etc/broker.conf", BROKER_CONF)
        machine.write("/etc/systemd/system/broker.service", BROKER.format(mosquitto=MOSQUITTO))
        machine.write("/etc/wagman/collect.toml", FILE)
        machine.write("/etc/wagman/collect/password", "secret\n")
        machine.run("chmod -R go= /etc/wagman/collect /etc/wagman/collect.toml; systemctl daemon-reload; systemctl start broker")
        machine.run(f"systemctl restart {UNIT}")
        yield machine


def tell(machine: Machine, *numbers: int) -> None:
    """As a node does."""
    first, last = numbers[0], numbers[-1]
    events = [event(number) for number in numbers]
    message = packed({"v": 1, "log": "log-1", "first": first, "last": last, "events": events}, deflate=False)
    machine.write("/var/tmp/message", message.decode())
    machine.run("mosquitto_pub -u collector -P secret -q 1 -t wagman/1/v042/events -f /var/tmp/message")


def collected(machine: Machine) -> list[int]:
    told = machine.run(f"wagman fleet events --sqlite {DATABASE} --json -n 99", check=False).stdout
    return [json.loads(line)["event"]["id"] for line in told.splitlines()]


def journal(machine: Machine) -> str:
    return machine.says(f"journalctl --no-pager --unit={UNIT} --output=cat")


def test_a_collector_takes_in_what_comes_as_a_user_of_its_own_and_lives_through_whatever_happens(host: Machine) -> None:
    eventually(lambda: "connected to 127.0.0.1:1883" in journal(host))
    assert host.run("systemctl cat wagman", check=False).returncode != 0, "nothing of a node is there"
    assert host.property("UnitFileState", UNIT) == "enabled"
    tell(host, 1, 2, 3)
    eventually(lambda: collected(host) == [1, 2, 3])
    # It is nobody: by its name, by its rights, by what it may look at.
    assert host.says(f"ps -o user:20= -p $(systemctl show --value --property=MainPID {UNIT})") == UNIT
    assert host.says(f"stat --format='%U %a' /var/lib/private/{UNIT}") == f"{UNIT} 700"
    assert host.says(f"stat --format='%U %a' {DATABASE}") == f"{UNIT} 600"
    assert host.run("runuser -u nobody -- test -r /etc/wagman/collect/password", check=False).returncode != 0
    exposure = re.search(r"exposure level for \S+: ([0-9.]+)", host.says(f"systemd-analyze security {UNIT} --no-pager"))
    assert exposure
    assert float(exposure[1]) <= MOST_EXPOSURE
    # It is killed, the broker is, and while it is away the broker keeps what comes.
    host.run(f"systemctl kill --signal=KILL {UNIT}")
    tell(host, 4, 5)
    eventually(lambda: host.property("ActiveState", UNIT) == "active")
    eventually(lambda: collected(host) == [1, 2, 3, 4, 5])
    host.run("systemctl kill --signal=KILL broker; systemctl restart broker")
    eventually(lambda: journal(host).count("connected to 127.0.0.1:1883") >= 3)
    tell(host, 6)
    eventually(lambda: collected(host) == [1, 2, 3, 4, 5, 6])
    # A file that is wrong ends it, and says so.
    host.write("/etc/wagman/collect.toml", FILE.replace('"1s"', '"1 parsec"'))
    host.run(f"systemctl restart {UNIT}", check=False)
    eventually(lambda: host.property("ActiveState", UNIT) == "failed")
    assert "collect.toml:9: broker.reconnect_max: " in journal(host)
    # What is ours goes, what was collected stays.
    removed = host.says("wagman install-service --remove")
    assert f"/etc/wagman /var/lib/private/{UNIT}" in removed
    assert host.run(f"systemctl cat {UNIT}", check=False).returncode != 0
    assert not (host.root / "usr/local/bin/wagman").is_symlink()


def test_what_is_not_there_is_said_in_the_journal(host: Machine) -> None:
    host.write("/etc/wagman/collect.toml", f'{FILE.replace("tls = false", "")}ca = "ca.crt"\n')
    host.run(f"systemctl restart {UNIT}")
    eventually(lambda: "ca ca.crt: " in journal(host))
