"""The task of the scheduler: what of a step is kept, and what came of what."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from wagman.config.enclosure import Bounds, EnvironmentConfig
from wagman.config.schema import Config, DeviceConfig
from wagman.fsm.alarms import Fired
from wagman.fsm.scheduler.inputs import GuestChanged, View, Visibility
from wagman.fsm.scheduler.states import Hibernating
from wagman.model.facts import Sample
from wagman.store import Event, Journal, Limits, Store, inline
from wagman.store.event import utc_now
from wagman.store.remembered import WAGMAN_KEY
from wagman.tasks.inbox import CAPACITY, Inbox
from wagman.tasks.moments import Clocks, Stamp
from wagman.tasks.supervisor import Supervisor

HEAT = EnvironmentConfig(samples=1, sensors={"temperature_c": Bounds(high=70.0)})
CONFIG = Config(devices=(DeviceConfig("gn", 1, shutdown=()),), environment=HEAT)


@define
class Node:
    """The scheduler on a real log, with a guest that only has an inbox."""

    folder: Path
    told: list[Event] = field(factory=list)
    inbox: Inbox[object] = field(factory=Inbox)
    journal: Journal = field(init=False)
    supervisor: Supervisor = field(init=False)

    def __attrs_post_init__(self) -> None:
        store = Store(self.folder / "wagman.db", Limits(1000, 2**22), new_log_id=lambda: "log")
        self.journal = Journal(store, boot_id="boot", wall=utc_now, blocking=inline, tell=self.told.append)
        clocks = Clocks(lambda: "now", lambda: Stamp("boot", 0.0))
        self.supervisor = Supervisor(CONFIG, self.journal, {"gn": self.inbox}, clocks, lambda _: None)

    async def show(self, state: str, *, due: bool = False) -> None:
        hibernating = self.supervisor.state.hibernates
        await self.supervisor.take(GuestChanged(View("gn", state, due=due, hibernating=hibernating)))


def with_node(folder: Path, body: Callable[[Node], Awaitable[None]]) -> Node:
    """The node after `body` was done with it."""

    async def main() -> Node:
        node = Node(folder)
        await node.journal.load()
        async with trio.open_nursery() as nursery:
            await nursery.start(node.journal.run)
            await body(node)
            nursery.cancel_scope.cancel()
        return node

    return trio.run(main, clock=MockClock(autojump_threshold=0))


async def kept(folder: Path) -> Any:
    """What a service that comes up finds of the machine."""
    return (await Node(folder).journal.load()).memory[WAGMAN_KEY]["state"]


async def hot_and_down(node: Node) -> None:
    await node.show("stopped")
    await node.supervisor.take(Sample("temperature_c", 75.0, 0.0))
    assert isinstance(node.supervisor.state, Hibernating)


def test_what_happens_in_one_step_is_one_chain_of_causes(tmp_path: Path) -> None:
    told = with_node(tmp_path, hot_and_down).told
    chain = [(event.type, event.cause) for event in told[-3:]]
    first = told[-3].id
    assert first is not None
    assert chain[1:] == [("wagman.will_hibernate", first), ("wagman.hibernating", first + 1)]
    assert chain[0] == ("environment.abnormal", None)


def test_what_is_waited_for_is_kept_though_no_event_tells_of_it(tmp_path: Path) -> None:
    async def body(node: Node) -> None:
        await hot_and_down(node)
        await node.supervisor.take(Fired("minimum"))

    told = with_node(tmp_path, body).told
    assert trio.run(kept, tmp_path) == {"name": "hibernating", "heated": True, "rested": True}
    assert told[-1].type == "wagman.hibernating"


def test_a_guest_that_ran_meanwhile_was_not_kept_down_by_the_hibernation(tmp_path: Path) -> None:
    async def body(node: Node, *states: str) -> None:
        await hot_and_down(node)
        await node.supervisor.take(Fired("minimum"))
        await node.supervisor.take(Sample("temperature_c", 20.0, 0.0))
        await node.supervisor.take(Visibility(frozenset(node.supervisor.inboxes), blind=False))
        for state in states:
            await node.show(state)
        await node.show("stopped", due=True)
        if node.supervisor.state.name == "normal":
            await node.supervisor.take(Fired("look"))

    async def ran(node: Node) -> None:
        await body(node, "started")

    (tmp_path / "kept").mkdir()
    one, other = with_node(tmp_path / "kept", body).told, with_node(tmp_path, ran).told
    assert [event.type for event in one[-2:]] == ["wagman.normal", "wagman.start_next_device"]
    assert [event.type for event in other[-2:]] == ["wagman.normal", "wagman.start_next_device"]
    assert (one[-1].cause, other[-1].cause) == (one[-2].id, None)


def test_a_guest_whose_inbox_is_full_has_refused_its_start(tmp_path: Path) -> None:
    async def body(node: Node) -> None:
        for _ in range(CAPACITY):
            node.inbox.ask(None)
        node.supervisor.situation = evolve(node.supervisor.situation, unseen=frozenset())
        await node.supervisor.take(Sample("temperature_c", 20.0, 0.0))
        await node.show("stopped", due=True)
        await node.supervisor.take(node.supervisor.inbox.take())

    told = with_node(tmp_path, body).told
    assert [event.type for event in told[-3:]] == ["wagman.start_next_device", "wagman.start_refused", "wagman.normal"]
