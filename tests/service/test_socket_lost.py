"""The file of the control socket is swept away while the service runs: a name that is needed for ever disappears."""

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.service.kit import PATIENCE_S, WAGMAN, Node, eventually, new_node
from wagman.client.blocking import Client
from wagman.client.errors import ClientError
from wagman.model.shapes import Event, Problem, Status


@contextmanager
def service() -> Iterator[tuple[Node, "subprocess.Popen[str]"]]:
    """A service without a board, its socket in a directory of its own."""
    with new_node() as node:
        (node.folder / "run").mkdir()
        text = node.config.read_text().replace(str(node.folder / "socket"), str(place(node)))
        node.config.write_text(text)
        process = node.start_service()
        eventually(lambda: answers(place(node)))
        yield node, process


def place(node: Node) -> Path:
    return node.folder / "run" / "s"


def answers(path: Path) -> bool:
    try:
        with Client(str(path)) as client:
            client.call("hello")
    except ClientError:
        return False
    return True


def told(node: Node) -> list[tuple[str, Mapping[str, Any]]]:
    with Client(str(place(node))) as client:
        events = everything(client)
    return [(event["type"], event["fields"]) for event in events if event["type"].startswith("service.socket")]


def test_a_socket_that_is_removed_is_made_anew_and_whoever_is_connected_stays_so() -> None:
    with service() as (node, process), Client(str(place(node))) as client:
        client.call("hello")
        place(node).unlink()
        eventually(lambda: answers(place(node)))
        assert client.call("status")
        assert told(node) == [
            ("service.socket_lost", {"reason": f"{place(node)} is gone"}),
            ("service.socket_recovered", {}),
        ]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert list((node.folder / "run").iterdir()) == []


def test_a_directory_that_is_removed_comes_back_with_the_socket() -> None:
    with service() as (node, _process):
        shutil.rmtree(node.folder / "run")
        eventually(lambda: answers(place(node)))


def test_another_file_in_its_place_is_left_alone_and_told_of_until_it_is_gone() -> None:
    with service() as (node, _process), Client(str(place(node))) as client:
        place(node).unlink()
        place(node).write_text("precious")
        eventually(lambda: any("there is a file that is no socket" in problem["text"] for problem in problems(client)))
        assert place(node).read_text() == "precious"
        place(node).unlink()
        eventually(lambda: answers(place(node)))
        eventually(lambda: "socket" not in [problem["id"] for problem in problems(client)])


def everything(client: Client) -> list[Event]:
    events: list[Event] = client.call("events", since=0, limit=1000)["events"]
    return events


def problems(client: Client) -> list[Problem]:
    status: Status = client.call("status")
    return status["problems"]


def test_the_socket_of_another_living_service_is_not_taken() -> None:
    with service() as (node, process), Client(str(place(node))) as client:
        with socket.socket(socket.AF_UNIX) as other:
            place(node).unlink()
            other.bind(str(place(node)))
            other.listen()
            mine = place(node).lstat().st_ino
            eventually(lambda: any("another service answers" in str(event) for event in everything(client)))
            assert place(node).lstat().st_ino == mine
        eventually(lambda: answers(place(node)))
        assert process.poll() is None


def test_a_reload_looks_at_once() -> None:
    """At its own time it would look only after 20 s: this service runs no faster than time itself."""
    with new_node() as node:
        process = node.start("run", "--config", str(node.config))
        eventually(node.answers)
        node.socket.unlink()
        process.send_signal(signal.SIGHUP)
        eventually(node.answers, within_s=10)


def test_the_hint_of_a_client_does_not_lead_to_a_second_service(tmp_path: Path) -> None:
    done = subprocess.run(
        [*WAGMAN, "status", "--socket", str(tmp_path / "none")], capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert done.returncode == 3
    assert "systemctl status wagman" in done.stderr
    assert "start the service" not in done.stderr
