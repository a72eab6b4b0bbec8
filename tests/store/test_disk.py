"""Disks that refuse: each is told of in words that help, and all is well again when the cause has gone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.store.kit import batch, bytes_on_disk, everything, opened, store_at
from wagman.model.errors import StoreError
from wagman.store import Store
from wagman.store.limits import MIN_BYTES, Limits


def mounted(*arguments: object) -> None:
    """Run mount, or skip the test where this may not be done."""
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.strip()}")


@contextmanager
def tmpfs(place: Path, size: str) -> Iterator[Path]:
    place.mkdir()
    mounted("-t", "tmpfs", "-o", f"size={size},nr_inodes=100", "tmpfs", place)
    try:
        yield place / "wagman.db"
    finally:
        subprocess.run(["umount", place], check=True)


def fill(directory: Path) -> Path:
    """Leave not a byte; returns what to remove again."""
    ballast = directory / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 512, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue
    return ballast


def test_a_full_disk_at_the_first_start(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk", "2m") as path:
        ballast = fill(path.parent)
        store = store_at(path)
        with pytest.raises(StoreError, match=r"cannot open .*wagman\.db: .*free some space"):
            store.open()
        ballast.unlink()
        assert store.open().fresh
        store.commit(batch(1, 1))
        store.close()


def test_on_a_full_disk_what_lasts_can_be_read_and_writing_goes_on_when_there_is_space(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk", "2m") as path:
        with opened(path) as (store, _):
            store.commit(batch(1, 3, gn="1"))
        ballast = fill(path.parent)
        with opened(path) as (store, found):
            assert (found.memory, found.fresh) == ({"gn": "1"}, False)
            for _ in range(3):
                with pytest.raises(StoreError, match=r"full.*free some space"):
                    store.commit(batch(4, 4, gn="2"))
                assert len(everything(store)) == 3
            ballast.unlink()
            store.commit(batch(4, 4, gn="2"))
            assert len(everything(store)) == 4


def write_until_full(store: Store) -> int:
    """The id of the last event that was committed."""
    for number in range(1, 10_000):
        try:
            store.commit(batch(number, number, '"' + "x" * 500 + '"', n=str(number)))
        except StoreError as error:
            assert "free some space" in str(error)  # noqa: PT017 - which commit it is, is not known
            return number - 1
    raise AssertionError("the disk took it all")


def test_a_disk_that_fills_up_in_the_midst_of_it_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk", "512k") as path:
        with opened(path) as (store, _):
            last = write_until_full(store)
        with opened(path) as (store, found):
            assert found.memory == {"n": str(last)}
            assert [each.id for each in everything(store)] == list(range(1, last + 1))


def test_a_log_at_its_bound_goes_on_working_on_a_disk_that_others_filled(tmp_path: Path) -> None:
    """Its pages are recycled, and its write-ahead log keeps the length it has."""
    with tmpfs(tmp_path / "disk", "4m") as path, opened(path, Limits(10**9, MIN_BYTES)) as (store, _):
        for number in range(1, 6000):
            store.commit(batch(number, number, '"' + "x" * 100 + '"'))
        fill(path.parent)
        for number in range(6000, 9000):
            store.commit(batch(number, number, '"' + "x" * 100 + '"'))
        assert bytes_on_disk(path) <= MIN_BYTES


def test_a_read_only_file_system(tmp_path: Path) -> None:
    place = tmp_path / "state"
    place.mkdir()
    with opened(place / "wagman.db") as (store, _):
        store.commit(batch(1, 3))
    mounted("--bind", place, place)
    try:
        mounted("-o", "remount,bind,ro", place)
        store = store_at(place / "wagman.db")
        with pytest.raises(StoreError, match="Read-only file system"):
            store.open()
        mounted("-o", "remount,bind,rw", place)
        assert store.open().held.last_id == 3
        store.close()
    finally:
        subprocess.run(["umount", place], check=True)


OPENING = """
import sys
from pathlib import Path
from wagman.model.errors import StoreError
from wagman.store import Store
from wagman.store import Limits, Store
try:
    Store(Path(sys.argv[1]), Limits(100, 2**20), new_log_id=lambda: "log").open()
except StoreError as error:
    print(error)
"""


def test_a_directory_that_may_not_be_written_to(tmp_path: Path) -> None:
    humbly = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if humbly and not shutil.which("setpriv"):
        pytest.skip("root may write anywhere, and setpriv is not here to take that from it")
    tmp_path.chmod(0o555)
    done = subprocess.run(
        [*humbly, sys.executable, "-c", OPENING, tmp_path / "wagman.db"], capture_output=True, text=True, check=True
    )
    assert "cannot open" in done.stdout
    assert "Permission denied; check the directory" in done.stdout


def test_a_file_in_place_of_its_directory_is_no_matter_of_rights(tmp_path: Path) -> None:
    (tmp_path / "state").touch(0o600)
    with pytest.raises(StoreError, match=r"cannot open .*: Not a directory; check the directory") as told:
        store_at(tmp_path / "state" / "wagman.db").open()
    assert "sudo" not in str(told.value)


def test_a_directory_in_its_place_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "wagman.db"
    path.mkdir()
    store = store_at(path)
    with pytest.raises(StoreError, match="Is a directory"):
        store.open()
    path.rmdir()
    assert store.open().fresh
    store.close()


def test_a_state_directory_that_is_not_there_is_made_but_not_its_parents(tmp_path: Path) -> None:
    with opened(tmp_path / "state" / "wagman.db"):
        assert (tmp_path / "state").stat().st_mode & 0o777 == 0o750
    with pytest.raises(StoreError, match="No such file or directory"):
        store_at(tmp_path / "no" / "where" / "wagman.db").open()


READER = """
import sqlite3, sys
conn = sqlite3.connect(sys.argv[1], timeout=0.1)
try:
    conn.execute("BEGIN")
    print(conn.execute("SELECT count(*) FROM event").fetchone()[0], flush=True)
except sqlite3.OperationalError as error:
    print(error, flush=True)
sys.stdin.read()
"""


@contextmanager
def reader(path: Path) -> Iterator[str]:
    """Another process in the midst of a read transaction, which it does not end."""
    with subprocess.Popen(
        [sys.executable, "-c", READER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def test_nobody_elses_stuck_reader_makes_a_live_log_grow(tmp_path: Path) -> None:
    path = tmp_path / "wagman.db"
    limits = Limits(10**9, MIN_BYTES)
    with opened(path, limits) as (store, _):
        store.commit(batch(1, 1))
        with reader(path) as answer:
            assert answer == "database is locked"
            for number in range(2, 3000):
                store.commit(batch(number, number, '"' + "x" * 200 + '"'))
                assert bytes_on_disk(path) <= limits.max_bytes


def test_who_holds_the_file_at_the_start_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wagman.store.sqlite.BUSY_S", 0.1)
    path = tmp_path / "wagman.db"
    with opened(path) as (store, _):
        store.commit(batch(1, 4))
    store = store_at(path)
    with reader(path) as answer:
        assert answer == "4"
        with pytest.raises(StoreError, match="locked; another process has it open"):
            store.open()
    assert store.open().held.last_id == 4
    store.close()


def test_a_writer_that_was_there_first_keeps_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wagman.store.sqlite.BUSY_S", 0.1)
    path = tmp_path / "wagman.db"
    with opened(path) as (store, _):
        with pytest.raises(StoreError, match="another process has it open"):
            store_at(path).open()
        store.commit(batch(1, 1))
