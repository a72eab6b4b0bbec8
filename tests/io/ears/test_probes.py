"""Probes against servers on loopback: well, unwell, slow, rude, and in trouble that is our own."""

import errno
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from wagman.config.ears import EarConfig
from wagman.io.ears.banner import MOST_BYTES, BannerEar
from wagman.io.ears.exec import ExecEar
from wagman.io.ears.http import HttpEar
from wagman.io.ears.tcp import TcpEar
from wagman.io.names import AT_ONCE, look_up_apart
from wagman.model import process
from wagman.model.errors import EarError

LONG_S, SHORT_S = 20.0, 0.2

Handler = Callable[[trio.SocketStream], Awaitable[None]]


@asynccontextmanager
async def server(handle: Handler) -> AsyncIterator[int]:
    """A server on loopback; its port."""

    async def served(stream: trio.SocketStream) -> None:
        try:
            async with stream:
                await handle(stream)
        except trio.BrokenResourceError:
            return

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, served, 0, host="127.0.0.1"))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


def saying(data: bytes, *, listens: bool = True) -> Handler:
    async def handle(stream: trio.SocketStream) -> None:
        if listens:
            await stream.receive_some()
        await stream.send_all(data)

    return handle


async def hanging(_: trio.SocketStream) -> None:
    await trio.sleep_forever()


def asked(handle: Handler, ear: Callable[[int], EarConfig]) -> bool:
    async def main() -> bool:
        async with server(handle) as port:
            return await ear(port).probe().ask()

    return trio.run(main)


def page(port: int, expect: str | None = None, timeout_s: float = LONG_S) -> EarConfig:
    return HttpEar(http=f"http://127.0.0.1:{port}/health", expect=expect, timeout_s=timeout_s)


def banner(port: int, expect: str | None = None, timeout_s: float = LONG_S) -> EarConfig:
    return BannerEar(banner=f"127.0.0.1:{port}", expect=expect, timeout_s=timeout_s)


def answer(status: str, body: bytes = b"") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


# --- HTTP -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "is_well"),
    [("200 OK", True), ("204 No Content", True), ("301 Moved", False), ("404 Not Found", False), ("503 Unwell", False)],
)
def test_only_a_status_from_200_to_299_is_a_beat(status: str, is_well: bool) -> None:
    assert asked(saying(answer(status)), page) == is_well


def test_a_page_that_does_not_hold_what_is_expected_is_somebody_elses() -> None:
    assert asked(saying(answer("200 OK", b"I am gn\n")), partial(page, expect="gn"))
    assert not asked(saying(answer("200 OK", b"I am cs\n")), partial(page, expect="gn"))


def test_of_a_long_page_the_beginning_counts() -> None:
    long = b"I am gn\n" + b"x" * 2_000_000 + b"I am cs\n"
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + long
    for said in (answer("200 OK", long), endless):
        assert asked(saying(said), page)
        assert asked(saying(said), partial(page, expect="gn"))
        assert not asked(saying(said), partial(page, expect="cs"))
    assert not asked(saying(answer("503 Unwell", long)), page)


@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 200 OK\r\n", b"SSH-2.0-OpenSSH\r\n", b"\0" * 100_000, b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000]
)
def test_garbage_half_an_answer_too_much_and_nothing_are_no_beats(data: bytes) -> None:
    assert not asked(saying(data), page)


def test_a_page_that_does_not_come_in_time_is_no_beat() -> None:
    assert not asked(hanging, partial(page, timeout_s=SHORT_S))


@given(st.binary(max_size=200))
def test_whatever_a_guest_says_raises_nothing(data: bytes) -> None:
    asked(saying(data), partial(page, timeout_s=SHORT_S))
    asked(saying(data, listens=False), partial(banner, expect="gn", timeout_s=SHORT_S))


# --- Banners and connections ------------------------------------------------------------------------------------------


def test_what_a_program_says_by_itself_is_a_beat_and_a_connection_alone_is_none() -> None:
    assert asked(saying(b"SSH-2.0-OpenSSH_9.2\r\n", listens=False), banner)
    assert not asked(hanging, partial(banner, timeout_s=SHORT_S))
    assert not asked(saying(b"", listens=False), banner)


def test_a_connection_is_enough_for_tcp() -> None:
    assert asked(hanging, lambda port: TcpEar(tcp=f"127.0.0.1:{port}"))


def test_a_banner_is_searched_for_what_is_expected_however_it_is_cut() -> None:
    async def handle(stream: trio.SocketStream) -> None:
        for piece in (b"220 g", b"n ESMTP\r\n"):
            await stream.send_all(piece)
            await trio.sleep(0.02)

    assert asked(handle, partial(banner, expect="gn"))
    assert not asked(handle, partial(banner, expect="cs"))


