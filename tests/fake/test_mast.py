"""The fake mast: computers that are processes, and the network between them and whoever asks."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trio

from wagman.fake.guests import GuestSpec
from wagman.fake.mast.computer import HOST, VERBS, ask
from wagman.fake.mast.guests import PoweredGuest
from wagman.fake.mast.network import Network


@contextmanager
def guest(boot_s: float = 20.0) -> Iterator[PoweredGuest]:
    """A guest that is off, at the beginning as at the end."""
    made = PoweredGuest("ai", GuestSpec(boot_s=boot_s))
    try:
        yield made
    finally:
        made.power_off(0.0)


@contextmanager
def running() -> Iterator[tuple[PoweredGuest, int]]:
    """A guest that runs, and where."""
    with guest() as made:
        made.power_on(0.0, None)
        made.tick(20.0)
        assert made.computer is not None
        yield made, made.computer.port


def accepts(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def comes_up(port: int) -> bool:
    """It answers within 20 s."""
    until_s = time.monotonic() + 20
    while ask(VERBS["ask"], port) and time.monotonic() < until_s:
        pass
    return ask(VERBS["ask"], port) == 0


# --- Computers --------------------------------------------------------------------------------------------------------


def test_a_guest_is_a_process_from_the_end_of_its_boot_until_its_power_is_cut() -> None:
    with guest() as made:
        assert made.state(0.0) == "off"
        made.power_on(0.0, None)
        made.tick(19.0)
        assert (made.state(19.0), made.computer) == ("booting", None)
        made.tick(20.0)
        assert made.computer is not None
        port = made.computer.port
        assert (made.state(20.0), comes_up(port)) == ("running", True)
        assert made.power_off(21.0) == "running"
        assert (made.state(21.0), accepts(port)) == ("off", False)


def test_one_that_is_cut_while_it_boots_never_runs() -> None:
    with guest() as made:
        made.power_on(0.0, None)
        assert made.power_off(10.0) == "booting"
        made.tick(30.0)
        assert made.computer is None


def test_it_says_who_it_is() -> None:
    with running() as (made, port), socket.create_connection((HOST, port), timeout=20) as asked:
        assert made.computer is not None
        asked.sendall(b"GET /health HTTP/1.1\r\n\r\n")
        assert f"ai is well (process {made.computer.process.pid})" in asked.recv(4096).decode()


def test_one_that_hangs_accepts_and_does_not_answer_until_it_is_revived() -> None:
    with running() as (made, port):
        assert comes_up(port)
        assert made.hang(30.0)
        assert (made.state(30.0), accepts(port), ask(VERBS["ask"], port)) == ("hung", True, 1)
        assert not made.hang(31.0)
        assert made.revive(32.0)
        assert (made.state(32.0), comes_up(port)) == ("running", True)
        made.hang(33.0)
        assert made.power_off(34.0) == "hung"


@pytest.mark.parametrize("how", ["asked", "by its button"])
def test_one_that_halts_has_power_and_does_not_run(how: str) -> None:
    with running() as (made, port):
        assert comes_up(port)
        assert ask(VERBS["halt"], port) == 0 if how == "asked" else made.halt(30.0)
        assert made.computer is not None
        made.computer.process.wait(timeout=10)
        assert (made.state(31.0), accepts(port)) == ("halted", False)
        assert [made.hang(32.0), made.revive(32.0), made.halt(32.0)] == [False] * 3


# --- The network ------------------------------------------------------------------------------------------------------


async def answer_over(port: int) -> bytes:
    """What is heard there within two seconds."""
    heard = b""
    with trio.move_on_after(2), suppress(ConnectionResetError), trio.socket.socket() as asked:
        await asked.connect((HOST, port))
        await asked.send(b"GET / HTTP/1.1\r\n\r\n")
        while data := await asked.recv(4096):
            heard += data
    return heard


def test_a_network_passes_on_what_is_said_unless_it_is_down() -> None:
    async def main(port: int) -> list[bytes]:
        network = Network()
        async with trio.open_nursery() as nursery:
            here = await network.plug(nursery, lambda: port)
            well = await answer_over(here)
            network.is_down = True
            down = await answer_over(here)
            network.is_down = False
            again = await answer_over(here)
            nursery.cancel_scope.cancel()
        return [well, down, again]

    with running() as (_, port):
        assert comes_up(port)
        well, down, again = trio.run(main, port)
    assert (well == again, b"ai is well" in well, down) == (True, True, b"")


def test_nobody_answers_there_for_one_that_is_off_or_gone() -> None:
    async def main(where: int | None) -> bytes:
        async with trio.open_nursery() as nursery:
            heard = await answer_over(await Network().plug(nursery, lambda: where))
            nursery.cancel_scope.cancel()
        return heard

    with running() as (_, port):
        pass
    assert trio.run(main, None) == trio.run(main, port) == b""


# --- The whole mast ---------------------------------------------------------------------------------------------------


class Mast:
    """A mast as a process, and what it says."""

    def __init__(self) -> None:
        command = (sys.executable, "-m", "wagman.fake.mast", "--guest", "ai", "--guest", "camera", "--boot", "0", "--speed", "20")
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True)
        self.told = self.line()

    def line(self) -> dict[str, Any]:
        assert self.process.stdout
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        return told

    def do(self, command: str) -> dict[str, Any]:
        assert self.process.stdin
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return self.line()

    def computers(self) -> list[int]:
        """The processes that it has begun."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return [int(pid) for pid in children.split()]


@contextmanager
def mast() -> Iterator[Mast]:
    made = Mast()
    with made.process:
        try:
            yield made
        finally:
            made.process.kill()


def started(made: Mast) -> list[int]:
    """All of its computers run."""
    for port in range(2):
        made.do(f"press {port} on")
    while any(each["process"] is None for each in made.do("status")["guests"]):
        pass
    return made.computers()


def are_gone(pids: list[int]) -> bool:
    """They end within 10 s."""
    until_s = time.monotonic() + 10
    while any(map(runs, pids)) and time.monotonic() < until_s:
        pass
    return not any(map(runs, pids))


def runs(pid: int) -> bool:
    """There is such a process; one that nobody has buried yet has no command line any more."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def test_it_tells_where_all_of_it_is_and_takes_the_commands_of_any_rail() -> None:
    with mast() as made:
        started(made)
        assert list(made.told) == ["rail", "guests", "gateway"]
        assert all(map(comes_up, (*made.told["guests"].values(), made.told["gateway"])))
        assert made.do("hang 0") == {"ok": True}
        assert [each["state"] for each in made.do("status")["guests"]] == ["hung", "running"]
        assert made.do("network down") == {"ok": True}
        assert ask(VERBS["ask"], made.told["gateway"]) == 1
        assert made.do("network up") == {"ok": True}
        assert comes_up(made.told["gateway"])
        assert not made.do("dance")["ok"]


@pytest.mark.parametrize("how", ["end of its input", "SIGTERM", "SIGKILL"])
def test_none_of_its_computers_outlives_it_not_even_one_that_hangs(how: str) -> None:
    with mast() as made:
        computers = started(made)
        assert len(computers) == 3
        made.do("hang 0")
        if how == "end of its input":
            assert made.process.stdin
            made.process.stdin.close()
        else:
            os.kill(made.process.pid, getattr(signal, how))
        made.process.wait(timeout=20)
        assert are_gone(computers)
