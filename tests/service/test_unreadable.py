"""A state that belongs to somebody else: real processes under another user id than whoever spoils their files."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.service.kit import CONFIG, WAGMAN, Node, environment, eventually, new_node

NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root can give files away, and end being root"
)


class NobodysNode(Node):
    """All of its processes run as nobody, in a folder of nobody's."""

    def start(self, *arguments: str, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        command = (*AS_NOBODY, *WAGMAN, *arguments)
        process = subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment(), cwd=self.folder)
        self.processes.append(process)
        return process


@contextmanager
def stopped_node() -> Iterator[NobodysNode]:
    """A node whose guests are up but for x1, which an operator has disabled; its service was stopped."""
    with new_node() as plain:
        node = NobodysNode(plain.folder)
        node.configure(CONFIG.replace('adopt_window = "5s"', 'adopt_window = "60s"'))
        for path in (node.folder, node.config):
            os.chown(path, NOBODY, NOBODY)
        try:
            probe = subprocess.run([*AS_NOBODY, *WAGMAN, "--version"], capture_output=True, check=False, env=environment())
            if probe.returncode:
                pytest.skip("nobody may not read this working copy")
            node.start_board()
            service = node.start_service()
            eventually(node.all_started)
            node.call("disable", device="x1")
            eventually(lambda: 3 not in node.relays_on())
            service.terminate()
            service.wait()
            node.switches = node.all_switches()
            yield node
        finally:
            node.end()


def give_to_root(state: Path, *names: str) -> None:
    for name in names:
        (state / name).touch()
        os.chown(state / name, 0, 0)
        (state / name).chmod(0o600)


def close_directory(state: Path) -> None:
    os.chown(state, 0, 0)
    state.chmod(0o700)


@pytest.mark.parametrize("names", [("wagman.db",), ("wagman.db-wal",), ("wagman.db", "decisions.json"), ()])
def test_what_was_disabled_stays_down_and_what_to_type_is_said(names: tuple[str, ...]) -> None:
    with stopped_node() as node:
        state = node.folder / "state"
        barred = state / names[0] if names else state
        if names:
            give_to_root(state, *names)
        else:
            close_directory(state)
        node.start_service()
        eventually(node.answers)
        eventually(lambda: {"gn", "cs"} <= {event["device"] for event in node.events("device.adopted")})
        node.board_time(120)
        (unreadable,) = node.events("store.unreadable")
        for words in (str(barred), "belongs to root", f"chown nobody {barred}"):
            assert words in unreadable["fields"]["reason"]
        assert any(words in problem["text"] for problem in node.call("status")["problems"] for words in [str(barred)])
        for path in [state / name for name in names] or [state]:
            os.chown(path, NOBODY, NOBODY)
        eventually(lambda: node.events("store.released"))
        node.board_time(60)
        assert node.switched(on=True) == []
        assert node.switched(on=False) == []
        (x1,) = (row for row in node.call("status")["devices"] if row["name"] == "x1")
        assert (x1["state"], x1["enabled"], x1["wanted"]) == ("stopped", False, "down")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"devices": {"x1": {"port": 1e999}}}', "{"])
def test_a_file_that_holds_no_decisions_is_named_and_the_service_comes_up(text: str) -> None:
    with stopped_node() as node:
        state = node.folder / "state"
        for file in state.glob("wagman.db*"):
            file.unlink()
        good = (state / "decisions.json").read_bytes()
        (state / "decisions.json").write_text(text)
        node.start_service()
        eventually(node.answers)
        (problem,) = (each for each in node.call("status")["problems"] if each["id"] == "memory")
        assert f"{state / 'decisions.json'}: it holds no decisions" in problem["text"]
        assert "put a backup of it there" in problem["text"]
        (state / "decisions.json").write_bytes(good)
        eventually(lambda: node.events("store.released"))
        (x1,) = (row for row in node.call("status")["devices"] if row["name"] == "x1")
        assert (x1["enabled"], x1["wanted"]) == (False, "down")


def test_root_who_tries_it_by_hand_does_not_lock_the_service_out() -> None:
    with stopped_node() as node:
        state = node.folder / "state"
        for file in state.iterdir():
            file.unlink()
        by_hand = subprocess.Popen(
            (*WAGMAN, "run", "--config", str(node.config), "--speed", "25"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
        )
        try:
            eventually(node.answers)
            eventually((state / "decisions.json").exists)
            assert {file.name: file.stat().st_uid for file in state.iterdir()} == dict.fromkeys(
                (file.name for file in state.iterdir()), NOBODY
            )
        finally:
            by_hand.terminate()
            by_hand.wait()
        node.socket.unlink(missing_ok=True)
        node.start_service()
        eventually(node.answers)
        assert node.events("store.unreadable") == []
