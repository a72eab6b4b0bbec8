"""A node for the doctor to look at."""

import json
import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from wagman.cli import main
from wagman.config.as_user import Account
from wagman.store.schema import MIGRATIONS

OK, WARNING, WRONG, UNKNOWN = range(4)
NOBODY = Account("nobody", 65_534, 65_534, (65_534,))

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")


GUEST = '[device.gn]\nport = 1\nshutdown = ["true"]\n'
RAIL = '[board]\nkind = "shelly"\nhost = "127.0.0.1:9"\n'
ON_RAIL = "[device.gn]\nport = 0\nheartbeat = false\nshutdown = []\n"
USB = '[board]\ndevice = "/dev/null"\n'


@define
class Node:
    """A node's files, and the command."""

    place: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def config(self) -> Path:
        return self.place / "wagman.toml"

    def write(self, text: str, *, service: str = "") -> None:
        """A configuration whose socket and state are this node's own."""
        (self.place / "state").mkdir(exist_ok=True)
        own = f'[service]\nsocket = "{self.place}/s"\nstate_dir = "{self.place}/state"\n{service}'
        self.config.write_text(f"{own}{text}")

    def told(self, *args: str) -> tuple[int, Any]:
        """The exit code, and the document."""
        code = main(["doctor", "--config", str(self.config), "--json", *args])
        out, err = self.capsys.readouterr()
        assert "Traceback" not in err
        return code, json.loads(out)

    def found(self, check: str) -> list[tuple[str, str]]:
        """Verdict and words of a check, with what to do."""
        found = self.told()[1]["checks"]
        return [(each["verdict"], f"{each['text']} | {each['do']}") for each in found if each["check"] == check]


def has(found: Sequence[tuple[str, str]], verdict: str, *words: str) -> bool:
    return any(is_so == verdict and all(word in text for word in words) for is_so, text in found)


def at_socket(node: Node, path: Path) -> None:
    node.config.write_text(f'[service]\nsocket = "{path}"\nstate_dir = "{path.parent}"\n{USB}{GUEST}')


def log(node: Node, *, version: int = len(MIGRATIONS)) -> Path:
    """A log with an event in it, as a power cut leaves it: not yet written back."""
    node.write(USB + GUEST)
    path = node.place / "wagman.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("PRAGMA journal_mode = WAL")
        for migration in MIGRATIONS:
            for statement in migration:
                conn.execute(statement)
        conn.execute(f"PRAGMA user_version = {version}")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        event = (7, "2026-11-29T12:00:00.000Z", 1, "b", 1.5, "device.started", "gn", None, '{"password": "pw"}')
        conn.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", event)
        for name in ("wagman.db", "wagman.db-wal"):
            shutil.copy(node.place / name, node.place / "state")
    return node.place / "state" / "wagman.db"


def programs(place: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> None:
    """Programs of that name, before those of the system."""
    (place / "bin").mkdir()
    for name, script in scripts.items():
        path = place / "bin" / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{place / 'bin'}:{os.environ['PATH']}")
