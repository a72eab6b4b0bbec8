"""Signs of life on the connection to a broker, in virtual time: given where nothing else was said, and missed where they stop."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
import trio
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MemorySendStream, MockClock, memory_stream_pair

from wagman.bridges.fleet.broker import CONNECT_S, LinkError, as_link_errors
from wagman.bridges.fleet.broker import Broker as Place
from wagman.bridges.fleet.link import LOOK_S, MOST_BYTES, Link, Message, Wire, _Packets, connected
from wagman.bridges.fleet.staying import stay

KEEPALIVE_S = 60
CONNECT, PUBLISH, PINGREQ, DISCONNECT = 0x1, 0x3, 0xC, 0xE


@define
class Broker:
    """One of MQTT 3.1.1 that acknowledges all it gets, until it is deaf; when each packet came, by its kind."""

    stream: trio.abc.Stream
    to_it: MemorySendStream
    is_deaf: bool = False
    came_s: dict[int, list[float]] = field(factory=dict)
    _rest: deque[int] = field(factory=deque)

    async def serve(self) -> None:
        while True:
            head = await self._take(1)
            body = await self._take((await self._take(1))[0])
            if self.is_deaf:
                continue
            kind = head[0] >> 4
            self.came_s.setdefault(kind, []).append(trio.current_time())
            if kind == CONNECT:
                await self.stream.send_all(b"\x20\x02\x00\x00")
            elif kind == PUBLISH:
                at = 2 + int.from_bytes(body[:2], "big")
                await self.stream.send_all(b"\x40\x02" + body[at : at + 2])
            elif kind == PINGREQ:
                await self.stream.send_all(b"\xd0\x00")

    def takes_in(self, delay_s: float) -> None:
        """What is sent to it arrives that much later from now on."""
        pump = self.to_it.send_all_hook
        assert pump is not None

        async def delay() -> None:
            await trio.sleep(delay_s)
            await pump()

        self.to_it.send_all_hook = delay

    async def _take(self, count: int) -> bytes:
        while len(self._rest) < count:
            self._rest.extend(await self.stream.receive_some())
        return bytes(self._rest.popleft() for _ in range(count))


@pytest.fixture(autouse=True)
def clock_of_paho(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paho.mqtt.client.time_func", trio.current_time)


@asynccontextmanager
async def linked(keepalive_s: float = KEEPALIVE_S) -> AsyncIterator[tuple[Link, Broker]]:
    ours, theirs = memory_stream_pair()
    broker = Broker(theirs, ours.send_stream)
    link = Link("broker:1883", ours, _Packets(Wire(), "v042", is_v5=False, keeps=False))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(broker.serve)
        await link.enter(keepalive_s, 0.0)
        nursery.start_soon(link.write)
        nursery.start_soon(link.watch)
        nursery.start_soon(read, link)
        yield link, broker
        nursery.cancel_scope.cancel()


async def read(link: Link) -> None:
    """Take in whatever comes, as whoever has a link does all the time."""
    while True:
        await link.receive()


async def say(link: Link, pauses_s: list[float]) -> None:
    """Publish after each of these pauses."""
    for pause_s in pauses_s:
        await trio.sleep(pause_s)
        link.publish("t", b"x")


async def heard_of(pauses_s: list[float], then_s: float) -> Broker:
    """What a broker had after we had published so, and been silent for a while."""
    async with linked() as (link, broker):
        await say(link, pauses_s)
        await trio.sleep(then_s)
    return broker


@pytest.mark.trio
async def test_who_says_something_often_enough_gives_no_other_sign_of_life(autojump_clock: MockClock) -> None:
    broker = await heard_of([KEEPALIVE_S - 2 * LOOK_S] * 20, 1.0)
    assert len(broker.came_s[PUBLISH]) == 20
    assert PINGREQ not in broker.came_s


@pytest.mark.trio
async def test_who_says_nothing_gives_a_sign_of_life_each_time(autojump_clock: MockClock) -> None:
    broker = await heard_of([], 10.5 * KEEPALIVE_S)
    assert len(broker.came_s[PINGREQ]) == pytest.approx(10, abs=1)


@given(st.lists(st.floats(0.1, 4 * KEEPALIVE_S), max_size=8), st.floats(0, 4 * KEEPALIVE_S))
def test_a_broker_never_waits_for_longer_than_was_agreed_upon(pauses_s: list[float], then_s: float) -> None:
    broker = trio.run(heard_of, pauses_s, then_s, clock=MockClock(autojump_threshold=0))
    came_s = sorted(at_s for each in broker.came_s.values() for at_s in each)
    gaps_s = [later_s - at_s for at_s, later_s in pairwise(came_s)]
    assert max(gaps_s, default=0.0) <= KEEPALIVE_S + 2 * LOOK_S
    assert len(broker.came_s.get(PINGREQ, [])) <= sum(pauses_s) / KEEPALIVE_S + then_s / KEEPALIVE_S


async def fall_deaf(fell_s: list[float], keepalive_s: float = KEEPALIVE_S) -> None:
    """Have a broker answer nothing any more after a while."""
    async with linked(keepalive_s) as (link, broker):
        await say(link, [10.0])
        await trio.sleep(1)
        broker.is_deaf = True
        fell_s.append(trio.current_time())
        await trio.sleep_forever()


@pytest.mark.trio
async def test_a_broker_that_gives_no_sign_of_life_any_more_is_gone(autojump_clock: MockClock) -> None:
    fell_s: list[float] = []
    with pytest.raises(BaseExceptionGroup) as caught:
        await fall_deaf(fell_s)
    assert caught.group_contains(LinkError, match="gives no sign of life")
    assert trio.current_time() - fell_s[0] <= 2 * KEEPALIVE_S + 3 * LOOK_S


def packet(kind: int, flags: int, body: bytes) -> bytes:
    """A packet, as it is on the wire."""
    length, rest = bytearray(), len(body)
    while rest or not length:
        rest, low = divmod(rest, 128)
        length.append(low | 128 * (rest > 0))
    return bytes((kind << 4 | flags, *length)) + body


def published(topic: str, number: int, payload: bytes) -> bytes:
    """A message on its way to a subscriber; one with a number wants to be acknowledged."""
    quality = number > 0
    return packet(
        PUBLISH, 2 * quality, len(topic).to_bytes(2, "big") + topic.encode() + number.to_bytes(2, "big") * quality + payload
    )


async def told(stream: bytes, piece_bytes: int) -> list[Message]:
    """What comes of bytes that arrive in pieces; the most that is kept of them is as long as a message may be."""
    ours, theirs = memory_stream_pair()
    packets = _Packets(Wire(), "v042", is_v5=False, keeps=False)
    link, found = Link("broker:1883", ours, packets), list[Message]()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Broker(theirs, ours.send_stream).serve)
        await link.enter(KEEPALIVE_S, 0.0)
        for at in range(0, len(stream), piece_bytes):
            await theirs.send_all(stream[at : at + piece_bytes])
            await link._read()
            assert len(packets._in_packet["packet"]) <= MOST_BYTES
            while link.has_news:
                news = await link.receive()
                assert isinstance(news, Message)
                found.append(news)
        nursery.cancel_scope.cancel()
    return found


@given(st.integers(0, 3), st.sampled_from(["t", "a/" * 30_000]), st.sampled_from([1, 100, 200_000]), st.integers(1_000, 65_536))
def test_a_message_that_is_too_long_is_told_without_its_content_and_what_follows_is_read(
    number: int, topic: str, more: int, piece_bytes: int
) -> None:
    too_long = published(topic, number, b"x" * (MOST_BYTES + more))
    found = trio.run(told, published("a", 0, b"1") + too_long + published("b", 7, b"2"), piece_bytes)
    assert found == [Message("a", b"1", False, 0), Message(topic, b"", False, number), Message("b", b"2", False, 7)]


def test_the_longest_message_is_read_whole() -> None:
    payload = b"x" * (MOST_BYTES - 5)
    assert trio.run(told, published("t", 1, payload), 60_000) == [Message("t", payload, False, 1)]


@pytest.mark.parametrize("head", [0x50, 0x34], ids=["another kind of packet", "a message that would have to be stored"])
def test_what_is_too_long_and_no_message_to_us_ends_the_connection(head: int) -> None:
    with pytest.raises(BaseExceptionGroup) as caught:
        trio.run(told, packet(head >> 4, head & 15, b"\0\1t" + b"x" * MOST_BYTES), 60_000)
    assert caught.group_contains(LinkError, match="does not speak MQTT as it should")


@pytest.mark.trio
async def test_no_keepalive_is_so_short_that_it_means_never(autojump_clock: MockClock) -> None:
    with trio.fail_after(60), pytest.raises(BaseExceptionGroup) as caught:
        await fall_deaf([], 0.9)
    assert caught.group_contains(LinkError, match="gives no sign of life")


@pytest.mark.trio
async def test_who_takes_leave_while_the_broker_is_looked_after_loses_nothing(autojump_clock: MockClock) -> None:
    """The farewell takes longer than from one look to the next: paho has closed its side by then, which is no trouble."""
    async with linked() as (link, broker):
        broker.takes_in(1.5 * LOOK_S)
        await link.leave()
        await trio.sleep(LOOK_S)
    assert DISCONNECT in broker.came_s


@pytest.mark.trio
@pytest.mark.parametrize("host", ["hub..lan", "bröker_1.example"])
async def test_a_broker_whose_name_cannot_be_looked_up_is_not_reached(host: str) -> None:
    with pytest.raises(LinkError, match=f"the broker {host}:1883 cannot be reached: "):
        async with connected(Place(host, 1883, is_tls=False), "wagman-test"):
            pass


# --- Told to end ------------------------------------------------------------------------------------------------------


class Silent(Place):
    """It cannot be reached, or takes the connection and says nothing."""

    is_reached = False

    async def open(self) -> trio.abc.Stream:
        if not self.is_reached:
            await trio.sleep_forever()
        return memory_stream_pair()[0]


class SilentOnceReached(Silent):
    is_reached = True


@pytest.mark.trio
@pytest.mark.parametrize("kind", [Silent, SilentOnceReached])
async def test_who_is_told_to_end_waits_for_no_broker(kind: type[Silent], autojump_clock: MockClock) -> None:
    is_ending, said = trio.Event(), list[str]()

    async def connect() -> None:
        async with connected(kind("b", 1883), "v042", is_ending=is_ending):
            raise AssertionError("nobody let us in")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stay, connect, 300.0, float, said.append, is_ending)
        await trio.sleep(CONNECT_S + 3)
        is_ending.set()
        ended_s = trio.current_time()
    assert trio.current_time() == ended_s
    assert said == [
        "the broker b:1883 did not let us in within 30 s; trying again",
        "the broker b:1883 had not let us in by the end",
    ]


def test_whoever_interrupts_is_told_of_no_group() -> None:
    with pytest.raises(KeyboardInterrupt), as_link_errors("b"):
        raise BaseExceptionGroup("of two nurseries", [BaseExceptionGroup("", [KeyboardInterrupt()]), LinkError("b hung up")])
