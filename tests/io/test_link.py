import random
from collections.abc import Awaitable, Callable
from functools import partial
from math import inf
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.io.faults import Delay, Duplication, Garbage, HangUp, Loss, OneByteAtATime, Stall, faulty
from wagman.io.serial.link import BACKOFF_MAX_S, MAX_OVERDUE, Answer, Link, retry
from wagman.io.serial.transport import Opener, Transport, stream_opener
from wagman.io.v3 import codec as v3
from wagman.io.v3.codec import Event, Log
from wagman.model.errors import BoardError, BoardProtocolError, BoardTimeoutError, LinkBusyError, LinkGoneError

RESYNC = b"~\n"


@define
class Listener:
    """A listener that writes down what it is told, and when."""

    what: list[tuple[float, Any]] = field(factory=list)

    def on_up(self) -> None:
        self.what.append((trio.current_time(), "up"))

    def on_down(self, reason: str) -> None:
        self.what.append((trio.current_time(), f"down: {reason}"))

    def on_event(self, event: Event, at_s: float) -> None:
        self.what.append((at_s, event))

    @property
    def order(self) -> list[Any]:
        return [what for _, what in self.what]


@define
class Wire:
    """Where the tests stand: it opens memory streams and keeps the board's ends of them."""

    boards: list[trio.abc.Stream] = field(factory=list)
    opened_at_s: list[float] = field(factory=list)
    refusals: list[Exception] = field(factory=list)  # what the next attempts to open raise
    serve: Callable[[trio.abc.Stream], None] = lambda board: None

    async def open(self) -> trio.abc.Stream:
        self.opened_at_s.append(trio.current_time())
        if self.refusals:
            raise self.refusals.pop(0)
        ours, boards = trio.testing.memory_stream_pair()
        self.boards.append(boards)
        self.serve(boards)
        return ours

    @property
    def board(self) -> trio.abc.Stream:
        return self.boards[-1]

    async def say(self, *lines: str) -> None:
        await self.board.send_all("".join(f"{line}\r\n" for line in lines).encode())

    async def answer(self, sid: str, *lines: str) -> None:
        await self.say(f"<<<- sid={sid} up", *lines, "->>>")

    async def heard(self) -> bytes:
        return bytes(await self.board.receive_some())


@define
class Stage:
    """A link, the wire it hangs on, and what it told."""

    link: Link[Event]
    wire: Wire
    told: Listener
    nursery: trio.Nursery

    def ask(self, sid: str, timeout_s: float = 2.0) -> Awaitable[Answer[tuple[str, ...]]]:
        return self.link.request(v3.encode(sid, ["up"]), v3.reply_to(sid, "up", tuple), timeout_s)

    def asking(self, sid: str, timeout_s: float = 2.0) -> list[Any]:
        """Ask in a task of its own; the result, or the error, is put into the list that is returned."""
        result: list[Any] = []

        async def keep() -> None:
            try:
                result.append(await self.ask(sid, timeout_s))
            except BoardError as error:
                result.append(error)

        self.nursery.start_soon(keep)
        return result


def play(
    scene: Callable[[Stage], Awaitable[None]],
    *,
    refusals: tuple[Exception, ...] = (),
    worse: Callable[[Opener], Opener] = lambda opener: opener,
    told: Listener | None = None,
) -> None:
    """Run a scene in virtual time, with the link up already unless opening is refused."""

    async def main() -> None:
        wire, listener = Wire(refusals=list(refusals)), told or Listener()
        link = Link(worse(stream_opener(wire.open)), v3.Decoder, listener, resync=RESYNC)
        with trio.fail_after(10_000):
            async with trio.open_nursery() as nursery:
                await nursery.start(link.run)
                await trio.testing.wait_all_tasks_blocked()
                await scene(Stage(link, wire, listener, nursery))
                nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


settle = trio.testing.wait_all_tasks_blocked
GONE = FileNotFoundError(2, "no such port")
BUSY = BlockingIOError(11, "held")

