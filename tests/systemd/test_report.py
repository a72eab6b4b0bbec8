"""What systemd is told, and when: in virtual time."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from tests.systemd.status import status
from wagman.store import Event
from wagman.systemd.notify import Notifier
from wagman.systemd.report import REFRESH_S, SIGNS, Reporter

SOMETHING = Event(1, "2026-11-22T00:00:00.000Z", "boot", 0.0, "device.started", "gn", None, {})


@define(eq=False)
class Ear(Notifier):
    """Hears what is said to systemd, and when."""

    messages: list[tuple[float, Mapping[str, str]]] = field(factory=list)

    def say(self, **fields: str) -> None:
        self.messages.append((trio.current_time(), fields))

    def at(self, key: str) -> list[float]:
        return [at_s for at_s, fields in self.messages if key in fields]


@define
class Service:
    """It is as it is told to be."""

    stuck_tasks: Sequence[str] = ()
    state: str = "normal"

    def status(self) -> Any:
        problems = [{"severity": "critical", "text": f"the task {task} hangs"} for task in self.stuck_tasks]
        return {**status(wagman=self.state), "problems": problems}

    def stuck(self) -> Sequence[str]:
        return self.stuck_tasks


def story(ear: Ear, act: Callable[[Reporter, Service], Any]) -> None:
    """Report while `act`, a coroutine function, has its way with the service."""

    async def main() -> None:
        reporter, service = Reporter(ear), Service()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reporter.run, service)
            await act(reporter, service)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))


async def idle(seconds: float, *_: object) -> None:
    await trio.sleep(seconds)


def test_ready_comes_first_and_once() -> None:
    ear = Ear(watchdog_s=60.0)
    story(ear, partial(idle, 300))
    assert ear.messages[0][1] == {"READY": "1"}
    assert len(ear.at("READY")) == 1


def test_a_healthy_service_gives_several_signs_of_life_in_the_time_for_one() -> None:
    ear = Ear(watchdog_s=60.0)
    story(ear, partial(idle, 600))
    signs = ear.at("WATCHDOG")
    gaps = [later - earlier for earlier, later in pairwise(signs)]
    assert max(gaps) <= 60.0 / (SIGNS - 1)
    assert len(signs) >= 600 / 60.0 * (SIGNS - 1)


def test_a_stuck_task_starves_the_watchdog_and_is_named() -> None:
    ear = Ear(watchdog_s=60.0)

    async def act(_: Reporter, service: Service) -> None:
        await trio.sleep(100)
        service.stuck_tasks = ("device.gn",)
        await trio.sleep(200)

    story(ear, act)
    assert max(ear.at("WATCHDOG")) <= 100
    assert ear.messages[-1][1]["STATUS"].startswith("CRITICAL: the task device.gn hangs; ")


def test_a_task_that_goes_on_feeds_it_again() -> None:
    ear = Ear(watchdog_s=60.0)

    async def act(_: Reporter, service: Service) -> None:
        service.stuck_tasks = ("wagman",)
        await trio.sleep(40)
        service.stuck_tasks = ()
        await trio.sleep(40)

    story(ear, act)
    assert min(ear.at("WATCHDOG")) > 40


def test_news_are_told_at_once_and_a_storm_of_them_now_and_then() -> None:
    ear = Ear()

    async def act(reporter: Reporter, service: Service) -> None:
        await trio.sleep(5)
        service.state = "hibernating"
        for _ in range(1000):
            reporter.heard(SOMETHING)
            await trio.sleep(0.01)

    story(ear, act)
    told = [at_s for at_s, fields in ear.messages if "hibernating" in fields.get("STATUS", "")]
    assert told[0] <= 5.1
    assert len(told) <= 10 / 0.5 + 1


@pytest.mark.parametrize("watchdog_s", [None, 60.0, 1.0])
def test_where_nothing_happens_it_is_told_all_the_same(watchdog_s: float | None) -> None:
    ear = Ear(watchdog_s=watchdog_s)
    story(ear, partial(idle, 60))
    assert len(ear.at("STATUS")) == 60 / REFRESH_S
    assert len(ear.at("WATCHDOG")) >= 60 / (REFRESH_S if watchdog_s is None else watchdog_s / SIGNS + 0.5) - 1


def test_a_sign_of_life_costs_no_new_line_but_news_do() -> None:
    ear = Ear(watchdog_s=8.0)

    async def act(reporter: Reporter, _: Service) -> None:
        await trio.sleep(REFRESH_S - 5)
        assert len(ear.at("STATUS")) == 1
        assert len(ear.at("WATCHDOG")) > 10
        reporter.heard(SOMETHING)
        await trio.sleep(2)
        assert len(ear.at("STATUS")) == 2

    story(ear, act)


def test_a_reload_is_framed_whatever_comes_of_it() -> None:
    ear = Ear()

    def fail() -> None:
        raise RuntimeError

    async def act(reporter: Reporter, _: Service) -> None:
        await trio.sleep(1)
        ear.messages.clear()
        reporter.reload(partial(ear.say, MIDDLE="1"))
        with pytest.raises(RuntimeError):
            reporter.reload(fail)

    story(ear, act)
    assert [next(iter(fields)) for _, fields in ear.messages[:5]] == ["RELOADING", "MIDDLE", "READY", "RELOADING", "READY"]
