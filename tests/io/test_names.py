"""Names that are looked up while the name server hangs, by a stand-in for the function of the operating system."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define, field

from wagman.config.schema import Config
from wagman.config.service import ServiceConfig
from wagman.io.ears.addresses import Place
from wagman.io.names import AT_ONCE, Names, look_up_apart
from wagman.model.errors import ConfigError, EarError
from wagman.service.daemon import supervise

LONG_S = 20.0
MORE_THAN_TRIO_HAS_THREADS = 60


@define(eq=False)
class Server:
    """A name server, which hangs for some names."""

    asked: list[str] = field(factory=list)
    answers: threading.Event = field(factory=threading.Event)

    def look_up(self, host: bytes | str, _port: int, _family: int, _type: int, _proto: int, flags: int) -> Any:
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "not a number")
        name = host.decode() if isinstance(host, bytes) else host
        self.asked.append(name)
        if name.startswith("hangs"):
            self.answers.wait()
        raise socket.gaierror(socket.EAI_NONAME, "nobody knows it")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server()
    monkeypatch.setattr(socket, "getaddrinfo", server.look_up)
    yield server
    server.answers.set()


async def ask(name: str) -> None:
    with pytest.raises(socket.gaierror):
        await trio.open_tcp_stream(name, 80)


def test_names_that_hang_hold_up_no_program_and_no_other_name(server: Server) -> None:
    async def main() -> None:
        look_up_apart()
        async with trio.open_nursery() as nursery:
            for number in range(MORE_THAN_TRIO_HAS_THREADS):
                nursery.start_soon(ask, f"hangs{number}")
            await trio.testing.wait_all_tasks_blocked()
            with trio.fail_after(LONG_S):
                assert (await trio.run_process(["true"])).returncode == 0
                await ask("other")
            nursery.cancel_scope.cancel()

    trio.run(main)


@pytest.mark.usefixtures("server")
def test_a_name_for_which_there_is_no_thread_is_one_that_cannot_be_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_thread(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    async def main() -> None:
        look_up_apart()
        with pytest.raises(EarError, match="the name other cannot be looked up: no thread can be started: can't start"):
            await Place("other", 80, 2.0).addresses()

    monkeypatch.setattr(trio.to_thread, "run_sync", no_thread)
    trio.run(main)


def test_who_gives_up_leaves_the_look_up_behind_and_the_name_takes_two_threads_at_most(server: Server) -> None:
    async def main() -> None:
        look_up_apart()
        for _ in range(AT_ONCE + 3):
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(ask, "hangs")
                    await trio.testing.wait_all_tasks_blocked()
                    scope.cancel()
        with trio.fail_after(LONG_S):
            while len(server.asked) < AT_ONCE:  # noqa: ASYNC110 - what is waited for is a thread that has yet to begin
                await trio.sleep(0.01)
        assert server.asked == ["hangs"] * AT_ONCE
        server.answers.set()
        with trio.fail_after(LONG_S):
            await ask("hangs")

    trio.run(main)


def test_the_service_looks_up_all_names_so() -> None:
    async def main() -> None:
        config = Config(service=ServiceConfig(control_group="no-such", control_group_configured=True))
        with pytest.raises(ConfigError):  # it goes no further
            await supervise(config, source=None, place=None)  # type: ignore[arg-type]
        assert isinstance(trio.socket.set_custom_hostname_resolver(None), Names)

    trio.run(main)
