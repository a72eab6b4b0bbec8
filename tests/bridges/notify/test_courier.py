"""One destination, in virtual time: an uplink that is away for a day, kills, disks that fail, logs that are replaced."""

import math
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
import trio.testing
from attrs import define, evolve, field

from tests.bridges.notify.events import began, problem
from tests.bridges.notify.kit import Got, by_id
from tests.bridges.notify.service import Service
from wagman.bridges.notify.command import obstacle
from wagman.bridges.notify.config import Alive, NotifyConfig, Program, Pulse
from wagman.bridges.notify.courier import LEAVE_S, SHORTEN_TRIES, STUCK_S, Courier
from wagman.bridges.notify.memory import File, Memory
from wagman.bridges.notify.message import Message
from wagman.bridges.notify.plan import Plan
from wagman.bridges.notify.rules import DAY_S, Moment, Quiet, Rate, Rules
from wagman.bridges.notify.watch import AWAY_S, Watch
from wagman.client.errors import ClientError

ALL = Rules(least="info", gather_s=30, repeat_s=0, most=Rate(1000, 3600))
START_S = 1_800_000_000.0


def wall() -> Moment:
    now_s = START_S + trio.current_time()
    return Moment(now_s, now_s % DAY_S)


@define(eq=False)
class Receiver:
    """Somebody who gets messages; what he got when the other side did not wait for his answer, he has."""

    got: list[Got] = field(factory=list)
    trouble: str | None = None
    refuses: str | None = None  # messages with that in them
    takes_s: float = 0.5
    tries: int = 0
    well_after: float = math.inf  # the outage ends after so many tries

    async def deliver(self, message: Message) -> str | None:
        if self.tries >= self.well_after:
            self.trouble = None
        self.tries += 1
        await trio.sleep(self.takes_s)
        trouble = "400 bad request" if self.refuses is not None and self.refuses in message.text() else self.trouble
        if trouble is None:
            self.got.append(Got(message.title, message.text(), message.severity))
        await trio.sleep(self.takes_s)
        return trouble

    @property
    def things(self) -> int:
        return sum(each.things for each in by_id(self.got).values())


@define(eq=False)
class Disk(File):
    """A file that takes no thread, and may fail."""

    trouble: str | None = None
    writes: int = 0

    async def write(self, data: bytes) -> str | None:
        await trio.lowlevel.checkpoint()
        self.writes += 1
        if self.trouble is None:
            self.path.write_bytes(data)
        return self.trouble


@define(eq=False)
class Node:
    """A service, a receiver, and the courier between them."""

    directory: Path
    nursery: trio.Nursery
    rules: Rules = ALL
    service: Service = field(init=False)
    receiver: Receiver = field(factory=Receiver)
    disk: Disk = field(init=False)
    watch: Watch = field(init=False)
    courier: Courier | None = None
    said: list[str] = field(factory=list)
    _scope: trio.CancelScope | None = None
    _service: trio.CancelScope | None = None

    def __attrs_post_init__(self) -> None:
        self.service = Service(self.directory / "s")
        self.disk = Disk(self.directory / "mail.json")
        self.watch = Watch(str(self.service.path))
        self.watch.problems = []

    async def begin(self) -> None:
        """Start, with what the disk has."""
        memory = Memory(Plan(self.rules))
        if (data := self.disk.read()) is not None:
            memory.restore(data)
        path = str(self.service.path)
        self.courier = Courier("mail", "mast", path, self.receiver, memory, self.disk, self.watch, wall, str, self.said.append)
        self._scope = trio.CancelScope()
        self.nursery.start_soon(scoped, self._scope, self.courier.run)
        await trio.testing.wait_all_tasks_blocked()

    async def kill(self) -> None:
        """All that was not on the disk is gone."""
        await self.end(0)

    async def end(self, within_s: float) -> None:
        assert self._scope is not None
        assert self.courier is not None
        self.courier.leave(within_s)
        self._scope.cancel()
        await trio.testing.wait_all_tasks_blocked()

    @property
    def is_stuck(self) -> bool:
        return self.courier is not None and self.courier.is_stuck

    async def serve(self) -> None:
        self._service = trio.CancelScope()
        self.nursery.start_soon(scoped, self._service, self.service.up)
        await trio.testing.wait_all_tasks_blocked()

    async def leave(self) -> None:
        assert self._service is not None
        self._service.cancel()
        await trio.testing.wait_all_tasks_blocked()


async def scoped(scope: trio.CancelScope, task: Callable[[], Awaitable[None]]) -> None:
    with scope:
        await task()


def play(directory: Path, scene: Callable[[Node], Awaitable[None]], rules: Rules = ALL) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            node = Node(directory, nursery, rules)
            await node.serve()
            await node.begin()
            await trio.sleep(1)
            await scene(node)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


# --- The promise ------------------------------------------------------------------------------------------------------


