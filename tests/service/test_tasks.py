"""The service's own tasks: a crash of any of them is contained, also while it comes up or ends."""

import signal
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve, field
from trio.testing import MockClock, wait_all_tasks_blocked

from wagman.api.listener import Bound
from wagman.config.boards import BoardConfig, WagmanBoard
from wagman.config.schema import Config, DeviceConfig
from wagman.io.serial.transport import Transport
from wagman.io.serial.wired import Wired
from wagman.io.v3.driver import V3Dialect
from wagman.model.errors import LinkGoneError
from wagman.model.facts import BoardStopping
from wagman.service.daemon import Daemon
from wagman.service.health import NUDGE_S, Progress
from wagman.service.parts import Parts
from wagman.service.reconfiguration import OperatorsFile, reconfigure
from wagman.service.root import WagmanService
from wagman.service.seams import Seams
from wagman.store import Event, Limits, Store, inline
from wagman.systemd.backoff import STEADY_S
from wagman.systemd.directory import RuntimeDirectory
from wagman.systemd.home import Home
from wagman.systemd.lastgood import Source
from wagman.systemd.notify import Notifier
from wagman.systemd.report import Reporter
from wagman.tasks.contain import TaskKeepsCrashingError, leaf_of

CONFIG = Config(devices=(DeviceConfig("gn", 1, shutdown=()),))


@define
class Defect:
    """A defect that shows so many times."""

    times: int = 0

    def show(self) -> None:
        if self.times > 0:
            self.times -= 1
            raise RuntimeError("a defect")


@define(eq=False)
class Node:
    """A service without a board, on a real log, with defects where they are wanted."""

    folder: Path
    port: Defect = field(factory=Defect)
    commits: Defect = field(factory=Defect)
    close: Defect = field(factory=Defect)
    events: list[Event] = field(factory=list)
    store: Store = field(init=False)
    service: WagmanService = field(init=False)

    def __attrs_post_init__(self) -> None:
        seams = Seams(self.connector, blocking=self._blocking)
        self.store = Store(self.folder / "wagman.db", Limits(1000, 2**22), new_log_id=seams.new_id)
        self.service = WagmanService(Parts(CONFIG, seams, self.store, self.events.append))

    def connector(self, board: BoardConfig) -> Wired:
        return Wired(V3Dialect(), self._open, board.address)

    async def _open(self) -> Transport:
        await trio.lowlevel.checkpoint()
        self.port.show()
        raise LinkGoneError("no board")

    async def _blocking(self, call: Callable[[], Any], /) -> Any:
        for method, defect in (("Store.commit", self.commits), ("Store.close", self.close)):
            if method in repr(call):
                defect.show()
        return await inline(call)

    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        await self.service.run(None, lambda _: None, task_status=task_status)  # type: ignore[arg-type,return-value]

    def told(self, type_: str) -> list[Event]:
        return [event for event in self.events if event.type == type_]

    @property
    def failed(self) -> list[str]:
        """The tasks that are said to have crashed."""
        return [event.fields["task"] for event in self.told("service.task_failed")]


def test_the_controller_is_shut_down_when_the_board_begins_to_stop_its_port_and_no_other(tmp_path: Path) -> None:
    shutdowns, config = list[str](), Config(devices=(DeviceConfig("nc", 0, is_self=True), *CONFIG.devices))

    async def main(node: Node) -> None:
        seams = Seams(node.connector, blocking=node._blocking)
        parts = Parts(config, seams, node.store, node.events.append, lambda: shutdowns.append("now"))
        await parts.journal.load()
        for port in (1, 0):
            parts.routes.port_fact("board", port, BoardStopping(trio.current_time(), "the board has begun to stop it"))
            assert len(shutdowns) == (port == 0)

    virtually(main, tmp_path)


def virtually(main: Callable[[Node], Awaitable[None]], folder: Path, *, port: int = 0) -> Node:
    """The node after `main` was done with it."""

    async def whole() -> Node:
        node = Node(folder, port=Defect(port))
        try:
            await main(node)
        finally:
            node.store.close()  # a service that is to crash may not have
        return node

    return trio.run(whole, clock=MockClock(autojump_threshold=0))


def in_service(folder: Path, body: Callable[[Node], Awaitable[None]], *, port: int = 0) -> Node:
    """The node after `body` was done with it while it served, and after its orderly end."""

    async def main(node: Node) -> None:
        async with trio.open_nursery() as nursery:
            with trio.fail_after(60):
                await nursery.start(node.run)
            await body(node)
            node.service.stopping.set()

    return virtually(main, folder, port=port)


def test_a_board_task_that_crashed_before_it_had_started_does_not_keep_the_service_from_starting(tmp_path: Path) -> None:
    async def serves(node: Node) -> None:
        assert node.service.requests.status()["devices"]
        await trio.sleep(1)

    node = in_service(tmp_path, serves, port=1)
    assert node.failed == ["board"]
    assert node.told("service.stopping")