# --- Opening ----------------------------------------------------------------------------------------------------------


def test_a_port_that_is_not_there_is_tried_again_with_growing_pauses() -> None:
    async def scene(stage: Stage) -> None:
        await trio.sleep(30)
        begin = stage.wire.opened_at_s[0]
        assert [round(at - begin, 3) for at in stage.wire.opened_at_s] == [0, 0.2, 0.6, 1.4, 3.0, 6.2, 11.2, 16.2]
        assert stage.told.order == ["down: no such port", "up"]
        assert stage.link.is_up

    play(scene, refusals=(GONE,) * 7)


def test_a_port_that_another_process_holds_at_first_ends_the_run() -> None:
    with pytest.RaisesGroup(LinkBusyError):
        play(lambda stage: settle(), refusals=(BUSY,))


def test_a_port_that_another_process_takes_later_is_an_outage() -> None:
    async def scene(stage: Stage) -> None:
        assert stage.link.down_reason == "no such port"
        await trio.sleep(0.3)
        assert "held" in str(stage.link.down_reason)
        await trio.sleep(1)
        assert stage.told.order == ["down: no such port", "up"]

    play(scene, refusals=(GONE, BUSY))


def test_a_connection_that_hangs_up_is_opened_again() -> None:
    async def scene(stage: Stage) -> None:
        await stage.wire.board.aclose()
        await trio.sleep(1)
        assert stage.link.down_reason is None
        assert stage.link.is_up
        assert stage.told.order == ["up", "down: the port hung up", "up"]

    play(scene)


def test_a_connection_that_keeps_hanging_up_at_once_is_opened_ever_more_rarely() -> None:
    async def scene(stage: Stage) -> None:
        for _ in range(60):
            await trio.sleep(1)
            await stage.wire.board.aclose()
        assert len(stage.wire.boards) < 20

    play(scene)


def test_a_connection_that_lived_a_while_is_opened_again_at_once() -> None:
    async def scene(stage: Stage) -> None:
        await trio.sleep(100)
        await stage.wire.board.aclose()
        await trio.sleep(BACKOFF_MAX_S)
        hung_up_at_s = trio.current_time()
        await stage.wire.board.aclose()
        await trio.sleep(1)
        assert stage.wire.opened_at_s[-1] - hung_up_at_s == pytest.approx(0.4)

    play(scene, refusals=(GONE,) * 8)


def test_each_connection_begins_with_a_new_decoder() -> None:
    async def scene(stage: Stage) -> None:
        await stage.wire.board.send_all(b"<<<- sid=w1 up\r\n64")
        await settle()
        await stage.wire.board.aclose()
        await trio.sleep(1)
        await stage.wire.say("14", "->>>", "log: gn heartbeat")
        await settle()
        assert stage.told.order[-3:] == [v3.Junk(b"14"), v3.Junk(b"->>>"), Log("gn", "heartbeat")]

    play(scene)


def test_the_link_can_be_dropped_to_be_opened_anew() -> None:
    async def scene(stage: Stage) -> None:
        result = stage.asking("w1")
        await settle()
        stage.link.hang_up("deaf")
        stage.link.hang_up("deaf twice")
        assert not stage.link.is_up
        await settle()
        assert str(result[0]) == "deaf"
        await trio.sleep(1)
        assert stage.told.order == ["up", "down: deaf", "up"]

    play(scene)


class Impatient(Listener):
    """Drops the link at the first event."""

    link: Link[Event] | None = None

    def on_event(self, event: Event, at_s: float) -> None:
        super().on_event(event, at_s)
        if self.link:
            self.link.hang_up("enough")


def test_nothing_is_told_of_a_connection_that_was_dropped() -> None:
    told = Impatient()

    async def scene(stage: Stage) -> None:
        told.link = stage.link
        await stage.wire.say("log: gn heartbeat", "log: cs heartbeat")
        await settle()
        assert told.order == ["up", Log("gn", "heartbeat"), "down: enough"]

    play(scene, told=told)


