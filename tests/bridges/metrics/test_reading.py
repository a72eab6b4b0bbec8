"""What is asked of the service, against one that says what it is told to, over a real socket."""

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.api.fake_service import FakeService, fake_service
from tests.api.kit import NOBODY, READER
from tests.bridges.metrics.kit import LOG, NOW_S, example, samples
from wagman.api.access import Peer
from wagman.api.server import serve
from wagman.bridges.metrics.reading import HINT, OTHER, Reader
from wagman.client.errors import NOT_PERMITTED, ClientError

Answers = Mapping[str, Any]
WELL: Answers = {"status": example(), "events": LOG}


async def unix(path: Path) -> trio.abc.Listener[Any]:
    sock = trio.socket.socket(trio.socket.AF_UNIX)
    await sock.bind(str(path))
    sock.listen()
    return trio.SocketListener(sock)


async def scripted(answers: Answers, stream: trio.SocketStream) -> None:
    async with stream:
        async for data in stream:
            request = json.loads(data)
            answer = answers[request["method"]]
            line = answer if isinstance(answer, bytes) else json.dumps({"id": request["id"], "result": answer}).encode()
            await stream.send_all(line + b"\n")


def reading(path: Path, answers: Answers, body: Callable[[Reader, list[str]], Awaitable[None]]) -> None:
    """Read from a service that answers so."""

    async def main() -> None:
        said = list[str]()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, partial(scripted, answers), [await unix(path / "s")])
            with trio.fail_after(20):
                await body(Reader(str(path / "s"), said.append, lambda: NOW_S), said)
            nursery.cancel_scope.cancel()

    trio.run(main)


def served(path: Path, peer: Peer, body: Callable[[Reader, list[str], FakeService], Awaitable[None]]) -> None:
    """Read from our own server."""

    async def main() -> None:
        said = list[str]()
        async with fake_service() as service, trio.open_nursery() as nursery:
            await nursery.start(serve, service, await unix(path / "s"), lambda _: peer)
            with trio.fail_after(20):
                await body(Reader(str(path / "s"), said.append), said, service)
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_the_metrics_are_those_of_the_status_and_of_the_log_by_our_own_clock(tmp_path: Path) -> None:
    async def body(reader: Reader, said: list[str]) -> None:
        found = samples(await reader.text())
        assert found["wagman_start_time_seconds"] == round(NOW_S - 1)
        assert found["wagman_log_events_total"] == 17
        assert said == []

    reading(tmp_path, WELL, body)


NONSENSE: list[Answers] = [
    {**WELL, "status": {}},
    {**WELL, "status": []},
    {**WELL, "status": None},
    {**WELL, "status": {**example(), "devices": 7}},
    {**WELL, "status": {**example(), "wagman": {"state": [], "for_s": "x"}}},
    {**WELL, "events": {}},
    {**WELL, "events": {"last_id": "x", "first_id": None}},
    {**WELL, "status": b"220 a mail server"},
    {**WELL, "status": b'{"id": 1, "error": {"code": -32603, "message": "a defect"}}'},
]


@pytest.mark.parametrize("answers", NONSENSE)
def test_what_is_no_status_is_said_once_and_taken_for_no_answer(tmp_path: Path, answers: Answers) -> None:
    async def body(reader: Reader, said: list[str]) -> None:
        for _ in range(2):
            assert samples(await reader.text()) == {"wagman_up": 0}
        assert len(said) == 1
        with pytest.raises(ClientError):
            await reader.told()

    reading(tmp_path, answers, body)


def test_a_service_that_is_away_is_told_of_once_and_so_is_one_that_is_back(tmp_path: Path) -> None:
    async def main() -> None:
        said = list[str]()
        reader = Reader(str(tmp_path / "s"), said.append)
        for _ in range(2):
            assert samples(await reader.text()) == {"wagman_up": 0}
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, partial(scripted, WELL), [await unix(tmp_path / "s")])
            for _ in range(2):
                assert samples(await reader.text())["wagman_up"] == 1
            nursery.cancel_scope.cancel()
        assert len(said) == 2
        assert "no service on" in said[0]
        assert said[1] == "the service answers again"

    trio.run(main)


def test_a_reader_may_read(tmp_path: Path) -> None:
    async def body(reader: Reader, said: list[str], _service: FakeService) -> None:
        assert samples(await reader.text())['wagman_device_state{device="nc",state="started"}'] == 1
        assert said == []

    served(tmp_path, READER, body)


def test_whoever_may_not_look_is_told_what_would_help(tmp_path: Path) -> None:
    async def body(reader: Reader, said: list[str], _service: FakeService) -> None:
        assert samples(await reader.text()) == {"wagman_up": 0}
        assert [HINT in each for each in said] == [True]

    served(tmp_path, NOBODY, body)


def test_a_service_without_room_for_another_client_is_not_taken_for_one_that_turns_people_away(tmp_path: Path) -> None:
    async def body(reader: Reader, said: list[str]) -> None:
        assert samples(await reader.text()) == {"wagman_up": 0}
        assert said == ["too many clients: try again later"]

    full = {"jsonrpc": "2.0", "id": None, "error": {"code": NOT_PERMITTED, "message": "too many clients: try again later"}}
    reading(tmp_path, {"status": json.dumps(full).encode()}, body)


COUNTED_AS_OTHER = f'wagman_events_total{{type="{OTHER}"}}'


def test_events_are_counted_by_type_from_the_beginning_on(tmp_path: Path) -> None:
    async def body(reader: Reader, _said: list[str], service: FakeService) -> None:
        service.record("device.off", "gn")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reader.count)
            while not service.journal._feed._subscriptions:  # noqa: ASYNC110 - the service tells nobody
                await trio.sleep(0.01)
            for type_ in ("device.off", "device.off", "test.of_a_newer_service"):
                service.record(type_, "gn")
            while not (found := samples(await reader.text()))[COUNTED_AS_OTHER]:  # noqa: ASYNC110 - nor does the reader
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
        assert found['wagman_events_total{type="device.off"}'] == 2
        assert found[COUNTED_AS_OTHER] == 1
        assert found['wagman_events_total{type="device.brownout"}'] == 0

    served(tmp_path, READER, body)
