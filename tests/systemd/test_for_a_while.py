"""What is ordered for a while, and a drill, on a machine with a real systemd that can lose its power."""

import json
from collections.abc import Mapping
from typing import Any

from tests.systemd.machine import DATA, Machine, eventually

HALT_GN = '["wagman", "fake-board", "--send", "/run/board/control", "halt", "gn"]'


def row(machine: Machine, guest: str) -> Mapping[str, Any]:
    rows = {each["name"]: each for each in json.loads(machine.says("wagman status --json"))["devices"]}
    return rows[guest]  # type: ignore[no-any-return]


def come_back(machine: Machine) -> None:
    """The controller, the board and all guests had no power, and have it again."""
    machine.lose_power()
    machine.run("systemctl start board; until test -e /run/board/tty; do sleep 0.05; done; systemctl start wagman")
    eventually(machine.board_seen)
    machine.forget_cuts()


def test_what_was_ordered_for_a_while_holds_over_a_power_cut_and_ends_by_itself(own_machine: Machine) -> None:
    machine = own_machine
    machine.run("wagman stop cs --for 1h && wagman maintenance gn --for 1h")
    come_back(machine)
    assert row(machine, "cs")["state"] == "stopped"
    assert row(machine, "cs")["term"]["kind"] == "stop"
    assert 0 < row(machine, "cs")["term"]["in_s"] < 3600
    assert row(machine, "gn")["state"] == "maintenance"
    assert all(machine.says(f"wagman check {guest}").startswith("WAGMAN OK") for guest in ("gn", "cs"))
    assert {entry["by"] for entry in machine.relay_log()} == {"board"}  # which starts two by itself; the service has moved none

    machine.run("wagman maintenance gn --for 1s")
    eventually(lambda: row(machine, "gn")["state"] != "maintenance")
    machine.run("wagman start gn && wagman stop cs --for 1s --no-wait")
    come_back(machine)  # both were over while nobody was there to see it
    eventually(machine.guests_up)
    assert machine.cuts() == []


def test_a_drill_of_a_guest_whose_command_fails_says_so_and_cuts_nothing(machine: Machine) -> None:
    broken = (DATA / "wagman.toml").read_text().replace(HALT_GN, '["sh", "-c", "echo no route to host >&2; exit 7"]')
    machine.write("/etc/wagman/wagman.toml", broken)
    machine.run("systemctl reload wagman")
    eventually(machine.board_seen)
    machine.forget_cuts()
    drill = machine.run("wagman test gn --yes", check=False)
    assert drill.returncode == 1
    assert "no route to host" in drill.stdout + drill.stderr
    assert machine.cuts() == []
    eventually(lambda: row(machine, "gn")["state"] == "started")
    assert machine.cuts() == []


def test_a_drill_of_a_guest_that_halts_says_how_long_each_took(machine: Machine) -> None:
    eventually(lambda: row(machine, "gn")["heartbeat_age_s"] is not None)  # a drill of what is not heard is refused
    drill = json.loads(machine.says("wagman test gn --yes --json"))
    assert machine.cuts() == [1]
    assert row(machine, "gn")["state"] == "started"
    assert drill["outcome"] == "done"
    assert all(drill[took] > 0 for took in ("told_s", "silent_s", "off_s", "started_s")), drill
