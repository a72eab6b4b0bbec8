"""Who feeds the watchdog: a task that hangs is found, whichever it is; a board that is dead, slow or gone starves nobody."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio

from tests.simulation.node import run
from wagman.io.board.task import Board
from wagman.service.root import WagmanService
from wagman.simulation.records import EventShown, Record
from wagman.tasks.guest import Guest
from wagman.tasks.supervisor import Supervisor

HANGS_FROM_S = 600.0
FOUND_WITHIN_S = 60.0
"""45 s without progress, looked for every 15 s."""


def stuck(script: str) -> dict[str, float]:
    """The tasks that were reported as stuck, and when."""
    found: dict[str, float] = {}

    def watch(record: Record) -> None:
        if isinstance(record, EventShown) and record.event.type == "service.task_stuck":
            found.setdefault(record.event.fields["task"], record.at_s)

    assert run(script, watch).length_s > 0
    return found


def hanging(real: Callable[..., Awaitable[Any]], name: str | None = None) -> Callable[..., Awaitable[Any]]:
    """The same, until it hangs for ever."""

    async def perhaps(self: Any, *args: Any) -> Any:
        if trio.current_time() > HANGS_FROM_S and (name is None or self.config.name == name):
            await trio.sleep_forever()
        return await real(self, *args)

    return perhaps


@pytest.mark.parametrize(
    ("owner", "method", "name", "task"),
    [
        (Guest, "take", "gn", "device.gn"),
        (Guest, "take", "x2", "device.x2"),
        (Supervisor, "take", None, "wagman"),
        (Board, "_poll", None, "board"),
        (Board, "_reconcile", None, "board"),
    ],
)
def test_a_task_that_hangs_is_found_and_no_other_is_blamed(
    monkeypatch: pytest.MonkeyPatch, owner: type, method: str, name: str | None, task: str
) -> None:
    monkeypatch.setattr(owner, method, hanging(getattr(owner, method), name))
    found = stuck("20 min")
    assert found.keys() == {task}
    assert HANGS_FROM_S <= found[task] <= HANGS_FROM_S + FOUND_WITHIN_S + 10


@pytest.mark.parametrize(
    "trouble",
    [
        "board fault silent on",
        "board fault slow 3.7",
        "cable out",
        "board reset",
        "disk slow 18",
        "gn: restart",
    ],
)
def test_trouble_with_the_board_is_none_of_the_service(trouble: str) -> None:
    assert stuck(f"10 min; {trouble}; 1 h") == {}


@pytest.mark.parametrize("away_s", [31, 61, 3600])
def test_time_in_which_nothing_of_the_service_ran_makes_no_task_stuck(away_s: int) -> None:
    assert stuck(f"10 min; service freeze {away_s}; 10 min") == {}


def test_a_task_that_hangs_is_found_after_the_service_was_suspended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Guest, "take", hanging(Guest.take, "gn"))
    found = stuck("9 min; service freeze 3600; 10 min")
    assert found.keys() == {"device.gn"}
    assert found["device.gn"] <= 9 * 60 + 3600 + FOUND_WITHIN_S + 10


def test_what_operators_ask_the_board_does_not_hide_that_its_task_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    real = WagmanService.run

    async def run_and_be_asked(service: WagmanService, *args: Any, **kwargs: Any) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, service)
            await real(service, *args, **kwargs)
            nursery.cancel_scope.cancel()

    async def ask(service: WagmanService) -> None:
        while True:
            await trio.sleep(5)
            await service.parts.boards["board"].raw(["up"], force=False)

    monkeypatch.setattr(WagmanService, "run", run_and_be_asked)
    monkeypatch.setattr(Board, "_poll", hanging(Board._poll))
    assert stuck("20 min").keys() == {"board"}


def test_hours_in_which_nothing_happens_leave_no_line_in_the_log() -> None:
    lines: Counter[str] = Counter()

    def watch(record: Record) -> None:
        if isinstance(record, EventShown) and record.at_s > 3600:
            lines[record.event.type] += 1

    assert run("7 h", watch).violation is None
    assert lines == {}
