"""HTTP for Prometheus, over streams in memory and in virtual time; whatever comes, somebody else is answered afterwards."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import h11
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from wagman.bridges.metrics.serving import MOST_BYTES, MOST_CONNECTIONS, REQUEST_S, Server

GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
TEXT = "wagman_up 1\n"


async def text() -> str:
    return TEXT


async def never() -> str:
    await trio.sleep_forever()
    raise AssertionError


def run(main: Callable[[], Awaitable[None]]) -> None:
    trio.run(main, clock=MockClock(autojump_threshold=0))


async def everything(stream: trio.abc.ReceiveStream) -> bytes:
    parts = list[bytes]()
    while part := await stream.receive_some():
        parts.append(bytes(part))
    return b"".join(parts)


def answered(*parts: bytes, server: Server | None = None) -> bytes:
    """All that is answered to these bytes, which come piece by piece; then the other side says no more."""
    answer = bytearray()

    async def main() -> None:
        ours, theirs = trio.testing.memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon((server or Server(text)).talk, theirs)
            with suppress(trio.BrokenResourceError):  # it may have heard enough
                for part in parts:
                    await ours.send_all(part)
                    await trio.testing.wait_all_tasks_blocked()
                await ours.send_eof()
            answer.extend(await everything(ours))

    run(main)
    return bytes(answer)


def parsed(answer: bytes, method: str = "GET") -> tuple[int, dict[bytes, bytes], bytes]:
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/metrics", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(answer)
    client.receive_data(b"")
    head = client.next_event()
    assert isinstance(head, h11.Response)
    body = b""
    while isinstance(event := client.next_event(), h11.Data):
        body += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    return head.status_code, dict(head.headers), body


def test_the_metrics_are_given_with_their_kind() -> None:
    status, headers, body = parsed(answered(GET))
    assert (status, body) == (200, TEXT.encode())
    assert headers[b"content-type"] == b"text/plain; version=0.0.4; charset=utf-8"
    assert headers[b"connection"] == b"close"


def test_a_request_may_come_byte_by_byte_and_have_a_question() -> None:
    request = GET.replace(b"/metrics", b"/metrics?x=y")
    assert parsed(answered(*(bytes([each]) for each in request)))[0] == 200


def test_whoever_asks_for_the_head_gets_the_head() -> None:
    status, headers, body = parsed(answered(GET.replace(b"GET", b"HEAD")), "HEAD")
    assert (status, headers[b"content-length"], body) == (200, str(len(TEXT)).encode(), b"")
    assert answered(GET.replace(b"GET", b"HEAD")).endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (GET.replace(b"/metrics", b"/"), 404),
        (GET.replace(b"/metrics", b"/metrics/x"), 404),
        (GET.replace(b"GET", b"DELETE"), 405),
        (b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 405),
        (b"garbage\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\n\r\n", 400),
        (b"GET /" + b"x" * MOST_BYTES, 431),
    ],
)
def test_anything_else_is_refused(request_: bytes, status: int) -> None:
    assert parsed(answered(request_))[0] == status


@given(st.lists(st.binary(), max_size=4) | st.binary(max_size=40).map(lambda tail: [GET[:20] + tail]))
def test_no_bytes_end_the_server(parts: list[bytes]) -> None:
    server = Server(text)
    answered(*parts, server=server)
    assert parsed(answered(GET, server=server))[0] == 200


def test_whoever_asks_nothing_is_hung_up_on() -> None:
    async def main() -> None:
        ours, theirs = trio.testing.memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Server(text).talk, theirs)
            await ours.send_all(GET[:10])
            began_s = trio.current_time()
            assert await everything(ours) == b""
            assert trio.current_time() - began_s == pytest.approx(REQUEST_S)

    run(main)


def test_an_answer_that_does_not_come_in_time_is_none() -> None:
    assert answered(GET, server=Server(never)) == b""


def test_whoever_does_not_read_is_hung_up_on() -> None:
    async def main() -> None:
        ours, theirs = trio.testing.lockstep_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Server(text).talk, theirs)
            await ours.send_all(GET)
        assert trio.current_time() >= REQUEST_S

    run(main)


def test_whoever_hangs_up_before_the_answer_is_no_error() -> None:
    async def main() -> None:
        ours, theirs = trio.testing.lockstep_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Server(text).talk, theirs)
            await ours.send_all(GET)
            await ours.aclose()

    run(main)


def test_there_is_room_for_so_many_at_a_time_and_for_others_afterwards() -> None:
    async def main() -> None:
        server, waiting = Server(text), list[trio.abc.Stream]()
        async with trio.open_nursery() as nursery:
            for _ in range(MOST_CONNECTIONS):
                ours, theirs = trio.testing.memory_stream_pair()
                nursery.start_soon(server.talk, theirs)
                waiting.append(ours)
            await trio.testing.wait_all_tasks_blocked()
            ours, theirs = trio.testing.memory_stream_pair()
            nursery.start_soon(server.talk, theirs)
            began_s = trio.current_time()
            assert (await everything(ours), trio.current_time()) == (b"", began_s)
            await waiting[0].aclose()
            await trio.testing.wait_all_tasks_blocked()
            ours, theirs = trio.testing.memory_stream_pair()
            nursery.start_soon(server.talk, theirs)
            await ours.send_all(GET)
            assert parsed(await everything(ours))[0] == 200

    run(main)
