"""A connection for programs that run in trio, against a service that says what it is told to."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from wagman.client.asynchronous import Connection, connect
from wagman.client.conversation import Answer, Conversation, Notification
from wagman.client.errors import AnswerError, DeniedError, LostError

Server = Callable[[trio.abc.Stream], Awaitable[None]]
NEWS: dict[str, Any] = {"method": "event", "params": {"subscription": 1, "event": {"id": 7}}}


def line(message: Any) -> bytes:
    return json.dumps(message).encode() + b"\n"


def talk(server: Server, client: Callable[[Connection], Awaitable[None]]) -> None:
    async def main() -> None:
        ours, theirs = trio.testing.memory_stream_pair()
        async with trio.open_nursery() as nursery, Connection(ours, "the socket") as connection:
            nursery.start_soon(server, theirs)
            await client(connection)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def answering(*messages: Any) -> Server:
    async def server(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        for message in messages:
            await stream.send_all(line(message))
        await stream.aclose()

    return server


def test_what_is_told_before_the_answer_is_kept_for_who_asks_for_it() -> None:
    async def client(connection: Connection) -> None:
        assert await connection.call("status") == {"all": "well"}
        assert await connection.told() == Notification("event", NEWS["params"])

    talk(answering(NEWS, {"id": 1, "result": {"all": "well"}}), client)


def test_a_refusal_is_an_error_with_its_code() -> None:
    async def client(connection: Connection) -> None:
        with pytest.raises(AnswerError, match="no such guest") as caught:
            await connection.call("start", device="gn")
        assert caught.value.code == -32602

    talk(answering({"id": 1, "error": {"code": -32602, "message": "no such guest"}}), client)


def test_a_service_that_hangs_up_is_lost() -> None:
    async def client(connection: Connection) -> None:
        with pytest.raises(LostError, match="hung up"):
            await connection.call("status")
        with pytest.raises(LostError, match="hung up"):
            await connection.told()

    talk(answering(), client)


def test_an_answer_that_is_not_waited_for_any_more_is_not_taken_for_the_next_one() -> None:
    async def server(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await trio.sleep(2)
        await stream.send_all(line({"id": 1, "result": "late"}))
        await stream.receive_some()
        await stream.send_all(line({"id": 2, "result": "in time"}))

    async def client(connection: Connection) -> None:
        with trio.move_on_after(1):
            await connection.call("hello")
        assert await connection.call("status") == "in time"

    talk(server, client)


def test_who_asks_at_once_is_answered_each_his_own() -> None:
    async def server(stream: trio.abc.Stream) -> None:
        while asked := await stream.receive_some():
            request = json.loads(asked)
            await stream.send_all(line({"id": request["id"], "result": request["method"]}))

    async def client(connection: Connection) -> None:
        async def ask(method: str) -> None:
            assert await connection.call(method) == method

        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(ask, f"method{number}")

    talk(server, client)


def test_where_nobody_listens_it_is_lost(tmp_path: Path) -> None:
    with pytest.raises(LostError, match="no service on"):
        trio.run(connect, tmp_path / "s")


def test_who_may_not_use_the_socket_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(trio, "open_unix_socket", refused)
    with pytest.raises(DeniedError, match="become a member of its group"):
        trio.run(connect, tmp_path / "s")


# --- Bytes in, messages out -----------------------------------------------------------------------------------------------

MESSAGES = (
    NEWS,
    {"id": 1, "result": None},
    {"id": 2, "result": [1, {"a": "\n"}]},
    {"id": None, "error": {"code": 5, "message": "x"}},
)


@given(st.lists(st.sampled_from(MESSAGES), max_size=6), st.data())
def test_messages_are_the_same_however_the_bytes_are_cut(messages: list[Any], data: st.DataObject) -> None:
    conversation = Conversation("the socket")
    for _ in range(2):
        conversation.request("anything", {})
    rest, found = b"".join(map(line, messages)), list[Any]()
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        conversation.feed(rest[:size])
        rest = rest[size:]
        while (message := conversation.next()) is not None:
            found.append(message.message if isinstance(message, Answer) else {"method": message.method, "params": message.params})
    assert found == messages


@given(st.binary(min_size=1, max_size=200))
def test_what_sends_bytes_at_random_is_no_wagman_service(nonsense: bytes) -> None:
    conversation = Conversation("the socket")
    conversation.feed(nonsense + b"\n")
    with pytest.raises(LostError, match="no wagman service"):
        conversation.next()
