"""The task of a guest: what one incarnation leaves to the next."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from wagman.config.schema import DeviceConfig
from wagman.fsm import guest as machine
from wagman.fsm.alarms import Alarm
from wagman.fsm.guest.booting import Relay, Starting
from wagman.fsm.guest.halting import HaltMessage, Restarting, Stopping
from wagman.fsm.guest.inputs import Message, Operator, WagmanStart
from wagman.fsm.guest.started import Started
from wagman.fsm.scheduler import View
from wagman.model.catalogue import severity_of
from wagman.model.facts import Answered, Beat, Draft, Listened, PowerFound, PowerGoal, PowerLost, Verb
from wagman.store import Event, Journal, Limits, Store, inline
from wagman.store.decisions import Decision, Entry
from wagman.store.event import utc_now
from wagman.tasks.contain import contained
from wagman.tasks.guest import Guest
from wagman.tasks.letters import Letter
from wagman.tasks.messages import Delivery
from wagman.tasks.moments import Clocks, Stamp


@define
class Around:
    goals: list[PowerGoal] = field(factory=list)
    decisions: int = 0
    looks: list[str] = field(factory=list)

    def want(self, name: str, goal: PowerGoal) -> None:
        self.goals.append(goal)

    def view_changed(self, view: View) -> None:
        pass

    def decided(self) -> None:
        self.decisions += 1

    def neighbours(self, name: str) -> tuple[Sequence[str], Sequence[str]]:
        return (), ()

    def look(self, name: str) -> None:
        self.looks.append(name)

    def start_refused(self, name: str, reason: str) -> None:
        pass


async def crashing(command: Sequence[str], env: Mapping[str, str], timeout_s: float) -> Delivery:
    raise RuntimeError("a defect in the messenger")


def guest_of(folder: Path, around: Around, tell: Callable[[Event], None] = lambda _event: None) -> Guest:
    store = Store(folder / "wagman.db", Limits(1000, 2**22), new_log_id=lambda: "log")
    journal = Journal(store, boot_id="boot", wall=utc_now, blocking=inline, tell=tell, collapse=frozenset())
    config = DeviceConfig("gn", 1, shutdown=("halt",))
    return Guest(config, journal, around, crashing, Clocks(lambda: "now", lambda: Stamp("boot", 0.0)), state=Started())


@asynccontextmanager
async def running(guest: Guest) -> AsyncIterator[None]:
    """The guest's task and its journal's, until the end of the block."""
    async with trio.open_nursery() as nursery:
        await nursery.start(guest.journal.run)
        nursery.start_soon(guest.run)
        yield
        nursery.cancel_scope.cancel()


async def silence(guest: Guest, length_s: float) -> None:
    """Polls that show that the guest has not been heard, for so long."""
    began_s = trio.current_time()
    while trio.current_time() < began_s + length_s:
        await trio.sleep(5)
        guest.tell(Answered(trio.current_time()))
        guest.tell(Listened(trio.current_time(), began_s))


def test_a_message_that_went_down_with_the_task_is_not_waited_for(tmp_path: Path) -> None:
    around, crashes = Around(), list[Any]()

    async def main() -> None:
        guest = guest_of(tmp_path, around)
        await guest.journal.load()
        async with trio.open_nursery() as nursery:
            await nursery.start(guest.journal.run)
            nursery.start_soon(contained, "gn", guest.run, lambda name, error: crashes.append((name, error)))
            await trio.sleep(1)
            guest.inbox.tell(Beat(trio.current_time()))
            await guest.ask(Operator("stop"), None)
            await silence(guest, 2 * guest.config.stop_silence_s)
            assert isinstance(guest.state, machine.Stopped)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert len(crashes) == 1
    assert around.goals[-1].level == "off"


def test_a_beat_that_is_told_late_does_not_take_back_a_later_one(tmp_path: Path) -> None:
    """The board tells of what it heard while the link was out; the control interface has told of the guest meanwhile."""

    async def main() -> None:
        guest = guest_of(tmp_path, Around())
        await guest.journal.load()
        async with running(guest):
            await trio.sleep(1000)
            now_s = trio.current_time()
            guest.inbox.tell(Beat(now_s, "control"))
            guest.inbox.tell(Beat(now_s - 900, "poll"))
            guest.inbox.tell(Listened(now_s, now_s - 900))
            await trio.sleep(1)
            assert isinstance(guest.state, Started)
            assert guest.beat_at_s == now_s

    trio.run(main, clock=MockClock(autojump_threshold=0))


DISABLED = Entry(1, wanted="down", enabled=False, decision=Decision(7, "disable", "pid 12", 1000, "2026-06-01T12:00:00.000Z"))


@pytest.mark.parametrize("state", [machine.Stopped(), Started()])
def test_a_decision_and_what_it_made_of_the_guest_are_never_of_different_ages(tmp_path: Path, state: machine.State) -> None:
    """A kill between the two would leave a decision that says nothing: to be disabled, and wanted up."""

    async def main() -> None:
        guest = guest_of(tmp_path, Around())
        guest.state, guest.messenger = state, at_once
        await guest.journal.load()
        guest.merge(DISABLED, 7)
        assert guest.entry == DISABLED
        saved = guest.saved()
        assert (saved["decision"]["serial"], saved["memory"]["wanted"], saved["memory"]["enabled"]) == (7, "down", False)
        assert not guest.view().due
        async with running(guest):
            await trio.sleep(1)
        assert guest.entry == DISABLED
        assert isinstance(guest.state, machine.Stopped | Stopping)

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_what_a_guest_knows_already_is_no_news(tmp_path: Path) -> None:
    told = list[Event]()

    async def main() -> None:
        guest = guest_of(tmp_path, Around(), told.append)
        guest.messenger = at_once
        await guest.journal.load()
        for past in (evolve(DISABLED, port=4, left="off"), DISABLED):
            guest.merge(past, 7)
        async with running(guest):
            await trio.sleep(1)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert [event.type for event in told].count("device.recalled") == 1


def test_who_has_decided_before_the_past_is_known_has_decided_later(tmp_path: Path) -> None:
    async def main() -> None:
        guest = guest_of(tmp_path, Around())
        guest.state = machine.Stopped()
        await guest.journal.load()
        stopped = Decision(1, "stop", "pid 13", 1000, "2026-06-01T13:00:00.000Z")
        async with running(guest):
            await guest.ask(Operator("stop"), None, stopped)
            for above in (70, 2):
                guest.merge(Entry(1, decision=Decision(above, "start", "pid 12", 1000, "2026-06-01T12:00:00.000Z")), above)
        assert guest.entry == Entry(1, wanted="down", decision=evolve(stopped, serial=73))

    trio.run(main, clock=MockClock(autojump_threshold=0))


@pytest.mark.parametrize("enabled", [True, False])
def test_a_request_that_waits_while_the_past_comes_to_be_known_is_decided_after_it(tmp_path: Path, *, enabled: bool) -> None:
    async def main() -> None:
        guest = guest_of(tmp_path, Around())
        guest.state = machine.Stopped()
        await guest.journal.load()
        before, started = evolve(DISABLED, enabled=enabled), Decision(1, "start", "pid 13", 1000, "2026-06-01T13:00:00.000Z")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(guest.ask, Operator("start"), None, started)
            await trio.testing.wait_all_tasks_blocked()
            guest.merge(before, 7)
            async with running(guest):
                await trio.sleep(1)
        if enabled:
            assert guest.entry == Entry(1, decision=evolve(started, serial=8))
            assert isinstance(guest.state, Starting)
        else:
            assert guest.entry == before  # the request is refused, as it would have been a moment later

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_a_decision_that_changes_nothing_of_what_holds_is_kept_all_the_same(tmp_path: Path) -> None:
    """Who decided last, and when, is told; and by its number it is known which of two memories is newer."""
    around = Around()
    verbs: Sequence[Verb] = ("stop", "stop", "disable", "disable")

    async def main() -> None:
        guest = guest_of(tmp_path, around)
        guest.messenger = at_once
        await guest.journal.load()
        async with running(guest):
            for serial, verb in enumerate(verbs, start=1):
                decision = Decision(serial, verb, "pid 12", 1000, "2026-06-01T12:00:00.000Z")
                await guest.ask(Operator(verb), None, decision)
                assert (guest.decision, around.decisions) == (decision, serial)
            guest.inbox.tell(Beat(trio.current_time()))
            await trio.sleep(1)
        assert around.decisions == 4

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_a_start_that_a_guest_refuses_is_none_that_it_has_carried_out(tmp_path: Path) -> None:
    """The scheduler tells by them whether a view is of before its start or of after it."""

    async def main() -> None:
        guest = guest_of(tmp_path, Around())
        await guest.journal.load()
        async with running(guest):
            for state, starts in ((Started(), 0), (machine.Stopped(), 1), (Starting(), 1)):
                guest.state = state
                guest.inbox.tell(Letter(WagmanStart()))
                await trio.sleep(1)
                assert guest.view().starts == starts

    trio.run(main, clock=MockClock(autojump_threshold=0))


async def at_once(command: Sequence[str], env: Mapping[str, str], timeout_s: float) -> Delivery:
    await trio.lowlevel.checkpoint()
    return Delivery(ok=True, detail="exit status 0")


def test_a_guest_that_was_silent_before_it_was_asked_is_given_its_whole_silence(tmp_path: Path) -> None:
    """The cable was out: the board tells only afterwards when it heard the guest last, which was before the message."""
    around = Around()

    async def main() -> None:
        guest = guest_of(tmp_path, around)
        guest.messenger = at_once
        await guest.journal.load()
        async with running(guest):
            await trio.sleep(100)
            await guest.ask(Operator("stop"), None)
            asked_s, heard_s = trio.current_time(), trio.current_time() - 45
            await trio.sleep(5)
            guest.inbox.tell(Beat(heard_s, "poll"))
            while isinstance(guest.state, Stopping):
                guest.tell(Listened(trio.current_time(), heard_s))
                await trio.sleep(1)
            assert trio.current_time() >= asked_s + guest.config.stop_silence_s

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert around.goals[-1].level == "off"


def test_a_command_that_fails_once_the_guest_has_been_told_calls_for_nobody(tmp_path: Path) -> None:
    """While it halts it beats on for a while, and is told again; by then it may not listen any more."""
    around, codes = Around(), iter([255, 0, 255])

    async def as_it_halts(command: Sequence[str], env: Mapping[str, str], timeout_s: float) -> Delivery:
        await trio.lowlevel.checkpoint()
        code = next(codes)
        return Delivery(ok=code == 0, detail=f"exit status {code}")

    told = list[Event]()

    async def main() -> None:
        guest = guest_of(tmp_path, around, told.append)
        guest.messenger = as_it_halts
        await guest.journal.load()
        async with running(guest):
            await trio.sleep(1)
            await guest.ask(Operator("stop"), None)
            for _ in range(2):
                await trio.sleep(guest.config.shutdown_resend_s + 1)
                guest.inbox.tell(Beat(trio.current_time(), "log"))
            await trio.sleep(1)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    messages = [severity_of(event.type, event.fields) for event in told if event.type == "device.message"]
    assert messages == ["warning", "info", "info"]


def test_a_power_cycle_decided_before_a_report_was_taken_is_not_asked_for(tmp_path: Path) -> None:
    """While a slow disk holds the step up, the guest comes on again: the reconciler would take the goal for an answer to that."""
    around = Around()

    async def slow(call: Callable[[], Any]) -> Any:
        await trio.sleep(20)
        return call()

    async def main() -> None:
        guest = guest_of(tmp_path, around)
        await guest.journal.load()
        guest.journal.blocking, guest.state = slow, Restarting(message=HaltMessage(delivered=True, told_at_s=0.0))
        async with running(guest):
            await trio.sleep(1)
            guest.tell(PowerLost(1.0, "the board restarted", reset=True, report=1))
            await trio.sleep(1)
            guest.tell(PowerFound(2.0, "the board started it", report=2))
            await trio.sleep(30)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    before, *asked = around.goals
    assert (before.cycle, before.taken) == (0, 0)
    assert [(goal.level, goal.cycle, goal.already) for goal in asked if goal.taken == 2] == [("on", 1, True)]


def test_a_report_that_changes_nothing_is_answered_too(tmp_path: Path) -> None:
    """Until then the reconciler does nothing with the port: the guest would wait for its power without end."""
    around = Around()

    async def main() -> None:
        guest = guest_of(tmp_path, around)
        await guest.journal.load()
        guest.state = Starting(relay=Relay(cleared=True))
        async with running(guest):
            await trio.sleep(1)
            guest.tell(PowerFound(2.0, "nobody knows whether the board started it", "unknown", report=1))
            await trio.sleep(1)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert around.goals == [PowerGoal("on", 0, cleared=True), PowerGoal("on", 0, cleared=True, taken=1)]


def test_what_comes_as_a_matter_of_course_wakes_the_task_only_where_an_alarm_has_waited_for_it(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        guest = guest_of(tmp_path, Around())
        await guest.journal.load()
        now_s = trio.current_time()
        guest.alarms.plan({"heartbeat": Alarm(300, proof=True)}, now_s)
        for asked_at_s in (now_s, now_s + 299):
            guest.tell(Answered(asked_at_s))
            guest.tell(Listened(asked_at_s, now_s))
            assert guest.inbox.waiting == 0
        guest.tell(Listened(now_s + 300, now_s))
        assert guest.inbox.waiting == 1

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_what_an_ear_has_heard_comes_before_what_it_says_of_the_silence_since(tmp_path: Path) -> None:
    async def main() -> None:
        guest = guest_of(tmp_path, Around())
        await guest.journal.load()
        now_s = trio.current_time()
        guest.tell(Beat(now_s))
        guest.tell(Listened(now_s, now_s))
        assert isinstance(guest.inbox.take(), Beat)
        assert guest.alarms.listened is None

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_what_a_request_came_to_is_durable_once_it_has_settled(tmp_path: Path) -> None:
    """An operator who was told that it is accepted need not ask again after a power cut."""
    disk_s = 1.0

    async def slow(call: Callable[[], Any]) -> Any:
        await trio.sleep(disk_s)
        return call()

    async def main() -> None:
        guest = guest_of(tmp_path, Around())
        guest.journal.blocking = slow
        await guest.journal.load()
        async with running(guest):
            asked = guest.journal.record([(Draft("command.start", "gn"), None)])
            await trio.sleep(disk_s / 2)  # its commit is under way, and that of what it leads to has to wait
            began_s = trio.current_time()
            assert (await guest.ask(Operator("start"), asked.refs[0])).accepted
            await guest.settled(10 * disk_s)
            assert trio.current_time() - began_s >= disk_s
            receipt = guest._receipt
            assert receipt is not None
            assert receipt.durable

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_a_request_that_was_not_answered_in_time_is_not_carried_out_later(tmp_path: Path) -> None:
    async def main() -> None:
        guest = guest_of(tmp_path, Around())
        await guest.journal.load()
        async with trio.open_nursery() as nursery:
            await nursery.start(guest.journal.run)
            assert not (await guest.ask(Operator("stop"), None)).accepted  # its task does not run
            nursery.start_soon(guest.run)
            await trio.sleep(1)
            assert isinstance(guest.state, Started)
            assert (await guest.ask(Operator("stop"), None)).accepted
            assert isinstance(guest.state, Stopping)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_a_task_that_comes_back_goes_on_with_what_is_left_of_a_backoff(tmp_path: Path) -> None:
    async def main() -> None:
        guest = guest_of(tmp_path, Around())
        guest.state = machine.Stopped(backoff_s=3600.0)
        await guest.journal.load()
        async with trio.open_nursery() as nursery:
            await nursery.start(guest.journal.run)
            with trio.move_on_after(3500):
                await guest.run()
            nursery.start_soon(guest.run)
            await trio.sleep(1)
            assert guest.alarms.remaining_s("backoff", trio.current_time()) == 99.0
            await trio.sleep(100)
            assert guest.state.due(guest.memory)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_all_events_of_a_step_are_one_unit_with_the_state_that_they_tell_of(tmp_path: Path) -> None:
    """Or a power cut between them leaves a log that tells of a step which the guest takes, and tells of, again."""

    async def main() -> None:
        guest = guest_of(tmp_path, Around())
        await guest.journal.load()
        before = len(list(guest.journal.ring))
        guest._record([Draft("device.start_failed", "gn"), Draft("device.stopped", "gn")], None)
        (unit,) = list(guest.journal.ring)[before:]
        assert [each.event.type for each in unit.events] == ["device.start_failed", "device.stopped"]
        assert unit.events[1].cause is unit.events[0].ref
        assert guest.last_event is unit.events[1].ref
        assert list(unit.memory) == [guest.key]
        guest.journal._store.close()

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_what_the_machine_waits_for_is_what_the_guest_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One rule says which command that is: a guest that is waited for without having been told is cut alive."""
    monkeypatch.setattr(Message, "command", lambda message, _config: ("tell", message.kind))
    commands: list[Sequence[str]] = []

    async def reached(command: Sequence[str], env: Mapping[str, str], timeout_s: float) -> Delivery:
        commands.append(command)
        return Delivery(ok=True, detail="exit status 0")

    async def main() -> None:
        guest = guest_of(tmp_path, Around())
        guest.messenger = reached
        await guest.journal.load()
        async with running(guest):
            await guest.ask(Operator("restart"), None)
            await trio.sleep(1)
            state: Any = guest.state
            assert [state.command(guest.config)] == commands == [("tell", "restart")]

    trio.run(main, clock=MockClock(autojump_threshold=0))