def test_a_day_without_an_uplink_and_a_hundred_kills_lose_nothing_and_double_nothing_by_id(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        chance = random.Random(1)
        kills_s = sorted(chance.uniform(0, 26 * 3600) for _ in range(80)) + [26 * 3600 + 30.9 * each for each in range(20)]
        node.receiver.trouble = "no route to host"
        began_s = trio.current_time()
        for number, kill_s in enumerate(kills_s):
            while trio.current_time() < began_s + kill_s:
                await trio.sleep(min(300.0, began_s + kill_s - trio.current_time()))
                node.service.happen(chance.randrange(3), device=f"g{number % 7}")
                is_away = trio.current_time() - began_s < 24 * 3600
                node.receiver.trouble = "no route to host" if is_away else None
            await node.kill()
            await node.begin()
        await trio.sleep(3600)
        assert node.receiver.things == node.service.last_id
        assert len(node.receiver.got) > len(by_id(node.receiver.got)) > 5  # some came again

    play(tmp_path, scene)


def test_nobody_is_told_twice_of_what_was_delivered_before_a_kill(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        node.service.happen(3)
        await trio.sleep(40)
        await node.kill()
        await node.begin()
        await trio.sleep(4000)
        assert [(each.things, each.is_again) for each in node.receiver.got] == [(3, False)]

    play(tmp_path, scene)


def test_what_was_under_way_when_it_was_killed_comes_again_with_the_same_number_and_says_so(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        node.service.happen()
        await trio.sleep(30.8)
        assert len(node.receiver.got) == 1  # he has it, and has not said so
        await node.kill()
        await node.begin()
        await trio.sleep(60)
        first, second = node.receiver.got
        assert first.id == second.id
        assert not first.is_again
        assert second.is_again

    play(tmp_path, scene)


def test_an_orderly_end_waits_a_little_for_what_is_being_sent(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        node.service.happen()
        await trio.sleep(30.8)
        await node.end(LEAVE_S)
        await trio.sleep(LEAVE_S)
        await node.begin()
        await trio.sleep(60)
        assert [each.is_again for each in node.receiver.got] == [False]
        node.receiver.takes_s = 60
        node.service.happen()
        await trio.sleep(60)
        await node.end(LEAVE_S)
        await trio.sleep(LEAVE_S)
        node.receiver.takes_s = 0.5
        await node.begin()
        await trio.sleep(60)
        assert [each.is_again for each in node.receiver.got] == [False, True]

    play(tmp_path, scene)


def test_what_happens_while_it_is_away_is_told_when_it_is_back(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        await node.kill()
        node.service.happen(5)
        await trio.sleep(3600)
        await node.begin()
        await trio.sleep(60)
        assert node.receiver.things == 5

    play(tmp_path, scene)


def test_a_disk_that_takes_nothing_keeps_nobody_from_being_told(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        node.disk.trouble = "No space left on device"
        node.service.happen(2)
        await trio.sleep(60)
        node.service.happen(1)
        await trio.sleep(60)
        assert [each.things for each in node.receiver.got] == [2, 1]
        assert len({each.id for each in node.receiver.got}) == 2
        assert [line for line in node.said if "No space left" in line]
        node.disk.trouble = None
        node.service.happen(1)
        await trio.sleep(60)
        await node.kill()
        await node.begin()
        await trio.sleep(60)
        assert node.receiver.things == 4

    play(tmp_path, scene)


def test_a_number_that_the_disk_does_not_know_is_never_given_twice(tmp_path: Path) -> None:
    """What was sent while the disk took nothing, and what is sent after a kill that forgot it, are two messages."""

    async def scene(node: Node) -> None:
        node.disk.trouble = "Input/output error"
        node.service.happen(2)
        await trio.sleep(60)
        await node.kill()
        node.disk.trouble = None
        await node.begin()
        node.service.happen(3)
        await trio.sleep(60)
        assert [(each.things, each.is_again) for each in node.receiver.got] == [(2, False), (5, False)]
        assert len({each.id for each in node.receiver.got}) == 2

    play(tmp_path, scene)


def test_the_place_is_written_down_now_and_then_where_nothing_is_told(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        before = node.disk.writes
        for _ in range(100):
            node.service.happen(type_="device.started")
            await trio.sleep(1)
        await trio.sleep(3600)
        assert 1 <= node.disk.writes - before <= 5
        assert not node.receiver.got

    play(tmp_path, scene, evolve(ALL, least="warning"))


# --- When, and how much -----------------------------------------------------------------------------------------------


def test_a_storm_is_at_most_so_many_messages_as_are_allowed(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        for each in range(100):
            node.service.happen(10, device=f"g{each}")
            await trio.sleep(10)
        await trio.sleep(2500)
        assert len(node.receiver.got) == 4  # of five; one is kept for what is critical
        await trio.sleep(3600)
        assert node.receiver.things == 1000

    play(tmp_path, scene, evolve(ALL, most=Rate(5, 3600)))


def test_in_quiet_hours_only_what_is_critical_is_told_and_the_rest_after_them(tmp_path: Path) -> None:
    to_s = (START_S + 4 * 3600) % DAY_S

    async def scene(node: Node) -> None:
        node.service.happen(4)
        await trio.sleep(3600)
        assert not node.receiver.got
        node.service.write(began(0, "fan:1"))
        await trio.sleep(10)
        assert [each.things for each in node.receiver.got] == [1]
        await trio.sleep(3 * 3600)
        assert node.receiver.things == 5

    play(tmp_path, scene, evolve(ALL, quiet=Quiet(to_s - 5 * 3600, to_s)))


def test_a_message_that_is_not_taken_is_tried_less_and_less_often_and_then_it_is_stuck(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        node.receiver.trouble = "550 go away"
        node.service.happen()
        before = node.disk.writes
        await trio.sleep(STUCK_S)
        stuck = [node.is_stuck]
        await trio.sleep(60)
        stuck.append(node.is_stuck)
        assert 8 <= node.disk.writes - before <= 20
        assert len([line for line in node.said if "550 go away" in line]) == 1
        node.receiver.trouble = None
        await trio.sleep(700)
        assert [*stuck, node.is_stuck] == [False, True, False]
        assert [each.is_again for each in node.receiver.got] == [True]

    play(tmp_path, scene)


def test_a_message_that_is_refused_for_good_is_told_in_short_and_what_waits_behind_it_is_told(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        node.receiver.refuses = "poison"
        node.service.happen(2, device="poison")
        await trio.sleep(60)
        node.service.write(began(0, "fan:1"))
        await trio.sleep(240)
        short, fan = node.receiver.got
        assert short.title == "mast: WARNING 2 things to look up"
        assert "On mast, wagman status and wagman events have them." in short.body
        assert (short.things, short.is_again, short.severity) == (2, True, "warning")
        assert fan.title == "mast: CRITICAL it is not fed"
        assert fan.id != short.id
        assert [line for line in node.said if "is refused (400 bad request), and was delivered in short: mast: WARNING" in line]
        assert not node.is_stuck

    play(tmp_path, scene)


def test_a_message_that_is_refused_is_told_in_short_wherever_a_kill_comes(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        node.receiver.refuses = "poison"
        node.service.happen(1, device="poison")
        for _ in range(12):
            await trio.sleep(33.7)
            await node.kill()
            await node.begin()
        node.service.write(began(0, "fan:1"))
        await trio.sleep(240)
        titles = [each.title for each in by_id(node.receiver.got).values()]
        assert titles == ["mast: WARNING 1 thing to look up", "mast: CRITICAL it is not fed"]

    play(tmp_path, scene)


@pytest.mark.parametrize("outage_s", [20, 180, 1000, 8000])
def test_after_an_outage_a_message_comes_whole(tmp_path: Path, outage_s: float) -> None:
    async def scene(node: Node) -> None:
        node.receiver.trouble = "no route to host"
        node.service.happen()
        await trio.sleep(outage_s)
        node.receiver.trouble = None
        await trio.sleep(700)
        [only] = node.receiver.got
        assert only.title == "mast: WARNING a start of gn failed: no heartbeat in time"

    play(tmp_path, scene)


def test_an_outage_that_ends_between_the_whole_and_the_short_message_costs_nobody_the_whole(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        node.receiver.trouble = "no route to host"
        node.service.happen()
        node.receiver.well_after = SHORTEN_TRIES
        await trio.sleep(300)
        assert [each.title.partition(" (")[0] for each in node.receiver.got] == [
            "mast: WARNING 1 thing to look up",
            "mast: WARNING a start of gn failed: no heartbeat in time",
        ]
        assert len({each.id for each in node.receiver.got}) == 1

    play(tmp_path, scene)


# --- The service ------------------------------------------------------------------------------------------------------


def test_at_the_very_first_start_what_stands_is_told_and_what_was_is_not(tmp_path: Path) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            node = Node(tmp_path, nursery)
            node.service.happen(50)
            node.service.problems = [problem("fan:1")]
            await node.begin()
            await trio.sleep(60)  # the service is not there yet
            await node.serve()
            await trio.sleep(20)  # at once: what is critical is gathered for 5 s
            [only] = node.receiver.got
            assert "CRITICAL  it is not fed" in only.body
            assert only.things == 1
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_at_a_very_first_start_before_the_log_is_open_what_was_is_not_told_either(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        await node.kill()
        node.disk.path.unlink()
        node.service.happen(50)
        node.service.is_open = False
        node.service.problems = [problem("store.unavailable")]
        await node.begin()
        await trio.sleep(60)
        assert [each.title for each in node.receiver.got] == ["mast: CRITICAL it is not fed"]
        node.service.is_open = True
        await trio.sleep(60)
        node.service.happen(device="cs")
        await trio.sleep(60)
        [_, only] = node.receiver.got
        assert only.title == "mast: WARNING a start of cs failed: no heartbeat in time"

    play(tmp_path, scene)


def test_a_log_that_was_replaced_is_said_to_be_and_what_stands_is_asked_for(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        node.service.write(began(0, "fan:1"))
        await trio.sleep(60)
        await node.leave()
        node.service.replace()
        node.service.happen(2)
        await node.serve()
        await trio.sleep(120)
        assert [each.things for each in node.receiver.got] == [1, 4]
        body = node.receiver.got[1].body
        assert "the log was replaced by a new one" in body
        assert "OVER      it is not fed (when it ended was not seen)" in body

    play(tmp_path, scene)


def test_what_is_no_longer_in_the_log_is_said_to_be_missing(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        await node.kill()
        node.service.happen(10)
        node.service.prune(7)
        await node.begin()
        await trio.sleep(60)
        [only] = node.receiver.got
        assert "7 events between 1 and 7 are no longer in the log" in only.body
        assert only.things == 4

    play(tmp_path, scene)


@pytest.mark.parametrize("is_killed", [False, True])
def test_what_stands_after_a_gap_is_asked_for_until_it_is_known_be_it_after_a_kill(tmp_path: Path, is_killed: bool) -> None:
    """What began among the missing events is known from nothing else."""

    async def scene(node: Node) -> None:
        await node.kill()
        node.service.happen(7)
        node.service.prune(7)
        node.service.problems = [problem("fan:1")]
        node.service.hangs = True
        await node.begin()
        await trio.sleep(60)
        assert ["7 events between 1 and 7" in each.body for each in node.receiver.got] == [True]
        if is_killed:
            await node.kill()
            await node.begin()
        node.service.hangs = False
        await trio.sleep(60)
        assert [each.title for each in node.receiver.got[1:]] == ["mast: CRITICAL it is not fed"]

    play(tmp_path, scene)


def test_a_service_that_is_away_for_long_is_told_of_and_when_it_is_back_too(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        node.nursery.start_soon(node.watch.run)
        await node.leave()
        await trio.sleep(AWAY_S - 30)
        assert not node.receiver.got
        await trio.sleep(120)
        assert "the service cannot be reached" in node.receiver.got[0].title
        await node.kill()
        await node.begin()
        await trio.sleep(60)
        assert len(node.receiver.got) == 1
        await node.serve()
        await trio.sleep(120)
        assert node.receiver.got[1].title == "mast: OVER the service can be reached again"

    play(tmp_path, scene)


def test_who_may_not_look_is_told_so(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        node.service.refuses = True
        await node.leave()
        await node.serve()
        await trio.sleep(60)

    with pytest.raises(BaseExceptionGroup) as caught:
        play(tmp_path, scene)
    assert caught.group_contains(ClientError)


def test_a_service_that_has_no_room_for_another_client_at_the_very_first_start_is_waited_for(tmp_path: Path) -> None:
    async def scene(node: Node) -> None:
        await node.kill()
        node.disk.path.unlink()
        node.service.refuses, node.service.refusal = True, "too many clients: try again later"
        node.service.problems = [problem("fan:1")]
        await node.begin()
        await trio.sleep(60)
        assert [line for line in node.said if "waiting for the service: too many clients" in line]
        node.service.refuses = False
        await trio.sleep(60)
        assert [each.title for each in node.receiver.got] == ["mast: CRITICAL it is not fed"]

    play(tmp_path, scene)


# --- Whether all is well ----------------------------------------------------------------------------------------------


def test_all_is_well_while_the_service_answers_nothing_critical_stands_and_everybody_can_be_told(tmp_path: Path) -> None:
    def judged(node: Node, *, despite: bool = False) -> str | None:
        assert node.courier is not None
        config = NotifyConfig(Program(), (), Alive(Pulse(despite_problems=despite), "https://example.org/ping"))
        return obstacle(config, node.watch, [node.courier])

    async def scene(node: Node) -> None:
        await node.watch.look()
        assert judged(node) is None
        node.service.problems = [problem("fan:1", "warning")]
        await node.watch.look()
        assert judged(node) is None
        node.service.problems = [problem("fan:1")]
        await node.watch.look()
        assert judged(node) == "something critical stands"
        assert judged(node, despite=True) is None
        node.receiver.trouble = "no route to host"
        node.service.happen()
        await trio.sleep(STUCK_S + 60)
        assert judged(node, despite=True) == "mail cannot be told"
        await node.leave()
        await node.watch.look()
        assert judged(node, despite=True) == "the service does not answer"

    play(tmp_path, scene)