def test_no_more_of_a_banner_is_read_than_a_banner_has() -> None:
    async def handle(stream: trio.SocketStream) -> None:
        await stream.send_all(b"x" * MOST_BYTES + b"gn")
        await trio.sleep_forever()

    assert not asked(handle, partial(banner, expect="gn"))


@pytest.mark.parametrize("ear", [page, banner, lambda port: TcpEar(tcp=f"127.0.0.1:{port}")])
def test_a_port_that_refuses_is_no_beat(ear: Callable[[int], EarConfig]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert trio.run(ear(taken.getsockname()[1]).probe().ask) is False


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOBUFS, errno.EPERM, errno.EADDRNOTAVAIL])
def test_a_question_that_cannot_leave_this_computer_is_no_silence(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(trio.socket, "socket", refuse)
    for ear in (page(1), banner(1), TcpEar(tcp="127.0.0.1:1")):
        with pytest.raises(EarError, match=os.strerror(number)):
            trio.run(ear.probe().ask)


# --- Names ------------------------------------------------------------------------------------------------------------


class Names:
    """A name server."""

    def __init__(self, port: int) -> None:
        self.answer: Any = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        self.asked = 0
        self.let_go = threading.Event()

    def look_up(self, _host: str, _port: int, _family: int, _type: int, _proto: int, flags: int) -> Any:
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "not a number")
        self.asked += 1
        if self.answer is None:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        if self.answer == "hang":
            self.let_go.wait()
        return self.answer


def with_names(monkeypatch: pytest.MonkeyPatch, script: Callable[[Names, EarConfig], Awaitable[None]], timeout_s: float) -> None:
    async def main() -> None:
        async with server(saying(b"hello", listens=False)) as port:
            names = Names(port)
            look_up_apart()
            monkeypatch.setattr(socket, "getaddrinfo", names.look_up)
            await script(names, BannerEar(banner=f"gn.example:{port}", timeout_s=timeout_s))

    trio.run(main)


def test_a_name_is_looked_up_at_each_question(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(names: Names, ear: EarConfig) -> None:
        probe = ear.probe()
        assert await probe.ask()
        assert await probe.ask()
        assert names.asked == 2

    with_names(monkeypatch, script, LONG_S)


def test_a_name_that_cannot_be_looked_up_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(names: Names, ear: EarConfig) -> None:
        names.answer = None
        with pytest.raises(EarError, match=r"gn.example cannot be looked up: Temporary failure"):
            await ear.probe().ask()

    with_names(monkeypatch, script, LONG_S)


def test_while_a_name_cannot_be_looked_up_the_guest_is_asked_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(names: Names, ear: EarConfig) -> None:
        probe = ear.probe()
        assert await probe.ask()
        names.answer = None
        assert await probe.ask()

    with_names(monkeypatch, script, LONG_S)


def test_a_look_up_that_hangs_is_bounded_and_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(names: Names, ear: EarConfig) -> None:
        probe = ear.probe()
        assert await probe.ask()
        names.answer = "hang"
        try:
            for _ in range(12):  # more than may hang at once
                with trio.fail_after(LONG_S):
                    assert await probe.ask()
            with pytest.raises(EarError, match="nobody who knows it answers"):
                await ear.probe().ask()
            assert names.asked == 1 + AT_ONCE
        finally:
            names.let_go.set()

    with_names(monkeypatch, script, 0.2)


def test_one_address_of_several_that_answers_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(names: Names, ear: EarConfig) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            refusing = (*names.answer[0][:4], taken.getsockname())
            names.answer = [refusing, *names.answer]
            assert await ear.probe().ask()

    with_names(monkeypatch, script, LONG_S)


# --- Commands ---------------------------------------------------------------------------------------------------------


def command(*words: str, timeout_s: float = LONG_S) -> bool:
    return trio.run(ExecEar(exec=words, timeout_s=timeout_s).probe().ask)


def test_a_command_that_ends_with_0_is_a_beat_and_any_other_status_is_none() -> None:
    assert command("true")
    assert not command("false")
    assert not command("sh", "-c", "exit 2")


def test_a_command_that_takes_too_long_is_no_beat() -> None:
    assert not command("sleep", "30", timeout_s=SHORT_S)


def test_a_command_that_does_not_end_by_itself_is_no_beat_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "KILL_GRACE_S", 0.1)
    ear = ExecEar(exec=("sh", "-c", "trap '' TERM; sleep 30 & wait; wait"), timeout_s=SHORT_S)

    async def main() -> None:
        began_s = trio.current_time()
        assert await ear.probe().ask() is False
        assert trio.current_time() - began_s <= ear.question_s

    trio.run(main)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("/no/such/check",), "cannot be run"),
        (("sh", "-c", "no-such-check"), "exit status 127: .*not found"),
        ((sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"), "exit status -9"),
    ],
)
def test_a_command_that_could_not_look_is_no_silence(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(EarError, match=said):
        command(*words)
