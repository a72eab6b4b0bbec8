"""`wagman doctor` on a booted machine: under the sandbox of the unit, and leaving everything as it is."""

import json
from typing import Any

from tests.systemd.machine import Machine

LEFT_ALONE = (
    "find /run/wagman /var/lib/wagman -printf '%p %u %g %m %i\\n' | grep -v starts | sort; systemctl show wagman -p MainPID"
)


def doctor(machine: Machine) -> Any:
    return json.loads(machine.run("wagman doctor --json", check=False).stdout)


def wrong(told: Any) -> list[str]:
    return [each["text"] for each in told["checks"] if each["verdict"] == "wrong"]


def test_it_looks_as_the_service_under_its_sandbox_and_leaves_everything_as_it_is(machine: Machine) -> None:
    before = machine.says(LEFT_ALONE)
    told = doctor(machine)
    assert told["looked_as"] == "the service's user wagman, under the sandbox of its unit"
    assert (told["sandboxed"], wrong(told)) == (True, [])
    assert {"unit", "watchdog", "log", "port", "command", "state"} <= {each["check"] for each in told["checks"]}
    assert machine.says(LEFT_ALONE) == before
    assert machine.guests_up()
    assert machine.cuts() == []


def test_what_only_the_sandbox_keeps_from_the_service_is_found(machine: Machine) -> None:
    machine.drop_in("test", "InaccessiblePaths=/etc/wagman")
    (found,) = wrong(doctor(machine))
    assert found == "/etc/wagman/conf.d: cannot be read: Permission denied"


def test_a_bundle_has_the_journal_the_units_and_the_status_and_a_secret_in_the_unit_is_struck(machine: Machine) -> None:
    machine.drop_in("test", "Environment=PLUG=hunter2secret")
    machine.run(
        "rm -rf /var/tmp/d && mkdir /var/tmp/d && cd /var/tmp/d && { wagman doctor --bundle b.tgz || true; } && tar xzf b.tgz"
    )
    manifest = machine.says("cat /var/tmp/d/wagman-doctor/MANIFEST.txt")
    assert "missing" not in manifest
    assert "ProtectSystem=strict" in machine.says("cat /var/tmp/d/wagman-doctor/units.txt")
    assert machine.run("grep -r hunter2secret /var/tmp/d/wagman-doctor", check=False).returncode == 1
