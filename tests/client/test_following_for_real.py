"""The follower under trio, against a real socket and a real log: restarts, floods, and a log that is another one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from tests.cli.kit import Daemon
from wagman.client.asynchronous import Away, Connection, Follower, connect
from wagman.client.following import Happened, Missing, Place, Replaced

FLOOD = 700
"""More than waits in the service for a subscriber that does not read, and in the socket."""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path)
    daemon.start()
    yield daemon
    daemon.end()


async def record(connection: Connection, count: int) -> None:
    for _ in range(count):
        await connection.call("board", command="record test.event")


async def news(follower: Follower, count: int) -> list[object]:
    """The ids of so many events, and whatever else is told between them."""
    found, events = list[object](), 0
    with trio.fail_after(60):
        while events < count:
            each = await follower.receive()
            assert isinstance(each, Missing | Replaced | Away) or not each.again
            found.append(each.event["id"] if isinstance(each, Happened) else each)
            events += isinstance(each, Happened)
    return found


def test_a_restart_of_the_service_leaves_neither_gap_nor_repeat(daemon: Daemon) -> None:
    async def main() -> None:
        async with Follower(daemon.socket, Place(None, 0)) as follower:
            async with await connect(daemon.socket) as connection:
                await record(connection, 3)
                last_id = (await connection.call("events", limit=1))["last_id"]
            before = await news(follower, last_id)
            daemon.kill()
            daemon.start("record test.early")
            away, *rest = await news(follower, 1)
            assert isinstance(away, Away)
            async with await connect(daemon.socket) as connection:
                await record(connection, 3)
                last_id = (await connection.call("events", limit=1))["last_id"]
            rest += await news(follower, last_id - len(before) - len(rest))
            assert [*before, *rest] == list(range(1, last_id + 1))

    trio.run(main)


def test_a_reader_that_does_not_read_misses_nothing(daemon: Daemon) -> None:
    async def main() -> None:
        async with Follower(daemon.socket, Place(None, 0)) as follower, await connect(daemon.socket) as connection:
            await record(connection, 1)
            first = await news(follower, 1)
            await record(connection, FLOOD)
            last_id = (await connection.call("events", limit=1))["last_id"]
            assert first + await news(follower, last_id - 1) == list(range(1, last_id + 1))

    trio.run(main)


def test_a_log_that_is_another_one_is_said_to_be_and_read_from_its_first_event(daemon: Daemon) -> None:
    async def main() -> None:
        async with await connect(daemon.socket) as connection:
            await record(connection, 1)
            began = await connection.call("events", limit=1)
        async with Follower(daemon.socket, Place("another log", 5)) as follower:
            replaced, first = await news(follower, 1)
            assert replaced == Replaced("another log", 5, began["log_id"])
            assert first == 1

    trio.run(main)


def test_a_service_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)

    async def main() -> None:
        async with Follower(daemon.socket, Place(None, 0)) as follower:
            assert isinstance(await follower.receive(), Away)
            await trio.to_thread.run_sync(daemon.start)
            assert await news(follower, 1) == [1]

    try:
        trio.run(main)
    finally:
        daemon.end()