def test_a_store_that_crashed_is_taken_up_again_and_writes_all_that_waited(tmp_path: Path) -> None:
    async def crash(node: Node) -> None:
        node.commits.times = 1
        node.service.parts.crashed("something", RuntimeError("to be written"))
        await trio.sleep(60)
        assert [event.fields["task"] for event in await node.service.parts.journal.page(type="service.task_failed")] == [
            "something",
            "store",
        ]

    node = in_service(tmp_path, crash)
    assert [event.id for event in node.events] == list(range(1, len(node.events) + 1))


def test_a_store_that_keeps_crashing_ends_the_service_with_that_reason(tmp_path: Path) -> None:
    async def crash(node: Node) -> None:
        node.commits.times = 1000
        node.service.parts.crashed("something", RuntimeError("to be written"))
        await trio.sleep(60)

    with pytest.raises(ExceptionGroup) as raised:
        in_service(tmp_path, crash)
    assert isinstance(leaf_of(raised.value), TaskKeepsCrashingError)
    assert "store" in str(leaf_of(raised.value))


def test_a_store_that_crashes_at_the_very_end_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    async def at_the_end(node: Node) -> None:
        await trio.sleep(60)
        node.close.times = 1

    with pytest.raises(ExceptionGroup) as raised:
        in_service(tmp_path, at_the_end)
    assert str(leaf_of(raised.value)) == "a defect"


def test_a_crash_of_what_asks_for_signs_of_life_is_contained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    defect, stuck = Defect(1), Progress._tell_stuck

    def tell_stuck(progress: Progress) -> None:
        defect.show()
        stuck(progress)

    monkeypatch.setattr(Progress, "_tell_stuck", tell_stuck)

    async def live_on(node: Node) -> None:
        await trio.sleep(10 * NUDGE_S)
        assert node.service.requests.stuck() == ()

    node = in_service(tmp_path, live_on)
    assert node.failed == ["nudge"]


# --- The process ------------------------------------------------------------------------------------------------------


@define(eq=False)
class Anybody:
    """Stands for the rules about who may do what: nobody connects."""

    def judge(self, stream: Any) -> Any: ...


def in_daemon(folder: Path, signals: Sequence[int], runtime: Path | None = None, after_s: float = 1.0) -> Node:
    """The node after its process was sent these signals, the last of which is to end it."""

    async def main(node: Node) -> None:
        place = Home(Notifier(), None if runtime is None else RuntimeDirectory(runtime))
        daemon = Daemon(node.service, Source(str(folder / "none.toml"), lambda _: None), place, Reporter(place.notifier))
        sending, receiving = trio.open_memory_channel[int](len(signals))
        nothing: Any = None
        access: Any = Anybody()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(daemon.run, Bound(nothing), access, receiving, ("a wrong file",), ())
            for number in signals:
                await trio.sleep(after_s)
                sending.send_nowait(number)
        sending.close()
        receiving.close()

    return virtually(main, folder)


def test_a_reload_that_crashes_is_reported_and_the_next_signal_heeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OperatorsFile, "reload", lambda _: Defect(1).show())
    node = in_daemon(tmp_path, (signal.SIGHUP, signal.SIGTERM))
    assert node.failed == ["signals"]
    assert node.told("service.stopping")


def test_a_stop_is_carried_out_even_where_its_reason_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "stopping").write_bytes(b"\xff")
    node = in_daemon(tmp_path, (signal.SIGTERM,), runtime=tmp_path)
    assert node.failed == ["signals"]
    assert node.told("service.stopping")


def test_a_crash_of_what_forgives_failures_after_ten_good_minutes_is_contained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Home, "is_well", lambda _: Defect(1).show())
    node = in_daemon(tmp_path, (signal.SIGTERM,), after_s=1.5 * STEADY_S)
    assert node.failed == ["steady"]
    assert node.told("service.stopping")


# --- What reaches them --------------------------------------------------------------------------------------------


def test_a_reload_reaches_what_the_alarms_of_the_guests_go_by(tmp_path: Path) -> None:
    async def body(node: Node) -> None:
        await trio.lowlevel.checkpoint()
        reconfigure(node.service.parts, evolve(CONFIG, boards=(WagmanBoard(poll_s=90),)))
        assert node.service.parts.guests["gn"].alarms.late_s == 3 * 90

    in_service(tmp_path, body)


def test_a_service_that_is_told_to_end_while_another_process_holds_the_log_ends_at_once_and_touches_no_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wagman.store.sqlite.BUSY_S", 0.0)

    async def main(node: Node) -> None:
        async with trio.open_nursery() as nursery:
            with closing(sqlite3.connect(tmp_path / "wagman.db", isolation_level=None)) as holder:
                holder.execute("PRAGMA locking_mode = EXCLUSIVE")
                holder.execute("BEGIN EXCLUSIVE")
                nursery.start_soon(nursery.start, node.run)
                await trio.sleep(5)
                node.service.stopping.set()
                await wait_all_tasks_blocked()
                assert not nursery.child_tasks
        assert [event.type for event in node.events] == ["store.unavailable"]
        assert node.port.times == 1

    virtually(main, tmp_path, port=1)