# --- Reading ----------------------------------------------------------------------------------------------------------


def test_events_are_told_in_order_with_the_time_at_which_they_were_read() -> None:
    async def scene(stage: Stage) -> None:
        assert stage.link.last_heard_s is None
        await trio.sleep(3)
        await stage.wire.say("log: gn heartbeat", "log: cs heartbeat")
        await settle()
        now = trio.current_time()
        assert stage.told.what[1:] == [(now, Log("gn", "heartbeat")), (now, Log("cs", "heartbeat"))]
        assert stage.link.last_heard_s == now

    play(scene)


def test_an_answer_is_matched_between_the_events_around_it() -> None:
    order: list[Any] = []

    async def scene(stage: Stage) -> None:
        stage.told.what = order

        def match(event: Event) -> bool | None:
            order.append(("matching", event))
            return True if isinstance(event, v3.Reply) else None

        stage.nursery.start_soon(stage.link.request, b"@w1 up\n", match, 2.0)
        await settle()
        await stage.wire.say("log: gn heartbeat", "<<<- sid=w1 up", "->>>", "log: cs heartbeat")
        await settle()
        kinds = [what if mark == "matching" else "told" for mark, what in order]
        gn, reply = Log("gn", "heartbeat"), v3.Reply("w1", "up")
        assert kinds == [gn, "told", reply, "told"]

    play(scene)


class Failing(Listener):
    """Has a bug in what it does with events."""

    def on_event(self, event: Event, at_s: float) -> None:
        raise ZeroDivisionError


def test_a_failing_listener_ends_the_run_and_is_told_that_the_link_is_down() -> None:
    told = Failing()

    async def scene(stage: Stage) -> None:
        await stage.wire.say("log: gn heartbeat")
        await trio.sleep(1)

    with pytest.RaisesGroup(ZeroDivisionError):
        play(scene, told=told)
    assert told.order == ["up", "down: the reader failed"]


# --- Asking -----------------------------------------------------------------------------------------------------------


def test_a_request_gets_its_answer_with_the_times_of_both() -> None:
    async def scene(stage: Stage) -> None:
        begin = trio.current_time()
        result = stage.asking("w1")
        await trio.sleep(1)
        await stage.wire.answer("w1", "42")
        await settle()
        assert result == [Answer(("42",), begin, begin + 1)]
        assert stage.told.order == ["up"]

    play(scene)


def test_the_first_request_of_a_connection_and_the_first_after_a_time_out_go_behind_a_resync() -> None:
    async def scene(stage: Stage) -> None:
        sent = []
        for sid, is_answered in (("w1", True), ("w2", True), ("w3", False), ("w4", True), ("w5", True)):
            stage.asking(sid)
            await settle()
            sent.append(await stage.wire.heard())
            if is_answered:
                await stage.wire.answer(sid)
            await trio.sleep(3)
        assert sent == [RESYNC + b"@w1 up\n", b"@w2 up\n", b"@w3 up\n", RESYNC + b"@w4 up\n", b"@w5 up\n"]

    play(scene)


def test_one_request_is_in_flight_at_a_time_and_they_take_turns() -> None:
    async def scene(stage: Stage) -> None:
        results = [stage.asking(f"w{n}") for n in range(3)]
        await settle()
        order = []
        for n in range(3):
            sent = await stage.wire.heard()
            assert sent.count(b"@") == 1
            sid = sent.split(b"@")[1].split()[0].decode()
            order.append(sid)
            assert [bool(result) for result in results].count(True) == n
            await stage.wire.answer(sid, sid)
            await settle()
        assert sorted(result[0].value[0] for result in results) == sorted(order) == ["w0", "w1", "w2"]

    play(scene)


def test_turns_are_taken_in_the_order_of_asking() -> None:
    async def scene(stage: Stage) -> None:
        for n in range(4):
            stage.asking(f"w{n}")
            await settle()
        for n in range(4):
            assert f"@w{n} ".encode() in await stage.wire.heard()
            await stage.wire.answer(f"w{n}")
            await settle()

    play(scene)


