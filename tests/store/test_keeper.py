"""A small text that outlives the log: replaced as a whole, on a full disk, too."""

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.store.kit import ELSEWHERE, elsewhere, in_virtual_time
from wagman.model.errors import StoreError
from wagman.store import Keeper, Limits, SmallFile, Store, inline
from wagman.store.disk import LOOK_S, RETRY_MAX_S


@pytest.fixture
def file(tmp_path: Path) -> SmallFile:
    return SmallFile(tmp_path / "decisions.json")


def test_what_was_kept_last_is_read(file: SmallFile) -> None:
    assert file.read() is None
    for text in ("one\n", "a longer one\n", "2\n"):
        file.keep(text)
        assert file.read() == text


def test_it_is_of_no_use_to_others(file: SmallFile) -> None:
    file.keep("one")
    assert file.path.stat().st_mode & 0o007 == 0


@pytest.mark.parametrize("how", ELSEWHERE)
def test_a_file_that_is_elsewhere_or_none_is_an_error_and_answers_at_once(tmp_path: Path, how: str) -> None:
    place = elsewhere(tmp_path, "decisions.json", how)
    with pytest.raises(StoreError, match=f"cannot read {place}: .*(leads nowhere: is a disk not mounted|it is a pipe)"):
        SmallFile(place).read()


class PowerCutError(BaseException):
    """The power goes: nothing is caught."""


STEPS = ("open", "pwrite", "ftruncate", "fsync", "link", "unlink", "replace")


def cut_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> Callable[[], bool]:
    """Let so many calls that change the disk pass; what comes later never happens."""
    left = [steps]

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if left[0] == 0:
                raise PowerCutError
            left[0] -= 1
            return real(*args, **kwargs)

        return call

    for name in STEPS:
        monkeypatch.setattr(os, name, counted(getattr(os, name)))
    return lambda: left[0] == 0


@pytest.mark.parametrize("before", [0, 1, 2], ids=["new", "without a spare's past", "with one"])
def test_a_power_cut_leaves_the_one_text_or_the_other_and_the_next_one_can_be_kept(
    file: SmallFile, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"text {number}\n" for number in range(before)]
    for text in texts:
        file.keep(text)
    for steps in range(40):
        state = file.path.parent / "state"
        shutil.rmtree(state, ignore_errors=True)
        shutil.copytree(file.path.parent, state, ignore=shutil.ignore_patterns("state"))
        victim = SmallFile(state / file.path.name)
        with monkeypatch.context() as patch:
            is_over = cut_after(patch, steps)
            try:
                victim.keep("new")
            except PowerCutError:
                pass
            else:
                assert not is_over() or steps > 0
        assert victim.read() in ("new", texts[-1] if texts else None)
        victim.keep("newest")
        assert victim.read() == "newest"


