"""What calls for a person, in real processes: on all that shows it, and gone again once it is mended."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.kit import CONFIG, PATIENCE_S, WAGMAN, Node, environment, eventually, new_node

USER = 61_234

RUN_AS_USER = """
import os, sys
import encodings.ascii, encodings.utf_8_sig, wagman.cli, wagman.cli.local, wagman.service.daemon
os.setgroups([]), os.setgid(int(sys.argv[1])), os.setuid(int(sys.argv[1]))
sys.exit(wagman.cli.main(sys.argv[2:]))
"""
"""Whatever is imported is imported before: that user may not be able to read where it lies."""


@pytest.fixture
def node() -> Iterator[Node]:
    with new_node() as node:
        yield node


def problems(node: Node) -> dict[str, Any]:
    return {each["id"]: each for each in node.call("status")["problems"]}


def told(node: Node, type_: str) -> list[str]:
    return [event["fields"]["id"] for event in node.events(type_)]


def wagman(node: Node, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*WAGMAN, *arguments]
    surroundings = {**environment(), "WAGMAN_SOCKET": str(node.socket)}
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=surroundings)


def test_a_command_that_cannot_work_is_a_problem_from_the_start_until_it_can(node: Node) -> None:
    program = node.folder / "halt-gn"
    node.configure(CONFIG.replace("{halt_gn}", json.dumps([str(program)])))
    node.start_service()
    eventually(node.answers)
    found = problems(node)["shutdown:gn"]
    assert f"{program} cannot be run: No such file or directory" in found["text"]
    assert str(program) in found["do"]
    eventually(lambda: node.events("service.started") != [])  # it is told once it is on the disk
    (started,) = node.events("service.started")
    assert any("device.gn" in warning and str(program) in warning for warning in started["fields"]["warnings"])
    assert "cannot be asked to halt" in wagman(node, "status").stdout.replace("\n", " ").replace("  ", "")
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    eventually(lambda: "shutdown:gn" not in problems(node))
    eventually(lambda: "shutdown:gn" in told(node, "problem.ended"))
    assert told(node, "problem.began").count("shutdown:gn") == 1


def test_a_command_that_keeps_failing_is_a_problem_with_its_last_output(node: Node) -> None:
    command = ["sh", "-c", "echo Could not resolve hostname gn >&2; exit 255"]
    node.configure(CONFIG.replace("{halt_gn}", json.dumps(command)))
    node.start_board()
    node.start_service()
    eventually(node.all_started)
    node.call("stop", device="gn")
    eventually(lambda: "shutdown:gn" in problems(node))
    found = problems(node)["shutdown:gn"]
    assert "exit status 255: Could not resolve hostname gn" in found["text"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become other users")
def test_a_port_that_the_service_may_not_open_is_said_to_be_that(node: Node) -> None:
    port = node.folder / "tty"
    port.touch(0o000)
    node.folder.chmod(0o755)
    state = node.folder / "state"
    state.mkdir()
    os.chown(state, USER, USER)
    os.chown(node.folder, USER, USER)
    command = [sys.executable, "-c", RUN_AS_USER, str(USER), "run", "--config", str(node.config)]
    node.processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
    eventually(node.answers)
    eventually(lambda: "link:board" in problems(node))
    found = problems(node)["link:board"]
    assert f"Permission denied: {port}" in found["text"]
    assert "cable" not in found["text"] + found["do"]
    checked = wagman(node, "check")
    assert checked.returncode == 2
    assert "Permission denied" in checked.stdout
    assert "Permission denied" in wagman(node, "status").stdout


def test_a_port_that_is_a_folder_is_said_to_be_that(node: Node) -> None:
    (node.folder / "tty").mkdir()
    node.start("run", "--config", str(node.config))
    eventually(node.answers)
    eventually(lambda: "link:board" in problems(node))
    assert "Is a directory" in problems(node)["link:board"]["text"]
    assert "cable" not in problems(node)["link:board"]["do"]


def test_readings_of_a_board_that_is_gone_are_no_values_and_say_how_old_they_are(node: Node) -> None:
    node.start_board()
    node.start_service()
    eventually(node.all_started)
    eventually(lambda: node.call("status")["board"]["sensors"]["temperature_c"]["value"] == 23.5)
    node.board("unplug")
    eventually(lambda: "link:board" in problems(node))
    sensor = node.call("status")["board"]["sensors"]["temperature_c"]
    assert (sensor["value"], sensor["last"], sensor["state"]) == (None, 23.5, "unknown")
    shown = wagman(node, "status").stdout
    assert "temperature unknown (23.5 C, " in shown
    assert "was 480 mA" in shown
    node.board("replug")
    eventually(lambda: node.call("status")["board"]["sensors"]["temperature_c"]["value"] == 23.5)
    eventually(lambda: not problems(node))
    assert wagman(node, "check").returncode == 0
    node.board_time(60)
    eventually(lambda: told(node, "problem.ended").count("link:board") == 1)


def test_what_stands_is_not_told_again_by_the_next_run_of_the_service(node: Node) -> None:
    service = node.start("run", "--config", str(node.config))
    eventually(node.answers)
    eventually(lambda: told(node, "problem.began").count("link:board") == 1)
    began = problems(node)["link:board"]["since"]
    service.terminate()
    service.wait(PATIENCE_S)
    node.start("run", "--config", str(node.config))
    eventually(node.answers)
    eventually(lambda: "link:board" in problems(node))
    assert problems(node)["link:board"]["since"] == began
    assert told(node, "problem.began").count("link:board") == 1


def test_check_config_finds_a_command_in_one_string(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text('[device.gn]\nport = 1\nshutdown = ["env ssh root@gn halt"]\n')
    done = wagman(node, "check-config", str(file))
    assert done.returncode == 0
    assert "node.toml:3: device.gn.shutdown: warning: " in done.stderr
    assert 'did you mean ["env", "ssh", "root@gn", "halt"]?' in done.stderr
