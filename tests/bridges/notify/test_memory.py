"""What is remembered over restarts, on a real disk."""

import json
import math
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from tests.bridges.notify.events import at, began, event
from tests.cli.kit import PATIENCE_S
from wagman.bridges.notify import memory as memory_
from wagman.bridges.notify.memory import File, Memory
from wagman.bridges.notify.message import compose
from wagman.bridges.notify.plan import Plan
from wagman.bridges.notify.rules import Rules
from wagman.client.following import Place


def remembering() -> Memory:
    memory = Memory(Plan(Rules()), place=Place("log-1", 7), is_unsure=True)
    memory.plan.take(event(1), at(0))
    digest = memory.plan.next(at(60))
    assert digest is not None
    memory.under_way = compose("mast", memory.new_id(), digest, str)
    memory.begin()
    memory.plan.take(began(2, "fan:1"), at(61))
    return memory


def test_what_was_kept_is_taken_up_to_the_letter() -> None:
    memory, fresh = remembering(), Memory(Plan(Rules()))
    fresh.restore(memory.saved())
    assert fresh == memory
    assert fresh.begun.tries == 1
    assert fresh.new_id() == f"{memory.name}-2"


def test_a_file_of_before_has_nothing_to_ask_for() -> None:
    kept = json.loads(remembering().saved())
    del kept["is_unsure"]
    fresh = Memory(Plan(Rules()))
    fresh.restore(json.dumps(kept).encode())
    assert (fresh.place, fresh.is_unsure) == (Place("log-1", 7), False)


DAMAGES: list[Callable[[dict[str, Any]], object]] = [
    lambda kept: kept.update(version=2),
    lambda kept: kept.pop("plan"),
    lambda kept: kept.update(plan=None),
    lambda kept: kept.update(place=5),
    lambda kept: kept.update(place=[1, 2, 3]),
    lambda kept: kept["plan"].update(sent=["x"]),
    lambda kept: kept["plan"]["pending"].append({"key": "a"}),
    lambda kept: kept["plan"]["pending"][0].update(since_s="1"),
    lambda kept: kept["plan"]["pending"][0].update(text=None),
    lambda kept: kept["plan"]["standing"].update({"problem fan:1": "Z"}),
    lambda kept: kept["plan"]["standing"].update({"problem fan:1": '["warning", "hot"]'}),
    lambda kept: kept["plan"]["standing"].update({"problem fan:1": "[1, 2, 3]"}),
    lambda kept: kept.update(under_way={"id": "a"}),
    lambda kept: kept.update(number="x"),
    lambda kept: kept.update(number=math.inf),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_refused_and_changes_nothing(damage: Callable[[dict[str, Any]], object]) -> None:
    kept = json.loads(remembering().saved())
    damage(kept)
    fresh = Memory(Plan(Rules()), "abc")
    with pytest.raises(ValueError, match=r"."):
        fresh.restore(json.dumps(kept).encode())
    assert fresh == Memory(Plan(Rules()), "abc")


@given(st.binary() | st.text().map(str.encode))
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Memory(Plan(Rules())).restore(data)


@given(st.data())
def test_half_a_file_is_refused(data: st.DataObject) -> None:
    whole = remembering().saved()
    with pytest.raises(ValueError, match=r"."):
        Memory(Plan(Rules())).restore(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(st.data())
def test_a_file_with_a_bit_that_has_flipped_is_refused_or_can_be_gone_on_with(data: st.DataObject) -> None:
    content = bytearray(remembering().saved())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    memory = Memory(Plan(Rules()))
    with suppress(ValueError):
        memory.restore(bytes(content))
    memory.plan.stand([], at(100))
    memory.plan.take(event(3), at(101))
    memory.plan.next(at(10_000))
    memory.saved()


def test_a_file_is_written_whole_for_its_owner_alone(tmp_path: Path) -> None:
    file = File(tmp_path / "mail.json")
    assert file.read() is None
    assert trio.run(file.write, b"one") is None
    assert trio.run(file.write, b"two") is None
    assert file.read() == b"two"
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["mail.json"]


def test_a_link_in_place_of_the_new_file_goes_and_what_it_leads_to_is_left_alone(tmp_path: Path) -> None:
    other, state = tmp_path / "other", tmp_path / "state"
    other.write_text("not ours")
    state.mkdir()
    (state / "mail.new").symlink_to(other)
    file = File(state / "mail.json")
    assert trio.run(file.write, b"one") is None
    assert (file.read(), other.read_text()) == (b"one", "not ours")


def test_a_disk_that_refuses_is_told_of_and_what_was_there_stays(tmp_path: Path) -> None:
    file = File(tmp_path / "mail.json")
    trio.run(file.write, b"one")
    (tmp_path / "mail.new").mkdir()
    assert trio.run(file.write, b"two") == "Is a directory"
    assert file.read() == b"one"


def test_a_disk_that_hangs_is_waited_for_only_so_long_and_written_to_again_once_it_has_taken_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, over, replace = File(tmp_path / "mail.json"), threading.Event(), memory_._replace
    monkeypatch.setattr(memory_, "SAVE_S", 0.05)
    monkeypatch.setattr(memory_, "_replace", lambda path, data: over.wait(PATIENCE_S) and replace(path, data))

    async def main() -> None:
        assert await file.write(b"one") == "the disk did not take it within 0.05 s"
        assert await file.write(b"two") == "the disk has not taken what was written before"
        over.set()
        with trio.fail_after(PATIENCE_S):
            while await file.write(b"three") is not None:
                await trio.testing.wait_all_tasks_blocked(0.001)

    trio.run(main)
    assert file.read() == b"three"


def test_a_write_that_is_cancelled_before_it_begins_keeps_no_later_one_from_the_disk(tmp_path: Path) -> None:
    file = File(tmp_path / "mail.json")

    async def main() -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            await file.write(b"one")
        assert await file.write(b"two") is None

    trio.run(main)
    assert file.read() == b"two"


def test_where_no_thread_can_be_started_the_disk_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_thread(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    file = File(tmp_path / "mail.json")
    with monkeypatch.context() as patch:
        patch.setattr(trio.to_thread, "run_sync", no_thread)
        assert "can't start new thread" in str(trio.run(file.write, b"one"))
    assert trio.run(file.write, b"two") is None


def test_a_damaged_file_makes_way(tmp_path: Path) -> None:
    file = File(tmp_path / "mail.json")
    file.path.write_bytes(b"?")
    assert file.set_aside() == f"the file is {tmp_path}/mail.damaged now"
    assert file.read() is None
