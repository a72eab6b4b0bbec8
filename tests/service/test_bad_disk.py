"""Whatever is wrong with the disk, the service comes up, says so, and keeps the guests alive."""

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.service.kit import CONFIG, Node, eventually, new_node

Spoil = Callable[[Path], None]


def damaged_header(db: Path) -> None:
    with db.open("r+b") as file:
        file.write(b"not a database at all")


def damaged_body(db: Path) -> None:
    size = db.stat().st_size
    with db.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(max(0, size - 4096)))


def zero_length(db: Path) -> None:
    db.write_bytes(b"")


def newer_schema(db: Path) -> None:
    with sqlite3.connect(db) as conn:
        conn.execute("PRAGMA user_version = 999")
    conn.close()


def a_directory(db: Path) -> None:
    db.unlink()
    db.mkdir()


def spoiled(db: Path, spoil: Spoil) -> None:
    """Spoil the file as it is when nobody has it open."""
    with suppress(FileNotFoundError):
        (db.parent / f"{db.name}-wal").unlink()
    spoil(db)


@contextmanager
def mounted(*arguments: str) -> Iterator[None]:
    """Something mounted, for as long as it lasts."""
    try:
        subprocess.run(["mount", *arguments], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nothing can be mounted here: this needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", arguments[-1]], check=False)


@contextmanager
def patient_node() -> Iterator[Node]:
    """A node that looks long enough whether its guests run already."""
    with new_node() as node:
        node.configure(CONFIG.replace('adopt_window = "5s"', 'adopt_window = "60s"'))
        node.start_board()
        yield node


def run_once(node: Node) -> None:
    """A first run that leaves a file behind, with guests that are up."""
    service = node.start_service()
    eventually(node.all_started)
    service.terminate()
    service.wait()
    node.switches = node.all_switches()


def kinds(node: Node) -> set[str]:
    return {event["type"] for event in node.events()}


@pytest.mark.parametrize("spoil", [damaged_header, damaged_body, newer_schema])
def test_a_file_that_cannot_be_used_is_set_aside_and_costs_the_memory_and_nothing_else(spoil: Spoil) -> None:
    with patient_node() as node:
        run_once(node)
        spoiled(node.folder / "state" / "wagman.db", spoil)
        node.start_service()
        eventually(node.all_started)
        node.require_nobody_was_cut()
        (damaged,) = node.events("store.damaged")
        assert Path(damaged["fields"]["set_aside"]).exists()


def test_an_empty_file_is_begun_in() -> None:
    with patient_node() as node:
        run_once(node)
        spoiled(node.folder / "state" / "wagman.db", zero_length)
        node.start_service()
        eventually(node.all_started)
        node.require_nobody_was_cut()
        assert [event["id"] for event in node.events()][:1] == [1]


def test_a_directory_in_its_place_is_left_alone_and_the_log_begins_once_it_is_gone() -> None:
    with patient_node() as node:
        run_once(node)
        db = node.folder / "state" / "wagman.db"
        spoiled(db, a_directory)
        node.start_service()
        eventually(node.all_started)
        node.require_nobody_was_cut()
        assert "store.unavailable" in kinds(node)
        db.rmdir()
        eventually(lambda: "store.recovered" in kinds(node))


def test_on_a_read_only_file_system_the_guests_are_kept_alive_and_the_log_is_written_later() -> None:
    with patient_node() as node:
        state = str(node.folder / "state")
        run_once(node)
        with mounted("--bind", state, state):
            subprocess.run(["mount", "-o", "remount,bind,ro", state], check=True)
            node.start_service()
            eventually(node.all_started)
            node.require_nobody_was_cut()
            assert "store.unavailable" in kinds(node)
        eventually(lambda: "store.recovered" in kinds(node))


def test_on_a_full_disk_the_guests_are_kept_alive_and_the_log_is_written_when_there_is_room() -> None:
    with patient_node() as node:
        state = node.folder / "state"
        state.mkdir()
        with mounted("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(state)):
            ballast = state / "ballast"
            with suppress(OSError), ballast.open("wb") as file:
                while True:
                    file.write(b"x" * 4096)
                    file.flush()
            node.start_service()
            eventually(node.all_started)
            assert "store.unavailable" in kinds(node)
            assert all(event["id"] is None for event in node.events())
            ballast.unlink()
            eventually(lambda: "store.recovered" in kinds(node))
            ids = [event["id"] for event in node.events()]
            assert ids == list(range(1, len(ids) + 1))
            node.end()
