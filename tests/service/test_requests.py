"""What a caller at the socket asks of a board, where there are several."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio

from tests.simulation.node import run
from wagman.api.service import UnknownBoardError
from wagman.model.errors import CallerError
from wagman.service.requests import Requests
from wagman.service.root import WagmanService
from wagman.simulation.records import Answered, EventShown, Record


def asked(monkeypatch: pytest.MonkeyPatch, ask: Callable[[Requests], Awaitable[None]], site: str) -> list[dict[str, Any]]:
    """The forced commands that the log has, after `ask` was done with the service of a site that had come up."""
    real, forced, done = WagmanService.run, list[dict[str, Any]](), list[bool]()

    async def run_and_be_asked(service: WagmanService, *args: Any, **kwargs: Any) -> None:
        async def later() -> None:
            await trio.sleep(300)
            await ask(service.requests)
            done.append(True)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(later)
            await real(service, *args, **kwargs)
            nursery.cancel_scope.cancel()

    def watch(record: Record) -> None:
        if isinstance(record, EventShown) and record.event.type == "command.board":
            forced.append(dict(record.event.fields))

    monkeypatch.setattr(WagmanService, "run", run_and_be_asked)
    run("10 min", watch, named=site)
    assert done
    return forced


def test_the_board_that_is_named_gets_the_command_and_the_first_wagman_where_none_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(requests: Requests) -> None:
        by_board = {name: await requests.board("id", force=False, uid=7, board=name) for name in ("old", "new")}
        assert by_board["old"] != by_board["new"]
        assert await requests.board("id", force=False, uid=7) == by_board["old"]
        await requests.board("id", force=True, uid=7, board="new")

    assert asked(monkeypatch, ask, "two") == [{"uid": 7, "command": "id", "name": "new"}]


def test_the_first_wagman_is_not_always_the_first_board(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(requests: Requests) -> None:
        assert [board.wiring.board.takes_commands for board in requests.parts.boards.values()] == [True, False, False]
        assert await requests.board("id", force=False, uid=7)
        with pytest.raises(CallerError, match="board shed takes no raw commands"):
            await requests.board("id", force=False, uid=7, board="shed")

    assert asked(monkeypatch, ask, "mixed") == []


def test_a_board_that_there_is_not_is_refused_with_those_that_there_are_and_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(requests: Requests) -> None:
        with pytest.raises(UnknownBoardError, match="unknown board 'zz': there is old, new"):
            await requests.board("reset", force=True, uid=7, board="zz")

    assert asked(monkeypatch, ask, "two") == []


def test_only_a_restart_that_would_have_a_guest_halt_is_refused_while_its_board_cannot_be_seen() -> None:
    answers: dict[str, Any] = {}

    def watch(record: Record) -> None:
        if isinstance(record, Answered) and record.asked.verb == "restart":
            answers[record.asked.device] = record.answer

    run("10 min; cam: stop; 3 min; cable rail out; 1 min; ai: restart; cam: restart; 10 s", watch, named="plugs")
    assert (answers["ai"]["accepted"], answers["ai"]["state"]) == (False, "started")
    assert (answers["cam"]["accepted"], answers["cam"]["reason"]) == (True, "power is coming on")