def test_a_request_without_an_answer_times_out_counted_from_its_turn() -> None:
    async def scene(stage: Stage) -> None:
        begin = trio.current_time()
        first, second = stage.asking("w1"), stage.asking("w2")
        await trio.sleep(3.9)
        assert [bool(first), bool(second)].count(True) == 1
        await trio.sleep(0.2)
        assert all(isinstance(result[0], BoardTimeoutError) for result in (first, second))
        assert trio.current_time() - begin < 4.2
        assert stage.link.is_up

    play(scene)


def test_a_late_answer_is_dropped_and_counted_and_the_next_request_gets_its_own() -> None:
    async def scene(stage: Stage) -> None:
        late = stage.asking("w1")
        await trio.sleep(3)
        assert isinstance(late[0], BoardTimeoutError)
        result = stage.asking("w2")
        await settle()
        await stage.wire.answer("w1", "old")
        await stage.wire.answer("w2", "new")
        await settle()
        assert result[0].value == ("new",)
        assert stage.link.late_answers == 1
        assert stage.told.order == ["up"]

    play(scene)


def test_a_late_answer_is_known_on_the_next_connection_too() -> None:
    async def scene(stage: Stage) -> None:
        stage.asking("w1")
        await settle()
        await stage.wire.board.aclose()
        await trio.sleep(1)
        await stage.wire.answer("w1", "old")
        await settle()
        assert stage.told.order == ["up", "down: the port hung up", "up"]
        assert stage.link.late_answers == 1

    play(scene)


def test_the_requests_that_are_remembered_are_few() -> None:
    async def scene(stage: Stage) -> None:
        for n in range(3 * MAX_OVERDUE):
            with pytest.raises(BoardTimeoutError):
                await stage.ask(f"w{n}", 0.1)
        assert len(stage.link._overdue) == MAX_OVERDUE

    play(scene)


def test_an_answer_at_the_very_moment_of_the_time_out_counts() -> None:
    async def scene(stage: Stage) -> None:
        result = stage.asking("w1", timeout_s=2.0)
        await settle()
        await trio.sleep(2.0)
        await stage.wire.answer("w1", "42")
        await settle()
        counted = stage.link.late_answers + (isinstance(result[0], Answer))
        assert counted == 1

    play(scene)


def test_a_request_is_told_at_once_that_the_link_goes_down() -> None:
    async def scene(stage: Stage) -> None:
        result = stage.asking("w1", timeout_s=60)
        await settle()
        begin = trio.current_time()
        await stage.wire.board.aclose()
        await settle()
        assert isinstance(result[0], LinkGoneError)
        assert trio.current_time() == begin

    play(scene)


def test_a_request_is_told_at_once_that_the_link_is_down() -> None:
    async def scene(stage: Stage) -> None:
        begin = trio.current_time()
        with pytest.raises(LinkGoneError, match="no such port"):
            await stage.ask("w1")
        assert trio.current_time() == begin

    play(scene, refusals=(GONE,))


def test_a_request_before_the_run_is_told_that_there_is_no_link() -> None:
    async def main() -> None:
        link = Link(stream_opener(Wire().open), v3.Decoder, Listener())
        with pytest.raises(LinkGoneError, match="not opened yet"):
            await link.request(b"@w1 up\n", v3.frame_of("w1", "up"), 1)

    trio.run(main)


def test_what_a_match_finds_wrong_is_the_requests_own_trouble() -> None:
    async def scene(stage: Stage) -> None:
        def parse(lines: tuple[str, ...]) -> int:
            raise BoardProtocolError(f"odd: {lines}")

        async def ask() -> None:
            with pytest.raises(BoardProtocolError, match="odd"):
                await stage.link.request(b"@w1 up\n", v3.reply_to("w1", "up", parse), 2.0)

        stage.nursery.start_soon(ask)
        await settle()
        await stage.wire.answer("w1", "x")
        await settle()
        assert stage.link.is_up
        result = stage.asking("w2")
        await settle()
        await stage.wire.answer("w2", "42")
        await settle()
        assert result[0].value == ("42",)

    play(scene)


