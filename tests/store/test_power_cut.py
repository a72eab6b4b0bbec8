"""What was acknowledged survives `kill -9` and a power cut, and nothing is ever half there.

What a power cut can leave: everything that was synced, and of what was written after the last sync any part, sector by
sector, in any order. Cutting off what had been synced is no power cut but a broken disk; there we ask for less: that
what opens is whole, a beginning of what there was, or else is set aside.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.kit import batch, everything, opened
from tests.store.writer import shape
from wagman.store.aside import with_suffix
from wagman.store.limits import MIN_BYTES, Limits

WRITER = Path(__file__).with_name("writer.py")
ROOT = Path(__file__).parents[2]
SECTOR = 512


def whole(path: Path, max_events: int, acknowledged: int) -> int:
    """Open and check it all; the last id."""
    with opened(path, Limits(max_events, MIN_BYTES)) as (store, found):
        assert not found.set_aside
        ids = [each.id for each in everything(store)]
        assert ids == list(range(found.held.first_id, found.held.last_id + 1))
        assert all(each.text == shape(each.id or 0) for each in everything(store))
        assert found.memory.get("newest", "0") == str(found.held.last_id)
        assert found.held.last_id >= acknowledged
        return found.held.last_id


@contextmanager
def writing(path: Path, max_events: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(WRITER), str(path), str(max_events)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        try:
            yield process
        finally:
            process.kill()


class Heard:
    """What the writer has acknowledged so far."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self.pipe = process.stdout
        self.text = b""

    def last(self) -> int:
        self.text += self.pipe.read() or b""
        lines = self.text.rpartition(b"\n")[0].split()
        return int(lines[-1]) if lines else 0

    def wait_beyond(self, number: int) -> None:
        give_up = time.monotonic() + 30
        while self.last() <= number:
            assert time.monotonic() < give_up
            time.sleep(0.001)


def test_twenty_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path, last, chance = tmp_path / "wagman.db", 0, random.Random(1)
    for _ in range(20):
        with writing(path, 10**6) as process:
            heard = Heard(process)
            heard.wait_beyond(last)
            time.sleep(chance.random() / 20)
            process.kill()
            process.wait()
            last = whole(path, 10**6, heard.last())


@pytest.mark.parametrize("max_events", [10**6, 50])
def test_the_files_of_any_moment_are_whole(tmp_path: Path, max_events: int) -> None:
    """The writer is stopped in whatever it does, its files are copied, and it goes on."""
    path, chance, seen = tmp_path / "wagman.db", random.Random(max_events), set()
    with writing(path, max_events) as process:
        heard = Heard(process)
        heard.wait_beyond(0)
        for number in range(40):
            time.sleep(chance.random() / 50)
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED)
            acknowledged = heard.last()
            copy = tmp_path / f"copy-{number}" / "wagman.db"
            copy.parent.mkdir()
            for suffix in ("", "-wal"):
                shutil.copyfile(with_suffix(path, suffix), with_suffix(copy, suffix))
            process.send_signal(signal.SIGCONT)
            seen.add(whole(copy, max_events, acknowledged))
    assert len(seen) > 20


def before_and_after(place: Path, commits: int) -> tuple[Path, Path]:
    """Images of the files before and after the last one of so many commits, as they lie on the disk while it is open."""
    path = place / "wagman.db"
    before, after = place / "before" / "wagman.db", place / "after" / "wagman.db"
    with opened(path, Limits(10**6, MIN_BYTES)) as (store, _):
        for number in range(1, commits):
            store.commit(batch(number, number, shape(number), newest=str(number)))
        copy(path, before)
        store.commit(batch(commits, commits, shape(commits), newest=str(commits)))
        copy(path, after)
    return before, after


def copy(path: Path, target: Path) -> None:
    target.parent.mkdir()
    for suffix in ("", "-wal"):
        shutil.copyfile(with_suffix(path, suffix), with_suffix(target, suffix))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 90), st.randoms(use_true_random=False), st.sampled_from(["sectors", "cut"]))
def test_whatever_part_of_the_last_commit_reached_the_disk_all_or_nothing_of_it_is_there(
    tmp_path_factory: pytest.TempPathFactory, commits: int, chance: random.Random, how: str
) -> None:
    place = tmp_path_factory.mktemp("power")
    before, after = before_and_after(place, commits)
    if before.read_bytes() != after.read_bytes():
        return  # this commit was followed by a checkpoint, which syncs in between
    old, new = (with_suffix(each, "-wal").read_bytes() for each in (before, after))
    if how == "cut":
        image = new[: chance.randrange(len(old), len(new) + 1)]
    else:
        image = b"".join(
            (new if chance.random() < 0.7 else old.ljust(len(new), b"\0"))[at : at + SECTOR] for at in range(0, len(new), SECTOR)
        )
    with_suffix(before, "-wal").write_bytes(image)
    assert whole(before, 10**6, commits - 1) == (commits if image == new else commits - 1)


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1))
def test_a_write_ahead_log_that_lost_its_end_opens_as_a_beginning_of_what_there_was(
    tmp_path_factory: pytest.TempPathFactory, part: float
) -> None:
    _, path = before_and_after(  # too few commits for any of it to be in the database already
        tmp_path_factory.mktemp("loss"), 8
    )
    wal = with_suffix(path, "-wal")
    os.truncate(wal, int(part * wal.stat().st_size))
    whole(path, 10**6, 0)
