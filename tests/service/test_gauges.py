"""A site without any board that measures goes by what a command reads: real processes, a board that is a script."""

import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.service.kit import Node, eventually, new_node
from tests.service.test_problems_for_real import problems, wagman

CONFIG = """
[service]
socket = "{folder}/socket"
state_dir = "{folder}/state"

[board]
kind = "exec"
on = ["touch", "{folder}/on"]
off = ["rm", "-f", "{folder}/on"]
status = ["sh", "-c", "test -e {folder}/on || exit 2"]
poll = "300ms"
settle = "100ms"

[wagman]
normal_interval = "300ms"
stagger = "100ms"
hibernate_interval = "300ms"
hibernate_min = "300ms"
first_verdict = "1d"

[environment.battery_v]
command = ["cat", "{folder}/volts"]
every = "300ms"
low = 11.5
hysteresis = 0.8
low_action = "hibernate"

[device.cam]
port = "1"
heartbeat = false
adopt_window = "1s"
off_time = "100ms"
shutdown = []
"""


@pytest.fixture
def node() -> Iterator[Node]:
    with new_node() as node:
        node.configure(CONFIG)
        yield node


def started(node: Node) -> subprocess.Popen[str]:
    """In real time: there is no pty."""
    return node.start("run", "--config", str(node.config))


def reads(node: Node, volts: str) -> None:
    node.folder.joinpath("new").write_text(volts)
    node.folder.joinpath("new").rename(node.folder / "volts")


def test_guests_start_hibernate_and_start_again_by_what_a_command_reads(node: Node) -> None:
    reads(node, "12.61\n")
    started(node)
    eventually(node.all_started)
    # Nobody was started before there was a verdict.
    assert node.call("status")["sensors"]["battery_v"]["state"] == "normal"
    assert "battery_v 12.61" in wagman(node, "status").stdout
    reads(node, "10.9\n")
    eventually(lambda: node.states() == {"cam": "stopped"} and not (node.folder / "on").exists())
    assert "not started: hibernating (battery_v 10.9, low)" in wagman(node, "why", "cam").stdout
    assert "look at what battery_v measures" in problems(node)["hibernating"]["do"]
    reads(node, "12.2\n")
    eventually(lambda: node.call("status")["sensors"]["battery_v"]["value"] == 12.2)
    assert node.states() == {"cam": "stopped"}
    reads(node, "12.4\n")
    eventually(node.all_started)
    told = [event for event in node.events() if event["type"].startswith("environment.")]
    assert [(each["type"], each["fields"]["sensor"]) for each in told] == [
        ("environment.normal", "battery_v"),
        ("environment.abnormal", "battery_v"),
        ("environment.normal", "battery_v"),
    ]


def test_a_command_that_gives_no_number_is_a_problem_with_its_reason_and_takes_nobody_down(node: Node) -> None:
    reads(node, "12.6\n")
    started(node)
    eventually(node.all_started)
    reads(node, "12.6 V\n")
    eventually(lambda: "sensor:battery_v" in problems(node))
    found = problems(node)["sensor:battery_v"]
    assert 'gives no reading: cat: it wrote "12.6 V", which is not one number' in found["text"]
    assert "[environment.battery_v]" in found["do"]
    assert "battery_v unknown (12.6, " in wagman(node, "status").stdout
    assert node.states() == {"cam": "started"}
    reads(node, "12.6\n")
    eventually(lambda: "sensor:battery_v" not in problems(node))
    assert node.events("service.task_failed") == []


def test_a_command_may_come_and_go_while_the_service_runs(node: Node) -> None:
    without = CONFIG[: CONFIG.index("[environment")] + CONFIG[CONFIG.index("[device") :]
    node.configure(without)
    reads(node, "10.9\n")
    service = started(node)
    eventually(node.all_started)
    node.configure(CONFIG)
    service.send_signal(signal.SIGHUP)
    eventually(lambda: node.states() == {"cam": "stopped"})
    node.configure(without)
    service.send_signal(signal.SIGHUP)
    eventually(node.all_started)
    assert node.call("status")["sensors"] == {}