def test_a_second_copy_of_an_answer_is_an_event_like_any_other() -> None:
    async def scene(stage: Stage) -> None:
        result = stage.asking("w1")
        await settle()
        await stage.wire.answer("w1", "1")
        await stage.wire.answer("w1", "2")
        await settle()
        assert result[0].value == ("1",)
        assert stage.told.order[1:] == [v3.Reply("w1", "up", ("2",))]

    play(scene)


def test_to_cancel_a_request_that_waits_costs_nothing() -> None:
    async def scene(stage: Stage) -> None:
        with trio.move_on_after(1):
            await stage.ask("w1")
        await stage.wire.answer("w1", "late")
        result = stage.asking("w2")
        await settle()
        await stage.wire.answer("w2", "42")
        await settle()
        assert result[0].value == ("42",)
        assert stage.told.order == ["up"]
        assert stage.link.late_answers == 1

    play(scene)


def test_a_request_that_is_cancelled_as_its_turn_comes_costs_nothing() -> None:
    async def scene(stage: Stage) -> None:
        second = trio.CancelScope()

        async def ask_first() -> None:
            await stage.ask("w1")
            second.cancel()

        async def ask_second() -> None:
            with second:
                await stage.ask("w2")

        stage.nursery.start_soon(ask_first)
        await settle()
        stage.nursery.start_soon(ask_second)
        await settle()
        await stage.wire.answer("w1")
        await settle()
        assert second.cancelled_caught
        assert stage.told.order == ["up"]

    play(scene)


def stalled_writes(opener: Opener) -> Opener:
    """The first connection takes no bytes for ever; those after it do."""
    until_s = iter((inf,))
    return faulty(opener, lambda inner: Stall(inner, 0.0, next(until_s, 0.0), writes=True))


def test_a_write_that_blocks_times_out_and_costs_the_connection() -> None:
    async def scene(stage: Stage) -> None:
        begin = trio.current_time()
        with pytest.raises(BoardTimeoutError):
            await stage.ask("w1", timeout_s=2.0)
        assert trio.current_time() - begin == 2.0
        assert not stage.link.is_up
        await trio.sleep(1)
        assert stage.told.order == ["up", "down: a write was cut short", "up"]
        stage.asking("w2")
        assert await stage.wire.heard() == RESYNC + b"@w2 up\n"

    play(scene, worse=stalled_writes)


def test_a_write_that_is_cancelled_costs_the_connection() -> None:
    async def scene(stage: Stage) -> None:
        with trio.move_on_after(1):
            await stage.ask("w1")
        assert not stage.link.is_up

    play(scene, worse=stalled_writes)


def test_a_request_that_still_writes_is_told_at_once_that_the_link_goes_down() -> None:
    async def scene(stage: Stage) -> None:
        result = stage.asking("w1", timeout_s=60)
        await settle()
        await stage.wire.board.aclose()
        await settle()
        assert isinstance(result[0], LinkGoneError)
        await trio.sleep(1)
        assert stage.told.order == ["up", "down: the port hung up", "up"]

    play(scene, worse=stalled_writes)


# --- Repeating --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "result"),
    [
        ([1], 1),
        ([BoardTimeoutError(), 2], 2),
        ([BoardProtocolError(), BoardTimeoutError(), 3], 3),
        ([BoardTimeoutError()] * 3, BoardTimeoutError),
        ([LinkGoneError(), 2], LinkGoneError),
    ],
)
def test_a_request_is_repeated_until_it_is_answered_or_the_link_is_gone(outcomes: list[Any], result: Any) -> None:
    left = iter(outcomes)

    async def ask() -> Any:
        outcome = next(left)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    if isinstance(result, int):
        assert trio.run(retry, ask, 3) == result
    else:
        with pytest.raises(result):
            trio.run(retry, ask, 3)