def test_on_a_full_disk_the_room_that_it_has_is_used(tmp_path: Path) -> None:
    place = tmp_path / "state"
    place.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=False).returncode:
        pytest.skip("nothing can be mounted here: this needs root")
    try:
        file = SmallFile(place / "decisions.json")
        file.keep("first\n" * 50)
        with suppress(OSError), (place / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(b"x" * 4096)
        with pytest.raises(OSError, match="No space left"):
            (place / "more").write_bytes(b"x" * 4096)
        for number in range(5):
            text = f"{number}\n" * 100
            file.keep(text)
            assert file.read() == text
    finally:
        subprocess.run(["umount", place], check=True)


def test_what_cannot_be_written_is_told_with_its_reason(tmp_path: Path) -> None:
    file = SmallFile(tmp_path / "decisions.json")
    file.path.mkdir()
    with pytest.raises(StoreError, match=r"cannot (read|write) .*decisions\.json"):
        file.read()
    with pytest.raises(StoreError, match=r"cannot write .*decisions\.json"):
        file.keep("text")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_that_root_makes_in_somebody_elses_directory_is_theirs(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    file = SmallFile(tmp_path / "decisions.json")
    file.keep("one")
    file.keep("two")
    assert {each.stat().st_uid for each in tmp_path.iterdir()} == {65534}


def test_a_file_that_is_set_aside_never_takes_the_place_of_another(file: SmallFile) -> None:
    for text in ("first", "second"):
        file.path.write_text(text)
        assert file.set_aside("unreadable-19700101T000012Z").read_text() == text
    assert sorted(each.read_text() for each in file.path.parent.iterdir()) == ["first", "second"]


def test_a_file_is_set_aside_once_though_the_process_was_frozen_before_it_could_hear_of_it(file: SmallFile) -> None:
    async def frozen(call: Callable[[], Any]) -> Any:
        result = call()
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, MockClock)
        if not thawed:
            thawed.append(True)
            clock.jump(3600.0)
            await trio.sleep(0.3)
        return result

    async def body() -> None:
        file.keep("junk")
        assert (await Keeper(file, frozen, str, lambda _: None).set_aside("unreadable")).read_text() == "junk"

    thawed = list[bool]()
    in_virtual_time(body)


# --- The task ---------------------------------------------------------------------------------------------------------


class Desk:
    """A keeper on a file, with a text that changes, and a disk that can fail."""

    def __init__(self, file: SmallFile) -> None:
        self.text, self.fails, self.turns, self.writes = "first", False, list[str | None](), 0
        self.keeper = Keeper(file, self.blocking, lambda: self.text, self.turns.append)

    async def blocking(self, call: Callable[[], Any], /) -> Any:
        self.writes += isinstance(call, partial)  # to look whether it is there takes no arguments
        if self.fails:
            raise StoreError("the disk is full")
        return await inline(call)


def test_a_file_that_is_deleted_while_nothing_is_decided_is_written_again(tmp_path: Path) -> None:
    file = SmallFile(tmp_path / "lib" / "state" / "decisions.json")
    file.path.parent.mkdir(parents=True)

    async def body() -> None:
        desk = Desk(file)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(desk.keeper.run)
            desk.keeper.note()
            await trio.sleep(1)
            shutil.rmtree(file.path.parent)
            await trio.sleep(2 * LOOK_S)
            assert file.read() == "first"
            shutil.rmtree(tmp_path / "lib")
            await trio.sleep(2 * LOOK_S)
            assert "its directory is gone, and cannot be made anew" in (desk.keeper.broken or "")
            file.path.parent.mkdir(parents=True)
            await trio.sleep(RETRY_MAX_S)
            assert (file.read(), desk.keeper.broken) == ("first", None)
            nursery.cancel_scope.cancel()

    in_virtual_time(body)


def test_a_text_is_on_the_disk_when_it_is_said_to_be(file: SmallFile) -> None:
    async def body() -> None:
        desk = Desk(file)
        async with trio.open_nursery() as nursery:
            await nursery.start(desk.keeper.run)
            for text in ("one", "two"):
                desk.text = text
                desk.keeper.note()
                assert await desk.keeper.settled(2.0)
                assert file.read() == text
            nursery.cancel_scope.cancel()

    in_virtual_time(body)


def test_a_text_that_has_not_changed_is_not_written_again(file: SmallFile) -> None:
    async def body() -> None:
        desk = Desk(file)
        async with trio.open_nursery() as nursery:
            await nursery.start(desk.keeper.run)
            for _ in range(5):
                desk.keeper.note()
                assert await desk.keeper.settled(2.0)
            assert desk.writes == 1
            nursery.cancel_scope.cancel()

    in_virtual_time(body)


def test_while_the_disk_fails_nobody_is_held_up_and_the_newest_text_is_kept_afterwards(file: SmallFile) -> None:
    async def body() -> None:
        desk = Desk(file)
        desk.fails = True
        async with trio.open_nursery() as nursery:
            await nursery.start(desk.keeper.run)
            desk.keeper.note()
            assert not await desk.keeper.settled(2.0)
            assert trio.current_time() < 1.0
            await trio.sleep(600)
            assert desk.writes < 30
            assert desk.turns == ["the disk is full"]
            desk.fails, desk.text = False, "newest"
            desk.keeper.note()
            assert await desk.keeper.settled(2.0)
            assert (file.read(), desk.turns) == ("newest", ["the disk is full", None])
            nursery.cancel_scope.cancel()

    in_virtual_time(body)


def test_where_the_clock_runs_faster_than_real_time_a_disk_has_as_much_real_time_as_ever(file: SmallFile) -> None:
    async def slow(call: Callable[[], Any], /) -> Any:
        await trio.sleep(9.0 * 20)
        return call()

    async def body() -> None:
        file.keep("text")
        assert await Keeper(file, slow, str, lambda _: None, speed=20.0).read() == "text"

    in_virtual_time(body)


def test_at_the_end_what_is_not_on_the_disk_yet_is_written(file: SmallFile) -> None:
    async def body() -> None:
        desk = Desk(file)
        async with trio.open_nursery() as nursery:
            await nursery.start(desk.keeper.run)
            desk.keeper.note(within_s=60.0)
            await trio.sleep(1.0)
            assert file.read() is None
            nursery.cancel_scope.cancel()
        assert file.read() == "first"

    in_virtual_time(body)


# --- Links that somebody else has put there ----------------------------------------------------------------------------


def test_a_link_in_place_of_the_spare_goes_and_what_it_leads_to_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("not ours")
    file = SmallFile(tmp_path / "decisions.json")
    file.path.with_name("decisions.json.spare").symlink_to(other)
    file.keep("one")
    file.keep("two")
    assert (file.read(), other.read_text()) == ("two", "not ours")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("what", ["a file", "a device"])
def test_root_gives_nothing_away_that_a_link_leads_to_nor_changes_its_rights(tmp_path: Path, what: str) -> None:
    other, state = tmp_path / "other", tmp_path / "state"
    if what == "a file":
        other.touch(0o644)
    else:
        os.mknod(other, stat.S_IFCHR | 0o644, os.makedev(1, 3))
    state.mkdir()
    os.chown(state, 65534, 65534)
    (state / "wagman.db").symlink_to(other)
    store = Store(state / "wagman.db", Limits(100, 2**20), new_log_id=lambda: "log")
    with suppress(StoreError):
        store.open()
    store.close()
    assert (other.stat().st_uid, stat.S_IMODE(other.stat().st_mode)) == (0, 0o644)