# --- Whatever the wire does -------------------------------------------------------------------------------------------

FAULTS = st.one_of(
    st.just(OneByteAtATime),
    st.builds(lambda share, seed: partial(Loss, rng=random.Random(seed), share=share), st.floats(0, 0.1), st.integers(0, 99)),
    st.builds(
        lambda share, seed: partial(Duplication, rng=random.Random(seed), share=share), st.floats(0, 0.1), st.integers(0, 99)
    ),
    st.builds(lambda share, seed: partial(Garbage, rng=random.Random(seed), share=share), st.floats(0, 0.1), st.integers(0, 99)),
    st.builds(lambda delay_s: partial(Delay, delay_s=delay_s), st.floats(0, 3)),
    st.builds(lambda from_s, for_s: partial(Stall, from_s=from_s, until_s=from_s + for_s), st.floats(0, 20), st.floats(0, 9)),
    st.builds(
        lambda from_s, for_s: partial(Stall, from_s=from_s, until_s=from_s + for_s, writes=True),
        st.floats(0, 20),
        st.floats(0, 9),
    ),
    st.builds(lambda after_bytes: partial(HangUp, after_bytes=after_bytes), st.integers(0, 400)),
)


async def echo(board: trio.abc.Stream) -> None:
    """A board that answers each request with its own sid, after a beat."""
    buffer = b""
    with trio.CancelScope():
        while data := await board.receive_some():
            *lines, buffer = (buffer + bytes(data)).split(b"\n")
            for line in lines:
                if line.startswith(b"@"):
                    sid = line.split()[0][1:]
                    await board.send_all(b"log: gn heartbeat\r\n<<<- sid=%b up\r\n%b\r\n->>>\r\n" % (sid, sid))


async def serve(board: trio.abc.Stream) -> None:
    try:
        await echo(board)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        await board.aclose()


@settings(max_examples=60, deadline=None)
@given(faults=st.lists(FAULTS, max_size=3), schedule=st.random_module())
def test_every_request_ends_in_time_and_with_its_own_answer_whatever_the_wire_does(faults: list[Any], schedule: object) -> None:
    corrupts = any(isinstance(fault, partial) and fault.func in (Loss, Duplication, Garbage) for fault in faults)

    async def scene(stage: Stage) -> None:
        stage.wire.serve = lambda board: stage.nursery.start_soon(serve, board)
        stage.nursery.start_soon(serve, stage.wire.board)
        for number in range(20):
            begin = trio.current_time()
            try:
                answer = await stage.ask(f"w{number}", timeout_s=2.0)
            except (BoardTimeoutError, LinkGoneError):
                await trio.sleep(0.5)
            else:
                assert corrupts or answer.value == (f"w{number}",)
                assert begin <= answer.asked_at_s <= answer.at_s <= begin + 2.001
            assert trio.current_time() - begin <= 2.501

    play(scene, worse=lambda opener: faulty(opener, *faults))


def test_a_perfect_wire_answers_every_request() -> None:
    async def scene(stage: Stage) -> None:
        stage.nursery.start_soon(serve, stage.wire.board)
        for number in range(50):
            assert (await stage.ask(f"w{number}")).value == (f"w{number}",)
        assert stage.told.order.count(Log("gn", "heartbeat")) == 50
        assert stage.link.late_answers == 0

    play(scene)


def test_slow_answers_are_all_late_and_none_is_taken_for_another() -> None:
    async def scene(stage: Stage) -> None:
        stage.nursery.start_soon(serve, stage.wire.board)
        for number in range(5):
            with pytest.raises(BoardTimeoutError):
                await stage.ask(f"w{number}", timeout_s=2.0)
        await trio.sleep(10)
        assert stage.link.late_answers == 5

    def slow(inner: Transport) -> Transport:
        return Delay(inner, 2.5)

    play(scene, worse=lambda opener: faulty(opener, slow))
